"""Machines of every driver that this host has the means for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.machines.lab import Lab, wipe
from tests.machines.remote import NoUser, RemoteLab, ordinary_user, python_of

from imagewright.machines.machine import Machine


class MachineLab(Protocol):
    """What a test needs of a driver's lab."""

    @property
    def notices(self) -> list[str]:
        """What machines had to say."""
        ...

    def tiny(self) -> str:
        """Return a layer with busybox."""
        ...

    def launch(self, layer_id: str) -> Machine:
        """Start a machine."""
        ...


Launch = Callable[..., Machine]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab of whoever runs the tests, shared by all of them."""
    lab = Lab(tmp_path_factory.mktemp("lab") / "state")
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def tiny(lab: Lab) -> str:
    """Return a layer with busybox, of that lab."""
    return lab.tiny()


@pytest.fixture(scope="session")
def remote_lab() -> Iterator[RemoteLab]:
    """Return a lab of an ordinary user, for tests that run as root."""
    try:
        python_of(ordinary_user())
    except NoUser as reason:
        pytest.skip(str(reason))
    lab = RemoteLab()
    yield lab
    lab.close()


_LABS = {"sandbox": "lab"}
if os.geteuid() == 0:  # whoever is an ordinary user already needs no other
    _LABS["sandbox of an ordinary user"] = "remote_lab"


@pytest.fixture(scope="session", params=_LABS)
def any_lab(request: pytest.FixtureRequest) -> MachineLab:
    """Return the lab of every driver in turn."""
    chosen: MachineLab = request.getfixturevalue(_LABS[request.param])
    return chosen


@pytest.fixture(scope="session")
def any_tiny(any_lab: MachineLab) -> str:
    """Return a layer with busybox, of every driver in turn."""
    return any_lab.tiny()


@pytest.fixture
def launch(any_lab: MachineLab, any_tiny: str) -> Iterator[Launch]:
    """Return what starts machines, on busybox unless told; they end with the test."""
    started: list[Machine] = []

    def start(layer_id: str | None = None) -> Machine:
        machine = any_lab.launch(layer_id or any_tiny)
        started.append(machine)
        return machine

    yield start
    for machine in started:
        machine.terminate()


@pytest.fixture
def machine(launch: Launch) -> Machine:
    """Return a machine on busybox, of every driver in turn."""
    return launch()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Return a place for a state directory of the test's own, emptied afterwards."""
    state = tmp_path / "state"
    yield state
    wipe(state)
