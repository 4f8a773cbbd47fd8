"""Building the image of a container recipe: its Dockerfile on a machine, one layer for each
instruction that changes files (``api-behaviour.md`` §9.2).
"""

import base64
import platform
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from imagewright.actions.scripts import Script, execute_well
from imagewright.documents.dockerfile.check import load_dockerfile
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.evaluation import DockerfileError, Planned, plan
from imagewright.documents.dockerfile.tasks import (
    ComponentsTask,
    DirectoryTask,
    FetchTask,
    FilesTask,
    RunTask,
    Task,
)
from imagewright.engine.ports import ActionError, StepContext, Work
from imagewright.machines.machine import Command, Machine, MachineError

RunComponents: TypeAlias = Callable[[Iterator[int], Mapping[str, str]], None]
"""Runs the recipe's components in their order: takes numbers for their works, and what they find
in their environment. Raises ActionError."""

Fetch: TypeAlias = Callable[[Machine, FetchTask], None]
"""Brings a file of the web onto a machine. Raises ActionError."""

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""What Docker calls this host's; a sandbox has no other."""
_FILE_MODE: Final = 0o644
_FETCHED_MODE: Final = 0o600
_MAKE_DIRECTORY: Final = """
made= above=$1
while [ -n "$above" ] && [ ! -e "$above" ]; do made=$above above=${above%/*}; done
mkdir -p "$1" || exit 1
[ -z "$made" ] || [ -z "$2" ] || chown -R "$2" "$made"
"""
_QUICK_SECONDS: Final = 60
_SHOWN_MAX: Final = 60
"""Of an instruction, in what is said of it."""


def build(
    instance_id: str, context: StepContext, *, run_components: RunComponents, fetch: Fetch
) -> str:
    """Do on a machine what the recipe's Dockerfile says, and return the id of the image.

    The machine begins again at its parent image: what other steps did on it is no part of the
    image. Raises ActionError.
    """
    machines = context.machines
    dockerfile = _planned(instance_id, context)
    machines.begin_container(instance_id, plan=context.plan, token=context.token)
    units = iter(range(1 << 31))
    has_run = False
    for task in dockerfile.tasks:
        if isinstance(task, ComponentsTask):
            run_components(units, task.environment)
            has_run = True
        else:
            context.log.note(f"Line {task.line}: {_shown(task)}")
            context.apply(instance_id, _work(task, context, fetch), unit=next(units))
    if context.plan.components and not has_run:
        context.log.note(
            "The recipe's components were not run: its template has no "
            "{{{ imagebuilder:components }}}."
        )
    return machines.make_container(
        instance_id, dockerfile.config.to_oci(), plan=context.plan, token=context.token
    )


def _planned(instance_id: str, context: StepContext) -> Planned:
    container = context.plan.container
    assert container is not None  # noqa: S101 - the caller looked
    text = context.documents.open(container.template, context.plan.region)
    dockerfile = load_dockerfile(text).dockerfile
    if dockerfile is None:
        raise ActionError("The template of the container recipe is not accepted any more.")
    config = context.machines.container_config(instance_id, plan=context.plan)
    try:
        return plan(
            dockerfile,
            ImageConfig.from_oci(config),
            architecture=_ARCHITECTURES.get(platform.machine()),
        )
    except DockerfileError as error:
        raise ActionError(f"Line {error.line} of the Dockerfile: {error.message}") from error


def _work(task: Task, context: StepContext, fetch: Fetch) -> Work:
    name = f"line {task.line}, {_shown(task)}"
    match task:
        case RunTask():
            script = _script(task)
            return Work(
                name=name,
                facts=script.facts,
                run=lambda machine: _run(script, machine, context),
            )
        case DirectoryTask():
            return Work(
                name=name,
                facts={"directory": task.path, "user": task.user},
                run=lambda machine: _told(
                    task, lambda: _make_directory(machine, task.path, task.user)
                ),
            )
        case FilesTask():
            return Work(
                name=name,
                facts={
                    "files": [[path, _text(content)] for path, content in task.files],
                    "owner": task.owner,
                    "mode": task.mode,
                },
                run=lambda machine: _told(task, lambda: _write(machine, task)),
            )
        case FetchTask():
            return Work(
                name=name,
                facts={
                    "fetch": task.url,
                    "path": task.path,
                    "owner": task.owner,
                    "mode": task.mode,
                    "checksum": task.checksum,
                },
                run=lambda machine: _told(task, lambda: _fetch(machine, task, fetch)),
            )
    raise AssertionError(task)


def _script(task: RunTask) -> Script:
    return Script(
        name=f"Line {task.line} of the Dockerfile, {_shown(task)},",
        text="",
        argv=task.argv,
        directory=task.working_directory,
        environment=task.environment,
        user=task.user,
        empty=task.tmpfs,
        may_restart=False,
    )


def _run(script: Script, machine: Machine, context: StepContext) -> Mapping[str, Any]:
    execute_well(script, machine, context)
    return {}


def _told(task: Task, do: Callable[[], None]) -> Mapping[str, Any]:
    """Do something, and name the line of the Dockerfile if it fails."""
    try:
        do()
    except (MachineError, ActionError) as error:
        raise ActionError(
            f"Line {task.line} of the Dockerfile, {_shown(task)}, failed: {error}"
        ) from error
    return {}


def _make_directory(machine: Machine, path: str, owner: str) -> None:
    """Make a directory with those above it; only what is made is the owner's."""
    _quietly(machine, "/bin/sh", "-c", _MAKE_DIRECTORY, "mkdir", path, _with_group(owner))


def _write(machine: Machine, task: FilesTask) -> None:
    for path, content in task.files:
        _make_above(machine, path, task.owner)
        machine.put_file(path, content, mode=_FILE_MODE if task.mode is None else task.mode)
        _own(machine, task.owner, path)


def _fetch(machine: Machine, task: FetchTask, fetch: Fetch) -> None:
    _make_above(machine, task.path, task.owner)
    fetch(machine, task)
    mode = _FETCHED_MODE if task.mode is None else task.mode
    _quietly(machine, "chmod", f"{mode:o}", task.path)
    _own(machine, task.owner, task.path)


def _make_above(machine: Machine, path: str, owner: str) -> None:
    """Make the directories above a file for its owner; for root, who writes it makes them."""
    if owner:
        _make_directory(machine, posixpath.dirname(path), owner)


def _own(machine: Machine, owner: str, path: str) -> None:
    if owner:
        _quietly(machine, "chown", _with_group(owner), path)


def _with_group(owner: str) -> str:
    """Say an owner as chown needs it to give the group too.

    As with Docker, that of a name is the user's own, that of a number the same number.
    """
    if not owner or ":" in owner:
        return owner
    return f"{owner}:{owner}" if owner.isdecimal() else f"{owner}:"


def _quietly(machine: Machine, *argv: str) -> None:
    """Run a program whose output matters only if it fails. Raises MachineError."""
    said: list[str] = []
    command = Command(argv=argv, timeout_seconds=_QUICK_SECONDS)
    ended = machine.run(command, on_line=lambda line: said.append(line.text))
    if ended.code != 0:
        why = said[-1] if said else f"{argv[0]} exited with {ended.code}"
        raise MachineError(why)


def _shown(task: Task) -> str:
    """Say an instruction in one line."""
    text = " ".join(task.text.split())
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
