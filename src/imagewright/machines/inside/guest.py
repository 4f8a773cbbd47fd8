"""A running guest: its root file system, its first process, and what is asked of it.

This process stays outside the guest's process namespace, where the guest cannot see it; its
root directory is the guest's, so every path it opens is the guest's.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from imagewright.machines.inside import command, files, kernel, users
from imagewright.machines.inside.command import Confinement
from imagewright.machines.inside.messages import Message, explain, receive, send, write_fully
from imagewright.machines.inside.scratch import Scratch
from imagewright.machines.inside.upper import Upper

_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# What Docker hides, and what it makes read-only.
_HIDDEN = ("acpi", "kcore", "keys", "latency_stats", "timer_list", "sched_debug", "scsi")
_READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
_HARMLESS = kernel.MS_NOSUID | kernel.MS_NODEV
_INERT = _HARMLESS | kernel.MS_NOEXEC
_GOODBYE_SECONDS = 2.0
"""How long a supervisor may take to end a command. Among thousands of processes that want to run it
may hardly be given any time; then the kernel ends the guest whole.
"""


class Guest:
    """One boot of a machine, from its mounts to the death of its last process."""

    def __init__(self, control: socket.socket, upper: Upper, spec: Message) -> None:
        self._control = control
        self._confinement = Confinement(bytes.fromhex(spec["seccomp_program"]), spec["limits"])
        self._poll = select.poll()
        self._command: tuple[int, int] | None = None
        self._scratch: Scratch | None = None
        self._kill_by: float | None = None
        kernel.unshare(
            kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
        )
        socket.sethostname(spec["hostname"])
        _forget_how_to_import()
        root = _mount_root(upper)
        # Its /proc must be mounted while the host's is in sight: the kernel shows no one more of
        # it than they see already. Entering the root takes the first process along.
        self._init = _start_init(root)
        kernel.enter_root(root)

    def serve(self) -> Message:
        """Answer until told to halt; return what to say then. Raises Hangup."""
        self._poll.register(self._control, select.POLLIN)
        while True:
            ready = self._poll.poll(self._patience_milliseconds())
            if not ready:
                return self._lose()
            for descriptor, _events in ready:
                if descriptor != self._control.fileno():
                    if (last_word := self._attend(descriptor)) is not None:
                        return last_word
                    continue
                request, received = receive(self._control)
                if request["op"] == "halt":
                    return {"running": self._end()}
                self._answer(request, received)

    def abandon(self) -> None:
        """End every process of the guest at once."""
        os.kill(self._init, signal.SIGKILL)
        # The first process ends only after all others are buried, a supervisor of ours included.
        while os.waitpid(-1, 0)[0] != self._init:
            pass

    def _answer(self, request: Message, received: list[int]) -> None:
        """Do as asked; a command answers later, when it ends."""
        try:
            match request["op"]:
                case "run":
                    self._run(request, received)
                    return
                case "kill":
                    self._kill(patiently=request["patiently"])
                    return
                case "discard":
                    self._discard(received)
                    return
                case "put":
                    answer = files.put(request["path"], received[0], request["mode"])
                case "running":
                    answer = {"running": _from_inside(_names_of_others)}
                case "get":
                    answer = files.get(request["path"], received[0], request["size_bytes_max"])
                case unknown:
                    answer = {"error": f"a running guest does not do {unknown}"}
        except OSError as error:
            answer = {"error": explain(error) if self._is_alive() else "its processes were killed"}
        for descriptor in received:
            os.close(descriptor)
        send(self._control, answer)

    def _is_alive(self) -> bool:
        try:
            state = os.waitid(os.P_PID, self._init, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return state is None

    def _run(self, request: Message, received: list[int]) -> None:
        user = users.find(request["user"]) if request["user"] else None
        try:
            self._scratch = Scratch(request["scratch"], user) if request["scratch"] else None
        except OSError as error:  # as if the command itself had tried
            write_fully(received[2], f"{explain(error)}\n".encode(errors="replace"))
            send(self._control, {"code": 1})
        else:
            self._command = command.start(request, user, received, self._confinement)
            self._poll.register(self._command[1], select.POLLIN)
        for descriptor in received:
            os.close(descriptor)

    def _kill(self, *, patiently: bool) -> None:
        if self._command is not None:
            seconds = command.end(self._command[0], patiently=patiently)
            self._kill_by = time.monotonic() + seconds

    def _patience_milliseconds(self) -> float | None:
        """How long to wait for the next event: for ever, but while a command must end."""
        if self._kill_by is None:
            return None
        return max(0.0, self._kill_by - time.monotonic()) * 1000

    def _lose(self) -> Message:
        """End every process at once, the command's included; return the guest's last word."""
        self.abandon()
        return {"code": 128 + signal.SIGKILL, "lost": True}

    def _discard(self, received: list[int]) -> None:
        """Keep reading what a daemon still writes to its command's output, so that it lives on."""
        for descriptor in received:
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)

    def _attend(self, descriptor: int) -> Message | None:
        """Hear a supervisor or a daemon; return a word if it is the guest's last."""
        if self._command is not None and descriptor == self._command[1]:
            return self._finish(*self._command)
        if not _read_some(descriptor):
            self._poll.unregister(descriptor)
            os.close(descriptor)
        return None

    def _finish(self, supervisor: int, result: int) -> Message | None:
        """Tell how the command ended. A supervisor without a word was killed, or gave up."""
        status = os.read(result, command.STATUS.size)
        self._poll.unregister(result)
        os.close(result)
        _pid, wait_status = os.waitpid(supervisor, 0)
        self._command = self._kill_by = None
        if not status and not os.WIFSIGNALED(wait_status):
            return self._lose()
        code = command.STATUS.unpack(status)[0] if status else command.exit_code(wait_status)
        send(self._control, {"code": code, **self._leave_scratch(code)})
        return None

    def _leave_scratch(self, code: int) -> Message:
        """Take the command's folder away; return the note of one that failed."""
        scratch, self._scratch = self._scratch, None
        if scratch is None:
            return {}
        note = scratch.note() if code != 0 else ""
        return {"note": note, "scratch_is_left": not scratch.remove()}

    def _end(self) -> list[str]:
        """End every process, politely first; return the names of those that were running."""
        names = _from_inside(_say_goodbye)
        self.abandon()
        return names


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b"-"
    except OSError:
        return b""


