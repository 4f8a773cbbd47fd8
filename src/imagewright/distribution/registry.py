"""A registry of container images as the place of a region: a repository for each image.

It speaks the distribution protocol of the Open Container Initiative: blobs first, those that are
there already are not sent again, then the manifest under its tags.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlencode, urlsplit

from imagewright.distribution.artefact import ContainerNames, Form, Parcel
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError
from imagewright.oci import DOCKER_HUB, DOCKER_HUB_URL, MANIFEST, registry_name
from imagewright.outside.connections import Connections, read_url
from imagewright.outside.registries import (
    Credentials,
    RegistryOutOfReach,
    RegistryRefused,
    Session,
    led_to,
)
from imagewright.outside.work import Work, attend


class Registry:
    """See ``artefact.Place``. A copy is there once the tag with its id is; of a container image,
    every tag that means its manifest."""

    form: Form = "oci"

    def __init__(
        self,
        reference: str,
        credentials: Credentials | None,
        *,
        timeout_seconds: float,
        ca_bundle: Path | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        """``reference``: ``HOST/REPOSITORY``; with ``http://`` before it, without TLS.

        ``proxies``: as in a shell's environment.
        """
        scheme, _, rest = reference.rpartition("://")
        self._host, _, self._repository = rest.partition("/")
        self._url = f"{scheme or 'https'}://{self._host}"
        if registry_name(self._host) == DOCKER_HUB:
            self._host, self._url = DOCKER_HUB, DOCKER_HUB_URL
        self._credentials = credentials
        self._timeout_seconds = timeout_seconds
        self._connections = Connections(
            timeout_seconds=timeout_seconds,
            allowed_hosts=[read_url(self._url).place],  # whoever wrote the settings named it
            ca_bundle=ca_bundle,
            proxies=proxies,
            timeout_setting="aws.timeout_seconds",
        )

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
        names = parcel.container
        if names is None:
            where = f"{self._reference(_slug(parcel))}:{parcel.copy_id}"
        else:
            where = self.uris(names)[0]

        def push(work: Work) -> None:
            if names is None:
                self._push(parcel, work)
            else:
                self._push_container(parcel, names, work)

        with _told_of(where):
            attend(Work(), push, parcel.go_on)
        return where

    def uris(self, names: ContainerNames) -> Sequence[str]:
        """Return by what a container image is had: see Place."""
        return [f"{self._reference(names.repository)}:{tag}" for tag in names.tags]

    def _push(self, parcel: Parcel, work: Work) -> None:
        session = self._session(_slug(parcel), work)
        if not session.has(f"manifests/{parcel.copy_id}"):
            version = str(parcel.described["version"]).replace("/", "-")
            # The id is the sign that all is there.
            _send(session, parcel, (version, parcel.copy_id), _annotated(parcel))

    def _push_container(self, parcel: Parcel, names: ContainerNames, work: Work) -> None:
        """Let every tag mean the image; those that do already are left alone."""
        session = self._session(names.repository, work)
        digest = parcel.artefact.digest
        tags = [tag for tag in names.tags if session.digest(tag) != digest]
        if tags:
            _send(session, parcel, tags, parcel.artefact.blob(digest).read_bytes())

    def _reference(self, image: str) -> str:
        return f"{self._host}/{self._repository}/{image}"

    def _session(self, image: str, work: Work) -> "_Session":
        return _Session(
            f"{self._url}/v2/{self._repository}/{image}/",
            self._credentials,
            connections=self._connections,
            work=work,
            timeout_seconds=self._timeout_seconds,
        )


class _Session(Session):
    """Pushes to one repository."""

    def digest(self, tag: str) -> str | None:
        """Return the digest of the manifest that a tag means; None: there is no such tag."""
        url = f"{self.url}manifests/{tag}"
        answer = self.ask("GET", url, expected={200, 404}, Accept=MANIFEST)
        return None if answer.status == 404 else f"sha256:{hashlib.sha256(answer.data).hexdigest()}"

    def send_blob(self, parcel: Parcel, digest: str) -> None:
        """Send a blob that is not there yet."""
        if self.has(f"blobs/{digest}"):
            return
        begun = self.ask("POST", f"{self.url}blobs/uploads/", expected={202})
        if "Location" not in begun.headers:
            raise ActionError("the registry does not say where to send a blob (no Location)")
        place = led_to(begun.headers["Location"], self.url)
        place += f"{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
        file = parcel.artefact.blob(digest)
        with file.open("rb") as stream:
            self.ask(
                "PUT",
                place,
                expected={201},
                body=_Watched(stream, parcel),
                **{
                    "Content-Length": str(file.stat().st_size),
                    "Content-Type": "application/octet-stream",
                },
            )

    def send_manifest(self, tag: str, manifest: bytes) -> None:
        """Send a manifest under a tag."""
        self.ask(
            "PUT",
            f"{self.url}manifests/{tag}",
            expected={201},
            body=manifest,
            **{"Content-Type": MANIFEST},
        )


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


def _send(session: _Session, parcel: Parcel, tags: Sequence[str], manifest: bytes) -> None:
    """Send what a manifest names, and then the manifest under one tag after another."""
    named = json.loads(manifest)
    for descriptor in [named["config"], *named["layers"]]:
        session.send_blob(parcel, descriptor["digest"])
    pass_by(CrashPoint.COPY_UNDER_WAY)
    for tag in tags:
        session.send_manifest(tag, manifest)


@contextmanager
def _told_of(where: str) -> Iterator[None]:
    try:
        yield
    except RegistryOutOfReach as error:
        raise ActionError(f"{where} is out of reach: {error}") from error
    except (ActionError, RegistryRefused) as error:
        raise ActionError(f"{where} could not be pushed: {error}") from error


def _slug(parcel: Parcel) -> str:
    return str(parcel.described["slug"])


def _annotated(parcel: Parcel) -> bytes:
    """Return the image's manifest with what ``image.json`` says, as annotations."""
    manifest = json.loads(parcel.artefact.blob(parcel.artefact.digest).read_bytes())
    described = parcel.described
    annotations = {
        "org.opencontainers.image.title": described["name"],
        "org.opencontainers.image.version": described["version"],
        "org.opencontainers.image.created": described["createdAt"],
        "imagewright.image": json.dumps(described, ensure_ascii=False),
    }
    if described.get("description"):
        annotations["org.opencontainers.image.description"] = described["description"]
    annotated = {**manifest, "annotations": annotations}
    return json.dumps(annotated, separators=(",", ":")).encode()
