"""What checking workflow documents takes: one, and a folder of them."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from benchmarks.step_overhead import document
from benchmarks.timing import COLUMNS, Times, time_in_turns
from imagewright.actions.table import ACTIONS
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow

CHECK_MS_MAX = 5.0
FOLDER_SECONDS_MAX = 5.0

_IF = """\
    if:
      and:
        - stringEquals: Linux
          value: $.imagebuilder.platform
        - booleanEquals: true
          value: $.imagebuilder.collectImageMetadata
"""
VALID = document(_IF)
BROKEN = VALID.replace("Launch.instanceId", "Lanch.instanceId")

HOW = (
    "A workflow of 15 steps, as many as a document may have, 13 of them with an `if` of two "
    "comparisons: read, checked by every rule, made into the typed document that a build runs. "
    "Broken: the same with 14 misspelt references, each told with its place and the name meant.",
    "The folder: as many files of that document, each with a name of its own, checked by "
    "`imagewright validate FOLDER` as a process, its start included; one round.",
)


def measure(scale: Scale) -> Section:
    """Check the one document again and again, then the folder once."""
    valid, broken = time_in_turns(
        scale.calls,
        lambda _: load_workflow(VALID, actions=ACTIONS, stage=Stage.BUILD),
        lambda _: load_workflow(BROKEN, actions=ACTIONS, stage=Stage.BUILD),
    )
    folder_seconds = _folder_seconds(scale.documents)
    return Section(
        title="Documents: checking workflows",
        how=HOW,
        columns=COLUMNS,
        rows=[
            Row("a document of 15 steps", valid.cells),
            Row("the same, broken", broken.cells),
            Row(
                f"a folder of {scale.documents:,}, per document",
                _per_document(folder_seconds, scale.documents),
            ),
        ],
        verdicts=[
            Verdict("check of a 15-step document, p50", valid.p50_ms, CHECK_MS_MAX, " ms"),
            Verdict(
                f"check of a folder of {scale.documents:,} documents",
                folder_seconds,
                FOLDER_SECONDS_MAX,
                " s",
            ),
        ],
    )


def _folder_seconds(documents: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        for number in range(documents):
            text = VALID.replace("name: overhead", f"name: overhead-{number}", 1)
            Path(name, f"{number:05}.yaml").write_text(text, "utf-8")
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "imagewright", "validate", name],
            capture_output=True,
            text=True,
            check=True,
        )
        taken = time.perf_counter() - began
    assert done.stdout.startswith(f"{documents} workflow"), done.stdout
    return taken


def _per_document(folder_seconds: float, documents: int) -> tuple[str, str, str]:
    each = Times([folder_seconds / documents])
    return f"{each.p50_ms:.2f} ms", "", f"{each.per_second:.0f}"
