"""What references find while a workflow runs, and how a value turns into text (§5.6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from imagewright.documents.diagnostics import did_you_mean
from imagewright.documents.nodes import Plain, kind_of_value
from imagewright.documents.workflow.references import Part, Reference, Root
from imagewright.documents.workflow.system import system_variable_name


class UnresolvedError(Exception):
    """A reference finds nothing; the offsets, in the text it stands in, say where it ends."""

    def __init__(self, message: str, part: Part, *, fix: str = "") -> None:
        self.message = message
        self.start = part.start
        self.end = part.end
        self.fix = fix
        super().__init__(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The values a reference can reach at one moment of a run."""

    parameters: Mapping[str, Plain] = field(default_factory=dict)
    """As ``parameters.bind`` made them."""
    step_outputs: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    """By step, for steps that have run and put something out."""
    workflow_outputs: Mapping[str, Plain] = field(default_factory=dict)
    imagebuilder: Mapping[str, Plain] = field(default_factory=dict)
    """``to_plain(SystemVariables(…))``."""
    without_outputs: Mapping[str, str] = field(default_factory=dict)
    """Why a step has none, said after its name: ``was skipped``."""

    def lookup(self, reference: Reference) -> Plain:
        """Return what a reference stands for; never None. Raises UnresolvedError."""
        value, way, spelt = self._beginning(reference)
        for part in way:
            value = _inside(value, part, spelt)
            spelt += f"[{part.key}]" if isinstance(part.key, int) else f".{part.key}"
        if value is None:
            raise UnresolvedError(f"`{spelt}` has no value", reference.parts[-1])
        return value

    def _beginning(self, reference: Reference) -> tuple[Plain, tuple[Part, ...], str]:
        first = reference.parts[0]
        spelt = f"$.{reference.root}.{first.key}"
        return self._value_of(reference.root, first), reference.inner, spelt

    def _value_of(self, root: Root, first: Part) -> Plain:
        match root:
            case Root.STEP_OUTPUTS:
                return dict(self._outputs_of(first))
            case Root.PARAMETERS:
                return _named(self.parameters, first, "parameter")
            case Root.WORKFLOW_OUTPUTS:
                return _named(self.workflow_outputs, first, "workflow output")
            case Root.IMAGEBUILDER:
                name = system_variable_name(str(first.key))
                return _named(self.imagebuilder, first, "system variable", name)

    def _outputs_of(self, step: Part) -> Mapping[str, Plain]:
        name = str(step.key)
        if name in self.step_outputs:
            return self.step_outputs[name]
        if (reason := self.without_outputs.get(name)) is not None:
            raise UnresolvedError(f"the step `{name}` {reason}, so it has no outputs", step)
        meant = did_you_mean(name, self.step_outputs)
        message = f"no step `{name}` has run before this one"
        raise UnresolvedError(message, step, fix=f"did you mean `{meant}`?" if meant else "")


EMPTY_SCOPE: Final = Scope()


def as_text(value: Plain) -> str:
    """Write a value into text (§5.6 rule 3): no quoting, no escaping, lists and maps as JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case int():
            return str(value)
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _named(
    values: Mapping[str, Plain], part: Part, what: str, canonical: str | None = None
) -> Plain:
    name = canonical or str(part.key)
    if name not in values:
        meant = did_you_mean(name, values)
        message = f"there is no {what} `{part.key}` here"
        raise UnresolvedError(message, part, fix=f"did you mean `{meant}`?" if meant else "")
    return values[name]


def _inside(value: Plain, part: Part, spelt: str) -> Plain:
    key = part.key
    if isinstance(key, int):
        return _item(value, key, part, spelt)
    if not isinstance(value, dict):
        message = f"`{spelt}` is {kind_of_value(value)}, so it has no `{key}`"
        raise UnresolvedError(message, part)
    if key not in value:
        meant = did_you_mean(key, value)
        message = f"`{spelt}` has no `{key}`"
        raise UnresolvedError(message, part, fix=f"did you mean `{meant}`?" if meant else "")
    return value[key]


def _item(value: Plain, index: int, part: Part, spelt: str) -> Plain:
    if not isinstance(value, list):
        message = f"`{spelt}` is {kind_of_value(value)}, not a list"
        raise UnresolvedError(message, part)
    if index >= len(value):
        entries = "1 entry" if len(value) == 1 else f"{len(value)} entries"
        raise UnresolvedError(f"`{spelt}` has {entries}, so there is no [{index}]", part)
    return value[index]
