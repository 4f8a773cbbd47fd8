"""``imagewright demo`` from its first line to its last, as `make demo` runs it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Lab

DEMO_SECONDS = 600


def demo(lab: Lab, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the demo on the laboratory's state, whose base image is there already."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [
            sys.executable, "-m", "imagewright", "demo",
            "--state", str(lab.state), "--to", str(folder / "image"), *arguments,
        ],
        env=clean,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )  # fmt: skip


def test_the_demo_builds_an_image_twice_and_tells_of_it(lab: Lab, tmp_path: Path) -> None:
    done = demo(lab, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    for told in (
        "imagewright answers at http://127.0.0.1:",
        "InvalidParameterValueException",
        "did you mean `MakeImage`? (line ",
        "create_workflow                      build/stamped-image/1.0.0/1",
        "✔ Stamp",
        "added (1): tree ",
        "exporting it as an OCI image layout",
        "reused: unchanged since it was made",
        "the TEST stage always runs",
        " s instead of ",
        f"export IMAGEWRIGHT_STATE={shlex.quote(str(lab.state))}",
        "All of it took",
    ):
        assert told in done.stdout, told
    assert (tmp_path / "image" / "oci-layout").is_file()
    assert (lab.state / "imagewright.db").exists()


def test_the_demo_tells_a_script_what_came_of_it(lab: Lab, tmp_path: Path) -> None:
    done = demo(lab, tmp_path, "--output", "json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [build["status"] for build in told["builds"]] == ["AVAILABLE", "AVAILABLE"]
    assert [each["name"] for each in told["image"]["packages"]["added"]] == ["tree"]
    assert {work["reused"] for work in told["works"]} == {True, False}
    assert told["builds"][1]["seconds"] < told["builds"][0]["seconds"] + 5
