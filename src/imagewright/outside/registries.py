"""Requests to a registry of container images, and what it wants to know before it listens.

It speaks the distribution protocol of the Open Container Initiative; whoever pushes and whoever
pulls says what is asked for.
"""

import base64
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from imagewright.oci import DOCKER_HUB, DOCKER_HUB_URL, MANIFEST
from imagewright.outside.connections import Body as _Readable
from imagewright.outside.connections import Connections, Target, Transient, read_url
from imagewright.outside.work import TransferFailed, Work
from imagewright.settings import Downloads, Registry

ANSWER_BYTES_MAX = 4 << 20
"""Of a manifest and of a configuration; registries take none that is larger."""

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_KEEPING_FACTOR = 10
"""How much longer a registry may take to answer when it has a blob to put away."""
_TEXT_MAX = 300
"""Of a registry's words, in characters."""
_REDIRECTS = {301, 302, 303, 307, 308}
_REDIRECTS_MAX = 5


class RegistryFailed(Exception):
    """A registry does not do what it was asked for; the message says why."""


class RegistryRefused(RegistryFailed):
    """It answered otherwise than was hoped for."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP; None where the answer itself is not what it should be."""


class RegistryOutOfReach(RegistryFailed):
    """It did not answer; ``__cause__`` is what ``outside.connections`` says of it."""

    def __init__(self, message: str, *, may_pass: bool) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        """It may go better the next time."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks."""

    username: str
    password: str

    @property
    def basic(self) -> str:
        """The value of the header ``Authorization``."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


class Body(_Readable, Protocol):
    """What is sent, twice where the registry asks who it is from."""

    def rewind(self) -> None:
        """Begin again."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes


