"""Downloads an object from S3, or with ``/*`` at its end all below a prefix.

With a wildcard, ``destination`` is a folder and the keys' structure is made again within; it may
select 1000 objects. Of a single object it is the file, or a folder if it ends with a slash. Folders
on the way are made; when one object fails, those before it stay.

The host that builds fetches them with the key of its settings (``aws.access_key_id``,
``aws.s3_endpoint``), which the machine never sees; it needs ``s3:GetObject``, and for a wildcard
``s3:ListBucket``.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.outside.objects import DEFAULT_REGION, split_uri
from imagewright.outside.work import Work
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.fetching import (
    bring_in,
    fetch_object,
    make_sure_of_place,
    scratch_file,
    transfer,
)
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module

_TAKEN = (
    'Error: S3Download: File already exists and "overwrite" property for "destination" file is '
    "set to false. Cannot download."
)
"""The service's own words."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What S3Download takes, for each entry."""

    source: str = field(
        metadata=about(
            "The object.", pattern=r"(?is)s3://[^/]+/.+", pattern_says="`s3://bucket/key`"
        )
    )
    destination: str = field(metadata=about("The file, or the folder.", length_min=1))
    expected_bucket_owner: str | None = field(
        default=None,
        metadata=about(
            "The account that must own the bucket.",
            pattern=r"[0-9]{12}",
            pattern_says="an account id of 12 digits",
        ),
    )
    overwrite: bool = field(default=True, metadata=about("Replace a file that is there."))


def run(inputs: Inputs, guest: Guest) -> None:
    """Download what the source selects, one after another."""
    bucket, key = split_uri(inputs.source)
    if "*" not in key:
        destination = inputs.destination
        if destination.endswith("/"):
            destination += _safe(key.rpartition("/")[2], key)
        _fetch(inputs, guest, bucket, key, guest.path(destination))
        return
    prefix = key[:-1]
    if "*" in prefix or not (key == "*" or key.endswith("/*")):
        raise ModuleFailure(f"`*` may stand only at the end, behind a slash: {inputs.source}")
    keys = _listed(inputs, guest, bucket, prefix)
    if not keys:
        raise ModuleFailure(f"source does not exist: {inputs.source}")
    folder = guest.path(inputs.destination).rstrip("/")
    for each in keys:
        name = _safe(each.removeprefix(prefix).rstrip("/"), each)
        if each.endswith("/"):
            guest.script('mkdir -p "$1"', f"{folder}/{name}")
        else:
            _fetch(inputs, guest, bucket, each, f"{folder}/{name}")


def _listed(inputs: Inputs, guest: Guest, bucket: str, prefix: str) -> list[str]:
    """List keys; the one that stands for the folder itself is left out."""

    def ask(_work: Work) -> list[str]:
        return guest.environment.outside.objects.keys(
            bucket,
            prefix,
            region=guest.environment.region or DEFAULT_REGION,
            owner=inputs.expected_bucket_owner,
        )

    return [each for each in transfer(guest, "listed", ask) if each != prefix]


def _fetch(inputs: Inputs, guest: Guest, bucket: str, key: str, target: str) -> None:
    make_sure_of_place(guest, target, overwrite=inputs.overwrite, taken=_TAKEN)
    with scratch_file(guest) as file:
        fetch_object(guest, file, bucket, key, owner=inputs.expected_bucket_owner)
        bring_in(guest, file, target, overwrite=inputs.overwrite, taken=_TAKEN)


def _safe(name: str, key: str) -> str:
    """Return the part of a key that becomes a path, if it stays below the folder."""
    if "\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise ModuleFailure(f"this key names no file below a folder: {key}")
    return name


MODULE = Module(
    ModuleSpec(
        name="S3Download",
        page=__doc__,
        inputs=Inputs,
        input_shape=InputShape.LIST,
        built=True,
    ),
    run,
    service="s3",
)
