"""Packages and operating system, from the databases that lie in the image."""

import sqlite3
import struct
from pathlib import Path

import pytest
from tests.machines.lab import Lab

from imagewright.images.inventory import Inventory, Package, os_version, take_inventory
from imagewright.images.rpm_database import read_rpm_database
from imagewright.machines.machine import MachineError

DPKG = b"""Package: curl
Status: install ok installed
Version: 7.88.1-10
Description: several
 lines

Package: gone
Status: deinstall ok config-files
Version: 1

Package: adduser
Status: hold ok installed
Version: 3.134

"""
APK = b"P:musl\nV:1.2.4-r2\nT:the libc\n\nP:busybox\nV:1.36.1-r5\n\n"


def rpm_header(name: str, version: str, release: str, epoch: int | None) -> bytes:
    data, entries = b"", []
    for tag, text in ((1000, name), (1001, version), (1002, release)):
        entries.append((tag, 6, len(data), 1))
        data += text.encode() + b"\0"
    if epoch is not None:
        data += b"\0" * (-len(data) % 4)
        entries.append((1003, 4, len(data), 1))
        data += struct.pack(">I", epoch)
    index = b"".join(struct.pack(">IIII", *entry) for entry in entries)
    return struct.pack(">II", len(entries), len(data)) + index + data


def rpm_database(path: Path, *headers: bytes) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(h,) for h in headers])
    database.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("path", "content", "packages"),
    [
        pytest.param(
            "/var/lib/dpkg/status", DPKG, [("adduser", "3.134"), ("curl", "7.88.1-10")], id="dpkg"
        ),
        pytest.param(
            "/lib/apk/db/installed", APK, [("busybox", "1.36.1-r5"), ("musl", "1.2.4-r2")], id="apk"
        ),
    ],
)
def test_packages_come_from_the_managers_database(
    lab: Lab, tiny: str, path: str, content: bytes, packages: list[tuple[str, str]]
) -> None:
    machine = lab.launch(tiny)
    machine.put_file("/var/lib/dpkg/status", b"")
    machine.put_file(path, content)
    layer_id = machine.commit()
    machine.terminate()

    inventory = take_inventory(lab.layers, layer_id)

    assert inventory == Inventory("Tiny 1", tuple(Package(*package) for package in packages))


def test_an_rpm_database_is_read_without_rpm(tmp_path: Path) -> None:
    content = rpm_database(
        tmp_path / "rpmdb.sqlite",
        rpm_header("bash", "5.2.15", "1.amzn2023", None),
        rpm_header("vim", "9.0", "3.el9", 2),
    )

    found = list(read_rpm_database(content))

    assert found == [("bash", "5.2.15-1.amzn2023"), ("vim", "2:9.0-3.el9")]


@pytest.mark.parametrize(
    "header",
    [b"", b"\0" * 3, struct.pack(">II", 1 << 30, 0), struct.pack(">IIIIII", 1, 0, 1000, 6, 99, 1)],
)
def test_a_damaged_rpm_database_is_an_error(tmp_path: Path, header: bytes) -> None:
    content = rpm_database(tmp_path / "rpmdb.sqlite", header)

    with pytest.raises(MachineError, match="rpm database cannot be read"):
        list(read_rpm_database(content))


def test_a_file_that_is_no_database_is_an_error() -> None:
    with pytest.raises(MachineError, match="rpm database cannot be read"):
        list(read_rpm_database(b"SQLite format 3\0" + b"\xff" * 5000))


def test_a_database_that_is_a_trap_is_an_error_and_not_a_hang(lab: Lab, tiny: str) -> None:
    layer_id = lab.change(tiny, "rm /var/lib/dpkg/status; mkfifo /var/lib/dpkg/status")

    with pytest.raises(MachineError, match="not a regular file"):
        take_inventory(lab.layers, layer_id)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param(
            b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n'
            b'VERSION_ID="12"\n',
            "Debian GNU/Linux 12", id="Debian",
        ),
        pytest.param(b"NAME=Alpine\\ Linux\nVERSION_ID=3.19.1\n", "Alpine Linux 3.19.1", id="bare"),
        pytest.param(b"# a comment\nNAME='Arch'\n", "Arch", id="no version"),
        pytest.param(b"NAME=\"unclosed\nVERSION_ID=1", '"unclosed 1', id="malformed"),
        pytest.param(b"\xff\xfe", None, id="no text"),
        pytest.param(None, None, id="absent"),
    ],
)  # fmt: skip
def test_the_operating_system_is_what_it_says_of_itself(
    text: bytes | None, version: str | None
) -> None:
    assert os_version(text) == version
