"""Running one step: its condition, attempts, loop, restarts, and what a failure means (§4.2)."""

from collections.abc import Iterator
from typing import Any

from imagewright.documents.component.conditions import Reader, describe
from imagewright.documents.component.loops import values_of
from imagewright.documents.component.model import Delimited, If, OnFailure, Phase, Step, Verdict
from imagewright.documents.component.operators import Operand
from imagewright.documents.nodes import MapNode, Scalar
from imagewright.documents.specs import InputError, to_plain
from imagewright.runner.failures import Cancelled, ModuleFailure, own_words
from imagewright.runner.guest import Guest, Place
from imagewright.runner.hints import LACK_OF_MEMORY
from imagewright.runner.module import RebootNeeded
from imagewright.runner.nested import NestedRuns
from imagewright.runner.reporting import Notice, Rebooting, StepEnded, StepStarted
from imagewright.runner.resolver import Resolver, Round, plain
from imagewright.runner.session import Session
from imagewright.runner.state import StepState
from imagewright.runner.status import StepStatus
from imagewright.runner.verdicts import as_it_stands, holds

_VALUE_CHARACTERS_MAX = 80


class StepRun:
    """One step of a run."""

    def __init__(self, session: Session, phase: Phase, step: Step) -> None:
        self._session = session
        self._phase = phase
        self._step = step
        self._module = session.modules[step.action]
        self._place = Place(phase.name, step.name, step.logging)
        self._begun = session.state.find(phase.name, step.name)

    def go(self) -> bool:
        """Run it, or what is left of it, and tell whether the run goes on behind it."""
        state = self._begun
        if state is None:
            state = StepState(
                phase=self._phase.name,
                step=self._step.name,
                action=self._step.action,
                started_at=self._session.now(),
            )
            self._session.state.steps.append(state)
        if state.status is StepStatus.RUNNING:
            self._run(state)
        match state.status:
            case StepStatus.CANCELLED:
                return False
            case StepStatus.FAILED:
                return self._step.on_failure is not OnFailure.ABORT
            case _:
                return True

    def _run(self, state: StepState) -> None:
        self._report_start(state)
        try:
            if self._is_wanted(state):
                self._attempts(state)
                self._end(state, StepStatus.SUCCESS)
            else:
                self._end(state, StepStatus.SKIPPED)
        except ModuleFailure as failure:
            self._fail(state, failure)
        except Cancelled:
            state.message = "cancelled"
            self._end(state, StepStatus.CANCELLED)

    def _is_wanted(self, state: StepState) -> bool:
        if self._step.condition is None:
            return True
        if state.verdict is None:
            state.verdict = self._verdict(state, self._step.condition)
        if state.verdict == Verdict.ABORT:
            what = describe(self._step.condition.condition)
            raise ModuleFailure(f"the step's condition says to abort: {what}")
        return state.verdict == Verdict.EXECUTE

    def _verdict(self, state: StepState, condition: If) -> Verdict:
        guest = self._guest(state)
        resolver = self._resolver(guest)

        def operand(scalar: Scalar) -> Operand:
            return as_it_stands(resolver.scalar(scalar))

        true = holds(condition.condition, guest, operand)
        return condition.then if true else condition.otherwise

    def _attempts(self, state: StepState) -> None:
        while True:
            try:
                self._attempt(state)
            except RebootNeeded as wish:
                if self._reboot(state, wish):
                    return
            except ModuleFailure as failure:
                if state.attempt >= self._step.attempts_max:
                    raise
                self._warn(f"attempt {state.attempt} failed: {self._message(failure)}")
                state.attempt += 1
                state.round, state.loop_values, state.outputs = 0, None, []
            else:
                return
            self._report_start(state)

    def _attempt(self, state: StepState) -> None:
        guest = self._guest(state)
        for number, round_ in self._rounds(state, guest):
            state.round = number
            resolver = self._resolver(guest, round_)
            try:
                outputs = self._entries(state, guest, resolver)
            except ModuleFailure as failure:
                state.last_lines = [line for line in guest.last_lines if not own_words(line)]
                failure = _with_lack(failure) if guest.lacked_memory else failure
                raise self._of_round(state, failure, number) from failure
            state.outputs.append(outputs)
            state.round = number + 1

    def _rounds(self, state: StepState, guest: Guest) -> Iterator[tuple[int, Round | None]]:
        if self._step.loop is None:
            yield 0, None
            return
        limits = self._session.environment.limits
        if state.loop_values is None:
            resolver = self._resolver(guest)
            found = values_of(
                self._step.loop,
                lambda s: self._over(resolver.text(s.text)),
                rounds_max=limits.loop_rounds_max,
            )
            state.loop_values = list(found)
        if len(state.loop_values) > limits.loop_rounds_max:
            raise ModuleFailure(
                f"the loop has more than {limits.loop_rounds_max:,} rounds, the setting "
                "components.loop_rounds_max"
            )
        for number in range(state.round, len(state.loop_values)):
            yield number, Round(number, state.loop_values[number])

    def _over(self, text: str) -> str:
        """Take the text that a loop goes over; the pieces of a secret are secret too."""
        over, secrets = self._step.loop and self._step.loop.over, self._session.environment.secrets
        if isinstance(over, Delimited) and secrets.are_in(text):
            secrets.cut_at(over.delimiter)
        return text

    def _entries(self, state: StepState, guest: Guest, resolver: Resolver) -> dict[str, str]:
        filled = [resolver.map(entry) for entry in self._step.inputs]
        state.inputs = [plain(entry) for entry in filled]
        self._session.take_room(state.inputs)
        run, spec = self._module.run, self._module.spec
        assert run is not None, "refused before the run"  # noqa: S101  (refusal.py saw to it)
        given: dict[str, list[str]] = {}
        for entry in filled:
            outputs = run(self._inputs(entry), guest)
            for name, value in to_plain(outputs).items() if outputs is not None else ():
                given.setdefault(name, []).append(value)
        joined = {name: spec.outputs_joined_by.join(texts) for name, texts in given.items()}
        self._session.take_room(joined)
        return joined

    def _inputs(self, entry: MapNode) -> Any:
        if self._module.spec.takes_condition:
            reader = Reader([])
            condition = reader.read(entry)
            if condition is None:
                raise ModuleFailure(reader.findings[0].message)
            return condition
        try:
            return self._module.spec.build_inputs(plain(entry))
        except InputError as error:
            raise ModuleFailure(str(error)) from None

    def _of_round(self, state: StepState, failure: ModuleFailure, number: int) -> ModuleFailure:
        if self._step.loop is None:
            return failure
        written = (state.loop_values or [""])[number]
        value = repr(self._session.environment.secrets.mask(written))[:_VALUE_CHARACTERS_MAX]
        message = f"round {number} of the loop, with {value}, failed: {failure}"
        return ModuleFailure(message, exit_code=failure.exit_code)

    def _reboot(self, state: StepState, wish: RebootNeeded) -> bool:
        """Restart the machine, and tell whether the step is done with that."""
        run = self._session.outermost.state
        limit = self._session.environment.limits.restarts_max
        if run.reboots >= limit:
            help_ = "; a script that exits 194 runs again, until it exits 0" * wish.runs_again
            raise ModuleFailure(
                f"the run asked for more than {limit} restart{'s' * (limit != 1)} of the machine, "
                f"the setting components.restarts_max{help_}"
            )
        run.reboots += 1
        if not wish.runs_again:
            state.outputs.append(wish.outputs)
            state.round += 1
        done = not wish.runs_again and state.round >= len(state.loop_values or [""])
        self._session.reporter.report(
            Rebooting(self._place.phase, self._place.step, run.reboots, not done)
        )
        run.reboot_pending = True
        if done:
            state.status = StepStatus.SUCCESS
            state.ended_at = self._session.now()
        self._session.keep()
        self._session.finish_reboot()
        return done

    def _fail(self, state: StepState, failure: ModuleFailure) -> None:
        state.exit_code = failure.exit_code
        state.message = self._message(failure)
        if state.attempt > 1:
            state.message += f" (attempt {state.attempt} of {self._step.attempts_max})"
        known = self._module.spec.output_record
        if captured := {n: text for n, text in failure.outputs.items() if known.member(n)}:
            state.outputs.append(captured)
        ignored = self._step.on_failure is OnFailure.IGNORE
        self._end(state, StepStatus.IGNORED_FAILURE if ignored else StepStatus.FAILED)

    def _message(self, failure: ModuleFailure) -> str:
        if self._step.logging:
            return str(failure)
        code = "" if failure.exit_code is None else f" with exit status {failure.exit_code}"
        return f"{self._step.action} failed{code}; its logging is disabled"

    def _end(self, state: StepState, status: StepStatus) -> None:
        state.status = status
        state.ended_at = self._session.now()
        if status is StepStatus.SUCCESS:
            state.exit_code = 0
        self._session.keep()
        self._session.reporter.report(
            StepEnded(state.phase, state.step, state.action, status, state.seconds, state.message)
        )

    def _report_start(self, state: StepState) -> None:
        self._session.reporter.report(
            StepStarted(
                state.phase, state.step, state.action, state.attempt, self._step.attempts_max
            )
        )

    def _warn(self, text: str) -> None:
        notice = Notice(self._place.phase, self._place.step, "warning", text)
        self._session.reporter.report(notice)

    def _guest(self, state: StepState) -> Guest:
        timeless = self._step.action == "Reboot"
        return Guest(
            machine=self._session.machine,
            environment=self._session.environment,
            place=self._place,
            report=self._session.reporter.report,
            cancel=self._session.cancel,
            call_document=NestedRuns(self._session, self._place, state).call,
            timeout_seconds=None if timeless else self._step.timeout_seconds,
        )

    def _resolver(self, guest: Guest, round_: Round | None = None) -> Resolver:
        return Resolver(
            component=self._session.component,
            modules=self._session.modules,
            values=self._session.values,
            state=self._session.state,
            clock=self._session.clock,
            guest=guest,
            step=self._step,
            round=round_,
        )


def _with_lack(failure: ModuleFailure) -> ModuleFailure:
    message = f"{failure}; {LACK_OF_MEMORY}"
    return ModuleFailure(message, exit_code=failure.exit_code, outputs=failure.outputs)
