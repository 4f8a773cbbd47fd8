"""Checking many documents at once, on every processor, and saying how far that is."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import TYPE_CHECKING

from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.files import Content, Unreadable

if TYPE_CHECKING:
    from imagewright.documents.validation import Validated

_ALONE_MAX = 64
"""So few documents are checked sooner than other processes would have begun."""
_BATCH = 256
"""Documents in the memory at once."""
_SECONDS_BEFORE_WORDS = 2.0

Check = Callable[[Content], "Validated"]
File = Content | Unreadable

_check: Check | None = None


def check_all(
    files: Iterable[File], check: Check
) -> Iterator[tuple[Content, "Validated"] | Unreadable]:
    """Check files in their order; what could not be read is passed on.

    Ends the command if something ends a process that checks.
    """
    remaining = iter(files)
    few = list(islice(remaining, _ALONE_MAX + 1))
    every = chain(few, remaining)
    if len(few) <= _ALONE_MAX or not _may_fork():
        for file in every:
            yield file if isinstance(file, Unreadable) else (file, check(file))
        return
    try:
        with _pool(check) as pool:
            yield from _shared_out(every, pool)
    except BrokenProcessPool:
        fail(
            ExitCode.FAILED,
            "a process that checked documents was killed, mostly for lack of memory",
            help="check fewer at once",
        )


def _shared_out(
    files: Iterator[File], pool: ProcessPoolExecutor
) -> Iterator[tuple[Content, "Validated"] | Unreadable]:
    said, done = time.monotonic() + _SECONDS_BEFORE_WORDS, 0
    while batch := list(islice(files, _BATCH)):
        contents = [file for file in batch if isinstance(file, Content)]
        results = pool.map(_check_one, contents, chunksize=8)
        for file in batch:
            yield file if isinstance(file, Unreadable) else (file, next(results))
        done += len(batch)
        if time.monotonic() > said and len(batch) == _BATCH:
            note(f"{done:,} files checked so far")
            said = time.monotonic() + _SECONDS_BEFORE_WORDS


def _may_fork() -> bool:
    """Only a fork begins at once; elsewhere every process would load all of this anew."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


def _pool(check: Check) -> ProcessPoolExecutor:
    global _check
    _check = check
    return ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("fork"))


def _check_one(content: Content) -> "Validated":
    if _check is None:
        raise RuntimeError("this process was not forked from one that checks")
    return _check(content)
