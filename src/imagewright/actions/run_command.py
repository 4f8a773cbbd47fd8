"""Run a command document on the machine.

`AWS-RunShellScript` runs the lines of its parameter `commands` as one shell script; only the exit
status of the last command decides, so chain what must not fail with `&&` or begin with `set -e`.

Unlike with every other action, `output` is a list with one text for each step of the command
document: write `$.stepOutputs.<step>.output[0]`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from imagewright.actions.common import HOUR, command_id
from imagewright.actions.scripts import Script, run_script
from imagewright.documents.specs import ActionSpec, about
from imagewright.engine.ports import ActionError, StepContext


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Which document to run, with what, and where."""

    instance_id: str = field(
        metadata=about(
            "The machine to run on: the `instanceId` put out by the step that launched it."
        )
    )
    document_name: str = field(
        metadata=about(
            "The command document, `AWS-RunShellScript` for one.",
            length_min=1,
            example="documentName: AWS-RunShellScript",
        )
    )
    parameters: dict[str, list[str]] | None = field(
        default=None,
        metadata=about(
            "The document's parameters, each a list of texts.",
            mistaken_for={
                "commands": "commands are a parameter of the document AWS-RunShellScript: write "
                "`documentName: AWS-RunShellScript` and `parameters: {commands: [...]}`"
            },
        ),
    )
    document_version: str = field(
        default="$DEFAULT", metadata=about("Which version of the document to run.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What came of it."""

    run_command_id: str = field(metadata=about("The id of the command."))
    status: str = field(metadata=about("How the command ended, `Success` when it ended well."))
    output: list[str] = field(
        metadata=about(
            "What each step of the command document printed, without the last line's end."
        )
    )


_SHELL_SCRIPT = "AWS-RunShellScript"

_ONLY_SAYS = re.compile(r"\s*(?:echo\b[^;&|$`]*|set -\w+|#.*)?\Z")
_FAILS = re.compile(r"\s*(?:exit\s+(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])|false)\s*\Z")


def _why_it_fails(inputs: Mapping[str, object]) -> str:
    """Find a script that says something at most, and then ends with a status other than 0."""
    parameters = inputs.get("parameters")
    commands = parameters.get("commands") if isinstance(parameters, dict) else None
    if inputs.get("documentName") != _SHELL_SCRIPT or not isinstance(commands, list):
        return ""
    if not all(isinstance(command, str) for command in commands):
        return ""
    lines = [
        line for command in commands for part in command.split("\n") for line in part.split(";")
    ]
    *before, last = [line for line in lines if line.strip()] or [""]
    if _FAILS.match(last) and all(_ONLY_SAYS.match(line) for line in before):
        return f"its script ends in `{last.strip()}`"
    return ""


SPEC = ActionSpec(
    name="RunCommand",
    page=__doc__,
    inputs=Inputs,
    outputs=Outputs,
    timeout_default_seconds=12 * HOUR,
    timeout_max_seconds=12 * HOUR,
    sure_failure=_why_it_fails,
    built=True,
)


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Run the document."""
    if inputs.document_name != _SHELL_SCRIPT:
        raise ActionError(
            f"There is no command document {inputs.document_name}; this release runs "
            f"{_SHELL_SCRIPT}."
        )
    output = run_script(_script(inputs.parameters or {}), inputs.instance_id, context)
    return Outputs(
        run_command_id=command_id(context.token), status="Success", output=[output.rstrip("\r\n")]
    )


def _script(parameters: Mapping[str, list[str]]) -> Script:
    """Read the parameters of AWS-RunShellScript."""
    known = {"commands", "workingDirectory", "executionTimeout"}
    if unknown := sorted(parameters.keys() - known):
        raise ActionError(
            f"{_SHELL_SCRIPT} has no parameter {unknown[0]}; it has {', '.join(sorted(known))}."
        )
    if not parameters.get("commands"):
        raise ActionError(f"{_SHELL_SCRIPT} needs the parameter commands, a list of lines.")
    directory = parameters.get("workingDirectory") or [""]
    timeout = parameters.get("executionTimeout") or ["3600"]
    if not timeout[0].isascii() or not timeout[0].isdigit() or not 1 <= int(timeout[0]) <= 172_800:
        raise ActionError(
            f"{_SHELL_SCRIPT} takes an executionTimeout of 1 to 172800 seconds, "
            f"not '{timeout[0][:60]}'."
        )
    return Script(
        name=_SHELL_SCRIPT,
        text="\n".join(parameters["commands"]) + "\n",
        directory=directory[0] or "/",
        timeout_seconds=int(timeout[0]),
    )
