"""Requests written as YAML: read against the service model, with the place of every mistake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from imagewright.documents.diagnostics import Diagnostic, did_you_mean
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, as_bool, as_int
from imagewright.documents.places import Span
from imagewright.wire.model import Shape, service

_NUMBERS = frozenset({"integer", "long"})


@dataclass
class RequestReader:
    """Turns nodes into what a request of the model holds; mistakes are collected."""

    findings: list[Diagnostic] = field(default_factory=list)

    def structure(self, node: Node, members: Mapping[str, str], what: str) -> dict[str, Any]:
        """Read a mapping whose members have the shapes named."""
        if not isinstance(node, MapNode):
            self._wrong(node.span, f"{what} must be a mapping")
            return {}
        found = {}
        for entry in node.entries:
            name = entry.key.text
            if name in members:
                found[name] = self.value(entry.value, members[name])
            else:
                self._unknown(entry.key, members, what)
        return found

    def value(self, node: Node, shape_name: str) -> Any:
        """Read a value of a shape; None where it is none."""
        shape = service().shapes[shape_name]
        match shape.type:
            case "structure":
                return self.structure(node, members_of(shape_name), f"`{shape_name}`")
            case "list":
                return [self.value(item, shape.holds) for item in self._items(node)]
            case "map":
                return dict(self._pairs(node, shape))
        return self._scalar(node, shape)

    def _items(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, ListNode):
            return node.items
        self._wrong(node.span, "this must be a list")
        return ()

    def _pairs(self, node: Node, shape: Shape) -> Iterator[tuple[str, Any]]:
        if isinstance(node, MapNode):
            for entry in node.entries:
                yield entry.key.text, self.value(entry.value, shape.holds)
        else:
            self._wrong(node.span, "this must be a mapping")

    def _scalar(self, node: Node, shape: Shape) -> Any:
        """Take a scalar for what its member needs: ``8080`` is a string where one is wanted."""
        if not isinstance(node, Scalar):
            self._wrong(node.span, f"this must be a {shape.type}")
            return None
        value: str | int | bool | None = node.text
        if shape.type == "boolean":
            value = as_bool(node.text)
        elif shape.type in _NUMBERS:
            value = as_int(node.text)
        if value is None:
            self._wrong(node.span, f"`{node.text}` is not a {shape.type}")
        return value

    def _unknown(self, key: Scalar, members: Mapping[str, str], what: str) -> None:
        meant = did_you_mean(key.text, members)
        fix = f"did you mean `{meant}`?" if meant else f"it may have {', '.join(sorted(members))}"
        self._wrong(key.span, f"{what} has no member `{key.text}`", fix=fix, code="RQ001")

    def _wrong(self, span: Span, message: str, *, fix: str = "", code: str = "RQ002") -> None:
        self.findings.append(Diagnostic(code, "error", span, message, help=fix))


def members_of(shape_name: str) -> dict[str, str]:
    """Return the members of a structure and their shapes, without the client's token."""
    shape = service().shapes[shape_name]
    return {member.name: member.shape for member in shape.members if not member.is_token}
