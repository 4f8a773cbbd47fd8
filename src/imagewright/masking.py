"""Keeping secret values out of whatever is written (``component-documents.md`` §3.4, §3.5).

``Secrets`` knows the values that were read and hides them in texts, also where they are encoded,
quoted, or split over lines. Nothing here reads or writes anything.

A value is looked for in its ``forms``, in any case of letters. All space between characters is
passed over, for a value of several lines is split over lines, and so is whatever a terminal's width
or ``fold`` breaks.
"""

import base64
import html
import json
import re
import secrets as randomness
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import quote, quote_plus

MASK = "***"
"""What is written in place of what is not to be seen."""

SHORT = 4
"""Values of fewer characters are looked for as they are: their encodings are anywhere."""
_CUT = 8
"""So many characters of a value at the very end of a text are hidden too: it was cut there."""
_HELD_CHARACTERS_MAX = 1 << 20
_HELD_LINES_MAX = 1 << 14
_GAPS = " \t\r\n\v\f"
_BARE = str.maketrans(ascii_uppercase, ascii_lowercase, _GAPS)
"""Makes a text without gaps, and without a difference of case, as host names have none."""

Span = tuple[int, int]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class StoredText:
    """What a store of parameters holds under a name."""

    text: str
    is_secret: bool = False


