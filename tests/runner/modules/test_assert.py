"""Assert, and what conditions ask of a machine (``component-documents.md`` §5.3, §7.1)."""

import hashlib

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment


def check(lab: Lab, condition: object) -> str:
    """Assert a condition; empty if it holds."""
    return lab.step("Assert", condition).message


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"binaryExists": "cat"}, True),
        ({"binaryExists": "cd"}, True),
        ({"binaryExists": "no-such-program"}, False),
        ({"binaryExists": "-v"}, False),
        ({"binaryExists": ""}, False),
        ({"binaryExists": "cat; true"}, False),
        ({"fileExists": "/opt/f"}, True),
        ({"fileExists": "/opt/link"}, True),
        ({"fileExists": "/opt"}, False),
        ({"fileExists": "/opt/none"}, False),
        ({"fileExists": "relative"}, True),
        ({"fileExists": ""}, False),
        ({"folderExists": "/opt"}, True),
        ({"folderExists": "/opt/f"}, False),
        ({"folderExists": "."}, True),
        ({"folderExists": ""}, False),
    ],
)
def test_a_machine_answers(condition: dict[str, str], expected: bool, lab: Lab) -> None:
    lab.sh("touch /opt/f /tmp/relative; ln -s f /opt/link")

    assert (check(lab, condition) == "") is expected


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA256", "SHA512"])
def test_a_digest_is_compared_without_regard_to_case(algorithm: str, lab: Lab) -> None:
    lab.write("/opt/f 'x\\y", "content")
    digest = hashlib.new(algorithm.lower(), b"content").hexdigest()
    operator = f"file{algorithm}Equals"

    assert check(lab, {operator: digest, "path": "/opt/f 'x\\y"}) == ""
    assert check(lab, {operator: digest.upper(), "path": "/opt/f 'x\\y"}) == ""
    assert check(lab, {operator: digest[1:], "path": "/opt/f 'x\\y"}) != ""
    assert check(lab, {operator: digest, "path": "/opt/none"}) != ""


def test_what_does_not_hold_is_said_in_the_authors_words(lab: Lab) -> None:
    condition = {
        "or": [
            {"not": {"folderExists": "/opt"}},
            {"and": [{"stringEquals": "a", "value": "b"}, {"fileExists": "/x"}]},
        ]
    }

    said = check(lab, condition)

    assert said == (
        "this does not hold: (not (folderExists /opt)) or "
        "((stringEquals a of b) and (fileExists /x))"
    )


def test_both_operands_may_be_chained_and_a_chained_number_is_text(lab: Lab) -> None:
    result = lab.run(
        """
        schemaVersion: 1.0
        parameters:
          - Least: {type: string, default: '3'}
        phases:
          - name: build
            steps:
              - {name: Major, action: ExecuteBash, inputs: {commands: [echo 10]}}
              - name: Enough
                action: Assert
                inputs:
                  numberGreaterThanEquals: '{{ Least }}'
                  value: '{{ build.Major.outputs.stdout }}'
              - name: Pattern
                action: Assert
                inputs: {patternMatches: '^{{ build.Major.outputs.stdout }}$', value: 10}
        """
    )

    assert result.status == "success"


def test_a_pattern_that_turns_out_to_be_none_fails_the_step(lab: Lab) -> None:
    result = lab.run(
        """
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - {name: A, action: ExecuteBash, inputs: {commands: ["echo '('"]}}
              - name: B
                action: Assert
                inputs: {patternMatches: '{{ build.A.outputs.stdout }}', value: x}
        """
    )

    assert result.failure is not None
    assert result.failure.message == "this pattern cannot be used: missing ): ("


def test_a_machine_without_the_tool_says_so(lab: Lab) -> None:
    lab.sh("mkdir /opt/bin; ln -s /usr/bin/mkdir /opt/bin/mkdir; touch /opt/f")

    result = lab.run(
        """
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - {name: A, action: Assert, inputs: {fileMD5Equals: aa, path: /opt/f}}
        """,
        environment=RunEnvironment(variables={"PATH": "/opt/bin"}),
    )

    assert result.failure is not None
    assert result.failure.message == "the machine has no md5sum to compute a digest with"
