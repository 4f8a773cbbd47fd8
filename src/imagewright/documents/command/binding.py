"""Command document and parameters to plugins that are ready to run."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imagewright.documents.command.document import (
    CommandDocument,
    ParameterDeclaration,
    Plugin,
    compile_pattern,
)
from imagewright.documents.diagnostics import did_you_mean
from imagewright.documents.values import UNKNOWN

_REFERENCE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")
_TIMEOUT_DEFAULT: Final = "3600"
_TIMEOUT_SECONDS_MAX: Final = 172_800
_PLATFORMS: Final = {"Linux": "Linux", "Windows": "Windows", "macOS": "MacOS"}
"""What ``platformType`` comes to."""


class BadCommandParameters(Exception):
    """The parameters do not fit the document; the message has every reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPlugin:
    """A plugin with its parameters filled in."""

    name: str
    action: str
    text: str
    """The script; empty for a plugin that has none."""
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: int
    skipped_because: str
    """Why it does not run; empty: it does."""
    on_failure: str | None
    on_success: str | None
    is_finally: bool


def problems(document: CommandDocument, given: Mapping[str, object]) -> Iterator[str]:
    """Say everything that is wrong with parameters; what is UNKNOWN is taken to be right."""
    for name in given:
        if name not in document.parameters:
            meant = did_you_mean(name, document.parameters)
            known = ", ".join(sorted(document.parameters)) or "none at all"
            fix = f"did you mean {meant}?" if meant else f"it has {known}"
            yield f"there is no parameter '{name}'; {fix}"
    for name, declared in document.parameters.items():
        if name not in given:
            if declared.default is None:
                yield f"the parameter '{name}' is missing, {_described(declared)}"
            continue
        value = given[name]
        if value is UNKNOWN or (isinstance(value, list) and UNKNOWN in value):
            continue
        if why := _misfit(declared, value):
            yield f"the parameter '{name}' {why}"


def bind(
    document: CommandDocument, given: Mapping[str, list[str]], *, platform: str
) -> tuple[ReadyPlugin, ...]:
    """Fill in the parameters. Raises BadCommandParameters.

    ``platform`` is the machine's, as the API spells it.
    """
    if found := [*problems(document, given)]:
        raise BadCommandParameters("; ".join(found))
    values = {
        name: _value(declared, given.get(name)) for name, declared in document.parameters.items()
    }
    in_environment = {
        name
        for name, declared in document.parameters.items()
        if declared.interpolation_type == "ENV_VAR"
    }
    return tuple(_ready(plugin, values, in_environment, platform) for plugin in document.main_steps)


def _described(declared: ParameterDeclaration) -> str:
    lists = {"StringList": "a list of texts", "Boolean": "true or false"}
    return lists.get(declared.type, "a list of one text")


def _misfit(declared: ParameterDeclaration, value: object) -> str | None:
    """Say why a value given by a workflow, a list of texts, does not do."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "must be a list of texts"
    if declared.type == "StringList":
        most = declared.max_items
        if len(value) < declared.min_items or (most is not None and len(value) > most):
            return f"has {len(value)} entries, which the document does not allow"
    elif len(value) != 1:
        return f"must be a list of one text, not of {len(value)}"
    return next(filter(None, (_misfit_text(declared, item) for item in value)), None)


def _misfit_text(declared: ParameterDeclaration, text: str) -> str | None:
    if why := _misfit_type(declared, text):
        return why
    if declared.allowed_values is not None:
        allowed = [_as_text(each) for each in declared.allowed_values]
        if text not in allowed:
            return f"must be one of {', '.join(allowed)}, not '{text[:60]}'"
    pattern = declared.allowed_pattern
    if pattern is not None and compile_pattern(pattern).search(text) is None:
        return f"must match {pattern}, which '{text[:60]}' does not"
    most = declared.max_chars
    if len(text) < declared.min_chars or (most is not None and len(text) > most):
        return f"has {len(text)} characters, which the document does not allow"
    return None


def _misfit_type(declared: ParameterDeclaration, text: str) -> str | None:
    match declared.type:
        case "Boolean" if text.lower() not in {"true", "false"}:
            return f"must be true or false, not '{text[:60]}'"
        case "Integer" if not re.fullmatch(r"-?[0-9]{1,18}", text):
            return f"must be a whole number, not '{text[:60]}'"
        case "MapList" | "StringMap":
            try:
                json.loads(text)
            except (ValueError, RecursionError):
                return "must be JSON"
    return None


def _value(declared: ParameterDeclaration, given: list[str] | None) -> Any:
    if given is None:
        return declared.default
    return list(given) if declared.type == "StringList" else given[0]


def _ready(
    plugin: Plugin, values: Mapping[str, Any], in_environment: set[str], platform: str
) -> ReadyPlugin:
    texts = {name: value for name, value in values.items() if name not in in_environment}
    lines = [*_lines(plugin.inputs.get("runCommand", []), texts)]
    directory = _filled(plugin.inputs.get("workingDirectory", ""), texts)
    timeout = str(_filled(plugin.inputs.get("timeoutSeconds", _TIMEOUT_DEFAULT), texts))
    is_number = timeout.isascii() and timeout.isdigit()
    if not is_number or not 1 <= int(timeout) <= _TIMEOUT_SECONDS_MAX:
        raise BadCommandParameters(
            f"the step '{plugin.name}' may take 1 to {_TIMEOUT_SECONDS_MAX} seconds, "
            f"not '{timeout[:60]}'"
        )
    return ReadyPlugin(
        name=plugin.name,
        action=plugin.action,
        text="\n".join(lines) + "\n" if lines else "",
        directory=_as_text(directory) or "/",
        environment={f"SSM_{name}": _as_text(values[name]) for name in sorted(in_environment)},
        timeout_seconds=int(timeout),
        skipped_because=_why_skipped(plugin, values, platform),
        on_failure=plugin.on_failure,
        on_success=plugin.on_success,
        is_finally=plugin.finally_step,
    )


def _why_skipped(plugin: Plugin, values: Mapping[str, Any], platform: str) -> str:
    if plugin.precondition is None:
        return ""
    sides = [
        _PLATFORMS[platform] if side == "platformType" else _as_text(_filled(side, values))
        for side in plugin.precondition.string_equals
    ]
    if sides[0] == sides[1]:
        return ""
    asked = " = ".join(plugin.precondition.string_equals)
    return f"its precondition {asked} does not hold: {sides[0]} is not {sides[1]}"


def _lines(value: object, values: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of a script; a list of texts within the list stands for its texts."""
    filled = _filled(value, values)
    if isinstance(filled, list):
        for item in filled:
            yield from _lines_of(item)
    else:
        yield from _lines_of(filled)


def _lines_of(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (_as_text(item) for item in value)
    else:
        yield _as_text(value)


def _filled(value: object, values: Mapping[str, Any]) -> object:
    """Replace `{{ name }}` of what is declared; other braces are the author's own."""
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole and whole[1] in values:
        return values[whole[1]]
    return _REFERENCE.sub(
        lambda found: _as_text(values[found[1]]) if found[1] in values else found[0], value
    )


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
