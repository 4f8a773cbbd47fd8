"""One directory that shows what a stack of layers shows, made of hard links."""

import os
from collections.abc import Sequence

from imagewright.machines.inside.stack import (
    Found,
    copy_attributes,
    data_directory,
    entries_of,
    root_of,
)


def flatten(stack: Sequence[str], name: str) -> None:
    """Fill the new layer ``name``; files are shared with the layers, which never change."""
    target = data_directory(name)
    os.makedirs(target)
    _fill(target, root_of(stack))


def _fill(target: str, directory: Found) -> None:
    for name, found in entries_of(directory):
        path = f"{target}/{name}"
        if found.is_directory:
            os.mkdir(path)
            _fill(path, found)
        else:
            os.link(found.path, path, follow_symlinks=False)
    copy_attributes(directory.path, target, directory.status)
