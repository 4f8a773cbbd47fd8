"""What tests share: servers as processes, and clients that talk to them over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import hypothesis
import pytest
from botocore.config import Config

from imagewright.access.keys import AccessKey, AccessKeys
from imagewright.machines.idmap import current_map
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import Namespace

if TYPE_CHECKING:
    from mypy_boto3_imagebuilder import ImagebuilderClient
    from mypy_boto3_sts import STSClient
    from tests.other_services import OtherServices

START_SECONDS = 60

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts us in the background has Ctrl-C ignored, and what we start would inherit
    # that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
REGION = "us-east-1"

hypothesis.settings.register_profile(
    "suite",
    derandomize="IMAGEWRIGHT_TEST_EXAMPLES" not in os.environ,  # else the same ones each time
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # other work is no defect
)
hypothesis.settings.load_profile("suite")


@dataclass
class Server:
    """A running ``imagewright serve``."""

    state: Path
    process: "subprocess.Popen[str]"
    url: str
    log: Path
    _sessions: dict[str, boto3.session.Session] = field(default_factory=dict)

    def key(self, account: str = "000000000000") -> AccessKey:
        """Return an access key of an account, made if need be."""
        return AccessKeys(self.state / "access-keys.json").first_of(account)

    def client(
        self, account: str = "000000000000", region: str = REGION, **config: Any
    ) -> "ImagebuilderClient":
        """Return a boto3 client that signs as an account."""
        key = self.key(account)
        return boto3.session.Session().client(
            "imagebuilder",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(
                retries={"total_max_attempts": 1},
                max_pool_connections=50,
                **config,
            ),
        )

    def sts(self) -> "STSClient":
        """Return a client for the other service on the same port."""
        key = self.key()
        return boto3.session.Session().client(
            "sts",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
        )

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Stop the server and return its exit code."""
        self.process.send_signal(signal_number)
        return self.process.wait(START_SECONDS)


StartServer = Callable[..., Server]


def start_server(
    state: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str | Path] = ("-m", "imagewright"),
) -> Server:
    """Start a server on a free port and wait for the line that says it answers.

    ``program``: what Python runs instead of imagewright.
    """
    state.mkdir(parents=True, exist_ok=True)
    log = state.parent / f"{state.name}.log"
    with log.open("a") as stream:
        process = subprocess.Popen(
            [
                sys.executable,
                *program,
                "serve",
                "--state",
                state,
                "--port",
                "0",
                *arguments,
            ],
            env={**_clean_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        pytest.fail(f"the server did not start ({process.wait()}):\n{log.read_text()}")
    return Server(state=state, process=process, url=line.split()[-1], log=log)


def _clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "IMAGEWRIGHT_"))
    }


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers of one's own: ``serve("--auth", "none", environment={…})``."""
    with ExitStack() as stack:

        def start(
            *arguments: str,
            state: Path | None = None,
            environment: Mapping[str, str] | None = None,
        ) -> Server:
            server = start_server(state or tmp_path / "state", *arguments, environment=environment)
            stack.callback(end_server, server)
            return server

        yield start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return the one server that most tests share; its quotas are out of their way."""
    quotas = {"IMAGEWRIGHT_QUOTAS_IMAGE_PIPELINES": "1000"}
    started = start_server(tmp_path_factory.mktemp("shared") / "state", environment=quotas)
    yield started
    end_server(started)


@pytest.fixture(scope="session")
def client(server: Server) -> "ImagebuilderClient":
    """Return a client of the shared server."""
    return server.client()


@pytest.fixture(scope="session")
def others() -> Iterator["OtherServices"]:
    """Return the other AWS services, served by moto."""
    from tests.other_services import serving  # moto takes long to load, and few need it

    with serving() as services:
        yield services


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a resource name that no other test uses."""
    return f"{request.node.originalname[:80].strip('_')}-{uuid4().hex[:12]}"


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete what earlier sessions left, before pytest tries to and takes a refusal for an error.

    Layers belong to ids that an ordinary user cannot act for outside of the sandbox.
    """
    if hasattr(session.config, "workerinput"):  # beside it lie those of other workers
        return
    base = session.config._tmp_path_factory._basetemp  # type: ignore[attr-defined]  # no public way that does not make one
    if base is None or os.geteuid() == 0:
        return
    old = [place for place in base.parent.glob("*-*") if not place.is_symlink() and place != base]
    names = [place.name for place in old if not _in_use(place)]
    with suppress(MachineError), Namespace(base.parent, current_map()) as namespace:
        namespace.call("remove", names=names)


def _in_use(place: Path) -> bool:
    """Say whether the session that made this directory of temporary files still runs."""
    try:
        os.kill(int((place / ".lock").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def end_server(server: Server) -> None:
    """End a server, however it is."""
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()
    if server.process.stdout is not None:
        server.process.stdout.close()


def wait_until(condition: Callable[[], bool], *, seconds: float = 120, what: str = "") -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain{': ' + what if what else ''}")
        time.sleep(0.02)


def at_best_within(seconds: float, measure: Callable[[], float], *, tries: int = 3) -> None:
    """Demand that something takes less than so many seconds, by its own measure.

    What is always late is a defect; what is late once had to wait for other work of the machine.
    """
    taken: list[float] = []
    while len(taken) < tries:
        taken.append(measure())
        if taken[-1] < seconds:
            return
    pytest.fail(f"it never took less than {seconds} s: {taken}")


def works_within(seconds: float, work: Callable[[], object]) -> None:
    """Demand that a work takes less processor time than so many seconds, on a busy machine too."""

    def measure() -> float:
        began = time.thread_time()
        work()
        return time.thread_time() - began

    at_best_within(seconds, measure)


def json_lines(path: Path) -> list[dict[str, object]]:
    """Return the entries of a log."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