class Secrets:
    """The secret values of one run or build, as they become known. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: tuple[tuple[str, str], ...] = ()
        self._cuts = ""
        self.finder = Finder(())
        """Replaced as a whole when a value is learnt."""

    def __bool__(self) -> bool:
        """Tell whether any is known."""
        return bool(self._values)

    def learn(self, value: str, name: str = "") -> None:
        """Hide a value from now on; ``name`` is what it can be read by again."""
        with self._lock:
            if (name, value) not in self._values:
                self._values = (*self._values, (name, value))
                self._find_anew()

    def cut_at(self, delimiters: str) -> None:
        """Hide the pieces of the values too: a loop goes through what is between these."""
        with self._lock:
            cuts = "".join(sorted({*self._cuts, *delimiters}))
            if cuts != self._cuts:
                self._cuts = cuts
                self._find_anew()

    def _find_anew(self) -> None:
        every = (form for _, each in self._values for form in forms(each, self._cuts))
        self.finder = Finder(every)

    def are_in(self, text: str) -> bool:
        """Tell whether a text holds any of them."""
        return bool(self.finder.spans(text.translate(_BARE)))

    def mask(self, text: str) -> str:
        """Hide them in a text. Each line that held a part of one has a mask of its own."""
        if not self._values:
            return text
        bare = text.translate(_BARE)
        spans = self.finder.spans(bare, is_end=True)
        return _replaced(text, spans, lambda _found: MASK) if spans else text

    def mask_all(self, value: Any) -> Any:
        """Hide them in all texts of a value of JSON, but for the names of members."""
        return through(value, self.mask) if self._values else value

    def mask_error(self, error: BaseException | None) -> None:
        """Hide them in what an error says, and those that it came from."""
        while error is not None and self._values:
            error.args = tuple(self.mask_all(error.args))
            error = error.__cause__ or error.__context__

    def seal(self) -> tuple["Seal", Callable[[str], str]]:
        """Return what hides them so that they can be put back once they have been read again.

        Where one stands as it is, or in a form as a whole, a mark names it; else it is masked.
        """
        mark = randomness.token_hex(16)  # so that nothing a machine printed can be taken for one
        marks: dict[str, str] = {}
        for number, (_, value) in enumerate(self._values):
            for ordinal, form in enumerate(forms(value, self._cuts)):
                marks.setdefault(form.strip(_GAPS), f"<{mark}:{number}:{ordinal}>")

        def hide(text: str) -> str:
            spans = self.finder.spans(text.translate(_BARE), is_end=True)
            return _replaced(text, spans, lambda found: marks.get(found, MASK), by_line=False)

        return Seal(mark, tuple(name for name, _ in self._values), self._cuts), hide


@dataclass(frozen=True, slots=True)
class Seal:
    """How to read texts that ``Secrets.seal`` went over."""

    mark: str
    names: tuple[str, ...]
    """What the values can be read by again."""
    cuts: str = ""
    """Where loops cut them, as ``Secrets.cut_at`` takes it."""

    def masked(self, text: str) -> str:
        """Put masks in place of the marks, for people."""
        return self._pattern.sub(MASK, text)

    def opened(self, text: str, values: Sequence[str]) -> str:
        """Put values in place of the marks: one for each name, as they are now."""

        def value(found: re.Match[str]) -> str:
            written, ordinal = forms(values[int(found[1])], self.cuts), int(found[2])
            # Another value may have fewer forms; its own text is the first.
            return written[ordinal if ordinal < len(written) else 0].strip(_GAPS)

        return self._pattern.sub(value, text)

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"<{re.escape(self.mark)}:([0-9]+):([0-9]+)>")


@dataclass(slots=True)
class _Held(Generic[Item]):
    """A line that is not passed on yet."""

    item: Item
    text: str
    start: int
    """Of its characters that are no gaps, among those of the whole stream."""
    end: int


class LineMasker(Generic[Item]):
    """Hides secrets in a stream of lines, also where one goes on in the next line.

    A line whose end may be the beginning of a secret is held until the next line tells, or the
    stream ends; every other is passed on at once.
    """

    def __init__(self, secrets: Secrets, pass_on: Callable[[Item, str], None]) -> None:
        self._secrets = secrets
        self._pass_on = pass_on
        self._held: list[_Held[Item]] = []
        self._bare = ""
        """The characters of the held lines that are no gaps."""
        self._spans: list[Span] = []
        """What is hidden of them, by places in the stream."""

    def feed(self, item: Item, text: str) -> None:
        """Take a line, or a piece of one."""
        if not self._secrets:
            self._pass_on(item, text)
            return
        more = text.translate(_BARE)
        finder = self._secrets.finder
        if not self._held and not finder.touches(more):
            self._pass_on(item, text)
            return
        start = self._held[-1].end if self._held else 0
        self._held.append(_Held(item, text, start, start + len(more)))
        self._bare += more
        first = self._held[0].start
        self._spans += [(first + a, first + b) for a, b in finder.spans(self._bare)]
        unsure = first + finder.beginning(self._bare)
        if len(self._bare) > _HELD_CHARACTERS_MAX or len(self._held) > _HELD_LINES_MAX:
            self._spans.append((unsure, self._held[-1].end))
            unsure = self._held[-1].end
        self._release(unsure)

    def finish(self) -> None:
        """Pass on what is held: the stream has ended."""
        if self._held:
            first = self._held[0].start
            found = self._secrets.finder.spans(self._bare, is_end=True)
            self._spans += [(first + a, first + b) for a, b in found]
            self._release(self._held[-1].end)

    def _release(self, unsure: int) -> None:
        """Pass on the lines that end before a place."""
        spans = _merged(self._spans)
        count = next((n for n, each in enumerate(self._held) if each.end > unsure), len(self._held))
        released, self._held = self._held[:count], self._held[count:]
        for line in released:
            own = [
                (max(a, line.start) - line.start, min(b, line.end) - line.start)
                for a, b in spans
                if max(a, line.start) < min(b, line.end)
            ]
            self._pass_on(line.item, _replaced(line.text, own, lambda _found: MASK))
        place = self._held[0].start if self._held else unsure
        kept = self._held[-1].end - place if self._held else 0
        self._bare = self._bare[len(self._bare) - kept :]
        self._spans = [span for span in spans if span[1] > place] if self._held else []


class Finder:
    """Finds forms, without their gaps, in texts without gaps."""

    def __init__(self, written: Iterable[str]) -> None:
        bare = {form.translate(_BARE) for form in written} - {""}
        self._all = tuple(sorted(bare, key=len, reverse=True))
        self._longest = len(self._all[0]) if self._all else 0
        self._by_head: dict[str, list[str]] = {}
        for form in self._all:
            self._by_head.setdefault(form[:SHORT], []).append(form)
        self._stubs = {form[:n] for form in self._all for n in range(1, min(SHORT, len(form)))}

    def spans(self, bare: str, *, is_end: bool = False) -> list[Span]:
        """Find them all, in order, joined where they overlap.

        With ``is_end`` nothing follows the text, and what a cut left of one at its end counts.
        """
        found: list[Span] = []
        for form in self._all:
            place = bare.find(form)
            while place >= 0:
                found.append((place, place + len(form)))
                place = bare.find(form, place + 1)
        if is_end:
            begun = self.beginning(bare)
            if len(bare) - begun >= _CUT:
                found.append((begun, len(bare)))
        return _merged(found)

    def touches(self, bare: str) -> bool:
        """Tell whether one is in a text, or may begin in it."""
        return any(form in bare for form in self._all) or self.beginning(bare) < len(bare)

    def beginning(self, bare: str) -> int:
        """Return where the first form begins that the end of a text cuts off; else its length."""
        length = len(bare)
        for place in range(max(0, length - self._longest + 1), length):
            head = bare[place : place + SHORT]
            if len(head) < SHORT:
                if head in self._stubs:
                    return place
            elif any(
                len(form) > length - place and form.startswith(bare[place:])
                for form in self._by_head.get(head, ())
            ):
                return place
        return length


def _merged(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _replaced(
    text: str, spans: Sequence[Span], by: Callable[[str], str], *, by_line: bool = True
) -> str:
    """Replace what lies at places that count no gaps; with ``by_line`` line ends stay."""
    if not spans:
        return text
    places = [place for place, character in enumerate(text) if character not in _GAPS]
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        first, last = places[start], places[end - 1] + 1
        found = text[first:last]
        pieces.append(text[done:first])
        parts = found.split("\n") if by_line else [found]
        pieces.append("\n".join(by(part) if part.strip() else part for part in parts))
        done = last
    return "".join([*pieces, text[done:]])


def through(value: Any, change: Callable[[str], str]) -> Any:
    """Change all texts of a value of JSON, but for the names of members."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {name: through(item, change) for name, item in value.items()}
        case list() | tuple():
            return [through(item, change) for item in value]
        case _:
            return value


