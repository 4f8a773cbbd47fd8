"""What a namespace does with layers, one function per task; each runs in a process of its own."""

import os
from collections.abc import Callable, Mapping

from imagewright.machines.inside import files, kernel
from imagewright.machines.inside.changes import write_changes
from imagewright.machines.inside.flatten import flatten
from imagewright.machines.inside.messages import Message
from imagewright.machines.inside.program import run_program
from imagewright.machines.inside.removal import remove
from imagewright.machines.inside.upper import Upper, measure
from imagewright.machines.inside.view import enter


def perform(request: Message, received: list[int]) -> Message:
    """Do the task that the request names. Raises OSError as the kernel gives it."""
    return _TASKS[request["op"]](request, received)


def load_archives() -> None:
    """Import what handles archives: before root's ids change, and not for machines.

    Afterwards the interpreter's own library may be out of reach, and the decompressors take longer
    to load than a machine to start.
    """
    from imagewright.machines.inside import pack, unpack  # noqa: F401


def _seal(request: Message, _files: list[int]) -> Message:
    return Upper(request["name"], request["stack"], request["runtime_files"]).seal()


def _remove(request: Message, _files: list[int]) -> Message:
    remove(request["names"])
    return {}


def _flatten(request: Message, _files: list[int]) -> Message:
    flatten(request["stack"], request["name"])
    return {}


def _unpack(request: Message, received: list[int]) -> Message:
    from imagewright.machines.inside.unpack import BeyondBound, Bounds, unpack

    bounds = Bounds(request["size_bytes_max"], request["free_bytes_min"])
    try:  # to the first file nothing is written
        devices_skipped = unpack(received[1:], request["name"], bounds)
    except BeyondBound as error:
        return {"beyond": error.bound}
    size_bytes, _entries = measure("/")  # by now that is the layer
    return {"devices_skipped": devices_skipped, "size_bytes": size_bytes}


def _pack_layer(request: Message, received: list[int]) -> Message:
    from imagewright.machines.inside.pack import pack_layer

    pack_layer(request["name"], received[0])
    return {}


def _pack_view(request: Message, received: list[int]) -> Message:
    from imagewright.machines.inside.pack import pack_view

    pack_view(request["stack"], received[0])
    return {}


def _read(request: Message, received: list[int]) -> Message:
    """Copy files of a merged view, each to an open file; tell the sizes, None if absent."""
    enter(request["stack"])
    sizes: list[int | None] = []
    for path, destination in zip(request["paths"], received, strict=True):
        try:
            answer = files.get(path, destination, request["size_bytes_max"])
        except (FileNotFoundError, NotADirectoryError):
            sizes.append(None)
            continue
        if "error" in answer:
            return answer
        sizes.append(answer["size_bytes"])
    return {"sizes": sizes}


def _changes(request: Message, received: list[int]) -> Message:
    with os.fdopen(received[0], "w", encoding="utf-8") as stream:
        write_changes(request["above"], request["below"], stream)
    return {}


def _program(request: Message, received: list[int]) -> Message:
    return run_program(request, received[0])


def _try_overlay(_request: Message, _files: list[int]) -> Message:
    """Mount an overlay as a machine does; it goes with this process."""
    for name in ("base/d/etc", "overlay"):
        os.makedirs(name, exist_ok=True)
    kernel.unshare(kernel.CLONE_NEWNS)
    os.rename("base", "overlay/base")
    upper = Upper("overlay/top", ["overlay/base"], {})
    upper.prepare()
    upper.mount()
    return {}


def _routes(_request: Message, _files: list[int]) -> Message:
    """Does this network namespace have a way out? Asked while one is being attached."""
    with open("/proc/self/net/route") as four:
        default = any(line.split()[1] == "00000000" for line in four.readlines()[1:])
    return {"has_default": default}


_TASKS: Mapping[str, Callable[[Message, list[int]], Message]] = {
    "seal": _seal,
    "remove": _remove,
    "flatten": _flatten,
    "unpack": _unpack,
    "pack_layer": _pack_layer,
    "pack_view": _pack_view,
    "read": _read,
    "changes": _changes,
    "program": _program,
    "routes": _routes,
    "try_overlay": _try_overlay,
}
