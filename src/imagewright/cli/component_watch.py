"""``imagewright component run --watch``: run again with every change, from the changed step on."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

from rich.console import Console
from rich.text import Text

from imagewright.cli.component_layers import StepLayers, StepWork, restored, works_of
from imagewright.cli.component_sources import sources
from imagewright.cli.component_view import RunView, step_line
from imagewright.cli.exits import ExitCode, complain, fail, note
from imagewright.cli.lone_machines import Held, holding
from imagewright.cli.places import Place, Placed, Places, open_places
from imagewright.cli.text import AGAIN, BAR, CROSS, TICK, seconds, sign, visible
from imagewright.documents.component.variables import values
from imagewright.documents.diagnostics.terminal import render_rich
from imagewright.documents.specs import Platform
from imagewright.images.layers import Hit
from imagewright.machines.machine import Command, MachineError
from imagewright.machines.sandbox import SandboxMachine
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused
from imagewright.runner.reporting import Event, InDocument, OutputLine, StepEnded, StepStarted
from imagewright.runner.result import Failure, RunResult
from imagewright.runner.run import run_component
from imagewright.runner.state import RunState, StepState
from imagewright.toe.asked import Asked
from imagewright.toe.documents import (
    BrokenDocument,
    Loaded,
    SetupFailed,
    kind_of_place,
    load_document,
)
from imagewright.toe.run import phases_of, why_not

_LOOK_SECONDS = 0.2

_LEFT_BEHIND = """
walk() {
    for entry in "$1"/* "$1"/.[!.]*; do
        if [ -d "$entry" ] && [ ! -L "$entry" ]; then walk "$entry"
        elif [ -s "$entry" ] || [ -S "$entry" ]; then printf '%s\\n' "$entry"
        fi
    done
}
walk /run; walk /dev/shm
"""
"""Names what a layer boundary would take away; an empty file there is a lock that nobody holds."""


def watch(asked: Asked, place: Place, state: Path | None, cancel: Flag, view: RunView) -> ExitCode:
    """Run, wait for a change, and run again, until stopped."""
    files = [Path(each.place) for each in asked.documents if _is_file(each.place)]
    if place.kind != "sandbox":
        fail(ExitCode.USAGE, f"--watch reuses layers, which only a sandbox makes, not {place}")
    if not files:
        fail(ExitCode.USAGE, "--watch needs a document that is a file here")
    with open_places(state) as places:
        while not cancel.is_set():
            seen = _look(files)
            try:
                documents = _load(asked, state)
            except SetupFailed as error:
                _show_problem(error)
            else:
                _Round(asked, documents, place, places, cancel, view).go()
            if cancel.is_set():
                break
            names = ", ".join(map(str, files))
            _say(Text(f"watching {names}; Ctrl-C ends it", style="dim"))
            view.wait(f"waiting for a change of {names}")
            _await_change(files, seen, cancel)
    return ExitCode.INTERRUPTED


def _await_change(files: Sequence[Path], seen: list[tuple[int, ...]], cancel: Flag) -> None:
    """Return when a file is another, and whoever writes it is done."""
    while _look(files) == seen and not cancel.wait(_LOOK_SECONDS):
        pass
    now = _look(files)
    while not cancel.wait(_LOOK_SECONDS / 2) and now != (later := _look(files)):
        now = later


def _is_file(place: str) -> bool:
    return kind_of_place(place) == "a local path"


def _look(files: Sequence[Path]) -> list[tuple[int, ...]]:
    """Return what changes when a file does; an editor may take it away for a moment."""
    found: list[tuple[int, ...]] = []
    for file in files:
        try:
            facts = file.stat()
            found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns))
        except OSError:
            found.append(())
    return found


def _load(asked: Asked, state: Path | None) -> list[Loaded]:
    places = sources(state, owner=asked.document_s3_bucket_owner)
    return [
        load_document(each.place, places.text(each.place), Platform.LINUX)
        for each in asked.documents
    ]


def _show_problem(error: SetupFailed) -> None:
    if isinstance(error, BrokenDocument):
        console = Console(soft_wrap=True, highlight=False)
        errors = [finding for finding in error.findings if finding.is_error]
        console.print(render_rich(errors, error.text, error.place), end="")
    else:
        complain(str(error))


@dataclass
class _Round:
    """One run: what did not change is taken over, the rest is done."""

    asked: Asked
    documents: list[Loaded]
    place: Place
    places: Places
    cancel: Flag
    view: RunView
    _states: list[RunState] = field(init=False)
    _works: list[StepWork] = field(init=False)
    _layer_id: str = ""
    _is_whole: bool = True
    """Whether every step so far left a layer that holds all it did."""

    def __post_init__(self) -> None:
        now = "1970-01-01T00:00:00+00:00"
        self._states = [RunState(started_at=now) for _ in self.documents]
        given = [each.parameters for each in self.asked.documents]
        known: list[Mapping[str, str]] = [
            values(document.component, parameters)
            for document, parameters in zip(self.documents, given, strict=True)
        ]
        self._works = works_of(self.documents, known, self.asked.wants)

    def go(self) -> None:
        """Run once, and show what comes of it."""
        began = time.monotonic()
        try:
            failure = self._run()
        except (ComponentRefused, MachineError) as error:
            complain(str(error))
            return
        took = seconds(time.monotonic() - began)
        if self.cancel.is_set():
            return
        if failure is None:
            _say(Text.assemble((f"{sign(TICK)} success", "green"), f" in {took}"))
            return
        _say(Text.assemble((f"{sign(CROSS)} failed", "bold red"), f" after {took}"))
        for line in failure.last_lines.splitlines():
            _say(Text(f"  {sign(BAR)} {visible(line)}", style="dim"))
        if failure.hint:
            note(failure.hint)

    def _run(self) -> Failure | None:
        bench, settings = self.places.bench, self.places.settings
        driver = bench.sandbox.driver
        self._layers = StepLayers(
            bench.sandbox.layer_store,
            bench.secret,
            driver=driver.name,
            has_network=bench.has_network,
            surroundings={"account": settings.account, "region": settings.region},
        )
        self._layer_id = self.places.base_layer(self.place, self.view, self.cancel)
        self._take_over()
        if len(self._done) == len(self._works):
            return None
        with holding(bench.database, self._layer_id, driver=driver.name, owner=bench.owner) as row:
            machine = driver.launch(row.id, self._layer_id, on_notice=self.view.notice)
            try:
                return self._go_on(machine, row)
            finally:
                machine.terminate()

    @property
    def _done(self) -> list[StepState]:
        return [step for state in self._states for step in state.steps]

    def _take_over(self) -> None:
        """Take over the steps before the first one that has to run."""
        for work in self._works:
            steps = self._states[work.document].steps
            found = self._layers.find(work, self._layer_id, steps)
            if not isinstance(found, Hit):
                why = visible(found.reason)
                _say(Text.assemble((f"  {work.name}", "bold"), (f"  runs: {why}", "dim")))
                return
            steps.append(restored(found))
            self._layer_id = found.layer_id
            _say(
                Text.assemble((f"{sign(AGAIN)} ", "cyan"), work.name, (f"  {found.reason}", "dim"))
            )

    def _go_on(self, machine: SandboxMachine, row: Held) -> Failure | None:
        if why := why_not(self.documents, self.asked, self._environment(machine)):
            raise ComponentRefused((why,))
        failure = None
        for number, document in enumerate(self.documents):
            left = [work for work in self._works if work.document == number]
            if len(self._states[number].steps) == len(left):
                continue
            result = self._document(number, document, machine, row)
            failure = failure or result.failure
            if result.is_aborted:
                break
        return failure

    def _work(self, number: int, state: StepState) -> StepWork:
        name = (number, state.phase, state.step)
        return next(w for w in self._works if (w.document, w.phase.name, w.step.name) == name)

    def _document(
        self, number: int, document: Loaded, machine: SandboxMachine, row: Held
    ) -> RunResult:
        return run_component(
            document.component,
            machine=machine,
            phases=phases_of(document, self.asked),
            parameters=self.asked.documents[number].parameters,
            environment=self._environment(machine),
            reporter=_Shower(self.view, with_lines=self.asked.trace),
            cancel=self.cancel,
            saved=self._states[number].to_json(),
            save=lambda state: self._keep(number, state, machine, row),
        )

    def _environment(self, machine: SandboxMachine) -> RunEnvironment:
        placed = Placed(machine=machine, base=self.place.base, in_sandbox=True)
        return self.places.environment(placed, machine.id)

    def _keep(self, number: int, state: dict[str, Any], machine: SandboxMachine, row: Held) -> None:
        """After a step, make a layer of what it did, if that holds all of it."""
        now = RunState.from_json(state)
        before = self._states[number].steps
        is_step_over = len(now.steps) > len(before) and now.steps[-1].ended_at is not None
        if now.reboot_pending or not is_step_over:
            return
        self._states[number] = now
        if not self._is_whole:
            return
        ended = now.steps[-1]
        work = self._work(number, ended)
        if left := self._left_behind(machine):
            self._is_whole = False
            note(f"{work.name} and what follows run each time: {left} would not outlast a layer")
            return
        parent, self._layer_id = self._layer_id, machine.commit()
        row.advance(self._layer_id)
        self._is_whole = self._layers.remember(work, parent, before, ended, self._layer_id)

    def _left_behind(self, machine: SandboxMachine) -> str:
        """Name what a layer boundary would end or take away; empty if nothing is."""
        if running := machine.running():
            return f"the process {', '.join(running)}"
        said: list[str] = []
        command = Command(argv=("/bin/sh", "-c", _LEFT_BEHIND), timeout_seconds=60)
        machine.run(command, on_line=lambda line: said.append(line.text))
        return ", ".join(said[:3])


@dataclass(frozen=True, slots=True)
class _Shower:
    """Shows the steps of a run, one line each."""

    view: RunView
    with_lines: bool

    def report(self, event: Event) -> None:
        match event:
            case StepStarted(phase=phase, step=step):
                self.view.wait(f"{phase} {step}")
            case StepEnded():
                _say(step_line(event))
            case OutputLine(text=text) if self.with_lines:
                _say(Text(f"  {sign(BAR)} {visible(text)}", style="dim"))
            case InDocument(event=inner) if not isinstance(inner, StepStarted | StepEnded):
                self.report(inner)
            case _:
                pass


def _say(text: Text) -> None:
    Console(highlight=False, soft_wrap=True).print(text)
