"""Managed bases: made once, whoever asks at once, and what a Debian one can do."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.machines.lab import TINY, Lab, mirror, sh

from imagewright.images.bases import BASES, BaseFailed, Bases, Progress
from imagewright.images.inventory import take_inventory
from imagewright.images.mirrors import Mirror


def test_two_who_want_a_base_at_once_get_the_same_one(state: Path) -> None:
    lab = Lab(state)
    found: list[str] = []
    said: list[Progress] = []

    def ask() -> None:
        found.append(lab.bases.layer("tiny", on_progress=said.append))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert len(lab.layers.chain(found[0])) == 1
    assert lab.layers.usage().layers == 1
    assert any("waiting" in progress.line for progress in said)
    fractions = [p.fraction for p in said if "waiting" not in p.line]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.9
    lab.close()


def test_a_base_that_cannot_be_made_says_what_mmdebstrap_said(state: Path) -> None:
    lab = Lab(state)
    missing = replace(TINY, packages=("no-such-package-anywhere",))
    bases = Bases(lab.layers, locks=state / "locks", table={"tiny": missing}, mirror=mirror)

    with pytest.raises(BaseFailed, match="no-such-package-anywhere"):
        bases.layer("tiny")

    assert lab.directories() == set()
    assert lab.ledger.entries() == []
    lab.close()


def test_a_mirror_out_of_reach_is_named(state: Path) -> None:
    lab = Lab(state)
    bases = Bases(
        lab.layers, locks=state / "locks", table={"tiny": TINY},
        mirror=lambda: Mirror("http://127.0.0.1:9/debian", None),
    )  # fmt: skip

    with pytest.raises(BaseFailed, match=r"127\.0\.0\.1"):
        bases.layer("tiny")
    lab.close()


def test_making_a_base_can_be_cancelled(state: Path) -> None:
    lab = Lab(state)
    cancel = threading.Event()

    with pytest.raises(BaseFailed, match="cancelled"):
        lab.bases.layer("tiny", on_progress=lambda _progress: cancel.set(), cancel=cancel)

    assert lab.directories() == set()
    assert lab.ledger.entries() == []
    assert lab.bases.layer("tiny")
    lab.close()


@pytest.mark.e2e
def test_debian_12_carries_what_scripts_rely_on(lab: Lab) -> None:
    bases = Bases(lab.layers, locks=lab.state / "locks", table=BASES, mirror=mirror)
    layer_id = bases.layer("debian-12")

    machine = lab.launch(layer_id)
    script = (
        "set -e; useradd -m dev; echo 'dev ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/dev;"
        "test $(sudo -u dev sudo id -u) = 0; test $(su - dev -c 'sudo id -u') = 0;"
        "for p in curl gpg wget bash; do $p --version > /dev/null; done; ps > /dev/null;"
        "python3 -c 'import ssl'; systemctl start anything; getent hosts $(hostname);"
        "cat /etc/hostname; test ! -s /etc/machine-id; ls /etc/ssl/certs/ca-certificates.crt"
    )
    code, output = sh(machine, script)
    apt_code, apt_output = sh(
        machine,
        "apt-get update -q && apt-get install -yq --no-install-recommends jq && jq --version",
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )
    top = machine.commit()
    machine.terminate()

    assert code == 0, output
    assert apt_code == 0, apt_output
    inventory = take_inventory(lab.layers, top)
    assert inventory.os_version == "Debian GNU/Linux 12"
    names = {package.name for package in inventory.packages}
    assert {"sudo", "systemd", "jq", "ca-certificates", "gnupg", "procps"} <= names
