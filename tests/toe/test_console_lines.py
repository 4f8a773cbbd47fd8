"""The words of ``console.log``, letter by letter where AWS's were seen (§9.2)."""

from imagewright.runner.reporting import (
    CommandEnded,
    CommandStarted,
    Event,
    Notice,
    OutputLine,
    PhaseStarted,
    Rebooting,
    StepEnded,
    StepStarted,
)
from imagewright.runner.status import StepStatus
from imagewright.toe.console import Console

FOLDER = "/tmp/AWSTOE1"
SCRIPT = f"{FOLDER}/script-1.sh"
ERROR = OutputLine("build", "Say", "stderr", "e" * 65_536)


def said(*events: Event) -> list[str]:
    lines: list[str] = []
    console = Console(lines.append, lambda _line: None, document="app.yaml")
    for event in events:
        console.report(event)
    return lines


def started(action: str = "ExecuteBash", attempt: int = 1) -> StepStarted:
    return StepStarted("build", "Say", action, attempt, 2)


def ended(status: StepStatus = StepStatus.SUCCESS, message: str = "") -> StepEnded:
    return StepEnded("build", "Say", "ExecuteBash", status, 1.0, message)


def test_a_step_that_runs_a_script() -> None:
    assert said(
        PhaseStarted("build"),
        started(),
        CommandStarted("build", "Say", ("bash", SCRIPT)),
        OutputLine("build", "Say", "stderr", "to be heard"),
        OutputLine("build", "Say", "stdout", "hel", continues=True),
        OutputLine("build", "Say", "stdout", "lo"),
        CommandEnded("build", "Say", 0),
        ended(),
    ) == [
        "Phase build",
        "Step Say",
        "ExecuteBash: STARTED EXECUTION",
        f"ExecuteBash: Created temporary directory: {FOLDER}",
        f"ExecuteBash: Created temporary script file at: {SCRIPT}",
        f"CmdExecution: Preparing object for command bash with arguments [{SCRIPT}]",
        f"CmdExecution: Starting execution of command with arguments [bash {SCRIPT}]",
        "Stdout: hello",
        "CmdExecution: Terminating read operation on STDOUT pipe - EOF",
        "CmdExecution: Command execution has been completed",
        "CmdExecution: Command execution was completed successfully",
        "CmdExecution: Stderr: to be heard",
        "CmdExecution: ExitCode 0",
        f"ExecuteBash: Removing temporary directory: {FOLDER}",
        f"ExecuteBash: Successfully removed temporary directory: {FOLDER}",
        "ExecuteBash: FINISHED EXECUTION",
    ]


def test_a_step_that_is_skipped_never_begins_its_module() -> None:
    assert said(started(), ended(StepStatus.SKIPPED)) == ["Step Say", "Step Say skipped"]


def test_a_further_attempt_says_so() -> None:
    assert said(started(attempt=2), ended(StepStatus.FAILED, "exit status 3")) == [
        "Step Say (attempt 2 of 2)",
        "ExecuteBash: STARTED EXECUTION",
        "ExecuteBash: [ERROR] exit status 3",
        "ExecuteBash: FINISHED EXECUTION",
    ]


def test_after_a_restart_document_and_phase_are_named_again() -> None:
    lines = said(PhaseStarted("build"), started(), Rebooting("build", "Say", 1, True), started())

    assert lines[3:] == [
        "Getting reboot signal",
        "Rebooting the system now",
        "Recovery completed for detailed output.",
        "Executor: System has rebooted successfully",
        "Document app.yaml",
        "Phase build",
        "Step Say",
    ]


def test_a_failed_command_and_a_warning_are_marked() -> None:
    lines = said(
        started("ExecuteBinary"),
        CommandStarted("build", "Say", ("/bin/false",)),
        CommandEnded("build", "Say", 1),
        Notice("build", "Say", "warning", "{{ x }} means nothing here and stays as it is"),
    )

    assert "CmdExecution: [ERROR] Command execution has resulted in an error" in lines
    assert lines[-1] == "Step Say: [WARNING] {{ x }} means nothing here and stays as it is"


def test_a_command_whose_time_was_up_is_told_with_what_it_said_and_no_exit_code() -> None:
    lines = said(
        started("ExecuteBinary"),
        CommandStarted("build", "Say", ("/bin/slow",)),
        OutputLine("build", "Say", "stderr", "waiting for a lock"),
        CommandEnded("build", "Say", None),
    )

    assert "CmdExecution: Stderr: waiting for a lock" in lines
    assert not any("ExitCode" in line or "completed" in line for line in lines)


def test_output_without_an_end_is_said_in_parts_and_of_errors_the_end() -> None:
    piece = "x" * 65_536
    endless = [OutputLine("build", "Say", "stdout", piece, continues=True)] * 40
    errors = [OutputLine("build", "Say", "stderr", piece), *([ERROR] * 16)]

    lines = said(
        started("ExecuteBinary"),
        CommandStarted("build", "Say", ("/bin/yes",)),
        *endless,
        OutputLine("build", "Say", "stdout", "end"),
        *errors,
        CommandEnded("build", "Say", 0),
    )

    stdout = [line.removeprefix("Stdout: ") for line in lines if line.startswith("Stdout: ")]
    assert [len(line) for line in stdout] == [1 << 20, 1 << 20, 8 * 65_536 + 3]
    assert "CmdExecution: Stderr: " + "\n".join([ERROR.text] * 15) in lines
