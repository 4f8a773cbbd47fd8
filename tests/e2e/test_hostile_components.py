"""Components that mean harm: what they do stays in the guest, and the server goes on."""

import json
import re
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_builds import component, workflow

PROCESSES_MAX = 256
STOLEN = "Package: stolen\nStatus: install ok installed\nVersion: 6.6\n\n"
"""What lies on the host; to a careless inventory, a package."""


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    """Return a server that lets a machine have few processes."""
    with lab.bench(IMAGEWRIGHT_SANDBOX_PROCESSES_MAX=str(PROCESSES_MAX)) as running:
        yield running


@pytest.fixture(autouse=True)
def the_server_goes_on(bench: Bench) -> Iterator[None]:
    """Demand after each test that the server builds, and that nothing is left."""
    yield
    bench.built(bench.start(bench.recipe(bench.component(component("echo fine")))))
    assert bench.server.process.poll() is None
    bench.nothing_is_left()


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """Return a file of the host's that must stay as it is."""
    file = tmp_path / "host" / "secret"
    file.parent.mkdir()
    file.write_text(STOLEN)
    file.chmod(0o600)
    before = file.stat()
    yield file
    after = file.stat()
    assert file.read_text() == STOLEN
    assert (after.st_ino, after.st_mode, after.st_uid) == (
        before.st_ino,
        before.st_mode,
        before.st_uid,
    )
    assert [each.name for each in file.parent.iterdir()] == ["secret"]


