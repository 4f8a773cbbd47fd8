"""Parameters of Systems Manager: ``engine.ports.Parameters`` (§7.2)."""

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients


class Parameters:
    """Writes parameters."""

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
