"""``imagewright doctor``: is all there that builds need, and is anything left over?"""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from imagewright.cli.client import Refused, Unreachable
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import Output, OutputForm, State, load_settings
from imagewright.cli.session import client_of, waiting_for
from imagewright.cli.text import CROSS, RING, TICK, sign
from imagewright.door.health import examine_host, examine_topics
from imagewright.errors import ServiceError
from imagewright.state import StateDirectory, default_state

Json = Mapping[str, Any]

LEFT_OVER = "left over"

_MARKS = {"ok": (TICK, "green"), "warning": (RING, "yellow"), "missing": (CROSS, "bold red")}


def doctor(state: State = None, output: Output = OutputForm.TEXT) -> None:
    """Examine this host and the state: what is present, which isolation and limits hold.

    With a server on the state the server examines itself, otherwise this command looks around.
    Ends with 1 if something that builds need is missing, or if a process that was stopped during
    a build, or killed, left something over; starting a server clears that up and goes on.

    \b
        imagewright doctor
        imagewright doctor --output json
    """
    directory = StateDirectory((state or default_state()).expanduser().absolute())
    server = directory.running_server()
    try:
        if server is not None:
            client = client_of(directory, server, None)
            found: Json = waiting_for("examining", lambda: client.get("/doctor"))
        else:
            found = waiting_for("examining", lambda: _examine(directory))
    except Refused as error:
        fail(ExitCode.REFUSED, error.message)
    except Unreachable as error:
        fail(ExitCode.NO_SERVER, str(error))
    except ServiceError as error:
        fail(ExitCode.STATE, str(error))
    about = {"state": str(directory.root), "server": None if server is None else server.url}
    if output is OutputForm.JSON:
        typer.echo(json.dumps({**about, **found}, indent=2))
    else:
        _print(about, found)
    if any(_is_bad(finding) for finding in found["findings"]):
        raise typer.Exit(ExitCode.FAILED)


def _examine(directory: StateDirectory) -> Json:
    """Look around without a server; where there is no state yet, none is made."""
    if sys.platform != "linux" or not (directory.database.exists() and directory.layers.exists()):
        return examine_host(directory.root)
    from imagewright.aws.clients import AwsClients
    from imagewright.sandboxes import open_network
    from imagewright.store.builds import names_under_way
    from imagewright.store.database import open_sqlite
    from imagewright.store.ledger import DatabaseLedger

    settings = load_settings(directory)
    network = open_network(directory, settings)
    with closing(open_sqlite(directory.database)) as database:
        ledger = DatabaseLedger(database)
        with database.read() as connection:
            under_way = names_under_way(connection)
        topics = examine_topics(database, AwsClients(settings.aws).missing("sns"))
        return examine_host(
            directory.root, *topics, network=network, ledger=ledger, under_way=under_way
        )


def _is_bad(finding: Json) -> bool:
    is_left_over = finding["what"] == LEFT_OVER and finding["grade"] != "ok"
    return bool(is_left_over or finding["grade"] == "missing")


def _print(about: Json, found: Json) -> None:
    console = Console(highlight=False, soft_wrap=True)
    server = about["server"] or "no server runs on it"
    console.print(Text.assemble("state  ", (str(Path(about["state"])), "bold"), f"  ({server})"))
    for finding in found["findings"]:
        mark, style = _MARKS[finding["grade"]]
        line = Text.assemble((f"{sign(mark)} ", style), f"{finding['what']:22} {finding['detail']}")
        console.print(line)
        if finding["remedy"] and finding["grade"] != "ok":
            console.print(Text.assemble(" " * 25, ("help: ", "bold"), finding["remedy"]))
