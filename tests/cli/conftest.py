"""The command line as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.conftest import Server, end_server, start_server

Run = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND_SECONDS = 120


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of this folder's own: others put into theirs what no build leaves."""
    started = start_server(tmp_path_factory.mktemp("cli") / "state")
    yield started
    end_server(started)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home directory of the user who runs commands."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """Run ``imagewright`` with the arguments; nothing of this process's environment shows."""

    def run(
        *arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return run_program(
            [sys.executable, "-m", "imagewright", *map(str, arguments)],
            home,
            folder=tmp_path,
            stdin=stdin,
            environment=environment,
        )

    return run


def run_program(
    argv: list[str],
    home: Path,
    *,
    folder: Path,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a program for the user whose home is given."""
    return subprocess.run(
        argv,
        cwd=folder,
        env={"HOME": str(home), "PATH": os.environ["PATH"], **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
