"""A Dockerfile as its instructions, in order; variables are not expanded yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class ShellForm:
    """A command for the shell of the image."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecForm:
    """A program and its arguments, written as a JSON array; no shell sees them."""

    argv: Sequence[str]


CommandForm: TypeAlias = ShellForm | ExecForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Heredoc:
    """Lines below an instruction, up to one that has only the name."""

    name: str
    content: str
    """With its line ends; of ``<<-`` without the tabs that lead the lines."""
    raw: str
    """As the author wrote it, tabs and all."""
    expands: bool
    """Variables in it are replaced; not if the name stands in quotes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """An empty file system in memory over a directory, for one ``RUN``."""

    target: str
    """May hold variables; relative to the working directory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """What all instructions have."""

    line: int
    """Where it starts, from 1."""
    text: str
    """As written, on one line; without the heredocs below it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class From(Instruction):
    """``FROM``: what the image stands on."""

    image: str
    """``{{{ imagebuilder:parentImage }}}`` in every template that is accepted."""
    name: str | None = None
    platform: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Arg(Instruction):
    """``ARG``: a variable of the build alone. A line that declares several makes one of each."""

    name: str
    default: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Env(Instruction):
    """``ENV``: variables of the build and of the containers."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Label(Instruction):
    """``LABEL``: what is said about the image."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Instruction):
    """``RUN``: a command that changes the image."""

    command: CommandForm
    heredocs: Sequence[Heredoc] = ()
    mounts: Sequence[Mount] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Files(Instruction):
    """What brings files into the image."""

    destination: str
    owner: str | None = None
    mode: str | None = None
    heredocs: Sequence[Heredoc] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy(Files):
    """``COPY``: without a build context, heredocs alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Add(Files):
    """``ADD``: from URLs and heredocs."""

    sources: Sequence[str]
    """What is no heredoc."""
    checksum: str | None = None
    """``sha256:`` and the digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workdir(Instruction):
    """``WORKDIR``: where commands run, and relative paths begin."""

    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class User(Instruction):
    """``USER``: who runs commands."""

    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cmd(Instruction):
    """``CMD``: what a container runs, or the arguments of its entry point."""

    command: CommandForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrypoint(Instruction):
    """``ENTRYPOINT``: what a container runs whatever it is given."""

    command: CommandForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Expose(Instruction):
    """``EXPOSE``: the ports that a container listens on."""

    ports: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume(Instruction):
    """``VOLUME``: directories whose content outlives a container."""

    paths: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StopSignal(Instruction):
    """``STOPSIGNAL``: what asks a container to end."""

    signal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell(Instruction):
    """``SHELL``: what runs the shell form from here on."""

    argv: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthcheck(Instruction):
    """``HEALTHCHECK``: how to see that a container works. Times are in nanoseconds."""

    command: CommandForm | None
    """None says that there is no check, whatever the parent image has."""
    interval_ns: int | None = None
    timeout_ns: int | None = None
    start_period_ns: int | None = None
    start_interval_ns: int | None = None
    retries: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OnBuild(Instruction):
    """``ONBUILD``: an instruction for builds that stand on this image."""

    trigger: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintainer(Instruction):
    """``MAINTAINER``: who made the image."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Environments(Instruction):
    """``{{{ imagebuilder:environments }}}``: what components need in order to run (CTR-03)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Components(Instruction):
    """``{{{ imagebuilder:components }}}``: the components of the recipe run here (CTR-03)."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile that passed every check."""

    instructions: Sequence[Instruction]
    escape: str = "\\"
    """What takes the meaning from the character behind it: a backslash or a backtick."""
