"""What the engine and the step actions need from others, and hand to one another."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from imagewright.clock import Clock
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.engine.events import BuildEvent
from imagewright.engine.plan import BuildPlan, KeptDocument
from imagewright.engine.records import (
    FailureContext,
    ImageStatus,
    StepExecution,
    WorkflowExecution,
)
from imagewright.engine.stop import Stop
from imagewright.machines.machine import Machine
from imagewright.masking import Secrets, StoredText
from imagewright.outside.places import Outside
from imagewright.settings import ComponentLimits


class ActionError(Exception):
    """A step action could not do its work; the message is the step's (EXE-03).

    ``outputs`` go beside ``errorMessage`` into the outputs of the step; ``component`` is the
    component failure of IMG-33 where one caused it.
    """

    def __init__(
        self,
        message: str,
        *,
        outputs: Mapping[str, Any] | None = None,
        component: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.outputs = dict(outputs or {})
        self.component = component


class NoAnswer(ActionError):
    """A machine that should run does not take commands; a moment later it may."""


class OutOfReachError(ActionError):
    """A service elsewhere could not be asked, or broke: another try may succeed."""


class Records(Protocol):
    """The durable memory of builds. Each call is one transaction."""

    def plan(self, image_arn: str) -> BuildPlan:
        """Return what a build is to do."""
        ...

    def begin(
        self, executions: Sequence[WorkflowExecution], steps: Sequence[StepExecution]
    ) -> None:
        """Record all executions of a build, unless they are recorded already."""
        ...

    def executions(self, image_arn: str) -> Sequence[WorkflowExecution]:
        """Return the executions of a build that count, in the order of its plan."""
        ...

    def attempt(self, image_arn: str) -> int:
        """Return how often a build was retried."""
        ...

    def execution(self, execution_id: str) -> WorkflowExecution:
        """Return one workflow execution."""
        ...

    def steps(self, execution_id: str) -> Sequence[StepExecution]:
        """Return the steps of a workflow execution, in order."""
        ...

    def step(self, step_id: str) -> StepExecution:
        """Return one step execution."""
        ...

    def save_execution(self, execution: WorkflowExecution) -> None:
        """Replace the record of a workflow execution."""
        ...

    def save_step(self, step: StepExecution) -> None:
        """Replace the record of a step."""
        ...

    def start_waiting(self, step: StepExecution) -> bool:
        """Replace the record of a step that waits from now on, unless its build is cancelled.

        Returns False in that case. Whoever cancels afterwards finds the step waiting.
        """
        ...

    def stop_waiting(self, step: StepExecution) -> bool:
        """Replace the record of a step that waited in vain, unless it was answered just now.

        Returns False in that case: the answer is on its way.
        """
        ...

    def is_cancelled(self, image_arn: str) -> bool:
        """Tell whether someone asked for the build to be cancelled."""
        ...

    def set_image_state(
        self,
        image_arn: str,
        status: ImageStatus,
        *,
        reason: str | None = None,
        failure: FailureContext | None = None,
    ) -> ImageStatus:
        """Move the image to a state, and return the one it is in then.

        A final state is never left; once a cancel was asked for, it is CANCELLED (IMG-60).
        """
        ...

    def add_output_image(self, image_arn: str, image_id: str) -> None:
        """Show an image id among the image's output resources (IMG-50)."""
        ...


class Documents(Protocol):
    """Opens the documents of a plan."""

    def open(self, kept: KeptDocument, region: str) -> str:
        """Return the text; sealed ones are opened with their key."""
        ...


class NoSuchCommand(Exception):
    """There is no such command document; the message says where to put it."""


class CommandLibrary(Protocol):
    """The command documents there are, for builds that have not begun."""

    def text(self, name: str, version: str) -> str:
        """Return the text of a document. Raises NoSuchCommand."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What is known of a step before its build begins."""

    problems: Sequence[str] = ()
    """Why it cannot run, each a clause about the step: ``it needs …``."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """The command documents that it runs, as ``BuildPlan.commands`` has them."""


class RegionRefusal(Protocol):
    """Says, as a clause, why nothing can go to a region; or None."""

    def __call__(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Look at a copy encrypted with that key, or at a container image."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What an action may look at before its build begins."""

    plan: BuildPlan
    commands: CommandLibrary
    region_refusal: RegionRefusal
    """See ``Distribution.refusal``."""
    missing_service: Callable[[str], str | None]
    """Says which setting another AWS service would take; None: it can be asked."""


