"""A bucket of S3 as the place of a region: the files of a copy under its id."""

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

_MISSING = {"404", "NoSuchKey", "NotFound"}


class Bucket:
    """See ``artefact.Place``. A copy is whole once its ``image.json`` is there."""

    def __init__(
        self, url: str, form: Form, region: str, clients: AwsClients, *, endpoint: str | None
    ) -> None:
        """``url``: ``s3://BUCKET/PREFIX``. ``endpoint``: None: as the settings say for S3."""
        self.form = form
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._region = region
        self._clients = clients
        self._endpoint = endpoint

    def refusal(self, kms_key_id: str | None) -> str | None:
        """Say why no copy can be put here: see Place."""
        del kms_key_id  # S3 encrypts with any key that it is given
        return None if self._endpoint is not None else self._clients.missing("s3")

    def put(self, parcel: Parcel) -> str:
        """Put a copy here: see Place."""
        key = f"{self._prefix}{parcel.path}"
        if not self._holds(f"{key}/{DESCRIPTION}", parcel):
            sent: list[str] = []
            try:
                for name, content in parcel.files():
                    self._upload(parcel, content, f"{key}/{name}", sent)
                pass_by(CrashPoint.COPY_UNDER_WAY)
                self._ask(
                    "put_object",
                    f"{self._url(key)} could not be completed",
                    Key=f"{key}/{DESCRIPTION}",
                    Body=parcel.description,
                    ContentType="application/json",
                    **_encryption(parcel),
                )
            except ActionError:
                for each in sent:
                    with suppress(ActionError):
                        self._delete(each)
                raise
        return self._url(key)

    def uris(self, names: ContainerNames) -> Sequence[str]:
        """Return by what a container image is had: see Place. Its tags are in its layout."""
        return [self._url(f"{self._prefix}{names.path}")]

    def _holds(self, key: str, parcel: Parcel) -> bool:
        """Tell whether a description is there; another's is deleted: no image is half of two."""
        failure = f"{self._url(key)} could not be looked for"
        try:
            self._ask("head_object", failure, Key=key)
            # An id names one copy, but many images may have the name of a container image.
            if parcel.container is None:
                return True
            if parcel.is_described_by(self._read(key, failure), self._url(key)):
                return True
        except RefusedError as error:
            if error.code in _MISSING:
                return False
            raise
        self._delete(key)
        return False

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
