"""Bringing an exported image from the server to a place on this host."""

import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from imagewright.cli.client import Client, Unreachable
from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.session import waiting_for
from imagewright.images.arrival import ExportFailed, arriving
from imagewright.images.gzipping import Gzip, is_gzip

_READ_BYTES = 1 << 18
_LAYOUT_NAME = re.compile(
    r"oci-layout|manifest\.json|index\.json|blobs/sha256/[0-9a-f]{64}", re.ASCII
)


class ExportForm(StrEnum):
    """What an image is exported as."""

    OCI = "oci"
    TAR = "tar"


def export_image(client: Client, image: str, form: ExportForm, to: Path) -> tuple[str, int]:
    """Write an image to a new place; return its build's ARN and how many bytes it has there.

    Nothing is left there if it fails; the command ends then. Raises Refused, Unreachable.
    """
    try:
        with arriving(to) as place, ExitStack() as stack:
            answer = client.download("/images/export", image=image, format=form.value)
            response = waiting_for(
                "the server packs the image", lambda: stack.enter_context(answer)
            )
            size_bytes = int(response.getheader("content-length") or 0)
            with _shown(response, size_bytes) as stream:
                if form is ExportForm.OCI:
                    _unpack(stream, place)
                else:
                    size_bytes = _save(stream, place, gzipped=is_gzip(to.name))
            _check_whole(response)
            return response.getheader("x-imagewright-image") or image, size_bytes
    except ExportFailed as error:
        fail(ExitCode.FAILED, str(error))
    except (tarfile.TarError, HTTPException) as error:
        raise Unreachable(f"the image did not arrive whole: {error}") from error


def _save(stream: IO[bytes], place: Path, *, gzipped: bool) -> int:
    with place.open("xb") as file:
        if not gzipped:
            shutil.copyfileobj(stream, file, _READ_BYTES)
            return file.tell()
        gzip = Gzip()
        while data := stream.read(_READ_BYTES):
            file.write(gzip.add(data))
        file.write(gzip.finish())
        return file.tell()


def _unpack(stream: IO[bytes], place: Path) -> None:
    """Unpack a layout, which has nothing but regular files (before 3.11.4 nothing does it safely).

    Raises tarfile.TarError for anything else.
    """
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_READ_BYTES) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not _LAYOUT_NAME.fullmatch(member.name):
                raise tarfile.TarError(f"{member.name!r} does not belong into an image layout")
            path = place / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                shutil.copyfileobj(content, file, _READ_BYTES)
    while stream.read(_READ_BYTES):
        pass


def _check_whole(response: HTTPResponse) -> None:
    if response.length:
        raise Unreachable(f"the image did not arrive whole: {response.length} bytes are missing")


@contextmanager
def _shown(response: HTTPResponse, size_bytes: int) -> Iterator[IO[bytes]]:
    """Show on a terminal how much has come."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield response
        return
    columns = (TextColumn("exporting"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        Progress(*columns, console=console, transient=True) as progress,
        progress.wrap_file(response, total=size_bytes) as stream,
    ):
        yield stream