class StepLog(Protocol):
    """What a step tells those who watch the build."""

    def line(self, stream: str, text: str, *, continues: bool = False, **facts: str) -> None:
        """Tell one line of a program's output, or with ``continues`` a piece of a long one."""
        ...

    def note(self, text: str, **facts: str) -> None:
        """Tell what happened, in a sentence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A machine that was started."""

    instance_id: str
    instance_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A change to a machine that is kept as a layer."""

    name: str
    """For people: the component's name, the command."""
    facts: Mapping[str, Any]
    """Everything the result depends on, besides the machine: two works with equal facts on the
    same layer make the same layer. JSON values."""
    run: Callable[[Machine], Mapping[str, Any]]
    """Does it and returns its outputs (JSON values), which a reuse brings back. Raises
    ActionError."""
    always: str = ""
    """Why it always runs, in words; empty: it may be reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a work."""

    outputs: Mapping[str, Any]
    reused: bool
    reason: str
    """Why it was reused, or why not."""


class Machines(Protocol):
    """The machines of builds. Every call is repeatable with the same token."""

    def launch(
        self,
        *,
        image_id: str | None,
        plan: BuildPlan,
        instance_types: Sequence[str],
        token: str,
        stop: Event,
        log: StepLog,
    ) -> Launched:
        """Start a machine from an image, or from the plan's parent image if none is named.

        The types are tried in order until one can be had. A base image is made now if it never
        was; the log tells how far it is.
        Raises ActionError, naming what is missing and the way out.
        """
        ...

    def apply(
        self,
        instance_id: str,
        work: Work,
        *,
        plan: BuildPlan,
        token: str,
        unit: int,
        log: StepLog,
        failure_stays: "Callable[[ActionError], bool]" = lambda _error: False,
        go_on: Callable[[], None] = lambda: None,
    ) -> Done:
        """Do a work on a machine once: the same token and unit again brings back its outputs.

        Works of several steps on one machine, as of tests of a group, take turns; ``go_on`` is
        called while one waits, and what it raises ends the wait.
        Raises ActionError. Then what the work changed is dropped, unless ``failure_stays``, which
        is asked as it fails.
        """
        ...

    def check_status(self, instance_id: str, *, plan: BuildPlan, stop: Event) -> None:
        """Demand that a machine takes commands, unless it is known of the layer it stands on.

        Raises ActionError.
        """
        ...

    def ask(self, instance_id: str, *, plan: BuildPlan, stop: Event) -> None:
        """Return once a machine has run a command to its end.

        Raises NoAnswer if it does not, and ActionError if it has ended or never was.
        """
        ...

    def parent_image_id(self, plan: BuildPlan) -> str:
        """Return the id of the image that the build starts from."""
        ...

    def container_config(self, instance_id: str, *, plan: BuildPlan) -> Mapping[str, Any]:
        """Say how containers of what a machine stands on are run: an OCI image's ``config``.

        Raises ActionError.
        """
        ...

    def begin_container(self, instance_id: str, *, plan: BuildPlan, token: str) -> None:
        """Put a machine back on what it was launched on, before a step's first work on it.

        What other steps did there before is no part of a container image. Raises ActionError.
        """
        ...

    def container_image(self, plan: BuildPlan) -> str | None:
        """Return the id of the container image that the build made; None: it made none yet."""
        ...

    def make_container(
        self, instance_id: str, config: Mapping[str, Any], *, plan: BuildPlan, token: str
    ) -> str:
        """Make a container image of the machine as it is now, and return its id ``ctr-…``.

        ``config`` is how containers of it are run. Raises ActionError.
        """
        ...

    def make_image(self, instance_id: str, *, plan: BuildPlan, token: str) -> str:
        """Make an image of the machine as it is now and return its id. Raises ActionError."""
        ...

    def register_image(self, snapshot_id: str, *, plan: BuildPlan, token: str) -> str:
        """Make an image of a snapshot of an image that was built here, and return its id.

        Raises ActionError.
        """
        ...

    def inventory(self, instance_id: str, *, plan: BuildPlan) -> str:
        """Record the packages of the machine for the image, and return its OS version."""
        ...

    def scan(
        self, instance_id: str, *, plan: BuildPlan, stop: Event, log: StepLog
    ) -> Mapping[str, int]:
        """Look for known vulnerabilities in the machine's packages, and keep them for the image.

        Returns how many there are of each severity. Raises ActionError, also once ``stop`` is set.
        """
        ...

    def forget_inventory(self, plan: BuildPlan) -> None:
        """Forget the packages recorded for the image."""
        ...

    def launched(self, token: str) -> str | None:
        """Return the machine that a step launched, if it came that far."""
        ...

    def keep(self, instance_id: str) -> bool:
        """Leave a machine for a look inside, after its build has ended.

        Returns False, and does nothing, if it does not run any more.
        """
        ...

    def terminate(self, instance_id: str, *, plan: BuildPlan) -> None:
        """End a machine. Ending it again does nothing. Raises ActionError if it never was."""
        ...

    def settle_all(self, image_arn: str, *, keep: bool) -> None:
        """End, or keep, every machine of a build that still runs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCopy:
    """A copy of an image that is to be in a region, for an account (§7.9)."""

    region: str
    account: str
    name: str | None = None
    """With its variables put in; None: what the image itself is called."""
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCopy:
    """A copy that is there."""

    image_id: str
    name: str
    location: str | None
    """Where it lies; None: it is the image itself, in its own region."""


class Shipment(Protocol):
    """An image on its way to many regions. Safe to use from several threads."""

    def send(self, wanted: WantedCopy) -> SentCopy:
        """Make a copy, record it, and show it among the outputs of the image (IMG-50).

        Sent again with the same token, it is the same copy. Where the image itself is, it is only
        tagged. Raises ActionError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedContainer:
    """A container image that is to be in a repository of a region (§7.8, DST-05)."""

    region: str
    repository: str
    """Without a registry's host."""
    tags: Sequence[str]
    """Besides its version and build, ``1.0.0-1``."""


