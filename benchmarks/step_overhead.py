"""What the engine itself takes for a step."""

import json
import statistics
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.building import PARENT, Builder, scratch, serving
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale

STEPS = 13
MS_MAX = 10.0

HOW = (
    f"Workflows of {STEPS + 2} steps, as many as a document may have: LaunchInstance, CreateImage, "
    f"and {STEPS} that have nothing to do on a machine.",
    "What counts is the time from one step's recorded end to the next one's, in the step "
    "executions that the API shows: the journal's entry for the step before, reading the records, "
    "the `if`, the references, the record that the step runs, the action, the record of its end.",
    "Run: TerminateInstance on an instance that is only a row, so that the action itself is one "
    "small write. Skipped: the same step with an `if` that does not hold.",
)

_HEAD = """\
name: overhead
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
      healthCheck: RUNNING
  - name: Make
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
_STEP = """\
  - name: Step{number}
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
_OUTPUTS = """\
outputs:
  - name: ImageId
    value: $.stepOutputs.Make.imageId
"""
_IF = """\
    if:
      stringEquals: Windows
      value: $.imagebuilder.platform
"""


def measure(scale: Scale) -> Section:
    """Run both workflows, again and again."""
    with scratch() as folder, serving(folder / "state", _empty_parent(folder)) as builder:
        recipe = builder.recipe()
        workflows = {
            "run": builder.workflow(document()),
            "skipped": builder.workflow(document(_IF)),
        }
        milliseconds: dict[str, list[float]] = {name: [] for name in workflows}
        for _ in range(scale.builds):
            for name, workflow in workflows.items():
                milliseconds[name] += _intervals(builder, recipe, workflow)
    return Section(
        title="Engine: overhead of a step",
        how=HOW,
        columns=("median", "p95", "least"),
        rows=[Row(f"a step that is {name}", _cells(found)) for name, found in milliseconds.items()],
        verdicts=[
            Verdict(
                "overhead of a step that is run, median",
                statistics.median(milliseconds["run"]),
                MS_MAX,
                " ms",
            )
        ],
    )


def _empty_parent(folder: Path) -> Mapping[str, str]:
    """Let an empty file system stand for the parent image: nothing runs on it, not even a check."""
    path = folder / "empty.tar"
    with tarfile.open(path, "w"):
        pass
    return {"IMAGEWRIGHT_PARENTS": json.dumps({PARENT: str(path)})}


def document(condition: str = "") -> str:
    """Return the workflow; every step has the condition."""
    steps = (_STEP.format(number=number) + condition for number in range(STEPS))
    return "".join([_HEAD, *steps, _OUTPUTS])


def _intervals(builder: Builder, recipe: str, workflow: str) -> list[float]:
    """Build once and return the milliseconds between the ends of steps that follow each other."""
    image = builder.build(recipe, workflows=[{"workflowArn": workflow}], executionRole="builder")
    ends = [datetime.fromisoformat(step["endTime"]) for step in builder.steps(image)[-STEPS:]]
    return [(later - earlier).total_seconds() * 1000 for earlier, later in pairwise(ends)]


def _cells(milliseconds: Sequence[float]) -> tuple[str, str, str]:
    values = (
        statistics.median(milliseconds),
        statistics.quantiles(milliseconds, n=20)[-1],
        min(milliseconds),
    )
    return tuple(f"{value:.1f} ms" for value in values)  # type: ignore[return-value]
