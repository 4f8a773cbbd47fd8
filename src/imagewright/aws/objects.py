"""Reading documents from S3 (CRT-03 to CRT-05)."""

import re

from imagewright.aws.clients import AwsClients
from imagewright.errors import Forbidden, InvalidParameterValue, ServiceUnavailable

_URI = re.compile(r"s3://([a-zA-Z0-9][a-zA-Z0-9.\-_]{1,254})/(.{1,1024})", re.DOTALL)


class ObjectReader:
    """Reads a document by its ``s3://bucket/key``, whole and once."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read_text(self, uri: str, *, member: str, region: str, size_bytes_max: int) -> str:
        """Return the object's text.

        Raises InvalidParameterValue for ``member`` when the URI is malformed, nothing lies there,
        it is too large or no UTF-8; Forbidden when S3 refuses; ServiceUnavailable when S3 is out
        of reach.
        """
        content = self._read(uri, member, region, size_bytes_max)
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

    def _read(self, uri: str, member: str, region: str, size_bytes_max: int) -> bytes:
        place = _URI.fullmatch(uri)
        if place is None:
            raise InvalidParameterValue(member, "It must be an S3 URL of the form s3://bucket/key.")
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = place.groups()
        try:
            found = self._clients.get("s3", region).get_object(Bucket=bucket, Key=key)
            content: bytes = found["Body"].read(size_bytes_max + 1)
        except ClientError as error:
            raise _refusal(error.response, uri, member) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"S3 is out of reach: {error}") from error
        if len(content) > size_bytes_max:
            raise InvalidParameterValue(
                member, f"The object {uri} is larger than {size_bytes_max} bytes."
            )
        return content


def _refusal(response: "object", uri: str, member: str) -> Exception:
    assert isinstance(response, dict)  # noqa: S101 - botocore's own type is looser than its values
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = response.get("Error", {}).get("Code", "")
    if status == 403:
        return Forbidden(f"S3 refuses access to {uri} ({code}).")
    if status == 404:
        return InvalidParameterValue(member, f"There is no object {uri} ({code}).")
    return ServiceUnavailable(f"S3 failed to deliver {uri} ({code or status}).")
