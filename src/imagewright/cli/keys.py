"""``imagewright keys``: who may sign requests."""

import json
from typing import Annotated

import typer

from imagewright.access.keys import AccessKeys, KeyFileError
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import Output, OutputForm, State, open_state
from imagewright.cli.text import print_table

commands = typer.Typer(help="List, create and delete access keys.", no_args_is_help=True)


@commands.command("list")
def list_keys(state: State = None, output: Output = OutputForm.TEXT) -> None:
    """List the access keys, without their secrets."""
    try:
        keys = AccessKeys(open_state(state).access_keys).all()
    except KeyFileError as error:
        fail(ExitCode.STATE, str(error))
    if output is OutputForm.JSON:
        shown = [
            {"accessKeyId": key.access_key_id, "account": key.account, "user": key.user}
            for key in keys
        ]
        typer.echo(json.dumps(shown, indent=2))
        return
    rows = [[key.access_key_id, key.account, key.user] for key in keys]
    print_table(["KEY", "ACCOUNT", "USER"], rows, nothing="no keys yet; `serve` makes the first")


@commands.command()
def create(
    account: Annotated[str, typer.Option(help="The account that the key belongs to.")],
    user: Annotated[str, typer.Option(help="The name of its user.")] = "imagewright",
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Create an access key. A running server accepts it at once."""
    try:
        key = AccessKeys(open_state(state).access_keys).create(account, user)
    except KeyFileError as error:
        fail(ExitCode.USAGE, str(error))
    if output is OutputForm.JSON:
        shown = {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret_access_key,
            "account": key.account,
            "user": key.user,
        }
        typer.echo(json.dumps(shown, indent=2))
        return
    typer.echo(f"export AWS_ACCESS_KEY_ID={key.access_key_id}")
    typer.echo(f"export AWS_SECRET_ACCESS_KEY={key.secret_access_key}")


@commands.command()
def delete(
    access_key_id: Annotated[str, typer.Argument(help="The id, AKIA…")], state: State = None
) -> None:
    """Delete an access key. A running server refuses it at once."""
    try:
        deleted = AccessKeys(open_state(state).access_keys).delete(access_key_id)
    except KeyFileError as error:
        fail(ExitCode.STATE, str(error))
    if not deleted:
        fail(
            ExitCode.REFUSED,
            f"there is no access key {access_key_id}",
            help="imagewright keys list",
        )