class Session:
    """Requests to one repository, in one transfer."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None,
        *,
        connections: Connections,
        work: Work,
        timeout_seconds: float,
    ) -> None:
        """``url``: of the repository, ``https://HOST/v2/REPOSITORY/``."""
        self.url = url
        self.work = work
        self._credentials = credentials
        self._connections = connections
        self._authorization: str | None = None
        self._timeout_seconds = timeout_seconds

    def has(self, path: str) -> bool:
        """Tell whether a blob or a manifest is there. Raises as ``ask`` does."""
        expected = {200, 307, 404}  # some registries say where in their storage it lies
        return self.ask("HEAD", self.url + path, expected=expected, Accept=MANIFEST).status != 404

    def ask(
        self,
        method: str,
        url: str,
        *,
        expected: set[int],
        body: Body | bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request and read what is answered: see ``open``."""
        with self.open(method, url, expected=expected, body=body, **headers) as response:
            data = self._read(response)
            if len(data) > ANSWER_BYTES_MAX:
                raise RegistryRefused(f"the registry's answer to {method} {url} is too long")
            return Answer(response.status, response.headers, data)

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        *,
        expected: set[int],
        body: Body | bytes | None = None,
        **headers: str,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, with whom it is from once the registry asks for that.

        What is got may lie elsewhere, and is then asked for there, by nobody in particular.
        Raises RegistryRefused for an answer that is not ``expected``, RegistryOutOfReach, Stopped.
        """
        target, home, has_said = read_url(url), read_url(self.url).origin, False
        for _hop in range(_REDIRECTS_MAX):
            with self._exchange(method, target, body, headers) as response:
                challenge = response.headers.get("WWW-Authenticate", "")
                may_say = target.origin == home and not has_said
                if response.status == 401 and may_say and self._authorize(challenge):
                    has_said = True
                    if body is not None and not isinstance(body, bytes):
                        body.rewind()
                    continue
                where = response.headers.get("Location")
                if method == "GET" and response.status in _REDIRECTS and where is not None:
                    target = read_url(led_to(where, target.url.geturl()))
                    continue
                if response.status not in expected:
                    text = self._read(response).decode("utf-8", "replace").strip()[:_TEXT_MAX]
                    raise RegistryRefused(
                        f"the registry answered {response.status} to {method} {target.shown}: "
                        f"{text}",
                        response.status,
                    )
                yield response
                return
        raise RegistryRefused(f"the registry redirects {method} {url} without end")

    @contextmanager
    def _exchange(
        self,
        method: str,
        target: Target,
        body: Body | bytes | None,
        headers: Mapping[str, str],
    ) -> Iterator[http.client.HTTPResponse]:
        sent = dict(headers)
        if self._authorization is not None and target.origin == read_url(self.url).origin:
            sent.setdefault("Authorization", self._authorization)  # for nobody but the registry
        factor = 1 if body is None or isinstance(body, bytes) else _KEEPING_FACTOR
        try:
            with self._connections.exchange(
                method,
                target,
                self.work,
                headers=sent,
                body=body,
                timeout_seconds=self._timeout_seconds * factor,
            ) as response:
                yield response
        except (Transient, TransferFailed) as error:
            self.work.check()
            raise RegistryOutOfReach(str(error), may_pass=isinstance(error, Transient)) from error

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read(ANSWER_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self.broken_off(error) from error

    def broken_off(self, error: Exception) -> RegistryOutOfReach:
        """Return what to raise where an answer ends too early. Raises Stopped if that is why."""
        self.work.check()
        problem = self._connections.words(error)
        return RegistryOutOfReach(f"the answer broke off: {problem}", may_pass=True)

    def _authorize(self, challenge: str) -> bool:
        """Do what a registry asks for before it listens; tell whether that may help."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._credentials is not None:
            is_new = self._authorization is None
            self._authorization = self._credentials.basic
            return is_new
        if scheme.lower() != "bearer":
            return False
        asked = dict(_CHALLENGE.findall(rest))
        realm = led_to(asked.pop("realm", ""))
        if urlsplit(realm).scheme not in {"https", urlsplit(self.url).scheme}:
            raise RegistryRefused(f"the registry wants its password sent to {realm}, without TLS")
        headers = {} if self._credentials is None else {"Authorization": self._credentials.basic}
        query = f"{'&' if urlsplit(realm).query else '?'}{urlencode(asked)}" if asked else ""
        with self._exchange("GET", read_url(realm + query), None, headers) as response:
            if response.status != 200:
                raise RegistryRefused(
                    f"the registry's {realm} answered {response.status}: no token", response.status
                )
            self._authorization = f"Bearer {_token(self._read(response), realm)}"
        return True


class Registries:
    """The registries that images are pulled from: those that the settings name, and any other."""

    def __init__(
        self,
        named: Mapping[str, Registry],
        downloads: Downloads,
        *,
        ca_bundle: Path | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        """``named``: by their hosts, as ``oci.registry_name`` has them.

        ``proxies``: as in a shell's environment.
        """
        self._named = named
        self._timeout_seconds = downloads.timeout_seconds
        urls = [each.url for each in named.values() if each.url is not None]
        self._connections = Connections(
            timeout_seconds=downloads.timeout_seconds,
            allowed_hosts=[
                *downloads.allowed_hosts, *named, *(read_url(url).place for url in urls),
            ],
            ca_bundle=ca_bundle,
            proxies=proxies,
        )  # fmt: skip

    def is_known_to(self, host: str) -> bool:
        """Tell whether the settings say who pulls from a registry."""
        return self._named.get(host, Registry()).username is not None

    def keeps_from(self, host: str, account: str | None) -> bool:
        """Tell whether they say so, and not for the builds of this account.

        None: the operator's own wish, for which they always count.
        """
        said = self._named.get(host, Registry())
        is_limited = account is not None and said.accounts is not None
        return is_limited and account not in (said.accounts or ())

    def session(
        self, host: str, repository: str, work: Work, *, account: str | None = None
    ) -> Session:
        """Begin to ask for a repository, for an account or for the operator."""
        said = self._named.get(host, Registry())
        url = said.url or (DOCKER_HUB_URL if host == DOCKER_HUB else f"https://{host}")
        root, path = urljoin(url, "/"), urlsplit(url).path.strip("/")
        return Session(
            f"{root}v2/{f'{path}/' if path else ''}{repository}/",
            None if self.keeps_from(host, account) else self._credentials(host),
            connections=self._connections,
            work=work,
            timeout_seconds=self._timeout_seconds,
        )

    def _credentials(self, host: str) -> Credentials | None:
        said = self._named.get(host, Registry())
        if said.username is None or said.password is None:
            return None
        return Credentials(said.username, said.password)


def led_to(where: str, base: str = "") -> str:
    """Return the URL that a registry leads to. Raises RegistryRefused if it is none."""
    try:
        return read_url(urljoin(base, where)).url.geturl()
    except (ValueError, TransferFailed) as error:
        raise RegistryRefused(f"the registry leads to what is no URL: {error}") from None


def _token(answer: bytes, realm: str) -> str:
    try:
        given = json.loads(answer)
    except ValueError:
        given = None
    token = (given.get("token") or given.get("access_token")) if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise RegistryRefused(f"the registry's {realm} answered without a token")
    return token
