"""ExecuteBash (``component-documents.md`` §4.5, §7.1, §10.3, field note 1)."""

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment
from imagewright.runner.reporting import CommandEnded, CommandStarted, OutputLine
from imagewright.settings import ComponentLimits


def bash(lab: Lab, *commands: str, **options: object) -> tuple[str, str]:
    """Run commands; say what went wrong and what they printed."""
    step = lab.step("ExecuteBash", {"commands": list(commands)}, **options)
    return step.message, step.outputs.get("stdout", "")


def test_all_commands_are_one_script(lab: Lab) -> None:
    said = bash(
        lab,
        "cd /opt",
        "VALUE='a  b'",
        'f() { echo "$VALUE in $PWD"; }',
        "if true; then",
        "f",
        "fi",
    )

    assert said == ("", "a  b in /opt")


def test_it_is_bash(lab: Lab) -> None:
    said = bash(lab, "a=(1 2 3)", 'echo "${a[1]} ${BASH_VERSION:0:1}"')

    assert said == ("", "2 5")


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        (["false", "true"], 0),
        (["true", "false"], 1),
        (["set -e", "false", "true"], 1),
        (["exit 3"], 3),
        (["kill -9 $$"], 137),
        (["no-such-program"], 127),
        (["if"], 2),
    ],
)
def test_the_last_exit_code_decides(commands: list[str], code: int, lab: Lab) -> None:
    step = lab.step("ExecuteBash", {"commands": commands})

    assert step.exit_code == code
    ended_by = " (128 + 9: ended by SIGKILL)" if code == 137 else ""
    assert step.message.partition(" at line")[0] == (
        "" if code == 0 else f"exit status {code}{ended_by}"
    )


@pytest.mark.parametrize(
    ("script", "stdout"),
    [
        ("echo a", "a"),
        ("printf 'a'", "a"),
        ("printf 'a\\n\\r\\n\\n'", "a"),
        ("printf '  a \\n b  '", "  a \n b  "),
        ("printf '\\n\\na\\n'", "\n\na"),
        ("true", ""),
        ("echo err >&2; echo out", "out"),
        ("printf 'a\\377b'", "a\ufffdb"),
    ],
)
def test_stdout_is_kept_without_its_last_line_ends(script: str, stdout: str, lab: Lab) -> None:
    """O-6."""
    assert bash(lab, script) == ("", stdout)


def test_the_surroundings_of_a_script(lab: Lab) -> None:
    """§3.7: HOME, WORKING_DIRECTORY, what the build sets, and nothing of the host's."""
    environment = RunEnvironment(
        working_directory="/work/here", variables={"IMAGE_PHASE": "BUILDING", "ODD": "a'b\n c"}
    )
    component = {
        "phases": [
            {
                "name": "build",
                "steps": [
                    {
                        "name": "A",
                        "action": "ExecuteBash",
                        "inputs": {
                            "commands": [
                                'echo "$HOME $PWD $WORKING_DIRECTORY $IMAGE_PHASE"',
                                'echo "$ODD"',
                                "cat",
                                "echo ${PYTEST_CURRENT_TEST-none} $(umask)",
                            ]
                        },
                    }
                ],
            }
        ]
    }

    result = lab.run(component, environment=environment)

    stdout = result.phases[0].steps[0].outputs["stdout"]
    assert stdout == "/root /work/here /work/here BUILDING\na'b\n c\nnone 0022"


def test_lines_reach_the_log_by_stream(lab: Lab) -> None:
    bash(lab, "echo one", "echo two >&2", "printf three")

    lines = [(e.stream, e.text) for e in lab.log.of(OutputLine) if isinstance(e, OutputLine)]
    assert sorted(lines) == [("stderr", "two"), ("stdout", "one"), ("stdout", "three")]
    (started,) = lab.log.of(CommandStarted)
    (ended,) = lab.log.of(CommandEnded)
    assert isinstance(started, CommandStarted)
    assert isinstance(ended, CommandEnded)
    assert started.argv[0] == "bash"
    assert started.argv[1].startswith("/tmp/AWSTOE")
    assert ended.exit_code == 0


