"""The steps of a component as works on layers, so that what did not change serves again.

The layers and their keys are those of builds (``images/layers.py``): a key says what was made from
what. A work of a build is a whole component; here it is one step, because an author changes steps.
"""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imagewright.documents.component.expressions import (
    Chained,
    Context,
    Metadata,
    Name,
    Reference,
    expressions,
)
from imagewright.documents.component.inputs import texts
from imagewright.documents.component.model import Phase, Step
from imagewright.documents.component.references import texts_of
from imagewright.documents.nodes import Scalar
from imagewright.images.layers import Hit, LayerFacts, LayerStore, Miss, layer_key
from imagewright.runner.modules.table import NEVER_REUSED
from imagewright.runner.refusal import reads_parameter_store
from imagewright.runner.state import StepState
from imagewright.runner.status import StepStatus
from imagewright.toe.documents import Loaded

PROTOCOL = 1
"""Raised when the same step would make another layer than the release before made."""

_EVER_NEW = ("uuid", "date", "dateTime", "executionId", "hostname")
_OF_THE_MACHINE = ("instance-id", "local-hostname")
_LASTING = (StepStatus.SUCCESS, StepStatus.SKIPPED, StepStatus.IGNORED_FAILURE)


@dataclass(frozen=True, slots=True)
class StepWork:
    """One step, and what it may read."""

    document: int
    """Which one of the run."""
    phase: Phase
    step: Step
    values: Mapping[str, str]
    """Of all parameters and constants."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.phase.name} {self.step.name}"


class StepLayers:
    """Finds and remembers the layers of steps."""

    def __init__(
        self,
        store: LayerStore,
        secret: bytes,
        *,
        driver: str,
        has_network: bool,
        surroundings: Mapping[str, str],
    ) -> None:
        """``surroundings``: what else steps may be told, the account and the region."""
        self._store = store
        self._secret = secret
        self._driver = driver
        self._has_network = has_network
        self._surroundings = surroundings

    def find(self, work: StepWork, parent: str, before: list[StepState]) -> Hit | Miss:
        """Look for the layer that a step made of another, with the same steps before it."""
        return self._store.find(self._key(work, parent, before), always=_why_always(work))

    def remember(
        self, work: StepWork, parent: str, before: list[StepState], state: StepState, layer_id: str
    ) -> bool:
        """Let a step serve again, with what it put out; tell whether it may."""
        if _why_always(work) or state.status not in _LASTING:
            return False
        key, outputs = self._key(work, parent, before), {"step": state.to_json()}
        if layer_id == parent:
            self._store.remember_unchanging(
                layer_id, key=key, outputs=outputs, network=self._has_network
            )
        else:
            self._store.remember(
                layer_id,
                key=key,
                made_by=f"step {work.name}",
                outputs=outputs,
                network=self._has_network,
            )
        return True

    def _key(self, work: StepWork, parent: str, before: list[StepState]) -> str:
        references = list(_references(work.step))
        chains = any(isinstance(each, Chained) for each in references)
        names = {each.name for each in references if isinstance(each, Name)}
        document = _step_facts(work)
        if chains:
            document["before"] = [
                [each.phase, each.step, each.status.value, each.inputs, each.outputs]
                for each in before
            ]
        facts = LayerFacts(
            parent=parent,
            document=document,
            # What a step reads of others may lead on to any value: then all count.
            parameters={
                name: value for name, value in work.values.items() if chains or name in names
            },
            environment=self._surroundings,
            driver=self._driver,
            architecture=platform.machine(),
            protocol=PROTOCOL,
        )
        return layer_key(facts, self._secret)


def restored(hit: Hit) -> StepState:
    """Read how a step ended that serves again."""
    return StepState.from_json(hit.outputs["step"])


def _step_facts(work: StepWork) -> dict[str, Any]:
    step = work.step
    loop = step.loop
    return {
        "component step": step.name,
        "phase": work.phase.name,
        "action": step.action,
        "inputs": [texts(entry, _as_written) for entry in step.inputs],
        "if": None if step.condition is None else repr(_without_places(step.condition)),
        "loop": None if loop is None else repr(_without_places(loop)),
        "time": step.timeout_seconds,
        "attempts": step.attempts_max,
        "on failure": step.on_failure.value,
    }


def _as_written(scalar: Scalar) -> list[object]:
    return [scalar.text, scalar.plain]


def _without_places(part: Any) -> Any:
    """Spell a part of the document without where it stands, which lines above it change."""
    match part:
        case Scalar(text, plain):
            return (text, plain)
        case tuple():
            return tuple(_without_places(each) for each in part)
        case _ if hasattr(part, "__dataclass_fields__"):
            names = [name for name in part.__dataclass_fields__ if name != "span"]
            return (type(part).__name__, *((n, _without_places(getattr(part, n))) for n in names))
        case _:
            return part


def _why_always(work: StepWork) -> str:
    """Say why a step is done each time; empty if it need not be."""
    if not work.step.logging:
        return "it does not log, and what it knows is not kept"
    if work.step.action in NEVER_REUSED:
        return NEVER_REUSED[work.step.action]
    if reads_parameter_store(work.step):
        return "it reads aws:ssm:, where another value may stand now"
    for reference in _references(work.step):
        match reference:
            case Context(key) if key in _EVER_NEW:
                return f"it uses context:{key}, which is new each time"
            case Metadata(path) if path.strip("/") in _OF_THE_MACHINE:
                return f"it uses aws:imds:{path}, which is new each time"
    return ""


def _references(step: Step) -> Iterator[Reference]:
    for scalar, _ in texts_of(step):
        for expression in expressions(scalar.text):
            yield expression.reference


def works_of(
    documents: list[Loaded], values: list[Mapping[str, str]], wants: Callable[[str], bool]
) -> list[StepWork]:
    """List the steps of a run, in the order they run; ``wants`` tells which phases."""
    return [
        StepWork(number, phase, step, values[number])
        for number, document in enumerate(documents)
        for phase, step in document.component.steps()
        if wants(phase.name)
    ]
