"""Text to command document: what is wrong with it, or the typed document.

Schema 2.2 of Systems Manager's documents of type `Command`: parameters, and plugins that run one
after another. YAML or JSON.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

import re2

from imagewright.documents.diagnostics import did_you_mean, has_errors
from imagewright.documents.nodes import native
from imagewright.documents.reading import load
from imagewright.documents.shapes import about, record_of
from imagewright.documents.values import InputError, build

ParameterKind = Literal["String", "StringList", "Boolean", "Integer", "MapList", "StringMap"]

_PLUGIN_INPUTS: Final[Mapping[str, frozenset[str]]] = {
    "aws:runShellScript": frozenset({"runCommand", "workingDirectory", "timeoutSeconds"}),
    "aws:runPowerShellScript": frozenset({"runCommand", "workingDirectory", "timeoutSeconds"}),
    "aws:updateSsmAgent": frozenset(
        {"agentName", "allowDowngrade", "source", "targetVersion", "timeoutSeconds"}
    ),
}
"""The plugins that there are here, and what each takes."""


class BadCommandDocument(Exception):
    """A text is no command document; the message has every reason."""


@dataclass(frozen=True, kw_only=True)
class ParameterDeclaration:
    """A parameter that the document declares."""

    type: ParameterKind = field(metadata=about("What it is."))
    description: str = field(default="", metadata=about("What it is for."))
    default: object = field(default=None, metadata=about("Its value where none is given."))
    allowed_values: list[object] | None = field(
        default=None, metadata=about("The only values it may have.")
    )
    allowed_pattern: str | None = field(
        default=None, metadata=about("A regular expression (RE2) that each text must match.")
    )
    min_items: int = field(default=0, metadata=about("Of a list."))
    max_items: int | None = field(default=None, metadata=about("Of a list."))
    min_chars: int = field(default=0, metadata=about("Of a text."))
    max_chars: int | None = field(default=None, metadata=about("Of a text."))
    display_type: Literal["textfield", "textarea"] | None = field(
        default=None, metadata=about("How a console shows it.")
    )
    interpolation_type: Literal["ENV_VAR"] | None = field(
        default=None, metadata=about("ENV_VAR: it reaches the script as `SSM_` and its name.")
    )


@dataclass(frozen=True, kw_only=True)
class Precondition:
    """When a plugin runs: both texts must be equal."""

    string_equals: list[str] = field(
        metadata=about(
            "`platformType` or a parameter, and a text.",
            wire="StringEquals",
            length_min=2,
            length_max=2,
        )
    )


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One step of the document."""

    action: str = field(metadata=about("Which plugin."))
    name: str = field(
        metadata=about(
            "Its name.",
            pattern=r"[A-Za-z0-9_.-]{1,128}",
            pattern_says="letters, digits, `_`, `-` and `.`",
        )
    )
    inputs: dict[str, object] = field(default_factory=dict, metadata=about("What it does."))
    description: str = field(default="", metadata=about("What it is for."))
    precondition: Precondition | None = field(
        default=None, metadata=about("It is skipped unless this holds.")
    )
    on_failure: Literal["exit", "successAndExit"] | None = field(
        default=None, metadata=about("Without it, the next plugin runs.")
    )
    on_success: Literal["exit"] | None = field(default=None, metadata=about("Likewise."))
    finally_step: bool = field(
        default=False, metadata=about("It runs after an `exit` too; the last may be one.")
    )


@dataclass(frozen=True, kw_only=True)
class CommandDocument:
    """A document that passed every check."""

    schema_version: Literal["2.2"] = field(
        metadata=about("The language.", example="schemaVersion: '2.2'")
    )
    description: str = field(default="", metadata=about("What it does."))
    parameters: dict[str, ParameterDeclaration] = field(
        default_factory=dict, metadata=about("What it takes.")
    )
    main_steps: list[Plugin] = field(
        metadata=about("The plugins, in order.", length_min=1, length_max=100)
    )


def load_command_document(text: str) -> CommandDocument:
    """Read a command document, YAML or JSON. Raises BadCommandDocument."""
    loaded = load(text)
    if loaded.root is None or has_errors(loaded.findings):
        finding = loaded.findings[0]
        line, column, _ = finding.span.start
        raise BadCommandDocument(f"line {line}, column {column}: {finding.message}")
    content = native(loaded.root)
    if not isinstance(content, dict):
        raise BadCommandDocument("it must be a map with schemaVersion and mainSteps")
    if content.get("schemaVersion") not in {"2.2", 2.2}:
        raise BadCommandDocument("only schemaVersion '2.2' runs here")
    try:
        document: CommandDocument = build(
            record_of(CommandDocument), {**content, "schemaVersion": "2.2"}
        )
    except InputError as error:
        raise BadCommandDocument("; ".join(each.message for each in error.problems)) from None
    if problems := [*_plugin_problems(document)]:
        raise BadCommandDocument("; ".join(problems))
    for declared in document.parameters.values():
        if declared.allowed_pattern is not None:
            compile_pattern(declared.allowed_pattern)
    return document


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> "re2._Regexp[str]":
    """Compile an ``allowedPattern``. Raises BadCommandDocument."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise BadCommandDocument(f"the pattern {pattern} is not RE2") from None


def _plugin_problems(document: CommandDocument) -> Iterator[str]:
    names = [plugin.name for plugin in document.main_steps]
    for index, plugin in enumerate(document.main_steps):
        if plugin.name in names[:index]:
            yield f"two of the mainSteps are called '{plugin.name}'"
        if plugin.finally_step and index < len(names) - 1:
            yield f"the step '{plugin.name}' has finallyStep, which only the last may have"
        yield from _input_problems(plugin)


def _input_problems(plugin: Plugin) -> Iterator[str]:
    known = _PLUGIN_INPUTS.get(plugin.action)
    if known is None:
        meant = did_you_mean(plugin.action, _PLUGIN_INPUTS)
        fix = f"did you mean {meant}?" if meant else f"there are {', '.join(_PLUGIN_INPUTS)}"
        yield f"the step '{plugin.name}' has an action that is not served, {plugin.action}; {fix}"
        return
    for name in sorted(plugin.inputs.keys() - known):
        yield f"the step '{plugin.name}' has no input '{name}'; it takes {', '.join(sorted(known))}"
    if "runCommand" in known and not _are_lines(plugin.inputs.get("runCommand")):
        yield f"the step '{plugin.name}' needs the input runCommand, a text or a list of texts"


def _are_lines(value: Any) -> bool:
    lines = value if isinstance(value, list) else [value]
    return bool(lines) and all(isinstance(line, str) for line in lines)
