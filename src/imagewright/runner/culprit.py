"""Which command of a bash script it was that failed.

Bash reads a few lines of ours before the script (``BASH_ENV``), which leaves the script, its line
numbers and its environment as they are. A script that sets traps of its own on ERR or EXIT takes
the place of ours, and is not told about.
"""

import re

_WORDS_MAX = 160
"""Of a command that is quoted, in characters."""
_SYNTAX_ERROR = 2
"""What bash ends with that cannot read a script; the command it names then ran well."""

_PRELUDE = """\
unset BASH_ENV
trap '{ imagewright_at="$? $LINENO $BASH_COMMAND"; } 2>/dev/null' ERR
trap '{ imagewright_code=$?; set +x
case $imagewright_code in
0|194) ;;
*) printf "%s\\0%s\\0%s" "${imagewright_at-}" "${FUNCNAME-}" "$BASH_COMMAND" >"@"; esac
} 2>/dev/null' EXIT
"""


def prelude(file: str) -> str:
    """Return what bash is to read first: it notes in a file where a script failed.

    ``file`` is a path without special characters.
    """
    return _PRELUDE.replace("@", file)


def culprit(noted: str, script: str, exit_code: int) -> str:
    """Return `` at line 3: apt-get install tree``, or nothing where that would be a guess.

    ``noted`` is what the file holds. Of a script of one line there is nothing to tell.
    """
    parts = noted.split("\0")
    if len(parts) != 3 or len(script.split("\n", 2)) < 3:
        return ""
    last_failure, function, command = parts
    if not command:
        return ""
    code, _, rest = last_failure.partition(" ")
    line, _, failed = rest.partition(" ")
    if failed == command and code == str(exit_code) and line.isdecimal():
        return f" at line {line}: {_short(command)}"
    if exit_code == _SYNTAX_ERROR and not function and not re.match(r"exit\b", command):
        return ""
    lines = [n for n, text in enumerate(script.splitlines(), 1) if _first_line(command) in text]
    place = f"line {lines[0]}" if len(lines) == 1 else "the command"
    return f" at {place}: {_short(command)}"


def _first_line(command: str) -> str:
    return command.partition("\n")[0]


def _short(command: str) -> str:
    """Return a command as one line to quote."""
    line = _first_line(command)
    return line if len(line) <= _WORDS_MAX and line == command else f"{line[:_WORDS_MAX]} …"
