"""A container as a machine, where docker's daemon answers: what ``Machine`` promises of it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.machines.lab import Lab, run, sh

from imagewright.images.export_tar import export_tar
from imagewright.machines.docker import DockerMachine
from imagewright.machines.machine import Line, Machine, MachineError, Scratch

IMAGE = "imagewright-test:busybox"
APP = """\
schemaVersion: 1.0
parameters:
  - Channel: {type: string, default: stable}
phases:
  - name: build
    steps:
      - name: Check
        action: ExecuteBinary
        inputs: {path: sh, arguments: [-c, "echo {{ Channel }}; test {{ Channel }} != none"]}
      - name: Restart
        action: Reboot
      - name: Write
        action: CreateFile
        inputs:
          - {path: /srv/app.conf, content: "channel={{ Channel }}", permissions: "0640"}
  - name: test
    steps:
      - {name: There, action: Assert, inputs: {fileExists: /srv/app.conf}}
"""
CASES = """\
cases:
  - name: stable by default
    outputs: {build.Check.stdout: stable}
    files:
      /srv/app.conf: {equals: channel=stable, mode: 0640, owner: root}
  - name: none is refused
    parameters: {Channel: none}
    failedStep: build.Check
    files: {/srv/app.conf: absent}
  - name: wrong
    files: {/srv/app.conf: absent}
