"""Peers that build images: Packer's docker builder, and buildah; each with a store of its own.

They start from the very root file system that imagewright starts from. Nothing of them outlives
the block in which they are used.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

_READY_SECONDS = 60.0
_END_SECONDS = 30.0
_BASE = "localhost/base:latest"

Build = Callable[[str], None]
"""Makes an image in which one shell command was run."""


class Missing(Exception):
    """A peer cannot run here; the message says why."""


@contextmanager
def packer(folder: Path, base: Path) -> Iterator[Build]:
    """Yield Packer on a Docker daemon of its own; ``base`` is a tar. Raises Missing."""
    _require_root()
    _require("packer", "dockerd", "docker", "containerd")
    with _docker(folder) as environment:
        _run(["docker", "import", str(base), _BASE], environment)
        environment |= {"PACKER_CONFIG_DIR": str(folder), "CHECKPOINT_DISABLE": "1"}
        template = folder / "template.json"

        def build(command: str) -> None:
            template.write_text(json.dumps(_template(command)))
            _run(["packer", "build", str(template)], environment)

        yield build


@contextmanager
def buildah(folder: Path, base: Path) -> Iterator[Build]:
    """Yield ``buildah build --layers``, in chroot isolation; ``base`` is a tar. Raises Missing."""
    _require_root()
    _require("buildah")
    environment = _environment(folder)
    program = [
        "buildah", "--root", str(folder / "root"), "--runroot", str(folder / "run"),
        "--storage-driver", "overlay",
    ]  # fmt: skip
    (folder / "base").mkdir()
    os.link(base, folder / "base" / "base.tar")
    with ExitStack() as stack:
        stack.callback(_unmount_below, folder)

        def build(command: str, *, origin: str = _BASE, tag: str = "made") -> None:
            file = folder / "Containerfile"
            file.write_text(f"FROM {origin}\n{command}\n")
            _run(
                [
                    *program, "build", "--isolation", "chroot", "--network", "host", "--layers",
                    "--pull-never", "--tag", tag, "--file", str(file), str(folder / "base"),
                ],
                environment,
            )  # fmt: skip

        build("ADD base.tar /", origin="scratch", tag=_BASE)
        yield lambda command: build(f"RUN {command}")


def versions() -> str:
    """Name those programs of the peers that are here, with their versions."""
    asked = (["packer", "version"], ["dockerd", "--version"], ["buildah", "--version"])
    present = [argv for argv in asked if shutil.which(argv[0])]
    quiet = os.environ | {"CHECKPOINT_DISABLE": "1"}  # Packer asks its maker for news
    said = [
        subprocess.run(argv, env=quiet, capture_output=True, text=True).stdout for argv in present
    ]
    return "; ".join(text.splitlines()[0] for text in said if text)


def _template(command: str) -> dict[str, object]:
    return {
        "builders": [
            {
                "type": "docker",
                "image": _BASE,
                "pull": False,
                "commit": True,
                "run_command": ["-d", "-i", "-t", "--network=host", "{{.Image}}", "/bin/sh"],
            }
        ],
        "provisioners": [{"type": "shell", "inline": [command]}],
    }


@contextmanager
def _docker(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Docker daemon that touches nothing of the host's network; yield its environment."""
    socket = folder / "docker.sock"
    environment = _environment(folder) | {"DOCKER_HOST": f"unix://{socket}"}
    log = folder / "dockerd.log"
    with log.open("wb") as stream:
        daemon = subprocess.Popen(
            [
                "dockerd", "--host", f"unix://{socket}", "--iptables=false", "--bridge=none",
                "--default-ulimit", "nofile=1024:1024", "--data-root", str(folder / "data"),
                "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "docker.pid"),
            ],
            env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        _wait_for_docker(daemon, environment, log)
        yield environment
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        _unmount_below(folder)


def _wait_for_docker(
    daemon: "subprocess.Popen[bytes]", environment: dict[str, str], log: Path
) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while subprocess.run(["docker", "version"], env=environment, capture_output=True).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise Missing(f"dockerd does not run here: {' '.join(last)[-300:]}")
        time.sleep(0.1)


def _unmount_below(folder: Path) -> None:
    """Let go of what an ended peer left mounted, the innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    places = [Path(line.split()[1]) for line in lines]
    for place in reversed([place for place in places if folder in place.parents]):
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}


def _require_root() -> None:
    if os.geteuid() != 0:
        raise Missing("it needs root")


def _require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Missing(f"not installed: {', '.join(missing)}")


def _run(argv: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
