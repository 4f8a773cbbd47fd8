"""Parameters and constants: as documents declare them, and as a caller gives them (§2.3, §2.4)."""

import re
from collections.abc import Collection, Iterator, Mapping

from imagewright.documents.component import rules
from imagewright.documents.component.fields import Fields, first_line, is_absent
from imagewright.documents.component.model import Component, Constant, Parameter
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, one_of
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, kind_of

_NAME = re.compile(r"[A-Za-z0-9_-]{3,128}", re.ASCII)
_TYPES = ("string", "stringlist")


class VariableReader:
    """Reads both sections of one document; they share one space of names."""

    def __init__(self, findings: list[Diagnostic]) -> None:
        self._findings = findings
        self._names: set[str] = set()

    def parameters(self, section: ListNode | None) -> tuple[Parameter, ...]:
        """Read ``parameters``."""
        read = (self._parameter(key, body) for key, body in self._items(section, "parameters"))
        return tuple(parameter for parameter in read if parameter is not None)

    def constants(self, section: ListNode | None) -> tuple[Constant, ...]:
        """Read ``constants``."""
        read = (self._constant(key, body) for key, body in self._items(section, "constants"))
        return tuple(constant for constant in read if constant is not None)

    def _items(self, section: ListNode | None, what: str) -> Iterator[tuple[Scalar, MapNode]]:
        for item in section.items if section is not None else ():
            match item:
                case MapNode(entries=(entry,)) if isinstance(entry.value, MapNode):
                    yield entry.key, entry.value
                case _:
                    message = f"an item of `{what}` is a name with a map below it"
                    fix = "indent `type` and the other keys deeper than the name"
                    finding = rules.WrongKind.finding(first_line(item), message, fix=fix)
                    self._findings.append(finding)

    def _parameter(self, key: Scalar, body: MapNode) -> Parameter | None:
        fields = Fields(body, self._findings, what=f"parameter `{key.text}`")
        type_ = fields.scalar("type", required=True)
        default = self._texts(fields, "default")
        if default is None and (entry := body.get("default")) and is_absent(entry.value):
            default = ("",)
        description = fields.scalar("description")
        allowed = self._texts(fields, "allowedValues") or ()
        fields.done()
        if not self._is_sound(key, type_, "parameter"):
            return None
        self._check_default(key, body, default, allowed, type_.text if type_ else "")
        text = None if description is None else description.text
        return Parameter(key.text, type_.text if type_ else "", default, text, allowed, key.span)

    def _constant(self, key: Scalar, body: MapNode) -> Constant | None:
        fields = Fields(body, self._findings, what=f"constant `{key.text}`")
        type_ = fields.scalar("type", required=True)
        entry = body.get("value")
        empty = isinstance(entry.value, Scalar) if entry is not None else False
        value = fields.scalar("value", required=not empty)
        fields.done()
        if not self._is_sound(key, type_, "constant"):
            return None
        return Constant(key.text, "" if value is None else value.text, key.span)

    def _is_sound(self, key: Scalar, type_: Scalar | None, what: str) -> bool:
        # Both have their say, so that no finding hides another.
        return all([self._is_name(key, what), self._is_type(type_, what)])

    def _is_name(self, key: Scalar, what: str) -> bool:
        if key.text in self._names:
            message = f"the name `{key.text}` is taken by another parameter or constant"
            self._findings.append(rules.DuplicateVariable.finding(key.span, message))
            return False
        self._names.add(key.text)
        if _NAME.fullmatch(key.text) is None:
            message = f"`{key.text}` cannot be the name of a {what}"
            fix = "use 3 to 128 letters, digits, `-` and `_`"
            self._findings.append(rules.VariableName.finding(key.span, message, fix=fix))
            return False
        return True

    def _is_type(self, type_: Scalar | None, what: str) -> bool:
        if type_ is None:
            return False
        if type_.text.lower() in _TYPES:
            return True
        message = f"a {what} cannot be of type `{type_.text}`"
        fix = "write `string`; every value is text"
        self._findings.append(rules.VariableType.finding(type_.span, message, fix=fix))
        return False

    def _check_default(
        self,
        key: Scalar,
        body: MapNode,
        default: tuple[str, ...] | None,
        allowed: tuple[str, ...],
        type_: str,
    ) -> None:
        found = (not_allowed(type_, value, allowed) for value in default or ())
        strange = [value for value in found if value is not None]
        if strange and (entry := body.get("default")):
            message = f"the default `{strange[0]}` of `{key.text}` is not among `allowedValues`"
            finding = rules.DefaultNotAllowed.finding(first_line(entry.value), message)
            self._findings.append(finding)

    def _texts(self, fields: Fields, name: str) -> tuple[str, ...] | None:
        node = fields.node(name)
        if node is None:
            return None
        items: tuple[Node, ...] = node.items if isinstance(node, ListNode) else (node,)
        for item in items:
            if not isinstance(item, Scalar):
                fields.wrong_kind(item, f"`{name}` must be text, not {kind_of(item)}")
        return tuple(item.text for item in items if isinstance(item, Scalar))


def unknown_names(component: Component, given: Mapping[str, object]) -> tuple[str, ...]:
    """Name the values a caller gives for parameters that the document does not have (§10.2)."""
    known = {parameter.name for parameter in component.parameters}
    return tuple(name for name in given if name not in known)


def missing_names(component: Component, given: Mapping[str, object]) -> tuple[str, ...]:
    """Name the parameters that have neither a default nor a value from the caller (RCP-12)."""
    return tuple(p.name for p in component.parameters if p.default is None and p.name not in given)


def value_problems(component: Component, given: Mapping[str, str]) -> tuple[str, ...]:
    """Say which values, given or by default, no run can take: one sentence each."""
    missing = (
        f"the parameter `{name}` has no default and was given no value"
        for name in missing_names(component, given)
    )
    strange = (_not_allowed(parameter, given) for parameter in component.parameters)
    return (*missing, *(problem for problem in strange if problem is not None))


def values(component: Component, given: Mapping[str, str]) -> dict[str, str]:
    """Give every parameter and constant its value; what the document does not know is left out."""
    parameters = {p.name: _value(p, given) for p in component.parameters}
    known = {name: value for name, value in parameters.items() if value is not None}
    return known | {constant.name: constant.value for constant in component.constants}


def _value(parameter: Parameter, given: Mapping[str, str]) -> str | None:
    default = None if parameter.default is None else ",".join(parameter.default)
    return given.get(parameter.name, default)


def not_allowed(type_: str, value: str, allowed: Collection[str]) -> str | None:
    """Return a value that is not among those allowed, or of a ``stringList`` an item (O-24)."""
    if not allowed or value in allowed:
        return None
    items = value.split(",") if type_.lower() == "stringlist" else [value]
    return next((item for item in items if item not in allowed), None)


def _not_allowed(parameter: Parameter, given: Mapping[str, str]) -> str | None:
    value, allowed = _value(parameter, given), parameter.allowed_values
    strange = None if value is None else not_allowed(parameter.type, value, allowed)
    if strange is None:
        return None
    meant = did_you_mean(strange, allowed)
    hint = f"; did you mean `{meant}`?" if meant else ""
    return f"the parameter `{parameter.name}` must be {one_of(allowed)}, not `{strange}`{hint}"
