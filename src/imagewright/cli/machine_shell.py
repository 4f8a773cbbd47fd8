"""Entering a machine: brought up in this process from what is stored, beside any server."""

import sys
from contextlib import closing
from datetime import timedelta

from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.lone_machines import holding
from imagewright.cli.terminal import run_shell
from imagewright.clock import SystemClock
from imagewright.machines.machine import Command, Line, MachineError
from imagewright.machines.sandbox import SandboxMachine
from imagewright.sandboxes import open_sandbox
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store import instances
from imagewright.store.database import Database, open_sqlite
from imagewright.store.instances import InstanceRow


def open_shell(state: StateDirectory, settings: Settings, instance_id: str) -> int:
    """Run a shell in a machine, keep what it changed, and return its exit code."""
    if not state.database.exists():
        fail(ExitCode.REFUSED, f"there is no machine {instance_id}")
    with closing(open_sqlite(state.database)) as database:
        row = _kept(database, settings, instance_id)
        sandbox = open_sandbox(state, settings, database, SystemClock())
        try:
            machine = sandbox.driver.launch(row.id, row.layer, on_notice=note)
            try:
                code = run_shell(machine) if sys.stdin.isatty() else _run_script(machine)
                layer_id = machine.commit()
            finally:
                machine.terminate()
        except MachineError as error:
            fail(ExitCode.FAILED, str(error))
        with database.write() as connection:
            now = instances.get(connection, row.id)
            is_there = now is not None and now.state == "kept"
            if is_there:
                instances.advance(connection, row.id, layer_id)
        if not is_there:
            fail(ExitCode.FAILED, f"{row.id} was ended meanwhile, and what was changed is dropped")
    return code


def open_shell_at(
    state: StateDirectory, settings: Settings, layer_id: str, *, image_arn: str
) -> int:
    """Run a shell on a layer of an image's build, drop what it changed, return its exit code."""
    with closing(open_sqlite(state.database)) as database:
        sandbox = open_sandbox(state, settings, database, SystemClock())
        driver = sandbox.driver
        try:
            with holding(database, layer_id, driver=driver.name, owner=image_arn) as held:
                machine = driver.launch(held.id, layer_id, on_notice=note)
                try:
                    return run_shell(machine) if sys.stdin.isatty() else _run_script(machine)
                finally:
                    machine.terminate()
        except MachineError as error:
            fail(ExitCode.FAILED, str(error))


def _kept(database: Database, settings: Settings, instance_id: str) -> InstanceRow:
    age_max = timedelta(hours=settings.sandbox.kept_hours_max)
    with database.write() as connection:
        instances.end_long_kept(connection, age_max, SystemClock().now())
        row = instances.get(connection, instance_id)
    if row is None or row.state == "terminated":
        fail(
            ExitCode.REFUSED, f"there is no machine {instance_id}", help="imagewright machines list"
        )
    if row.state != "kept":
        fail(ExitCode.REFUSED, f"a build works on the machine {instance_id}")
    return row


def _run_script(machine: SandboxMachine) -> int:
    command = Command(argv=["sh"], stdin=sys.stdin.buffer.read(), cwd="/root")
    return machine.run(command, on_line=_print).code


def _print(line: Line) -> None:
    stream = sys.stdout if line.stream == "stdout" else sys.stderr
    print(line.text, file=stream, flush=True)