def test_the_script_is_gone_afterwards_and_was_for_its_owner_alone(lab: Lab) -> None:
    _, stdout = bash(lab, "stat -c %a /tmp/AWSTOE*; exit 0")

    assert stdout == "700"
    assert lab.names("/tmp") == []


def test_the_script_is_gone_after_a_time_out_too(lab: Lab) -> None:
    message, _ = bash(lab, "sleep 60", timeoutSeconds=1)

    assert message == "timed out after 1 s, the step's timeoutSeconds"
    assert lab.names("/tmp") == []


def test_what_a_script_said_until_its_time_was_up_is_kept_and_told(lab: Lab) -> None:
    """O-5."""
    _, stdout = bash(lab, "echo so far; echo waiting >&2; sleep 60", timeoutSeconds=1)

    (ended,) = lab.log.of(CommandEnded)
    assert isinstance(ended, CommandEnded)
    assert (stdout, ended.exit_code) == ("so far", None)


def test_its_own_words_say_why_it_failed(lab: Lab) -> None:
    """§10.3."""
    message, stdout = bash(
        lab, "echo before", """echo '{"failureMessage":"the disk is full"}'""", "echo", "exit 4"
    )

    assert message == "the disk is full"
    assert stdout.startswith("before\n")


@pytest.mark.parametrize(
    "line",
    ["{", '{"failureMessage": 3}', '{"failureMessage": ""}', "[1]", "{" * 5000, '{"other": "x"}'],
)
def test_other_last_lines_say_nothing(line: str, lab: Lab) -> None:
    message, _ = bash(lab, f"echo '{line}'", "exit 4")

    assert message == "exit status 4 at line 2: exit 4"


def test_a_script_of_many_lines_and_any_character_arrives_whole(lab: Lab) -> None:
    lines = [f"echo 'line {number} é \\ \" $HOME'" for number in range(1000)]

    _, stdout = bash(lab, *lines)

    assert stdout.splitlines() == [f'line {n} é \\ " $HOME' for n in range(1000)]


def test_a_machine_without_bash_says_so(lab: Lab) -> None:
    path = {"PATH": "/no-programs:/opt/bin"}
    lab.sh("mkdir -p /opt/bin; for p in cat mkdir rm; do ln -s /usr/bin/$p /opt/bin/$p; done")

    component = {
        "phases": [
            {
                "name": "build",
                "steps": [
                    {"name": "A", "action": "ExecuteBash", "inputs": {"commands": ["exit 0"]}}
                ],
            }
        ]
    }
    result = lab.run(component, environment=RunEnvironment(variables=path))

    assert result.failure is not None
    assert result.failure.message.startswith("the machine has no bash")


def test_the_end_of_stderr_is_kept_for_the_failure(lab: Lab) -> None:
    component = {
        "phases": [
            {
                "name": "build",
                "steps": [
                    {
                        "name": "A",
                        "action": "ExecuteBash",
                        "inputs": {"commands": ["seq 100 >&2", "exit 1"]},
                    }
                ],
            }
        ]
    }

    result = lab.run(component)

    assert result.failure is not None
    assert result.failure.last_lines == "\n".join(str(number) for number in range(81, 101))


def test_only_a_megabyte_is_kept_for_other_steps_and_all_of_it_is_logged(lab: Lab) -> None:
    """O-4."""
    _, stdout = bash(lab, "head -c 1500000 /dev/zero | tr '\\0' x | fold -w 1000")

    logged = sum(len(e.text) for e in lab.log.of(OutputLine) if isinstance(e, OutputLine))
    assert len(stdout) == 1 << 20
    assert logged == 1_500_000


def test_the_settings_say_how_much_is_kept_for_other_steps(lab: Lab) -> None:
    """O-4."""
    environment = RunEnvironment(limits=ComponentLimits(output_characters_max=2048))

    script = {"commands": ["head -c 4096 /dev/zero | tr '\\0' x"]}
    step = {"name": "Only", "action": "ExecuteBash", "inputs": script}
    document = {"phases": [{"name": "build", "steps": [step]}]}

    result = lab.run(document, environment=environment)

    assert result.phases[0].steps[0].outputs["stdout"] == "x" * 2048
