"""The command that a script failed at is named with its line, and never a wrong one."""

from pathlib import Path
from subprocess import run

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.culprit import culprit, prelude


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("set -e\necho a\nfalse\necho b\n", " at line 3: false"),
        ("echo a\nls /nonexistent\n", " at line 2: ls /nonexistent"),
        ("set -e\nf() {\n  ls /nonexistent\n}\nf\n", " at line 3: ls /nonexistent"),
        ("f() {\n  ls /nonexistent\n}\nf\n", " at line 4: ls /nonexistent"),
        ("if true; then\n  exit 7\nfi\n", " at line 2: exit 7"),
        ("f() {\n  exit 2\n}\nf\n", " at line 2: exit 2"),
        ("set -eu\necho\necho $nope\n", " at line 3: echo $nope"),
        ("set -e\nx=$(ls /nonexistent)\n", " at line 2: x=$(ls /nonexistent)"),
        ("set -e\n( cd /; false )\n", " at line 2: ( cd /; false )"),
        ("set -e\na \\\n  b c\n", " at line 3: a b c"),
        ("false\necho ok\n[ -f /x ] && echo\n", " at line 3: [ -f /x ]"),
        ("false\ntrue\nfalse || exit 1\n", " at line 3: exit 1"),
        ("false || exit 1\nfalse || exit 1\n", " at the command: exit 1"),
        ("set -x\nset -e\nfalse\n", " at line 3: false"),
        ("echo\ngrep q <<E\na\nE\n", " at line 2: grep q <<E …"),
        ("true\nbash -c 'exit 9'\n", " at line 2: bash -c 'exit 9'"),
        ("true\nkill -9 $$\n", ""),
        ("true\nexec false\n", ""),
        ("echo one\nif foo\nfi fi\n", ""),
        ("trap 'echo mine' EXIT\nfalse\n", ""),
        (f"set -e\nfalse {'y' * 500}\n", f" at line 2: false {'y' * 154} …"),
        ("false\n", ""),
        ("echo\nexit 194\n", ""),
        ("echo\ntrue\n", ""),
    ],
)  # fmt: skip
def test_where_a_script_failed(script: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "before").write_text(prelude(f"{tmp_path}/where"))
    (tmp_path / "script.sh").write_text(script)
    ended = run(
        ["bash", "script.sh"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "BASH_ENV": str(tmp_path / "before")},
        capture_output=True,
        text=True,
        check=False,
    )
    where = tmp_path / "where"

    found = culprit(where.read_text() if where.exists() else "", script, abs(ended.returncode))

    assert found == said
    assert "imagewright" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("noted", ["", "\0", "1 2\0\0", "x y z\0\0\0", "1 x false\0\0false"])
def test_a_note_that_is_no_note_says_no_line(noted: str) -> None:
    assert "line" not in culprit(noted, "a\nb\n", 1)


def test_a_failed_step_says_which_command_failed(lab: Lab) -> None:
    step = lab.step("ExecuteBash", {"commands": ["set -e", "echo before", "test -d /nowhere"]})

    assert step.message == "exit status 1 at line 3: test -d /nowhere"
    assert lab.names("/tmp") == []


def test_a_script_sees_nothing_of_it(lab: Lab) -> None:
    step = lab.step(
        "ExecuteBash", {"commands": ["env | grep -c BASH_ENV", "bash -c 'trap'", "exit 0"]}
    )

    assert step.outputs["stdout"] == "0"
