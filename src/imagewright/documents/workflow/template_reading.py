"""Nodes to templates: where references stand, by ``.$``, by braces, or by the field (§5)."""

from imagewright.documents.edits import replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, native
from imagewright.documents.workflow.fields import Report
from imagewright.documents.workflow.interpolation import has_references, parse_text
from imagewright.documents.workflow.references import (
    BadReferenceError,
    begins_as_reference,
    parse_reference,
)
from imagewright.documents.workflow.rules.actions import InputGivenTwice
from imagewright.documents.workflow.rules.references import MalformedReference, UnknownRoot
from imagewright.documents.workflow.rules.structure import WrongKind
from imagewright.documents.workflow.templates import (
    SUFFIX,
    Broken,
    Leaf,
    ListTemplate,
    Literal,
    MapTemplate,
    MemberTemplate,
    Mixed,
    Template,
    Whole,
)


def read_map(node: MapNode, report: Report, *, suffixed: bool = False) -> MapTemplate:
    """Read a map of inputs; keys that end in ``.$`` take references (§5.2)."""
    members: dict[str, MemberTemplate] = {}
    for entry in node.entries:
        key = entry.key
        has_suffix = key.text.endswith(SUFFIX)
        name = key.text.removesuffix(SUFFIX) if has_suffix else key.text
        if not name:
            report(WrongKind.finding(key.span, f"the key `{key.text}` names no input"))
        elif name in members:
            message = f"`{name}` is given twice, with `.$` and without"
            report(InputGivenTwice.finding(key.span, message, fix="remove one of the two"))
        else:
            value = _read(entry.value, report, suffixed=suffixed or has_suffix)
            members[name] = MemberTemplate(name, key, value)
    return MapTemplate(tuple(members.values()), node)


def read_leaf(node: Scalar, report: Report) -> Leaf:
    """Read a value that may be a reference without any suffix (§5.4)."""
    if isinstance(native(node), str) and begins_as_reference(node.text):
        return _whole(node, report)
    return _text(node, report, suffixed=False)


def _read(node: Node, report: Report, *, suffixed: bool) -> Template:
    match node:
        case MapNode():
            return read_map(node, report, suffixed=suffixed)
        case ListNode():
            items = tuple(_read(item, report, suffixed=suffixed) for item in node.items)
            return ListTemplate(items, node)
        case Scalar() if suffixed and begins_as_reference(node.text):
            return _whole(node, report)
        case Scalar():
            return _text(node, report, suffixed=suffixed)


def _whole(node: Scalar, report: Report) -> Leaf:
    try:
        return Whole(parse_reference(node.text), node)
    except BadReferenceError as error:
        return _broken(node, error, report)


def _text(node: Scalar, report: Report, *, suffixed: bool) -> Leaf:
    if not has_references(node.text):
        return Literal(native(node), node, suffixed)
    try:
        return Mixed(parse_text(node.text), node)
    except BadReferenceError as error:
        return _broken(node, error, report)


def _broken(node: Scalar, error: BadReferenceError, report: Report) -> Broken:
    rule = UnknownRoot if error.unknown_root else MalformedReference
    span = node.part(error.start, error.end)
    edits = replacing(span, node.text[error.start : error.end], error.meant)
    report(rule.finding(span, error.message, fix=error.fix, edits=edits))
    return Broken(node)
