import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imagewright.errors import IdempotentParameterMismatch
from imagewright.store import tokens
from imagewright.store.database import Database
from imagewright.store.tokens import TokenUse

USE = TokenUse(
    account="123456789012",
    region="us-east-1",
    operation="CreateWorkflow",
    token="t",
    digest="d",
    at=datetime(2026, 1, 1, tzinfo=UTC),
)


def use_up(database: Database, use: TokenUse = USE) -> None:
    with database.write() as connection:
        assert tokens.claim(connection, use) is None
        tokens.remember(connection, use, {"arn": "a"})


def test_a_token_brings_back_its_answer(database: Database) -> None:
    """IDM-02."""
    use_up(database)

    with database.write() as connection:
        assert tokens.claim(connection, USE) == {"arn": "a"}
        assert tokens.find_answer(connection, USE) == {"arn": "a"}


def test_a_token_with_other_parameters_is_refused(database: Database) -> None:
    """IDM-03."""
    use_up(database)

    with database.write() as connection, pytest.raises(IdempotentParameterMismatch):
        tokens.claim(connection, replace(USE, digest="other"))


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"account": "210987654321"},
        {"region": "eu-west-1"},
        {"operation": "CreateComponent"},
        {"token": "T"},
    ],
)
def test_a_token_counts_only_in_its_own_scope(
    database: Database, elsewhere: dict[str, str]
) -> None:
    """IDM-04, IDS-03."""
    use_up(database)

    use_up(database, replace(USE, **elsewhere))  # type: ignore[arg-type]  # all of them texts


def test_a_token_is_free_again_after_a_day(database: Database) -> None:
    """IDM-05."""
    use_up(database)
    almost, after = timedelta(hours=23, minutes=59), timedelta(hours=24, seconds=1)

    with database.write() as connection:
        assert tokens.claim(connection, replace(USE, at=USE.at + almost)) is not None
    use_up(database, replace(USE, digest="other", at=USE.at + after))


def test_a_claim_that_is_rolled_back_leaves_no_trace(database: Database) -> None:
    """IDM-07."""
    with contextlib.suppress(ZeroDivisionError), database.write() as connection:
        tokens.claim(connection, USE)
        raise ZeroDivisionError

    use_up(database, replace(USE, digest="other"))


def test_expired_tokens_can_be_dropped(database: Database) -> None:
    use_up(database)

    with database.write() as connection:
        assert tokens.forget_expired(connection, USE.at + timedelta(hours=25)) == 1
