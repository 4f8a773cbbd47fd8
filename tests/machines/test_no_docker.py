"""What is said where there is no docker, or one that does not get on."""

import threading
from pathlib import Path

import pytest

from imagewright.machines import docker
from imagewright.machines.docker import DockerMachine
from imagewright.machines.machine import MachineError


def test_without_the_command_line_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(MachineError, match=r"not installed.*--on sandbox:debian-12"):
        DockerMachine("debian:12")


def test_without_a_daemon_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    with pytest.raises(MachineError, match="docker"):
        DockerMachine("debian:12")


@pytest.fixture
def slow_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker on the path that has no image and pulls for ever; return what it was asked."""
    asked = tmp_path / "asked"
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$1" >>{asked}\n'
        'case "$1" in image) exit 1;; pull) echo layer; exec sleep 60;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return asked


def test_a_pull_ends_when_it_is_cancelled(slow_docker: Path) -> None:
    cancel = threading.Event()

    with pytest.raises(MachineError, match="docker was cancelled"):
        DockerMachine("debian:12", on_progress=lambda _line: cancel.set(), cancel=cancel)

    assert slow_docker.read_text().split() == ["version", "image", "pull"]


def test_a_daemon_that_takes_too_long_is_an_error_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(docker, "_ASK_SECONDS", 0.3)

    with pytest.raises(MachineError, match=r"docker took longer than 0\.3 s"):
        DockerMachine("debian:12")
