"""Which processes a sandbox's commands left running."""

from tests.machines.lab import Lab, sh


def test_what_a_command_left_running_is_named_and_lives_on(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)
    before_boot = machine.running()
    sh(machine, "(setsid sleep 71 >/dev/null 2>&1 &)")

    try:
        assert (before_boot, machine.running()) == ([], ["sleep"])
        assert "sleep 71" in sh(machine, "ps")[1]
        machine.commit()
        assert machine.running() == []
    finally:
        machine.terminate()
