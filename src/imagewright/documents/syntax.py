"""Rules about YAML itself, the same for every kind of document, and libyaml's words in ours."""

import re
from dataclasses import dataclass, replace

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.edits import Edit
from imagewright.documents.places import Position, Span, split_lines
from imagewright.documents.rules import Rule


class NotYaml(Rule):
    """The text is not YAML.

    What stands there cannot be read at all, so nothing behind this place was checked. The usual
    causes: a tab in the indentation, text with `: ` or a leading `{{`, `*`, `@` or `%` that needs
    quotes, a script of several lines without `|`, or a line that does not line up.
    """

    code = "YM001"
    good = "name: '{{ $.parameters.name }}'\n"
    bad = "name: {{ $.parameters.name }}-x\n"


class ControlCharacter(Rule):
    """YAML has no control characters, but for tab and line ends.

    They get into a text by accident, from a terminal or a damaged file. In double quotes they
    can be written as an escape.
    """

    code = "YM002"
    good = 'name: "a\\u0000b"\n'
    bad = "name: a\x00b\n"


class EmptyDocument(Rule):
    """There is nothing in the text but space and comments."""

    code = "YM003"
    good = "name: x\n"
    bad = "# name: x\n"


class SeveralDocuments(Rule):
    """A text holds one document.

    A line `---` begins another one. One at the very top of the text is fine.
    """

    code = "YM004"
    good = "---\nname: x\n"
    bad = "name: x\n---\nname: y\n"


class DuplicateKey(Rule):
    """A map has each key once.

    Most readers of YAML silently keep the last one; which of the two was meant, only the author
    knows.
    """

    code = "YM005"
    good = "name: x\ndescription: y\n"
    bad = "name: x\nname: y\n"


class KeyIsNotText(Rule):
    """Keys are text, not lists or maps.

    Mostly this is text that begins with `{{` and lacks its quotes: YAML reads a map in a map.
    """

    code = "YM006"
    good = "name: '{{ $.parameters.name }}'\n"
    bad = "name: {{ $.parameters.name }}\n"


class CustomTag(Rule):
    """Tags such as `!Ref` or `!!python/object` have no meaning here.

    A document is plain data: text, numbers, truth values, lists and maps. CloudFormation's tags
    belong to the template around a document; resolve them before.
    """

    code = "YM007"
    good = "name: !!str 7\n"
    bad = "name: !Ref Name\n"


class UnknownAlias(Rule):
    """An alias `*name` repeats what `&name` marked earlier in the text, and nothing else.

    Text that begins with `*` needs quotes.
    """

    code = "YM008"
    good = "a: &x [1]\nb: *x\n"
    bad = "a: *x\n"


class AliasInsideItself(Rule):
    """What an alias repeats cannot hold the alias."""

    code = "YM009"
    good = "a: &x [1]\nb: [*x]\n"
    bad = "a: &x [*x]\n"


class BadMergeKey(Rule):
    """The merge key `<<` takes a map, or a list of maps."""

    code = "YM010"
    good = "a: &x {b: c}\nd:\n  <<: *x\n"
    bad = "d:\n  <<: text\n"


class TooLarge(Rule):
    """The text, or what its aliases make of it, is longer than a document may be.

    An alias counts as all it stands for, so that a few lines cannot grow into gigabytes.
    """

    code = "YM011"
    good = "a: &x text\nb: *x\n"
    bad = "a: &x " + "x" * 1000 + "\nb: [" + "*x, " * 2000 + "]\n"


class TooManyNodes(Rule):
    """A document has so many values in all, each alias counted as all it stands for."""

    code = "YM012"
    good = "a: &x [1, 2]\nb: [*x, *x]\n"
    bad = "a: &x [" + "1, " * 200 + "]\nb: [" + "*x, " * 200 + "]\n"


class TooDeep(Rule):
    """Lists and maps nest only so deep."""

    code = "YM013"
    good = "a: [[[]]]\n"
    bad = "[" * 200 + "]" * 200 + "\n"


SYNTAX_RULES: tuple[type[Rule], ...] = (
    NotYaml,
    ControlCharacter,
    EmptyDocument,
    SeveralDocuments,
    DuplicateKey,
    KeyIsNotText,
    CustomTag,
    UnknownAlias,
    AliasInsideItself,
    BadMergeKey,
    TooLarge,
    TooManyNodes,
    TooDeep,
)

NO_KEY = "this line is neither a key with a value nor part of the lines above"
NO_KEY_FIX = "a key ends in `:`; a script of several lines stands below `|`, indented"
QUOTE_BRACES = "put the whole value in quotes: YAML reads an unquoted `{{` as a map"


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """What libyaml said, with its two places."""

    problem: str
    context: str
    at: Position
    context_at: Position | None
    """Where the thing began that could not be finished."""


