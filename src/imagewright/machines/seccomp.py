"""The system calls a guest may make: those a container has by default, and no others.

libseccomp knows the calls by name and compiles the filter. Every call that it knows passes but for
those listed here, which fail with EPERM; a call that is newer than the library fails with ENOSYS,
upon which C libraries fall back to older ones. What is refused follows Docker's default profile
(https://docs.docker.com/engine/security/seccomp/): what needs rights that the guest lacks, is not
namespaced, or widens the kernel's surface for no gain in building images.
"""

import ctypes
import errno
import os
import platform
import socket
from collections.abc import Iterable, Iterator
from functools import cache

from imagewright.machines.machine import MachineError

_REFUSED = """
_sysctl acct add_key afs_syscall bdflush bpf break clock_adjtime clock_adjtime64 clock_settime
clock_settime64 create_module delete_module fanotify_init finit_module fsconfig fsmount fsopen
fspick ftime get_kernel_syms get_mempolicy getpmsg gtty init_module io_uring_enter
io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lock
lookup_dcookie mbind migrate_pages mount mount_setattr move_mount move_pages mpx nfsservctl
open_by_handle_at open_tree perf_event_open pivot_root prof profil putpmsg query_module quotactl
quotactl_fd reboot request_key security set_mempolicy set_mempolicy_home_node setdomainname
sethostname setns settimeofday stime stty swapoff swapon sysfs syslog tuxcall ulimit umount umount2
unshare uselib userfaultfd ustat vhangup vm86 vm86old vserver
"""
REFUSED = frozenset(_REFUSED.split())
_NEW_NAMESPACES = 0x7E02_0000  # the CLONE_NEW… flags but CLONE_NEWTIME, which clone cannot carry
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFF_FFFF)
_NUMBERS_MAX = 1024  # above every call's number on the architectures served

_libc = ctypes.CDLL(None)

_ALLOW = 0x7FFF_0000
_FAIL = 0x0005_0000  # | errno
_ATTRIBUTE_BAD_ARCHITECTURE = 2
_ATTRIBUTE_NO_NEW_PRIVILEGES = 3
_ATTRIBUTE_OPTIMIZE = 8
_EQUAL, _MASKED_EQUAL, _GREATER = 4, 7, 6
_SIBLINGS = {
    "x86_64": (0x4000_0003, 0x4000_003E),  # i386, x32: 32-bit programs
    "aarch64": (0x4000_0028,),  # arm
}


class NoSeccomp(MachineError):
    """The filter cannot be made; the message says what is missing."""


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@cache
def compiled_filter() -> bytes:
    """Return the filter as a BPF program. Raises NoSeccomp."""
    library = _library()
    context = library.seccomp_init(_FAIL | errno.ENOSYS)
    if not context:
        raise NoSeccomp("libseccomp could not start a filter")
    try:
        _fill(library, ctypes.c_void_p(context))
        return _export(library, ctypes.c_void_p(context))
    finally:
        library.seccomp_release(ctypes.c_void_p(context))


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise NoSeccomp(
            "libseccomp is not installed, and without it guests run no commands. "
            "As root, run: apt-get install libseccomp2 (or install libseccomp)"
        ) from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
    return library


def _fill(library: ctypes.CDLL, context: ctypes.c_void_p) -> None:
    for architecture in _SIBLINGS.get(platform.machine(), ()):
        _check(library.seccomp_arch_add(context, ctypes.c_uint32(architecture)), "seccomp_arch_add")
    attributes = (
        (_ATTRIBUTE_NO_NEW_PRIVILEGES, 0),  # setuid programs such as sudo keep working
        (_ATTRIBUTE_BAD_ARCHITECTURE, _FAIL | errno.ENOSYS),
        (_ATTRIBUTE_OPTIMIZE, 2),  # a binary tree: a call passes a dozen comparisons, not hundreds
    )
    for attribute, value in attributes:
        library.seccomp_attr_set(context, attribute, ctypes.c_uint32(value))
    conditional = dict(_conditional())
    for name, number in _known(library):
        if name in REFUSED:
            _add(library, context, _FAIL | errno.EPERM, number)
        elif name not in conditional:
            _add(library, context, _ALLOW, number)
    for name, rules in conditional.items():
        number = library.seccomp_syscall_resolve_name(name.encode())
        for action, comparison in rules:
            _add(library, context, action, number, comparison)


def _conditional() -> Iterator[tuple[str, list[tuple[int, _Comparison | None]]]]:
    """Yield the calls that depend on an argument, with what to do when."""
    # s390 has the flags of clone in its second argument, but is not served.
    yield "clone", [(_ALLOW, _Comparison(0, _MASKED_EQUAL, _NEW_NAMESPACES, 0))]
    yield "clone3", []  # its flags are out of a filter's reach; ENOSYS leads to clone
    yield "personality", [(_ALLOW, _Comparison(0, _EQUAL, p, 0)) for p in _PERSONALITIES]
    vsock = int(getattr(socket, "AF_VSOCK", 40))
    below, above = _Comparison(0, 1, vsock, 0), _Comparison(0, _GREATER, vsock, 0)
    yield "socket", [(_ALLOW, below), (_ALLOW, above)]


def _known(library: ctypes.CDLL) -> Iterable[tuple[str, int]]:
    """List the calls of every architecture in the filter, by the native one's numbers."""
    native = library.seccomp_arch_native()
    names = set()
    for architecture in (native, *_SIBLINGS.get(platform.machine(), ())):
        for number in range(_NUMBERS_MAX):
            name = _name_of(library, architecture, number)
            if name:
                names.add(name)
    for name in sorted(names):
        number = library.seccomp_syscall_resolve_name(name.encode())
        yield name, number


def _name_of(library: ctypes.CDLL, architecture: int, number: int) -> str | None:
    pointer = library.seccomp_syscall_resolve_num_arch(ctypes.c_uint32(architecture), number)
    if not pointer:
        return None
    name = ctypes.string_at(pointer).decode()
    _libc.free(ctypes.c_void_p(pointer))
    return name


def _add(
    library: ctypes.CDLL,
    context: ctypes.c_void_p,
    action: int,
    number: int,
    comparison: _Comparison | None = None,
) -> None:
    count = 0 if comparison is None else 1
    comparisons = comparison if comparison is not None else _Comparison()
    result = library.seccomp_rule_add_array(
        context, ctypes.c_uint32(action), number, count, ctypes.byref(comparisons)
    )
    # EDOM: the call does not exist on some architecture of the filter.
    _check(0 if result == -errno.EDOM else result, "seccomp_rule_add")


def _export(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    descriptor = os.memfd_create("filter", os.MFD_CLOEXEC)
    try:
        _check(library.seccomp_export_bpf(context, descriptor), "seccomp_export_bpf")
        size = os.lseek(descriptor, 0, os.SEEK_END)
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise NoSeccomp(f"{what}: {os.strerror(-result)}")
