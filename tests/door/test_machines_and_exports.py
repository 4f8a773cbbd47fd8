"""Machines that nobody works on any more, and what a crash leaves of an export."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.door.conftest import ACCOUNT, OTHER, add_image, call_by

from imagewright.door.asked import Asked
from imagewright.door.exports import free_export
from imagewright.door.machines import Machines
from imagewright.errors import InvalidRequest, ResourceNotFound
from imagewright.machines.ledger import Entry, Identity
from imagewright.store import instances, layers
from imagewright.store.database import Database
from imagewright.wire.messages import HttpRequest

KEPT_AT = "2026-01-02T00:00:00.000Z"
MACHINE = "i-0123456789abcdef0"


def asked(account: str = ACCOUNT, instance_id: str = MACHINE) -> Asked:
    body = f'{{"instanceId": "{instance_id}"}}'.encode()
    return Asked(call_by(account), {}, HttpRequest("POST", b"/", b"", (), body))


def add_machine(
    database: Database, status: str, *, kept: bool, kept_age_max: timedelta = timedelta()
) -> Machines:
    """Record a machine of a build that stands at some status."""
    owner = add_image(database, status=status)
    with database.write() as connection:
        instances.add(
            connection, MACHINE, driver="sandbox", layer="l-1", owner=owner, now="2026-01-01"
        )
        if kept:
            instances.keep(connection, MACHINE, KEPT_AT)
    return Machines(database, kept_age_max)


@pytest.mark.parametrize(("status", "kept"), [("FAILED", True), ("AVAILABLE", False)])
def test_a_machine_whose_build_is_over_can_be_ended_once(
    database: Database, status: str, kept: bool
) -> None:
    machines = add_machine(database, status, kept=kept)
    assert [each["instanceId"] for each in machines.list(asked())["machines"]] == [MACHINE]

    machines.terminate(asked())

    assert machines.list(asked()) == {"machines": []}
    with pytest.raises(ResourceNotFound):
        machines.terminate(asked())


def test_a_machine_at_work_is_not_ended(database: Database) -> None:
    machines = add_machine(database, "BUILDING", kept=False)

    with pytest.raises(InvalidRequest, match="Cancel the build"):
        machines.terminate(asked())


@pytest.mark.parametrize("operation", ["list", "terminate"])
def test_a_kept_machine_ends_when_it_was_kept_for_long_enough(
    database: Database, operation: str
) -> None:
    age = datetime.now(UTC) - datetime.fromisoformat(KEPT_AT)
    young = add_machine(database, "FAILED", kept=True, kept_age_max=age + timedelta(hours=1))
    assert [each["instanceId"] for each in young.list(asked())["machines"]] == [MACHINE]

    old = Machines(database, age - timedelta(hours=1))
    if operation == "list":
        assert old.list(asked()) == {"machines": []}
    else:
        with pytest.raises(ResourceNotFound):
            old.terminate(asked())

    with database.read() as connection:
        assert layers.held(connection) == (set() if operation == "list" else {"l-1"})


def test_another_accounts_machine_is_absent(database: Database) -> None:
    """ERR-26."""
    machines = add_machine(database, "FAILED", kept=True)

    assert machines.list(asked(OTHER)) == {"machines": []}
    with pytest.raises(ResourceNotFound):
        machines.terminate(asked(OTHER))


def test_what_a_crash_left_of_an_export_is_freed(tmp_path: Path) -> None:
    left = tmp_path / "exports" / "0123"
    (left / "layout").mkdir(parents=True)
    (left / "layout" / "index.json").write_text("{")
    entry = Entry("e", "file", {"path": str(left)}, "image", Identity(1, 1, "b", "h"), "2026")

    free_export(entry)
    free_export(entry)

    assert list(left.parent.iterdir()) == []
