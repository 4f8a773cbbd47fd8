"""One port, two doors."""

import subprocess
import sys
from typing import Any

import anyio
import pytest

from imagewright.door.entrance import two_doors
from imagewright.wire.messages import ASGIApp, Receive, Scope, Send


def _named(name: str, seen: list[str]) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(name)

    return app


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        (b"/imagewright/v1/builds", "second"),
        (b"/imagewright/", "second"),
        (b"/imagewright", "first"),
        (b"/CreateImage", "first"),
        (b"/tags/arn%3A/imagewright/", "first"),
        (b"/", "first"),
    ],
)
def test_the_path_tells_which_door(path: bytes, opened: str) -> None:
    seen: list[str] = []
    app = two_doors(_named("first", seen), lambda: _named("second", seen))

    _ask(app, path)

    assert seen == [opened]


def test_the_second_door_is_made_when_first_wanted_and_once() -> None:
    made: list[str] = []

    def make() -> ASGIApp:
        made.append("made")
        return _named("second", [])

    app = two_doors(_named("first", []), make)
    _ask(app, b"/CreateImage")
    before = list(made)
    _ask(app, b"/imagewright/v1/builds")
    _ask(app, b"/imagewright/v1/builds")

    assert before == []
    assert made == ["made"]


def test_serving_aws_loads_nothing_of_the_second_door() -> None:
    code = (
        "import sys, imagewright.app; "
        "print([name for name in sys.modules if name.startswith(('starlette', 'dbos'))])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def _ask(app: ASGIApp, path: bytes) -> None:
    scope: Any = {"type": "http", "raw_path": path}

    async def nothing(*_arguments: Any) -> Any:
        return {}

    anyio.run(app, scope, nothing, nothing)
