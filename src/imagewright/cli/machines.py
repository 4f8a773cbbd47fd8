"""``imagewright machines``: the machines of builds, and those kept after a failure."""

import json
import sys
from typing import Annotated

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.options import Output, OutputForm, State, load_settings, open_state
from imagewright.cli.session import Region, session
from imagewright.cli.text import moment, print_table, short

commands = typer.Typer(
    help="List, enter and end machines. One is kept after a failure where the infrastructure "
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
    with session(state, region, listing="imagewright machines list") as running:
        running.client.post("/machines/terminate", {"instanceId": machine})
    typer.echo(f"{machine} is terminated")


@commands.command()
def shell(machine: InstanceId, state: State = None) -> None:
    """Open a shell in a machine that was kept, on the disk as the failed step left it.

    What is changed in it stays with the machine. Without a terminal, standard
    input is run as a script. Ends with the exit code of the shell.

    \b
        imagewright machines shell i-0123456789abcdef0
        echo 'cat /var/log/apt/term.log' | imagewright machines shell i-…
    """
    if sys.platform != "linux":
        fail(
            ExitCode.FAILED, f"no machine can be here: the sandbox needs Linux, not {sys.platform}"
        )
    from imagewright.cli.machine_shell import open_shell

    directory = open_state(state)
    code = open_shell(directory, load_settings(directory), machine)
    raise typer.Exit(code)
