"""What ``imagewright component test`` does: components, each case on a machine of its own."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from threading import Event as Flag
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from imagewright.cli.component_view import RunView, watching
from imagewright.cli.exits import ExitCode, complain, fail
from imagewright.cli.files import EXPECTATIONS, Content, Unreadable, read_files, text_of
from imagewright.cli.options import OutputForm
from imagewright.cli.places import DEFAULT, Place, Places, open_places, read_place
from imagewright.cli.stopping import stopping
from imagewright.cli.text import BAR, CROSS, TICK, seconds, sign, visible
from imagewright.documents.diagnostics import Diagnostic, has_errors
from imagewright.documents.diagnostics.terminal import render_rich
from imagewright.documents.reading import Budget
from imagewright.documents.recognise import DocumentKind, recognise
from imagewright.documents.specs import Platform
from imagewright.documents.text import NoText
from imagewright.machines.machine import MachineError
from imagewright.toe.documents import BrokenDocument, Loaded, load_document
from imagewright.toe.expectations import Case, read_cases
from imagewright.toe.junit import junit
from imagewright.toe.testing import Outcome, phases_of, run_case

_ENDINGS = (".test.yaml", ".test.yml", ".test.json")
_SIZE_BYTES_MAX = Budget().size_bytes + 1
_NAME_BYTES_MAX = 200
"""Of the log of a case; a folder takes 255, ending and all."""


@dataclass(slots=True)
class _Tested:
    """A component, its cases, and what came of them."""

    document: Loaded
    cases: tuple[Case, ...]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        """The steps that some case could have run."""
        phases = {
            phase for case in self.cases for phase in phases_of(self.document.component, case)
        }
        return [
            f"{phase.name}.{step.name}"
            for phase, step in self.document.component.steps()
            if phase.name in phases
        ]

    @property
    def missed(self) -> list[str]:
        """The steps that no case ran."""
        covered = {name for outcome in self.outcomes for name in outcome.covered}
        return [name for name in self.steps if name not in covered]


@dataclass(frozen=True, kw_only=True, slots=True)
class Testing:
    """How tests are run and told."""

    on: str | None
    parallel: int
    junit: Path | None
    log_directory: Path | None
    coverage_min: int
    output: OutputForm


def run_tests(paths: Sequence[str], options: Testing, state: Path | None) -> int:
    """Run the cases of all components, tell what came of them, return how the command ends."""
    tested = _find(paths)
    place = None if options.on is None else read_place(options.on)
    if place is not None and place.kind == "host":
        fail(ExitCode.USAGE, "each case needs a machine of its own, and there is one host only")
    with stopping() as cancel, watching("starting") as view, open_places(state) as places:
        try:
            took = _run_all(tested, place, places, options, cancel, view)
        except MachineError as error:
            fail(ExitCode.FAILED, str(error))
    if options.output is OutputForm.JSON:
        typer.echo(json.dumps(_as_json(tested), indent=2, ensure_ascii=False))
    else:
        _tell(tested, took)
    _leave_files(tested, options)
    if cancel.is_set():
        return ExitCode.INTERRUPTED
    is_enough = _coverage(tested) >= options.coverage_min
    if not is_enough:
        complain(
            f"{_coverage(tested)} % of the steps ran, and --coverage-min is {options.coverage_min}"
        )
    all_passed = all(outcome.passed for each in tested for outcome in each.outcomes)
    return ExitCode.OK if all_passed and is_enough else ExitCode.FAILED


def _find(paths: Sequence[str]) -> list[_Tested]:
    """Find the components and their expectations; end the command if any of it is wrong."""
    found: list[_Tested] = []
    lonely: list[str] = []
    is_bad = is_unreadable = False
    for file in read_files(paths, _SIZE_BYTES_MAX):
        if isinstance(file, Unreadable):
            complain(f"{file.name}: {file.reason}")
            is_unreadable = True
        elif match := EXPECTATIONS.fullmatch(file.name):
            lonely += [] if _has_document(match["stem"]) else [file.name]
        elif _is_component(file):
            each = _tested(file)
            is_bad |= each is None
            found += [each] if each is not None else []
    for name in lonely:
        complain(f"{name}: no component lies beside it")
    if is_unreadable:
        raise typer.Exit(ExitCode.USAGE)
    if is_bad or lonely:
        raise typer.Exit(ExitCode.FAILED)
    if not found:
        fail(ExitCode.USAGE, "there is no component document")
    return found


def _is_component(file: Content) -> bool:
    """Tell a component from what a folder also holds; what is named itself must be one."""
    if recognise(file.content.decode("utf-8", "replace")) is DocumentKind.COMPONENT:
        return True
    if not file.found:
        fail(ExitCode.FAILED, f"{file.name} is no component document")
    return False


def _has_document(stem: str) -> bool:
    return any(Path(stem + ending).is_file() for ending in (".yaml", ".yml", ".json"))


def _tested(file: Content) -> _Tested | None:
    text = _text(file)
    if text is None:
        return None
    try:
        document = load_document(file.name, text, Platform.LINUX)
    except BrokenDocument as error:
        _draw(error.findings, text, file.name)
        return None
    beside = _beside(file)
    if beside is None:
        return _Tested(document, (Case(),))
    (read,) = read_files([str(beside)], _SIZE_BYTES_MAX)
    if isinstance(read, Unreadable):
        fail(ExitCode.USAGE, f"{read.name}: {read.reason}")
    if (written := _text(read)) is None:
        return None
    cases, findings = read_cases(written, document.component)
    _draw(findings, written, read.name)
    return None if has_errors(findings) else _Tested(document, cases)


def _text(file: Content) -> str | None:
    """Read a file's text; complain of one that has none, as a run does."""
    try:
        return text_of(file)
    except NoText as error:
        complain(str(error))
        return None


