"""The authorities that a guest's programs trust, without a trace in what it becomes."""

from pathlib import Path

import pytest
from tests.machines.lab import Lab, sh

from imagewright.machines.machine import MachineError
from imagewright.machines.sandbox import SandboxOptions
from imagewright.settings import Settings, SettingsError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a CA bundle larger than what fits into one message."""
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n" + f"{'A' * 64}\n" * 4000)
    return file


def test_programs_find_the_bundle_after_a_reboot_too_and_no_layer_holds_it(
    lab: Lab, tiny: str, bundle: Path
) -> None:
    machine = lab.launch(tiny, options=SandboxOptions(ca_bundle=bundle))
    look = 'cmp "$SSL_CERT_FILE" "$CURL_CA_BUNDLE" && cat "$SSL_CERT_FILE" && cat "$APT_CONFIG"'

    first = sh(machine, look)
    machine.reboot()
    second = sh(machine, look)
    layer_id = machine.commit()
    machine.terminate()

    assert first == second
    assert first[1].startswith(bundle.read_text().rstrip())
    assert 'Acquire::https::CaInfo "/run/imagewright/ca-certificates.crt";' in first[1]
    assert layer_id == tiny


def test_without_a_bundle_programs_are_told_of_none(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)

    said = sh(machine, 'echo "<$SSL_CERT_FILE$APT_CONFIG>"; ls /run')
    machine.terminate()

    assert said == (0, "<>\nlock")


def test_a_bundle_that_went_away_is_named_and_nothing_is_left(
    lab: Lab, tiny: str, tmp_path: Path
) -> None:
    options = SandboxOptions(ca_bundle=tmp_path / "gone.pem")

    with pytest.raises(MachineError, match=r"sandbox\.ca_bundle, .*gone\.pem, cannot be read"):
        lab.launch(tiny, options=options)

    assert lab.ledger.entries() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read: No such file"), ("no PEM", "holds no certificate in PEM form")],
)
def test_a_bundle_that_cannot_be_stops_the_start_and_is_named(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    (tmp_path / "settings.toml").write_text(f'[sandbox]\nca_bundle = "{file}"\n')

    with pytest.raises(SettingsError, match=rf"sandbox\.ca_bundle: .*{reason}"):
        Settings.load(tmp_path)
