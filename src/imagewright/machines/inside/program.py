"""One of the host's own programs, run on a new layer as root of the namespace."""

import os

from imagewright.machines.inside import kernel
from imagewright.machines.inside.messages import Message
from imagewright.machines.inside.stack import data_directory
from imagewright.machines.inside.upper import measure

PLACE = "/tmp/layer"  # noqa: S108 - of a mount namespace that ends with the program
"""Where the program finds the layer."""


def run_program(request: Message, output: int) -> Message:
    """Run ``argv`` with the layer ``name`` at ``PLACE`` and a ``/tmp`` of its own.

    It is process 1 of a process namespace: whatever it leaves running ends with it.
    """
    data = data_directory(request["name"])
    os.makedirs(data, exist_ok=True)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC)
    layers = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NODEV, "mode=1777")  # noqa: S108
    os.mkdir(PLACE)
    kernel.mount(data, PLACE, flags=kernel.MS_BIND)
    pid = os.fork()
    if pid == 0:
        try:
            _become(request["argv"], request["env"], output)
        finally:
            os._exit(127)
    os.close(output)
    _pid, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        return {"code": code}
    os.fchdir(layers)
    size_bytes, _entries = measure(data)
    return {"code": 0, "size_bytes": size_bytes}


def _become(argv: list[str], env: dict[str, str], output: int) -> None:
    kernel.die_with_parent()
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    os.chdir("/")
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.execvpe(argv[0], argv, env)
