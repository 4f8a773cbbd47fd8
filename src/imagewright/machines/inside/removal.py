"""Deletes trees of any depth and owner; symbolic links in them lead nowhere."""

import os
from collections.abc import Sequence


def remove(paths: Sequence[str]) -> None:
    """Delete these and all beneath them. Raises OSError if something stays.

    GNU rm descends by open directories: a hostile tree can neither lead it astray nor be too deep.
    """
    if not paths:
        return
    argv = ["rm", "-rf", "--one-file-system", "--", *paths]
    pid = os.posix_spawnp("rm", argv, {"PATH": "/usr/bin:/bin"})
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError(f"could not delete {', '.join(paths)}")
