"""``imagewright prune``: free the layers that nothing needs."""

import json
from typing import Annotated

import typer

from imagewright.cli.options import Output, OutputForm, State
from imagewright.cli.session import session, waiting_for
from imagewright.cli.text import print_table, size


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be freed.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Free also what a later build could reuse, base images too."),
    ] = False,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Free the layers that no image and no machine needs, and no build would reuse.

    What was used within the last hour is left alone. Layers that are kept packed, for exports, go
    first where layers.size_bytes_max asks for room.

    \b
        imagewright prune --dry-run
        imagewright prune --all
    """
    with session(state) as running:
        wish = {"dryRun": dry_run, "everything": everything}
        found = waiting_for("freeing layers", lambda: running.client.post("/layers/prune", wish))
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [
        [layer["layer"], size(layer["sizeBytes"]), layer.get("madeBy") or "", layer["why"]]
        for layer in found["layers"]
    ]
    if rows:
        print_table(["LAYER", "SIZE", "MADE BY", "WHY"], rows, nothing="")
    usage = found["usage"]
    would = "would be freed" if dry_run else "freed"
    packed = found["packedSizeBytes"]
    of_packed = f" ({size(packed)} of it kept packed)" if packed else ""
    typer.echo(
        f"{size(found['sizeBytes'])} {would}{of_packed}; {usage['count']} layers take "
        f"{size(usage['sizeBytes'])}, and packed {size(usage['packedSizeBytes'])} more; "
        f"{size(usage['freeBytes'])} are free on the disk"
    )
