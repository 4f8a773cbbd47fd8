"""A registry of container images as the place of a region: a repository for each image.

It speaks the distribution protocol of the Open Container Initiative: blobs first, those that are
there already are not sent again, then the manifest under its tags.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from imagewright.distribution.artefact import Artefact, Form, Parcel
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_KEEPING_FACTOR = 10
"""How much longer a registry may take to answer when it has a blob to put away."""
_TEXT_MAX = 300
"""Of a registry's words, in characters."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who pushes."""

    username: str
    password: str

    @property
    def basic(self) -> str:
        """The value of the header ``Authorization``."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


class Registry:
    """See ``artefact.Place``. A copy is there once the tag with its id is."""

    form: Form = "oci"

    def __init__(
        self, reference: str, credentials: Credentials | None, *, timeout_seconds: float
    ) -> None:
        """``reference``: ``HOST/REPOSITORY``; with ``http://`` before it, without TLS."""
        scheme, _, rest = reference.rpartition("://")
        self._host, _, self._repository = rest.partition("/")
        self._url = f"{scheme or 'https'}://{self._host}"
        self._credentials = credentials
        self._timeout_seconds = timeout_seconds

    def refusal(self, kms_key_id: str | None) -> str | None:
        """Say why no copy can be put here: see Place."""
        if kms_key_id is not None:
            return (
                f"copies in the registry {self._host} cannot be encrypted with a key; a bucket can "
                "(regions.REGION.bucket)"
            )
        return None

    def put(self, parcel: Parcel) -> str:
        """Put a copy here: see Place."""
        image = str(parcel.described["slug"])
        session = _Session(
            f"{self._url}/v2/{self._repository}/{image}/",
            self._credentials,
            timeout_seconds=self._timeout_seconds,
        )
        where = f"{self._host}/{self._repository}/{image}:{parcel.copy_id}"
        with _told_of(where):
            if not session.has(f"manifests/{parcel.copy_id}"):
                manifest = _annotated(parcel)
                for descriptor in [manifest["config"], *manifest["layers"]]:
                    session.send_blob(parcel, descriptor["digest"])
                pass_by(CrashPoint.COPY_UNDER_WAY)
                version = str(parcel.described["version"]).replace("/", "-")
                for tag in (version, parcel.copy_id):  # the id is the sign that all is there
                    session.send_manifest(tag, manifest)
        return where


class _Session:
    """Requests to one repository."""

    def __init__(
        self, url: str, credentials: Credentials | None, *, timeout_seconds: float
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._authorization: str | None = None
        self._timeout_seconds = timeout_seconds
        self._pool = urllib3.PoolManager(retries=False)

    def has(self, path: str) -> bool:
        """Tell whether a blob or a manifest is there."""
        expected = {200, 307, 404}  # some registries say where in their storage it lies
        answer = self._ask("HEAD", self._url + path, expected=expected, Accept=_MANIFEST)
        return answer.status != 404

    def send_blob(self, parcel: Parcel, digest: str) -> None:
        """Send a blob that is not there yet."""
        if self.has(f"blobs/{digest}"):
            return
        begun = self._ask("POST", f"{self._url}blobs/uploads/", expected={202})
        if "Location" not in begun.headers:
            raise ActionError("the registry does not say where to send a blob (no Location)")
        place = urljoin(self._url, begun.headers["Location"])
        place += f"{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
        file = _blob(parcel.artefact, digest)
        with file.open("rb") as stream:
            self._ask(
                "PUT",
                place,
                expected={201},
                body=_Watched(stream, parcel),
                **{
                    "Content-Length": str(file.stat().st_size),
                    "Content-Type": "application/octet-stream",
                },
            )

    def send_manifest(self, tag: str, manifest: Mapping[str, Any]) -> None:
        """Send a manifest under a tag."""
        body = json.dumps(manifest, separators=(",", ":")).encode()
        self._ask(
            "PUT",
            f"{self._url}manifests/{tag}",
            expected={201},
            body=body,
            **{"Content-Type": _MANIFEST},
        )

    def _ask(
        self, method: str, url: str, *, expected: set[int], body: Any = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        answer = self._send(method, url, body, headers)
        if answer.status == 401 and self._authorize(answer.headers.get("WWW-Authenticate", "")):
            if isinstance(body, _Watched):
                body.rewind()
            answer = self._send(method, url, body, headers)
        if answer.status not in expected:
            text = answer.data.decode("utf-8", "replace").strip()[:_TEXT_MAX]
            raise ActionError(f"the registry answered {answer.status} to {method} {url}: {text}")
        return answer

    def _send(
        self, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        sent = dict(headers)
        if self._authorization is not None and urlsplit(url).netloc == urlsplit(self._url).netloc:
            sent["Authorization"] = self._authorization  # for nobody but the registry
        factor = _KEEPING_FACTOR if isinstance(body, _Watched) else 1
        return self._pool.request(
            method, url, body=body, headers=sent, timeout=self._timeout_seconds * factor
        )

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
        realm = asked.pop("realm", "")
        if urlsplit(realm).scheme not in {"https", urlsplit(self._url).scheme}:
            raise ActionError(f"the registry wants its password sent to {realm}, without TLS")
        headers = {} if self._credentials is None else {"Authorization": self._credentials.basic}
        answer = self._pool.request(
            "GET", realm, fields=asked, headers=headers, timeout=self._timeout_seconds
        )
        if answer.status != 200:
            raise ActionError(f"the registry's {realm} answered {answer.status}: no token to push")
        self._authorization = f"Bearer {_token(answer.data, realm)}"
        return True


class _Watched:
    """A file that ends its reader once the step is to end."""

    def __init__(self, stream: IO[bytes], parcel: Parcel) -> None:
        self._stream = stream
        self._parcel = parcel

    def read(self, size: int = -1) -> bytes:
        """Read as a file does. Raises ActionError."""
        data = self._stream.read(size)
        self._parcel.go_on(len(data))
        return data

    def rewind(self) -> None:
        """Begin again."""
        self._stream.seek(0)


@contextmanager
def _told_of(where: str) -> Iterator[None]:
    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        raise ActionError(f"{where} is out of reach: {error}") from error
    except ActionError as error:
        raise ActionError(f"{where} could not be pushed: {error}") from error


def _token(answer: bytes, realm: str) -> str:
    try:
        given = json.loads(answer)
    except ValueError:
        given = None
    token = (given.get("token") or given.get("access_token")) if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise ActionError(f"the registry's {realm} answered without a token to push")
    return token


def _annotated(parcel: Parcel) -> dict[str, Any]:
    """Return the image's manifest with what ``image.json`` says, as annotations."""
    manifest = json.loads(_blob(parcel.artefact, parcel.artefact.digest).read_bytes())
    described = parcel.described
    annotations = {
        "org.opencontainers.image.title": described["name"],
        "org.opencontainers.image.version": described["version"],
        "org.opencontainers.image.created": described["createdAt"],
        "imagewright.image": json.dumps(described, ensure_ascii=False),
    }
    if described.get("description"):
        annotations["org.opencontainers.image.description"] = described["description"]
    return {**manifest, "annotations": annotations}


def _blob(artefact: Artefact, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    return artefact.root / "oci" / "blobs" / algorithm / value
