"""Client tokens: a request that comes again gets the first answer again (section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from imagewright.clock import iso_milliseconds
from imagewright.errors import IdempotentParameterMismatch
from imagewright.store.database import insert_if_absent
from imagewright.store.tables import client_tokens

WINDOW = timedelta(hours=24)  # IDM-05


@dataclass(frozen=True, slots=True)
class TokenUse:
    """One use of a token; the first four name it (IDM-04), the digest is of the parameters."""

    account: str
    region: str
    operation: str
    token: str
    digest: str
    at: datetime


def find_answer(connection: Connection, use: TokenUse) -> Mapping[str, Any] | None:
    """Return what was answered to this token before, if anything.

    Raises IdempotentParameterMismatch if that was to other parameters (IDM-03).
    """
    since = iso_milliseconds(use.at - WINDOW)
    row = connection.execute(_ANSWER, _key(use) | {"since": since}).one_or_none()
    if row is None:
        return None
    if row.digest != use.digest:
        raise IdempotentParameterMismatch(use.token)
    answer: Mapping[str, Any] = row.response
    return answer


def claim(connection: Connection, use: TokenUse) -> Mapping[str, Any] | None:
    """Take the token for this transaction, or return the answer of the one that had it first.

    On PostgreSQL a second claimer waits here until the first has committed or given up.
    Raises IdempotentParameterMismatch as ``find_answer`` does.
    """
    values = {
        "account": use.account,
        "region": use.region,
        "operation": use.operation,
        "token": use.token,
        "digest": use.digest,
        "created_at": iso_milliseconds(use.at),
    }
    while not insert_if_absent(connection, client_tokens, values):
        answer = find_answer(connection, use)
        if answer is not None:
            return answer
        connection.execute(_DROP, _key(use))  # past its window
    return None


def remember(connection: Connection, use: TokenUse, answer: Mapping[str, Any]) -> None:
    """Keep the answer with the claimed token, to be committed with what it tells of."""
    connection.execute(_REMEMBER, _key(use) | {"answer": dict(answer)})


def forget_expired(connection: Connection, now: datetime) -> int:
    """Drop tokens past their window; return how many."""
    return connection.execute(
        delete(client_tokens).where(client_tokens.c.created_at <= iso_milliseconds(now - WINDOW))
    ).rowcount


def _key(use: TokenUse) -> dict[str, Any]:
    return {
        "at_account": use.account,
        "at_region": use.region,
        "at_operation": use.operation,
        "at_token": use.token,
    }


# Built once, as in ``statements``.
_IS_THE_TOKEN = and_(
    *(
        client_tokens.c[name] == bindparam(f"at_{name}")
        for name in ("account", "region", "operation", "token")
    )
)
_ANSWER = select(client_tokens.c.digest, client_tokens.c.response).where(
    _IS_THE_TOKEN, client_tokens.c.created_at > bindparam("since")
)
_REMEMBER = update(client_tokens).where(_IS_THE_TOKEN).values(response=bindparam("answer"))
_DROP = delete(client_tokens).where(_IS_THE_TOKEN)
