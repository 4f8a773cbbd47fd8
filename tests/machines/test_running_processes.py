"""Which processes a sandbox's commands left running."""

from tests.conftest import wait_until
from tests.machines.lab import Lab, sh


def test_what_a_command_left_running_is_named_and_lives_on(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)
    before = machine.running()
    sh(machine, "(setsid sleep 71 >/dev/null 2>&1 &)")

    try:
        assert before == []
        wait_until(lambda: machine.running() == ["sleep"], seconds=5)  # it was setsid before
        assert "sleep 71" in sh(machine, "ps")[1]
        machine.commit()
        assert machine.running() == []
    finally:
        machine.terminate()
