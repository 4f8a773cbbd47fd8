"""Where the documents of a run come from: a path, S3, or the server of the state (§8.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.reading import Budget
from imagewright.documents.specs import Platform
from imagewright.documents.text import NoText, decode
from imagewright.files import open_at_once
from imagewright.runner.modules.table import SPECS

_SIZE_BYTES_MAX = Budget().size_bytes

Fetch = Callable[[str], str]
"""Returns the text behind a URI or an ARN. Raises SetupFailed."""


class SetupFailed(Exception):
    """A run cannot begin; the message says why, for people and for ``failureMessage``."""


class BrokenDocument(SetupFailed):
    """A document has errors."""

    def __init__(self, place: str, text: str, findings: tuple[Diagnostic, ...]) -> None:
        super().__init__(f"Document {place} is not valid. {wire_message(findings)}")
        self.place = place
        self.text = text
        self.findings = findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """How documents that are no files are fetched."""

    from_s3: Fetch
    from_server: Fetch

    def text(self, place: str) -> str:
        """Return a document's text. Raises SetupFailed."""
        match kind_of_place(place):
            case "an S3 URI":
                return self.from_s3(place)
            case "a component ARN":
                return self.from_server(place)
        try:
            with open(place, "rb", opener=open_at_once) as stream:
                content = stream.read(_SIZE_BYTES_MAX + 1)
            text = decode(content)
        except NoText as error:
            raise SetupFailed(f"{place} is no text in UTF-8: {error}") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise SetupFailed(f"{place} cannot be read: {reason}") from None
        if len(content) > _SIZE_BYTES_MAX:
            raise SetupFailed(f"{place} has more than {_SIZE_BYTES_MAX:,} bytes")
        return text


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document that was found good."""

    place: str
    text: str
    component: Component
    findings: tuple[Diagnostic, ...]
    """Warnings."""


def load_document(place: str, text: str, platform: Platform) -> Loaded:
    """Check a text for a platform. Raises BrokenDocument."""
    checked = load_component(text, modules=SPECS, platform=platform)
    if checked.component is None:
        raise BrokenDocument(place, text, checked.findings)
    return Loaded(place, text, checked.component, checked.findings)


def kind_of_place(place: str) -> str:
    """Say what a document is named by, in the words of the log."""
    if place.lower().startswith("s3://"):
        return "an S3 URI"
    if place.startswith("arn:"):
        return "a component ARN"
    return "a local path"


def file_name(place: str) -> str:
    """Name the copy of a document in the log folder: what stands last in its place."""
    if kind_of_place(place) == "a local path":
        return Path(place).name or "document"
    return PurePosixPath(place).name or "document"
