"""Runs ``imagewright`` as on macOS or Windows: ``python other_platform.py win32 serve …``.

What the platform lacks is gone: POSIX modules cannot be imported, and their names are no longer in
``os``, ``signal`` and ``socket``. Python and the libraries were made for this host, so they are
loaded before and keep what they took; imagewright's own code finds the other platform.
"""

import asyncio
import fcntl
import importlib
import os
import signal
import socket
import sys
import types

POSIX_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog")
LINUX_NAMES = {
    os: "pidfd_open unshare setns memfd_create sched_getaffinity O_PATH O_TMPFILE listxattr "
    "setxattr getxattr removexattr posix_fadvise eventfd splice copy_file_range",
    signal: "pidfd_send_signal sigtimedwait sigwaitinfo",
    socket: "AF_NETLINK AF_PACKET SO_PEERCRED MSG_CMSG_CLOEXEC AF_VSOCK SO_BINDTODEVICE",
}
POSIX_NAMES = {
    os: "geteuid getuid getgid getegid getgroups setuid setgid chown lchown fchown fork forkpty "
    "killpg getpgid setpgid setsid uname mkfifo mknod statvfs fstatvfs pread pwrite openpty "
    "O_NONBLOCK O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_SYNC WNOHANG sysconf getloadavg wait3 wait4 "
    "major minor makedev chroot fchdir fchmod nice getpriority posix_spawn set_blocking",
    signal: "SIGKILL SIGHUP SIGQUIT SIGPIPE SIGALRM SIGCHLD SIGUSR1 SIGUSR2 SIGWINCH SIGCONT "
    "SIGSTOP SIGTSTP alarm setitimer pthread_sigmask pthread_kill sigwait",
    socket: "SO_REUSEPORT SCM_RIGHTS CMSG_SPACE",
}
LIBRARIES = (
    "alembic.command alembic.config boto3 botocore.session certifi cryptography.hazmat.primitives "
    "dbos httptools jsonschema_rs pydantic_settings re2 rich.console rich.live rich.progress "
    "sqlalchemy.dialects.sqlite starlette.applications starlette.responses structlog typer uvicorn "
    "uvicorn.protocols.http.httptools_impl yaml anyio._backends._asyncio uuid tempfile shutil "
    "subprocess ctypes http.client concurrent.futures logging.handlers platform zoneinfo getpass"
)


class _Lacking:
    """Finds no module that the platform lacks."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name in POSIX_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(platform: str) -> None:
    """Take away what the platform lacks."""
    for name in LIBRARIES.split():
        importlib.import_module(name)
    asyncio.new_event_loop().close()
    names = [LINUX_NAMES, POSIX_NAMES] if platform == "win32" else [LINUX_NAMES]
    if platform == "win32":
        _become_windows()
    for table in names:
        for module, lacking in table.items():
            for name in lacking.split():
                vars(module).pop(name, None)
    sys.platform = platform


def _become_windows() -> None:
    locks = types.ModuleType("msvcrt")
    vars(locks).update(LK_LOCK=1, LK_NBLCK=2, locking=_locking)
    sys.modules["msvcrt"] = locks
    vars(signal)["SIGBREAK"] = signal.SIGUSR2
    vars(asyncio)["ProactorEventLoop"] = asyncio.SelectorEventLoop
    for name in POSIX_MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Lacking())


def _locking(descriptor: int, mode: int, _size_bytes: int) -> None:
    """Lock as msvcrt does: it raises OSError where another has the lock."""
    wait = 0 if mode == 1 else fcntl.LOCK_NB
    fcntl.flock(descriptor, fcntl.LOCK_EX | wait)


if __name__ == "__main__":
    become(sys.argv[1])
    from imagewright.cli.main import main

    sys.argv[1:] = sys.argv[2:]
    main()
