"""ExecuteBinary (``component-documents.md`` §7.1)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def run(lab: Lab, path: str, *arguments: str) -> tuple[str, str]:
    step = lab.step("ExecuteBinary", {"path": path, "arguments": list(arguments)})
    return step.message, step.outputs.get("stdout", "")


def test_arguments_arrive_as_they_are_written(lab: Lab) -> None:
    odd = ["$HOME", "a b", "*", "`id`", "", "-n", "'", '"', "\\", "é"]

    assert run(lab, "printf", "<%s>", *odd) == ("", "".join(f"<{word}>" for word in odd))


def test_arguments_may_be_left_out(lab: Lab) -> None:
    step = lab.step("ExecuteBinary", {"path": "/usr/bin/pwd"})

    assert step.outputs == {"stdout": "/tmp"}


@pytest.mark.parametrize("path", ["/opt/tool", "../opt/tool", "./tool"])
def test_a_path_may_be_relative_to_the_working_directory(path: str, lab: Lab) -> None:
    lab.sh("printf '#!/bin/sh\\necho here' >/opt/tool; chmod 755 /opt/tool; cp /opt/tool /tmp/")

    assert run(lab, path) == ("", "here")


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.sh('cp /usr/bin/true "/opt/$1"', name)

    assert run(lab, f"/opt/{name}") == ("", "")


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("/usr/bin/false", [], "exit status 1"),
        ("/opt/none", [], "the program does not exist: /opt/none"),
        ("/opt", [], "the program does not exist: /opt"),
        (
            "/etc/passwd",
            [],
            "the program may not be executed, for want of permissions such as 0755: /etc/passwd",
        ),
        ("no-such-program", [], "the machine has no program `no-such-program` on its PATH"),
        ("sh", ["-c", 'echo \'{"failureMessage": "said"}\'; exit 9'], "said"),
        ("true", ["a\0b"], "an argument cannot hold NUL"),
    ],
)
def test_what_cannot_be_run_says_why(
    path: str, arguments: list[str], message: str, lab: Lab
) -> None:
    assert run(lab, path, *arguments)[0] == message


def test_an_argument_longer_than_linux_takes_says_so(lab: Lab) -> None:
    lab.write("/opt/long", "x" * 200_000)

    result = lab.run(
        """
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - {name: Long, action: ReadFile, inputs: [{path: /opt/long}]}
              - name: Given
                action: ExecuteBinary
                inputs: {path: "true", arguments: ['{{ build.Long.outputs.content }}']}
        """
    )

    assert result.failure is not None
    assert result.failure.message == "an argument is longer than 131,072 bytes"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "#!/bin/bash\r\necho hi\r\n",
            "what runs it, by its `#!` line or as its loader, is not on",
        ),
        ("echo hi\n", "it is no program for this machine, and no script that begins with `#!`"),
    ],
)
def test_what_the_kernel_says_in_a_word_is_explained(content: str, message: str, lab: Lab) -> None:
    lab.write("/opt/script", content)
    lab.sh("chmod 755 /opt/script")

    step = lab.step("ExecuteBinary", {"path": "/opt/script"})

    assert step.message.startswith(message)
