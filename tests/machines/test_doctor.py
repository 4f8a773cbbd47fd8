"""What the doctor sees, with everything there and with things missing."""

import errno
import os
from pathlib import Path

import pytest
from tests.machines.lab import Lab
from tests.machines.test_sandbox_crash import crashing, read_until

from imagewright.images.export_oci import OciMetadata, export_oci
from imagewright.machines import doctor, namespaces
from imagewright.machines.doctor import Finding, examine
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import explain_refusal


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_on_a_host_that_runs_sandboxes_nothing_is_missing(lab: Lab) -> None:
    found = examine(lab.state, network=lab.network, ledger=lab.ledger)

    assert [finding for finding in found if finding.grade == "missing"] == []
    assert {"user ids", "isolation", "limit on memory", "left over"} <= by_subject(found).keys()
    assert all(finding.remedy for finding in found if finding.grade != "ok")
    assert not list(lab.state.glob(".doctor-*"))


def test_a_state_that_is_not_there_yet_is_no_trouble(tmp_path: Path) -> None:
    found = by_subject(examine(tmp_path / "not" / "yet"))

    assert found["isolation"].grade == "ok"
    assert "left over" not in found
    assert not (tmp_path / "not").exists()


def test_what_a_crash_left_is_named_until_it_is_reaped(state: Path) -> None:
    with crashing(state, "machine") as process:
        read_until(process, "ready")
        process.kill()
        process.wait()
    lab = Lab(state)

    under_way = ["web/1.0.0/3"]
    before = by_subject(examine(state, ledger=lab.ledger, under_way=under_way))["left over"]
    lab.reap()
    after = by_subject(examine(state, ledger=lab.ledger))["left over"]

    assert before.grade == "warning"
    assert "directory" in before.detail
    assert before.detail.endswith("The next start clears that up and goes on with web/1.0.0/3")
    assert after == Finding("left over", "ok", "nothing (0 in use)")
    lab.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_layers_that_lost_their_owners_are_told_by_doctor_driver_and_export(state: Path) -> None:
    """As in a state that was copied with ``cp -r``."""
    lab = Lab(state)
    found = by_subject(examine(state))["layers"]
    os.chown(lab.layers.directory, 12_345, -1)

    lost = by_subject(examine(state))["layers"]
    with pytest.raises(MachineError, match=r"belongs to user 12345.*`cp -a`, as root"):
        lab.layers.begin("who would make one")
    with pytest.raises(MachineError, match="belongs to user 12345"):
        lab.launch("l-any")
    with pytest.raises(MachineError, match="belongs to user 12345"):
        export_oci(lab.layers, "l-any", state / "exported", OciMetadata(reference="any:1.0.0"))
    lab.close()

    assert found.grade == "ok"
    assert (lost.grade, "cp -a" in lost.remedy) == ("missing", True)


def test_missing_programs_come_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ENVIRONMENT", {"PATH": str(tmp_path)})

    finding = by_subject(examine(tmp_path))["base images"]

    assert (finding.grade, finding.remedy) == ("missing", "apt-get install mmdebstrap")


@pytest.mark.parametrize(
    ("number", "settings", "way_out"),
    [
        pytest.param(
            errno.ENOSPC, {}, "sysctl user.max_user_namespaces=15000", id="switched off"
        ),
        pytest.param(
            errno.EPERM, {"apparmor_restrict_unprivileged_userns": "1"},
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0", id="Ubuntu's AppArmor",
        ),
        pytest.param(
            errno.EACCES, {"apparmor_restrict_unprivileged_userns": "1"},
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0", id="AppArmor, later",
        ),
        pytest.param(
            errno.EPERM, {"unprivileged_userns_clone": "0"},
            "sysctl kernel.unprivileged_userns_clone=1", id="Debian's older switch",
        ),
    ],
)  # fmt: skip
def test_a_restricted_kernel_names_the_setting_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, number: int, settings: dict[str, str], way_out: str
) -> None:
    monkeypatch.setattr(namespaces, "_kernel_setting", settings.get)

    assert way_out in explain_refusal("user namespace: refused", number)


def test_a_container_names_the_options_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "_kernel_setting", lambda _name: None)
    monkeypatch.setattr(namespaces, "_in_container", lambda: True)

    assert "seccomp=unconfined" in explain_refusal("user namespace: refused", errno.EPERM)
