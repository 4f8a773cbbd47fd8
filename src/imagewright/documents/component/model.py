"""A component document as checked values (``component-documents.md`` §2).

Inputs stay nodes until a step starts: only then are their expressions known. Everything else is
typed. Spans stay beside what later findings may point at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from imagewright.documents.nodes import MapNode, Scalar
from imagewright.documents.places import Span

TIMEOUT_SECONDS_DEFAULT = 7200


class OnFailure(StrEnum):
    """What a failed step means for the rest of the run (§4.3)."""

    ABORT = "Abort"
    CONTINUE = "Continue"
    IGNORE = "Ignore"


class Verdict(StrEnum):
    """What an ``if`` makes of its step (§5.1)."""

    EXECUTE = "Execute"
    SKIP = "Skip"
    ABORT = "Abort"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value the caller may set."""

    name: str
    type: str
    """As the document spells it (CRT-13)."""
    default: tuple[str, ...] | None
    """One text, or a ``stringList``'s items (CRT-13). None: the caller must give a value."""
    description: str | None
    allowed_values: tuple[str, ...]
    """Empty: any."""
    span: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """A fixed value."""

    name: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison operator with its operands."""

    operator: str
    baseline: Scalar
    companion: Scalar | None
    """The operand beside it: ``value`` or ``path``."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """``and``."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``or``."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``not``."""

    term: "Condition"


Condition: TypeAlias = Comparison | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class If:
    """A step's condition and what follows from it."""

    condition: Condition
    then: Verdict
    otherwise: Verdict
    span: Span


@dataclass(frozen=True, slots=True)
class Counting:
    """``for``: from ``start`` by ``update_by`` up to and including ``end``."""

    start: int
    end: int
    update_by: int


@dataclass(frozen=True, slots=True)
class Listed:
    """``forEach`` over items written out."""

    items: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Delimited:
    """``forEach`` over the pieces of one text."""

    text: Scalar
    delimiter: str


@dataclass(frozen=True, slots=True)
class Loop:
    """A step's loop."""

    name: str | None
    over: Counting | Listed | Delimited
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an action module."""

    name: str
    action: str
    timeout_seconds: int | None
    """None: no limit."""
    on_failure: OnFailure
    attempts_max: int
    inputs: tuple[MapNode, ...]
    """One map for each entry; a module that takes a single map has one, which may be empty."""
    condition: If | None
    loop: Loop | None
    logging: bool
    """False: neither output nor inputs may reach a log."""
    span: Span
    """Of its name."""
    action_span: Span


@dataclass(frozen=True, slots=True)
class Phase:
    """A named list of steps."""

    name: str
    steps: tuple[Step, ...]
    span: Span

    def step(self, name: str) -> Step | None:
        """Find a step by its name."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True, slots=True)
class Component:
    """One component document."""

    name: str | None
    description: str | None
    parameters: tuple[Parameter, ...]
    constants: tuple[Constant, ...]
    phases: tuple[Phase, ...]

    def phase(self, name: str) -> Phase | None:
        """Find a phase by its name."""
        return next((phase for phase in self.phases if phase.name == name), None)

    @property
    def type(self) -> Literal["BUILD", "TEST"]:
        """``TEST`` if the only phase is ``test``, else ``BUILD`` (CRT-12)."""
        return "TEST" if [phase.name for phase in self.phases] == ["test"] else "BUILD"

    def steps(self) -> Iterator[tuple[Phase, Step]]:
        """Go through all steps in the order they run."""
        for phase in self.phases:
            for step in phase.steps:
                yield phase, step
