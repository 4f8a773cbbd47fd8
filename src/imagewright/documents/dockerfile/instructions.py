"""Reading one instruction: a logical line to what it says, with everything that is wrong."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from imagewright.documents.diagnostics import Diagnostic, did_you_mean
from imagewright.documents.dockerfile import model, rules, values
from imagewright.documents.dockerfile.files import read_add, read_copy
from imagewright.documents.dockerfile.lines import LogicalLine
from imagewright.documents.dockerfile.running import (
    read_cmd,
    read_entrypoint,
    read_healthcheck,
    read_run,
    read_shell,
)
from imagewright.documents.dockerfile.statement import Flag, Statement, Unreadable
from imagewright.documents.dockerfile.values import WrongValue, short
from imagewright.documents.dockerfile.variables import VARIABLE, Variable
from imagewright.documents.dockerfile.words import Word, at_blanks

_OWN_LINES: Final[Mapping[str, type[model.Environments | model.Components]]] = {
    Variable.ENVIRONMENTS: model.Environments,
    Variable.COMPONENTS: model.Components,
}
_STAGE = re.compile(r"\s+AS\s+(\S+)", re.IGNORECASE)
_PLATFORM = re.compile(r"linux/[a-z0-9_]+(?:/[a-z0-9]+)?")
_OWN_PLATFORM = re.compile(r"\$(?:\{(?:BUILD|TARGET)PLATFORM\}|(?:BUILD|TARGET)PLATFORM)")
_UNFIT_FOR_NAMES = re.compile(r"""[\s"'=\x00-\x1f\x7f]""")


def read_instruction(
    line: LogicalLine, escape: str, add: Callable[[Diagnostic], None]
) -> Sequence[model.Instruction]:
    """Read a line; what is wrong with it goes to ``add``.

    Most lines are one instruction, an ``ARG`` may be several, and what cannot be read is none.
    """
    own = VARIABLE.fullmatch(line.text)
    if own is not None and own[1] in _OWN_LINES:
        return [_OWN_LINES[own[1]](line=line.number, text=line.text)]
    keyword, rest = split_keyword(line.text)
    statement = Statement(line, keyword.text.upper(), rest, escape, add)
    if line.has_gaps:
        message = "this instruction goes on over an empty line"
        statement.report(rules.EmptyContinuation, keyword, message, fix="begin that line with `#`")
    is_placed = _check_variables(statement)
    if line.heredocs and not line.heredocs[-1].is_closed:
        first = next(placed for placed in line.heredocs if not placed.is_closed)
        _report_open(statement, first.name_at, first.heredoc.name)
    reader = READERS.get(statement.keyword)
    if reader is None:
        if is_placed:
            _report_unknown(statement, keyword)
        return []
    try:
        return reader(statement)
    except Unreadable:
        return []


def split_keyword(text: str) -> tuple[Word, Word]:
    """Tell the keyword and what follows it."""
    keyword = re.split(r"\s", text, maxsplit=1)[0]
    return Word(keyword, 0), Word(text, 0).after(len(keyword))


def _check_variables(statement: Statement) -> bool:
    """Report variables of the template that stand where they mean nothing; true if none does."""
    line, source = statement.line, statement.line.source
    found = [(each, line.span(*each.span())) for each in VARIABLE.finditer(line.text)]
    for placed in line.heredocs:
        for each in VARIABLE.finditer(source.text, placed.begin, placed.end):
            found.append((each, source.span(*each.span())))
    if statement.keyword == "FROM" and found and found[0][0][1] == Variable.PARENT_IMAGE:
        del found[0]
    for each, span in found:
        message, fix = _misplaced(each[1])
        statement.add(rules.VariablePlace.finding(span, message, fix=fix))
    return not found


def _misplaced(name: str) -> tuple[str, str]:
    if name not in frozenset(Variable):
        meant = did_you_mean(name, list(Variable))
        fix = f"did you mean `{meant}`?" if meant else f"there are {', '.join(Variable)}"
        return f"there is no variable `{short(name)}`", fix
    if name == Variable.PARENT_IMAGE:
        return f"`{name}` means something in `FROM` alone", f"write `FROM {rules.PARENT}`"
    return f"`{name}` does not stand on a line of its own", "give it one, between instructions"


