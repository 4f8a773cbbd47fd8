"""Run a command document on the machine.

`AWS-RunShellScript` runs the lines of its parameter `commands` as one shell script; only the exit
status of the last command decides, so chain what must not fail with `&&` or begin with `set -e`.
A script that exits with 194 has the machine restarted and runs again from its beginning, so leave
a mark for the second time.
`AWS-RunPowerShellScript` does the same with PowerShell, which the machine must have (`pwsh`).
`AWS-UpdateSSMAgent` has nothing to update, and says so: machines here have no agent.

Documents of your own, of schema 2.2, lie in the folder that the setting `commands` names, as
`NAME.yaml`, or one for each version as `NAME/1.yaml`, `NAME/2.yaml`. Their plugins may be
`aws:runShellScript`, `aws:runPowerShellScript` and `aws:updateSsmAgent`. A plugin that fails does
not keep the next one from running unless its `onFailure` is `exit`, and the step fails in the end.

A build takes the documents along as they are when it is asked for; one that is not there, or that
does not fit the parameters, is refused then. That is why a step's output cannot name the document.

Unlike with every other action, `output` is a list with one text for each step of the command
document, empty for one that its precondition skips: write `$.stepOutputs.<step>.output[0]`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from imagewright.actions.common import HOUR, command_id
from imagewright.actions.scripts import OUTPUT_CHARACTERS_MAX, Script, execute
from imagewright.documents.command.binding import (
    BadCommandParameters,
    ReadyPlugin,
    bind,
    problems,
)
from imagewright.documents.command.document import BadCommandDocument, load_command_document
from imagewright.documents.specs import UNKNOWN, ActionSpec, about
from imagewright.engine.plan import command_key
from imagewright.engine.ports import (
    ActionError,
    Foreseen,
    NoSuchCommand,
    Prospect,
    StepContext,
    Work,
)
from imagewright.machines.machine import Machine
from imagewright.managed import COMMANDS, command_document


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

_LANGUAGES: Final[Mapping[str, Literal["sh", "pwsh"]]] = {
    "aws:runShellScript": "sh",
    "aws:runPowerShellScript": "pwsh",
}
_NO_AGENT: Final = (
    "Nothing was updated: this machine has no Systems Manager agent and needs none, for "
    "imagewright runs commands on it from outside."
)


def foresee(inputs: Mapping[str, object], prospect: Prospect) -> Foreseen:
    """Find the document, and hold the parameters against it as far as they are known."""
    name, version = inputs.get("documentName"), inputs.get("documentVersion", "$DEFAULT")
    if name is UNKNOWN or version is UNKNOWN:
        why = (
            "which command document it runs must be known before the build begins; a parameter "
            "of the workflow may name it, an output may not"
        )
        return Foreseen(problems=[why])
    try:
        text = prospect.commands.text(str(name), str(version))
        document = load_command_document(text)
    except NoSuchCommand as error:
        return Foreseen(problems=[str(error)])
    except BadCommandDocument as error:
        return Foreseen(problems=[f"the command document {name} cannot be used: {error}"])
    given = inputs.get("parameters") or {}
    found = [*problems(document, given)] if isinstance(given, dict) else []
    return Foreseen(
        problems=[f"the command document {name}: {why}" for why in found],
        commands={} if name in COMMANDS else {command_key(str(name), str(version)): text},
    )


def run(inputs: Inputs, context: StepContext) -> Outputs:
    """Run the document."""
    name = inputs.document_name
    taken = context.plan.commands.get(command_key(name, inputs.document_version))
    text = taken or command_document(name)
    if text is None:
        raise ActionError(f"The build did not take the command document {name} along.")
    try:
        document = load_command_document(text)
        plugins = bind(document, inputs.parameters or {}, platform=context.plan.platform)
    except (BadCommandDocument, BadCommandParameters) as error:
        raise ActionError(f"The command document {name} cannot be run: {error}.") from error
    for plugin in plugins:
        if plugin.skipped_because:
            context.log.note(f"Skipped {plugin.name}: {plugin.skipped_because}")
        elif plugin.action not in _LANGUAGES:
            context.log.note(_NO_AGENT)
    work = Work(
        name=name,
        facts={
            "scripts": [script.facts for script in _scripts(name, plugins)],
            "plugins": [
                [each.name, each.on_failure, each.on_success, each.is_finally] for each in plugins
            ],
        },
        run=lambda machine: _run_plugins(name, plugins, machine, context),
    )
    done = context.apply(inputs.instance_id, work)
    return Outputs(
        run_command_id=command_id(context.token),
        status="Success",
        output=list(done.outputs["output"]),
    )


def _scripts(name: str, plugins: Sequence[ReadyPlugin]) -> Iterator[Script]:
    for plugin in plugins:
        if plugin.action in _LANGUAGES and not plugin.skipped_because:
            yield _script(name, plugins, plugin)


def _script(name: str, plugins: Sequence[ReadyPlugin], plugin: ReadyPlugin) -> Script:
    return Script(
        name=name if len(plugins) == 1 else f"{name}, step {plugin.name},",
        text=plugin.text,
        language=_LANGUAGES[plugin.action],
        directory=plugin.directory,
        environment=plugin.environment,
        timeout_seconds=plugin.timeout_seconds,
    )


def _run_plugins(
    name: str, plugins: Sequence[ReadyPlugin], machine: Machine, context: StepContext
) -> Mapping[str, Any]:
    """Run the plugins one after another. Raises ActionError if one failed."""
    output: list[str] = []
    failures: list[str] = []
    status, room, is_over = "Failed", OUTPUT_CHARACTERS_MAX, False
    for plugin in plugins:
        if is_over and not plugin.is_finally:
            output.append("")
            continue
        if plugin.skipped_because or plugin.action not in _LANGUAGES:
            output.append("" if plugin.skipped_because else _NO_AGENT)
            continue
        ran = execute(_script(name, plugins, plugin), machine, context)
        output.append(ran.output[:room].rstrip("\r\n"))
        room -= len(output[-1])
        if ran.failure and context.stop.is_set():
            raise ActionError(ran.failure, outputs={"status": ran.status, "output": output})
        if ran.failure and plugin.on_failure != "successAndExit":
            failures.append(ran.failure)
            status = ran.status
        is_over = is_over or bool(plugin.on_failure if ran.failure else plugin.on_success)
    if failures:
        raise ActionError(" ".join(failures), outputs={"status": status, "output": output})
    return {"output": output}
