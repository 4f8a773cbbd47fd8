"""The comparison operators: ``value`` OP baseline (``component-documents.md`` §5.3).

Pure ones live here; those that ask the machine name the question (``Probe``) and no more.
Texts compare without regard to case, numbers exactly, patterns are RE2.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, Protocol

import re2

Kind = Literal["text", "number", "pattern", "machine"]
Algorithm = Literal["md5", "sha1", "sha256", "sha512"]


class BadPattern(ValueError):
    """A pattern RE2 does not take; the message is RE2's own."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison; ``plain`` tells a YAML number from the text of one."""

    text: str
    plain: bool = False


class Probe(Protocol):
    """What conditions ask of a machine. Paths may be relative to the working directory."""

    def binary_exists(self, name: str) -> bool:
        """Tell whether a shell there knows this command; builtins count."""
        ...

    def file_exists(self, path: str) -> bool:
        """Tell whether this is there and a file."""
        ...

    def folder_exists(self, path: str) -> bool:
        """Tell whether this is there and a folder."""
        ...

    def digest(self, path: str, algorithm: Algorithm) -> str | None:
        """Compute a file's digest in lower-case hex; None when the file is missing."""
        ...


Compare = Callable[[Operand, Operand, Probe], bool]
"""From baseline, companion (``value`` or ``path``; empty where there is none) and machine."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison operator."""

    kind: Kind
    companion: Literal["value", "path"] | None
    """The key that must stand beside the operator's own."""
    compare: Compare


_NUMBER_IN_TEXT = re.compile(r"[-+]?(?:[0-9]+[.])?[0-9]+\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][-+]?[0-9]{1,4})?\Z", re.ASCII)
_BASED = re.compile(r"([-+]?)(0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+)\Z")


def number(operand: Operand) -> Decimal | None:
    """Read a number exactly, or say None: YAML's forms when plain, digits and a point in text."""
    if _NUMBER_IN_TEXT.match(operand.text):
        return Decimal(operand.text)
    if not operand.plain:
        return None
    if based := _BASED.match(operand.text):
        return Decimal(int(based[1] + based[2], 0))
    if not _FLOAT.match(operand.text) or float(operand.text) in (float("inf"), float("-inf")):
        return None
    return Decimal(operand.text)


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> "re2._Regexp[str]":
    """Compile an RE2 pattern that ignores case. Raises BadPattern."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not a pattern"
        raise BadPattern(
            reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        ) from None


def _texts(test: Callable[[str, str], bool]) -> Compare:
    return lambda baseline, value, _: test(value.text.lower(), baseline.text.lower())


def _numbers(test: Callable[[Decimal, Decimal], bool]) -> Compare:
    def compare(baseline: Operand, value: Operand, _: Probe) -> bool:
        left, right = number(value), number(baseline)
        return left is not None and right is not None and test(left, right)

    return compare


def _matches(baseline: Operand, value: Operand, _: Probe) -> bool:
    return compile_pattern(baseline.text).search(value.text) is not None


def _digest(algorithm: Algorithm) -> Compare:
    def compare(baseline: Operand, path: Operand, probe: Probe) -> bool:
        return probe.digest(path.text, algorithm) == baseline.text.strip().lower()

    return compare


OPERATORS: Mapping[str, Operator] = {
    "stringIsEmpty": Operator("text", None, lambda b, _v, _p: b.text == ""),
    "stringIsWhitespace": Operator("text", None, lambda b, _v, _p: b.text.isspace()),
    "stringEquals": Operator("text", "value", _texts(lambda v, b: v == b)),
    "stringLessThan": Operator("text", "value", _texts(lambda v, b: v < b)),
    "stringLessThanEquals": Operator("text", "value", _texts(lambda v, b: v <= b)),
    "stringGreaterThan": Operator("text", "value", _texts(lambda v, b: v > b)),
    "stringGreaterThanEquals": Operator("text", "value", _texts(lambda v, b: v >= b)),
    "patternMatches": Operator("pattern", "value", _matches),
    "numberEquals": Operator("number", "value", _numbers(lambda v, b: v == b)),
    "numberLessThan": Operator("number", "value", _numbers(lambda v, b: v < b)),
    "numberLessThanEquals": Operator("number", "value", _numbers(lambda v, b: v <= b)),
    "numberGreaterThan": Operator("number", "value", _numbers(lambda v, b: v > b)),
    "numberGreaterThanEquals": Operator("number", "value", _numbers(lambda v, b: v >= b)),
    "binaryExists": Operator("machine", None, lambda b, _v, p: p.binary_exists(b.text)),
    "fileExists": Operator("machine", None, lambda b, _v, p: p.file_exists(b.text)),
    "folderExists": Operator("machine", None, lambda b, _v, p: p.folder_exists(b.text)),
    "fileMD5Equals": Operator("machine", "path", _digest("md5")),
    "fileSHA1Equals": Operator("machine", "path", _digest("sha1")),
    "fileSHA256Equals": Operator("machine", "path", _digest("sha256")),
    "fileSHA512Equals": Operator("machine", "path", _digest("sha512")),
}

LOGICAL = ("and", "or", "not")
