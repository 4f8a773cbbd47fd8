"""How a failed component is told on the command line."""

from imagewright.cli.following import quoted, which_component_failed


def test_a_failed_component_is_named_with_its_phase_step_and_action() -> None:
    """IMG-33."""
    failure = {
        "componentArn": "arn:aws:imagebuilder:us-east-1:000000000000:component/web/1.0.0/2",
        "phaseName": "build",
        "stepName": "Install",
        "action": "ExecuteBash",
        "errorMessage": "exit status 100",
    }

    assert which_component_failed(failure) == (
        "the component web/1.0.0/2 failed in the phase build, step Install (ExecuteBash)"
    )


def test_what_a_program_said_is_quoted_and_harmless() -> None:
    assert quoted("exit status 1\n\x1b[31mred") == ["  │ exit status 1", "  │ \ufffd[31mred"]