def _mount_root(upper: Upper) -> str:
    """Lay the layers and the kernel's file systems together; return where."""
    root = upper.mount()
    _mount_devices(f"{root}/dev")
    kernel.mount("tmpfs", f"{root}/run", "tmpfs", _HARMLESS, "mode=755,size=256m")
    os.mkdir(f"{root}/run/lock")
    os.chmod(f"{root}/run/lock", 0o1777)
    try:
        kernel.mount("sysfs", f"{root}/sys", "sysfs", _INERT | kernel.MS_RDONLY)
    except PermissionError:  # the network namespace is the host's, and with it this view
        kernel.bind("/sys", f"{root}/sys", readonly=True)
    return root


def _mount_devices(dev: str) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", kernel.MS_NOSUID, "mode=755,size=1m")
    for name in _DEVICES:
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_CLOEXEC, 0o666))
        kernel.mount(f"/dev/{name}", f"{dev}/{name}", flags=kernel.MS_BIND)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"{dev}/{name}")
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{name}")
    kernel.mount(
        "devpts", f"{dev}/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=0620,gid=5",
    )  # fmt: skip
    kernel.mount("tmpfs", f"{dev}/shm", "tmpfs", _INERT, "mode=1777,size=256m")
    kernel.mount("mqueue", f"{dev}/mqueue", "mqueue", _INERT)


def _forget_how_to_import() -> None:
    """From here on a path is the guest's: importing would run its code with rights it lacks."""
    sys.meta_path.clear()
    sys.path.clear()
    sys.excepthook = _print_briefly  # the usual one opens source files to quote them


def _print_briefly(_kind: type[BaseException], error: BaseException, _traceback: Any) -> None:
    os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))


def _start_init(root: str) -> int:
    """Start the guest's process 1, and wait until its ``/proc`` is mounted."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _be_init(root, writing)
        except BaseException as error:
            os.write(writing, str(error).encode(errors="replace"))
        finally:
            os._exit(1)
    os.close(writing)
    word = os.read(reading, 1024)
    os.close(reading)
    if word != b"ready":
        os.waitpid(pid, 0)
        raise OSError(f"the guest's first process did not start: {word.decode(errors='replace')}")
    return pid


def _be_init(root: str, ready: int) -> NoReturn:
    """Mount ``/proc``, give up every right, and bury the dead for ever."""
    os.chdir(root)
    _mount_proc()
    kernel.set_process_name("init")
    kernel.overwrite_command_line(*_COMMAND_LINE, "init")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    kernel.drop_capabilities(frozenset())
    kernel.die_with_parent()
    os.write(ready, b"ready")
    os.closerange(0, 1024)
    for _standard in range(3):
        os.open("/dev/null", os.O_RDWR)
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue


_COMMAND_LINE = kernel.command_line_span()


def _mount_proc() -> None:
    kernel.mount("proc", "proc", "proc", _INERT)
    for name in _HIDDEN:
        path = f"proc/{name}"
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", _INERT | kernel.MS_RDONLY, "size=0")
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, flags=kernel.MS_BIND)
    for name in _READ_ONLY:
        path = f"proc/{name}"
        if os.path.exists(path):
            kernel.bind(path, path, readonly=True)


def _from_inside(tell: Callable[[], list[str]]) -> list[str]:
    """Ask a process of ours that is within the process namespace, where this one is not."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, "\0".join(tell()).encode(errors="replace")[:4096])
        finally:
            os._exit(0)
    os.close(writing)
    names = os.read(reading, 4096).decode(errors="replace")
    os.close(reading)
    os.waitpid(pid, 0)
    return names.split("\0") if names else []


def _names_of_others() -> list[str]:
    kernel.die_with_parent()
    return sorted(_others().values())


def _say_goodbye() -> list[str]:
    """From inside the process namespace: end everything but process 1; return the names."""
    kernel.die_with_parent()
    names = sorted(_others().values())
    deadline = time.monotonic() + _GOODBYE_SECONDS
    for pid in _others():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while _others() and time.monotonic() < deadline:
        time.sleep(0.005)
    return names


def _others() -> dict[int, str]:
    """The living processes of this namespace by pid, with their names."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) not in {1, os.getpid()}:
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                head, _, tail = file.read().rpartition(b")")
                if tail.split()[0] not in {b"Z", b"X"}:
                    found[int(entry)] = head.partition(b"(")[2].decode(errors="replace")
    return found