def _report_open(statement: Statement, at: int, name: str) -> None:
    word = Word(statement.line.text[at:].split(None, 1)[0], at)
    message = f"no line below holds `{short(name)}` alone, so the heredoc does not end"
    fix = f"end it with a line `{short(name)}`"
    if re.search(r"[>|;&]", name):
        fix = "put a blank between the heredoc's name and what follows it"
    statement.report(rules.Heredocs, word, message, fix=fix)


def _report_unknown(statement: Statement, keyword: Word) -> None:
    name = statement.keyword
    if "imagebuilder:" in statement.line.text:
        message = "this looks like a variable of the template"
        fix = f"write three braces, and blanks within, as in `{rules.COMPONENTS}`"
        statement.report(rules.VariablePlace, None, message, fix=fix)
        return
    meant = _meant(name) if name.isalpha() else None
    fix = (
        f"did you mean `{meant}`?"
        if meant
        else "where it belongs to the line above, end that one with "
        f"`{statement.escape}`, or make a heredoc of it"
    )
    message = f"there is no instruction `{short(keyword.text)}`"
    statement.report(rules.UnknownInstruction, keyword, message, fix=fix)


@lru_cache(maxsize=256)
def _meant(name: str) -> str | None:
    return did_you_mean(name, READERS)


def _from(statement: Statement) -> Sequence[model.Instruction]:
    flags = statement.take_flags(["platform"])
    rest = statement.need_rest("image", rules.PARENT)
    parent = VARIABLE.match(rest.text)
    if parent is None or parent[1] != Variable.PARENT_IMAGE:
        message = "the image does not stand on the parent image of its recipe"
        fix = f"name the image as the recipe's `parentImage`, and write `FROM {rules.PARENT}`"
        statement.refuse(rules.OtherParent, rest, message, fix=fix)
    stage = _STAGE.fullmatch(rest.text, parent.end())
    if stage is None and parent.end() < len(rest.text):
        behind = rest.after(parent.end())
        statement.refuse(rules.Arguments, behind, "nothing but `AS name` follows the image")
    return [
        model.From(
            **statement.head,
            image=parent[0],
            name=stage[1] if stage else None,
            platform=_platform(statement, flags["platform"]),
        )
    ]


def _platform(statement: Statement, flags: Sequence[Flag]) -> str | None:
    flag = statement.one_flag(flags)
    if flag is None or flag.value is None or _OWN_PLATFORM.fullmatch(flag.value):
        return None
    if not _PLATFORM.fullmatch(flag.value):
        message = f"no image is built for the platform `{short(flag.value)}` here"
        fix = "leave `--platform` out; the parent image says what the image is for"
        statement.report(rules.NotServed, flag.word, message, fix=fix)
    return flag.value


def _arg(statement: Statement) -> Sequence[model.Instruction]:
    statement.take_flags(())
    statement.need_rest("name", "name=default")
    found: list[model.Instruction] = []
    for word in statement.words():
        name, has_default, default = word.text.partition("=")
        _check_name(statement, Word(name, word.start), word)
        value = Word(default, word.start + len(name) + 1)
        statement.check_word(value)
        found.append(
            model.Arg(**statement.head, name=name, default=default if has_default else None)
        )
    return found


def _env(statement: Statement) -> Sequence[model.Instruction]:
    return [model.Env(**statement.head, pairs=list(_pairs(statement)))]


def _label(statement: Statement) -> Sequence[model.Instruction]:
    return [model.Label(**statement.head, pairs=list(_pairs(statement)))]


def _pairs(statement: Statement) -> Iterator[tuple[str, str]]:
    """Read ``a=b c="d e"``, or the old ``a b c``, which is one pair."""
    statement.take_flags(())
    rest = statement.need_rest("name and value", "name=value")
    words = statement.words()
    first = words[0]
    if "=" not in first.text:
        value = rest.after(len(first.text))
        if not value.text:
            message = f"`{short(first.text)}` has no value"
            fix = f"write `{statement.keyword} {short(first.text)}=…`"
            statement.refuse(rules.Arguments, first, message, fix=fix)
        _check_name(statement, first, first)
        statement.check_word(value)
        yield first.text, value.text
        return
    for word in words:
        name, has_value, text = word.text.partition("=")
        if not has_value:
            message = f"`{short(word.text)}` has no `=`"
            fix = "put a value that holds blanks in quotes"
            statement.report(rules.Arguments, word, message, fix=fix)
            continue
        _check_name(statement, Word(name, word.start), word)
        statement.check_word(Word(text, word.start + len(name) + 1))
        yield name, text


