"""Guests that a component has broken: the next step says what is missing, and never passes by."""

import pytest
from tests.runner.conftest import Lab, bash, steps

FAKE = "printf '#!/bin/bash\\necho yes\\n' >/opt/fake; chmod 755 /opt/fake; mv /opt/fake /bin/sh"
GONE = "the machine's /bin/sh did not run: /bin/sh: No such file or directory"
NO_SHELL = "the machine's /bin/sh did not run: it is no POSIX shell"
FILE = {"action": "CreateFile", "inputs": [{"path": "/opt/x"}]}
CONDITIONAL = bash("true", **{"if": {"fileExists": "/etc/passwd"}})
BINARY = {"action": "ExecuteBinary", "inputs": {"path": "/bin/true"}}


@pytest.mark.parametrize(
    ("breaking", "message"), [("rm /bin/sh", GONE), (FAKE, NO_SHELL)], ids=["gone", "fake"]
)
@pytest.mark.parametrize("step", [FILE, CONDITIONAL, BINARY], ids=["file", "if", "binary"])
def test_a_step_that_needs_the_shell_fails_with_its_cause(
    step: dict[str, object], breaking: str, message: str, lab: Lab
) -> None:
    """A condition is not false, nor a file written, because nobody could look or write."""
    result = lab.run(steps(bash(breaking), step))

    assert result.failure is not None
    assert (result.failure.step, result.failure.message) == ("Step1", message)


@pytest.mark.parametrize("breaking", ["rm /bin/sh", FAKE], ids=["gone", "fake"])
def test_a_script_needs_no_shell_but_bash(breaking: str, lab: Lab) -> None:
    """§7.1: scripts run as ``bash <script>``."""
    result = lab.run(steps(bash(breaking), bash("echo ran")))

    assert result.failure is None
    assert result.phases[0].steps[1].outputs == {"stdout": "ran"}


def test_a_machine_without_bash_is_said_to_have_none(lab: Lab) -> None:
    result = lab.run(steps(bash("rm /bin/bash"), bash("echo ran")))

    assert result.failure is not None
    assert result.failure.message.startswith("the machine has no bash")


def test_a_script_without_complaints_is_quoted_from_its_output(lab: Lab) -> None:
    """§10.3: the message of a failure is for people who did not see the run."""
    result = lab.run(steps(bash("seq 9; echo 'ERROR: no licence'; exit 3")))

    assert result.failure is not None
    assert result.failure.message == "exit status 3"
    assert result.failure.last_lines == "6\n7\n8\n9\nERROR: no licence"


def test_a_run_that_restarts_for_ever_says_what_to_do(lab: Lab) -> None:
    """§4.5, O-9."""
    result = lab.run(steps(bash("exit 194")))

    assert result.failure is not None
    assert result.failure.message == (
        "the run asked for more than 15 restarts of the machine, "
        "the setting components.restarts_max; "
        "a script that exits 194 runs again, until it exits 0"
    )


def test_complaints_of_our_own_scripts_name_no_place_in_them(lab: Lab) -> None:
    step = lab.step("CreateFile", [{"path": "/proc/version", "content": "x"}])

    assert step.message.startswith("cannot create /proc/version: ")