class ContainerShipment(Protocol):
    """A container image on its way to many repositories. Safe to use from several threads."""

    def send(self, wanted: WantedContainer) -> Sequence[str]:
        """Send the image, show it among the outputs of the image (IMG-52), and return its URIs.

        Sent again, it is the same image. Raises ActionError.
        """
        ...


class Distribution(Protocol):
    """Copies of images, and what is done with them. Every call is repeatable."""

    def refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Say why nothing can go to a region: see RegionRefusal."""
        ...

    def shipment(
        self, image_id: str | None, *, plan: BuildPlan, token: str, stop: Event, log: StepLog
    ) -> AbstractContextManager[Shipment]:
        """Begin to send an image, or the plan's parent image if none is named."""
        ...

    def container_shipment(
        self, instance_id: str, *, plan: BuildPlan, stop: Event, log: StepLog
    ) -> AbstractContextManager[ContainerShipment]:
        """Begin to send the container image that a machine made. Raises ActionError."""
        ...

    def permit(
        self, image_id: str, *, plan: BuildPlan, users: Sequence[str], groups: Sequence[str]
    ) -> None:
        """Let other accounts, or with the group ``all`` everybody, use an image as a parent.

        Raises ActionError.
        """
        ...

    def begin_integration(self, plan: BuildPlan) -> None:
        """Show that settings are applied to what was distributed (§10.3)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachineExecution:
    """How far an execution of a state machine is, in the words of Step Functions."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


class StateMachines(Protocol):
    """Executions of Step Functions (§7.11). Every call raises ActionError.

    OutOfReachError is the one that another try may cure.
    """

    def start(self, state_machine_arn: str, *, name: str, text: str) -> str:
        """Start an execution with an input, and return its ARN.

        Started again under the same name, it is the same execution, even one that has ended.
        """
        ...

    def arn_of(self, state_machine_arn: str, *, name: str) -> str:
        """Return the ARN that an execution of this name has."""
        ...

    def describe(self, execution_arn: str) -> StateMachineExecution:
        """Return how far an execution is."""
        ...

    def stop(self, execution_arn: str, *, cause: str) -> None:
        """End an execution; one that never was, or is over, is left as it is."""
        ...


class Messages(Protocol):
    """Messages to people and programs elsewhere (§12.4). Every call raises ActionError."""

    def publish(self, topic_arn: str, message: Mapping[str, Any], *, token: str) -> None:
        """Publish a message, as JSON, to an SNS topic; one that orders has it once per token."""
        ...

    def invoke(self, function_name: str, event: Mapping[str, Any], *, region: str) -> None:
        """Invoke a Lambda function and do not wait; ``region`` is where a mere name lives."""
        ...


