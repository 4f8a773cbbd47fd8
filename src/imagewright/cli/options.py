"""Options that many commands share."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.state import StateDirectory, StateError, default_state

if TYPE_CHECKING:
    from imagewright.settings import Settings

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="IMAGEWRIGHT_STATE",
        help="The state directory. By default the user's own.",
        show_default=False,
    ),
]


class OutputForm(StrEnum):
    """How a command prints what it found."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[OutputForm, typer.Option("--output", help="For a person, or for a script.")]


def open_state(path: Path | None) -> StateDirectory:
    """Return the state directory, made if need be; end the command if it cannot be used."""
    state = StateDirectory((path or default_state()).expanduser().absolute())
    try:
        state.prepare()
    except StateError as error:
        fail(ExitCode.STATE, str(error))
    return state


def load_settings(state: StateDirectory, **overrides: Any) -> "Settings":
    """Return the settings of a state; end the command if one is wrong."""
    from imagewright.settings import Settings, SettingsError  # slow to load, and not always needed

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.load(state.root, given)
    except SettingsError as error:
        fail(ExitCode.USAGE, str(error))


def read_pairs(given: Iterable[str]) -> dict[str, list[str]]:
    """Read the values of ``--parameter NAME=VALUE``; end the command where one is no pair."""
    values: dict[str, list[str]] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            fail(ExitCode.USAGE, f"a parameter is given as NAME=VALUE, not as '{pair}'")
        values.setdefault(name, []).append(value)
    return values
