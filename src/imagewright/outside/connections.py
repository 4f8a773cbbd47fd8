"""Connections of this host for others: every address looked at, proxies, certificates.

A name is resolved once, all its addresses are looked at, and the connection goes to one that was
looked at, so that a name which is another a moment later gains nothing.
"""

import base64
import http.client
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, unquote, urlsplit

from imagewright.outside.addresses import why_refused
from imagewright.outside.work import TransferFailed, Work

_PORTS = {"http": 80, "https": 443}
_SAFE = "/:?#[]@!$&'()*+,;=%~"
_PART_BYTES = 1 << 18


class Transient(Exception):
    """There is no answer; it may go better the next time. The message says what went wrong."""


class NameUnknown(TransferFailed):
    """No address belongs to a name."""


class AddressRefused(TransferFailed):
    """A name stands for an address that may not be reached; the message ends with that."""


class CertificateRefused(TransferFailed):
    """Nobody trusted vouches for the other side."""


class NoTls(TransferFailed):
    """The other side does not speak TLS, or not with us."""


class Body(Protocol):
    """What is sent, read as a file is."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; none at the end."""
        ...


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
        return f"{self.url.scheme}://{self.place}{self.url.path}{query}"

    @property
    def place(self) -> str:
        """Host and port."""
        return _at(self.host, self.port)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be the same for a secret to be sent again."""
        return self.url.scheme, self.host, self.port


class Connections:
    """Connects, asks, and hands over what is answered. Safe to use from several threads."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        allowed_hosts: Iterable[str] = (),
        ca_bundle: Path | None = None,
        proxies: Mapping[str, str] | None = None,
        timeout_setting: str = "downloads.timeout_seconds",
    ) -> None:
        """``timeout_seconds``: for connecting, and for each silence after it; whoever waits in vain
        is told of ``timeout_setting``.

        ``allowed_hosts``: ``HOST`` or ``HOST:PORT`` that may be reached whatever their addresses.
        ``proxies``: as in a shell's environment.
        """
        self._timeout_seconds = timeout_seconds
        self._allowed = {name.lower() for name in allowed_hosts}
        self._ca_bundle = ca_bundle
        self._proxies = dict(proxies or {})
        self._timeout_setting = timeout_setting

    @contextmanager
    def exchange(
        self,
        method: str,
        target: Target,
        work: Work,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | bytes | None = None,
        checks_certificates: bool = True,
        timeout_seconds: float | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, and yield the answer for the block to read.

        Raises Transient, Stopped, and TransferFailed in the kinds of this module.
        """
        timeout = timeout_seconds or self._timeout_seconds
        connection = self._connection(target, work, checks_certificates, timeout)
        with closing(connection):
            response = self._ask(connection, method, target, work, headers or {}, body)
            with closing(response):
                yield response

    def words(self, error: BaseException) -> str:
        """Say what went wrong with a connection."""
        if isinstance(error, TimeoutError):
            return f"it does not answer in time (the setting {self._timeout_setting})"
        text = getattr(error, "strerror", None) or str(error)
        return str(text) or type(error).__name__

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: Target,
        work: Work,
        headers: Mapping[str, str],
        body: Body | bytes | None,
    ) -> http.client.HTTPResponse:
        sent = {
            "Host": _at(target.host, target.port, _PORTS[target.url.scheme]),
            "User-Agent": "imagewright",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **headers,
        }
        path = (target.url.path or "/") + (f"?{target.url.query}" if target.url.query else "")
        proxy = self._proxy(target)
        if proxy is not None and target.url.scheme == "http":
            path = f"http://{_at(target.host, target.port, 80)}{path}"
            if known := authorization(proxy.url):
                sent["Proxy-Authorization"] = known
        try:
            connection.connect()
            work.hold(connection.sock)  # with TLS it is another than was connected
            given: Any = body  # the library's type has files only, and it needs only ``read``
            connection.request(method, path, body=given, headers=sent)
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(
                f"the certificate of {target.place} is not trusted: {error.verify_message}; the "
                "setting sandbox.ca_bundle names other authorities"
            ) from error
        except ssl.SSLEOFError as error:
            raise Transient(self.words(error)) from error
        except ssl.SSLError as error:
            raise NoTls(f"{target.place} speaks no TLS that is understood: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Transient(self.words(error)) from error

    def _connection(
        self, target: Target, work: Work, checks_certificates: bool, timeout: float
    ) -> http.client.HTTPConnection:
        proxy = self._proxy(target)
        addresses = self._addresses(target, needed=proxy is None)

        def connect(_address: object, *_rest: object) -> socket.socket:
            return _connect(target, addresses, proxy, work, timeout)

        connection: http.client.HTTPConnection
        if target.url.scheme == "https":
            context = self._context(checks_certificates)
            connection = http.client.HTTPSConnection(
                target.host, target.port, timeout=timeout, context=context, blocksize=_PART_BYTES
            )
            if proxy is not None:
                connection.host, connection.port = proxy.host, proxy.port
                known = authorization(proxy.url)
                headers = {"Proxy-Authorization": known} if known else {}
                connection.set_tunnel(target.host, target.port, headers)
        else:
            connection = http.client.HTTPConnection(
                target.host, target.port, timeout=timeout, blocksize=_PART_BYTES
            )
        # Whatever the library would resolve itself would go unchecked. A socket may be given to it
        # in public, but then it neither asks the proxy for a tunnel nor speaks TLS in it.
        connection._create_connection = connect  # type: ignore[attr-defined]  # its stubs hide it
        return connection

    def _addresses(self, target: Target, *, needed: bool) -> list[str]:
        """Resolve a name once, and look at all it stands for. Raises Transient, TransferFailed."""
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if not needed:
                return []  # the proxy knows more names than this host, and connects from elsewhere
            problem = f"the name {target.host} cannot be resolved: {self.words(error)}"
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise Transient(problem) from error
            raise NameUnknown(problem) from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        names = {target.host.lower(), target.place.lower()}
        if not names & self._allowed:
            for address in addresses:
                if why := why_refused(address):
                    raise AddressRefused(
                        f"{target.host} is {why}"
                        + (f" ({address})" if address != target.host else "")
                        + ", which downloads may not reach from this host"
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


def authorization(url: SplitResult) -> str | None:
    """Return what a URL's name and password are as a header."""
    if url.username is None:
        return None
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _connect(
    target: Target, addresses: list[str], proxy: Target | None, work: Work, timeout: float
) -> socket.socket:
    places = [(each, target.port) for each in addresses]
    if proxy is not None:
        places = [(proxy.host, proxy.port)]
    problem: OSError | None = None
    for place in places:
        work.check()
        try:
            connected = socket.create_connection(place, timeout)
        except OSError as error:
            problem = error
            continue
        work.hold(connected)
        return connected
    assert problem is not None, "a name has an address"  # noqa: S101  (getaddrinfo's promise)
    raise problem


def _is_among(host: str, no_proxy: str) -> bool:
    """Tell whether a list as of ``no_proxy`` names a host, or a domain above it, or all."""
    names = [each.strip().lower().lstrip(".") for each in no_proxy.split(",")]
    return any(name and (name == "*" or f".{host.lower()}".endswith(f".{name}")) for name in names)


def _at(host: str, port: int, usual: int | None = None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == usual else f"{name}:{port}"


def _without_secrets(text: str) -> str:
    scheme, sign, rest = text.partition("://")
    return f"{scheme}{sign}{rest.partition('?')[0].rpartition('@')[2]}"
