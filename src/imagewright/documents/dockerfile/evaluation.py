"""A Dockerfile with its values: what a build does, and the configuration of the image it makes.

After Docker's reference of Dockerfiles; where that leaves it open, as BuildKit does it.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imagewright.documents.dockerfile import files, model, values
from imagewright.documents.dockerfile.check import read_trigger
from imagewright.documents.dockerfile.commands import argv_of, run_argv
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.expansion import (
    VALUE_CHARACTERS_MAX,
    ExpansionError,
    expand,
)
from imagewright.documents.dockerfile.instructions import check_name
from imagewright.documents.dockerfile.tasks import (
    ComponentsTask,
    DirectoryTask,
    FetchTask,
    FilesTask,
    RunTask,
    Task,
)

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The ``PATH`` of an image that has none."""
EXPANDED_CHARACTERS_MAX: Final = 4 * 1024 * 1024
"""Of all values together: variables that hold each other twice double with every line."""
ENVIRONMENT_CHARACTERS_MAX: Final = 1024 * 1024
"""Of all variables together: Linux gives no program more than some two megabytes."""

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_PROXY_NAMES: Final = frozenset([*_PROXIES, *(name.lower() for name in _PROXIES)])


class DockerfileError(Exception):
    """What only the values tell is wrong with a Dockerfile; ``line`` is where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Planned:
    """What a build does, and what comes of it."""

    tasks: Sequence[Task]
    config: ImageConfig
    """Of the image in the end."""


def plan(
    dockerfile: model.Dockerfile,
    parent: ImageConfig,
    *,
    arguments: Mapping[str, str] | None = None,
    architecture: str | None = None,
) -> Planned:
    """Say what a build of a Dockerfile on a parent image does. Raises DockerfileError.

    ``arguments`` give the ``ARG`` their values, and the proxies that need no ``ARG``.
    ``architecture`` is that of the parent image as Docker names it (``amd64``); without it, a
    Dockerfile that asks for it is refused.
    """
    build = _Build(parent, arguments or {}, architecture, dockerfile.escape)
    for instruction in dockerfile.instructions:
        build.follow(instruction)
    return Planned(tuple(build.tasks), build.config())


class _Build:
    """A build as far as it has come."""

    def __init__(
        self,
        parent: ImageConfig,
        arguments: Mapping[str, str],
        architecture: str | None,
        escape: str,
    ) -> None:
        self.tasks: list[Task] = []
        self._parent = parent
        self._arguments = arguments
        self._architecture = architecture
        self._escape = escape
        self._in_stage = False
        self._global_args: dict[str, str] = {}
        self._args: dict[str, str] = {}
        self._env = {**parent.env} if "PATH" in parent.env else {"PATH": DEFAULT_PATH, **parent.env}
        self._variables: dict[str, str] = {}
        self._labels = dict(parent.labels)
        self._ports = dict.fromkeys(parent.exposed_ports)
        self._volumes = dict.fromkeys(parent.volumes)
        self._now = replace(parent, on_build=())
        self._has_command = False
        self._expanded = 0

    def config(self) -> ImageConfig:
        """The image's configuration as it is here."""
        return replace(
            self._now,
            env=dict(self._env),
            labels=dict(self._labels),
            exposed_ports=tuple(self._ports),
            volumes=tuple(self._volumes),
        )

    def follow(self, instruction: model.Instruction) -> None:
        """Take one instruction."""
        try:
            _FOLLOWING[type(instruction)](self, instruction)
        except (ExpansionError, values.WrongValue) as error:
            raise DockerfileError(instruction.line, str(error)) from None

    # What is there at this place.

    def _here(self, instruction: model.Instruction) -> dict[str, Any]:
        """What every task carries."""
        return {
            "line": instruction.line,
            "text": instruction.text,
            "environment": self._variables,
            "working_directory": self._now.working_directory or "/",
            "user": self._now.user,
        }

    def _remember(self) -> None:
        """Put the variables together anew; tasks before keep theirs."""
        proxies = {k: v for k, v in self._arguments.items() if k in _PROXY_NAMES}
        self._variables = {**proxies, **self._args, **self._env}
        if sum(map(len, self._variables.values())) > ENVIRONMENT_CHARACTERS_MAX:
            said = f"the variables have more than {ENVIRONMENT_CHARACTERS_MAX:,} characters"
            raise values.WrongValue(said)

    def _expand(self, text: str) -> str:
        return self._counted(expand(text, {**self._args, **self._env}, escape=self._escape))

    def _counted(self, value: str) -> str:
        self._spend(len(value))
        if "\0" in value:
            raise values.WrongValue("the value holds a NUL")
        return value

    def _spend(self, characters: int) -> None:
        self._expanded += characters
        if self._expanded > EXPANDED_CHARACTERS_MAX:
            said = f"all values have more than {EXPANDED_CHARACTERS_MAX:,} characters"
            raise values.WrongValue(said)

    def _absolute(self, path: str) -> str:
        joined = posixpath.join(self._now.working_directory or "/", path)
        return "/" + posixpath.normpath(joined).lstrip("/")

    # What instructions do.

    def _from(self, instruction: model.From) -> None:
        if instruction.platform is not None:
            self._check_platform(instruction.platform)
        self._in_stage = True
        self._remember()
        for trigger in self._parent.on_build:
            self._follow_trigger(instruction.line, trigger)

    def _check_platform(self, platform: str) -> None:
        if self._architecture is None or platform.split("/")[1] != self._architecture:
            there = f"is for `linux/{self._architecture}`" if self._architecture else "says"
            raise values.WrongValue(
                f"the image cannot be made for `{platform}`",
                f"leave `--platform` out; the parent image {there}"
                + ("" if self._architecture else " what the image is for"),
            )

    def _follow_trigger(self, line: int, trigger: str) -> None:
        """Follow what the parent image keeps for builds on it."""
        kept = f"the parent image keeps `{values.short(trigger)}` for this build"
        instructions, findings = read_trigger(trigger)
        for finding in findings:
            if finding.is_error:
                raise DockerfileError(line, f"{kept}, which is refused: {finding.message}")
        escape, self._escape = self._escape, "\\"
        for instruction in instructions:
            if isinstance(instruction, _NO_TRIGGERS):
                raise DockerfileError(line, f"{kept}, which no image may keep")
            try:
                self.follow(replace(instruction, line=line, text=trigger))
            except DockerfileError as error:
                raise DockerfileError(line, f"{kept}: {error.message}") from None
        self._escape = escape

    def _arg(self, instruction: model.Arg) -> None:
        name = check_name(self._expand(instruction.name))
        value = self._value_of_arg(name, instruction.default)
        if value is None:
            return
        if self._in_stage:
            self._args[name] = value
            self._remember()
        else:
            self._global_args[name] = value

    def _value_of_arg(self, name: str, default: str | None) -> str | None:
        if name in self._arguments:
            return self._counted(self._arguments[name])
        if default is not None:
            if self._in_stage:
                return self._expand(default)
            known = {**self._platform(), **self._global_args}
            return self._counted(expand(default, known, escape=self._escape))
        if name in self._global_args:
            return self._global_args[name]
        if name in _PLATFORM_ARGS and self._architecture is None:
            raise values.WrongValue(f"`{name}` is not known here", "give it a default value")
        return self._platform().get(name)

    def _platform(self) -> Mapping[str, str]:
        """The ``ARG`` that Docker fills in by itself."""
        if self._architecture is None:
            return {}
        told = {
            "PLATFORM": f"linux/{self._architecture}",
            "OS": "linux",
            "ARCH": self._architecture,
            "VARIANT": "",
        }
        return {f"{side}{what}": value for side in _SIDES for what, value in told.items()}

    def _set_env(self, instruction: model.Env) -> None:
        pairs = list(self._pairs(instruction.pairs))
        self._env.update(pairs)
        self._remember()

    def _label(self, instruction: model.Label) -> None:
        self._labels.update(list(self._pairs(instruction.pairs)))

    def _pairs(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for name, value in pairs:
            expanded = self._expand(value)
            if len(expanded) > VALUE_CHARACTERS_MAX:
                said = f"the value has more than {VALUE_CHARACTERS_MAX:,} characters"
                raise values.WrongValue(said)
            yield check_name(self._expand(name)), expanded

    def _run(self, instruction: model.Run) -> None:
        tmpfs = [self._absolute(self._expand(mount.target)) for mount in instruction.mounts]
        if "/" in tmpfs:
            raise values.WrongValue("nothing can be mounted over `/`")
        argv = run_argv(instruction, self._now.shell)
        self.tasks.append(RunTask(**self._here(instruction), argv=argv, tmpfs=tuple(tmpfs)))

    def _copy(self, instruction: model.Copy) -> None:
        self._write(instruction, self._expand(instruction.destination))

    def _add(self, instruction: model.Add) -> None:
        destination = self._expand(instruction.destination)
        if instruction.heredocs:
            self._write(instruction, destination)
        checksum = None
        if instruction.checksum is not None:
            checksum = values.checksum(self._expand(instruction.checksum))
        for source in instruction.sources:
            url = self._url(source)
            name = files.last_segment(url) if files.is_directory(destination) else ""
            self.tasks.append(
                FetchTask(
                    **self._here(instruction),
                    url=url,
                    path=self._file(destination, name),
                    checksum=checksum,
                    **self._attributes(instruction),
                )
            )

    def _url(self, source: str) -> str:
        url = self._expand(source)
        if files.is_git(url):
            raise values.WrongValue(
                f"`{values.short(url)}` is a repository of git", "use `RUN git clone`"
            )
        if not files.is_web(url):
            raise values.WrongValue(
                f"`{values.short(url)}` is no URL, and there is no build context",
                "URLs of http and https can be fetched",
            )
        return files.check_url(url)

    def _write(self, instruction: model.Files, destination: str) -> None:
        written = []
        for heredoc in instruction.heredocs:
            name = heredoc.name if files.is_directory(destination) else ""
            if name:
                files.file_name(name, "the heredoc")
            content = heredoc.content
            if heredoc.expands:
                known = {**self._args, **self._env}
                content = self._counted(expand(content, known, quotes=False))
            path = self._file(destination, name)
            written.append((path, content.encode("utf-8", "surrogatepass")))
        self.tasks.append(
            FilesTask(
                **self._here(instruction),
                files=tuple(written),
                **self._attributes(instruction),
            )
        )

    def _file(self, destination: str, name: str) -> str:
        if not destination:
            raise values.WrongValue("the destination is empty")
        path = self._absolute(posixpath.join(destination, name) if name else destination)
        if path == "/":
            raise values.WrongValue("`/` is no file", "name the file in the destination")
        return path

    def _attributes(self, instruction: model.Files) -> dict[str, Any]:
        owner = self._expand(instruction.owner) if instruction.owner is not None else ""
        mode = self._expand(instruction.mode) if instruction.mode is not None else None
        return {
            "owner": values.owner(owner) if instruction.owner is not None else "",
            "mode": values.mode(mode) if mode is not None else None,
        }

    def _workdir(self, instruction: model.Workdir) -> None:
        path = self._expand(instruction.path)
        if not path:
            raise values.WrongValue("the path is empty")
        directory = self._absolute(path)
        if directory != "/":
            self.tasks.append(DirectoryTask(**self._here(instruction), path=directory))
        self._now = replace(self._now, working_directory=directory)

    def _user(self, instruction: model.User) -> None:
        user = self._expand(instruction.user)
        self._now = replace(self._now, user=values.owner(user) if user else "")

    def _cmd(self, instruction: model.Cmd) -> None:
        argv = argv_of(instruction.command, self._now.shell)
        self._has_command = True
        self._now = replace(self._now, command=argv or None)

    def _entrypoint(self, instruction: model.Entrypoint) -> None:
        argv = argv_of(instruction.command, self._now.shell)
        # The parent's command was for the parent's entry point.
        command = self._now.command if self._has_command else None
        self._now = replace(self._now, entrypoint=argv or None, command=command)

    def _expose(self, instruction: model.Expose) -> None:
        for written in instruction.ports:
            for word in self._expand(written).split():
                ports = values.ports(word)
                self._spend(len(ports.numbers) * _PORT_CHARACTERS)
                self._ports.update(dict.fromkeys(ports.names()))

    def _volume(self, instruction: model.Volume) -> None:
        for written in instruction.paths:
            path = self._expand(written)
            if not path:
                raise values.WrongValue("the path of a volume is empty")
            self._volumes[path] = None

    def _stop_signal(self, instruction: model.StopSignal) -> None:
        name = values.signal(self._expand(instruction.signal))
        self._now = replace(self._now, stop_signal=name)

    def _shell(self, instruction: model.Shell) -> None:
        self._now = replace(self._now, shell=tuple(instruction.argv))

    def _healthcheck(self, instruction: model.Healthcheck) -> None:
        told = {
            "Interval": instruction.interval_ns,
            "Timeout": instruction.timeout_ns,
            "StartPeriod": instruction.start_period_ns,
            "StartInterval": instruction.start_interval_ns,
            "Retries": instruction.retries,
        }
        numbers = {name: value for name, value in told.items() if value}
        test = _health_test(instruction.command)
        self._now = replace(self._now, healthcheck={"Test": test, **numbers})

    def _on_build(self, instruction: model.OnBuild) -> None:
        self._now = replace(self._now, on_build=(*self._now.on_build, instruction.trigger))

    def _maintainer(self, instruction: model.Maintainer) -> None:
        self._now = replace(self._now, author=instruction.name)

    def _environments(self, instruction: model.Environments) -> None:
        """Nothing: what runs components comes with the machine, not with the image."""

    def _components(self, instruction: model.Components) -> None:
        self.tasks.append(ComponentsTask(**self._here(instruction)))


def _health_test(command: model.CommandForm | None) -> list[str]:
    """Spell a check as the configuration of an image does."""
    if command is None:
        return ["NONE"]
    if isinstance(command, model.ShellForm):
        return ["CMD-SHELL", command.text]
    return ["CMD", *command.argv]


_PORT_CHARACTERS: Final = len("65535/tcp")
_SIDES: Final = ("TARGET", "BUILD")
_PLATFORM_ARGS: Final = frozenset(
    side + what for side in _SIDES for what in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
_NO_TRIGGERS: Final = (
    model.From,
    model.OnBuild,
    model.Maintainer,
    model.Environments,
    model.Components,
)
_FOLLOWING: Final[Mapping[type[model.Instruction], Callable[[_Build, Any], None]]] = {
    model.From: _Build._from,
    model.Arg: _Build._arg,
    model.Env: _Build._set_env,
    model.Label: _Build._label,
    model.Run: _Build._run,
    model.Copy: _Build._copy,
    model.Add: _Build._add,
    model.Workdir: _Build._workdir,
    model.User: _Build._user,
    model.Cmd: _Build._cmd,
    model.Entrypoint: _Build._entrypoint,
    model.Expose: _Build._expose,
    model.Volume: _Build._volume,
    model.StopSignal: _Build._stop_signal,
    model.Shell: _Build._shell,
    model.Healthcheck: _Build._healthcheck,
    model.OnBuild: _Build._on_build,
    model.Maintainer: _Build._maintainer,
    model.Environments: _Build._environments,
    model.Components: _Build._components,
}
