"""Layers on the disk: chains, flattening, what a crash leaves, and room."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.machines.lab import Lab, new_instance_id, sh

from imagewright.images.layers import STACK_MAX, DiskFull, LayerMissing, LayerOptions
from imagewright.machines.ledger import this_boot
from imagewright.store import layers as rows


def test_a_chain_of_sixty_layers_is_flattened_and_shows_the_same(lab: Lab, tiny: str) -> None:
    """Deleted files, replaced directories, owners, modes and links survive it."""
    machine = lab.launch(tiny)
    sh(
        machine,
        "mkdir -p /data/gone /data/refilled; echo 1 > /data/gone/x; echo 1 > /data/refilled/old;"
        "echo s > /data/shared; ln /data/shared /data/twin; chown 12:34 /data/shared;"
        "chmod 4751 /data/shared; ln -s nowhere /data/link; mkfifo /data/fifo",
    )
    refill = "rm -r /data/gone /data/refilled; mkdir /data/refilled; echo > /data/refilled/new"
    top = tiny
    for number in range(60):
        sh(machine, f"echo {number} > /data/{number}; rm -f /data/{number - 3}")
        if number == 20:
            sh(machine, refill)
        top = machine.commit()
    machine.terminate()

    assert len(lab.layers.chain(top)) > 60
    assert len(lab.layers.stack(top)) <= STACK_MAX
    machine = lab.launch(top)
    names = sh(machine, "ls /data /data/refilled")[1].split()
    code, output = sh(
        machine,
        "cat /data/57 /data/59; stat -c '%a %u:%g %n' /data/shared; readlink /data/link;"
        "cat /data/twin; test -p /data/fifo",
    )
    machine.terminate()
    expected = ["57", "58", "59", "fifo", "link", "refilled", "shared", "twin"]
    assert names == ["/data:", *expected, "/data/refilled:", "new"]
    assert (code, output) == (0, "57\n59\n4751 12:34 /data/shared\nnowhere\ns")


def test_an_image_on_an_image_on_an_image(lab: Lab, tiny: str) -> None:
    first = lab.change(tiny, "echo one > /one")
    second = lab.change(first, "echo two > /two; rm /one")
    third = lab.change(second, "echo three > /one")

    machine = lab.launch(third)

    assert sh(machine, "cat /one /two") == (0, "three\ntwo")
    machine.terminate()


def test_run_time_files_never_enter_a_layer(lab: Lab, tiny: str) -> None:
    touched = lab.change(
        tiny,
        "touch /etc/hosts /etc/resolv.conf; chmod 600 /etc/resolv.conf; echo x > /run/x;"
        "echo '10.0.0.1 db' >> /etc/hosts; touch /dev/shm/y; ls /proc/1 /sys >/dev/null",
    )
    directory = lab.layers.directory / lab.layers.chain(touched)[0].directory / "d"

    names = {str(path.relative_to(directory)) for path in directory.rglob("*")}

    assert names == {"etc", "etc/hosts"}
    assert (directory / "etc/hosts").read_text().endswith("10.0.0.1 db\n")
    assert "127.0.1.1" not in (directory / "etc/hosts").read_text()


def test_what_an_author_does_to_run_time_files_on_purpose_stays(lab: Lab, tiny: str) -> None:
    changed = lab.change(
        tiny, "rm /etc/resolv.conf; ln -s ../run/stub /etc/resolv.conf; rm /etc/hosts"
    )
    directory = lab.layers.directory / lab.layers.chain(changed)[0].directory / "d" / "etc"

    machine = lab.launch(changed)

    assert (directory / "resolv.conf").readlink() == Path("../run/stub")
    # The next machine resolves names all the same.
    assert sh(machine, "grep -c 127.0.1.1 /etc/hosts; test -s /etc/resolv.conf") == (0, "1")
    machine.terminate()


def test_a_hundred_thousand_files_are_committed_and_deleted(lab: Lab, tiny: str) -> None:
    layer_id = lab.change(
        tiny, "for d in $(seq 100); do mkdir /m$d; (cd /m$d; seq 1000 | xargs touch); done"
    )
    name = lab.layers.chain(layer_id)[0].directory

    lab.layers.delete([layer_id])

    assert name not in lab.directories()
    with pytest.raises(LayerMissing, match=layer_id):
        lab.layers.stack(layer_id)


def test_deep_and_oddly_named_trees_are_no_trouble(lab: Lab, tiny: str) -> None:
    layer_id = lab.change(
        tiny,
        "cd /; for i in $(seq 400); do mkdir d; cd d; done; touch bottom;"
        "printf x > \"/$(printf 'a\\377\\nb')\"; mkdir '/ with spaces '",
    )

    machine = lab.launch(layer_id)

    assert sh(machine, "find / -name bottom -xdev | wc -c; ls / | wc -l")[0] == 0
    machine.terminate()
    lab.layers.delete([layer_id])


def test_a_tree_too_deep_to_be_a_path_is_deleted_all_the_same(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)
    sh(machine, "cd /; for i in $(seq 3000); do mkdir dddd 2>/dev/null && cd dddd || exit 0; done")

    machine.terminate()

    assert [e for e in lab.ledger.entries() if e.owner == machine.id] == []


def test_layers_that_the_hosts_end_may_have_torn_are_dropped_with_what_is_on_them(
    state: Path,
) -> None:
    lab = Lab(state)
    tiny = lab.tiny()
    lab.layers.make_durable(tiny)
    torn = lab.change(tiny, "touch /torn")
    above = lab.change(torn, "touch /above")
    with lab.database.begin() as connection:
        row = rows.get(connection, torn)
        assert row is not None
        assert row.unsynced_boot_id == this_boot()
        rows.delete_rows(connection, [torn])
        rows.add(connection, replace(row, unsynced_boot_id="an earlier start of the host"))

    dropped = lab.layers.recover()

    assert dropped == sorted([torn, above])
    assert lab.layers.stack(tiny)
    with pytest.raises(LayerMissing):
        lab.layers.stack(above)
    assert lab.ledger.entries() == []
    lab.close()


def test_a_full_disk_is_seen_before_anything_is_written(state: Path) -> None:
    lab = Lab(state, options=LayerOptions(free_bytes_min=1 << 60))

    with pytest.raises(DiskFull, match=r"needs 5 MiB .* leaves .* free .* only \d+ MiB are free"):
        lab.layers.begin(new_instance_id(), needed_bytes=5 << 20)

    assert lab.ledger.entries() == []
    lab.close()


def test_usage_counts_what_layers_take(state: Path) -> None:
    lab = Lab(state)
    tiny = lab.tiny()
    before = lab.layers.usage()

    lab.change(tiny, "dd if=/dev/zero of=/big bs=1M count=5 2>/dev/null")

    after = lab.layers.usage()
    assert after.layers == before.layers + 1
    assert 5 << 20 <= after.size_bytes - before.size_bytes < 6 << 20
    assert after.free_bytes > 0
    lab.close()
