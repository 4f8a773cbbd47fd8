"""Transfers that this host does for a machine: waiting for one, and bringing a file in.

The step's time and a cancel end a transfer at once. A file appears under its name only when it is
whole and right: it is written beside it and then takes its place.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TypeVar
from uuid import uuid4

from imagewright.outside.objects import DEFAULT_REGION
from imagewright.outside.work import TransferFailed, Work, attend, size
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest

_TOLD_AFTER_SECONDS = 2.0
_TOLD_EVERY_SECONDS = 10.0
_PIECE_BYTES = 8 << 20
"""Of a file at a time on its way into the machine; so much of it is in memory."""

Result = TypeVar("Result")


def transfer(guest: Guest, doing: str, do: Callable[[Work], Result]) -> Result:
    """Do a transfer in a thread of its own, and tell in the log how far it is.

    ``doing`` says what, as in ``downloaded``. Raises ModuleFailure, TimedOut and Cancelled.
    """
    if guest.environment.outside.barred:
        raise ModuleFailure(guest.environment.outside.barred)
    work, progress = Work(), Progress(guest)

    def look() -> None:
        guest.check()
        _tell_remarks(guest, work)
        progress.tell(f"{doing} {work.how_far}")

    try:
        result = attend(work, do, look)
    except (TransferFailed, OSError) as error:
        _tell_remarks(guest, work)
        raise ModuleFailure(str(error)) from error
    _tell_remarks(guest, work)
    return result


class Progress:
    """Tells in the log how far something is that takes longer than two seconds."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._next = time.monotonic() + _TOLD_AFTER_SECONDS

    def tell(self, words: str) -> None:
        """Say it if it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TOLD_EVERY_SECONDS
            self._guest.tell(words)


@contextmanager
def scratch_file(guest: Guest) -> Iterator[IO[bytes]]:
    """Open a file of this host without a name, for what is on its way."""
    try:
        file = TemporaryFile(dir=guest.environment.outside.scratch)  # noqa: SIM115  (closed below)
    except OSError as error:
        raise ModuleFailure(f"this host has no place for a file: {error.strerror}") from error
    try:
        with file:
            yield file
    except OSError as error:  # what was still to be written, too, when the file is closed
        raise ModuleFailure(f"this host has no room for the file: {error.strerror}") from error


def fetch_object(
    guest: Guest,
    file: IO[bytes],
    bucket: str,
    key: str,
    *,
    owner: str | None,
    size_bytes_max: int | None = None,
) -> None:
    """Write an object of S3 into a file of this host. Raises ModuleFailure, TimedOut, Cancelled.

    ``owner``: the account that the bucket must belong to. ``size_bytes_max``: where it may have
    less than the settings allow; it is known before anything is fetched.
    """
    objects = guest.environment.outside.objects
    region = guest.environment.region or DEFAULT_REGION

    def fetch(work: Work) -> None:
        objects.fetch(
            bucket, key, file, work, region=region, owner=owner, size_bytes_max=size_bytes_max
        )

    transfer(guest, "downloaded", fetch)


def make_sure_of_place(guest: Guest, target: str, *, overwrite: bool, taken: str = "") -> None:
    """Raise ModuleFailure where no file can be put; ``taken``: what to say if one is there."""
    taken = taken or f"the file exists and overwrite is false: {target}"
    guest.script(_CHECK, target, _word(overwrite), taken)


def bring_in(
    guest: Guest, file: IO[bytes], target: str, *, overwrite: bool, taken: str = ""
) -> None:
    """Write a file of this host to an absolute path of the machine, in pieces.

    A file that is there keeps its owner and permissions, a link stays one. Raises as above.
    """
    total = file.seek(0, 2)
    file.seek(0)
    part = f"{target.rpartition('/')[0]}/.imagewright-{uuid4().hex}"
    progress, done = Progress(guest), 0
    make_sure_of_place(guest, target, overwrite=overwrite, taken=taken)
    try:
        guest.script(_BEGIN, target, part)
        while piece := file.read(_PIECE_BYTES):
            guest.script('cat >>"$1"', part, stdin=piece)
            done += len(piece)
            progress.tell(f"wrote {size(done)} of {size(total)} to {target}")
        guest.script(_END, target, part, str(total))
    except BaseException:
        guest.clean_up('rm -f "$1"', part)
        raise


def bring_out(guest: Guest, path: str, file: IO[bytes], *, size_bytes_max: int) -> None:
    """Copy a file of the machine, by its absolute path, into one of this host, in pieces.

    Raises ModuleFailure if it is absent, no file, unreadable, or larger.
    """
    total, progress = int(guest.script(_SIZE, path)), Progress(guest)
    if total > size_bytes_max:
        raise ModuleFailure(
            f"{path} is larger than {size(size_bytes_max)}, the setting downloads.size_bytes_max"
        )
    piece = f"/tmp/.imagewright-{uuid4().hex}"  # noqa: S108  (of the machine, and unguessable)
    try:
        for number in range((total + _PIECE_BYTES - 1) // _PIECE_BYTES):
            guest.script(_PIECE, path, piece, str(_PIECE_BYTES), str(number))
            file.write(guest.machine.get_file(piece, size_bytes_max=_PIECE_BYTES))
            progress.tell(f"read {size(file.tell())} of {size(total)} of {path}")
    except OSError as error:
        raise ModuleFailure(f"this host has no room for {path}: {error.strerror}") from error
    finally:
        guest.clean_up('rm -f "$1"', piece)
    if file.tell() != total:
        raise ModuleFailure(f"the file changed while it was read: {path}")


def _tell_remarks(guest: Guest, work: Work) -> None:
    while work.remarks:
        guest.warn(work.remarks.popleft())


def _word(yes: bool) -> str:
    return "yes" if yes else "no"


_CHECK = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
[ ! -d "$1" ] || fail "the destination is a folder; to put a file into it, end it with /: $1"
[ ! -p "$1" ] || fail "the destination is a named pipe: $1"
[ "$2" = yes ] || { [ ! -e "$1" ] && [ ! -L "$1" ]; } || fail "$3"
[ -d "${1%/*}/" ] || mkdir -p "${1%/*}/"
"""
_SIZE = """
if [ ! -e "$1" ]; then printf '%s\\n' "source does not exist: $1" >&2; exit 1; fi
if [ ! -f "$1" ]; then printf '%s\\n' "the source is not a file: $1" >&2; exit 1; fi
wc -c <"$1"
"""
_PIECE = """
umask 077
dd if="$1" of="$2" bs="$3" skip="$4" count=1 2>/dev/null && exit
printf '%s\\n' "the file cannot be read in pieces by way of /tmp: $1" >&2
exit 1
"""
_BEGIN = """
umask 077
if [ -f "$1" ] && [ ! -L "$1" ]; then cp -p "$1" "$2" && chmod 600 "$2" || exit 1; fi
: >"$2"
"""
"""What is not whole is for its owner alone; it is the owner of the file that it replaces."""
_END = """
written=$(wc -c <"$2") || exit 1
if [ "$written" -ne "$3" ]; then echo "only $written of $3 bytes could be written" >&2; exit 1; fi
if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
    cat "$2" >"$1" && rm "$2"
    exit
fi
mode='=rw'  # less the umask
if [ -f "$1" ]; then
    letters=$(ls -ld "$1" | head -n 1 | cut -c 2-10) || exit 1
    mode=
    for class in u g o; do
        rest=${letters#???}
        bits=$(printf '%s' "${letters%"$rest"}" | sed 's/-//g; s/[st]/x&/; y/ST/st/')
        mode=$mode,$class=$bits letters=$rest
    done
    mode=${mode#,}
fi
chmod "$mode" "$2" && mv -f "$2" "$1"
"""
"""A file that is there hands its permissions on, as ``ls`` spells them: ``stat`` is not POSIX."""
