"""What a namespace does with layers, one function per task; each runs in a process of its own."""

from collections.abc import Callable, Mapping

from imagewright.machines.inside.flatten import flatten
from imagewright.machines.inside.messages import Message
from imagewright.machines.inside.program import run_program
from imagewright.machines.inside.removal import remove
from imagewright.machines.inside.upper import Upper, measure


def perform(request: Message, files: list[int]) -> Message:
    """Do the task that the request names. Raises OSError as the kernel gives it."""
    return _TASKS[request["op"]](request, files)


def load_archives() -> None:
    """Import what handles archives: before root's ids change, and not for machines.

    Afterwards the interpreter's own library may be out of reach, and the decompressors take longer
    to load than a machine to start.
    """
    from imagewright.machines.inside import unpack  # noqa: F401


def _seal(request: Message, _files: list[int]) -> Message:
    return Upper(request["name"], request["stack"], request["runtime_files"]).seal()


def _remove(request: Message, _files: list[int]) -> Message:
    remove(request["names"])
    return {}


def _flatten(request: Message, _files: list[int]) -> Message:
    flatten(request["stack"], request["name"])
    return {}


def _unpack(request: Message, files: list[int]) -> Message:
    from imagewright.machines.inside.unpack import unpack

    devices_skipped = unpack(files, request["name"])
    size_bytes, _entries = measure("/")  # by now that is the layer
    return {"devices_skipped": devices_skipped, "size_bytes": size_bytes}


def _program(request: Message, files: list[int]) -> Message:
    return run_program(request, files[0])


def _routes(_request: Message, _files: list[int]) -> Message:
    """Does this network namespace have a way out? Asked while one is being attached."""
    with open("/proc/self/net/route") as four:  # noqa: PTH123
        default = any(line.split()[1] == "00000000" for line in four.readlines()[1:])
    return {"has_default": default}


_TASKS: Mapping[str, Callable[[Message, list[int]], Message]] = {
    "seal": _seal,
    "remove": _remove,
    "program": _program,
    "unpack": _unpack,
    "flatten": _flatten,
    "routes": _routes,
}
