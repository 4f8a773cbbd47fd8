"""Running a component document on a machine (``component-documents.md`` §4).

Phases in the document's order, steps one after another, no parallelism anywhere. Everything the
machine does goes through its protocol; everything worth telling goes to the reporter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from imagewright.clock import Clock, SystemClock
from imagewright.documents.component.model import Component, Phase
from imagewright.documents.component.variables import values
from imagewright.documents.specs import Platform
from imagewright.machines.machine import Command, Machine
from imagewright.runner import powershell
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused, ModuleFailure
from imagewright.runner.module import Module
from imagewright.runner.modules.table import MODULES
from imagewright.runner.powershell import literal
from imagewright.runner.refusal import refusals_in
from imagewright.runner.reporting import Discreet, PhaseEnded, PhaseStarted, Reporter, Silent
from imagewright.runner.result import RunResult, sum_up
from imagewright.runner.session import Session
from imagewright.runner.state import RunState, masked, opened
from imagewright.runner.status import combine
from imagewright.runner.step import StepRun

Save = Callable[[dict[str, Any]], None]
"""Writes down where the run stands; JSON's types only."""


def run_component(
    component: Component,
    *,
    machine: Machine,
    phases: Sequence[str],
    parameters: Mapping[str, str] | None = None,
    environment: RunEnvironment | None = None,
    reporter: Reporter | None = None,
    cancel: Flag | None = None,
    saved: dict[str, Any] | None = None,
    save: Save | None = None,
    clock: Clock | None = None,
    modules: Mapping[str, Module] = MODULES,
) -> RunResult:
    """Run some phases of a component; a phase that the document lacks is passed over.

    ``parameters`` that the document does not know are ignored; who must refuse them asks
    ``variables.unknown_names`` before. With ``saved``, an earlier run goes on where ``save`` was
    last told it stood.

    Raises ComponentRefused before anything is done, and MachineError when the machine itself
    fails. What goes wrong in a step is in the result, and so is being cancelled.

    Nothing that leaves here, events, result, saved state and errors, holds one of the
    environment's secrets.
    """
    parameters = parameters or {}
    environment = environment or RunEnvironment()
    problems = refusals_in(
        environment,
        component,
        modules=modules,
        phases=phases,
        parameters=parameters,
    )
    if problems:
        raise ComponentRefused(problems)
    session = Session(
        component=component,
        machine=machine,
        environment=environment,
        modules=modules,
        values=values(component, parameters),
        reporter=Discreet(reporter or Silent(), environment.secrets),
        cancel=cancel or Flag(),
        clock=clock or SystemClock(),
        state=_state(saved, environment, clock or SystemClock()),
        save=save,
        go=_go,
    )
    try:
        _Run(session, phases).go()
    except Exception as error:
        environment.secrets.mask_error(error)
        raise
    return sum_up(component, masked(session.state, environment.secrets))


def _go(session: Session, phases: Sequence[str]) -> RunResult:
    _Run(session, phases).go()
    return sum_up(session.component, session.state)


def _state(saved: dict[str, Any] | None, environment: RunEnvironment, clock: Clock) -> RunState:
    if saved is None:
        return RunState(started_at=clock.now().isoformat())

    def read(name: str) -> str:
        if environment.read_parameter is None:
            raise ComponentRefused((f"'{name}', a secret that the run read, cannot be asked for",))
        try:
            found = environment.read_parameter(name)
        except ModuleFailure as error:
            raise ComponentRefused((f"the run cannot be taken up: {error}",)) from error
        environment.secrets.learn(found.text, name)
        return found.text

    return opened(saved, read, environment.secrets)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run, from the start or from where it stood."""

    session: Session
    phases: Sequence[str]

    def go(self) -> None:
        self.session.finish_reboot()
        self._make_working_directory()
        for phase in self.session.component.phases:
            if phase.name in self.phases and not self._phase(phase):
                return

    def _make_working_directory(self) -> None:
        folder = self.session.environment.working_directory
        command = Command(argv=_making(folder, self.session.environment.platform))
        said: list[str] = []
        if self.session.machine.run(command, on_line=lambda line: said.append(line.text)).code:
            raise ComponentRefused((f"the working directory cannot be made: {' '.join(said)}",))

    def _phase(self, phase: Phase) -> bool:
        """Run one phase, and tell whether the run goes on behind it."""
        self.session.reporter.report(PhaseStarted(phase.name))
        goes_on = True
        for step in phase.steps:
            goes_on = StepRun(self.session, phase, step).go()
            if not goes_on:
                break
        begun = [state for state in self.session.state.steps if state.phase == phase.name]
        status = combine(state.status for state in begun)
        seconds = sum(state.seconds for state in begun)
        self.session.reporter.report(PhaseEnded(phase.name, status, seconds))
        return goes_on


def _making(folder: str, platform: Platform) -> tuple[str, ...]:
    """Return the argv that makes a folder."""
    if platform is Platform.WINDOWS:
        return powershell.command(f"[void][IO.Directory]::CreateDirectory({literal(folder)})")
    return ("/bin/sh", "-c", 'mkdir -p "$1"', "imagewright", folder)
