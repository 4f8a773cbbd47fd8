"""Variables in the words of a Dockerfile, quotes and escapes with them, as a build takes them.

``$name``, ``${name}``, and with a modifier: ``:-`` and ``-`` (or else), ``:+`` and ``+`` (if
set), ``:?`` and ``?`` (must be set), ``#`` ``##`` ``%`` ``%%`` (without what matches at the
beginning or the end), ``/`` and ``//`` (replaced).
"""

from collections.abc import Mapping
from typing import Final

import re2

DEPTH_MAX: Final = 30
"""Nobody nests variables deeper; Python's own stack would end some time."""
PATTERN_CHARACTERS_MAX: Final = 200
"""The time for a pattern grows with it, and with the value."""
VALUE_CHARACTERS_MAX: Final = 131_071
"""Linux gives no program a longer variable or argument; doubling ones grow beyond all bounds."""

_SPECIAL: Final = frozenset("@*#?-$!")


class ExpansionError(ValueError):
    """A word is not written rightly, or its variables do not allow it; ``at`` is where."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def expand(
    text: str,
    variables: Mapping[str, str] | None,
    *,
    escape: str = "\\",
    quotes: bool = True,
) -> str:
    """Replace variables, and take quotes and escapes away. Raises ExpansionError.

    Without variables, only the writing is checked: what a value would do is not. ``quotes`` are
    text like any other in a heredoc.
    """
    return _Expander(text, variables, escape, quotes=quotes).all()


class _Expander:
    def __init__(
        self, text: str, variables: Mapping[str, str] | None, escape: str, *, quotes: bool
    ) -> None:
        self._text = text
        self._variables = variables
        self._escape = escape
        self._quotes = quotes
        self._at = 0
        self._depth = 0
        self._length = 0

    def all(self) -> str:
        return self._until("")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _until(self, stop: str, *, raw: bool = False) -> str:
        """Read up to a character, and over it; ``raw`` keeps the escapes."""
        begin = self._at
        out: list[str] = []
        while self._at < len(self._text):
            character = self._peek()
            if character == stop:
                self._at += 1
                return "".join(out)
            if character == "$":
                out.append(self._variable())
            elif self._quotes and character == "'":
                out.append(self._single_quoted())
            elif self._quotes and character == '"':
                out.append(self._double_quoted())
            elif character == self._escape:
                self._at += 1
                out.append(self._escape * raw + self._next())
            else:
                out.append(self._next())
        if stop:
            raise ExpansionError(f"the `{stop}` that ends `${{` is missing", begin)
        return "".join(out)

    def _single_quoted(self) -> str:
        begin = self._at
        end = self._text.find("'", begin + 1)
        if end < 0:
            raise ExpansionError("the closing `'` is missing", begin)
        self._at = end + 1
        return self._text[begin + 1 : end]

    def _double_quoted(self) -> str:
        begin = self._at
        out: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            character = self._peek()
            if character == '"':
                self._at += 1
                return "".join(out)
            if character == "$":
                out.append(self._variable())
                continue
            self._at += 1
            if character == self._escape and self._peek():
                following = self._next()
                character = (
                    following if following in {'"', "$", self._escape} else (character + following)
                )
            out.append(character)
        raise ExpansionError('the closing `"` is missing', begin)

    def _variable(self) -> str:
        begin = self._at
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._counted(self._value(name) or "", begin) if name else "$"
        self._at += 1
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpansionError(f"variables are nested deeper than {DEPTH_MAX}", begin)
        value = self._counted(self._braced(begin), begin)
        self._depth -= 1
        return value

    def _name(self) -> str:
        begin = self._at
        first = self._peek()
        if first in _SPECIAL and first:
            self._at += 1
            return first
        only_digits = first.isdigit()
        while (character := self._peek()) and (
            character.isdigit() or (not only_digits and (character.isalpha() or character == "_"))
        ):
            self._at += 1
        return self._text[begin : self._at]

    def _value(self, name: str) -> str | None:
        return "" if self._variables is None else self._variables.get(name)

    def _braced(self, begin: int) -> str:
        name = self._name()
        if not name:
            raise ExpansionError("there is no name of a variable behind `${`", begin)
        modifier = self._next()
        if modifier == "}":
            return self._value(name) or ""
        if modifier in ("#", "%"):
            return self._trimmed(name, modifier, begin)
        if modifier == "/":
            return self._replaced(name, begin)
        counts_empty = modifier == ":"
        if counts_empty:
            modifier = self._next()
        if not modifier:
            raise ExpansionError("the `}` that ends `${` is missing", begin)
        if modifier not in ("-", "+", "?"):
            raise ExpansionError(f"`{modifier}` is no modifier of a variable", begin)
        return self._chosen(name, modifier, begin, counts_empty=counts_empty)

    def _chosen(self, name: str, modifier: str, begin: int, *, counts_empty: bool) -> str:
        word = self._until("}")
        value = self._value(name)
        is_set = value is not None and not (counts_empty and not value)
        if modifier == "-":
            return value if is_set and value is not None else word
        if modifier == "+":
            return word if is_set else ""
        if not is_set and self._variables is not None:
            raise ExpansionError(f"the variable `{name}` must be set: {word or 'it is not'}", begin)
        return value or ""

    def _trimmed(self, name: str, modifier: str, begin: int) -> str:
        longest = self._peek() == modifier
        if longest:
            self._at += 1
        pattern = self._until("}", raw=True)
        value = self._value(name) or ""
        if modifier == "#":
            found = self._compiled(f"^(?:{self._glob(pattern, begin, longest=longest)})", begin)
            return value[match.end() :] if (match := found.match(value)) else value
        backwards = self._glob(pattern, begin, longest=longest, backwards=True)
        match = self._compiled(f"^(?:{backwards})", begin).match(value[::-1])
        return value[: len(value) - match.end()] if match else value

    def _replaced(self, name: str, begin: int) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._at += 1
        pattern = self._glob(self._until("/", raw=True), begin, longest=True)
        replacement = self._until("}", raw=True)
        compiled = self._compiled(pattern, begin)
        value, out, end = self._value(name) or "", [], 0
        for match in compiled.finditer(value):
            out += [value[end : match.start()], replacement]
            end = match.end()
            if not everywhere:
                break
        return "".join([*out, value[end:]])

    def _glob(self, pattern: str, begin: int, *, longest: bool, backwards: bool = False) -> str:
        if len(pattern) > PATTERN_CHARACTERS_MAX:
            said = f"a pattern may have {PATTERN_CHARACTERS_MAX} characters"
            raise ExpansionError(said, begin)
        parts, characters = [], iter(pattern)
        for character in characters:
            if character == "*":
                parts.append(".*" if longest else ".*?")
            elif character == "?":
                parts.append(".")
            else:
                plain = next(characters, character) if character == "\\" else character
                parts.append(re2.escape(plain))
        return "".join(reversed(parts) if backwards else parts)

    def _compiled(self, pattern: str, begin: int) -> "re2._Regexp[str]":
        options = re2.Options()
        options.log_errors = False
        try:
            return re2.compile(pattern, options)
        except re2.error:
            raise ExpansionError("this pattern cannot be read", begin) from None

    def _counted(self, value: str, begin: int) -> str:
        self._length += len(value)
        if self._length > VALUE_CHARACTERS_MAX:
            said = f"the value has more than {VALUE_CHARACTERS_MAX:,} characters"
            raise ExpansionError(said, begin)
        return value