def _beside(file: Content) -> Path | None:
    if file.path is None:
        return None
    names = (file.path.with_suffix(ending) for ending in _ENDINGS)
    return next((path for path in names if path.is_file()), None)


def _draw(findings: Sequence[Diagnostic], text: str, name: str) -> None:
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print(render_rich(errors, text, name), end="")


def _run_all(
    tested: Sequence[_Tested],
    place: Place | None,
    places: Places,
    options: Testing,
    cancel: Flag,
    view: RunView,
) -> float:
    """Run every case, side by side, and return how long that took. Raises MachineError."""
    todo = [
        (each, case, place or read_place(f"sandbox:{case.base}" if case.base else DEFAULT))
        for each in tested
        for case in each.cases
    ]
    for each_place in dict.fromkeys(where for _, _, where in todo):
        places.prepare(each_place, view, cancel)
    with view.counting(len(todo)) as counted, ThreadPoolExecutor(options.parallel) as pool:
        runs: list[tuple[_Tested, Future[Outcome]]] = [
            (each, pool.submit(_run_one, each.document, case, where, places, cancel, view))
            for each, case, where in todo
        ]
        for _, run in runs:
            run.add_done_callback(counted.one)
        for each, run in runs:
            each.outcomes.append(run.result())
    return counted.seconds


def _run_one(
    document: Loaded, case: Case, place: Place, places: Places, cancel: Flag, view: RunView
) -> Outcome:
    if cancel.is_set():
        return Outcome(case, ["it was cancelled"])
    try:
        with places.machine(place, watcher=view, cancel=cancel) as placed:
            return run_case(
                document.component,
                case,
                placed.machine,
                places.environment(placed, placed.machine.id),
                document=document.place,
                cancel=cancel,
            )
    except MachineError as error:
        return Outcome(case, [f"no machine could be had: {error}"])


def _leave_files(tested: Sequence[_Tested], options: Testing) -> None:
    try:
        if options.junit is not None:
            results = {each.document.place: each.outcomes for each in tested}
            _write(options.junit, junit(results))
        if options.log_directory is not None:
            names = _short_names([each.document.place for each in tested])
            taken: set[str] = set()
            for each in tested:
                for outcome in each.outcomes:
                    name = f"{names[each.document.place]}.{outcome.case.name}"
                    file = options.log_directory / f"{_file_name(name, taken)}.log"
                    _write(file, "".join(f"{line}\n" for line in outcome.log))
    except OSError as error:
        fail(ExitCode.USAGE, f"{error.filename} cannot be written: {error.strerror}")


def _file_name(name: str, taken: set[str]) -> str:
    """Make a name that a folder takes, and that no other case has; ``taken`` grows by it."""
    shown = visible(name).replace("/", "_").encode("utf-8", "replace")[:_NAME_BYTES_MAX]
    first = shown.decode("utf-8", "ignore")
    others = (f"{first}-{number}" for number in count(2))
    free = next(each for each in chain((first,), others) if each not in taken)
    taken.add(free)
    return free


def _short_names(places: Sequence[str]) -> dict[str, str]:
    """Name documents by their files, or where several files have that name, by their paths."""
    often = Counter(Path(place).stem for place in places)
    return {
        place: Path(place).stem if often[Path(place).stem] == 1 else str(Path(place))
        for place in places
    }


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", errors="replace")


def _coverage(tested: Sequence[_Tested]) -> int:
    steps = sum(len(each.steps) for each in tested)
    missed = sum(len(each.missed) for each in tested)
    return 100 if not steps else (steps - missed) * 100 // steps


def _as_json(tested: Sequence[_Tested]) -> dict[str, Any]:
    return {
        "components": [
            {
                "document": each.document.place,
                "cases": [_case_as_json(outcome) for outcome in each.outcomes],
                "stepCount": len(each.steps),
                "missedSteps": each.missed,
            }
            for each in tested
        ],
        "coverage": _coverage(tested),
    }


def _case_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.case.name,
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 3),
        "problems": outcome.problems,
        "lastLines": outcome.last_lines.splitlines(),
    }


def _tell(tested: Sequence[_Tested], took: float) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in tested:
        console.print(Text(visible(each.document.place), style="bold"))
        for outcome in each.outcomes:
            for line in _outcome_lines(outcome):
                console.print(line)
        if each.missed:
            missed = ", ".join(each.missed)
            console.print(Text(f"  no case runs {visible(missed)}", style="yellow"))
        console.print()
    outcomes = [outcome for each in tested for outcome in each.outcomes]
    failed = sum(not outcome.passed for outcome in outcomes)
    console.print(
        Text.assemble(
            f"{_count(len(tested), 'component')}, {_count(len(outcomes), 'case')}: ",
            (f"{len(outcomes) - failed} passed", "green"),
            (f", {failed} failed" if failed else "", "bold red"),
            f" in {seconds(took)}; {_coverage(tested)} % of the steps ran",
        )
    )


def _outcome_lines(outcome: Outcome) -> Iterator[Text]:
    mark = (f"  {sign(TICK)} ", "green") if outcome.passed else (f"  {sign(CROSS)} ", "bold red")
    yield Text.assemble(mark, visible(outcome.case.name), (f"  {seconds(outcome.seconds)}", "dim"))
    for problem in outcome.problems:
        for line in problem.splitlines():
            yield Text(f"      {visible(line)}", style="red")
    for line in outcome.last_lines.splitlines():
        yield Text(f"      {sign(BAR)} {visible(line)}", style="dim")
    if outcome.hint and not outcome.passed:
        yield Text.assemble(("      hint: ", "bold"), outcome.hint)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
