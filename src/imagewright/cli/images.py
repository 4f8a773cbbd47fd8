"""``imagewright images``: what came of builds."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from imagewright.cli.export import ExportForm, export_image
from imagewright.cli.options import Output, OutputForm, State
from imagewright.cli.session import Region, session, waiting_for
from imagewright.cli.text import moment, print_table, short, size

Json = Mapping[str, Any]

commands = typer.Typer(
    help="List, show and export images. An image is named by its ARN, name, name/version, "
    "name/version/build, or `last`.",
    no_args_is_help=True,
)

Reference = Annotated[
    str, typer.Argument(metavar="IMAGE", help="Its ARN, name/version/build, name, or last.")
]

_LISTING = "imagewright images list"
_LISTED = 12
"""How many packages or files are shown of each kind; --output json has them all."""


@commands.command("list")
def list_images(
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 50,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """List the images that are available, the newest first.

    \b
        imagewright images list
    """
    with session(state, region, listing=_LISTING) as running:
        found = running.client.get("/builds", count=count, status="AVAILABLE")["builds"]
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [
        [
            short(build["imageBuildVersionArn"]),
            ", ".join(build.get("images", [])),
            build.get("osVersion", ""),
            moment(build["dateCreated"]),
        ]
        for build in found
    ]
    print_table(["IMAGE", "ID", "SYSTEM", "BUILT"], rows, nothing="no images yet")


@commands.command()
def show(
    image: Reference = "last",
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Show an image: its size, and what packages and files it added to its parent.

    \b
        imagewright images show web
    """
    files = 100_000 if output is OutputForm.JSON else 200
    with session(state, region, listing=_LISTING) as running:
        found = waiting_for(
            "looking into the image",
            lambda: running.client.get("/images/contents", image=image, files=files),
        )
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
    else:
        print_contents(Console(highlight=False, soft_wrap=True), found)


@commands.command()
def export(
    image: Reference,
    to: Annotated[
        Path, typer.Option("--to", help="Where to: a new directory for oci, a new file for tar.")
    ],
    form: Annotated[
        ExportForm,
        typer.Option(
            "--format",
            help="oci: an image layout that Docker, podman and skopeo load. tar: the root file "
            "system, gzipped where --to ends in .gz or .tgz.",
        ),
    ] = ExportForm.OCI,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Export an image.

    \b
        imagewright images export web --to ./web
        skopeo copy oci:./web docker-daemon:web:1.0.0
        tar -C web -c . | docker load
        imagewright images export web --format tar --to web.tar
    """
    with session(state, region, listing=_LISTING) as running:
        arn, size_bytes = export_image(running.client, image, form, to.absolute())
    if output is OutputForm.JSON:
        told = {"imageBuildVersionArn": arn, "path": str(to), "sizeBytes": size_bytes}
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(f"{short(arn)} exported to {to} ({size(size_bytes)})")


def print_contents(console: Console, found: Json) -> None:
    """Show what an image is and what it added."""
    console.print(
        Text.assemble((short(found["imageBuildVersionArn"]), "bold"), f"  {found['image']}")
    )
    parent = found["parentImage"]
    shown = short(parent) if parent.startswith("arn:") else parent
    console.print(f"  {found['osVersion'] or 'an unknown system'}, built on {shown}")
    console.print(
        f"  {size(found['sizeBytes'])} in all, {size(found['addedSizeBytes'])} more than its parent"
    )
    for line in _packages(found["packages"]):
        console.print(f"  {line}")
    for line in _files(found["files"]):
        console.print(f"  {line}")


def _packages(packages: Json) -> Iterator[str]:
    yield f"{packages['count']} packages"
    added = [f"{each['name']} {each['version']}" for each in packages["added"]]
    changed = [f"{each['name']} {each['from']} -> {each['to']}" for each in packages["changed"]]
    removed = [each["name"] for each in packages["removed"]]
    for what, names in (("added", added), ("changed", changed), ("removed", removed)):
        if names:
            yield f"  {what} ({len(names)}): {_some(names)}"


def _files(files: Json) -> Iterator[str]:
    counts = [
        f"{files[kind]['count']} {kind}"
        for kind in ("added", "changed", "deleted")
        if kind in files
    ]
    yield f"files: {', '.join(counts) or 'none changed'}"
    added = [file["path"] for file in files["listed"] if file["change"] == "added"]
    # What package managers write down of their own work comes last.
    if added:
        yield f"  added: {_some(sorted(added, key=lambda path: path.startswith('/var/')))}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