def explain(said: YamlProblem, text: str) -> Diagnostic:
    """Turn libyaml's complaint into one that an author of documents understands."""
    lines = _Lines(text)
    if said.at.offset >= len(text):
        # libyaml counts a line behind the last one, which editors do not show.
        said = replace(said, at=lines.end(text))
    for explanation in (_tab, _braces, _colon, _no_character, _known_phrase):
        if (found := explanation(said, lines)) is not None:
            return found
    return _say(said.at, lines, said.problem)


class _Lines:
    """The text by lines, as YAML counts them."""

    def __init__(self, text: str) -> None:
        self._lines = split_lines(text)

    def __getitem__(self, line: int) -> str:
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def end(self, text: str) -> Position:
        """The place behind the last character of the text."""
        return Position(len(self._lines), len(self._lines[-1]) + 1, len(text))

    def ended(self, at: Position) -> bool:
        """Tell whether nothing but space stands at a place and behind it."""
        rest = (self[at.line][at.column - 1 :], *self._lines[at.line :])
        return not any(line.strip() for line in rest)


def _say(
    at: Position,
    lines: _Lines,
    message: str,
    *,
    label: str = "",
    fix: str = "",
    width: int = 1,
    edits: tuple[Edit, ...] = (),
) -> Diagnostic:
    width = min(width, max(1, len(lines[at.line]) - at.column + 1))
    end = Position(at.line, at.column + width, at.offset + width)
    return NotYaml.finding(Span(at, end), message, label=label, fix=fix, edits=edits)


def _moved(at: Position, column: int) -> Position:
    return Position(at.line, column, at.offset + column - at.column)


def _tab(said: YamlProblem, lines: _Lines) -> Diagnostic | None:
    indent = re.match(r"[ \t]*", lines[said.at.line])
    if indent is None or "\t" not in indent.group() or said.at.column > indent.end() + 1:
        return None
    place = _moved(said.at, indent.group().index("\t") + 1)
    fix = "indent with spaces"
    return _say(place, lines, "a tab cannot indent a line", label="tab", fix=fix)


_BRACES = re.compile(r"""(?:^|[:\-\[,?]\s)\s*(\{\{)""")


def _braces(said: YamlProblem, lines: _Lines) -> Diagnostic | None:
    for at in (said.at, said.context_at):
        if at is not None and (found := _BRACES.search(lines[at.line])):
            place = _moved(at, found.start(1) + 1)
            message = "text that begins with `{{` needs quotes"
            edits = quoting(place, lines[at.line])
            return _say(place, lines, message, fix=QUOTE_BRACES, width=2, edits=edits)
    return None


_VALUE_FOLLOWS = re.compile(r"""\s*(?:-\s+)*(?:(?:[\w.$-]+|"[\w.$-]+"|'[\w.$-]+')\s*:\s+)?\Z""")


def quoting(at: Position, line: str) -> tuple[Edit, ...]:
    """Put quotes around a value that begins with braces and ends with its line.

    ``line`` is the whole of it. Where quotes might take in more than the value, there is no edit.
    """
    before, value = line[: at.column - 1], line[at.column - 1 :]
    value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    if _VALUE_FOLLOWS.match(before) is None or value.count("{{") != value.count("}}"):
        return ()
    quote = '"' if not set('"\\') & set(value) else "'"
    if quote in value:
        return ()
    end = Position(at.line, at.column + len(value), at.offset + len(value))
    return (Edit(Span(at, end), value, f"{quote}{value}{quote}"),)


def _colon(said: YamlProblem, lines: _Lines) -> Diagnostic | None:
    if said.problem != "mapping values are not allowed in this context":
        return None
    before = lines[said.at.line][: said.at.column - 1]
    if re.search(r":\s", before):
        message = "a value cannot hold `: ` without quotes"
        fix = "put the value in quotes, or write it below `|` as a block"
        return _say(said.at, lines, message, label="a second `:`", fix=fix)
    indent = len(before) - len(before.lstrip())
    above = next((n for n in range(said.at.line - 1, 0, -1) if lines[n].strip()), 0)
    if indent <= len(lines[above]) - len(lines[above].lstrip()):
        message = "the line above this key is no key with a value, so the key became part of it"
        fix = NO_KEY_FIX
    else:
        message = "this key stands deeper than the one above it, which has a value already"
        fix = "line it up with the keys it belongs to"
    place = _moved(said.at, indent + 1)
    return _say(place, lines, message, fix=fix, width=len(before.strip()))


