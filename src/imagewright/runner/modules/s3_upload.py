"""Uploads files to S3.

A file becomes an object; with ``*`` in its last part, files go below a prefix, and with
``recurse`` those of the folders within as well.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.module import Module


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


MODULE = Module(
    ModuleSpec(name="S3Upload", page=__doc__, inputs=Inputs, input_shape=InputShape.LIST)
)
