"""``imagewright demo``: the main job from end to end, on a state of its own."""

import json
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from imagewright.cli.exits import ExitCode, complain, fail
from imagewright.cli.options import Output, OutputForm
from imagewright.door.health import examine_host


def demo(
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            envvar="IMAGEWRIGHT_STATE",
            help="A state directory, which is kept. By default a new one, deleted afterwards.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="Where the image is exported to: a new directory.", show_default=False
        ),
    ] = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Show the main job: from create_workflow to a finished image, twice.

    Starts a server on an empty state, registers documents through boto3, builds an image from
    Debian's packages, exports it as an OCI layout, and builds it again to show what is reused.
    The state is deleted afterwards unless it was given with --state; the exported image stays.

    \b
        imagewright demo
        imagewright demo --state ./demo-state --to ./demo-image
    """
    _check_host()
    from imagewright.cli.demonstration import DemoFailed, Demonstration

    console = Console(highlight=False, soft_wrap=True, quiet=output is OutputForm.JSON)
    started = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="imagewright-demo-"))
    own_state = place / "state"
    with ExitStack() as stack:
        stack.callback(_delete_if_empty, place)
        if state is None:
            stack.callback(_delete, own_state, console)
        shown = Demonstration(
            console,
            state=(state or own_state).absolute(),
            keeps_state=state is not None,
            image=(to or place / "image").absolute(),
        )
        try:
            told = shown.run()
        except DemoFailed as error:
            complain(str(error))
            raise typer.Exit(ExitCode.FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
    console.print(f"\nAll of it took {time.monotonic() - started:.1f} s.")
    if output is OutputForm.JSON:
        typer.echo(json.dumps({**told, "seconds": round(time.monotonic() - started, 1)}, indent=2))


def _delete(state: Path, console: Console) -> None:
    from imagewright.cli.scratch import delete_state

    console.print("\n[dim]deleting the state[/]")
    delete_state(state)


def _delete_if_empty(place: Path) -> None:
    with suppress(OSError):
        place.rmdir()


def _check_host() -> None:
    """End the command where nothing could be built, with what to do about it."""
    found = examine_host(Path(tempfile.gettempdir()))["findings"]
    missing = [finding for finding in found if finding["grade"] == "missing"]
    for finding in missing:
        complain(f"{finding['what']}: {finding['detail']}", help=finding["remedy"])
    if missing:
        fail(ExitCode.FAILED, "no image can be built here", help="imagewright doctor")
