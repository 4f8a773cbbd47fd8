"""Parameters of Systems Manager: ``engine.ports.Parameters`` (§7.2)."""

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients
from imagewright.engine.ports import ActionError


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

    def get(self, name: str, *, region: str) -> str:
        """Return what a parameter holds, by its name or ARN.

        Raises ActionError, also for a SecureString: nothing here keeps it secret yet.
        """
        found = ask(
            self._clients,
            "ssm",
            region,
            "get_parameter",
            f"The parameter '{name}' could not be read",
            Name=name,
        )
        if found["Parameter"].get("Type") == "SecureString":
            raise ActionError(
                f"The parameter '{name}' is a SecureString, which this release cannot keep out of "
                "logs and layers, and does not read"
            )
        return str(found["Parameter"]["Value"])
