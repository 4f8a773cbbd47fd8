"""The one repair of a document without ``schemaVersion``."""

from imagewright.documents.diagnostics import surely_meant
from imagewright.documents.edits import Edit
from imagewright.documents.nodes import MapNode
from imagewright.documents.places import Span


def inserting_version(root: MapNode) -> tuple[Edit, ...]:
    """Write the schema version first, where keys stand at the beginning of their lines.

    Where it is there under a misspelt key, none is added: that key has a repair of its own.
    """
    names = [entry.key.text for entry in root.entries]
    keys = sorted(entry.key.span for entry in root.entries)
    if not keys or any(key.start.column != 1 for key in keys):
        return ()
    if any(surely_meant(name, ["schemaVersion"]) for name in names):
        return ()
    before = Span(keys[0].start, keys[0].start)
    return (Edit(before, "", "schemaVersion: 1.0\n", "write `schemaVersion: 1.0`"),)
