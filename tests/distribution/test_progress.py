"""How far a copy is, told in the log of its build."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.machines.lab import Lab

from imagewright.distribution.artefact import Parcel
from imagewright.distribution.folder import Folder
from imagewright.distribution.telling import telling


class Notes:
    """A step's log."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str, **_facts: str) -> None:
        self.said.append(text)

    def line(self, *_arguments: Any, **_facts: Any) -> None:
        """Nothing prints here."""


def test_every_byte_of_a_copy_is_told_of(lab: Lab, parcel: Parcel, tmp_path: Path) -> None:
    told: list[int] = []
    folder = Folder(tmp_path / "region", "oci", lab.ledger)

    folder.put(replace(parcel, on_bytes=told.append))

    assert sum(told) == parcel.artefact.size_bytes


def test_what_takes_long_says_how_far_it_is(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    log = Notes()
    tell = telling(log, "Sending", parcel.artefact)
    part = parcel.artefact.size_bytes // 10

    for _ in range(10):
        tell(part)

    assert log.said[0] == "Sending: 30%"
    assert 2 <= len(log.said) < 10
