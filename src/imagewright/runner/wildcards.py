"""Wildcards in paths: ``*``, in the last part only (``component-documents.md`` §7.0).

The match itself happens in the guest. The pattern reaches its shell as the pieces between the
stars, each an argument of its own and quoted, so nothing else in a name is special. As in Go's
``filepath.Match``, a star also matches a leading dot.
"""

from dataclasses import dataclass

from imagewright.runner.failures import ModuleFailure


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries of one folder are meant."""

    folder: str
    """Without a slash at its end; empty for the root."""
    pieces: tuple[str, ...]
    """Of the name, between the stars; one piece: there is no star."""

    @property
    def has_wildcard(self) -> bool:
        """Tell whether there is a star in it."""
        return len(self.pieces) > 1


def select(path: str) -> Selection:
    """Split an absolute path. Raises ModuleFailure for a star before the last separator."""
    folder, _, name = path.rpartition("/")
    if "*" in folder and "*" in name:
        raise ModuleFailure(f"`*` may stand only behind the last separator: {path}")
    return Selection(folder, tuple(name.split("*")))


def walk(selection: Selection, body: str) -> str:
    """Write a loop over what is selected; arguments ``$1`` on are folder and pieces.

    ``body`` sees ``$entry``, the path, and ``$name``. Without a star the entry need not exist.
    """
    if not selection.has_wildcard:
        return f"entry=$1/$2 name=$2\n{body}\n"
    pattern = "*".join(f'"${{{number}}}"' for number in range(2, len(selection.pieces) + 2))
    return f"""
for entry in "$1"/* "$1"/.*; do
    name=${{entry##*/}}
    case $name in
        .|..) continue ;;
        {pattern}) ;;
        *) continue ;;
    esac
    [ -e "$entry" ] || [ -L "$entry" ] || continue
{body}
done
"""
