"""Reboot (``component-documents.md`` §4.6, §7.4)."""

import time

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.reporting import Rebooting


@pytest.mark.parametrize("inputs", [None, {}, {"delaySeconds": 0}, [{"delaySeconds": "0"}]])
def test_the_machine_restarts_once_and_the_step_is_done(inputs: object, lab: Lab) -> None:
    step = lab.step("Reboot", inputs)

    assert step.status == "success"
    assert lab.log.of(Rebooting) == [Rebooting("build", "Only", 1, False)]
    assert lab.sh("echo up") == "up"


def test_it_waits_before_and_has_no_time_out(lab: Lab) -> None:
    started = time.monotonic()

    step = lab.step("Reboot", {"delaySeconds": 2}, timeoutSeconds=1)

    assert step.status == "success"
    assert time.monotonic() - started >= 2


def test_what_is_on_the_disk_stays(lab: Lab) -> None:
    lab.write("/opt/a", "x")

    lab.step("Reboot")

    assert lab.read("/opt/a") == b"x"
