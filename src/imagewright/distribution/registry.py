"""A registry of container images as the place of a region: a repository for each image.

It speaks the distribution protocol of the Open Container Initiative: blobs first, those that are
there already are not sent again, then the manifest under its tags.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from imagewright.distribution.artefact import Artefact, Form, Parcel
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError
from imagewright.outside.connections import Connections, read_url
from imagewright.outside.registries import (
    MANIFEST,
    Credentials,
    RegistryOutOfReach,
    RegistryRefused,
    Session,
)
from imagewright.outside.work import Work, attend


class Registry:
    """See ``artefact.Place``. A copy is there once the tag with its id is."""

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
        image = str(parcel.described["slug"])
        where = f"{self._host}/{self._repository}/{image}:{parcel.copy_id}"
        with _told_of(where):
            attend(Work(), lambda work: self._push(parcel, image, work), parcel.go_on)
        return where

    def _push(self, parcel: Parcel, image: str, work: Work) -> None:
        session = _Session(
            f"{self._url}/v2/{self._repository}/{image}/",
            self._credentials,
            connections=self._connections,
            work=work,
            timeout_seconds=self._timeout_seconds,
        )
        if not session.has(f"manifests/{parcel.copy_id}"):
            manifest = _annotated(parcel)
            for descriptor in [manifest["config"], *manifest["layers"]]:
                session.send_blob(parcel, descriptor["digest"])
            pass_by(CrashPoint.COPY_UNDER_WAY)
            version = str(parcel.described["version"]).replace("/", "-")
            for tag in (version, parcel.copy_id):  # the id is the sign that all is there
                session.send_manifest(tag, manifest)


class _Session(Session):
    """Pushes to one repository."""

    def send_blob(self, parcel: Parcel, digest: str) -> None:
        """Send a blob that is not there yet."""
        if self.has(f"blobs/{digest}"):
            return
        begun = self.ask("POST", f"{self.url}blobs/uploads/", expected={202})
        if "Location" not in begun.headers:
            raise ActionError("the registry does not say where to send a blob (no Location)")
        place = urljoin(self.url, begun.headers["Location"])
        place += f"{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
        file = _blob(parcel.artefact, digest)
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

    def send_manifest(self, tag: str, manifest: Mapping[str, Any]) -> None:
        """Send a manifest under a tag."""
        body = json.dumps(manifest, separators=(",", ":")).encode()
        self.ask(
            "PUT",
            f"{self.url}manifests/{tag}",
            expected={201},
            body=body,
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


@contextmanager
def _told_of(where: str) -> Iterator[None]:
    try:
        yield
    except RegistryOutOfReach as error:
        raise ActionError(f"{where} is out of reach: {error}") from error
    except (ActionError, RegistryRefused) as error:
        raise ActionError(f"{where} could not be pushed: {error}") from error


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
