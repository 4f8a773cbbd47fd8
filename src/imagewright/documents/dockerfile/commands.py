"""What a ``RUN`` starts: the shell or the program, with heredocs as BuildKit takes them."""

import re
from collections.abc import Sequence
from typing import Final

from imagewright.documents.dockerfile.model import CommandForm, ExecForm, Run, ShellForm
from imagewright.documents.dockerfile.values import WrongValue, short

_LONE_HEREDOC = re.compile(r"""[0-9]*<<-?\s*(?:[^<\s'"\\]|\\.|'[^']*'|"[^"]*")+""")
_SHEBANG = re.compile(r"#![ \t]*(\S+)(?:[ \t]+(.*?))?[ \t\r]*(?:\n|\Z)")
_INTERPRETER = re.compile(r"(sh|bash|dash|ash|ksh|zsh|python|perl|ruby|node)[0-9.]*")
_SCRIPT_FLAGS: Final = {"perl": "-e", "ruby": "-e", "node": "-e"}
"""How an interpreter takes a script as an argument, where that is not ``-c``."""


def argv_of(command: CommandForm, shell: Sequence[str]) -> Sequence[str]:
    """Say which program a command starts, with which arguments."""
    return (*shell, command.text) if isinstance(command, ShellForm) else tuple(command.argv)


def run_argv(run: Run, shell: Sequence[str]) -> Sequence[str]:
    """Say the same of a ``RUN``. Raises WrongValue for a script that nothing here can start.

    A heredoc alone is the script itself; one beside a command is for the shell, which knows
    heredocs too.
    """
    if not run.heredocs or isinstance(run.command, ExecForm):
        return argv_of(run.command, shell)
    alone = len(run.heredocs) == 1 and _LONE_HEREDOC.fullmatch(run.command.text)
    if not alone:
        below = [f"\n{each.raw}{each.name}" for each in run.heredocs]
        return (*shell, "".join([run.command.text, *below]))
    script = run.heredocs[0].content
    return _interpreted(script) if script.startswith("#!") else (*shell, script)


def _interpreted(script: str) -> Sequence[str]:
    """Hand a script to the interpreter that its first line names."""
    found = _SHEBANG.match(script)
    program = found[1] if found else ""
    rest = [found[2]] if found and found[2] else []
    words = [program, *(rest[0].split() if rest else [])]
    named = words[1] if program.endswith("/env") and len(words) == 2 else program
    interpreter = _INTERPRETER.fullmatch(named.rpartition("/")[2])
    if interpreter is None:
        raise WrongValue(
            f"a script of `{short(program)}` cannot be started here",
            "write `RUN program <<EOF`, which hands the program the lines below",
        )
    flag = _SCRIPT_FLAGS.get(interpreter[1], "-c")
    return (program, *rest, flag, script)