def _check_name(statement: Statement, name: Word, place: Word) -> None:
    statement.check_word(name, check_name, place=place, rule=rules.Names)


def check_name(name: str) -> str:
    """Return a name of a variable or label as it is. Raises WrongValue where it is none."""
    if not name:
        raise WrongValue("a name is missing")
    if _UNFIT_FOR_NAMES.search(name):
        raise WrongValue(f"`{short(name)}` is no name", "leave blanks, quotes and `=` out of it")
    return name


def _copy(statement: Statement) -> Sequence[model.Instruction]:
    return [read_copy(statement)]


def _add(statement: Statement) -> Sequence[model.Instruction]:
    return [read_add(statement)]


def _workdir(statement: Statement) -> Sequence[model.Instruction]:
    path = _lone(statement, "path", "/srv")
    return [model.Workdir(**statement.head, path=path.text)]


def _user(statement: Statement) -> Sequence[model.Instruction]:
    user = _lone(statement, "user", "app", values.owner)
    return [model.User(**statement.head, user=user.text)]


def _stop_signal(statement: Statement) -> Sequence[model.Instruction]:
    name = _lone(statement, "signal", "SIGTERM", values.signal)
    return [model.StopSignal(**statement.head, signal=name.text)]


def _maintainer(statement: Statement) -> Sequence[model.Instruction]:
    statement.take_flags(())
    name = statement.need_rest("name", "name")
    return [model.Maintainer(**statement.head, name=name.text)]


def _lone(
    statement: Statement, what: str, example: str, read: Callable[[str], object] | None = None
) -> Word:
    statement.take_flags(())
    rest = statement.need_rest(what, example)
    statement.check_word(rest, read)
    return rest


def _expose(statement: Statement) -> Sequence[model.Instruction]:
    statement.take_flags(())
    words = at_blanks(statement.need_rest("port", "8080"))
    for word in words:
        statement.check_word(word, values.ports)
    return [model.Expose(**statement.head, ports=[word.text for word in words])]


def _volume(statement: Statement) -> Sequence[model.Instruction]:
    statement.take_flags(())
    rest = statement.need_rest("path", "/data")
    listed = statement.listed(rest)
    words = at_blanks(rest) if listed is None else [Word(each, rest.start) for each in listed]
    for word in words:
        statement.check_word(word, place=rest if listed is not None else None)
        if not word.text:
            statement.report(rules.Arguments, rest, "the path of a volume is empty")
    return [model.Volume(**statement.head, paths=[word.text for word in words])]


_NO_TRIGGERS: Final = frozenset({"FROM", "ONBUILD", "MAINTAINER"})


def _on_build(statement: Statement) -> Sequence[model.Instruction]:
    trigger = statement.need_rest("instruction", "RUN make")
    keyword, rest = split_keyword(trigger.text)
    name = keyword.text.upper()
    place = Word(keyword.text, trigger.start)
    if name not in READERS:
        meant = did_you_mean(name, READERS) if name.isalpha() else None
        fix = f"did you mean `{meant}`?" if meant else "write an instruction behind `ONBUILD`"
        message = f"there is no instruction `{short(keyword.text)}`"
        statement.refuse(rules.UnknownInstruction, place, message, fix=fix)
    if name in _NO_TRIGGERS:
        statement.refuse(rules.Triggers, place, f"`{name}` cannot be kept for later builds")
    if statement.line.heredocs:
        message = "a heredoc cannot be kept for later builds"
        fix = "write the instruction on one line"
        statement.refuse(rules.Triggers, trigger, message, fix=fix)
    if not rest.text:
        message = f"`{name}` has no arguments"
        statement.refuse(rules.Arguments, place, message)
    return [model.OnBuild(**statement.head, trigger=trigger.text)]


READERS: Final[Mapping[str, Callable[[Statement], Sequence[model.Instruction]]]] = {
    "FROM": _from,
    "ARG": _arg,
    "ENV": _env,
    "LABEL": _label,
    "RUN": read_run,
    "COPY": _copy,
    "ADD": _add,
    "WORKDIR": _workdir,
    "USER": _user,
    "CMD": read_cmd,
    "ENTRYPOINT": read_entrypoint,
    "EXPOSE": _expose,
    "VOLUME": _volume,
    "STOPSIGNAL": _stop_signal,
    "SHELL": read_shell,
    "HEALTHCHECK": read_healthcheck,
    "ONBUILD": _on_build,
    "MAINTAINER": _maintainer,
}
"""Every instruction, by its keyword in upper case."""
