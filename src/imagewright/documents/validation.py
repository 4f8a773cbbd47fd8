"""The bytes of a file to findings, whatever they are: what ``imagewright validate`` stands on."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imagewright.documents.component.loading import check_component
from imagewright.documents.component.rules import COMPONENT_RULES
from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.dockerfile.check import load_dockerfile
from imagewright.documents.dockerfile.rules import DOCKERFILE_RULES
from imagewright.documents.places import EMPTY, Position, Span
from imagewright.documents.reading import Budget, load
from imagewright.documents.recognise import DocumentKind, recognise_loaded
from imagewright.documents.rules import Rule
from imagewright.documents.specs import ActionSpec, ModuleSpec, Platform, Stage
from imagewright.documents.syntax import SYNTAX_RULES, TooLarge
from imagewright.documents.text import place_of_byte
from imagewright.documents.workflow.check import check_workflow
from imagewright.documents.workflow.model import Workflow
from imagewright.documents.workflow.rules import WORKFLOW_RULES

SIZE_BYTES_MAX: Final = Budget().size_bytes
"""Nobody needs to read more of a file than one byte beyond this."""


class NotUtf8(Rule):
    """A document is text in UTF-8.

    An editor or a shell saved it in another encoding, or it is no text at all.
    """

    code = "DC001"
    good = "name: Größe\n"
    bad = "name: Gr\udcf6\udcdfe\n"


class NoKnownDocument(Rule):
    """A workflow has `steps` at its top, a component has `phases`.

    A document inside a CloudFormation template, a Terraform file or the input of an API call has
    to be taken out before it can be checked.
    """

    code = "DC002"
    good = "name: x\nschemaVersion: 1.0\nsteps: []\n"
    bad = "name: x\n"


FILE_RULES: tuple[type[Rule], ...] = (NotUtf8, NoKnownDocument)

ALL_RULES: tuple[type[Rule], ...] = (
    *FILE_RULES,
    *SYNTAX_RULES,
    *WORKFLOW_RULES,
    *COMPONENT_RULES,
    *DOCKERFILE_RULES,
)


_CHECKED: Final = frozenset(
    {DocumentKind.WORKFLOW, DocumentKind.COMPONENT, DocumentKind.DOCKERFILE}
)


@dataclass(frozen=True, slots=True)
class Validated:
    """What became of a file."""

    kind: DocumentKind | None
    """What it was taken for; None if it is like nothing known."""
    text: str
    """What could be read of it."""
    findings: tuple[Diagnostic, ...]
    workflow: Workflow | None = None
    """What it says, if it is a workflow without errors."""

    @property
    def is_document(self) -> bool:
        """Tell whether it is a document that can be checked, good or bad."""
        return self.kind in _CHECKED


def validate(
    content: bytes,
    *,
    actions: Mapping[str, ActionSpec],
    modules: Mapping[str, ModuleSpec],
    stage: Stage | None = None,
    platform: Platform | None = None,
    is_dockerfile: bool = False,
) -> Validated:
    """Check a file's content, of which ``SIZE_BYTES_MAX + 1`` bytes are enough.

    A workflow is held against the stage and a component against the platform, where given. What
    ``is_dockerfile`` by its name need not look like one. Never raises over what the file holds.
    """
    text = content.decode("utf-8", "replace")
    if is_dockerfile:
        return _validate_dockerfile(content, text)
    loaded = load(text[:SIZE_BYTES_MAX])
    kind = recognise_loaded(loaded, text[:SIZE_BYTES_MAX])
    if kind is DocumentKind.DOCKERFILE:
        return _validate_dockerfile(content, text)
    if (refusal := _refuse(content)) is not None:
        return Validated(kind, text, (refusal,))
    if kind is DocumentKind.WORKFLOW:
        checked = check_workflow(loaded, actions=actions, stage=stage)
        return Validated(kind, text, checked.findings, checked.workflow)
    if kind is DocumentKind.COMPONENT:
        component = check_component(loaded, modules=modules, platform=platform)
        return Validated(kind, text, component.findings)
    if kind is not None:  # its own tags and templates are no mistakes
        return Validated(kind, text, (_no_document(kind),))
    return Validated(kind, text, loaded.findings or (_no_document(kind),))


def _validate_dockerfile(content: bytes, text: str) -> Validated:
    refusal = _refuse(content)
    findings = load_dockerfile(text).findings if refusal is None else (refusal,)
    return Validated(DocumentKind.DOCKERFILE, text, findings)


def _refuse(content: bytes) -> Diagnostic | None:
    if len(content) > SIZE_BYTES_MAX:
        message = f"the text has more bytes than the {SIZE_BYTES_MAX:,} a document may have"
        return TooLarge.finding(EMPTY, message)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return NotUtf8.finding(EMPTY, "the text is in UTF-16", fix="save it as UTF-8")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _not_utf8(content, error.start)
    return None


def _not_utf8(content: bytes, at: int) -> Diagnostic:
    start = place_of_byte(content, at)
    end = Position(start.line, start.column + 1, start.offset + 1)
    name = f"0x{content[at]:02X}"
    message = f"the byte {name} is not UTF-8 here"
    return NotUtf8.finding(Span(start, end), message, label=name, fix="save the text as UTF-8")


_WAYS_OUT: Final = {
    None: "a workflow has `steps` at its top, a component `phases`",
    DocumentKind.TEMPLATE: "check the document that it holds below `Data`, in a file of its own",
    DocumentKind.REQUEST: "check the document that it names with `data` or `uri`, if it does",
    DocumentKind.WORKFLOW: "",
    DocumentKind.COMPONENT: "",
    DocumentKind.DOCKERFILE: "",
}


def _no_document(kind: DocumentKind | None) -> Diagnostic:
    what = f"{kind}, not" if kind else "neither"
    either = "or" if kind else "nor"
    message = f"this is {what} a workflow document {either} a component document"
    return NoKnownDocument.finding(EMPTY, message, fix=_WAYS_OUT[kind])
