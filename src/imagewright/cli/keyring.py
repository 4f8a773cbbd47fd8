"""``imagewright keyring``: the local keys that seal documents (kmsKeyId)."""

import json
from typing import Annotated

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import Output, OutputForm, State, open_state
from imagewright.cli.text import print_table
from imagewright.errors import ServiceError
from imagewright.keyring import LocalKeyring

commands = typer.Typer(
    help="List, enable and disable the local keys that seal documents.", no_args_is_help=True
)

KeyId = Annotated[str, typer.Argument(help="The key as it was given as kmsKeyId.")]


@commands.command("list")
def list_keys(state: State = None, output: Output = OutputForm.TEXT) -> None:
    """List the keys that were used, and whether each is enabled."""
    try:
        keys = LocalKeyring(open_state(state).keyring).keys()
    except ServiceError as error:
        fail(ExitCode.STATE, str(error))
    if output is OutputForm.JSON:
        shown = [{"kmsKeyId": key_id, "enabled": enabled} for key_id, enabled in keys.items()]
        typer.echo(json.dumps(shown, indent=2))
        return
    rows = [["enabled" if enabled else "disabled", key_id] for key_id, enabled in keys.items()]
    print_table(["STATE", "KEY"], rows, nothing="no key was used yet")


@commands.command()
def disable(key_id: KeyId, state: State = None) -> None:
    """Refuse a key from now on: nothing is sealed with it, and nothing sealed is opened."""
    _set(key_id, state, enabled=False)


@commands.command()
def enable(key_id: KeyId, state: State = None) -> None:
    """Accept a disabled key again."""
    _set(key_id, state, enabled=True)


def _set(key_id: str, state: State, *, enabled: bool) -> None:
    try:
        LocalKeyring(open_state(state).keyring).set_enabled(key_id, enabled)
    except KeyError:
        fail(ExitCode.REFUSED, f"the keyring has no key {key_id}", help="imagewright keyring list")
    except ServiceError as error:
        fail(ExitCode.STATE, str(error))
