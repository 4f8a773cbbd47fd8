"""What pruning frees, as a table, and that it really goes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.machines.lab import Lab

from imagewright.clock import SystemClock, iso_milliseconds
from imagewright.images.export_oci import OciMetadata, export_oci
from imagewright.images.layers import LayerOptions
from imagewright.images.packed import KeptBlob
from imagewright.images.prune import Policy, plan, plan_packed, prune
from imagewright.store import layers as rows
from imagewright.store.layers import LayerRow

NOW = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def layer(
    name: str, parent: str | None = None, *, age: timedelta = DAY * 2, key: bool = False,
    network: bool = True, size: int = 10, used: timedelta | None = None,
) -> LayerRow:  # fmt: skip
    return LayerRow(
        id=name, parent=parent, directory=name, flat_directory=None, size_bytes=size,
        created_at=iso_milliseconds(NOW - age),
        used_at=iso_milliseconds(NOW - (age if used is None else used)),
        unsynced_boot_id=None, key=name if key else None, made_by=None, outputs=None,
        has_network=network if key else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "held", "policy", "freed"),
    [
        pytest.param([], set(), Policy(max_age=DAY), [], id="nothing there"),
        pytest.param(
            [layer("base"), layer("a", "base"), layer("b", "a")],
            {"a"}, Policy(max_age=DAY), ["b"],
            id="what is held keeps all beneath it and nothing above",
        ),
        pytest.param(
            [layer("base", key=True, network=False), layer("a", "base", key=True)],
            set(), Policy(max_age=DAY), ["a"],
            id="what could not be reused goes, what could stays",
        ),
        pytest.param(
            [layer("base", key=True, network=False), layer("a", "base", key=True)],
            set(), Policy(max_age=DAY, everything=True), ["base", "a"],
            id="everything that is not needed",
        ),
        pytest.param(
            [layer("a", age=timedelta(minutes=5))],
            set(), Policy(max_age=DAY, everything=True), [],
            id="a build may be about to hold it",
        ),
        pytest.param(
            [layer("a"), layer("b", "a", age=timedelta(minutes=5))],
            set(), Policy(max_age=DAY, everything=True), [],
            id="what lies beneath a recent one stays with it",
        ),
        pytest.param(
            [
                layer("base", key=True, network=False),
                layer("old", "base", key=True, network=False, used=DAY * 2),
                layer("new", "base", key=True, network=False, used=DAY),
            ],
            set(), Policy(max_age=DAY, size_bytes_max=20), ["old"],
            id="the least recently used goes until the rest fits",
        ),
        pytest.param(
            [layer("base", key=True, network=False), layer("a", "base", key=True)],
            {"a"}, Policy(max_age=DAY, size_bytes_max=1), [],
            id="what is needed stays, however large",
        ),
    ],
)  # fmt: skip
def test_pruning_frees(
    found: list[LayerRow], held: set[str], policy: Policy, freed: list[str]
) -> None:
    reasons = plan(found, held, policy, NOW)

    assert [reason.layer.id for reason in reasons] == freed
    assert all(reason.why for reason in reasons)


@pytest.mark.parametrize(
    ("layers_bytes", "policy", "freed"),
    [
        pytest.param(100, Policy(max_age=DAY), ["of-gone", "stale"], id="no limit"),
        pytest.param(
            100, Policy(max_age=DAY, size_bytes_max=120), ["of-gone", "stale"], id="all fits"
        ),
        pytest.param(
            100, Policy(max_age=DAY, size_bytes_max=119), ["of-gone", "stale", "old"],
            id="the least recently used goes first",
        ),
        pytest.param(
            100, Policy(max_age=DAY, size_bytes_max=90), ["of-gone", "stale", "old", "new"],
            id="the layers alone are too many",
        ),
        pytest.param(
            0, Policy(max_age=DAY, everything=True), ["of-gone", "stale", "old"],
            id="all that is not in use",
        ),
    ],
)  # fmt: skip
def test_pruning_frees_what_is_kept_of_packing(
    layers_bytes: int, policy: Policy, freed: list[str]
) -> None:
    found = [
        KeptBlob("of-gone", 10, NOW - 3 * DAY),
        KeptBlob("stale", 10, NOW - 2 * DAY),
        KeptBlob("old", 10, NOW - timedelta(hours=2)),
        KeptBlob("new", 10, NOW - timedelta(minutes=2)),
    ]

    gone = plan_packed(found, {"of-gone"}, layers_bytes, policy, NOW)

    assert [blob.layer_id for blob in gone] == freed


def test_an_export_keeps_no_more_packed_than_the_limit_leaves_room_for(
    state: Path, tmp_path: Path
) -> None:
    lab = Lab(state)
    image = lab.change(lab.tiny(), "touch /kept")
    export_oci(lab.layers, image, tmp_path / "unlimited", OciMetadata(reference="tiny:1"))
    unlimited = lab.layers.usage()
    size_bytes_max = unlimited.size_bytes + unlimited.packed_size_bytes - 1
    lab.close()
    again = Lab(state, options=LayerOptions(free_bytes_min=0, size_bytes_max=size_bytes_max))

    export_oci(again.layers, image, tmp_path / "limited", OciMetadata(reference="tiny:1"))
    limited = again.layers.usage()
    policy = Policy(max_age=DAY, size_bytes_max=1)
    pruned = prune(again.layers, again.database, policy, SystemClock())

    assert unlimited.packed_size_bytes > limited.packed_size_bytes > 0
    assert limited.size_bytes + limited.packed_size_bytes <= size_bytes_max
    assert pruned.packed_size_bytes == limited.packed_size_bytes
    assert again.layers.usage().packed_size_bytes == 0
    again.close()


def test_what_is_pruned_is_gone_from_the_disk_and_the_rest_still_works(state: Path) -> None:
    lab = Lab(state)
    tiny = lab.tiny()
    kept = lab.change(tiny, "touch /kept")
    dropped = lab.change(tiny, "touch /dropped")
    lab.layers.hold("an image", kept)
    with lab.database.begin() as connection:
        everyone = [row.id for row in rows.everything(connection)]
        rows.touch(connection, everyone, "2026-01-01T00:00:00.000Z")
    policy = Policy(max_age=DAY, everything=True)

    foreseen = prune(lab.layers, lab.database, policy, SystemClock(), dry_run=True)
    done = prune(lab.layers, lab.database, policy, SystemClock())

    assert foreseen == done
    assert [reason.layer.id for reason in done.reasons] == [dropped]
    assert dropped.removeprefix("l-") not in lab.directories()
    lab.launch(kept).terminate()
    lab.layers.release("an image")
    assert len(prune(lab.layers, lab.database, policy, SystemClock()).reasons) == 3
    assert lab.directories() == set()
    assert lab.ledger.entries() == []
    lab.close()