class Events(Protocol):
    """Events, told to whoever the settings name (§12.3)."""

    def tell(self, event: BuildEvent) -> None:
        """Have an event told; nobody waits for it. Who could not be told is said in the logs."""
        ...


class Parameters(Protocol):
    """Parameters of Systems Manager (§7.2)."""

    def put(self, name: str, value: str, *, data_type: str | None, region: str) -> None:
        """Write a parameter; the value that it had is gone. Raises ActionError."""
        ...

    def get(self, name: str, *, region: str) -> StoredText:
        """Return what a parameter holds. Raises ActionError."""
        ...


class LaunchTemplates(Protocol):
    """Launch templates of EC2 (§7.2)."""

    def add_version(
        self, template_id: str, image_id: str, *, set_default: bool, region: str, token: str
    ) -> int:
        """Add a version that starts from an image, all else as in the newest; return its number.

        The same token adds one version. Raises ActionError.
        """
        ...


class Components(Protocol):
    """Components that documents execute by their ARNs (``component-documents.md`` §7.1)."""

    def text(self, arn: str, plan: BuildPlan) -> str:
        """Return the document that an ARN means now to the account of a build.

        Raises ActionError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What steps reach outside their build."""

    components: Components
    parameters: Parameters
    launch_templates: LaunchTemplates
    state_machines: StateMachines
    messages: Messages
    events: Events
    outside: Outside
    """What components fetch from."""
    limits: ComponentLimits
    """What their runs do not go beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step action is given beside its inputs."""

    plan: BuildPlan
    stage: Stage
    execution: WorkflowExecution
    step: StepExecution
    base_image_id: str | None
    """What LaunchInstance starts from unless told: None is the recipe's parent image."""
    machines: Machines
    distribution: Distribution
    documents: Documents
    world: World
    stop: Stop
    """Set when the step's time is up or its build is cancelled, and says which: whatever runs must
    end now."""
    seconds_left: float
    clock: Clock
    log: StepLog
    secrets: Secrets = field(default_factory=Secrets)
    """Of the build so far: what reads one adds it, what writes anything masks it."""
    is_cancelled: bool = False
    """Whether an undo is because of a cancel."""

    @property
    def token(self) -> str:
        """What makes the action's effects repeatable."""
        return self.step.id

    def apply(
        self,
        instance_id: str,
        work: Work,
        *,
        unit: int = 0,
        goes_on: Callable[[ActionError], bool] = lambda _error: False,
    ) -> Done:
        """Do a work of the step on a machine: see Machines. Raises ActionError.

        What a failed work changed stays where other steps go on from it (``Continue``, §4.4), or
        this one does with its further works, as ``goes_on`` tells.
        """
        return self.machines.apply(
            instance_id,
            work,
            plan=self.plan,
            token=self.token,
            unit=unit,
            log=self.log,
            failure_stays=lambda error: self._goes_on_after_failure() or goes_on(error),
            go_on=self._demand_time,
        )

    def _demand_time(self) -> None:
        if self.stop.is_set():
            raise ActionError("The machine was at work for another step until then.")

    def _goes_on_after_failure(self) -> bool:
        return self.step.on_failure == "Continue" and self.stop.reason != "cancelled"


@dataclass(frozen=True, slots=True)
class Pause:
    """Returned by an action whose step waits from now on for an answer."""

    tell: Callable[[], None]
    """Tells those who may answer. It is called once the step is recorded as waiting, so that no
    answer comes too soon; after a crash in between, again. Raises ActionError."""


class Skip:
    """Returned by an action that has nothing to do: its step is shown as skipped (§4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAction:
    """A step action that this release runs."""

    spec: ActionSpec
    run: Callable[[Any, StepContext], Any]
    """Takes ``spec.inputs``, returns ``spec.outputs``, Pause or Skip. Raises ActionError."""
    undo: Callable[[Mapping[str, Any] | None, StepContext], None] | None = None
    """Takes what ``run`` put out; None if it was ended before it could. Raises ActionError."""
    foresee: Callable[[Mapping[str, object], Prospect], Foreseen] | None = None
    """Looks at the inputs when the build is asked for; what only the run brings is UNKNOWN."""
    abandon: Callable[[Any, StepContext], None] | None = None
    """Takes ``spec.inputs``; ends what a run left going that was lost with its process, where the
    build was cancelled before the run was taken up again. Raises ActionError."""
