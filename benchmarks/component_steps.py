"""What running a component takes, beside the same commands run by hand in the same machine."""

import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.building import scratch
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from imagewright.cli.places import open_places, read_place
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.machines.machine import Command, Machine
from imagewright.runner.modules.table import SPECS
from imagewright.runner.run import run_component
from imagewright.runner.status import RunStatus

STEPS = 100
FILES = 500
STEP_MS_MAX = 15.0
FILES_SECONDS_MAX = 15.0

HOW = (
    f"A sandbox of debian-12. A step: a component of {STEPS} steps of ExecuteBash that do nothing, "
    "run whole, divided by their number; by hand: as many starts of `bash -c true` in one script "
    "in the same machine.",
    f"Files: one step of CreateFile with {FILES} files and one of CopyFile with as many; by hand: "
    "a script that does the same with `printf` and `cp`.",
)


class _Silent:
    def progress(self, what: str, how_far: str) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""


def measure(scale: Scale) -> Section:
    """Run each in turns, again and again."""
    steps, files = _component(_nothing()), _component(_files())
    taken: dict[str, list[float]] = {name: [] for name in ("step", "by hand", "files", "files'")}
    with scratch() as folder, open_places(folder / "state") as places:
        place = read_place("sandbox:debian-12")
        for _ in range(scale.builds):
            with places.machine(place, watcher=_Silent()) as placed:
                machine = placed.machine
                taken["step"].append(_run(steps, machine) / STEPS)
                taken["by hand"].append(_by_hand(_NOTHING_BY_HAND, machine) / STEPS)
                taken["files"].append(_run(files, machine))
                taken["files'"].append(_by_hand(_FILES_BY_HAND, machine))
    operations = 2 * FILES
    return Section(
        title="Components: what a step takes",
        how=HOW,
        columns=("median", "least", "most"),
        rows=[
            Row("a step that does nothing", _milliseconds(taken["step"])),
            Row("the same by hand", _milliseconds(taken["by hand"])),
            Row(f"{operations:,} file operations", _milliseconds(taken["files"])),
            Row("the same by hand", _milliseconds(taken["files'"])),
        ],
        verdicts=[
            Verdict(
                "overhead of a step of a component, median",
                statistics.median(taken["step"]) * 1000,
                STEP_MS_MAX,
                " ms",
            ),
            Verdict(
                f"{operations:,} file operations in one document, median",
                statistics.median(taken["files"]),
                FILES_SECONDS_MAX,
                " s",
            ),
        ],
    )


def _nothing() -> list[dict[str, Any]]:
    step = {"action": "ExecuteBash", "inputs": {"commands": ["true"]}}
    return [{"name": f"Step{number}", **step} for number in range(STEPS)]


def _files() -> list[dict[str, Any]]:
    made = [{"path": f"/made/{number}", "content": f"file {number}"} for number in range(FILES)]
    copied = [
        {"source": f"/made/{number}", "destination": f"/copied/{number}"} for number in range(FILES)
    ]
    return [
        {"name": "Folders", "action": "CreateFolder", "inputs": [{"path": "/made"}]},
        {"name": "Others", "action": "CreateFolder", "inputs": [{"path": "/copied"}]},
        {"name": "Make", "action": "CreateFile", "inputs": made},
        {"name": "Copy", "action": "CopyFile", "inputs": copied},
    ]


_NOTHING_BY_HAND = f"for n in $(seq {STEPS}); do bash -c true; done"
_FILES_BY_HAND = (
    "mkdir /made2 /copied2; "
    f"for n in $(seq {FILES}); do printf 'file %s' $n >/made2/$n; cp /made2/$n /copied2/$n; done"
)


def _component(steps: Sequence[dict[str, Any]]) -> Component:
    document = {"schemaVersion": "1.0", "phases": [{"name": "build", "steps": list(steps)}]}
    loaded = load_component(json.dumps(document), modules=SPECS)
    if loaded.component is None:
        raise ValueError(f"the component is refused: {loaded.findings[0]}")
    return loaded.component


def _run(component: Component, machine: Machine) -> float:
    began = time.perf_counter()
    result = run_component(component, machine=machine, phases=["build"])
    seconds = time.perf_counter() - began
    if result.status is not RunStatus.SUCCESS:
        raise RuntimeError(f"the component failed: {result.failure}")
    return seconds


def _by_hand(script: str, machine: Machine) -> float:
    began = time.perf_counter()
    ended = machine.run(Command(argv=("bash", "-c", script)))
    seconds = time.perf_counter() - began
    if ended.code != 0:
        raise RuntimeError(f"the script exited with {ended.code}")
    return seconds


def _milliseconds(seconds: Sequence[float]) -> tuple[str, str, str]:
    values = (statistics.median(seconds), min(seconds), max(seconds))
    return tuple(f"{value * 1000:.1f} ms" for value in values)  # type: ignore[return-value]