"""
TREE = "trap '' TERM; (setsid sleep 61 &); (sleep 62 &); sleep 63 & wait"


@pytest.fixture(scope="session")
def image(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return an image of busybox; skip where there is no daemon to have it."""
    try:
        answer = subprocess.run(["docker", "version"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("docker is not installed")
    if answer.returncode != 0:
        pytest.skip("docker's daemon does not answer")
    tar = tmp_path_factory.mktemp("docker") / "root.tar"
    export_tar(lab.layers, lab.tiny(), tar)
    subprocess.run(["docker", "import", tar, IMAGE], check=True, capture_output=True)
    yield IMAGE
    subprocess.run(["docker", "rmi", IMAGE], check=True, capture_output=True)


@pytest.fixture
def container(image: str) -> Iterator[Machine]:
    """Return a machine in a container."""
    machine = DockerMachine(image)
    yield machine
    machine.terminate()


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 41"], 41),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-program"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_the_exit_code_is_what_a_shell_would_give(
    container: Machine, argv: list[str], code: int
) -> None:
    assert run(container, argv).code == code


def test_output_input_environment_and_folder_are_as_asked(container: Machine) -> None:
    lines: list[Line] = []
    script = "echo $GREETING; pwd; wc -c; echo two >&2"

    run(container, ["sh", "-c", script], on_line=lines.append, stdin=b"12345",
        env={"GREETING": "hello"}, cwd="/etc")  # fmt: skip

    assert [line.text.strip() for line in lines if line.stream == "stdout"] == [
        "hello",
        "/etc",
        "5",
    ]
    assert [line.text for line in lines if line.stream == "stderr"] == ["two"]


@pytest.mark.parametrize(
    ("script", "code", "note"),
    [
        ("true", 0, ""),
        ("echo why >note; exit 3", 3, "why\n"),
        ("touch more; exit 3", 3, ""),
        ("rm -r ../scratch; false", 1, ""),
    ],
)
def test_a_scratch_folder_is_there_for_the_time_of_its_command(
    container: Machine, script: str, code: int, note: str
) -> None:
    """As with the other drivers."""
    scratch = Scratch(folder="/new/scratch", files={"a.sh": ". ./b\necho $X\n", "b": "X='é \\'\n"})
    said: list[str] = []
    look = "cd /new/scratch; ls -ld . | cut -c1-10; ls; readlink /proc/self/fd/0; sh a.sh"

    ended = run(container, ["sh", "-c", f"{look}; {script}"],
        on_line=lambda line: said.append(line.text), scratch=scratch)  # fmt: skip

    assert said == ["drwx------", "a.sh", "b", "/dev/null", "é \\"]
    assert (ended.code, ended.note) == (code, note)
    assert sh(container, "ls -A /new") == (0, "")


def test_a_command_runs_as_the_user_it_names(container: Machine) -> None:
    """As the other drivers do."""
    container.put_file("/etc/passwd", b"web:x:1000:1001::/srv/web:/bin/sh\n", mode=0o644)
    container.put_file("/etc/group", b"www:x:33:web\n", mode=0o644)

    assert sh(container, "id -u; id -G; echo $HOME", user="web") == (0, "1000\n1001 33\n/srv/web")
    assert sh(container, "id -u; id -G; echo $HOME", user="7:8") == (0, "7\n8\n/")
    with pytest.raises(MachineError, match="no user nobody in /etc/passwd"):
        sh(container, "true", user="nobody")
    with pytest.raises(MachineError, match="no group nobody in /etc/group"):
        sh(container, "true", user="web:nobody")


@pytest.mark.parametrize("reason", ["timed out", "cancelled"])
def test_a_command_that_has_to_end_ends_with_its_whole_tree(
    container: Machine, reason: str
) -> None:
    cancel = threading.Event()
    if reason == "cancelled":
        threading.Timer(0.5, cancel.set).start()

    result = run(container, ["sh", "-c", TREE], cancel=cancel, timeout_seconds=1.0)

    assert result.reason == reason
    assert "sleep 6" not in sh(container, "ps")[1]


def test_a_reboot_keeps_the_disk_and_ends_the_processes(container: Machine) -> None:
    sh(container, "touch /kept; (setsid sleep 91 >/dev/null 2>&1 &)")

    container.reboot()

    code, output = sh(container, "ls /kept; ps")
    assert (code, "/kept" in output, "sleep 91" in output) == (0, True, False)


def test_files_go_in_and_come_out(container: Machine) -> None:
    content = bytes(range(256)) * 1000

    container.put_file("/srv/new/dir/file", content, mode=0o751)

    assert container.get_file("/srv/new/dir/file") == content
    assert "-rwxr-x--x" in sh(container, "ls -l /srv/new/dir/file")[1]
    for path, why in (("/nowhere", "No such file"), ("/etc", "not a regular"), ("x", "absolute")):
        with pytest.raises(MachineError, match=why):
            container.get_file(path)


def test_nothing_is_left_when_it_is_terminated(image: str) -> None:
    machine = DockerMachine(image)
    machine.terminate()
    machine.terminate()

    listed = subprocess.run(["docker", "ps", "-aq"], capture_output=True, check=True)
    assert listed.stdout == b""
    with pytest.raises(MachineError, match="terminated"):
        sh(machine, "true")


def test_a_container_ends_with_the_process_that_began_it(image: str, tmp_path: Path) -> None:
    program = (
        "import os, sys; from imagewright.machines.docker import DockerMachine; "
        f"DockerMachine({image!r}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, cwd=tmp_path)

    deadline = time.monotonic() + 20
    while subprocess.run(["docker", "ps", "-aq"], capture_output=True, check=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_components_are_tested_in_containers_of_their_own(image: str, tmp_path: Path) -> None:
    """``imagewright component test --on docker:…``."""
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "app.test.yaml").write_text(CASES)
    command = ("component", "test", "app.yaml", "--on", f"docker:{image}", "--output", "json")

    done = subprocess.run(
        [sys.executable, "-m", "imagewright", *command],
        cwd=tmp_path,
        env={**os.environ, "IMAGEWRIGHT_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    (component,) = told["components"]
    assert {case["name"]: case["problems"] for case in component["cases"]} == {
        "stable by default": [],
        "none is refused": [],
        "wrong": ["/srv/app.conf should not be there and is"],
    }
    assert (component["missedSteps"], told["coverage"]) == ([], 100)
    assert not (tmp_path / "state" / "layers").exists()
    listed = subprocess.run(["docker", "ps", "-aq"], capture_output=True, check=True)
    assert listed.stdout == b""
