"""What is said where there is no docker."""

import pytest

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
