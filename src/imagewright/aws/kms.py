"""Wrapping document keys with a KMS, where the settings name one (CRT-07)."""

import base64
from typing import Any

from imagewright.aws.clients import AwsClients
from imagewright.errors import ClientError, Forbidden, InvalidParameterValue, ServiceUnavailable

_UNUSABLE = {
    "NotFoundException": "There is no such key.",
    "DisabledException": "The key is disabled.",
    "KMSInvalidStateException": "The key is not in a state in which it can be used.",
    "InvalidArnException": "It is not the ARN of a KMS key or alias.",
    "ValidationException": "It is not the id or ARN of a KMS key or alias.",
}
_REFUSED = {"AccessDeniedException", "AccessDenied", "KMSAccessDeniedException"}


class KmsKeys:
    """A KeyService that asks a KMS over its API."""

    def __init__(self, clients: AwsClients, region: str) -> None:
        self._clients = clients
        self._region = region

    def new_data_key(self, key_id: str) -> tuple[bytes, str]:
        """See ``keyring.KeyService``."""
        answer = self._call("generate_data_key", key_id, KeyId=key_id, KeySpec="AES_256")
        wrapped = base64.b64encode(answer["CiphertextBlob"]).decode("ascii")
        return answer["Plaintext"], f"{answer['KeyId']} {wrapped}"

    def unwrap(self, key_id: str, wrapped: str) -> bytes:
        """See ``keyring.KeyService``.

        The key is the one that wrapped, which stands before the wrapped form: an alias may have
        been pointed at another key since, or be gone.
        """
        wrapping_key, _, blob = wrapped.rpartition(" ")
        answer = self._call(
            "decrypt",
            key_id,
            KeyId=wrapping_key or key_id,
            CiphertextBlob=base64.b64decode(blob),
        )
        data_key: bytes = answer["Plaintext"]
        return data_key

    def _call(self, operation: str, key_id: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as BotoClientError

        try:
            client = self._clients.get("kms", self._region)
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except BotoClientError as error:
            raise _refusal(error.response, key_id) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"KMS is out of reach: {error}") from error
        return answer


def _refusal(response: Any, key_id: str) -> Exception:
    code, text = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    if response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        return ServiceUnavailable(f"KMS failed to answer for the key '{key_id}': {code}: {text}")
    if code in _UNUSABLE:
        return InvalidParameterValue("kmsKeyId", _UNUSABLE[code])
    if code in _REFUSED:
        return Forbidden(f"KMS refuses the use of the key '{key_id}': {text}")
    return ClientError(f"KMS rejects the key '{key_id}': {code}: {text}")
