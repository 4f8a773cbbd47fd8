"""``imagewright machines``: the machines of builds, and those kept after a failure."""

import json
from typing import Annotated

import typer

from imagewright.cli.options import Output, OutputForm, State
from imagewright.cli.session import Region, session
from imagewright.cli.text import moment, print_table, short

commands = typer.Typer(
    help="List and end machines. One is kept after a failure where the infrastructure "
    "configuration says terminateInstanceOnFailure: false.",
    no_args_is_help=True,
)

InstanceId = Annotated[str, typer.Argument(metavar="MACHINE", help="Its id, i-…")]


@commands.command("list")
def list_machines(
    region: Region = None, state: State = None, output: Output = OutputForm.TEXT
) -> None:
    """List the machines that did not end.

    \b
        imagewright machines list
    """
    with session(state, region) as running:
        found = running.client.get("/machines")["machines"]
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [
        [
            machine["instanceId"],
            machine["state"],
            machine["driver"],
            short(machine["imageBuildVersionArn"]),
            moment(machine["dateCreated"]),
        ]
        for machine in found
    ]
    print_table(["MACHINE", "STATE", "DRIVER", "BUILD", "SINCE"], rows, nothing="no machines")


@commands.command()
def terminate(machine: InstanceId, region: Region = None, state: State = None) -> None:
    """End a machine that was kept, and let go of its layers.

    \b
        imagewright machines terminate i-0123456789abcdef0
    """
    with session(state, region) as running:
        running.client.post("/machines/terminate", {"instanceId": machine})
    typer.echo(f"{machine} is terminated")
