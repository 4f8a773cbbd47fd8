"""Downloads files over HTTP or HTTPS.

Up to 5 tries for each. With ``checksum`` and ``algorithm``, what comes is checked, and a file
that is there already with the right one is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from imagewright.documents.specs import InputShape, ModuleSpec, Problem, about
from imagewright.runner.module import Module


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What WebDownload takes, for each entry."""

    source: str = field(
        metadata=about("The URL.", pattern=r"(?is)https?://.+", pattern_says="an http(s) URL")
    )
    destination: str = field(metadata=about("The file; a folder ends in `/`.", length_min=1))
    overwrite: bool = field(default=True, metadata=about("Replace a file that is there."))
    checksum: str | None = field(default=None, metadata=about("What must come out, in hex."))
    algorithm: Literal["MD5", "SHA1", "SHA256", "SHA512"] | None = field(
        default=None, metadata=about("Of the checksum.")
    )
    ignore_certificate_errors: bool = field(
        default=False, metadata=about("Do not check who answers.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What WebDownload gives."""

    destination: str = field(metadata=about("The files, a line for each entry."))


def _both_or_none(values: Mapping[str, object]) -> Iterator[Problem]:
    if ("checksum" in values) != ("algorithm" in values):
        yield Problem("wrong value", (), "`checksum` and `algorithm` need each other")


MODULE = Module(
    ModuleSpec(
        name="WebDownload",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        input_shape=InputShape.LIST,
        extra_check=_both_or_none,
    )
)
