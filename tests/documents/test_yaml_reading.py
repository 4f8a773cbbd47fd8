"""Text to nodes: places, budgets, and what becomes of YAML's own errors."""

import json

import pytest
from tests.conftest import works_within

from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, as_bool, as_int, native
from imagewright.documents.reading import Budget, load


def root_of(text: str) -> Node:
    loaded = load(text)
    assert loaded.findings == ()
    assert loaded.root is not None
    return loaded.root


def value_of(text: str, key: str) -> Scalar:
    root = root_of(text)
    assert isinstance(root, MapNode)
    entry = root.get(key)
    assert entry is not None
    assert isinstance(entry.value, Scalar)
    return entry.value


def first(text: str) -> tuple[str, int, int, str]:
    finding = load(text).findings[0]
    return (finding.code, *finding.span.start[:2], finding.message)


def test_every_node_knows_where_it_stands() -> None:
    root = root_of("# head\na: 1\nlist:\n  - x\n  - {b: 'y z'}\nend: ~\n")

    assert isinstance(root, MapNode)
    assert [(entry.key.text, entry.key.span.start[:2]) for entry in root.entries] == [
        ("a", (2, 1)),
        ("list", (3, 1)),
        ("end", (6, 1)),
    ]
    listed = root.entries[1].value
    assert isinstance(listed, ListNode)
    assert [item.span.start[:2] for item in listed.items] == [(4, 5), (5, 5)]
    assert listed.span.end[:2] == (5, 15)


def test_a_scalar_keeps_its_text_and_tells_whether_it_was_quoted() -> None:
    assert (value_of("a: 0755", "a").text, value_of("a: 0755", "a").plain) == ("0755", True)
    assert (value_of("a: '1'", "a").text, value_of("a: '1'", "a").plain) == ("1", False)
    assert value_of("a: |\n  1\n", "a").plain is False
    assert value_of("a: !!str 1", "a").plain is False


@pytest.mark.parametrize(
    ("text", "piece", "place"),
    [
        ("a: say hello", "hello", (1, 8)),
        ("a: 'it''s hello'", "hello", (1, 11)),
        ('a: "\\u0041 hello"', "hello", (1, 12)),
        ("a: |\n  one\n  two hello\n", "hello", (3, 7)),
        ("a: >\n  one\n  two hello\n", "hello", (3, 7)),
        ("a: one\n  two hello", "hello", (2, 7)),
        ("a: 漢字 hello", "hello", (1, 7)),
        ("\ufeffa: hello", "hello", (1, 4)),
        ("x: 1\r\na: hello", "hello", (2, 4)),
        ('a: "\\x68ello"', "hello", (1, 4)),
    ],
)
def test_a_part_of_a_scalar_is_found_in_the_source(
    text: str, piece: str, place: tuple[int, int]
) -> None:
    scalar = value_of(text, "a")
    start = scalar.text.index(piece)

    assert scalar.part(start, start + len(piece)).start[:2] == place


def test_the_second_of_two_equal_parts_is_told_from_the_first() -> None:
    scalar = value_of("a: x and x", "a")

    assert scalar.part(6, 7).start.column == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("1.", 1.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("0", 0),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("tRue", "tRue"),
        ("1e5", "1e5"),
        ("1.5e999", "1.5e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-01-31", "2026-01-31"),
        ("1.2.3", "1.2.3"),
        ("9" * 5000, "9" * 5000),
        ("'1'", "1"),
        ("[1, a]", [1, "a"]),
        ("{a: 1}", {"a": 1}),
    ],
    ids=lambda value: str(value)[:12],
)
def test_plain_scalars_have_the_types_of_the_workflow_language(text: str, value: object) -> None:
    found = native(root_of(text))

    assert found == value
    assert type(found) is type(value)


def test_component_documents_read_truth_values_and_numbers_per_field() -> None:
    """``component-documents.md`` §2.1."""
    assert [as_bool(text) for text in ("yes", "OFF", "True", "1")] == [True, False, True, None]
    assert [as_int(text) for text in ("007", "-3", "1.0", "")] == [7, -3, None, None]


def test_merge_keys_give_way_to_own_keys_and_to_earlier_maps() -> None:
    root = root_of("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3, d: 3}\n")

    assert isinstance(root, MapNode)
    assert native(root.entries[2].value) == {"a": 1, "b": 1, "c": 3, "d": 3}


