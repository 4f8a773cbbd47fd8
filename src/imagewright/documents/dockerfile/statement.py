"""One instruction while it is read: keyword, flags, arguments, and what is wrong with them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from imagewright.documents.diagnostics import Diagnostic, did_you_mean
from imagewright.documents.dockerfile import rules
from imagewright.documents.dockerfile.expansion import ExpansionError, expand
from imagewright.documents.dockerfile.lines import LogicalLine
from imagewright.documents.dockerfile.values import WrongValue, short
from imagewright.documents.dockerfile.words import Word, cut_words, json_words, unquote
from imagewright.documents.rules import Rule

_FLAG = re.compile(r"""--(?:"[^"]*"|'[^']*'|[^\s"'])*""")


class Unreadable(Exception):
    """An instruction cannot be read on; what is wrong is among the findings."""


@dataclass(frozen=True, slots=True)
class Flag:
    """``--name=value``."""

    name: str
    value: str | None
    word: Word


@dataclass(slots=True)
class Statement:
    """An instruction that is being read."""

    line: LogicalLine
    keyword: str
    """In upper case."""
    rest: Word
    """What stands behind the keyword, and behind the flags once they are taken."""
    escape: str
    add: Callable[[Diagnostic], None] = field(repr=False)

    @property
    def head(self) -> dict[str, Any]:
        """What every instruction carries."""
        return {"line": self.line.number, "text": self.line.text}

    def report(
        self, rule: type[Rule], place: Word | None, message: str, *, fix: str = "", label: str = ""
    ) -> None:
        """Say that a rule is broken, at a word or at the whole instruction."""
        span = self.line.span(place.start, place.end) if place else self.line.span()
        self.add(rule.finding(span, message, fix=fix, label=label))

    def refuse(
        self, rule: type[Rule], place: Word | None, message: str, *, fix: str = ""
    ) -> NoReturn:
        """Say so, and read no further. Raises Unreadable."""
        self.report(rule, place, message, fix=fix)
        raise Unreadable

    def take_flags(self, known: Sequence[str]) -> Mapping[str, Sequence[Flag]]:
        """Take the flags before the arguments, by name; what is unknown is reported."""
        taken: dict[str, list[Flag]] = {name: [] for name in known}
        while found := _FLAG.match(self.rest.text):
            word = Word(found[0], self.rest.start)
            self.rest = self.rest.after(found.end())
            if word.text == "--":
                break
            name, has_value, value = word.text[2:].partition("=")
            if name not in taken:
                self._unknown(word, name, known)
                continue
            taken[name].append(Flag(name, unquote(value) if has_value else None, word))
        return taken

    def _unknown(self, word: Word, name: str, known: Sequence[str]) -> None:
        meant = did_you_mean(name, known)
        there_are = ", ".join(f"`--{each}`" for each in known)
        fix = f"did you mean `--{meant}`?" if meant else there_are and f"it takes {there_are}"
        message = f"`{self.keyword}` has no flag `--{short(name)}`"
        self.report(rules.UnknownFlag, word, message, fix=fix or "it takes none")

    def one_flag(self, flags: Sequence[Flag]) -> Flag | None:
        """Return the flag that may stand once and has a value, if it is there."""
        for again in flags[1:]:
            message = f"the flag `--{again.name}` stands twice"
            self.report(rules.UnknownFlag, again.word, message, fix="leave one of them out")
        if not flags:
            return None
        if not flags[0].value:
            message = f"the flag `--{flags[0].name}` has no value"
            fix = f"write `--{flags[0].name}=…`"
            self.report(rules.Arguments, flags[0].word, message, fix=fix)
            return None
        return flags[0]

    def checked_flag(
        self, flags: Sequence[Flag], read: Callable[[str], object] | None = None
    ) -> str | None:
        """Return such a flag's value as written; it may hold variables."""
        flag = self.one_flag(flags)
        if flag is None or flag.value is None:
            return None
        self.check_word(Word(flag.value, flag.word.start), read, place=flag.word)
        return flag.value

    def check_word(
        self,
        word: Word,
        read: Callable[[str], object] | None = None,
        *,
        place: Word | None = None,
        rule: type[Rule] = rules.Values,
    ) -> None:
        """Check how a word is written, and its value where no variable makes it.

        ``read`` raises WrongValue.
        """
        try:
            plain = expand(word.text, None, escape=self.escape)
        except ExpansionError as error:
            bad = place or Word(word.text[error.at :], word.start + error.at)
            fix = f"`{self.escape}` before a quote or `$` makes it a character like others"
            if "${" in word.text and "}" not in word.text:
                fix = "put a value that holds blanks in quotes, its variables too"
            self.report(rules.Writing, bad, str(error), fix=fix)
            return
        if read is None or "$" in word.text:
            return
        try:
            read(plain)
        except WrongValue as error:
            self.report(rule, place or word, error.message, fix=error.fix)

    def words(self) -> Sequence[Word]:
        """Cut the arguments at blanks outside quotes. Raises Unreadable."""
        words = cut_words(self.rest.text, self.escape, self.rest.start)
        if words is None:
            self.refuse(rules.Writing, self.rest, "a quote is not closed", fix="close it")
        return words

    def listed(self, rest: Word) -> Sequence[str] | None:
        """Read arguments as a JSON array; None if they are none. Raises Unreadable."""
        try:
            return json_words(rest.text)
        except WrongValue as error:
            self.refuse(rules.Arguments, rest, error.message, fix=error.fix)

    def need_rest(self, what: str, example: str) -> Word:
        """Return the arguments, of which there must be some. Raises Unreadable."""
        if not self.rest.text:
            message = f"`{self.keyword}` has no {what}"
            self.refuse(rules.Arguments, None, message, fix=f"write `{self.keyword} {example}`")
        return self.rest
