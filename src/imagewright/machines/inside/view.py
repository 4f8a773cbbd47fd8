"""The files of a stack of layers as a guest would see them, to be read and not changed."""

import os
import sys
from collections.abc import Sequence

from imagewright.machines.inside import kernel
from imagewright.machines.inside.stack import data_directory

_PLACE = "/tmp"  # noqa: S108 - any directory, in a mount namespace that ends with this process


def enter(stack: Sequence[str]) -> None:
    """Make the merged view this process's root directory. Nothing can be imported afterwards."""
    kernel.unshare(kernel.CLONE_NEWNS)
    layers = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.mount("tmpfs", _PLACE, "tmpfs", kernel.MS_NODEV)
    for name in ("empty", "root"):
        os.mkdir(f"{_PLACE}/{name}")
    os.fchdir(layers)
    # An overlay that nobody writes to needs two layers at the least.
    lower = ":".join([f"{_PLACE}/empty", *map(data_directory, stack)])
    flags = kernel.MS_RDONLY | kernel.MS_NODEV | kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("overlay", f"{_PLACE}/root", "overlay", flags, f"userxattr,lowerdir={lower}")
    kernel.enter_root(f"{_PLACE}/root")
    sys.meta_path.clear()