def _no_character(said: YamlProblem, lines: _Lines) -> Diagnostic | None:
    if said.problem != "found invalid Unicode character escape code":
        return None
    at = _moved(said.at, said.at.column - len(r"\u"))
    width = _word_length(lines[at.line][at.column - 1 :][: len(r"\uFFFF")])
    fix = r"write the character itself, or `\U` and eight digits: `\U0001F600`"
    return _say(at, lines, "this escape stands for no character", fix=fix, width=width)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """One of libyaml's sentences, and ours for it."""

    problem: str
    context: str
    """Matches any when empty."""
    message: str
    fix: str = ""
    label: str = ""
    where_it_began: bool = False
    """The finding belongs where the unfinished thing began."""


_PHRASES = (
    _Phrase(
        "found unexpected end of stream",
        "while scanning a quoted scalar",
        "the quote that opens here is never closed",
        "close it; in single quotes, an apostrophe is written twice",
        where_it_began=True,
    ),
    _Phrase("could not find expected ':'", "", NO_KEY, NO_KEY_FIX, where_it_began=True),
    _Phrase(
        "did not find expected node content",
        "",
        "a value is missing here",
        "close every `[` and `{`; text that begins with one of them needs quotes",
    ),
    _Phrase(
        "found unknown escape character",
        "",
        "this is no escape that double quotes know",
        "write the backslash twice, or use single quotes",
    ),
    _Phrase(
        "did not find expected alphabetic or numeric character",
        "while scanning an alias",
        "text that begins with `*` needs quotes",
        "put the whole value in quotes",
        where_it_began=True,
    ),
    _Phrase(
        "did not find expected alphabetic or numeric character",
        "while scanning an anchor",
        "text that begins with `&` needs quotes",
        "put the whole value in quotes",
        where_it_began=True,
    ),
    _Phrase(
        "did not find expected key",
        "while parsing a block mapping",
        "this does not fit the map it stands in",
        "the keys of one map begin in the same column; text after a closing quote is an error",
        "expected a key here",
    ),
    _Phrase(
        "did not find expected '-' indicator",
        "",
        "this does not fit the list it stands in",
        "the `-` of every item of a list stand in the same column",
        "expected `-` here",
    ),
    _Phrase(
        "block sequence entries are not allowed in this context",
        "",
        "a list cannot begin here",
        "begin the first `-` on a line of its own, below its key",
    ),
    _Phrase(
        "did not find expected ',' or ']'",
        "",
        "the list in `[ ]` is not closed or lacks a comma",
        "text that begins with `[` needs quotes",
        "expected `,` or `]` here",
    ),
    _Phrase(
        "did not find expected ',' or '}'",
        "",
        "the map in `{ }` is not closed or lacks a comma",
        "text that begins with `{` needs quotes",
        "expected `,` or `}` here",
    ),
    _Phrase(
        "did not find expected <document start>",
        "",
        "the document has ended before this line",
        "what belongs to it begins in the column of its first key",
    ),
    _Phrase(
        "found undefined tag handle",
        "",
        "text that begins with `!` needs quotes",
        "put the whole value in quotes",
    ),
)


_KEY_OR_ITEM = re.compile(r"^\s*-\s|:(?:\s|$)")


def _known_phrase(said: YamlProblem, lines: _Lines) -> Diagnostic | None:
    if said.problem.startswith("found character"):
        return _cannot_begin(said, lines)
    if said.problem == "did not find expected key" and not _KEY_OR_ITEM.search(lines[said.at.line]):
        return _say(said.at, lines, NO_KEY, fix=NO_KEY_FIX)
    for phrase in _PHRASES:
        if phrase.problem == said.problem and phrase.context in ("", said.context):
            began = said.context_at
            at = began if began and (phrase.where_it_began or lines.ended(said.at)) else said.at
            width = _word_length(lines[at.line][at.column - 1 :])
            message, label, fix = phrase.message, phrase.label, phrase.fix
            return _say(at, lines, message, label=label, fix=fix, width=width)
    return None


def _cannot_begin(said: YamlProblem, lines: _Lines) -> Diagnostic:
    character = lines[said.at.line][said.at.column - 1 : said.at.column]
    if character == "\t":
        message = "a tab cannot stand between a key and what belongs to it"
        return _say(said.at, lines, message, label="tab", fix="use spaces")
    message = f"text that begins with `{character}` needs quotes"
    return _say(said.at, lines, message, fix="put the whole value in quotes")


def _word_length(rest: str) -> int:
    found = re.match(r"\S+", rest)
    return found.end() if found else 1
