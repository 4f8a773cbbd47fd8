"""A command loads what it needs and no more: the rest is time that its user waits."""

import subprocess
import sys

import pytest

PROBE = "import sys; {statement}; print(*sorted(set(sys.modules) & {{{heavy}}}))"


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        pytest.param(
            "from imagewright.cli.main import command_line; command_line()",
            ["sqlalchemy", "uvicorn", "starlette", "dbos", "alembic", "boto3", "yaml"],
            id="the command line",
        ),
        pytest.param(
            "from imagewright.cli.validate import _check; _check([], None, None)",
            ["sqlalchemy", "uvicorn", "starlette", "dbos", "alembic", "boto3"],
            id="validate",
        ),
        pytest.param(
            "from imagewright.cli.main import command_line; command_line(['serve'])",
            ["sqlalchemy", "uvicorn", "rich.table", "imagewright.cli.build"],
            id="one command of the command line",
        ),
        pytest.param(
            "import imagewright.cli.server",
            [
                *("dbos", "alembic", "boto3", "botocore", "sqlalchemy.dialects.postgresql"),
                *("imagewright.documents.dockerfile.check", "isal"),
            ],
            id="the server, before it answers",
        ),
    ],
)
def test_what_is_slow_and_not_needed_is_not_loaded(statement: str, heavy: list[str]) -> None:
    probe = PROBE.format(statement=statement, heavy=", ".join(map(repr, heavy)))

    loaded = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.split() == []
