"""Findings about a text, as values; how they look is for the modules beside this one to say.

A message stands alone, begins in lower case, ends without a full stop; the label says the same
at the place itself in a word or two; the way out is in ``help`` and nowhere else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Literal

from imagewright.documents.edits import Edit
from imagewright.documents.places import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding at one place."""

    code: str
    """The rule that speaks, ``WF203``; its page explains it at length."""
    severity: Severity
    span: Span
    """The smallest stretch of the author's text that shows what is wrong."""
    message: str
    label: str = ""
    """Stands beside the caret; empty when the message says it all."""
    help: str = ""
    """What to do; empty when that is plain."""
    context: str = ""
    """What the finding is about, as the wire words it (CRT-42): ``step 'LaunchStep'``."""
    wire: str = ""
    """The sentence the wire has for this in particular (CRT-42); empty for most."""
    edits: tuple[Edit, ...] = ()
    """The one obvious repair, where there is one; ``imagewright validate --fix`` makes it."""

    @property
    def is_error(self) -> bool:
        """Errors refuse a document, warnings do not."""
        return self.severity == "error"


def in_order(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place, errors before warnings at the same one, and say nothing twice."""
    return tuple(
        sorted(
            dict.fromkeys(findings), key=lambda f: (f.span, f.severity, f.code, f.message, f.help)
        )
    )


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Tell whether these findings refuse their document."""
    return any(finding.is_error for finding in findings)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Name the candidate that was probably meant, or None when none is near.

    >>> did_you_mean("LaunchStp", ["LaunchStep", "Seal"])
    'LaunchStep'
    """
    names = list(dict.fromkeys(candidates))
    if len(word) > _WORD_LENGTH_MAX:
        return None
    folded = {name.casefold(): name for name in reversed(names)}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else None


def surely_meant(word: str, candidates: Iterable[str]) -> str | None:
    """Name the candidate that was meant beyond doubt, so that a program may write it.

    It differs in case alone, or is by far the nearest. Numbers tell names apart.

    >>> surely_meant("Lanch", ["Launch", "Seal"])
    'Launch'
    >>> surely_meant("Disk3", ["Disk1", "Disk2"])
    """
    names = list(dict.fromkeys(candidates))
    if len(word) > _WORD_LENGTH_MAX:
        return None
    same = [name for name in names if name.casefold() == word.casefold()]
    if same:
        return same[0] if len(same) == 1 else None
    ranked = sorted(((_likeness(word, name), name) for name in names), reverse=True)
    if not ranked or ranked[0][0] < _SURE:
        return None
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _LEAD:
        return None
    return ranked[0][1]


def _likeness(word: str, name: str) -> float:
    if _digits(word) != _digits(name):
        return 0.0
    return SequenceMatcher(None, word.casefold(), name.casefold()).ratio()


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


_SURE = 0.85
_LEAD = 0.05

_WORD_LENGTH_MAX = 200
"""Comparing words takes time that grows with their square; no name is that long."""


def one_of(names: Sequence[str]) -> str:
    """Spell a choice: ```a```, ```a` or `b```, ```a`, `b` or `c```.

    >>> one_of(["AMI", "DOCKER"])
    '`AMI` or `DOCKER`'
    """
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
