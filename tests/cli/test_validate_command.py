"""``imagewright validate`` as a process: files, folders, pipes; forms and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tests.cli.conftest import Run

WORKFLOW = """\
schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs: {waitFor: ssmAgent}
  - name: Stop
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""
TYPO = WORKFLOW.replace("Outputs.Launch", "Outputs.Lanch")
COMPONENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Hello, action: ExecuteBash, inputs: {commands: [echo]}}
"""
WARNING = COMPONENT.replace("schemaVersion", "colour: red\nschemaVersion")


def test_a_typo_is_shown_where_it_stands(run: Run, tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text(TYPO)

    done = run("validate", "build.yaml")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == dedent("""\
        error[WF303]: there is no step `Lanch`
         --> build.yaml:9:35
          |
        9 |       instanceId.$: $.stepOutputs.Lanch.instanceId
          |                                   ^^^^^ no step has this name
        help: did you mean `Launch`?

        1 workflow checked: 1 error
        """)


@pytest.mark.parametrize(
    ("content", "arguments", "code", "summary"),
    [
        (WORKFLOW, (), 0, "1 workflow checked: nothing wrong"),
        (COMPONENT, (), 0, "1 component checked: nothing wrong"),
        (WARNING, (), 0, "1 component checked: 1 warning"),
        (COMPONENT, ("--platform", "windows"), 1, "1 component checked: 1 error"),
        ('{"phases": 1}', (), 1, "1 component checked: 2 errors"),
        (
            "steps: [{name: Out, action: DistributeImage}]\nschemaVersion: 1.0\n",
            ("--type", "test"),
            1,
            "1 workflow checked: 1 error",
        ),
        ("Resources: {}\n", (), 1, "1 template checked: 1 error"),
        ("", (), 1, "1 unknown file checked: 1 error"),
    ],
)
def test_the_exit_code_and_the_last_line_sum_it_up(
    run: Run, content: str, arguments: tuple[str, ...], code: int, summary: str
) -> None:
    done = run("validate", "-", *arguments, stdin=content)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, summary)


def test_fix_mends_the_file_and_says_what_it_changed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "real.yaml"
    file.write_text(f"# mine\n{TYPO.replace('waitFor', 'waitfor')}")
    file.chmod(0o640)
    (tmp_path / "build.yaml").symlink_to("real.yaml")

    done = run("validate", "build.yaml", "--fix")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "fixed build.yaml:6:14: write `waitFor` for `waitfor`\n"
        "fixed build.yaml:10:35: write `Launch` for `Lanch`\n"
        "1 workflow checked: nothing wrong, 2 repairs made\n"
    )
    assert file.read_text() == f"# mine\n{WORKFLOW}"
    assert file.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "build.yaml").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build.yaml", "home", "real.yaml"]


def test_fix_tells_a_script_what_it_changed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text(TYPO)

    shown = json.loads(run("validate", "build.yaml", "--fix", "--format", "json").stdout)

    assert shown["repairs"] == [
        {"file": "build.yaml", "line": 9, "column": 35, "old": "Lanch", "new": "Launch"}
    ]
    assert shown["findings"] == []


def test_workflows_of_one_image_are_checked_against_each_other(run: Run, tmp_path: Path) -> None:
    out = "outputs:\n  - {name: Machine, value: $.stepOutputs.Launch.instanceId}\n"
    (tmp_path / "build.yaml").write_text(WORKFLOW + out)
    (tmp_path / "test.yaml").write_text(
        WORKFLOW.replace("$.stepOutputs.Launch.instanceId", "$.workflowOutputs.Machin") + out
    )

    alone = run("validate", "build.yaml", "test.yaml")
    together = run("validate", "--together", "build.yaml", "test.yaml", "--format", "json")

    assert (alone.returncode, together.returncode) == (0, 1)
    found = json.loads(together.stdout)["findings"]
    assert [(each["file"], each["code"], each["help"]) for each in found] == [
        ("build.yaml", "WF602", "rename one of the two"),
        ("test.yaml", "WF601", "did you mean `Machine`?"),
        ("test.yaml", "WF602", "rename one of the two"),
    ]


def test_the_schema_for_editors_is_printed(run: Run) -> None:
    done = run("schema", "workflow", "--type", "test")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["title"] == "EC2 Image Builder workflow document"
    assert run("schema", "recipe").returncode == 2


def test_fix_leaves_alone_what_is_no_document_and_needs_files(run: Run, tmp_path: Path) -> None:
    chart = "image: {{ .Values.image }}\n"
    (tmp_path / "chart.yaml").write_text(chart)

    assert run("validate", "chart.yaml", "--fix").returncode == 1
    assert (tmp_path / "chart.yaml").read_text() == chart
    done = run("validate", "-", "--fix", stdin=TYPO)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--fix changes files" in done.stderr


def test_a_folder_is_searched_for_documents(run: Run, tmp_path: Path) -> None:
    for name, content in {
        "a/workflow.yaml": WORKFLOW,
        "a/b/component.YML": COMPONENT,
        "a/b/component.json": '{"phases": []}',
        "a/b/stack.yaml": "Resources: {}\n",
        "a/values.yaml": "x: {{ y }}\n",
        "a/.git/hidden.yaml": TYPO,
        "a/.hidden.yaml": TYPO,
        "a/readme.txt": "phases:",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "a" / "pipe.yaml")

    done = run("validate", "a", "--format", "json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["files"] == [
        {"file": "a/workflow.yaml", "kind": "workflow"},
        {"file": "a/b/component.YML", "kind": "component"},
        {"file": "a/b/component.json", "kind": "component"},
    ]
    assert done.stderr.splitlines() == [
        "note: not checked: a/values.yaml is like neither a workflow document nor a component "
        "document",
        "note: not checked: a/b/stack.yaml is a CloudFormation template",
    ]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(WORKFLOW)
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()

    done = run("validate", "absent.yaml", "dangling.yaml", "empty", "", "good.yaml")

    assert done.returncode == 2
    assert done.stdout == "1 workflow checked: nothing wrong\n"
    assert done.stderr.splitlines() == [
        "error: absent.yaml: No such file or directory",
        "error: dangling.yaml: No such file or directory",
        "error: empty: the folder holds no *.yaml, *.yml, *.json or Dockerfile",
        "error: '': No such file or directory",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_one_may_not_read_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").touch(mode=0)

    done = run("validate", "secret.yaml")

    assert (done.returncode, done.stderr) == (2, "error: secret.yaml: Permission denied\n")


def test_whatever_a_file_is_there_is_an_answer(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "sparse.yaml").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "latin.yaml").write_bytes("steps: []\nname: Größe\n".encode("latin-1"))
    doublings = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    (tmp_path / "bomb.yaml").write_text(f"a0: &a0 [x]\n{doublings}steps: *a59\n")
    os.mkfifo(tmp_path / "pipe.yaml")

    done = run(
        "validate", "sparse.yaml", "binary.yaml", "latin.yaml", "bomb.yaml", "pipe.yaml",
        "/dev/zero", "--format", "json",
    )  # fmt: skip

    first_codes = {
        finding["file"]: finding["code"]
        for finding in reversed(json.loads(done.stdout)["findings"])
    }
    assert (done.returncode, done.stderr) == (1, "")
    assert first_codes == {
        "sparse.yaml": "YM011",
        "binary.yaml": "DC001",
        "latin.yaml": "DC001",
        "bomb.yaml": "YM012",
        "pipe.yaml": "YM003",
        "/dev/zero": "YM011",
    }


def test_a_name_cannot_lead_the_terminal_astray(run: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred.yaml").write_text(TYPO)

    done = run("validate", "\x1b[31mred.yaml", "\x1b]0;gone")

    assert "\x1b" not in done.stdout + done.stderr
    assert " --> \ufffd[31mred.yaml:9:35" in done.stdout


def test_sarif_names_rule_file_and_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a b.yaml").write_text(TYPO)

    done = run("validate", "a b.yaml", "--format", "sarif")

    result = json.loads(done.stdout)["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert (done.returncode, result["ruleId"]) == (1, "WF303")
    assert place["artifactLocation"]["uri"] == "a%20b.yaml"
    assert place["region"]["startLine"] == 9


def test_github_shows_findings_beside_the_lines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(TYPO)

    done = run("validate", "w.yaml", "--format", "github")

    assert done.stdout == (
        "::error file=w.yaml,line=9,col=35,endLine=9,endColumn=40,title=WF303::"
        "there is no step `Lanch`; did you mean `Launch`?\n"
    )


@pytest.mark.parametrize(
    ("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_that_want_them(
    tmp_path: Path, environment: dict[str, str], colours: bool
) -> None:
    (tmp_path / "w.yaml").write_text(TYPO)
    ours, theirs = os.openpty()

    with subprocess.Popen(
        [sys.executable, "-m", "imagewright", "validate", "w.yaml"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment},
        stdout=theirs,
    ) as process:
        os.close(theirs)
        shown = _read_all(ours)

    assert process.returncode == 1
    assert "there is no step `Lanch`" in shown
    assert ("\x1b[1;31m" in shown) == colours


def _read_all(descriptor: int) -> str:
    """Read a terminal to its end, which Linux tells by an error."""
    parts = []
    with os.fdopen(descriptor, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(4096):
                parts.append(part)
        except OSError:
            pass
    return b"".join(parts).decode()


@pytest.mark.parametrize("arguments", [(), ("-", "--type", "IMAGE"), ("-", "--format", "xml")])
def test_a_wrong_call_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("validate", *arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Usage: " in done.stderr


def test_many_files_are_told_in_their_order_whoever_checked_them(run: Run, tmp_path: Path) -> None:
    """So many are shared out among processes."""
    for number in range(130):
        text = WORKFLOW if number % 50 else "steps: []\n"
        (tmp_path / f"{number:03}.yaml").write_text(text)
    (tmp_path / "060.yaml").unlink()
    (tmp_path / "060.yaml").symlink_to("/nowhere")

    done = run("validate", ".", "--format", "json")

    shown = json.loads(done.stdout)
    assert done.returncode == 1
    assert [each["file"] for each in shown["files"]] == [
        f"{number:03}.yaml" for number in range(130) if number != 60
    ]
    assert list(dict.fromkeys(each["file"] for each in shown["findings"])) == [
        "000.yaml", "050.yaml", "100.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("named", [["."], ["app.yaml", "app.test.yaml"]])
def test_what_components_are_tested_by_is_known(named: list[str], run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.test.yaml").write_text("cases: [{name: a}]\n")
    (tmp_path / "app.yaml").write_text(
        "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: A, action: Reboot}]}]\n"
    )

    done = run("validate", *named)

    assert done.returncode == 0
    assert done.stderr == "note: not checked: app.test.yaml is for `imagewright component test`\n"


TEMPLATE = "FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:components }}}\n"
BAD_TEMPLATE = TEMPLATE + "COPY app.conf /etc/app.conf\n"


def test_a_template_is_known_by_its_name_or_its_variables(run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.Dockerfile").write_text(BAD_TEMPLATE)
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    (tmp_path / "template.txt").write_text(TEMPLATE)

    done = run("validate", "app.Dockerfile", "Dockerfile", "template.txt", "--format", "json")

    shown = json.loads(done.stdout)
    assert done.returncode == 1
    assert {each["kind"] for each in shown["files"]} == {"dockerfile"}
    assert [(each["file"], each["code"]) for each in shown["findings"]] == [
        ("app.Dockerfile", "DF011"),
        ("Dockerfile", "DF004"),
    ]


def test_findings_of_a_template_are_drawn_like_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.Dockerfile").write_text(BAD_TEMPLATE)

    done = run("validate", "app.Dockerfile")
    sarif = run("validate", "app.Dockerfile", "--format", "sarif")
    github = run("validate", "app.Dockerfile", "--format", "github", "--fix")

    assert done.stdout.startswith("error[DF011]: a container recipe has no build context")
    assert "3 | COPY app.conf /etc/app.conf\n  |      ^^^^^^^^\nhelp: use `ADD`" in done.stdout
    assert done.stdout.endswith("1 dockerfile checked: 1 error\n")
    (result,) = json.loads(sarif.stdout)["runs"][0]["results"]
    assert (result["ruleId"], "ruleIndex" in result) == ("DF011", True)
    assert github.stdout.startswith("::error file=app.Dockerfile,line=3,col=6,")


def test_a_folder_gives_its_templates_and_names_other_dockerfiles(run: Run, tmp_path: Path) -> None:
    for name, text in (("a", BAD_TEMPLATE), ("b", "FROM debian\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(text)

    done = run("validate", ".", "--format", "json")

    assert done.returncode == 1
    assert [each["file"] for each in json.loads(done.stdout)["files"]] == ["a/Dockerfile"]
    assert done.stderr == (
        "note: not checked: b/Dockerfile is a Dockerfile without the variables of a template\n"
    )


def test_a_template_that_is_no_text_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM \xff\n")

    done = run("validate", "Dockerfile")

    assert (done.returncode, done.stdout.splitlines()[0]) == (
        1, "error[DC001]: the byte 0xFF is not UTF-8 here",
    )  # fmt: skip
