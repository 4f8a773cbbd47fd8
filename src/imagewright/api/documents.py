"""The documents of resources: where they come from, and how they are kept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from imagewright.api.creation import digest
from imagewright.api.members import given
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import InvalidParameterCombination
from imagewright.keyring import KeyService, Sealed, seal, unseal
from imagewright.store.resources import Draft, Stored
from imagewright.versions import Version


class ObjectSource(Protocol):
    """Reads what a ``uri`` names; ``aws.objects.ObjectReader`` is the real one."""

    def read_text(self, uri: str, *, member: str, region: str, size_bytes_max: int) -> str:
        """Return the text (CRT-05)."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text, byte for byte, and the parameters that were found in it (CRT-13)."""

    text: str
    parameters: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as it goes into the store."""

    content: bytes
    sealed_key: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Documents:
    """Reads, keeps and opens documents."""

    objects: ObjectSource
    keys_of: Callable[[str], KeyService]
    """By region."""
    size_bytes_max: int
    secret: bytes
    """Keys the digests by which builds are told apart."""

    def read(
        self, request: Mapping[str, Any], call: Call, *, data: str = "data", uri: str = "uri"
    ) -> tuple[str, str]:
        """Return the member that carried the document, and its text.

        ``data`` and ``uri`` are the names of the members that may carry one. Raises
        InvalidParameterCombination unless exactly one is there (CRT-01), and what reading from S3
        raises (CRT-05).
        """
        if (data in request) == (uri in request):
            both = "both were" if data in request else "neither was"
            raise InvalidParameterCombination(
                f"Exactly one of the parameters '{data}' and '{uri}' must be given; {both}."
            )
        if data in request:
            return data, request[data]
        text = self.objects.read_text(
            request[uri], member=uri, region=call.region, size_bytes_max=self.size_bytes_max
        )
        return uri, text

    def keep(self, document: Document, key_id: str | None, call: Call) -> Kept:
        """Make the stored form, sealed under the key if one is named.

        What was extracted from a document is sealed with it: a parameter's default is clear text
        too. Raises what ``KeyService.new_data_key`` raises.
        """
        clear = json.dumps([document.text, document.parameters], ensure_ascii=False).encode()
        if key_id is None:
            return Kept(clear, None)
        sealed = seal(self.keys_of(call.region), key_id, clear)
        return Kept(sealed.ciphertext, sealed.key)

    def draft(
        self,
        request: Mapping[str, Any],
        call: Call,
        *,
        path: str,
        version: Version,
        type: str,  # noqa: A002 - as the wire calls it
        document: Document,
    ) -> Draft:
        """Make the next build of a component or workflow: the members both requests have.

        Raises what ``keep`` raises.
        """
        facts = given(request, "description", "platform", "supportedOsVersions", "kmsKeyId")
        kept = self.keep(document, facts.get("kmsKeyId"), call)
        return Draft(
            path=path,
            version=version,
            version_text=request["semanticVersion"],
            name=request["name"],
            type=type,
            platform=facts.get("platform"),
            description=facts.get("description"),
            digest=digest(self.secret, [document.text, type, facts]),
            body=given(request, "changeDescription", "kmsKeyId", "supportedOsVersions"),
            document=kept.content,
            sealed_key=kept.sealed_key,
            tags=request.get("tags", {}),
            created_at=iso_milliseconds(call.received_at),
        )

    def open(self, stored: Stored, call: Call) -> Document:
        """Return a stored document. Raises what ``keyring.unseal`` raises."""
        return self.open_kept(kept_of(stored), call.region)

    def open_kept(self, kept: Kept, region: str) -> Document:
        """Return a document in its stored form. Raises what ``keyring.unseal`` raises."""
        content = kept.content
        if kept.sealed_key is not None:
            content = unseal(self.keys_of(region), Sealed(content, kept.sealed_key))
        text, parameters = json.loads(content)
        return Document(text, tuple(parameters))


def kept_of(stored: Stored) -> Kept:
    """Return the stored form of a resource's document, to be opened or copied."""
    if stored.document is None:
        raise ValueError(f"{stored.arn} has no document")
    return Kept(stored.document, stored.sealed_key)
