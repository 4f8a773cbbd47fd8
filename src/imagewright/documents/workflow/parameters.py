"""The parameters of a workflow: what it declares, and what a caller supplies (§3)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NotRequired, TypedDict

from imagewright.documents.nodes import ListNode, Node, Scalar, kind_of, native
from imagewright.documents.workflow.model import (
    Parameter,
    ParameterType,
    ParameterValue,
    Workflow,
)

VALUE_CHARACTERS_MAX: Final = 1024
"""Of each text of a value (§2)."""


class ParameterDetail(TypedDict):
    """One parameter as the API tells of it (CRT-13)."""

    name: str
    type: str
    defaultValue: NotRequired[list[str]]
    description: NotRequired[str]


class ParametersError(Exception):
    """What a caller supplies does not fit what the document declares."""


class UnknownParametersError(ParametersError):
    """Values for parameters the document does not declare."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(names)

    def __str__(self) -> str:
        """The names, in the words of ERR-22."""
        return (
            "The following parameters are not defined in the provided workflow: "
            f"{', '.join(self.names)}"
        )


class MissingParametersError(ParametersError):
    """No value for parameters that have no default."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(names)

    def __str__(self) -> str:
        """The names."""
        return (
            "The following parameters of the workflow have no default and need a value: "
            f"{', '.join(self.names)}"
        )


class BadParameterValueError(ParametersError):
    """A value that is not of its parameter's type."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(name, reason)

    def __str__(self) -> str:
        """The name and the reason."""
        return f"The value of the workflow parameter '{self.name}' {self.reason}."


def details(workflow: Workflow) -> list[ParameterDetail]:
    """List the parameters as ``GetWorkflow`` does, defaults as lists of strings."""
    return [_detail(parameter) for parameter in workflow.parameters]


def bind(
    workflow: Workflow, supplied: Iterable[tuple[str, Sequence[str]]]
) -> dict[str, ParameterValue]:
    """Give every parameter its value: the supplied one as a whole, or else the default.

    Raises UnknownParametersError, MissingParametersError or BadParameterValueError.
    """
    values = bind_known(workflow, supplied)
    missing = tuple(each.name for each in workflow.parameters if each.name not in values)
    if missing:
        raise MissingParametersError(missing)
    return values


def bind_known(
    workflow: Workflow, supplied: Iterable[tuple[str, Sequence[str]]]
) -> dict[str, ParameterValue]:
    """Give their values to the parameters that have one, supplied or by default.

    Raises UnknownParametersError or BadParameterValueError.
    """
    given: dict[str, Sequence[str]] = {}
    for name, texts in supplied:
        if name in given:
            raise BadParameterValueError(name, "is given twice")
        given[name] = texts
    unknown = tuple(name for name in given if workflow.parameter(name) is None)
    if unknown:
        raise UnknownParametersError(unknown)
    values = {each.name: _value(each, given.get(each.name)) for each in workflow.parameters}
    return {name: value for name, value in values.items() if value is not None}


def read_default(kind: ParameterType, node: Node) -> ParameterValue:
    """Read a default as its parameter's type. Raises ValueError that says what it must be."""
    if kind is ParameterType.STRING_LIST:
        if not isinstance(node, ListNode):
            raise ValueError(f"must be a list, not {kind_of(node)}")
        return [_text(item) for item in node.items]
    return read_scalar(kind, _text(node))


def read_scalar(kind: ParameterType, text: str) -> str | int | bool:
    """Read text as one of the three scalar types. Raises ValueError that says what it must be."""
    if len(text) > VALUE_CHARACTERS_MAX:
        raise ValueError(
            f"must have at most {VALUE_CHARACTERS_MAX:,} characters, not {len(text):,}"
        )
    if kind is ParameterType.INTEGER:
        if _INTEGER.match(text) is None:
            raise ValueError(f"must be a whole number, not `{text[:60]}`")
        return int(text)
    if kind is ParameterType.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"must be true or false, not `{text[:60]}`")
        return text.lower() == "true"
    return text


_INTEGER: Final = re.compile(r"-?[0-9]+\Z")


def _detail(parameter: Parameter) -> ParameterDetail:
    detail = ParameterDetail(name=parameter.name, type=parameter.type.value)
    if parameter.default is not None:
        detail["defaultValue"] = as_texts(parameter.default)
    if parameter.description is not None:
        detail["description"] = parameter.description
    return detail


def as_texts(value: ParameterValue) -> list[str]:
    """Spell a value as the API does: always a list of strings."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


def _value(parameter: Parameter, texts: Sequence[str] | None) -> ParameterValue | None:
    if texts is None:
        return parameter.default
    try:
        if parameter.type is ParameterType.STRING_LIST:
            return [str(read_scalar(ParameterType.STRING, text)) for text in texts]
        if len(texts) != 1:
            raise ValueError(f"must be one value, not {len(texts)}")  # noqa: TRY301 - one wording
        return read_scalar(parameter.type, texts[0])
    except ValueError as error:
        raise BadParameterValueError(parameter.name, str(error)) from None


def _text(node: Node) -> str:
    """The text of a scalar as written: a number without quotes is text where text is wanted."""
    if not isinstance(node, Scalar) or native(node) is None:
        raise ValueError(f"must be one value, not {kind_of(node)}")
    if len(node.text) > VALUE_CHARACTERS_MAX:
        most = f"{VALUE_CHARACTERS_MAX:,} characters, not {len(node.text):,}"
        raise ValueError(f"must have at most {most}")
    return node.text
