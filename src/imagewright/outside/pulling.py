"""What is got of a repository in a registry: manifests and blobs, each as its digest says.

What goes wrong in passing is tried again, and a blob goes on where it broke off.
"""

import hashlib
import http.client
import json
import re
from collections.abc import Callable, Mapping
from io import BufferedRandom
from typing import Any, TypeVar

from imagewright.oci import ANY_MANIFEST
from imagewright.outside.registries import (
    ANSWER_BYTES_MAX,
    RegistryOutOfReach,
    RegistryRefused,
    Session,
)

TRIES_MAX = 3
_PART_BYTES = 1 << 18
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_DIGEST_HEADER = "Docker-Content-Digest"
_NO_HEAD = {404, 405}
_TOO_MANY = 429

Result = TypeVar("Result")


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest that can be verified here."""
    return _DIGEST.fullmatch(text) is not None


def may_pass(error: RegistryRefused) -> bool:
    """Tell whether a registry that answers so is only unable to serve for now."""
    return error.status is not None and (error.status >= 500 or error.status == _TOO_MANY)


class Puller:
    """Gets what one repository has."""

    def __init__(self, session: Session, *, pause_seconds: float = 1.0) -> None:
        """``pause_seconds``: before the second try."""
        self._session = session
        self._pause_seconds = pause_seconds

    def digest_of(self, tag: str) -> str:
        """Return the digest of what a tag means now, an index or a manifest.

        Raises RegistryRefused, RegistryOutOfReach, Stopped.
        """
        url = f"{self._session.url}manifests/{tag}"
        expected = {200, *_NO_HEAD}  # with a body, a refusal says more
        asked = self._tried(
            lambda: self._session.ask("HEAD", url, expected=expected, Accept=ANY_MANIFEST)
        )
        named = asked.headers.get(_DIGEST_HEADER, "")
        if asked.status == 200 and is_digest(named):
            return named
        got = self._tried(
            lambda: self._session.ask("GET", url, expected={200}, Accept=ANY_MANIFEST)
        )
        return _digest(got.data)

    def manifest(self, digest: str) -> tuple[bytes, str]:
        """Return a manifest or an index as it is, and its media type. Raises as above."""
        got = self._tried(
            lambda: self._session.ask(
                "GET", f"{self._session.url}manifests/{digest}", expected={200}, Accept=ANY_MANIFEST
            )
        )
        if (actual := _digest(got.data)) != digest:
            raise RegistryRefused(f"the registry has {actual} in the place of {digest}")
        return got.data, got.headers.get_content_type()

    def blob(self, descriptor: Mapping[str, Any], file: BufferedRandom) -> None:
        """Write a blob into an empty file. Raises as above, and OSError of the file."""
        digest, size_bytes = descriptor["digest"], descriptor["size"]
        work, begun_at = self._session.work, self._session.work.done_bytes
        for number in range(2):
            file.seek(0)
            file.truncate()
            work.done_bytes = begun_at
            self._tried(lambda: self._go_on(digest, size_bytes, file))
            file.seek(0)
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == digest:
                return
            work.remarks.append(f"{digest} came damaged (try {number + 1} of 2)")
        raise RegistryRefused(f"what the registry has as {digest} is something else")

    def _go_on(self, digest: str, size_bytes: int, file: BufferedRandom) -> None:
        """Get what is still missing of a blob."""
        work, there = self._session.work, file.seek(0, 2)
        if there == size_bytes:
            return
        url = f"{self._session.url}blobs/{digest}"
        with self._session.open(
            "GET", url, expected={200, 206}, Range=f"bytes={there}-"
        ) as response:
            if there and response.status == 200:  # it does not go on: all comes again
                work.done_bytes -= there
                there = 0
                file.seek(0)
                file.truncate()
            while part := self._part(response):
                there += len(part)
                work.done_bytes += len(part)
                if there > size_bytes:
                    raise RegistryRefused(f"{digest} is larger than its manifest says")
                file.write(part)
        if there < size_bytes:
            raise RegistryOutOfReach(
                f"{digest} broke off after {there} of {size_bytes} bytes", may_pass=True
            )

    def _part(self, response: http.client.HTTPResponse) -> bytes:
        self._session.work.check()
        try:
            return response.read1(_PART_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise self._session.broken_off(error) from error

    def _tried(self, do: Callable[[], Result]) -> Result:
        for number in range(1, TRIES_MAX):
            try:
                return do()
            except RegistryOutOfReach as error:
                if not error.may_pass:
                    raise
            except RegistryRefused as error:
                if error.status is None or error.status < 500:
                    raise
            self._session.work.pause(self._pause_seconds * number)
        return do()


def parsed(data: bytes) -> Mapping[str, Any]:
    """Read what a registry has as JSON. Raises RegistryRefused."""
    try:
        content = json.loads(data[: ANSWER_BYTES_MAX + 1])
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise RegistryRefused("the registry has no manifest there, but something else")
    return content


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
