"""Downloads an object from S3, or with ``/*`` at its end all below a prefix.

With a wildcard, ``destination`` is a folder and the keys' structure is made again within.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import InputShape, ModuleSpec, about
from imagewright.runner.module import Module


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


MODULE = Module(
    ModuleSpec(name="S3Download", page=__doc__, inputs=Inputs, input_shape=InputShape.LIST)
)
