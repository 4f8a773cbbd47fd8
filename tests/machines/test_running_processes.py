"""A sandbox's commands as processes: what they inherit, and what they leave running."""

import signal

from tests.conftest import wait_until
from tests.machines.lab import Lab, sh


def test_what_a_command_left_running_is_named_and_lives_on(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)
    before = machine.running()
    sh(machine, "(setsid sleep 71 >/dev/null 2>&1 &)")

    try:
        assert before == []
        wait_until(lambda: machine.running() == ["sleep"])  # it was setsid before
        assert "sleep 71" in sh(machine, "ps")[1]
        machine.commit()
        assert machine.running() == []
    finally:
        machine.terminate()


def test_what_the_host_ignores_no_command_ignores(lab: Lab, tiny: str) -> None:
    """As where nohup started the server."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        machine = lab.launch(tiny)
    finally:
        signal.signal(signal.SIGHUP, before)

    try:
        ignored = int(sh(machine, "grep SigIgn /proc/self/status")[1].split()[1], 16)
        assert not ignored & 1 << signal.SIGHUP - 1
    finally:
        machine.terminate()
