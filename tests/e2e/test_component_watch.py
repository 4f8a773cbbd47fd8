"""``imagewright component run --watch``: an author's editor and the layers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.e2e.conftest import Lab

DOCUMENT = """\
schemaVersion: 1.0
parameters:
  - Mark: {{type: string, default: "{mark}"}}
phases:
  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs: {{commands: ['echo {{{{ Mark }}}} >/first', echo one]}}
      - {{name: Second, action: ExecuteBash, inputs: {{commands: ['echo two >/second']}}}}
      - name: Third
        action: ExecuteBash
        inputs: {{commands: ['cat /first /second && echo {{{{ build.First.outputs.stdout }}}}']}}
"""


@dataclass
class Watched:
    """The command, and the file that it watches."""

    process: "subprocess.Popen[str]"
    file: Path

    def round(self) -> list[str]:
        """Return what it said until it waits for the next change."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            if line.startswith("watching "):
                return lines
            lines.append(line.rstrip())
        raise AssertionError(lines)

    def change(self, old: str, new: str) -> list[str]:
        """Change the document, and return what the command said of that."""
        text = self.file.read_text()
        assert old in text
        written = self.file.with_suffix(".new")
        written.write_text(text.replace(old, new))
        written.replace(self.file)  # whole at once: half a document would be a round of its own
        return self.round()


@contextmanager
def watched(lab: Lab, folder: Path, document: str, *arguments: str) -> Iterator[Watched]:
    file = folder / "app.yaml"
    file.write_text(document)
    with subprocess.Popen(
        [sys.executable, "-m", "imagewright", "component", "run", "-d", "app.yaml", "--watch",
         *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "IMAGEWRIGHT_STATE": str(lab.state),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:  # fmt: skip
        try:
            yield Watched(process, file)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
    assert process.returncode == 130


def reused(lines: list[str]) -> list[str]:
    return [line.split()[2] for line in lines if line.startswith("↻")]


def ran(lines: list[str]) -> list[str]:
    return [line.split()[2] for line in lines if line.startswith(("✔ build", "✘ build"))]


def test_a_change_runs_the_changed_step_and_what_follows(lab: Lab, tmp_path: Path) -> None:
    mark = uuid4().hex
    with watched(lab, tmp_path, DOCUMENT.format(mark=mark), "--trace") as watching:
        first = watching.round()
        comment = watching.change("phases:", "# a comment\nphases:")
        second = watching.change("echo two", "echo deux")
        broken = watching.change("name: Third", "nam: Third")
        mended = watching.change("nam: Third", "name: Third")
        output = watching.change("echo one", "echo un")

    assert (reused(first), ran(first)) == ([], ["First", "Second", "Third"])
    assert (reused(comment), ran(comment)) == (["First", "Second", "Third"], [])
    assert (reused(second), ran(second)) == (["First"], ["Second", "Third"])
    assert [line for line in second if line.startswith("  │")] == [
        f"  │ {mark}", "  │ deux", "  │ one",
    ]  # fmt: skip
    assert any("CD002" in line for line in broken)
    assert (reused(mended), ran(mended)) == (["First", "Second", "Third"], [])
    assert (reused(output), ran(output)) == ([], ["First", "Second", "Third"])


def test_a_parameter_counts_where_it_is_used(lab: Lab, tmp_path: Path) -> None:
    mark = uuid4().hex
    document = DOCUMENT.format(mark=mark).replace(
        "      - {name: Second", "      - {name: Zeroth, action: ExecuteBash, inputs: "
        "{commands: [echo unmarked]}}\n      - {name: Second",
    ).replace("'echo {{ Mark }} >/first', ", "").replace("echo two", "echo {{ Mark }}")  # fmt: skip
    with watched(lab, tmp_path, document) as watching:
        watching.round()
        changed = watching.change(mark, uuid4().hex)

    assert (reused(changed), ran(changed)) == (["First", "Zeroth"], ["Second", "Third"])


def test_what_fails_runs_again_and_what_would_not_outlast_a_layer_too(
    lab: Lab, tmp_path: Path
) -> None:
    daemon = "nohup sleep 300 >/dev/null 2>&1 & echo $! >/run/daemon"
    document = DOCUMENT.format(mark=uuid4().hex).replace("echo two >/second", daemon)
    with watched(lab, tmp_path, document) as watching:
        first = watching.round()
        second = watching.change("cat /first /second", "kill -0 $(cat /run/daemon)")

    assert any("build Second and what follows run each time" in line for line in first)
    assert any("✘ failed" in line for line in first)
    assert any("cat: /second: No such file" in line for line in first)
    assert (reused(second), ran(second)) == (["First"], ["Second", "Third"])
    assert any("✔ success" in line for line in second)


def test_flags_that_make_no_sense_beside_it_are_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(DOCUMENT.format(mark="x"))
    for arguments, message in (
        (("-l", "logs"), "--log-directory cannot stand beside --watch"),
        (("--on", "host", "--yes"), "--watch reuses layers, which only a sandbox makes"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "imagewright", "component", "run", "-d", "app.yaml", "--watch",
             *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "IMAGEWRIGHT_STATE": str(lab.state)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert message in done.stderr


def test_none_of_several_documents_runs_where_one_of_them_cannot(lab: Lab, tmp_path: Path) -> None:
    needs = "parameters: [{Key: {type: string}}]\nphases: [{name: build, steps: []}]\n"
    (tmp_path / "needs.yaml").write_text(f"schemaVersion: 1.0\n{needs}")

    with watched(
        lab, tmp_path, DOCUMENT.format(mark=uuid4().hex), "-d", "app.yaml,needs.yaml"
    ) as watch:
        said = watch.round()

    assert said[-1] == (
        "error: Document needs.yaml failed! the parameter `Key` has no default and was given no "
        "value"
    )
    assert not any("ExecuteBash" in line for line in said)


def test_who_stops_it_in_the_midst_of_a_round_is_not_told_that_it_watches(
    lab: Lab, tmp_path: Path
) -> None:
    document = DOCUMENT.format(mark=uuid4().hex).replace("echo two >/second", "echo on; sleep 60")
    with watched(lab, tmp_path, document, "--trace") as watching:
        assert watching.process.stdout is not None
        assert any(line.strip() == "│ on" for line in watching.process.stdout)
        watching.process.send_signal(signal.SIGINT)
        said = watching.process.stdout.read()

    assert "cancelled" in said
    assert "watching" not in said
    assert watching.process.returncode == 130
