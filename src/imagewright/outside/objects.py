"""Objects of S3 on their way into machines and out of them (§7.2, S3Download and S3Upload).

The key of the settings is used here, on the host, and goes nowhere else.
"""

from contextlib import closing
from typing import IO, Any

from imagewright.aws.clients import AwsClients
from imagewright.errors import ServiceUnavailable
from imagewright.outside.work import TransferFailed, Unanswered, Work, size

DEFAULT_REGION = "us-east-1"
"""Where a run knows of none; S3 itself says where else a bucket is."""
LISTED_MAX = 1000
"""Objects below a prefix; §2.7."""
_TRIES_MAX = 5
_PART_BYTES = 1 << 18
_DENIED = {401, 403}


class Objects:
    """Lists, fetches and puts objects. ``owner``: the account that a bucket must belong to."""

    def __init__(
        self, clients: AwsClients, *, size_bytes_max: int, pause_seconds: float = 1.0
    ) -> None:
        """``pause_seconds``: before the second try."""
        self._clients = clients
        self._size_bytes_max = size_bytes_max
        self._pause_seconds = pause_seconds

    @property
    def missing(self) -> str | None:
        """Which setting S3 would take, or None if it can be asked."""
        return self._clients.missing("s3")

    @property
    def size_bytes_max(self) -> int:
        """Of one object, whichever way it goes."""
        return self._size_bytes_max

    def keys(self, bucket: str, prefix: str, *, region: str, owner: str | None) -> list[str]:
        """List what lies below a prefix. Raises TransferFailed, also if it is too much."""
        found = self._ask(
            "list_objects_v2",
            f"s3://{bucket}/{prefix}* cannot be listed",
            region,
            Bucket=bucket,
            Prefix=prefix,
            MaxKeys=LISTED_MAX,
            **_owner(owner),
        )
        if found.get("IsTruncated"):
            raise TransferFailed(
                f"more than {LISTED_MAX} objects lie below s3://{bucket}/{prefix}, which is the "
                "most that one wildcard fetches"
            )
        return [str(each["Key"]) for each in found.get("Contents", [])]

    def fetch(
        self,
        bucket: str,
        key: str,
        into: IO[bytes],
        work: Work,
        *,
        region: str,
        owner: str | None,
        size_bytes_max: int | None = None,
    ) -> None:
        """Write an object into a file of this host. Raises TransferFailed and Stopped.

        ``size_bytes_max``: where it may have less than the settings allow.
        """
        from botocore.exceptions import BotoCoreError

        where = f"s3://{bucket}/{key}"
        for number in range(1, _TRIES_MAX + 1):
            into.seek(0)
            into.truncate()
            work.done_bytes, work.total_bytes = 0, None
            found = self._ask(
                "get_object",
                f"{where} cannot be fetched",
                region,
                Bucket=bucket,
                Key=key,
                **_owner(owner),
            )
            try:
                self._take(found, into, work, where, size_bytes_max)
            except BotoCoreError as error:
                work.check()
                if number == _TRIES_MAX:
                    raise Unanswered(f"{where} broke off: {error}") from error
                work.remarks.append(f"try {number} of {_TRIES_MAX} failed: {where} broke off")
                work.pause(self._pause_seconds * 2 ** (number - 1))
            else:
                return

    def put(
        self,
        bucket: str,
        key: str,
        file: IO[bytes],
        work: Work,
        *,
        region: str,
        owner: str | None,
    ) -> None:
        """Make an object of a file of this host. Raises TransferFailed and Stopped."""
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import (
            ProgressCallbackInvoker,
            TransferConfig,
            create_transfer_manager,
        )
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as BotoClientError

        failure = f"s3://{bucket}/{key} cannot be written"
        client = self._client(failure, region)
        work.total_bytes = file.seek(0, 2)
        file.seek(0)

        def went(count: int) -> None:
            work.check()
            work.done_bytes += count

        config: Any = TransferConfig(use_threads=False)  # the stubs ask for another Config
        try:
            with create_transfer_manager(client, config) as manager:
                manager.upload(
                    file,
                    bucket,
                    key,
                    extra_args=_owner(owner),
                    subscribers=[ProgressCallbackInvoker(went)],
                ).result()
        except BotoClientError as error:
            raise _refusal(error.response, failure) from error
        except (Boto3Error, BotoCoreError, ValueError) as error:
            raise TransferFailed(f"{failure}: {error}") from error

    def _take(
        self,
        found: dict[str, Any],
        into: IO[bytes],
        work: Work,
        where: str,
        size_bytes_max: int | None,
    ) -> None:
        """Read the body, once the head has said that it is not too large."""
        work.total_bytes = found.get("ContentLength")
        length = work.total_bytes or 0
        with closing(found["Body"]) as body:
            if size_bytes_max is not None and length > size_bytes_max:
                raise TransferFailed(f"{where} has more than {size_bytes_max:,} bytes")
            if length > self._size_bytes_max:
                raise TransferFailed(
                    f"{where} is larger than {size(self._size_bytes_max)}, the setting "
                    "downloads.size_bytes_max"
                )
            while part := body.read(_PART_BYTES):
                work.check()
                work.done_bytes += len(part)
                try:
                    into.write(part)
                except OSError as error:
                    raise TransferFailed(
                        f"this host has no room for the download: {error.strerror}"
                    ) from error

    def _client(self, failure: str, region: str) -> Any:
        try:
            return self._clients.get("s3", region)
        except ServiceUnavailable as error:
            raise TransferFailed(f"{failure}: {error}") from None

    def _ask(self, operation: str, failure: str, region: str, **members: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as BotoClientError

        client = self._client(failure, region)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**members)
        except BotoClientError as error:
            raise _refusal(error.response, failure) from error
        except BotoCoreError as error:
            raise Unanswered(f"{failure}: {error}") from error
        except RecursionError as error:
            raise TransferFailed(f"{failure}: {error}") from error
        return answer


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of ``s3://BUCKET/KEY``; the key may be empty."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def _owner(owner: str | None) -> dict[str, str]:
    return {} if owner is None else {"ExpectedBucketOwner": owner}


def _refusal(response: Any, failure: str) -> TransferFailed:
    code, text = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    whose = " (asked with the key of the setting aws.access_key_id)" if status in _DENIED else ""
    kind = Unanswered if status >= 500 else TransferFailed
    return kind(f"{failure}: {code}: {text[:1000]}{whose}")
