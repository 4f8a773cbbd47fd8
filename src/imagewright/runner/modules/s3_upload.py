"""Uploads files to S3.

A file becomes an object; behind a destination that ends with a slash, or is a bucket alone, it
keeps its name. With ``*`` in the last part of ``source`` the files it selects go below a prefix,
and with ``recurse`` those of the folders within as well, below their folders' names. When one
fails, those before it stay.

The host that builds sends them with the key of its settings (``aws.access_key_id``,
``aws.s3_endpoint``), which the machine never sees; it needs ``s3:PutObject``. As its effect is
outside the machine, a component with this module always runs, and no layer stands for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.outside.objects import DEFAULT_REGION, split_uri
from imagewright.outside.work import Work
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.fetching import bring_out, scratch_file, transfer
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.wildcards import select


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What S3Upload takes, for each entry."""

    source: str = field(metadata=about("The file, or files.", length_min=1))
    destination: str = field(
        metadata=about(
            "Where they go.", pattern=r"(?is)s3://[^/]+(/.*)?", pattern_says="`s3://bucket/key`"
        )
    )
    recurse: bool = field(default=False, metadata=about("Go into the folders within."))
    expected_bucket_owner: str | None = field(
        default=None,
        metadata=about(
            "The account that must own the bucket.",
            pattern=r"[0-9]{12}",
            pattern_says="an account id of 12 digits",
        ),
    )


def run(inputs: Inputs, guest: Guest) -> None:
    """Upload what the source selects, one after another."""
    bucket, key = split_uri(inputs.destination)
    path = guest.path(inputs.source)
    selection = select(path)
    if not selection.has_wildcard:
        if key == "" or key.endswith("/"):
            key += selection.pieces[0]
        _put(inputs, guest, path, bucket, key)
        return
    prefix = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    pattern = re.compile(".*".join(map(re.escape, selection.pieces)), re.DOTALL)
    found = list(_walk(guest, selection.folder, pattern, "", recurse=inputs.recurse))
    if not found:
        raise ModuleFailure(f"source does not exist: {inputs.source}")
    for name in found:
        _put(inputs, guest, f"{selection.folder}/{name}", bucket, f"{prefix}{name}")


def _walk(
    guest: Guest, folder: str, pattern: re.Pattern[str], below: str, *, recurse: bool
) -> Iterator[str]:
    """Name the files that match, by their path in the folder; links to folders are not entered."""
    for entry in guest.script(_LIST, f"{folder}/{below}").split("\0")[:-1]:
        kind, name = entry[0], entry[1:]
        if kind == "f" and pattern.fullmatch(name):
            yield f"{below}{name}"
        elif kind == "d" and recurse:
            yield from _walk(guest, folder, pattern, f"{below}{name}/", recurse=True)


def _put(inputs: Inputs, guest: Guest, path: str, bucket: str, key: str) -> None:
    with scratch_file(guest) as file:
        objects = guest.environment.outside.objects
        bring_out(guest, path, file, size_bytes_max=objects.size_bytes_max)

        def put(work: Work) -> None:
            objects.put(
                bucket,
                key,
                file,
                work,
                region=guest.environment.region or DEFAULT_REGION,
                owner=inputs.expected_bucket_owner,
            )

        transfer(guest, "uploaded", put)


_LIST = """
for entry in "$1"* "$1".*; do
    name=${entry##*/}
    case $name in .|..) continue ;; esac
    if [ -f "$entry" ]; then
        printf 'f%s\\0' "$name"
    elif [ -d "$entry" ] && [ ! -L "$entry" ]; then
        printf 'd%s\\0' "$name"
    fi
done
"""

MODULE = Module(
    ModuleSpec(
        name="S3Upload",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
    service="s3",
)