def step(name: str, action: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a step of a module that takes a list."""
    return {"name": name, "action": action, "inputs": list(entries), **more}


def steps(*written: dict[str, Any]) -> str:
    """Write a component of these steps, unlike any other."""
    phases = [{"name": "build", "steps": list(written)}]
    return json.dumps({"name": str(uuid4()), "schemaVersion": 1.0, "phases": phases})


def build(bench: Bench, *documents: str) -> str:
    """Start a build of these components."""
    return bench.start(bench.recipe(*(bench.component(text) for text in documents)))


def failure(bench: Bench, arn: str) -> str:
    """Wait for a build to fail in a component, and return why."""
    state = bench.finished(arn)["state"]
    assert state["status"] == "FAILED", bench.explain(arn)
    return str(state["failureContext"]["componentFailure"]["errorMessage"])


def exported(bench: Bench, arn: str, to: Path) -> dict[str, tarfile.TarInfo]:
    """Export an image as a tar and return its members by name."""
    argv = ["images", "export", arn, "--format", "tar", "--to", str(to)]
    state = ["--state", str(bench.server.state)]
    subprocess.run([sys.executable, "-m", "imagewright", *argv, *state], check=True, timeout=120)
    with tarfile.open(to) as archive:
        return {member.name.removeprefix("./").rstrip("/"): member for member in archive}


def packages(bench: Bench, arn: str) -> set[str]:
    """Return the names of an image's packages."""
    found = bench.client.list_image_packages(imageBuildVersionArn=arn, maxResults=100)
    return {package["packageName"] for package in found["imagePackageList"]}


def test_paths_that_climb_end_at_the_guests_own_root(bench: Bench, secret: Path) -> None:
    mark = f"climbed-{uuid4().hex}"
    climbing = f"../../../../../../../..{secret.parent}/{mark}"
    written = steps(
        step("Relative", "CreateFile", {"path": climbing, "content": "x"}),
        step("Absolute", "CreateFile", {"path": f"/tmp/../..{secret}", "content": "x"}),
        step("Folder", "CreateFolder", {"path": f"/..{secret.parent}/folder"}),
        step("Move", "MoveFile", {"source": climbing, "destination": f"/../../{mark}"}),
    )
    check = component(f"test -f /{mark}", f'test "$(cat {secret})" = x', phase="test")

    bench.built(build(bench, written, check))

    assert not Path("/", mark).exists()


def test_planted_links_lead_the_modules_of_the_next_component_nowhere(
    bench: Bench, secret: Path, tmp_path: Path
) -> None:
    planted = component(
        "set -e",
        f"mkdir -p {secret.parent}; echo guest > {secret.parent}/other",
        f"ln -s {secret} /etc/planted",
        f"ln -s {secret.parent} /etc/folder",
        "ln -s loop-b /var/lib/loop-a; ln -s loop-a /var/lib/loop-b",
        f"ln -sf {secret} /etc/hosts; ln -sf {secret} /etc/resolv.conf",
        f"rm -rf /var/tmp; ln -s {secret.parent} /var/tmp",
    )
    used = steps(
        step("Write", "CreateFile", {"path": "/etc/planted", "content": "guest"}),
        step("Append", "AppendFile", {"path": "/etc/planted", "content": "'s own"}),
        step("Mode", "SetFilePermissions", {"path": "/etc/planted", "permissions": "0777"}),
        step("Copy", "CopyFile", {"source": "/etc/planted", "destination": "/copied"}),
        step("Into", "CreateFile", {"path": "/etc/folder/into", "content": "x"}),
        step("Tidy", "DeleteFile", {"path": "/etc/folder/*"}, {"path": "/etc/planted"}),
        step("Loop", "CreateFile", {"path": "/var/lib/loop-a/x"}, onFailure="Ignore"),
        step("LoopRead", "CopyFile", {"source": "/var/lib/loop-a", "destination": "/y"},
             onFailure="Ignore"),
    )  # fmt: skip
    check = component(
        'test "$(cat /copied)" = "guest\'s own"', f'test -z "$(ls {secret.parent})"', phase="test"
    )

    arn = build(bench, planted, used, check)

    bench.built(arn)
    assert bench.log(arn).count("ignoredFailure") == 2
    members = exported(bench, arn, tmp_path / "image.tar")
    assert members["etc/folder"].linkname == str(secret.parent)
    assert "etc/planted" not in members
    bench.client.delete_image(imageBuildVersionArn=arn)


@pytest.mark.parametrize(
    "lines",
    [
        ["ln -sf {secret} /var/lib/dpkg/status", "ln -sf {secret} /etc/os-release"],
        ["rm -rf /var/lib/dpkg", "ln -s {folder} /var/lib/dpkg", "cp -r {folder} / || true"],
        ["rm -f /var/lib/dpkg/status", "ln -s status /var/lib/dpkg/status"],
        ["cd /var/lib/dpkg", "rm -f status /etc/os-release", "mkfifo status /etc/os-release"],
        ["rm -f /etc/os-release", "mkdir /etc/os-release", "mkdir -p /var/lib/rpm/rpmdb.sqlite"],
        ["head -c 5M /dev/urandom | tee /etc/os-release > /var/lib/dpkg/status"],
        ["truncate -s 2G /var/lib/dpkg/status"],
    ],
    ids=["links", "a folder", "a loop", "FIFOs", "folders", "noise", "2 GiB"],
)  # fmt: skip
def test_an_inventory_never_leaves_the_image_nor_waits(
    bench: Bench, secret: Path, lines: list[str]
) -> None:
    planted = [line.format(secret=secret, folder=secret.parent) for line in lines]

    arn = build(bench, component("mkdir -p /x", *planted))

    state = bench.finished(arn, seconds=60)["state"]
    if state["status"] == "FAILED":
        assert "The inventory cannot be taken" in state["reason"]
    else:
        assert "stolen" not in packages(bench, arn)


def test_odd_files_end_in_words_and_leave_with_the_image(bench: Bench, tmp_path: Path) -> None:
    planted = component(
        "set -e",
        "mkdir /odd && cd /odd",
        "mkfifo pipe",
        "cp /bin/true suid && chmod 6755 suid",
        "if mknod disk b 8 0 && head -c 1 disk; then exit 1; fi",
        "if mknod memory c 1 1 && head -c 1 memory; then exit 1; fi",
        "rm -f disk memory",
        "mknod whiteout c 0 0 || true",
        "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('socket')\"",
        "touch -- \"$(printf 'line\\nbreak')\" \"$(printf 'not-utf8-\\377')\" '-rf' ' ' '*'",
    )
    used = steps(
        step("Write", "CreateFile", {"path": "/odd/pipe", "content": "x"}, onFailure="Ignore",
             timeoutSeconds=2),
        step("Append", "AppendFile", {"path": "/odd/pipe", "content": "x"}, onFailure="Ignore",
             timeoutSeconds=2),
        step("Read", "CopyFile", {"source": "/odd/pipe", "destination": "/c"}, onFailure="Ignore",
             timeoutSeconds=2),
        step("Star", "CopyFile", {"source": "/odd/*", "destination": "/copies/"},
             timeoutSeconds=120),
    )  # fmt: skip

    arn = build(bench, planted, used)

    bench.built(arn)
    assert bench.log(arn).count("ignoredFailure") == 3
    members = exported(bench, arn, tmp_path / "image.tar")
    assert members["odd/pipe"].isfifo()
    assert members["odd/suid"].mode & (stat.S_ISUID | stat.S_ISGID) == 0o6000
    assert {"odd/-rf", "odd/ ", "odd/*", "odd/line\nbreak", "copies/-rf"} <= members.keys()
    assert not any(member.ischr() or member.isblk() for member in members.values())
    assert stat.S_IMODE(bench.server.state.stat().st_mode) == 0o700


NESTED = """\
import os
for _ in range(2000):
    os.mkdir('d' * 200)
    pass
    os.chdir('d' * 200)
"""
"""Makes a folder whose path is longer than the kernel takes a hundred times over."""


def test_folders_nested_too_deep_to_be_named_fail_the_build_in_words(bench: Bench) -> None:
    arn = build(bench, component(f'mkdir /deep && cd /deep && python3 -c "{NESTED}"'))

    assert "File name too long" in bench.finished(arn)["state"]["reason"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rm -rf /* 2>/dev/null || true", "/bin/sh: No such file or directory"),
        ("rm -rf /tmp; ln -s /nowhere /tmp", "the working directory cannot be made: mkdir: "),
    ],
)
def test_a_guest_that_was_destroyed_is_said_to_be(bench: Bench, line: str, message: str) -> None:
    arn = build(bench, component(line), component("echo never"))

    assert message in bench.finished(arn)["state"]["reason"]
    assert "never" not in bench.log(arn)


def test_what_a_failed_component_planted_is_deleted_and_nothing_behind_it(
    bench: Bench, secret: Path
) -> None:
    deep = NESTED.replace("pass", f"os.symlink('{secret}', 'link')")
    planted = component(
        "set -e",
        f"mkdir /planted && cd /planted && ln -s {secret.parent} folder && ln -s {secret} file",
        f'python3 -c "{deep}"',
        "mkdir closed && touch closed/file && chmod 000 closed",
        "exit 3",
    )
    before = sorted(each.name for each in (bench.server.state / "layers").iterdir())

    message = failure(bench, build(bench, planted))

    assert message.startswith("exit status 3 at line ")
    bench.nothing_is_left()
    assert sorted(each.name for each in (bench.server.state / "layers").iterdir()) == before


def test_many_files_and_a_large_hole_are_kept_and_cost_little(bench: Bench) -> None:
    large = component("mkdir /many && cd /many && seq 20000 | xargs touch", "truncate -s 2G /hole")
    check = component(
        'test "$(ls /many | wc -l)" = 20000',
        'test "$(stat -c %s /hole)" = 2147483648',
        phase="test",
    )
    before = _disk_bytes(bench.server.state)

    arn = build(bench, large, check)

    bench.built(arn)
    assert _disk_bytes(bench.server.state) - before < 200 << 20


def _disk_bytes(folder: Path) -> int:
    done = subprocess.run(["du", "-sk", folder], check=False, capture_output=True, text=True)
    return int(done.stdout.split()[0]) << 10


def test_no_more_processes_live_than_may(bench: Bench) -> None:
    crowd = """\
import os, time
count = 0
try:
    while os.fork():
        count += 1
    time.sleep(60)
except BlockingIOError:
    print(f"{count} children")
"""

    arn = build(bench, component(f"python3 -c '{crowd}'"))

    bench.built(arn)
    [count] = re.findall(r"(\d+) children", bench.log(arn))
    assert PROCESSES_MAX - 20 < int(count) < PROCESSES_MAX


def test_a_fork_bomb_meets_its_limit_and_its_end(bench: Bench) -> None:
    bomb = component("bomb() { bomb | bomb & }; bomb; sleep 600", timeoutSeconds=3)

    message = failure(bench, build(bench, bomb))

    assert message.startswith("timed out after 3 s")


def test_a_script_that_kills_whatever_it_can_kills_itself(bench: Bench) -> None:
    message = failure(bench, build(bench, component("kill -9 -1", "sleep 600")))

    assert message.startswith("exit status 137")


def test_fifty_megabytes_on_one_line_come_through(bench: Bench) -> None:
    """Not one of them is missing from the log."""
    lots = component("head -c 50M /dev/zero | tr '\\0' x", "echo; echo end")

    arn = build(bench, lots)

    bench.built(arn)
    *pieces, last, end = [
        entry
        for line in bench.log(arn).splitlines()
        if (entry := json.loads(line)).get("stream") and entry["action"] == "ExecuteComponents"
    ]
    assert sum(len(piece["text"]) for piece in (*pieces, last)) == 50 << 20
    assert {piece["continues"] for piece in pieces} == {"yes"}
    assert "continues" not in last
    assert end["text"] == "end"


def test_a_command_that_fails_after_one_long_line_has_a_short_reason(bench: Bench) -> None:
    text = {
        "name": "Say", "action": "RunCommand",
        "inputs": {
            "instanceId.$": "$.stepOutputs.Launch.instanceId",
            "documentName": "AWS-RunShellScript",
            "parameters": {"commands": ["head -c 5M /dev/zero | tr '\\0' x; exit 3"]},
        },
    }  # fmt: skip

    arn = bench.start(bench.recipe(), workflows=[bench.workflow(workflow(text))])

    reason = bench.finished(arn)["state"]["reason"]
    assert "exited with 3" in reason
    assert len(reason) < 8192


def test_a_million_lines_are_all_in_the_log(bench: Bench) -> None:
    arn = build(bench, component("seq 1000000"))

    bench.built(arn)
    said = re.findall(r'"text": "([0-9]+)", .*"stream": "stdout"', bench.log(arn))
    assert said == [str(number) for number in range(1, 1_000_001)]


def test_noise_is_written_down_as_text(bench: Bench) -> None:
    arn = build(bench, component("head -c 2M /dev/urandom", "head -c 2M /dev/urandom >&2"))

    bench.built(arn)
    assert all(json.loads(line) for line in bench.log(arn).split("\n") if line)


def test_a_script_that_closes_its_output_is_still_ended_in_time(bench: Bench) -> None:
    started = time.monotonic()

    message = failure(bench, build(bench, component("exec >&- 2>&-; sleep 600", timeoutSeconds=2)))

    assert message.splitlines()[0] == "timed out after 2 s, the step's timeoutSeconds"
    assert time.monotonic() - started < 20


def test_the_kernel_is_out_of_reach(bench: Bench) -> None:
    # None of them would do harm if it worked.
    forbidden = [
        "value=$(cat /proc/sys/kernel/panic); echo $value > /proc/sys/kernel/panic",
        "value=$(cat /proc/sys/kernel/core_pattern); echo $value > /proc/sys/kernel/core_pattern",
        "echo h > /proc/sysrq-trigger",
        "echo 0 > /sys/kernel/uevent_seqnum",
        "mount -t tmpfs none /mnt",
        "mount --bind /etc /mnt",
        "umount /proc/sys",
        "unshare --mount true",
        "unshare --user --map-root-user true",
        "nsenter --target 1 --mount true",
        "chroot /proc/1/root true",
        "dmesg",
        'date -s "$(date)"',
        "python3 -c 'import socket; socket.sethostname(socket.gethostname())'",
    ]
    lines = [
        f"if ({line}) >/dev/null 2>&1; then echo 'possible: {number}'; fi"
        for number, line in enumerate(forbidden)
    ]

    arn = build(bench, component(*lines))

    bench.built(arn)
    assert re.findall(r"possible: \d+", bench.log(arn)) == []
