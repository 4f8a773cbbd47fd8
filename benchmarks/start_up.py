"""From exec to the first answered request."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import servers
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from benchmarks.timing import Times

SECONDS_MAX = 0.8

HOW = (
    "A process is started, and asked over HTTP every 2 ms until it answers.",
    "imagewright starts on a state that an earlier run left, and on one that is new.",
)


def measure(scale: Scale) -> Section:
    """Start servers one after another."""
    with TemporaryDirectory() as folder:
        again = Path(folder, "again")
        with servers.imagewright(again):
            pass
        ours, fresh, theirs = [], [], []
        for number in range(scale.starts):
            ours.append(_start_on(again))
            fresh.append(_start_on(Path(folder, f"fresh-{number}")))
            port = servers.free_port()
            theirs.append(_seconds_to_answer(servers.moto_command(port), port))
    times = {
        "imagewright": Times(ours),
        "imagewright, new state": Times(fresh),
        "moto server": Times(theirs),
    }
    imports = Times([_seconds_to_import() for _ in range(scale.starts)]).p50_ms / 1000
    return Section(
        title="Start-up: from exec to the first answered request",
        how=HOW,
        columns=("p50", "p95"),
        rows=[Row(what, found.cells[:2]) for what, found in times.items()],
        verdicts=[
            Verdict(
                "`serve`, p50",
                times["imagewright"].p50_ms / 1000,
                SECONDS_MAX,
                " s",
                why_missed="Loading the modules that it answers with, and nothing else, took "
                f"{imports:.2f} s here.",
            )
        ],
    )


def _start_on(state: Path) -> float:
    servers.new_state(state)
    port = servers.free_port()
    return _seconds_to_answer(servers.serve_command(state, port), port)


def _seconds_to_import() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "import os, imagewright.cli.server; os._exit(0)"], check=True
    )
    return time.perf_counter() - began


def _seconds_to_answer(command: Sequence[str], port: int) -> float:
    began = time.perf_counter()
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command,
                env=servers.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(process.kill)
        servers.wait_for(f"http://127.0.0.1:{port}")
        return time.perf_counter() - began
