"""Reading documents from S3 (CRT-03 to CRT-05)."""

import re
from contextlib import closing
from typing import Any

from imagewright.aws.clients import AwsClients
from imagewright.errors import ClientError, Forbidden, InvalidParameterValue, ServiceUnavailable

_URI = re.compile(r"s3://([a-zA-Z0-9][a-zA-Z0-9.\-_]{1,254})/(.{1,1024})", re.DOTALL)


class ObjectReader:
    """Reads a document by its ``s3://bucket/key``, whole and once."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read_text(
        self, uri: str, *, member: str, region: str, size_bytes_max: int, owner: str | None = None
    ) -> str:
        """Return the object's text; ``owner``: the account that the bucket must belong to.

        Raises InvalidParameterValue for ``member`` when the URI is malformed, nothing lies there,
        it is too large or no UTF-8; Forbidden when S3 refuses; ClientError when S3 rejects the
        request for another reason; ServiceUnavailable when S3 is out of reach or fails.
        """
        content = self._read(uri, member, region, size_bytes_max, owner)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidParameterValue(
                member, f"The object {uri} is not UTF-8 text: {error.reason} at byte {error.start}."
            ) from None
        if not text or "\0" in text:
            what = "is empty" if not text else "contains a NUL character"
            raise InvalidParameterValue(member, f"The object {uri} {what}.")
        return text

    def _read(
        self, uri: str, member: str, region: str, size_bytes_max: int, owner: str | None
    ) -> bytes:
        place = _URI.fullmatch(uri)
        if place is None:
            raise InvalidParameterValue(member, "It must be an S3 URL of the form s3://bucket/key.")
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as BotoClientError

        bucket, key = place.groups()
        expected = {} if owner is None else {"ExpectedBucketOwner": owner}
        try:
            found = self._clients.get("s3", region).get_object(Bucket=bucket, Key=key, **expected)
            content = _up_to(size_bytes_max + 1, found["Body"])
        except BotoClientError as error:
            raise _refusal(error.response, uri, member) from error
        except (RecursionError, BotoCoreError) as error:
            if _went_in_circles(error):
                raise ClientError(
                    f"S3 redirects the request for {uri} without saying where the bucket is."
                ) from None
            raise ServiceUnavailable(f"S3 is out of reach: {error}") from error
        if len(content) > size_bytes_max:
            raise InvalidParameterValue(
                member, f"The object {uri} is larger than {size_bytes_max} bytes."
            )
        return content


def _went_in_circles(error: BaseException | None) -> bool:
    """Tell whether botocore asked for ever where a bucket is that has moved.

    It asks again when told the same. What ends that is Python's limit, and where it is reached
    decides whether botocore wraps it in an error of its own.
    """
    while error is not None:
        if isinstance(error, RecursionError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _up_to(size_bytes: int, body: Any) -> bytes:
    """Read the beginning of an object, or all of it.

    Only a read that finds the end lets botocore compare length and checksum: without it an
    object whose transfer broke off would pass for a shorter one.
    """
    content = bytearray()
    with closing(body):
        while len(content) < size_bytes:
            part = body.read(size_bytes - len(content))
            if not part:
                break
            content += part
    return bytes(content)


def _refusal(response: "object", uri: str, member: str) -> Exception:
    assert isinstance(response, dict)  # noqa: S101 - botocore's own type is looser than its values
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = response.get("Error", {}).get("Code", "")
    if status == 403:
        return Forbidden(f"S3 refuses access to {uri} ({code}).")
    if status == 404:
        return InvalidParameterValue(member, f"There is no object {uri} ({code}).")
    if isinstance(status, int) and status < 500:
        return ClientError(f"S3 rejects the request for {uri} ({code or status}).")
    return ServiceUnavailable(f"S3 failed to deliver {uri} ({code or status}).")
