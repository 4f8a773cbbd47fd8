"""A build with one trivial component, and the same again, beside Packer and buildah."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from benchmarks import peers, servers
from benchmarks.building import POLL_SECONDS, Builder, scratch, serving
from benchmarks.peers import Missing
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale

NEW_SECONDS_MAX = 0.6
AGAIN_SECONDS_MAX = 0.3
OURS = "imagewright, `create_image` to AVAILABLE"

HOW = (
    "Each makes an image in which one shell command wrote one file, on a base that is present; "
    "then the same again, nothing changed. All take turns, and every turn's command is another.",
    f"imagewright: from boto3's `create_image` until `get_image`, asked every "
    f"{POLL_SECONDS * 1000:.0f} ms, says AVAILABLE; server running; the managed workflow "
    "build-image (launch, components, inventory, sanitize, image, terminate); tests off.",
    "Packer (docker builder, shell provisioner, commit) and `buildah build --layers --isolation "
    "chroot`: the whole command; daemon running; the same root file system, imported once; the "
    "host's network, where imagewright gives machines their own if it can. Neither takes an "
    "inventory, sanitizes or keeps a record. Packer reuses nothing; buildah and imagewright do.",
    "The base is made by mmdebstrap from the host's mirror, on first use.",
)

_PEERS = {
    "Packer, docker builder": peers.packer,
    "buildah, chroot isolation": peers.buildah,
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """One who builds: makes ready a build with a shell command, to be timed when called."""

    prepare: Callable[[str], Callable[[], object]]
    new: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    """Seconds of each turn."""

    def take_turn(self) -> None:
        """Build something new, and then the same again."""
        build = self.prepare(f"echo {uuid4()} > /trivial")
        self.new.append(_seconds(build))
        self.again.append(_seconds(build))


def measure(scale: Scale) -> Section:
    """Make a base, and let all build on it in turns."""
    with scratch() as folder, ExitStack() as stack:
        builder = stack.enter_context(serving(folder / "state"))
        began = time.perf_counter()
        image = builder.build(builder.recipe())
        base_seconds = time.perf_counter() - began
        base = _exported(folder, image)
        running = {OURS: Contestant(lambda command: _ours(builder, command))}
        absent = {}
        for name, opened in _PEERS.items():
            place = folder / opened.__name__
            place.mkdir()
            try:
                build = stack.enter_context(opened(place, base))
            except Missing as reason:
                absent[name] = str(reason)
            else:
                running[name] = Contestant(lambda command, b=build: lambda: b(command))  # type: ignore[misc]
        for contestant in running.values():
            contestant.take_turn()  # everyone's first is not counted
            contestant.new.clear()
            contestant.again.clear()
        for _ in range(scale.builds):
            for contestant in running.values():
                contestant.take_turn()
        size_bytes = base.stat().st_size
    return _section(running, absent, base_seconds, size_bytes)


def _ours(builder: Builder, command: str) -> Callable[[], object]:
    recipe = builder.recipe(command)
    return lambda: builder.build(recipe)


def _exported(folder: Path, image: str) -> Path:
    """Export an image's root file system from the server that runs on the state."""
    target = folder / "base.tar"
    subprocess.run(
        [
            sys.executable, "-m", "imagewright", "images", "export", image, "--format", "tar",
            "--to", str(target), "--state", str(folder / "state"),
        ],
        env=servers.environment(), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return target


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _section(
    running: Mapping[str, Contestant],
    absent: Mapping[str, str],
    base_seconds: float,
    base_bytes: int,
) -> Section:
    rows = []
    for name, contestant in running.items():
        rows.append(Row(name, _cells(contestant.new)))
        rows.append(Row(f"{name}: again, unchanged", _cells(contestant.again)))
    rows += [Row(name, [f"not measured: {reason}", "", ""]) for name, reason in absent.items()]
    rows.append(
        Row(
            f"the first build of all, which makes the base ({base_bytes >> 20} MiB as a tar)",
            [f"{base_seconds:.1f} s", "", ""],
        )
    )
    ours = running[OURS]
    new, again = statistics.median(ours.new), statistics.median(ours.again)
    verdicts = [
        Verdict("new build, median", new, NEW_SECONDS_MAX, " s"),
        Verdict("unchanged build, median", again, AGAIN_SECONDS_MAX, " s"),
    ]
    theirs = running.get("Packer, docker builder")
    if theirs is not None:
        ratio = statistics.median(theirs.new) / new
        verdicts.append(Verdict("new build, times as fast as Packer's", ratio, 1.0, " times", True))
    return Section(
        title="Builds: one trivial component on a present base",
        how=[*HOW, f"Peers here: {peers.versions() or 'none'}."],
        columns=("median", "least", "most"),
        rows=rows,
        verdicts=verdicts,
    )


def _cells(seconds: Sequence[float]) -> tuple[str, str, str]:
    values = (statistics.median(seconds), min(seconds), max(seconds))
    return tuple(f"{value * 1000:.0f} ms" for value in values)  # type: ignore[return-value]
