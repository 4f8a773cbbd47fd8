"""``imagewright component run --on host``: with documents that stay in the test's own folder."""

import json
import os
from pathlib import Path

from tests.cli.conftest import Run

DOCUMENT = """\
name: Harmless
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Once
        action: ExecuteBash
        inputs: {commands: ['echo here >>begun', '[ -e once ] && exit 0', touch once, exit 194]}
      - {name: Put, action: CreateFile, inputs: [{path: out/x, content: hi}]}
      - {name: Restart, action: Reboot}
      - {name: There, action: Assert, inputs: {fileExists: out/x}}
"""


def test_it_is_not_done_without_a_word(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_text(DOCUMENT)

    done = run("component", "run", "-d", "h.yaml", "--on", "host")

    assert done.returncode == 2
    assert "h.yaml will run on this machine itself" in done.stderr
    assert "--yes" in done.stderr
    assert not (tmp_path / "begun").exists()


def test_a_restart_is_handed_to_the_caller_and_the_same_command_goes_on(
    run: Run, tmp_path: Path
) -> None:
    """component-documents.md §4.6, hosting mode 1."""
    (tmp_path / "h.yaml").write_text(DOCUMENT)
    command = ("component", "run", "-d", "h.yaml", "--on", "host", "--yes", "-s", "kept")

    first, second, third = run(*command), run(*command), run(*command)

    assert [done.returncode for done in (first, second, third)] == [194, 194, 0]
    assert first.stdout == second.stdout == ""
    assert "run the same command again" in first.stderr
    summary = json.loads(third.stdout)
    assert (summary["status"], summary["executedStepCount"]) == ("success", 4)
    (folder,) = tmp_path.glob("TOE_*")
    assert summary["logUrl"] == folder.name
    console = (folder / "console.log").read_text()
    assert console.count("Setup: STARTED SETUP") == 1
    assert console.count("Executor: System has rebooted successfully") == 2
    assert (tmp_path / "begun").read_text() == "here\nhere\n"
    assert (tmp_path / "out/x").read_text() == "hi"
    assert list((tmp_path / "kept").iterdir()) == []


def test_documents_that_were_over_before_a_restart_stay_as_they_were(
    run: Run, tmp_path: Path
) -> None:
    """One of them has nothing to do in these phases, and one failed without ending the run."""
    fails = {
        "name": "Fails",
        "action": "ExecuteBash",
        "onFailure": "Continue",
        "inputs": {"commands": ["echo ran >>ran; exit 3"]},
    }
    for name, phase, step in (("none", "test", fails), ("fails", "build", fails)):
        phases = [{"name": phase, "steps": [step]}]
        (tmp_path / f"{name}.yaml").write_text(json.dumps({"schemaVersion": 1.0, "phases": phases}))
    (tmp_path / "h.yaml").write_text(DOCUMENT)
    documents = "none.yaml,fails.yaml,h.yaml"
    command = ("component", "run", "-d", documents, "-p", "build", "--on", "host", "--yes")

    codes = [run(*command, "-s", "kept").returncode for _ in range(3)]

    assert codes == [194, 194, 1]
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert (tmp_path / "begun").read_text() == "here\nhere\n"
    (folder,) = tmp_path.glob("TOE_*")
    console = (folder / "console.log").read_text()
    assert console.count("    Step: Fails") == 1
    results = json.loads((folder / "detailedoutput.json").read_text())
    assert results["startTime"] == results["documents"][0]["startTime"]
    assert [each["status"] for each in results["documents"]] == ["success", "failed", "success"]
    over = results["documents"][1]
    assert over["endTime"] == over["phases"][0]["endTime"]


def test_a_document_that_changed_meanwhile_does_not_go_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_text(DOCUMENT)
    command = ("component", "run", "-d", "h.yaml", "--on", "host", "--yes", "-s", "kept")
    run(*command)
    (tmp_path / "h.yaml").write_text(DOCUMENT.replace("hi", "ho"))

    done = run(*command)

    told = json.loads(done.stdout)
    assert (done.returncode, told["status"]) == (1, "failed")
    assert "the documents changed since the run asked for a restart" in told["failureMessage"]


def test_tests_are_not_run_on_the_host(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_text(DOCUMENT)

    done = run("component", "test", "h.yaml", "--on", "host")

    assert done.returncode == 2
    assert "each case needs a machine of its own" in done.stderr


def test_a_log_folder_that_cannot_be_written_any_more_is_told_in_the_summary(
    run: Run, tmp_path: Path
) -> None:
    """§8.2: a full disk ends a run so, too; here a step removes the folder."""
    (tmp_path / "h.yaml").write_text(DOCUMENT.replace("echo here >>begun", "rm -r TOE_*"))

    done = run("component", "run", "-d", "h.yaml", "--on", "host", "--yes")

    told = json.loads(done.stdout)
    assert (done.returncode, told["status"]) == (1, "failed")
    assert told["failureMessage"] == "the log folder cannot be written: No such file or directory"
    assert told["logUrl"].startswith("TOE_")
    assert "Traceback" not in done.stderr


def test_a_document_that_is_a_fifo_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "h.yaml")

    done = run("component", "validate", "-d", "h.yaml")

    assert done.returncode == 1


def test_bytes_that_are_no_text_are_refused_by_a_test_as_by_a_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_bytes(DOCUMENT.encode() + b"# \xff\n")

    tested = run("component", "test", "h.yaml")
    ran = run("component", "run", "-d", "h.yaml", "--on", "host", "--yes")

    assert (tested.returncode, ran.returncode) == (1, 1)
    assert "h.yaml is no text in UTF-8" in tested.stderr
    assert "h.yaml is no text in UTF-8" in json.loads(ran.stdout)["failureMessage"]
