"""Where a component runs: ``--on sandbox:debian-12``, ``docker:IMAGE``, or this host itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Literal, Protocol

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import load_settings, open_state
from imagewright.settings import Settings
from imagewright.state import StateDirectory

if TYPE_CHECKING:
    from imagewright.images.warm import LayerMachine
    from imagewright.machines.machine import Machine

DEFAULT = "sandbox:debian-12"


class Watcher(Protocol):
    """Whoever sees the run from outside."""

    def progress(self, what: str, how_far: str) -> None:
        """Hear what takes its time."""
        ...

    def notice(self, text: str) -> None:
        """Hear, in a sentence, what one should know."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of machine, and what it starts from."""

    kind: Literal["sandbox"]
    base: str = ""
    """A base or an image."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.base}" if self.base else self.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A machine that is up."""

    machine: "Machine"
    working_directory: str
    base: str
    """What its image is called, for ``aws:imds:ami-id``."""
    variables: Mapping[str, str]


def read_place(text: str) -> Place:
    """Read the value of ``--on``; end the command if it is none."""
    kind, _, base = text.partition(":")
    place = None
    if kind == "sandbox":
        place = Place("sandbox", base or DEFAULT.partition(":")[2])
    if place is None:
        fail(
            ExitCode.USAGE,
            f"--on cannot be `{text}`",
            help="it may be sandbox:debian-12, or sandbox: and another base, tar or image",
        )
    return place


@contextmanager
def machine_at(
    place: Place, state: Path | None, *, watcher: Watcher, cancel: Flag | None = None
) -> Iterator[Placed]:
    """Bring a machine up for as long as the block runs. Raises MachineError."""
    directory = open_state(state)
    with sandbox_at(
        place, directory, load_settings(directory), watcher=watcher, cancel=cancel
    ) as placed:
        yield placed


@contextmanager
def sandbox_at(
    place: Place,
    state: StateDirectory,
    settings: Settings,
    *,
    watcher: Watcher,
    cancel: Flag | None = None,
) -> Iterator[Placed]:
    """Bring a sandbox up on a base of the state, made now where need be. Raises MachineError."""
    from imagewright.cli.lone_machines import holding, open_bench

    with open_bench(state, settings) as bench:
        parent = bench.catalogue.resolve(
            place.base,
            on_progress=lambda p: watcher.progress(
                f"making the base {p.base}, once", f"{p.fraction:.0%}"
            ),
            cancel=cancel,
        )
        driver = bench.sandbox.driver
        with holding(bench.database, parent.layer_id, driver=driver.name, owner="component") as row:
            machine: LayerMachine = driver.launch(row.id, parent.layer_id, on_notice=watcher.notice)
            try:
                yield Placed(
                    machine=machine, working_directory="/tmp", base=place.base, variables={}  # noqa: S108  (of the machine)
                )  # fmt: skip
            finally:
                machine.terminate()
