"""What a rule is: a class whose docstring is its page, with a good and a bad document beside it.

The first line of the docstring is the rule's title. The documents are its test: the good one
passes without this rule's code among the findings, the bad one shows it.
"""

import inspect
from typing import ClassVar, Final

from imagewright.documents.diagnostics import Diagnostic, Severity
from imagewright.documents.edits import Edit
from imagewright.documents.places import Span


class Rule:
    """One way in which a text can be wrong."""

    code: ClassVar[str]
    """Two letters and three digits; never reused for something else."""
    severity: ClassVar[Severity] = "error"
    good: ClassVar[str]
    bad: ClassVar[str]

    @classmethod
    def finding(
        cls,
        span: Span,
        message: str,
        *,
        label: str = "",
        fix: str = "",
        context: str = "",
        wire: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> Diagnostic:
        """Say that this rule is broken here; ``fix`` becomes the finding's help.

        ``edits`` make the repair where one is obvious, for ``imagewright validate --fix``.
        The texts may quote the document: what a terminal or a log would act upon is escaped.
        """
        return Diagnostic(
            cls.code,
            cls.severity,
            span,
            message=_harmless(message),
            label=_harmless(label),
            help=_harmless(fix),
            context=_harmless(context),
            wire=_harmless(wire),
            edits=edits,
        )

    @classmethod
    def title(cls) -> str:
        """The first line of the page, without its full stop."""
        return cls.page().splitlines()[0].rstrip(".")

    @classmethod
    def page(cls) -> str:
        """The docstring, unindented."""
        return inspect.cleandoc(cls.__doc__ or "")


_TEXT_CHARACTERS_MAX: Final = 600
"""A message quotes names from the document, and a hostile one is as long as the document."""


def _harmless(text: str) -> str:
    if len(text) > _TEXT_CHARACTERS_MAX:
        text = text[: _TEXT_CHARACTERS_MAX - 1] + "…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
