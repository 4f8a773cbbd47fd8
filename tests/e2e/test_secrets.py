"""Secret parameters are in no stored byte (component-documents.md §3.4, §3.5).

The component writes the secret into one file of the image, as its author wants: that file is the
only one that may hold it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import pytest
import yaml
from tests.e2e.conftest import Bench, Lab
from tests.other_services import OtherServices

from imagewright.masking import Secrets, forms

OWN_FILE = "author-wrote-this"
BORN: dict[str, float] = {}
"""When each secret came into the world."""
READS = {"action": "ExecuteBash", "inputs": {"commands": [f"cat /etc/{OWN_FILE}"]}}


@pytest.fixture(scope="module")
def reading(lab: Lab, others: OtherServices) -> Iterator[Bench]:
    with lab.bench(IMAGEWRIGHT_AWS_SSM_ENDPOINT=others.url) as running:
        yield running


@pytest.fixture
def canary(others: OtherServices) -> str:
    return new_secret(others)


def new_secret(others: OtherServices) -> str:
    """Store a secret under a name that follows from it, and return it."""
    value = f"canary+{uuid4().hex}/x"
    BORN[value] = time.time()
    others.client("ssm").put_parameter(Name=name_of(value), Value=value, Type="SecureString")
    return value


def name_of(canary: str) -> str:
    return f"/app/{canary[7:15]}"


def document(
    canary: str, *commands: str, fails: bool = False, before: Sequence[dict[str, Any]] = ()
) -> str:
    """Write the secret into its file, and show it in all ways."""
    secret = f"{{{{ aws:ssm:{name_of(canary)} }}}}"
    show = [
        f"S='{secret}'",
        'echo "$S"; printf "user:%s" "$S" | base64 -w 20; printf %s "$S" | fold -w 3; echo',
        'printf %s "$S" | od -An -v -tx1; printf %q "$S"; echo',
        'echo "$S" >&2; printf %s "$S" | fold -w 1 >&2',
    ]
    path = f"/etc/{OWN_FILE}"
    steps: list[dict[str, Any]] = [
        {"action": "CreateFile", "inputs": [{"path": path, "content": secret}]},
        {"action": "ExecuteBinary", "inputs": {"path": "/bin/echo", "arguments": [secret]}},
        {
            "action": "ExecuteBash",
            "inputs": {"commands": [*show, *commands, "exit 3" if fails else "true"]},
        },
        {
            "action": "Assert",
            "inputs": {
                "stringEquals": secret,
                "value": f"{{{{ build.Step{len(before) + 1}.outputs.stdout }}}}",
            },
        },
    ]
    return as_document(build=[*before, *steps], test=[READS])


def as_document(**phases: list[dict[str, Any]]) -> str:
    return yaml.safe_dump(
        {
            "schemaVersion": "1.0",
            "name": str(uuid4()),
            "phases": [
                {
                    "name": phase,
                    "steps": [{"name": f"Step{n}", **step} for n, step in enumerate(steps)],
                }
                for phase, steps in phases.items()
            ],
        },
        width=1000,
    )


def holding(path: Path, canary: str, *, since: float) -> set[str]:
    """Name the files at and below a path that hold a secret in any form, as root of the sandbox.

    ``since``: when the secret came into the world. A file that was last changed before cannot
    hold it, and no program can set that time of a file.
    """
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto"]
    with NamedTemporaryFile() as patterns:
        patterns.write("\n".join(form for form in forms(canary) if len(form) >= 12).encode())
        patterns.flush()
        find = ["find", str(path), "-ignore_readdir_race", "-type", "f"]
        newer = ["-newerct", f"@{since - 2:.0f}"]
        search = ["-exec", "grep", "-laiF", "-f", patterns.name, "{}", "+"]

        def look() -> "subprocess.CompletedProcess[bytes]":
            return subprocess.run(
                [*as_root, *find, *newer, *search],
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                capture_output=True,
                check=False,
            )

        found, tries = look(), 1
        while b"No such file or directory" in found.stderr and tries < 10:
            # The server goes on, and put a file away or in another's place meanwhile.
            found, tries = look(), tries + 1
    assert not found.stderr, found.stderr
    return set(found.stdout.decode().splitlines())


def is_nowhere_but_in_its_file(lab: Lab, canary: str) -> None:
    born = BORN[canary]
    found = holding(lab.state, canary, since=born)
    assert found, "the author's file is there"
    assert {Path(each).name for each in found} == {OWN_FILE}
    assert not holding(lab.state.parent / f"{lab.state.name}.log", canary, since=born)


def is_not_in_log(bench: Bench, arn: str, canary: str) -> None:
    secrets = Secrets()
    secrets.learn(canary)
    entries = [json.loads(line) for line in bench.log(arn).splitlines()]
    for stream in ("stdout", "stderr", None):
        texts = [entry["text"] for entry in entries if entry.get("stream") == stream]
        assert not secrets.are_in("".join(text.replace("***", "\0") for text in texts))


def test_a_build_keeps_a_secret_to_itself(reading: Bench, lab: Lab, canary: str) -> None:
    """Also where another component, and the test of the image, show the file that holds it."""
    shows = reading.component(as_document(build=[READS]))
    arn = reading.start(reading.recipe(reading.component(document(canary)), shows))

    reading.built(arn)

    log = reading.log(arn)
    assert log.count('"***"') > 40
    assert "it reads aws:ssm:, where another value may stand now" in log
    is_not_in_log(reading, arn, canary)
    is_nowhere_but_in_its_file(lab, canary)


def test_a_failure_does_not_tell_the_secret(reading: Bench, lab: Lab, canary: str) -> None:
    failing = reading.component(document(canary, "set -x", 'grep "$S" /dev/null', fails=True))
    arn = reading.start(reading.recipe(failing))

    state = reading.finished(arn)["state"]

    assert state["failureContext"]["componentFailure"]["stepName"] == "Step2"
    assert "***" in state["failureContext"]["componentFailure"]["errorMessage"]
    is_not_in_log(reading, arn, canary)
    assert holding(lab.state, canary, since=BORN[canary]) == set()


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_by_itself_keeps_it_too(
    lab: Lab, others: OtherServices, canary: str, tmp_path: Path, *, fails: bool
) -> None:
    """In the log folder, on the terminal and in the summary (§9)."""
    (tmp_path / "app.yaml").write_text(document(canary, fails=fails))
    done = subprocess.run(
        [sys.executable, "-m", "imagewright", "component", "run", "-d", "app.yaml", "--trace"],
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "IMAGEWRIGHT_STATE": str(lab.state),
            "IMAGEWRIGHT_AWS_SSM_ENDPOINT": others.url,
        },
        capture_output=True,
        timeout=300,
        check=False,
    )
    (tmp_path / "said").write_bytes(done.stdout + done.stderr)

    assert done.returncode == int(fails)
    assert b"Stdout: ***\n" in done.stderr
    assert list(tmp_path.rglob("chaining.json"))
    assert holding(tmp_path, canary, since=BORN[canary]) == set()
    assert holding(lab.state, canary, since=BORN[canary]) == set()
