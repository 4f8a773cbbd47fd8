"""Conditions by the table ``conformance/component/operators.yaml``: §5, §13, O-21, O-28."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewright.documents.component.conditions import Reader
from imagewright.documents.component.evaluation import certainly, holds
from imagewright.documents.component.model import Condition, If, Verdict
from imagewright.documents.component.operators import (
    OPERATORS,
    Algorithm,
    BadPattern,
    Operand,
    compile_pattern,
)
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar
from imagewright.documents.reading import load

_TABLE = Path(__file__).parents[2] / "conformance/component/operators.yaml"


def rows() -> list[Any]:
    """Read the table as nodes, because quotes matter in it."""
    root = load(_TABLE.read_text()).root
    assert isinstance(root, ListNode)
    return [pytest.param(row, id=_label(row)) for row in root.items]


def _label(row: Node) -> str:
    return " ".join(row_text(row).split())[:70]


def row_text(row: Node) -> str:
    return yaml.safe_dump(plain(row), default_flow_style=True, width=1000).strip()


def plain(node: Node) -> Any:
    match node:
        case Scalar(text):
            return text
        case ListNode(items):
            return [plain(item) for item in items]
        case MapNode(entries):
            return {entry.key.text: plain(entry.value) for entry in entries}


@dataclass
class Bare:
    """A machine with nothing on it, that remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    def binary_exists(self, name: str) -> bool:
        return self._no(name)

    def file_exists(self, path: str) -> bool:
        return self._no(path)

    def folder_exists(self, path: str) -> bool:
        return self._no(path)

    def digest(self, path: str, algorithm: Algorithm) -> str | None:
        self.asked.append(path)
        return None

    def _no(self, what: str) -> bool:
        self.asked.append(what)
        return False


def as_written(scalar: Scalar) -> Operand:
    return Operand(scalar.text, scalar.plain)


def read_if(node: Node) -> tuple[If | None, list[str]]:
    reader = Reader([])
    read = reader.read_if(node)
    return read, [finding.code for finding in reader.findings]


def a_condition(text: str) -> Condition:
    root = load(text).root
    assert root is not None
    condition = Reader([]).read(root)
    assert condition is not None
    return condition


@pytest.mark.parametrize("row", rows())
def test_a_condition_says_what_the_table_says(row: Node) -> None:
    assert isinstance(row, MapNode)
    given, expected = row.get("if"), plain(row)
    assert given is not None

    read, codes = read_if(given.value)

    if "refused" in expected:
        refused = expected["refused"]
        assert sorted(set(codes)) == (refused if isinstance(refused, list) else [refused])
        return
    machine = Bare()
    assert read is not None
    assert holds(read.condition, as_written, machine) is (expected["holds"] == "true")
    assert machine.asked == expected.get("asked", machine.asked)


def test_the_table_covers_every_operator() -> None:
    text = _TABLE.read_text()

    missing = {name for name in OPERATORS if name not in text}

    # What only a machine can answer is tested on one.
    assert missing == {"binaryExists", "fileSHA1Equals", "fileSHA512Equals"}


@pytest.mark.parametrize(
    ("text", "then", "otherwise"),
    [
        ("{fileExists: /a}", Verdict.EXECUTE, Verdict.SKIP),
        ("{fileExists: /a, then: Abort}", Verdict.ABORT, Verdict.SKIP),
        ("{fileExists: /a, then: Skip, else: Execute}", Verdict.SKIP, Verdict.EXECUTE),
        ("{not: {fileExists: /a, then: Skip, else: Abort}}", Verdict.SKIP, Verdict.ABORT),
        ("{not: {fileExists: /a, then: Skip}, then: Abort}", Verdict.ABORT, Verdict.SKIP),
        ("[{fileExists: /a, else: Abort}]", Verdict.EXECUTE, Verdict.ABORT),
    ],
)
def test_then_and_else_stand_at_the_top_or_within_not(
    text: str, then: Verdict, otherwise: Verdict
) -> None:
    root = load(text).root
    assert root is not None

    read, codes = read_if(root)

    assert codes == []
    assert read is not None
    assert (read.then, read.otherwise) == (then, otherwise)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{stringEquals: a, value: b}", False),
        ("{fileExists: /a}", None),
        ("{and: [{stringEquals: a, value: b}, {fileExists: /a}]}", False),
        ("{and: [{fileExists: /a}, {stringEquals: a, value: b}]}", None),
        ("{or: [{stringEquals: a, value: a}, {binaryExists: a}]}", True),
        ("{not: {fileMD5Equals: a, path: /a}}", None),
    ],
)
def test_some_conditions_are_certain_without_a_machine(text: str, expected: bool | None) -> None:
    assert certainly(a_condition(text), as_written) is expected


def test_a_bad_pattern_says_what_is_bad_about_it() -> None:
    with pytest.raises(BadPattern, match="missing \\)"):
        compile_pattern("(a")


def test_half_a_million_repetitions_take_no_time() -> None:
    hostile = compile_pattern("(a+)+$")

    assert hostile.search("a" * 500_000 + "b") is None
