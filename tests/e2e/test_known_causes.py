"""Failures whose cause is known, really brought about: each is named, with a way out."""

from collections.abc import Iterator

import pytest
from tests.e2e.conftest import Bench, Lab
from tests.e2e.test_builds import command, component
from tests.e2e.test_machine_actions import build

from imagewright.machines.limits import NoCgroup, find_parent

HOLD_THE_LOCK = """\
perl -e 'use Fcntl; my $lock = pack("ssqql", F_WRLCK, 0, 0, 0, 0);
open(F, "+>", "/var/lib/dpkg/lock-frontend"); fcntl(F, F_SETLK, $lock) or die;
open(R, ">", "/run/held"); sleep 60' & until [ -e /run/held ]; do sleep 0.1; done"""
CAUSES = {
    "no network": (
        "exec 3<>/dev/tcp/192.0.2.1/80",
        ("exit status 1", "Network is unreachable"),
        "does not reach the network",
    ),
    "no space": (
        "head -c 2M /dev/zero > /dev/big",
        ("exit status 1", "No space left on device"),
        "the disk is full",
    ),
    "a missing command": (
        "no-such-tool --version",
        ("exit status 127", "no-such-tool: command not found"),
        "has no `no-such-tool`",
    ),
    "a package lock": (
        f"{HOLD_THE_LOCK}\nDEBIAN_FRONTEND=noninteractive apt-get -y remove --purge hostname",
        ("exit status 100", "Could not get lock /var/lib/dpkg/lock-frontend"),
        "another package manager is at work",
    ),
}


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    """Return a server whose machines have no network and little memory."""
    limits = {"IMAGEWRIGHT_SANDBOX_MEMORY_BYTES_MAX": str(128 << 20)}
    with lab.bench(IMAGEWRIGHT_SANDBOX_NETWORK="none", **limits) as running:
        yield running


def failure(bench: Bench, text: str) -> str:
    """Build with a component that fails, and return what the image says of it."""
    image = bench.finished(bench.start(bench.recipe(bench.component(text))))
    return str(image["state"]["failureContext"]["componentFailure"]["errorMessage"])


@pytest.mark.parametrize(("lines", "said", "advice"), CAUSES.values(), ids=list(CAUSES))
def test_a_cause_that_a_command_names_comes_with_a_hint(
    bench: Bench, lines: str, said: tuple[str, ...], advice: str
) -> None:
    """IMG-33."""
    message = failure(bench, component(lines, timeoutSeconds=120))

    for part in said:
        assert part in message
    assert advice in message.splitlines()[-1].removeprefix("Hint: ")


def test_a_time_out_comes_with_a_hint(bench: Bench) -> None:
    message = failure(bench, component("read answer < /dev/tty || sleep 60", timeoutSeconds=1))

    assert message.startswith("timed out after 1 s, the step's timeoutSeconds")
    assert "raise the time-out" in message.splitlines()[-1]


def test_a_lack_of_memory_comes_with_a_hint(bench: Bench) -> None:
    try:
        find_parent("memory")
    except NoCgroup as reason:
        pytest.skip(str(reason))

    message = failure(bench, component("tail /dev/zero"))

    assert "a process was ended for lack of memory" in message
    assert "raise sandbox.memory_bytes_max" in message.splitlines()[-1]


def test_a_command_of_a_workflow_has_its_hint_too(bench: Bench) -> None:
    """EXE-03."""
    arn = build(bench, command("Run", "no-such-tool"))

    reason = bench.finished(arn)["state"]["reason"]
    assert "AWS-RunShellScript exited with 127" in reason
    assert "Hint: the machine has no `no-such-tool`" in reason
