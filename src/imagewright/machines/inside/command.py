"""One command in the guest, and the supervisor that can end it with all it started."""

import os
import resource
import signal
import struct
import time
import warnings  # noqa: F401 - os.execvpe imports it, from Python 3.13 on, where only the guest's is
from collections.abc import Iterable
from typing import NoReturn

from imagewright.machines.inside import kernel, users
from imagewright.machines.inside.messages import Message, explain, write_fully
from imagewright.machines.inside.users import User

CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})
"""What Docker leaves a container by default: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID,
SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
"""

STATUS = struct.Struct("i")
"""How the supervisor tells the exit code; nothing at all means that it was killed itself."""

TERMINATE_SECONDS = 0.4
"""How long a cancelled command may take to end by itself."""
PATIENCE_SECONDS = 10.0
"""How long one may take whose time is up (``component-documents.md`` §4.2)."""
KILL_SECONDS = 1.0
"""How long the supervisor tries to kill what remains; without a bomb that takes milliseconds, on a
host that gives the guest time to run.
"""
_SPARE_SECONDS = 0.5
"""How much later than that the supervisor may be done on a busy host."""

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_END_AT_ONCE, _END_PATIENTLY = signal.SIGUSR1, signal.SIGUSR2
_RESET_SIGNALS = [
    number for number in signal.valid_signals() if signal.getsignal(number) != signal.SIG_DFL
]
"""What Python changes, and what whoever started the server ignores, as nohup does."""


class Confinement:
    """What holds every command of a guest."""

    def __init__(self, seccomp_program: bytes, limits: dict[str, int]) -> None:
        """``limits`` by the names of ``resource``: ``RLIMIT_NPROC`` and so on."""
        self.seccomp_program = seccomp_program
        self.limits = limits


def start(
    request: Message, user: User | None, files: list[int], confinement: Confinement
) -> tuple[int, int]:
    """Start a command; return its supervisor's pid and the pipe that will tell its exit code.

    ``files`` are its standard input, output and error.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _supervise(request, user, files, confinement, writing)
        finally:
            os._exit(1)
    os.close(writing)
    return pid, reading


def _supervise(
    request: Message, user: User | None, files: list[int], confinement: Confinement, result: int
) -> NoReturn:
    """Run the command as a child, tell its exit code, and when told from outside end its tree."""
    kernel.die_with_parent()
    kernel.adopt_orphans()
    kernel.set_process_name("supervisor")
    signals = {signal.SIGCHLD, _END_AT_ONCE, _END_PATIENTLY}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        try:
            _become(request, user, files, confinement)
        finally:
            os._exit(_NOT_EXECUTABLE)
    for descriptor in files:
        os.close(descriptor)
    code: int | None = None
    while code is None:
        info = signal.sigwaitinfo(signals)
        if _is_order(info):
            patient = info.si_signo == _END_PATIENTLY
            code = _end_tree(child, PATIENCE_SECONDS if patient else TERMINATE_SECONDS)
        else:
            code = _reap(child)
    write_fully(result, STATUS.pack(code))
    os._exit(0)


def end(supervisor: int, *, patiently: bool) -> float:
    """Have a command ended with all it started; return how many seconds that takes at most.

    ``patiently``: it has time to end by itself. Said once more, and not so, it has less.
    """
    os.kill(supervisor, _END_PATIENTLY if patiently else _END_AT_ONCE)
    return (PATIENCE_SECONDS if patiently else TERMINATE_SECONDS) + KILL_SECONDS + _SPARE_SECONDS


def _is_order(info: signal.struct_siginfo) -> bool:
    """Tell a signal from outside; those of the guest's own processes have a pid."""
    return info.si_signo in {_END_AT_ONCE, _END_PATIENTLY} and info.si_pid == 0


def _reap(child: int) -> int | None:
    """Collect whoever has ended; return the command's exit code if it was among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = exit_code(status)


def exit_code(status: int) -> int:
    """Turn a wait status into 0 to 255 as a shell would: 128 + n for signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end_tree(child: int, patience_seconds: float) -> int:
    """End every descendant, politely first; return the command's exit code.

    Leaves with no word if they multiply faster than they die.
    """
    _signal_all(descendants(os.getpid()), signal.SIGTERM)
    code = _await_childless(child, patience_seconds, kill=False)
    if _has_children():
        code = _await_childless(child, KILL_SECONDS, kill=True) or code
    if _has_children():
        os._exit(1)
    return 128 + signal.SIGKILL if code is None else code


def _await_childless(child: int, seconds: float, *, kill: bool) -> int | None:
    deadline = time.monotonic() + seconds
    code = None
    while True:
        if kill:
            _signal_all(descendants(os.getpid()), signal.SIGKILL)
        found = _reap(child)
        code = code if found is None else found
        if not _has_children() or time.monotonic() > deadline:
            return code
        info = signal.sigtimedwait({signal.SIGCHLD, _END_AT_ONCE}, 0.02)
        if info is not None and _is_order(info):
            deadline = min(deadline, time.monotonic() + TERMINATE_SECONDS)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _signal_all(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def descendants(root: int) -> list[int]:
    """List the processes beneath ``root``, as ``/proc`` shows them."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and (parent := _parent_of(entry)) is not None:
            children.setdefault(parent, []).append(int(entry))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def _become(
    request: Message, user: User | None, files: list[int], confinement: Confinement
) -> NoReturn:
    """Turn this process into the command."""
    os.setsid()
    for target, descriptor in enumerate(files):
        os.dup2(descriptor, target)
    for number in _RESET_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    if request["empty"]:
        try:
            _empty(request["empty"])
        except OSError as error:
            _refuse(explain(error), _NOT_EXECUTABLE)
    _apply_limits(confinement.limits)
    kernel.install_seccomp_filter(confinement.seccomp_program)
    kernel.drop_capabilities(CAPABILITIES)
    argv, cwd, env = request["argv"], request["cwd"], request["env"]
    try:
        os.chdir(cwd)  # while we are root: it need not be the user's, as with docker
    except OSError as error:
        _refuse(f"cannot enter {cwd}: {error.strerror}", _NOT_EXECUTABLE)
    if user is not None:
        env.setdefault("HOME", user.home)
        try:
            users.become(user)
        except OSError as error:
            _refuse(str(error), _NOT_EXECUTABLE)
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        _refuse(f"{argv[0]}: {error.strerror}", _NOT_FOUND if is_missing else _NOT_EXECUTABLE)


def _empty(directories: Iterable[str]) -> None:
    """Lay an empty file system in memory over each directory, for this process and its own."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    for path in directories:
        os.makedirs(path, mode=0o755, exist_ok=True)
        kernel.mount("tmpfs", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=1777")


def _refuse(why: str, code: int) -> NoReturn:
    write_fully(2, f"{why}\n".encode(errors="replace"))
    os._exit(code)


def _apply_limits(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
