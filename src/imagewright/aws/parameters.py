"""Parameters of Systems Manager: ``engine.ports.Parameters`` (§7.2)."""

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients
from imagewright.masking import StoredText


class Parameters:
    """Reads and writes parameters."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def put(self, name: str, value: str, *, data_type: str | None, region: str) -> None:
        """See ``engine.ports.Parameters``."""
        more = {} if data_type is None else {"DataType": data_type}
        ask(
            self._clients,
            "ssm",
            region,
            "put_parameter",
            f"The parameter '{name}' could not be written",
            Name=name,
            Value=value,
            Type="String",
            Overwrite=True,
            **more,
        )

    def get(self, name: str, *, region: str) -> StoredText:
        """Return what a parameter holds, by its name or ARN; a SecureString is a secret.

        Raises ActionError.
        """
        found = ask(
            self._clients,
            "ssm",
            region,
            "get_parameter",
            f"The parameter '{name}' could not be read",
            Name=name,
            WithDecryption=True,
        )["Parameter"]
        return StoredText(str(found["Value"]), is_secret=found.get("Type") == "SecureString")
