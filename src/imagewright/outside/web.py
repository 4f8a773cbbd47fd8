"""Fetching a file over HTTP and HTTPS, safely for the host that does it (§7.2, WebDownload).

Each hop of a redirect is a new request under the same rules (``outside.connections``).
"""

import hashlib
import http.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urljoin

from imagewright.outside.connections import (
    AddressRefused,
    CertificateRefused,
    Connections,
    Target,
    Transient,
    authorization,
    read_url,
)
from imagewright.outside.work import TransferFailed, Work, size
from imagewright.settings import Downloads

TRIES_MAX = 5
_REDIRECTS_MAX = 10
_PART_BYTES = 1 << 18
_REDIRECTS = {301, 302, 303, 307, 308}
_PAUSE_SECONDS_MAX = 60.0


class _Again(Exception):
    """It may go better the next time."""

    def __init__(self, why: str, pause_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.pause_seconds = pause_seconds
        """What the server asks for, at least."""


class Web:
    """Fetches files."""

    def __init__(
        self,
        settings: Downloads,
        *,
        ca_bundle: Path | None = None,
        proxies: Mapping[str, str] | None = None,
        pause_seconds: float = 1.0,
    ) -> None:
        """``proxies``: as in a shell's environment. ``pause_seconds``: before the second try."""
        self._size_bytes_max = settings.size_bytes_max
        self._pause_seconds = pause_seconds
        self._connections = Connections(
            timeout_seconds=settings.timeout_seconds,
            allowed_hosts=settings.allowed_hosts,
            ca_bundle=ca_bundle,
            proxies=proxies,
        )

    def fetch(
        self,
        source: str,
        into: IO[bytes],
        work: Work,
        *,
        algorithm: str | None = None,
        checks_certificates: bool = True,
    ) -> str:
        """Write what is there into a file, and return its digest in hex if asked for one.

        Raises TransferFailed, after up to five tries where another may go better, and Stopped.
        """
        target = read_url(source)
        for number in range(1, TRIES_MAX + 1):
            digest = hashlib.new(algorithm or "sha256", usedforsecurity=False)
            into.seek(0)
            into.truncate()
            work.done_bytes, work.total_bytes = 0, None
            try:
                self._follow(target, into, work, digest, algorithm is not None, checks_certificates)
            except _Again as problem:
                work.check()
                if number == TRIES_MAX:
                    raise TransferFailed(f"{problem} (try {number} of {TRIES_MAX})") from problem
                work.remarks.append(f"try {number} of {TRIES_MAX} failed: {problem}")
                doubled = self._pause_seconds * 2 ** (number - 1)
                work.pause(min(max(doubled, problem.pause_seconds), _PAUSE_SECONDS_MAX))
            else:
                return digest.hexdigest() if algorithm else ""
        raise AssertionError("the last try returns or raises")

    def _follow(
        self,
        target: Target,
        into: IO[bytes],
        work: Work,
        digest: "hashlib._Hash",
        is_pinned: bool,
        checks_certificates: bool,
    ) -> None:
        first, known = target, authorization(target.url)
        for _hop in range(_REDIRECTS_MAX + 1):
            work.check()
            is_home = target.origin == first.origin
            headers = {"Authorization": known} if known and is_home else {}
            try:
                with self._connections.exchange(
                    "GET", target, work, headers=headers, checks_certificates=checks_certificates
                ) as response:
                    if response.status not in _REDIRECTS:
                        self._take(response, target, into, work, digest)
                        return
                    target = _next(target, response, is_pinned)
            except Transient as error:
                raise _Again(f"{target.shown} cannot be fetched: {error}") from error
            except CertificateRefused as error:
                raise TransferFailed(f"{error}, and ignoreCertificateErrors trusts any") from error
            except AddressRefused as error:
                raise TransferFailed(
                    f"{error}; the setting downloads.allowed_hosts may allow it"
                ) from error
        raise TransferFailed(f"{first.shown} redirects more than {_REDIRECTS_MAX} times")

    def _take(
        self,
        response: http.client.HTTPResponse,
        target: Target,
        into: IO[bytes],
        work: Work,
        digest: "hashlib._Hash",
    ) -> None:
        if response.status != 200:
            problem = f"{target.shown} answers {response.status} {response.reason}".rstrip()
            if response.status >= 500 or response.status in {408, 429}:
                raise _Again(problem, _retry_after(response))
            raise TransferFailed(problem)
        most = self._size_bytes_max
        work.total_bytes = response.length
        if (response.length or 0) > most:
            raise _too_large(target, most)
        try:
            while part := response.read1(_PART_BYTES):
                work.check()
                work.done_bytes += len(part)
                if work.done_bytes > most:
                    raise _too_large(target, most)
                digest.update(part)
                _write(into, part)
        except (OSError, http.client.HTTPException) as error:
            raise _Again(f"{target.shown} broke off: {self._connections.words(error)}") from error
        if work.total_bytes is not None and work.done_bytes < work.total_bytes:
            raise _Again(f"{target.shown} broke off after {work.how_far}")


def file_name(source: str) -> str:
    """Return what a URL's last segment calls the file. Raises TransferFailed if it names none."""
    target = read_url(source)
    name = unquote(target.url.path.rpartition("/")[2])
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise TransferFailed(
            f"{target.shown} names no file, so the destination must: it ends with / now"
        )
    return name


def _next(target: Target, response: http.client.HTTPResponse, is_pinned: bool) -> Target:
    where = response.headers.get("Location", "")
    if not where:
        raise TransferFailed(f"{target.shown} redirects without saying where to")
    following = read_url(urljoin(target.url.geturl(), where))
    if (target.url.scheme, following.url.scheme) == ("https", "http") and not is_pinned:
        raise TransferFailed(
            f"{target.shown} redirects to {following.shown}, which is not encrypted; that is "
            "followed only with a checksum"
        )
    return following


def _retry_after(response: http.client.HTTPResponse) -> float:
    with suppress(ValueError):
        return float(int(response.headers.get("Retry-After", "")))
    return 0.0


def _write(into: IO[bytes], part: bytes) -> None:
    try:
        into.write(part)
    except OSError as error:
        raise TransferFailed(f"this host has no room for the download: {error.strerror}") from error


def _too_large(target: Target, most: int) -> TransferFailed:
    return TransferFailed(
        f"{target.shown} is larger than {size(most)}, the setting downloads.size_bytes_max"
    )
