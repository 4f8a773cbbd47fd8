"""A bucket of S3 as the place of a region: the files of a copy under its id."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from imagewright.aws.asking import RefusedError, ask
from imagewright.aws.clients import AwsClients
from imagewright.distribution.artefact import (
    DESCRIPTION,
    ContainerNames,
    Form,
    Parcel,
    opened,
)
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.ports import ActionError
from imagewright.one_at_a_time import OneAtATime

_CLAIM = "account.json"
"""The file beside a container image that says whose its name is; it comes before all others."""
_MISSING = {"404", "NoSuchKey", "NotFound"}
_THERE = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
"""What S3 answers where something is to be written only if nothing is there."""
_NO_CONDITIONS = {"501", "NotImplemented"}


class Bucket:
    """See ``artefact.Place``. A copy is whole once its ``image.json`` is there."""

    def __init__(
        self,
        url: str,
        form: Form,
        region: str,
        clients: AwsClients,
        *,
        endpoint: str | None,
        writers: OneAtATime,
    ) -> None:
        """``url``: ``s3://BUCKET/PREFIX``. ``endpoint``: None: as the settings say for S3.

        ``writers``: those of all buckets.
        """
        self.form = form
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._region = region
        self._clients = clients
        self._endpoint = endpoint
        self._writers = writers

    def refusal(self, kms_key_id: str | None) -> str | None:
        """Say why no copy can be put here: see Place."""
        del kms_key_id  # S3 encrypts with any key that it is given
        return None if self._endpoint is not None else self._clients.missing("s3")

    def put(self, parcel: Parcel) -> str:
        """Put a copy here: see Place."""
        key = f"{self._prefix}{parcel.path}"
        with self._writers.on(self._url(key), parcel.go_on):
            self._put(key, parcel)
        return self._url(key)

    def _put(self, key: str, parcel: Parcel) -> None:
        there = self._description(key, parcel)
        is_whole = there is not None and (
            # An id names one copy, but many images may have the name of a container image.
            parcel.container is None or parcel.is_described_by(there, self._url(key))
        )
        if not is_whole:
            if parcel.container is not None:
                self._claim(key, parcel)
            if there is not None:  # another's goes: no image is half of two
                self._delete(f"{key}/{DESCRIPTION}")
            sent: list[str] = []
            try:
                for name, content in parcel.files():
                    self._upload(parcel, content, f"{key}/{name}", sent)
                pass_by(CrashPoint.COPY_UNDER_WAY)
                failure = f"{self._url(key)} could not be completed"
                self._write(f"{key}/{DESCRIPTION}", parcel.description, failure, parcel)
            except ActionError:
                for each in sent:
                    with suppress(ActionError):
                        self._delete(each)
                raise

    def uris(self, names: ContainerNames) -> Sequence[str]:
        """Return by what a container image is had: see Place. Its tags are in its layout."""
        return [self._url(f"{self._prefix}{names.path}")]

    def _description(self, key: str, parcel: Parcel) -> bytes | None:
        """Return what is said there of an image, None if nothing is; of a copy, only whether."""
        file = f"{key}/{DESCRIPTION}"
        failure = f"{self._url(file)} could not be looked for"
        try:
            self._ask("head_object", failure, Key=file)
            return b"" if parcel.container is None else self._read(file, failure)
        except RefusedError as error:
            if error.code in _MISSING:
                return None
            raise

    def _claim(self, key: str, parcel: Parcel) -> None:
        """Say that a name is of this account, before anything is written below it.

        Of two accounts that do so at once, one is heard; for the other this raises ActionError.
        """
        file, content = f"{key}/{_CLAIM}", json.dumps({"accountId": parcel.account}).encode()
        failure = f"{self._url(file)} could not be written"
        try:
            self._write(file, content, failure, parcel, IfNoneMatch="*")
        except RefusedError as error:
            if error.code in _THERE:
                parcel.is_described_by(self._read(file, failure), self._url(key))
            elif error.code in _NO_CONDITIONS:
                self._write(file, content, failure, parcel)
            else:
                raise

    def _write(
        self, key: str, content: bytes, failure: str, parcel: Parcel, **conditions: str
    ) -> None:
        self._ask(
            "put_object",
            failure,
            Key=key,
            Body=content,
            ContentType="application/json",
            **conditions,
            **_encryption(parcel),
        )

    def _read(self, key: str, failure: str) -> bytes:
        from botocore.exceptions import BotoCoreError

        try:
            content: bytes = self._ask("get_object", failure, Key=key)["Body"].read()
        except BotoCoreError as error:
            raise ActionError(f"{failure}: {error}") from error
        return content

    def _delete(self, key: str) -> None:
        self._ask("delete_object", f"{self._url(key)} could not be deleted", Key=key)

    def _upload(self, parcel: Parcel, content: Path | bytes, key: str, sent: list[str]) -> None:
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import (
            ProgressCallbackInvoker,
            TransferConfig,
            create_transfer_manager,
        )
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as BotoClientError

        client = self._clients.get("s3", self._region, endpoint=self._endpoint)
        config: Any = TransferConfig(use_threads=False)  # the stubs ask for another Config
        sent.append(key)  # what is stopped may have arrived all the same
        watch = ProgressCallbackInvoker(parcel.go_on)
        try:
            with (
                opened(content) as stream,
                create_transfer_manager(client, config) as manager,
            ):
                manager.upload(
                    stream,
                    self._bucket,
                    key,
                    extra_args=_encryption(parcel),
                    subscribers=[watch],
                ).result()
        except (Boto3Error, BotoCoreError, BotoClientError) as error:
            raise ActionError(f"{self._url(key)} could not be written: {error}") from error

    def _ask(self, operation: str, failure: str, **parameters: Any) -> Any:
        return ask(
            self._clients,
            "s3",
            self._region,
            operation,
            failure,
            endpoint=self._endpoint,
            Bucket=self._bucket,
            **parameters,
        )

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _encryption(parcel: Parcel) -> dict[str, str]:
    if parcel.kms_key_id is None:
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": parcel.kms_key_id}
