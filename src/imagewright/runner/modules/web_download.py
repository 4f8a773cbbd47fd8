"""Downloads files over HTTP or HTTPS.

The host that builds fetches them, so the machine needs no program for it; what is the host's own
(loopback, link-local and metadata addresses) is refused, unless the setting
``downloads.allowed_hosts`` names it. Redirects are followed, from HTTPS to HTTP only with a
checksum. There are up to 5 tries for each file, with growing pauses; any answer but 200 in the end
is an error.

With ``checksum`` and ``algorithm``, what comes is checked before it appears, and a file that is
there already with the right one is kept. A file that is replaced keeps its owner and permissions.
Folders on the way are made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from imagewright.documents.component.operators import Algorithm
from imagewright.documents.specs import InputShape, ModuleSpec, Problem, about
from imagewright.outside.web import file_name
from imagewright.outside.work import TransferFailed, Work
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.fetching import bring_in, make_sure_of_place, scratch_file, transfer
from imagewright.runner.guest import Guest
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


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Download it, unless the right one is there."""
    target = _target(inputs, guest)
    outputs = Outputs(destination=target)
    make_sure_of_place(guest, target, overwrite=inputs.overwrite)
    if _is_there(inputs, guest, target):
        guest.tell(f"kept, for its {inputs.algorithm} is right already: {target}")
        return outputs
    with scratch_file(guest) as file:

        def fetch(work: Work) -> str:
            return guest.environment.outside.web.fetch(
                inputs.source,
                file,
                work,
                algorithm=inputs.algorithm and inputs.algorithm.lower(),
                checks_certificates=not inputs.ignore_certificate_errors,
            )

        digest = transfer(guest, "downloaded", fetch)
        if inputs.checksum is not None and digest != inputs.checksum.strip().lower():
            raise ModuleFailure(
                f"the {inputs.algorithm} checksum of what came is {digest}, not "
                f"{inputs.checksum.strip().lower()}; {target} was not written"
            )
        bring_in(guest, file, target, overwrite=inputs.overwrite)
    return outputs


def _target(inputs: Inputs, guest: Guest) -> str:
    if not inputs.destination.endswith("/"):
        return guest.path(inputs.destination)
    try:
        return guest.path(inputs.destination + file_name(inputs.source))
    except TransferFailed as error:
        raise ModuleFailure(str(error)) from None


def _is_there(inputs: Inputs, guest: Guest, target: str) -> bool:
    """Tell whether the right file is there; without a program to see it by, it is fetched."""
    if inputs.checksum is None or inputs.algorithm is None:
        return False
    algorithm = cast("Algorithm", inputs.algorithm.lower())
    if not guest.file_exists(target) or not guest.has(f"{algorithm}sum"):
        return False
    return guest.digest(target, algorithm) == inputs.checksum.strip().lower()


MODULE = Module(
    ModuleSpec(
        name="WebDownload",
        page=__doc__,
        inputs=Inputs,
        outputs=Outputs,
        input_shape=InputShape.LIST,
        extra_check=_both_or_none,
        built=True,
    ),
    run,
)
