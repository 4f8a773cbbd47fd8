"""The system calls that Python 3.11 does not offer, each as a plain function raising OSError."""

import ctypes
import fcntl
import functools
import os
import socket
import struct

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19

MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x2008_0522
_SYS_MOUNT_SETATTR = 442  # the same on every architecture, as for all calls since 424
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_RENAME_EXCHANGE = 2
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C
_IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by the flags for new ones."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount, bind or remount; see mount(2)."""
    encoded = (os.fsencode(text) for text in (source, target, kind))
    result = _libc.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(data))
    _check(result, f"mount {kind or source} on {target}")


def bind(source: str, target: str, *, readonly: bool = False) -> None:
    """Show one file or directory in another place."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if readonly:
        # A remount may not drop flags that the host's mount carries; asking for all the
        # restricting ones is always allowed.
        flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
        mount("none", target, flags=flags)


def make_mounts_readonly(path: str) -> None:
    """Make the mount at ``path`` and all beneath it read-only in this namespace."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(path),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )
    _check(result, f"mount_setattr {path}")


def enter_root(new_root: str) -> None:
    """Make a mount point the root of this mount namespace, and let go of the old one."""
    os.chdir(new_root)
    # Stacking the old root on the new one needs no directory in the guest to put it.
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def die_with_parent(signal_number: int = 9) -> None:
    """Ask for a signal when the parent dies. A parent with threads must not rely on it."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0), "prctl")


def hide_from_tracers() -> None:
    """Keep processes of the same user id from reading this one's memory and open files."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0), "prctl")


def set_process_name(name: str) -> None:
    """Set what ``ps -o comm`` shows, at most 15 bytes."""
    _check(_libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0), "prctl")


def overwrite_command_line(start: int, end: int, text: str) -> None:
    """Replace what ``/proc/self/cmdline`` shows; the addresses come from ``/proc/self/stat``."""
    ctypes.memset(start, 0, end - start)
    encoded = text.encode()[: end - start - 1]
    ctypes.memmove(start, encoded, len(encoded))


def command_line_span() -> tuple[int, int]:
    """Return the addresses between which this process keeps its arguments."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[45]), int(fields[46])


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def drop_capabilities(keep: frozenset[int]) -> None:
    """Give up every capability but these, for this process and all that it becomes."""
    for capability in range(_last_capability() + 1):
        if capability not in keep:
            result = _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
            _check(result, "prctl")
    ambient = ctypes.c_ulong(_PR_CAP_AMBIENT_CLEAR_ALL)
    _check(_libc.prctl(_PR_CAP_AMBIENT, ambient, 0, 0, 0), "prctl")
    bits = sum(1 << capability for capability in keep)
    low, high = bits & 0xFFFF_FFFF, bits >> 32
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    data = struct.pack("IIIIII", low, low, 0, high, high, 0)
    _check(_libc.capset(header, data), "capset")


@functools.cache
def _last_capability() -> int:
    with open("/proc/sys/kernel/cap_last_cap", "rb") as file:
        return int(file.read())


def install_seccomp_filter(program: bytes) -> None:
    """Load a BPF program. Done with CAP_SYS_ADMIN, so that setuid programs keep working."""
    # struct sock_fprog: a count and, after padding, a pointer.
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    _check(_libc.prctl(_PR_SET_SECCOMP, mode, header, 0, 0), "seccomp")


def bring_loopback_up() -> None:
    """Start the loopback interface of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(probe, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def add_loopback_address(address: str) -> None:
    """Give the loopback interface of a new network namespace one more IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # The address brings the mask of its class along, and with it all of its network.
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
            where = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(probe, request, struct.pack("16s16s8x", b"lo:1", where))


def exchange(path: str, other: str) -> None:
    """Let two names change places, at once. Not every file system can: EINVAL, ENOSYS."""
    encoded = (_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(other))
    _check(_libc.renameat2(*encoded, _RENAME_EXCHANGE), f"exchange {path} and {other}")


def sync_filesystem(path: str) -> None:
    """Write everything of the file system that holds ``path`` to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check(_libc.syncfs(descriptor), "syncfs")
    finally:
        os.close(descriptor)
