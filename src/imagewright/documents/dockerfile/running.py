"""Reading the instructions that hold a command: ``RUN``, and what a container starts."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from imagewright.documents.dockerfile import model, rules, values
from imagewright.documents.dockerfile.statement import Flag, Statement
from imagewright.documents.dockerfile.values import WrongValue, short
from imagewright.documents.dockerfile.words import Word, at_blanks


def _command(statement: Statement, rest: Word) -> model.CommandForm:
    argv = statement.listed(rest)
    if argv is not None:
        return model.ExecForm(argv=argv)
    if re.match(r"\[\s*['\"]", rest.text):
        message = "this is no JSON array of texts, so the shell runs it as it stands"
        fix = "put every text in double quotes, with commas between them"
        statement.report(rules.NearlyJson, rest, message, fix=fix)
    return model.ShellForm(text=rest.text)


def _program(statement: Statement, example: str) -> model.CommandForm:
    """Read a command that starts something. Raises Unreadable."""
    command = _command(statement, statement.need_rest("command", example))
    if isinstance(command, model.ExecForm) and not (command.argv and command.argv[0]):
        statement.refuse(rules.Arguments, statement.rest, "there is no program to run")
    return command


def read_run(statement: Statement) -> Sequence[model.Instruction]:
    """Read ``RUN``. Raises Unreadable."""
    flags = statement.take_flags(("mount", "network", "security", "device"))
    mounts = [mount for flag in flags["mount"] if (mount := _mount(statement, flag))]
    for name, served in (("network", "default"), ("security", "sandbox"), ("device", "")):
        for flag in flags[name]:
            if flag.value is None or flag.value != served:
                message = f"`RUN {short(flag.word.text)}` is not served here"
                statement.report(rules.NotServed, flag.word, message, fix="leave the flag out")
    command = _program(statement, "make")
    heredocs = [placed.heredoc for placed in statement.line.heredocs]
    return [model.Run(**statement.head, command=command, heredocs=heredocs, mounts=mounts)]


_TARGETS: Final = frozenset({"target", "dst", "destination"})
_MOUNT_OPTIONS: Final = {
    "tmpfs": frozenset({"type", *_TARGETS}),
    "cache": frozenset(
        {"type", *_TARGETS, "id", "sharing", "mode", "uid", "gid", "rw", "readwrite"}
    ),
}


def _mount(statement: Statement, flag: Flag) -> model.Mount | None:
    """Read a mount; None, with a finding, if it is none that can be served."""
    parted = [each.partition("=") for each in (flag.value or "").split(",")]
    options = {name.strip().lower(): value for name, _, value in parted}
    kind = options.get("type", "bind")
    if kind not in _MOUNT_OPTIONS:
        message = f"`RUN --mount` of type `{short(kind)}` is not served here"
        fix = "a component fetches files and secrets; `tmpfs` and `cache` are empty directories"
        statement.report(rules.Mounts, flag.word, message, fix=fix)
        return None
    for name in sorted(options.keys() - _MOUNT_OPTIONS[kind]):
        message = f"the option `{short(name)}` of a mount is not served here"
        statement.report(rules.Mounts, flag.word, message, fix="leave it out")
    target = next((options[name] for name in sorted(_TARGETS) if options.get(name)), None)
    if target is None:
        statement.report(rules.Mounts, flag.word, "the mount has no `target`")
        return None
    statement.check_word(Word(target, flag.word.start), place=flag.word)
    return model.Mount(target=target)


def read_cmd(statement: Statement) -> Sequence[model.Instruction]:
    """Read ``CMD``. Raises Unreadable."""
    statement.take_flags(())
    command = _command(statement, statement.need_rest("command", '["program"]'))
    return [model.Cmd(**statement.head, command=command)]


def read_entrypoint(statement: Statement) -> Sequence[model.Instruction]:
    """Read ``ENTRYPOINT``. Raises Unreadable."""
    statement.take_flags(())
    command = _command(statement, statement.need_rest("command", '["program"]'))
    return [model.Entrypoint(**statement.head, command=command)]


def read_shell(statement: Statement) -> Sequence[model.Instruction]:
    """Read ``SHELL``. Raises Unreadable."""
    statement.take_flags(())
    rest = statement.need_rest("program", '["/bin/bash", "-c"]')
    argv = statement.listed(rest)
    if not argv or not argv[0]:
        message = "`SHELL` takes a JSON array of texts, the program first"
        statement.refuse(rules.Arguments, rest, message, fix='write `SHELL ["/bin/bash", "-c"]`')
    return [model.Shell(**statement.head, argv=argv)]


_HEALTH_TIMES: Final = ("interval", "timeout", "start-period", "start-interval")


def read_healthcheck(statement: Statement) -> Sequence[model.Instruction]:
    """Read ``HEALTHCHECK``. Raises Unreadable."""
    flags = statement.take_flags((*_HEALTH_TIMES, "retries"))
    rest = statement.need_rest("command", "CMD curl -f http://localhost/")
    kind = at_blanks(rest)[0]
    command: model.CommandForm | None = None
    if kind.text.upper() == "CMD":
        statement.rest = rest.after(len(kind.text))
        command = _program(statement, "CMD true")
    elif kind.text.upper() != "NONE" or len(kind.text) < len(rest.text):
        message = "`HEALTHCHECK` takes `CMD` and a command, or `NONE` alone"
        statement.refuse(rules.Arguments, kind, message)
    return [
        model.Healthcheck(
            **statement.head,
            command=command,
            interval_ns=_health_value(statement, flags["interval"], values.duration_ns),
            timeout_ns=_health_value(statement, flags["timeout"], values.duration_ns),
            start_period_ns=_health_value(statement, flags["start-period"], values.duration_ns),
            start_interval_ns=_health_value(statement, flags["start-interval"], values.duration_ns),
            retries=_health_value(statement, flags["retries"], values.retries),
        )
    ]


def _health_value(
    statement: Statement, flags: Sequence[Flag], read: Callable[[str], int]
) -> int | None:
    flag = statement.one_flag(flags)
    if flag is None or flag.value is None:
        return None
    try:
        return read(flag.value)
    except WrongValue as error:
        statement.report(rules.Values, flag.word, error.message, fix=error.fix)
        return None
