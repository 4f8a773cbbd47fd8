"""Somebody with a recipe file and a state, who runs commands."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

Completed = subprocess.CompletedProcess[str]
COMMAND_SECONDS = 300


@dataclass
class Author:
    """Somebody with a recipe file and a state."""

    folder: Path
    state: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def recipe(self, *components: str, **more: Any) -> Path:
        """Write a recipe file of a new name; components are documents' texts."""
        paths = []
        for number, text in enumerate(components):
            paths.append(self.write(f"c{number}.yaml", text).name)
        content = {
            "name": f"r-{uuid4().hex[:8]}", "parentImage": "debian-12", "components": paths, **more,
        }  # fmt: skip
        return self.write("recipe.yaml", json.dumps(content))

    def run(self, *arguments: str | Path, stdin: str = "") -> Completed:
        with self.start(*arguments) as process:
            out, error = process.communicate(stdin, timeout=COMMAND_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, error)

    def type_into(self, keys: str, *arguments: str | Path) -> tuple[int, str]:
        """Run a command on a terminal, type when it prompts; return its code and what it showed."""
        ours, theirs = pty.openpty()
        argv = [sys.executable, "-m", "imagewright", *map(str, arguments)]
        process = subprocess.Popen(
            [*argv, "--state", self.state],
            cwd=self.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the terminal is gone with the command
            while data := os.read(ours, 4096):
                if b"# " in data and keys:
                    os.write(ours, keys.encode())
                    keys = ""
                seen += data
        os.close(ours)
        return process.wait(COMMAND_SECONDS), seen.decode()

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        proxies = {name: text for name, text in os.environ.items() if "proxy" in name.lower()}
        return subprocess.Popen(
            [sys.executable, "-m", "imagewright", *map(str, arguments), "--state", self.state],
            env={**clean, **proxies},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str | Path) -> Any:
        done = self.run(*arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def newest(self) -> str:
        """Return the ARN of the newest build."""
        return str(self.json("runs", "list", "--count", "1")[0]["imageBuildVersionArn"])


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """Read a command's output up to a text."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    assert process.stderr is not None
    pytest.fail(f"{text!r} never came:\n{seen}\n{process.stderr.read()}")


SLOW = ("echo begun", "for i in $(seq 50); do sleep 0.1; done", "echo over")
"""Commands that take five seconds."""
