"""What the rules about meaning look at: a workflow, the actions there are, and its stage."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.rules import Rule
from imagewright.documents.shapes import Anything, ListOf, MapOf, Record, Shape, Text, Truth, Whole
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.conditions import Condition
from imagewright.documents.workflow.model import ParameterType, Step, Workflow
from imagewright.documents.workflow.references import Part, Reference, Root
from imagewright.documents.workflow.system import SYSTEM_VARIABLES, system_variable_name
from imagewright.documents.workflow.templates import Located
from imagewright.documents.workflow.truth import constant, free


@dataclass(frozen=True, slots=True)
class Use:
    """A reference and what runs before it is read."""

    located: Located
    visible: tuple[Step, ...]

    @property
    def reference(self) -> Reference:
        """The reference itself."""
        return self.located.reference


@dataclass(frozen=True)
class Facts:
    """Everything a rule may ask."""

    workflow: Workflow
    actions: Mapping[str, ActionSpec]
    stage: Stage | None
    """None: not known, as when a file is checked by itself."""
    uses: tuple[Use, ...] = field(init=False)
    """Every reference of the document, in order."""
    _always: dict[int, bool | None] = field(init=False, default_factory=dict)
    """What conditions always come to, by their identity; several rules ask."""
    _free: dict[int, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uses", tuple(self._uses()))

    def spec(self, step: Step) -> ActionSpec | None:
        """The declaration of a step's action; None if there is no such action."""
        return self.actions.get(step.action)

    def steps_with_spec(self) -> Iterator[tuple[Step, ActionSpec]]:
        """Every step whose action there is."""
        for step in self.workflow.steps:
            if (spec := self.spec(step)) is not None:
                yield step, spec

    def uses_of(self, root: Root) -> Iterator[Use]:
        """Every reference below one root."""
        return (use for use in self.uses if use.reference.root is root)

    def beginning(self, reference: Reference) -> tuple[Shape, tuple[Part, ...]] | None:
        """The shape of what a reference names, and its way further in; None if not known."""
        match reference.root:
            case Root.PARAMETERS:
                parameter = self.workflow.parameter(reference.name)
                return (_PARAMETERS[parameter.type], reference.inner) if parameter else None
            case Root.IMAGEBUILDER:
                name = system_variable_name(reference.name)
                variable = SYSTEM_VARIABLES.member(name) if name else None
                return (variable.shape, reference.inner) if variable else None
            case Root.STEP_OUTPUTS:
                step = self.workflow.step(reference.name)
                spec = self.spec(step) if step else None
                return (spec.output_record, reference.inner) if spec else None
            case Root.WORKFLOW_OUTPUTS:
                return None

    def shape_of(self, reference: Reference) -> Shape | None:
        """The shape of what a reference stands for; None if not known or nothing is there."""
        beginning = self.beginning(reference)
        if beginning is None:
            return None
        shape, way = beginning
        for part in way:
            inner = inside(shape, part.key)
            if inner is None:
                return None
            shape = inner
        return shape

    def always(self, condition: Condition) -> bool | None:
        """Say what a condition always comes to; None: it may come out either way."""
        if self.is_free(condition):
            return None
        if id(condition) not in self._always:
            self._always[id(condition)] = constant(condition, self.shape_of)
        return self._always[id(condition)]

    def is_free(self, condition: Condition) -> bool:
        """Tell whether no part of a condition always comes to the same; False: it may."""
        if id(condition) not in self._free:
            self._free[id(condition)] = free(condition, self.shape_of)
        return self._free[id(condition)]

    def always_runs(self, step: Step) -> bool:
        """Tell whether a step that is reached is certain not to be skipped."""
        return step.condition is None or self.always(step.condition) is True

    def never_runs(self, step: Step) -> bool:
        """Tell whether a step is certain to be skipped."""
        return step.condition is not None and self.always(step.condition) is False

    def _uses(self) -> Iterator[Use]:
        for index, step in enumerate(self.workflow.steps):
            visible = self.workflow.steps[:index]
            for located in step.references():
                yield Use(located, visible)
        for output in self.workflow.outputs:
            for located in output.references:
                yield Use(located, self.workflow.steps)


class WorkflowRule(Rule):
    """A rule about what a well-formed document means."""

    @abstractmethod
    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Give a finding for every place where the rule is broken."""


def inside(shape: Shape, key: str | int) -> Shape | None:
    """The shape of one part of a value; None if a value of this shape has no such part."""
    match shape:
        case Record():
            member = shape.member(key) if isinstance(key, str) else None
            return member.shape if member else None
        case MapOf(value):
            return value if isinstance(key, str) else None
        case ListOf(item):
            return item if isinstance(key, int) else None
        case Anything():
            return shape
        case _:
            return None


_PARAMETERS: Mapping[ParameterType, Shape] = {
    ParameterType.STRING: Text(),
    ParameterType.INTEGER: Whole(),
    ParameterType.BOOLEAN: Truth(),
    ParameterType.STRING_LIST: ListOf(Text()),
}
