"""Who asks for what, and when: the facts about one request that a handler may need."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as the signature proved it."""

    account: str
    """Twelve digits."""
    arn: str
    access_key_id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one operation.

    A resource belongs to the account of the principal and the region of the signature;
    everything else counts as absent (``api-behaviour.md`` ERR-26).
    """

    request_id: str
    """A UUID; the same as in the header ``x-amzn-RequestId``."""
    operation: str
    """As the service model spells it, ``CreateWorkflow``."""
    principal: Principal
    region: str
    received_at: datetime
    """In UTC."""
    partition: str = "aws"

    @property
    def account(self) -> str:
        """The account whose resources this call sees."""
        return self.principal.account
