"""What stands between ``{{`` and ``}}`` in a component document (``component-documents.md`` §3).

``parse`` splits a scalar's text into parts; ``fill`` puts values in. A part that does not match
the grammar, or that nothing answers, stays as the author wrote it: scripts are full of Jinja and
Go templates (§3.6). Replaced text is never read again, so an output cannot smuggle one in.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Side = Literal["inputs", "outputs"]


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter or a constant."""

    name: str


@dataclass(frozen=True, slots=True)
class LoopValue:
    """The current index or value of the step's loop, by its name or as ``loop``."""

    loop: str
    attribute: Literal["index", "value"]


@dataclass(frozen=True, slots=True)
class Chained:
    """What another step was given or gave."""

    phase: str
    step: str
    side: Side
    index: int | None
    key: str
    element: int | None
    """Of a value that is a list (decision O-29)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A value of the Parameter Store; ``source`` is its name, or what resolves to the name."""

    source: "str | Name | Stored"


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of the machine."""

    name: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """A path of the instance's metadata, below ``meta-data/``."""

    path: str


@dataclass(frozen=True, slots=True)
class Context:
    """A fact about the run."""

    key: str


@dataclass(frozen=True, slots=True)
class Braces:
    """``{{ '{{' }}``: two braces, our way to write them."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Braces around something of another language."""


Reference: TypeAlias = (
    Name | LoopValue | Chained | Stored | Variable | Metadata | Context | Braces | Unknown
)

CONTEXT_KEYS = (
    "executionId",
    "accountId",
    "region",
    "osPlatform",
    "osName",
    "osVersion",
    "date",
    "dateTime",
    "uuid",
    "hostname",
    "phase",
    "step",
)


@dataclass(frozen=True, slots=True)
class Expression:
    """One pair of braces within a scalar: ``text[start:end]``."""

    reference: Reference
    source: str
    """As written, braces and all."""
    start: int

    @property
    def end(self) -> int:
        """Where it ends, exclusive."""
        return self.start + len(self.source)

    @property
    def inside(self) -> str:
        """What stands between the braces, trimmed."""
        return self.source[2:-2].strip()


_NAME = r"[A-Za-z0-9_-]+"
_INDEX = r"[0-9]{1,9}"
_BRACED = re.compile(r"\{\{\s*'\{\{'\s*\}\}|\{\{(?!\{)((?:(?!\{\{|\}\}).)*)\}\}", re.DOTALL)
_LOOP = re.compile(rf"({_NAME})\.(index|value)")
_CHAIN = re.compile(
    rf"({_NAME})\.({_NAME})\.(inputs|outputs)(?:\[({_INDEX})\])?\.({_NAME})(?:\[({_INDEX})\])?"
)
_STORE_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")
_RESOLVE = re.compile(r"resolve\(\s*(.*?)\s*\)", re.DOTALL)
_METADATA_PATH = re.compile(r"[A-Za-z0-9_.:/-]+")
_RESOLVE_DEPTH_MAX = 8


def expressions(text: str) -> Iterator[Expression]:
    """Find every pair of braces, from left to right.

    >>> [part.reference for part in expressions("{{Name}}/{{ loop.value }}")]
    [Name(name='Name'), LoopValue(loop='loop', attribute='value')]
    """
    for found in _BRACED.finditer(text):
        inside = found.group(1)
        reference = Braces() if inside is None else classify(inside.strip(" \t\r\n"))
        yield Expression(reference, found.group(), found.start())


def fill(text: str, answer: Callable[[Expression], str | None]) -> str:
    """Put in what ``answer`` says for each expression; None leaves it as it stands."""
    pieces: list[str] = []
    done = 0
    for expression in expressions(text):
        value = "{{" if isinstance(expression.reference, Braces) else answer(expression)
        pieces += [text[done : expression.start], expression.source if value is None else value]
        done = expression.end
    return "".join(pieces) + text[done:]


def classify(inside: str) -> Reference:
    """Say what the text between the braces refers to (grammar of §3.1)."""
    if re.fullmatch(_NAME, inside):
        return Name(inside)
    if loop := _LOOP.fullmatch(inside):
        return LoopValue(loop[1], "index" if loop[2] == "index" else "value")
    if chain := _CHAIN.fullmatch(inside):
        return _chained(chain)
    if inside.startswith("aws:ssm:"):
        return _stored(inside, depth=0) or Unknown()
    if inside.startswith("env:") and (name := inside.removeprefix("env:").strip()):
        return Variable(name) if "\n" not in name else Unknown()
    path = inside.removeprefix("aws:imds:")
    if path != inside and _METADATA_PATH.fullmatch(path):
        return Metadata(path)
    key = inside.removeprefix("context:")
    return Context(key) if key != inside and re.fullmatch(_NAME, key) else Unknown()


def _chained(found: re.Match[str]) -> Chained:
    phase, step, side, index, key, element = found.groups()
    return Chained(
        phase,
        step,
        "inputs" if side == "inputs" else "outputs",
        None if index is None else int(index),
        key,
        None if element is None else int(element),
    )


def _stored(text: str, *, depth: int) -> Stored | None:
    name = text.removeprefix("aws:ssm:")
    if _STORE_NAME.fullmatch(name):
        return Stored(name)
    call = _RESOLVE.fullmatch(name)
    if call is None or depth > _RESOLVE_DEPTH_MAX:
        return None
    if re.fullmatch(_NAME, call[1]):
        return Stored(Name(call[1]))
    inner = _stored(call[1], depth=depth + 1) if call[1].startswith("aws:ssm:") else None
    return None if inner is None else Stored(inner)
