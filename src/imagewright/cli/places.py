"""Where a component runs: ``--on sandbox:debian-12``, ``docker:IMAGE``, or this host itself."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Literal, Protocol

from imagewright.aws.clients import AwsClients
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.lone_machines import Bench, holding, open_bench
from imagewright.cli.options import load_settings, open_state
from imagewright.documents.specs import Platform
from imagewright.engine.ports import ActionError
from imagewright.machines.machine import Machine
from imagewright.masking import StoredText
from imagewright.outside.places import open_outside
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ModuleFailure
from imagewright.toe.documents import SetupFailed

if TYPE_CHECKING:
    from imagewright.images.bases import Progress

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

    kind: Literal["sandbox", "docker", "host"]
    base: str = ""
    """A base or an image."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.base}" if self.base else self.kind

    @property
    def platform(self) -> Platform:
        """What runs there: Linux, but where the host is a Mac."""
        is_mac = self.kind == "host" and sys.platform == "darwin"
        return Platform.MACOS if is_mac else Platform.LINUX


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A machine that is up."""

    machine: Machine
    base: str
    """What its image is called, for ``aws:imds:ami-id``; empty where it has none."""
    platform: Platform = Platform.LINUX
    working_directory: str = "/tmp"  # noqa: S108  (a path of the machine, and AWS's default)
    in_sandbox: bool = False


def read_place(text: str) -> Place:
    """Read the value of ``--on``; end the command if it is none."""
    kind, _, base = text.partition(":")
    place = None
    if kind == "sandbox":
        place = Place("sandbox", base or DEFAULT.partition(":")[2])
    elif kind == "docker" and base:
        place = Place("docker", base)
    elif text == "host":
        if sys.platform == "win32":
            fail(ExitCode.USAGE, "--on host needs a POSIX shell, which Windows has not")
        place = Place("host")
    if place is None:
        fail(
            ExitCode.USAGE,
            f"--on cannot be `{text}`",
            help="it may be sandbox:debian-12 or another base, tar or image; docker:IMAGE; or host",
        )
    return place


class Places:
    """Brings machines up. What they stand on is opened when first needed, and kept."""

    def __init__(self, state: Path | None, stack: ExitStack) -> None:
        """``stack`` closes what was opened."""
        self.directory = open_state(state)
        self.settings = load_settings(self.directory)
        self._stack = stack
        self._bench: Bench | None = None

    def prepare(self, place: Place, watcher: Watcher, cancel: Flag | None = None) -> None:
        """Make the base of a sandbox if it is not there yet. Raises MachineError.

        To be called once before machines are brought up by several threads.
        """
        if place.kind == "sandbox":
            self.base_layer(place, watcher, cancel)

    def base_layer(self, place: Place, watcher: Watcher, cancel: Flag | None = None) -> str:
        """Return the layer that a sandbox starts from, made now where need be."""

        def tell(made: "Progress") -> None:
            what = "the base " if made.verb == "making" else ""
            if made.is_notice:
                watcher.notice(made.line)
            else:
                watcher.progress(f"{made.verb} {what}{made.base}, once", f"{made.fraction:.0%}")

        catalogue = self.bench.catalogue
        return catalogue.resolve(place.base, on_progress=tell, cancel=cancel).layer_id

    @property
    def bench(self) -> Bench:
        """What sandboxes stand on. Raises MachineError where none can be."""
        if self._bench is None:
            self._bench = self._stack.enter_context(open_bench(self.directory, self.settings))
        return self._bench

    @contextmanager
    def machine(
        self, place: Place, *, watcher: Watcher, cancel: Flag | None = None
    ) -> Iterator[Placed]:
        """Bring a machine up for as long as the block runs. Raises MachineError."""
        match place.kind:
            case "sandbox":
                with self._sandbox(place, watcher, cancel) as machine:
                    yield Placed(machine=machine, base=place.base, in_sandbox=True)
            case "docker":
                with _container(place.base, watcher, cancel) as machine:
                    yield Placed(machine=machine, base=place.base)
            case "host":
                from imagewright.machines.host import HostMachine

                yield Placed(
                    machine=HostMachine(),
                    base="",
                    platform=place.platform,
                    working_directory=str(Path.cwd()),
                )

    @contextmanager
    def _sandbox(self, place: Place, watcher: Watcher, cancel: Flag | None) -> Iterator[Machine]:
        layer_id = self.base_layer(place, watcher, cancel)
        bench = self.bench
        driver = bench.sandbox.driver
        with holding(bench.database, layer_id, driver=driver.name, owner=bench.owner) as row:
            machine = driver.launch(row.id, layer_id, on_notice=watcher.notice)
            try:
                yield machine
            finally:
                machine.terminate()

    def environment(self, placed: Placed, execution_id: str) -> RunEnvironment:
        """Return what surrounds a run by itself: none of a build's variables (§3.7)."""
        from imagewright.images.mirrors import proxy_environment

        machine, region = placed.machine, self.settings.region
        return RunEnvironment(
            working_directory=placed.working_directory,
            platform=placed.platform,
            limits=self.settings.components,
            execution_id=execution_id,
            account_id=self.settings.account,
            region=region,
            outside=open_outside(
                self.settings,
                self.directory.root,
                proxies=proxy_environment(),
                in_sandbox=placed.in_sandbox,
            ),
            metadata={
                "instance-id": machine.id,
                "local-hostname": machine.id,
                "placement/region": region,
                **({"ami-id": placed.base} if placed.base else {}),
            },
            read_parameter=self._read_parameter,
            no_parameter_store=AwsClients(self.settings.aws).missing("ssm"),
            read_component=self._read_component,
        )

    def _read_parameter(self, name: str) -> StoredText:
        from imagewright.aws.parameters import Parameters  # few components ask

        try:
            return Parameters(AwsClients(self.settings.aws)).get(name, region=self.settings.region)
        except ActionError as error:
            raise ModuleFailure(str(error)) from error

    def _read_component(self, arn: str) -> str:
        from imagewright.cli.component_sources import sources  # few components ask

        try:
            return sources(self.directory.root, owner=None).text(arn)
        except SetupFailed as error:
            raise ModuleFailure(str(error)) from error


@contextmanager
def _container(image: str, watcher: Watcher, cancel: Flag | None) -> Iterator[Machine]:
    from imagewright.machines.docker import DockerMachine

    machine = DockerMachine(
        image,
        on_progress=lambda line: watcher.progress(f"pulling {image}", line),
        cancel=cancel,
    )
    try:
        yield machine
    finally:
        machine.terminate()


@contextmanager
def open_places(state: Path | None) -> Iterator[Places]:
    """Open the places of a state; what was opened there is closed with the block."""
    with ExitStack() as stack:
        yield Places(state, stack)
