"""Where a run stands, as a value that can be written down and taken up again (§4.6).

A restart of the machine ends all its processes, and whoever drives the run may die in between;
with the state saved before, another one carries on: same step or next, same attempt, same round
of a loop, with every input and output known so far. These are there as they are, also for steps
that do not log: whoever writes the state down keeps it as safe as a secret. Values that were read
as secrets are not there (``sealed``); whoever takes the run up reads them again (``opened``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from imagewright.masking import Seal, Secrets, through
from imagewright.runner.status import StepStatus


@dataclass(slots=True, kw_only=True)
class NestedRun:
    """A document that a step executes, as far as it came."""

    document: str
    """Where it was read."""
    text: str
    execution_id: str
    phases: list[str] = field(default_factory=list)
    parameters: dict[str, str]
    state: "RunState"
    refusal: str = ""
    """Why it did not run, or not to its end; empty if it did."""

    def to_json(self) -> dict[str, Any]:
        """Spell it with what JSON has."""
        plain = {member.name: getattr(self, member.name) for member in fields(self)}
        return {**plain, "state": self.state.to_json()}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Read back what ``to_json`` wrote."""
        return cls(**{**saved, "state": RunState.from_json(saved["state"])})


@dataclass(slots=True, kw_only=True)
class StepState:
    """One step that has begun."""

    phase: str
    step: str
    action: str
    status: StepStatus = StepStatus.RUNNING
    attempt: int = 1
    verdict: str | None = None
    """Of the step's ``if``; evaluated once, restarts or not."""
    loop_values: list[str] | None = None
    """Read once, when the loop begins."""
    round: int = 0
    """Of the loop: the one that runs, or the next one."""
    inputs: list[Any] = field(default_factory=list)
    """Resolved, one for each entry; of a loop, those of the last round."""
    outputs: list[dict[str, str]] = field(default_factory=list)
    """One for each round that succeeded, or what was captured of a failure."""
    nested: list[NestedRun] = field(default_factory=list)
    """Documents that it executes: one for each round that has begun."""
    exit_code: int | None = None
    message: str = ""
    last_lines: list[str] = field(default_factory=list)
    """What its last command wrote before it failed."""
    started_at: str
    """ISO 8601, in UTC."""
    ended_at: str | None = None
    _written: dict[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def seconds(self) -> float:
        """How long it took so far, in whole."""
        if self.ended_at is None:
            return 0.0
        took = datetime.fromisoformat(self.ended_at) - datetime.fromisoformat(self.started_at)
        return took.total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Spell it with what JSON has; what has ended is spelt once, for runs of many steps."""
        written = self._written
        if written is None or self.ended_at is None or written["ended_at"] != self.ended_at:
            self._written = written = {name: getattr(self, name) for name in _STEP_MEMBERS}
            # These still grow while the step runs.
            written |= {name: list(written[name]) for name in ("inputs", "outputs", "last_lines")}
            written["nested"] = [nested.to_json() for nested in self.nested]
        return written

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Read back what ``to_json`` wrote."""
        nested = [NestedRun.from_json(each) for each in saved.get("nested", ())]
        return cls(**{**saved, "status": StepStatus(saved["status"]), "nested": nested})

    @property
    def output(self) -> dict[str, str]:
        """The outputs as chaining sees them: rounds of a loop on lines of their own (§6.3)."""
        names = dict.fromkeys(name for outputs in self.outputs for name in outputs)
        return {n: "\n".join(out[n] for out in self.outputs if n in out) for n in names}


@dataclass(slots=True, kw_only=True)
class RunState:
    """A run so far."""

    steps: list[StepState] = field(default_factory=list)
    """In the order they began."""
    reboots: int = 0
    reboot_pending: bool = False
    """Saved before the machine goes down; whoever takes the run up sends it down (again)."""
    started_at: str

    def find(self, phase: str, step: str) -> StepState | None:
        """Find a step that has begun."""
        return next((s for s in self.steps if (s.phase, s.step) == (phase, step)), None)

    def break_off(self, why: str, now: str) -> None:
        """Let what runs end as failed: the machine is gone."""
        for step in self.steps:
            if step.ended_at is None:
                step.status, step.message, step.ended_at = StepStatus.FAILED, why, now
                for nested in step.nested[step.round :]:
                    nested.refusal = why
                    nested.state.break_off(why, now)

    def to_json(self) -> dict[str, Any]:
        """Spell it with what JSON has."""
        return {
            "steps": [step.to_json() for step in self.steps],
            "reboots": self.reboots,
            "reboot_pending": self.reboot_pending,
            "started_at": self.started_at,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Read back what ``to_json`` or ``sealed`` wrote, with masks for what is sealed."""
        if (seal := _seal(saved)) is not None:
            saved = _with_texts(saved, seal.masked)
        return cls(**{**saved, "steps": [StepState.from_json(step) for step in saved["steps"]]})


_STEP_MEMBERS = tuple(member.name for member in fields(StepState) if member.init)
_TEXT_MEMBERS = ("inputs", "outputs", "loop_values", "message")
_SEAL = "seal"


def masked(state: RunState, secrets: Secrets) -> RunState:
    """Return a state in which no secret is, for all who show or keep it."""
    if not secrets:
        return state
    return RunState.from_json(_with_texts(state.to_json(), secrets.mask))


def sealed(state: RunState, secrets: Secrets) -> dict[str, Any]:
    """Spell a state with what JSON has and without secrets, so that it can be taken up again."""
    if not secrets:
        return state.to_json()
    seal, hide = secrets.seal()
    written = {"mark": seal.mark, "names": list(seal.names), "cuts": seal.cuts}
    return {**_with_texts(state.to_json(), hide), _SEAL: written}


def opened(saved: dict[str, Any], read: Callable[[str], str], secrets: Secrets) -> RunState:
    """Read back what ``sealed`` wrote; ``read`` learns a secret by its name, and returns it."""
    if (seal := _seal(saved)) is not None:
        secrets.cut_at(seal.cuts)
        values: Sequence[str] = [read(name) for name in seal.names]
        saved = _with_texts(saved, lambda text: seal.opened(text, values))
    return RunState.from_json(saved)


def _seal(saved: Mapping[str, Any]) -> Seal | None:
    found = saved.get(_SEAL)
    if found is None:
        return None
    return Seal(found["mark"], tuple(found["names"]), found.get("cuts", ""))


def _with_texts(saved: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Change what came from outside; names of steps and the like are the document's own."""
    rest = {name: value for name, value in saved.items() if name != _SEAL}
    return {**rest, "steps": [_step_with_texts(step, change) for step in saved["steps"]]}


def _step_with_texts(step: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    return {
        **step,
        "nested": [_nested_with_texts(nested, change) for nested in step.get("nested", ())],
        **{name: through(step[name], change) for name in _TEXT_MEMBERS},
        # One that is split over lines is found only where they are together.
        "last_lines": change("\n".join(step["last_lines"])).split("\n")
        if step["last_lines"]
        else [],
    }


def _nested_with_texts(nested: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    return {
        **nested,
        **{name: through(nested[name], change) for name in ("document", "text", "parameters")},
        "state": _with_texts(nested["state"], change),
    }
