"""What a declaration of a step action, and of an action module, looks like.

Each is written once, in the file that also runs it, and handed in here as a table.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from imagewright.documents.shapes import Record, about, record_of, to_plain
from imagewright.documents.values import (
    UNKNOWN,
    InputError,
    Problem,
    build,
    check,
    mark_references,
)

__all__ = [
    "ALL_STAGES",
    "UNKNOWN",
    "ActionSpec",
    "Effect",
    "ImageType",
    "InputError",
    "InputShape",
    "ModuleSpec",
    "Platform",
    "Problem",
    "Stage",
    "about",
    "build",
    "check",
    "to_plain",
]


class Stage(StrEnum):
    """The types of workflow, in the order in which they run."""

    BUILD = "BUILD"
    TEST = "TEST"
    DISTRIBUTION = "DISTRIBUTION"


ALL_STAGES = frozenset(Stage)


class ImageType(StrEnum):
    """What comes out of a build (``workflow-documents.md`` §14.7)."""

    AMI = "AMI"
    DOCKER = "DOCKER"


class Platform(StrEnum):
    """What a machine runs, as the API's enum spells it."""

    LINUX = "Linux"
    WINDOWS = "Windows"
    MACOS = "macOS"


class Effect(StrEnum):
    """What an action does to machines and images, as far as checks ask for it."""

    STARTS_MACHINE = "starts a machine"
    ENDS_MACHINE = "ends a machine"
    MAKES_IMAGE = "makes an image"


SureFailure: TypeAlias = Callable[[Mapping[str, object]], str]
"""Takes the inputs as far as the document says them, and says why they can only fail, or ``""``."""


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """The inputs of an action that takes none, the outputs of one that gives none."""


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """The declaration of one step action (``workflow-documents.md`` §7)."""

    name: str
    page: str | None
    """The reference page: the docstring of the module that declares the action."""
    inputs: type = Nothing
    outputs: type = Nothing
    stages: frozenset[Stage] = ALL_STAGES
    image_types: frozenset[ImageType] = frozenset(ImageType)
    platforms: frozenset[Platform] = frozenset(Platform)
    timeout_default_seconds: int
    timeout_max_seconds: int
    rollback: bool = False
    """It knows how to undo itself."""
    excludes: frozenset[str] = frozenset()
    """Actions that must not stand in the same workflow."""
    effect: Effect | None = None
    sure_failure: SureFailure | None = None
    """Inputs with which the action is certain to fail; None: there are none."""
    built: bool = False
    """This release runs it; otherwise a build that needs it is refused before it starts."""
    unbuilt_because: str = ""
    """Why it does not run here and what could run it, said after its name: ``which the …``."""
    unbuilt_inputs: frozenset[str] = frozenset()
    """Inputs that this release cannot serve; a build that gives one is refused likewise."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Inputs that call another AWS service, and which; where the settings give no access to it,
    a build is refused likewise."""

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return _summary(self.page)

    @property
    def input_record(self) -> Record:
        """The shape of the inputs."""
        return record_of(self.inputs)

    @property
    def output_record(self) -> Record:
        """The shape of the outputs."""
        return record_of(self.outputs)

    def check_inputs(self, values: object) -> Iterator[Problem]:
        """Say everything that is wrong with inputs; what is UNKNOWN is taken to be right."""
        return check(self.input_record, mark_references(values))

    def build_inputs(self, values: object) -> Any:
        """Make an instance of ``inputs`` of resolved values. Raises InputError."""
        return build(self.input_record, mark_references(values))


class InputShape(StrEnum):
    """How a step of a component document gives its inputs (``component-documents.md`` §7)."""

    MAP = "a map"
    LIST = "a list of maps"
    ABSENT = "none at all"


ModuleCheck: TypeAlias = Callable[[Mapping[str, object]], Iterator[Problem]]
"""Takes one map of inputs by their names in documents, where a value may be UNKNOWN."""


@dataclass(frozen=True, kw_only=True)
class ModuleSpec:
    """The declaration of one action module of component documents.

    Scalars arrive as the text the author wrote; the fields' annotations say what becomes of it.
    """

    name: str
    page: str | None
    inputs: type = Nothing
    outputs: type = Nothing
    input_shape: InputShape = InputShape.MAP
    inputs_optional: bool = False
    """``inputs`` may be missing or empty."""
    platforms: frozenset[Platform] = frozenset(Platform)
    extra_check: ModuleCheck | None = None
    """What one field cannot say: members that exclude each other, or need one another."""
    takes_condition: bool = False
    """``inputs`` is itself a condition; no names are declared for it."""
    outputs_joined_by: str = "\n"
    """Stands between the outputs of the entries of a list, and of a loop's rounds never."""
    built: bool = False

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return _summary(self.page)

    @property
    def is_for_windows_alone(self) -> bool:
        """Whether it means something on Windows and nowhere else."""
        return self.platforms == {Platform.WINDOWS}

    @property
    def input_record(self) -> Record:
        """The shape of one map of inputs."""
        return record_of(self.inputs)

    @property
    def output_record(self) -> Record:
        """The shape of the outputs."""
        return record_of(self.outputs)

    def check_inputs(self, values: object) -> Iterator[Problem]:
        """Say everything that is wrong with one map of inputs."""
        problems = list(check(self.input_record, values))
        yield from problems
        if self.extra_check is not None and isinstance(values, dict) and not problems:
            yield from self.extra_check(values)

    def build_inputs(self, values: object) -> Any:
        """Make an instance of ``inputs`` of one map of resolved values. Raises InputError."""
        if problems := tuple(self.check_inputs(values)):
            raise InputError(problems)
        return build(self.input_record, values)


def _summary(page: str | None) -> str:
    return (page or "").strip().partition("\n")[0]
