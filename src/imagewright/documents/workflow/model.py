"""The workflow document as a typed value; everything in it knows its place in the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from imagewright.documents.nodes import MapNode, Plain
from imagewright.documents.places import Span
from imagewright.documents.workflow.conditions import Condition, references_of
from imagewright.documents.workflow.templates import (
    Leaf,
    Located,
    MapTemplate,
    raw,
    references_in,
)


class OnFailure(StrEnum):
    """What a failed step does to its workflow (§4.4)."""

    ABORT = "Abort"
    CONTINUE = "Continue"


class ParameterType(StrEnum):
    """The four types of parameters (§3.1)."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING_LIST = "stringList"


ParameterValue: TypeAlias = str | int | bool | list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A declared parameter."""

    name: str
    type: ParameterType
    default: ParameterValue | None
    """None: the caller must supply a value."""
    description: str | None
    span: Span
    name_span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step (§4.1)."""

    name: str
    action: str
    description: str | None
    inputs: MapTemplate | None
    condition: Condition | None
    on_failure: OnFailure
    rollback_enabled: Leaf
    """A truth value, or a reference to one."""
    declared_timeout_seconds: int | None
    """As the document has it."""
    timeout_seconds: int
    """In effect: the action's default where the document has none; 0 for an unknown action."""
    node: MapNode

    @property
    def span(self) -> Span:
        """The whole step."""
        return self.node.span

    def place(self, key: str) -> Span:
        """Where a key's value stands, or else the step's name, or else the step."""
        entry = self.node.get(key) or self.node.get("name")
        return entry.value.span if entry else self.span

    @property
    def raw_inputs(self) -> Plain:
        """The inputs as written, as records show a skipped step (§5.2)."""
        return raw(self.inputs) if self.inputs else {}

    def references(self) -> Iterator[Located]:
        """Give every reference of the step."""
        if self.condition is not None:
            yield from references_of(self.condition)
        yield from references_in(self.rollback_enabled)
        if self.inputs is not None:
            yield from references_in(self.inputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output of the document (§8)."""

    name: str
    value: Leaf
    span: Span
    name_span: Span

    @property
    def references(self) -> Iterator[Located]:
        """Give every reference of the output."""
        return references_in(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """A workflow document."""

    name: str | None
    """A free label; the resource has its own name (§1.1)."""
    description: str | None
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    node: MapNode

    def step(self, name: str) -> Step | None:
        """Return the step of this name."""
        return next((step for step in self.steps if step.name == name), None)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this name."""
        return next((each for each in self.parameters if each.name == name), None)

    def output(self, name: str) -> Output | None:
        """Return the output of this name."""
        return next((output for output in self.outputs if output.name == name), None)