@pytest.mark.parametrize("ascii_alone", [True, False])
@pytest.mark.parametrize(
    "value", ["done 😀", "😀😀", "C:\\\\ud83d\\\\ude00 🛠", "\ue03d\ue600 \ufffd\ufffd 😀"]
)
def test_json_spells_any_character_as_programs_write_it(value: str, ascii_alone: bool) -> None:
    text = json.dumps({"a": "x", value: [value, {"b": f"{value} hello"}]}, ensure_ascii=ascii_alone)

    root = root_of(text)

    assert native(root) == json.loads(text)
    assert isinstance(root, MapNode)
    last = root.entries[-1].value
    assert (root.span.end.column, last.span.end.column) == (len(text) + 1, len(text))


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud83d"}', '{"a": "\\ude00\\ud83d"}', 'a: "\\ud83d\\ude00"']
)
def test_half_a_character_is_refused_where_it_stands(text: str) -> None:
    column = text.index("\\") + 1
    assert first(text) == ("YM001", 1, column, "this escape stands for no character")


def test_json_is_read_like_yaml() -> None:
    assert native(root_of('{"a": [1, true, null, "x\\u00e9"]}')) == {"a": [1, True, None, "xé"]}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: b\n\tc: d", ("YM001", 2, 1, "a tab cannot indent a line")),
        ("a: {{ x }}y", ("YM001", 1, 4, "text that begins with `{{` needs quotes")),
        ("a: {{ x }}", ("YM006", 1, 5, "text that begins with `{{` needs quotes")),
        ("a: b: c", ("YM001", 1, 5, "a value cannot hold `: ` without quotes")),
        ("a: 'x\nb: y", ("YM001", 1, 4, "the quote that opens here is never closed")),
        ("a: *.log", ("YM001", 1, 4, "text that begins with `*` needs quotes")),
        ("a: @x", ("YM001", 1, 4, "text that begins with `@` needs quotes")),
        ('a: "C:\\dir"', ("YM001", 1, 7, "this is no escape that double quotes know")),
        ("a: [1, 2", ("YM001", 1, 4, "the list in `[ ]` is not closed or lacks a comma")),
        ("a: [1,\nb: 2\n", ("YM001", 1, 4, "the list in `[ ]` is not closed or lacks a comma")),
        ("- a\nb: c", ("YM001", 2, 1, "this does not fit the list it stands in")),
        ("a: - b", ("YM001", 1, 4, "a list cannot begin here")),
        ("a: 1\na: 2", ("YM005", 2, 1, "the key `a` comes twice in this map")),
        ("a: !Sub x", ("YM007", 1, 4, "the tag `!Sub` has no meaning here")),
        ("a: *b", ("YM008", 1, 4, "nothing before this line is marked `&b`")),
        ("a\ud800b", ("YM002", 1, 2, "the character U+D800 cannot stand in a document")),
        ("", ("YM003", 1, 1, "the document is empty")),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_yaml_refuses_is_said_in_the_words_of_authors(
    text: str, finding: tuple[str, int, int, str]
) -> None:
    assert first(text) == finding


def test_what_is_wrong_on_several_lines_is_said_at_once() -> None:
    findings = load("a: 1\na: 2\nb: !x 1\nc: *d\n").findings

    assert [finding.code for finding in findings] == ["YM005", "YM007", "YM008"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\n", "YM012"),
        ("- &a xxxxxxxxxxxxxxxxxxxxxxxxx\n- *a\n- *a\n- *a\n- *a\n", "YM011"),
        ("[[[[[[1]]]]]]", "YM013"),
        ("- &a [[[1]]]\n- [[*a]]\n", "YM013"),
        ("x" * 401, "YM011"),
        ("é" * 201, "YM011"),
    ],
)
def test_budgets_count_aliases_as_all_they_stand_for(text: str, code: str) -> None:
    budget = Budget(size_bytes=400, depth=5, nodes=30, text_characters=100)

    assert [finding.code for finding in load(text, budget).findings] == [code]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 60_000,
        "{a: " * 15_000,
        "? " * 30_000,
        "&a " * 20_000,
        "a:\n" * 20_000,
        "a, " * 20_000,
        '"' * 60_000,
        "{{ $.parameters." * 4_000,
        "- |\n" * 15_000,
        "\n" * 65_000,
        "!x " * 20_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_texts_are_done_with_quickly(text: str) -> None:
    works_within(10, lambda: load(text))  # the quadratic takes minutes


def test_an_alias_inside_what_it_repeats_is_refused() -> None:
    assert first("a: &a [*a]")[0] == "YM009"
