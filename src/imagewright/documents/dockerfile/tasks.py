"""What a build does on the machine that becomes the image, one after the other.

All values are final: variables are expanded, paths are absolute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What all tasks have: where they come from, and what holds at that place."""

    line: int
    """Where the instruction starts, from 1."""
    text: str
    """The instruction, for messages and logs."""
    environment: Mapping[str, str]
    """``ENV``, and every ``ARG`` that has a value here."""
    working_directory: str
    """Absolute."""
    user: str
    """As the configuration of an image has it; empty is root."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTask(Task):
    """Run a program as ``user`` in ``working_directory``; it fails unless it ends with 0."""

    argv: Sequence[str]
    tmpfs: Sequence[str] = ()
    """Absolute paths: each is an empty directory in memory meanwhile, which every user may write
    to. Nothing of it stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryTask(Task):
    """Make a directory, with those above it, unless it is there.

    What is made belongs to ``user``, as to the owner of a FilesTask, and others may read it (0755).
    """

    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FilesTask(Task):
    """Write files, over what is there; directories above them are made."""

    files: Sequence[tuple[str, bytes]]
    """Absolute paths, each with the content."""
    owner: str
    """``user`` or ``user:group``, names or numbers; empty is root. Not ``user`` above.

    Without a group, that of a name is the user's own, that of a number the same number. The
    directories that are made are theirs too.
    """
    mode: int | None
    """Permission bits; None is 0644."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchTask(Task):
    """Fetch a file from a URL into the image as it is; it is never unpacked."""

    url: str
    path: str
    """The file, absolute."""
    owner: str
    """As that of a FilesTask."""
    mode: int | None
    """Permission bits; None is 0600."""
    checksum: str | None
    """``sha256:`` and 64 digits, which the content must have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentsTask(Task):
    """Run the components of the recipe."""
