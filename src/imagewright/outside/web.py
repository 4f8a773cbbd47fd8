"""Fetching a file over HTTP and HTTPS, safely for the host that does it (§7.2, WebDownload).

Each hop of a redirect is a new request under the same rules: the name is resolved, every address
looked at, and the connection goes to an address that was looked at, so that a name which is
another a moment later gains nothing.
"""

import base64
import hashlib
import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from imagewright.outside.addresses import why_refused
from imagewright.outside.work import TransferFailed, Work, size
from imagewright.settings import Downloads

TRIES_MAX = 5
_REDIRECTS_MAX = 10
_PART_BYTES = 1 << 18
_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {"http": 80, "https": 443}
_PAUSE_SECONDS_MAX = 60.0
_SAFE = "/:?#[]@!$&'()*+,;=%~"


class _Transient(Exception):
    """It may go better the next time."""

    def __init__(self, why: str, pause_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.pause_seconds = pause_seconds
        """What the server asks for, at least."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes."""

    url: SplitResult
    host: str
    port: int

    @property
    def shown(self) -> str:
        """The URL without what may be a secret: names, passwords and queries."""
        query = "?…" if self.url.query else ""
        return f"{self.url.scheme}://{_at(self.host, self.port)}{self.url.path}{query}"


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
        self._settings = settings
        self._ca_bundle = ca_bundle
        self._proxies = dict(proxies or {})
        self._pause_seconds = pause_seconds
        self._allowed = {name.lower() for name in settings.allowed_hosts}

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
            except _Transient as problem:
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
        first, authorization = target, _authorization(target.url)
        for _hop in range(_REDIRECTS_MAX + 1):
            work.check()
            connection = self._connection(target, work, checks_certificates)
            with closing(connection):
                is_home = (target.url.scheme, target.host, target.port) == (
                    first.url.scheme, first.host, first.port,
                )  # fmt: skip
                response = self._ask(connection, target, work, authorization if is_home else None)
                with closing(response):
                    if response.status not in _REDIRECTS:
                        self._take(response, target, into, work, digest)
                        return
                    target = _next(target, response, is_pinned)
        raise TransferFailed(f"{first.shown} redirects more than {_REDIRECTS_MAX} times")

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        target: Target,
        work: Work,
        authorization: str | None,
    ) -> http.client.HTTPResponse:
        headers = {
            "Host": _at(target.host, target.port, _PORTS[target.url.scheme]),
            "User-Agent": "imagewright",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        if authorization:
            headers["Authorization"] = authorization
        path = (target.url.path or "/") + (f"?{target.url.query}" if target.url.query else "")
        proxy = self._proxy(target)
        if proxy is not None and target.url.scheme == "http":
            path = f"http://{_at(target.host, target.port, 80)}{path}"
            if known := _authorization(proxy.url):
                headers["Proxy-Authorization"] = known
        try:
            connection.connect()
            work.hold(connection.sock)  # with TLS it is another than was connected
            connection.request("GET", path, headers=headers)
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            raise TransferFailed(
                f"the certificate of {_at(target.host, target.port)} is not trusted: "
                f"{error.verify_message}; the setting sandbox.ca_bundle names other authorities, "
                "and ignoreCertificateErrors trusts any"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _Transient(f"{target.shown} cannot be fetched: {_words(error)}") from error

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
                raise _Transient(problem, _retry_after(response))
            raise TransferFailed(problem)
        most = self._settings.size_bytes_max
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
            raise _Transient(f"{target.shown} broke off: {_words(error)}") from error
        if work.total_bytes is not None and work.done_bytes < work.total_bytes:
            raise _Transient(f"{target.shown} broke off after {work.how_far}")

    def _connection(
        self, target: Target, work: Work, checks_certificates: bool
    ) -> http.client.HTTPConnection:
        proxy = self._proxy(target)
        addresses = self._addresses(target, needed=proxy is None)
        timeout = self._settings.timeout_seconds

        def connect(_address: object, *_rest: object) -> socket.socket:
            return self._connect(target, addresses, proxy, work)

        connection: http.client.HTTPConnection
        if target.url.scheme == "https":
            context = self._context(checks_certificates)
            connection = http.client.HTTPSConnection(
                target.host, target.port, timeout=timeout, context=context
            )
            if proxy is not None:
                connection.host, connection.port = proxy.host, proxy.port
                known = _authorization(proxy.url)
                headers = {"Proxy-Authorization": known} if known else {}
                connection.set_tunnel(target.host, target.port, headers)
        else:
            connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout)
        # The library's one door for it: whatever it would resolve itself would go unchecked.
        connection._create_connection = connect  # type: ignore[attr-defined]
        return connection

    def _connect(
        self, target: Target, addresses: list[str], proxy: Target | None, work: Work
    ) -> socket.socket:
        places = [(each, target.port) for each in addresses]
        if proxy is not None:
            places = [(proxy.host, proxy.port)]
        problem: OSError | None = None
        for place in places:
            work.check()
            try:
                connected = socket.create_connection(place, self._settings.timeout_seconds)
            except OSError as error:
                problem = error
                continue
            work.hold(connected)
            return connected
        assert problem is not None, "a name has an address"  # noqa: S101  (getaddrinfo's promise)
        raise problem

    def _addresses(self, target: Target, *, needed: bool) -> list[str]:
        """Resolve a name once, and look at all it stands for. Raises TransferFailed."""
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if not needed:
                return []  # the proxy knows more names than this host, and connects from elsewhere
            problem = f"the name {target.host} cannot be resolved: {_words(error)}"
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise _Transient(problem) from error
            raise TransferFailed(problem) from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        names = {target.host.lower(), _at(target.host, target.port).lower()}
        if not names & self._allowed:
            for address in addresses:
                if why := why_refused(address):
                    raise TransferFailed(
                        f"{target.host} is {why}"
                        + (f" ({address})" if address != target.host else "")
                        + ", which downloads may not reach from this host; the setting "
                        "downloads.allowed_hosts may allow it"
                    )
        return addresses

    def _proxy(self, target: Target) -> Target | None:
        bypassed = _is_among(target.host, self._proxies.get("no_proxy", ""))
        named = self._proxies.get(f"{target.url.scheme}_proxy") or self._proxies.get("all_proxy")
        if not named or bypassed:
            return None
        try:
            return read_url(named if "://" in named else f"http://{named}", schemes=("http",))
        except TransferFailed:
            raise TransferFailed("the proxy of this host's environment is no http:// URL") from None

    def _context(self, checks_certificates: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_bundle)
        if not checks_certificates:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def read_url(text: str, *, schemes: tuple[str, ...] = ("http", "https")) -> Target:
    """Take a URL apart. Raises TransferFailed if it is none to fetch from."""
    if any(character <= " " or character == "\x7f" for character in text.strip()):
        raise TransferFailed("the URL holds a space or a control character; write it as %20")
    try:
        url = urlsplit(quote(text.strip(), safe=_SAFE, encoding="utf-8"))
        url = url._replace(netloc=urlsplit(text.strip()).netloc)
        host, port = url.hostname or "", url.port
        if host and not host.isascii():
            host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise TransferFailed(f"the URL cannot be read: {error}") from None
    scheme = url.scheme.lower()
    if scheme not in schemes or not host:
        raise TransferFailed(f"this is no URL to fetch from: {_without_secrets(text)}")
    return Target(url._replace(scheme=scheme), host, port or _PORTS[scheme])


def file_name(source: str) -> str:
    """Return what a URL's last segment calls the file. Raises TransferFailed if it names none."""
    target = read_url(source)
    name = unquote(target.url.path.rpartition("/")[2])
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise TransferFailed(
            f"{target.shown} names no file, so the destination must: it ends with / now"
        )
    return name


def _is_among(host: str, no_proxy: str) -> bool:
    """Tell whether a list as of ``no_proxy`` names a host, or a domain above it, or all."""
    names = [each.strip().lower().lstrip(".") for each in no_proxy.split(",")]
    return any(name and (name == "*" or f".{host.lower()}".endswith(f".{name}")) for name in names)


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


def _authorization(url: SplitResult) -> str | None:
    if url.username is None:
        return None
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _retry_after(response: http.client.HTTPResponse) -> float:
    with suppress(ValueError):
        return float(int(response.headers.get("Retry-After", "")))
    return 0.0


def _at(host: str, port: int, usual: int | None = None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == usual else f"{name}:{port}"


def _write(into: IO[bytes], part: bytes) -> None:
    try:
        into.write(part)
    except OSError as error:
        raise TransferFailed(f"this host has no room for the download: {error.strerror}") from error


def _too_large(target: Target, most: int) -> TransferFailed:
    return TransferFailed(
        f"{target.shown} is larger than {size(most)}, the setting downloads.size_bytes_max"
    )


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time (the setting downloads.timeout_seconds)"
    text = getattr(error, "strerror", None) or str(error)
    return str(text) or type(error).__name__


def _without_secrets(text: str) -> str:
    scheme, sign, rest = text.partition("://")
    return f"{scheme}{sign}{rest.partition('?')[0].rpartition('@')[2]}"