@lru_cache(maxsize=256)
def forms(value: str, cuts: str = "") -> tuple[str, ...]:
    """Name the forms in which a value is looked for, its own text first.

    These are what the usual tools make of it: base64 (in its three places within other bytes, both
    alphabets), base32, hex, URLs, JSON, HTML, the quotings of shells and of Python; each line of
    a value of several; and the same for each text in a value that is JSON, as those of Secrets
    Manager are; and of each piece between the characters ``cuts``, which loops go through.
    """
    if cuts:
        pieces = [piece for each in (*cuts, cuts) for piece in re.split(_any_of(each), value)]
        more = [forms(piece) for piece in pieces if len(piece.translate(_BARE)) >= SHORT]
        return tuple(dict.fromkeys([*forms(value), *(form for found in more for form in found)]))
    if len(value.translate(_BARE)) < SHORT:
        return (value,)
    found = [value]
    for leaf in _leaves(value):
        found += forms(leaf) if len(leaf.translate(_BARE)) >= SHORT else ()
    lines = [line for line in value.splitlines() if len(line.translate(_BARE)) >= SHORT]
    for text in (value, *lines) if len(lines) > 1 else (value,):
        found += [text, *_quoted(text)]
    found += [*_in_urls(value), *_as_digits(value)]
    return tuple(form for form in dict.fromkeys(found) if len(form.translate(_BARE)) >= SHORT)


def _any_of(characters: str) -> str:
    return f"[{re.escape(characters)}]"


def _leaves(value: str) -> Iterator[str]:
    """Give the texts within a value that is a map or a list of JSON."""
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        ahead = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while ahead:
        match ahead.pop():
            case str(text):
                yield text
            case dict(members):
                ahead += members.values()
            case list(items):
                ahead += items


def _quoted(text: str) -> Iterator[str]:
    as_json = json.dumps(text)[1:-1]
    yield as_json
    yield json.dumps(as_json)[1:-1]
    yield as_json.replace("/", "\\/")
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield _in_broken_characters(text)
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield shlex.quote(text).strip("'")
    yield text.replace("'", "'\\''")
    yield re.sub(r'([\\"$`])', r"\\\1", text)
    yield re.sub(r"([^\w@%+=:,./\-])", r"\\\1", text, flags=re.ASCII)  # printf %q
    yield re.sub(r"([^\w@%+=:,./\-])", r"\\\1", text)
    escapes = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "'": "\\'", "\\": "\\\\"}
    yield "".join(escapes.get(character, character) for character in text)
    yield "".join(
        escapes.get(chr(byte), chr(byte)) if 32 <= byte < 127 or chr(byte) in escapes
        else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogatepass")
    )  # fmt: skip


def _in_broken_characters(text: str) -> str:
    """Spell a text as it is read where lines end within its characters."""
    data = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte < 128 else "\ufffd" for byte in data)


def _in_urls(text: str) -> Iterator[str]:
    for safe in ("", "/", "/:@!$&'()*+,;=~"):
        for encode in (quote, quote_plus):
            encoded = encode(text, safe=safe, errors="replace")
            yield encoded
            yield re.sub("%..", lambda found: found[0].lower(), encoded)


def _as_digits(text: str) -> Iterator[str]:
    """Spell the bytes of a text in other alphabets."""
    data = text.encode("utf-8", "surrogatepass")
    for each in (data, text.encode("utf-16-le", "surrogatepass")):
        for ending in (b"", b"\n"):
            yield base64.b64encode(each + ending).decode()
        for aligned in _aligned(each, base64.b64encode, group=3, bits=6):
            yield aligned
            yield aligned.translate(str.maketrans("+/", "-_"))
    yield base64.b32encode(data).decode()
    yield from _aligned(data, base64.b32encode, group=5, bits=5)
    for form in ("{:02x}", "{:02X}"):
        for before in ("", "\\x", "%", ":", "0x", "-", ","):
            yield "".join(before + form.format(byte) for byte in data).lstrip(":-,")


def _aligned(
    data: bytes, encode: Callable[[bytes], bytes], *, group: int, bits: int
) -> Iterator[str]:
    """Encode it behind 0, 1 … other bytes, and leave out the digits in which those have a part."""
    for before in range(group):
        digits = encode(b"\0" * before + data).decode()
        yield digits[-(-before * 8 // bits) : (before + len(data)) * 8 // bits]
