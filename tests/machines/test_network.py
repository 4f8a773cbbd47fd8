"""The network of a machine: its own, the host's or none, and what falls back to what."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.conftest import at_best_within
from tests.machines.lab import Lab, sh

from imagewright.machines import network
from imagewright.machines.machine import MachineError
from imagewright.machines.network import Mode, Network
from imagewright.process import ENVIRONMENT


@pytest.fixture
def listener() -> Iterator[int]:
    """Return a port on which this host greets whoever connects, on every address."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - what a guest may reach
        server.settimeout(0.2)
        over = threading.Event()

        def greet() -> None:
            while not over.is_set():
                try:
                    connection, _address = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.sendall(b"hello\n")

        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def address_of_this_host() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.77", 9))  # sends nothing: asks the routes
        except OSError:
            pytest.skip("this host has no route to anywhere")
        return str(probe.getsockname()[0])


def reach(lab: Lab, tiny: str, mode: Mode, target: str, port: int) -> tuple[int, str]:
    driver_network = Network(
        mode, directory=lab.layers.directory, verdict_file=lab.state / "network.json"
    )
    if mode == "own" and driver_network.verdict().attacher is None:
        pytest.skip(f"no network of its own here: {driver_network.verdict().reason}")
    machine = lab.launch(tiny, network=driver_network)
    try:
        return sh(machine, f"nc -w 2 {target} {port} </dev/null")
    finally:
        machine.terminate()


def test_on_the_hosts_network_its_loopback_is_within_reach(
    lab: Lab, tiny: str, listener: int
) -> None:
    assert reach(lab, tiny, "host", "127.0.0.1", listener) == (0, "hello")


def test_a_network_of_its_own_reaches_out_but_not_the_hosts_loopback(
    lab: Lab, tiny: str, listener: int
) -> None:
    assert reach(lab, tiny, "own", address_of_this_host(), listener) == (0, "hello")
    assert reach(lab, tiny, "own", "127.0.0.1", listener)[0] != 0


def test_without_a_network_nothing_is_within_reach(lab: Lab, tiny: str, listener: int) -> None:
    assert reach(lab, tiny, "none", address_of_this_host(), listener)[0] != 0
    assert reach(lab, tiny, "none", "127.0.0.1", listener)[0] != 0


def test_without_a_network_the_loopback_works(lab: Lab, tiny: str) -> None:
    none = Network("none", directory=lab.layers.directory, verdict_file=lab.state / "n.json")
    machine = lab.launch(tiny, network=none)

    listening = "cat /proc/net/tcp* | grep -q ':0050 .* 0A '"
    script = f"(echo hi | nc -l -p 80 &) ; until {listening}; do :; done; nc -w 10 127.0.0.1 80"
    code, output = sh(machine, script)
    interfaces = sh(machine, "ls /sys/class/net")
    resolver = sh(machine, "test -e /etc/resolv.conf")
    machine.terminate()

    assert (code, output) == (0, "hi")
    assert interfaces == (0, "lo")
    assert resolver[0] == 1


@pytest.fixture
def hanging_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put programs on the path that are there, and hang."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("pasta", "slirp4netns"):
        (directory / name).write_text("#!/bin/sh\ntrap '' TERM\nexec sleep 60\n")
        (directory / name).chmod(0o755)
    path = f"{directory}:{ENVIRONMENT['PATH']}"
    monkeypatch.setattr(network, "ENVIRONMENT", {**ENVIRONMENT, "PATH": path})
    monkeypatch.setattr(network, "_TUN", Path("/dev/null"))
    monkeypatch.setattr(network, "_PROBE_SECONDS", 0.3)
    return directory


def test_a_program_that_is_there_and_hangs_is_found_out_in_time(
    lab: Lab, tmp_path: Path, hanging_programs: Path
) -> None:
    def seconds_to_the_verdict() -> float:
        own = Network("own", directory=lab.layers.directory, verdict_file=tmp_path / str(uuid4()))
        notices: list[str] = []
        started = time.monotonic()
        link = own.link(notices.append)
        ended = time.monotonic()
        assert link.mode == "host"
        assert "host's loopback is within its reach" in notices[0]
        assert "slirp4netns did not bring a network up within 0.3 s" in notices[0]
        return ended - started

    at_best_within(5, seconds_to_the_verdict)


def test_falling_back_can_be_forbidden(lab: Lab, tmp_path: Path, hanging_programs: Path) -> None:
    strict = Network(
        "own", directory=lab.layers.directory, verdict_file=tmp_path / "verdict.json",
        may_fall_back=False,
    )  # fmt: skip

    with pytest.raises(MachineError, match=r"sandbox\.network_fallback = false"):
        strict.link(lambda _notice: None)


def test_a_verdict_is_remembered_until_something_changes(
    lab: Lab, tmp_path: Path, hanging_programs: Path
) -> None:
    def ask() -> float:
        started = time.monotonic()
        Network(
            "own", directory=lab.layers.directory, verdict_file=tmp_path / "verdict.json"
        ).verdict()
        return time.monotonic() - started

    first, again = ask(), min(ask() for _ in range(3))
    (hanging_programs / "slirp4netns").write_text("#!/bin/sh\nexec sleep 61\n")
    changed = ask()
    (tmp_path / "verdict.json").write_text("no json")
    damaged = ask()

    assert again < 0.1 < min(first, changed, damaged)


def test_a_missing_program_names_the_package(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "ENVIRONMENT", {"PATH": str(tmp_path)})

    verdict = Network(
        "own", directory=lab.layers.directory, verdict_file=tmp_path / "verdict.json"
    ).verdict()

    assert verdict.attacher is None
    assert "apt-get install passt" in verdict.reason
    assert "apt-get install slirp4netns" in verdict.reason
