"""References: ``$.stepOutputs.LaunchStep.instanceId`` (``workflow-documents.md`` §5.6).

::

    reference := "$." root ( "." name | "[" digits "]" )+
    root      := "parameters" | "stepOutputs" | "workflowOutputs" | "imagebuilder"
    name      := [A-Za-z0-9_-]+
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from imagewright.documents.diagnostics import did_you_mean, one_of, surely_meant


class Root(StrEnum):
    """Where a reference looks."""

    PARAMETERS = "parameters"
    STEP_OUTPUTS = "stepOutputs"
    WORKFLOW_OUTPUTS = "workflowOutputs"
    IMAGEBUILDER = "imagebuilder"


class Part(NamedTuple):
    """One step of a reference's way."""

    key: str | int
    """A name, or the index of an item."""
    start: int
    """Offsets in the text the reference stands in; an index has its brackets within."""
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference and where it stands in its text."""

    root: Root
    root_part: Part
    parts: tuple[Part, ...]
    """Never empty; the first is a name, and with ``stepOutputs`` the second is too."""
    start: int
    end: int

    def __str__(self) -> str:
        """Spell it, with the root as it should be."""
        return f"$.{self.root}" + "".join(_spell(part.key) for part in self.parts)

    @property
    def name(self) -> str:
        """What is named right below the root: a step, a parameter, an output, a variable."""
        return str(self.parts[0].key)

    @property
    def inner(self) -> tuple[Part, ...]:
        """The way inside the value that the root holds under that name."""
        return self.parts[1:]


class BadReferenceError(Exception):
    """Text that begins as a reference and is none; the offsets say where it goes wrong."""

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        *,
        fix: str = "",
        unknown_root: bool = False,
        meant: str | None = None,
    ) -> None:
        self.message = message
        self.start = start
        self.end = end
        self.fix = fix
        self.unknown_root = unknown_root
        self.meant = meant
        """What surely belongs between the offsets."""
        super().__init__(message)


def begins_as_reference(text: str) -> bool:
    """Tell whether text is meant as a reference, well formed or not."""
    return text.lstrip().startswith("$.")


def is_reference(text: str) -> bool:
    """Tell whether the whole text is one well-formed reference."""
    try:
        parse_reference(text)
    except BadReferenceError:
        return False
    return True


def parse_reference(text: str, start: int = 0, end: int | None = None) -> Reference:
    """Read the one reference that ``text[start:end]`` holds, space around it allowed.

    Raises BadReferenceError with offsets into ``text``.
    """
    return _Parser(text, start, len(text) if end is None else end).reference()


_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_INDEX: Final = re.compile(r"\[([0-9]{1,9})\]")
_ROOTS: Final = {root.value.lower(): root for root in Root}
_SHAPES: Final = {
    Root.PARAMETERS: "$.parameters.<name>",
    Root.STEP_OUTPUTS: "$.stepOutputs.<step>.<output>",
    Root.WORKFLOW_OUTPUTS: "$.workflowOutputs.<name>",
    Root.IMAGEBUILDER: "$.imagebuilder.<name>",
}


def _spell(key: str | int) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"


class _Parser:
    """Reads one reference from left to right."""

    def __init__(self, text: str, start: int, end: int) -> None:
        inner = text[start:end]
        self._text = text
        self._at = start + len(inner) - len(inner.lstrip())
        self._end = end - (len(inner) - len(inner.rstrip()))
        self._start = self._at

    def reference(self) -> Reference:
        if not self._text.startswith("$.", self._at, self._end):
            message = "a reference begins with `$.`"
            raise BadReferenceError(message, self._start, max(self._end, self._start))
        self._at += 2
        root, root_part = self._root()
        parts: list[Part] = []
        while self._at < self._end:
            parts.append(self._part())
        self._check_shape(root, parts)
        return Reference(root, root_part, tuple(parts), self._start, self._end)

    def _root(self) -> tuple[Root, Part]:
        found = _NAME.match(self._text, self._at, self._end)
        if found is None:
            message = f"a reference goes on with {one_of(list(Root))} after `$.`"
            raise BadReferenceError(message, self._start, self._end, unknown_root=True)
        part = Part(found.group(), found.start(), found.end())
        self._at = found.end()
        # The guide once writes `imageBuilder`; case is forgiven here (§5.6).
        root = _ROOTS.get(found.group().lower())
        if root is None:
            raise self._unknown_root(part)
        return root, part

    def _unknown_root(self, part: Part) -> BadReferenceError:
        meant = did_you_mean(str(part.key), list(Root))
        fix = f"did you mean `{meant}`?" if meant else f"use {one_of(list(Root))}"
        message = f"there is nothing called `{part.key}` to refer to"
        return BadReferenceError(
            message,
            part.start,
            part.end,
            fix=fix,
            unknown_root=True,
            meant=surely_meant(str(part.key), list(Root)),
        )

    def _part(self) -> Part:
        start = self._at
        if self._text[start] == ".":
            found = _NAME.match(self._text, start + 1, self._end)
            if found is not None:
                self._at = found.end()
                return Part(found.group(), found.start(), found.end())
        elif self._text[start] == "[":
            found = _INDEX.match(self._text, start, self._end)
            if found is not None:
                self._at = found.end()
                return Part(int(found.group(1)), start, found.end())
        raise self._malformed(start)

    def _malformed(self, start: int) -> BadReferenceError:
        match self._text[start]:
            case ".":
                message = "a name must follow the dot"
                end = min(start + 2, self._end)
            case "[":
                message = "an index is a whole number in brackets, `[0]`"
                closed = self._text.find("]", start, self._end)
                end = closed + 1 if closed >= 0 else self._end
            case character:
                message = f"`{character}` cannot stand in a reference"
                end = start + 1
        return BadReferenceError(message, start, end, fix=_part_fix(self._text[start]))

    def _check_shape(self, root: Root, parts: list[Part]) -> None:
        needed = 2 if root is Root.STEP_OUTPUTS else 1
        for part in parts[:needed]:
            if isinstance(part.key, int):
                message = f"a name must stand here: {_SHAPES[root]}"
                raise BadReferenceError(message, part.start, part.end)
        if len(parts) < needed:
            message = f"this reference is not complete: {_SHAPES[root]}"
            raise BadReferenceError(message, self._start, self._end)


def _part_fix(character: str) -> str:
    if character in ".[":
        return ""
    return "names have letters, digits, `_` and `-`; inside text, write `{{ $.… }}`"
