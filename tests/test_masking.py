"""Secrets in texts, in all the forms that tools give them (component-documents.md §3.4, §3.5)."""

import base64
import json
import shlex
import subprocess
import textwrap
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some

from imagewright.masking import MASK, LineMasker, Secrets

PLAIN = "hunter2-Canary"
AWKWARD = "pa ss/\"wö'rd\\$x`&<1"
KEY = "-----BEGIN KEY-----\nc2VjcmV0IG9uZQ\nYW5kIHR3bw+/=\n-----END KEY-----\n"
VALUES = (PLAIN, AWKWARD, KEY)


def knowing(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.learn(value)
    return secrets


def told(secrets: Secrets, lines: Sequence[str]) -> list[str]:
    """Return what a masker passes on of some lines."""
    passed: list[str] = []
    masker = LineMasker[int](secrets, lambda _number, text: passed.append(text))
    for number, line in enumerate(lines):
        masker.feed(number, line)
    masker.finish()
    return passed


def pieces(text: str) -> set[str]:
    """Return all of six characters in a text."""
    return {text[place : place + 6] for place in range(len(text) - 5)}


def printed(script: str, value: str) -> str:
    """Return what bash prints that has a value in its environment."""
    env = {"S": value, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    command = ["bash", "-c", script]
    return subprocess.run(command, env=env, capture_output=True, check=True).stdout.decode(
        errors="replace"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        ("nothing of it", "nothing of it"),
        (PLAIN, "***"),
        (f"a {PLAIN}, b{PLAIN}c", "a ***, b***c"),
        (f"{PLAIN}{PLAIN}", "******"),
        (PLAIN[:-1], "***"),  # at the end of a text it was cut
        (PLAIN[:7], PLAIN[:7]),
        (f"{PLAIN[:-1]} and more", f"{PLAIN[:-1]} and more"),
        ("key: hunter2-\nCanary.\nend", "key: ***\n***.\nend"),
        ("HUNTER2-CANARY", "***"),
        ("hun ter2\t-Can\r\nary", "***\n***"),
    ],
)
def test_a_secret_is_hidden_where_it_stands(text: str, masked: str) -> None:
    assert knowing(PLAIN).mask(text) == masked


@pytest.mark.parametrize("value", VALUES, ids=("plain", "awkward", "key"))
@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda v: json.dumps({"a": v}),
        lambda v: json.dumps([v], ensure_ascii=False),
        lambda v: json.dumps({"a": json.dumps({"b": v})}),
        repr,
        shlex.quote,
        quote,
        quote_plus,
        lambda v: quote(v, safe=""),
        lambda v: f"'{v.encode().hex(' ')}'",
        lambda v: v.encode().hex().upper(),
        lambda v: "".join(f"\\x{byte:02x}" for byte in v.encode()),
        lambda v: base64.b64encode(v.encode()).decode(),
        lambda v: base64.encodebytes(v.encode()).decode(),
        lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
        lambda v: base64.b32encode(v.encode()).decode(),
        lambda v: base64.b64encode(v.encode("utf-16-le")).decode(),
    ],
)
def test_an_encoded_secret_is_hidden(value: str, written: object) -> None:
    text = written(value)  # type: ignore[operator]  # a table of functions

    hidden = knowing(value).mask(f"before {text} after")

    assert MASK in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert not pieces(text) & pieces(hidden) - pieces(written(""))  # type: ignore[operator]


@pytest.mark.parametrize("value", VALUES, ids=("plain", "awkward", "key"))
@pytest.mark.parametrize(
    "script",
    [
        'printf %s "$S"',
        'printf "%s\\n" "$S" | base64',
        'printf "user: %s" "$S" | base64 -w 20',
        'printf "ab%s." "$S" | base64',
        'printf %s "$S" | base32',
        'printf %q "$S"',
        'echo "${S@Q}"',
        "declare -p S",
        'printf %s "$S" | od -An -v -tx1',
        'printf %s "$S" | fold -w 1',
        'printf %s "$S" | fold -w 5',
    ],
)
def test_what_a_shell_makes_of_a_secret_is_hidden(value: str, script: str) -> None:
    """Line by line, as a machine prints it."""
    lines = printed(script, value).splitlines()

    hidden = told(knowing(value), ["before", *lines, "after"])

    assert hidden[0] == "before"
    assert hidden[-1] == "after"
    assert len(hidden) == len(lines) + 2
    assert MASK in "".join(hidden)
    assert not pieces("".join(lines)) & pieces("".join(hidden)) - pieces(
        printed(script, "") + printed(script, "\n")
    )


@pytest.mark.parametrize(
    ("lines", "masked"),
    [
        (["a", "", "b"], ["a", "", "b"]),
        (["hunter2-Canary"], ["***"]),
        (["x hunter2-", "Canary y", "z"], ["x ***", "*** y", "z"]),
        (["hun", "", "  ter2-Can", "ary"], ["***", "", "  ***", "***"]),
        (["hunter2-", "hunter2-Canary"], ["hunter2-", "***"]),
        (["hunter2-", "Cannes"], ["hunter2-", "Cannes"]),
        (["h", "h", "h"], ["h", "h", "h"]),
        (["hunter2-Cana"], ["***"]),
    ],
)
def test_a_secret_that_goes_on_in_the_next_line_is_hidden(
    lines: list[str], masked: list[str]
) -> None:
    assert told(knowing(PLAIN), lines) == masked


def test_a_line_is_held_only_where_a_secret_may_go_on() -> None:
    passed: list[str] = []
    masker = LineMasker[None](knowing(PLAIN), lambda _item, text: passed.append(text))

    masker.feed(None, "all is well")
    masker.feed(None, "hunter")

    assert passed == ["all is well"]
    masker.feed(None, "s")
    assert passed == ["all is well", "hunter", "s"]


def test_no_line_is_held_for_ever() -> None:
    """Empty lines could go on without end; what may be of a secret is hidden then."""
    passed = told(knowing(PLAIN), ["hunter2-", *[""] * 20_000, "Canary"])

    assert passed[0] == "***"
    assert len(passed) == 20_002


@pytest.mark.parametrize(
    ("value", "masked"), [("ab", "c***d ***"), ("x", "cabd ab"), (" \n", "cabd ab")]
)
def test_a_very_short_secret_is_hidden_as_it_is(value: str, masked: str) -> None:
    assert knowing(value).mask("cabd ab") == masked


def test_the_texts_within_a_secret_that_is_json_are_secrets() -> None:
    """As those of Secrets Manager are (§3.5)."""
    secrets = knowing('{"user": "admin", "port": 5432, "keys": ["hunter2"]}')

    assert secrets.mask("mysql -u admin -phunter2 -P 5432") == "mysql -u *** -p*** -P 5432"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    secrets = knowing("hunter", "hunter2-Canary")

    assert told(secrets, ["hunter2-", "Canary", "hunter"]) == ["***", "***", "***"]


def test_names_of_members_stay() -> None:
    value = {"status": [{"hunter2-Canary": "is hunter2-Canary"}], "count": 2}

    assert knowing(PLAIN).mask_all(value) == {
        "status": [{"hunter2-Canary": "is ***"}],
        "count": 2,
    }


def test_an_error_says_it_neither_itself_nor_in_its_cause() -> None:
    error = ValueError(f"no {PLAIN}", 3)
    error.__cause__ = KeyError(PLAIN)

    knowing(PLAIN).mask_error(error)

    assert error.args == ("no ***", 3)
    assert error.__cause__.args == ("***",)


@pytest.mark.parametrize("value", VALUES, ids=("plain", "awkward", "key"))
def test_what_is_sealed_can_be_opened_again(value: str) -> None:
    secrets = knowing(value)
    text = f"a {value}; {json.dumps(value)}; {quote(value)}; {base64.b64encode(value.encode())!r}"

    seal, hide = secrets.seal()
    hidden = hide(text)

    assert not secrets.are_in(hidden)
    assert seal.opened(hidden, [value]) == text
    assert MASK in seal.masked(hidden)
    assert seal.mark not in seal.masked(hidden)


def test_pieces_are_hidden_sealed_and_opened_where_loops_cut_them() -> None:
    secrets = knowing("user-one:Canary1;user-two:Canary2")
    assert secrets.mask("Canary1, user-two:Canary2") == "Canary1, user-two:Canary2"

    secrets.cut_at(";")
    secrets.cut_at(":")

    seal, hide = secrets.seal()
    text = f"Canary1, user-two:Canary2, {base64.b64encode(b'Canary2').decode()}"
    assert secrets.mask(text) == "***, ***, ***"
    assert seal.opened(hide(text), ["user-one:Canary1;user-two:Canary2"]) == text


def test_a_mark_of_another_seal_means_nothing() -> None:
    seal, hide = knowing(PLAIN).seal()
    other, _ = knowing(PLAIN).seal()

    assert other.opened(hide(PLAIN), ["x"]) == hide(PLAIN)
    assert seal.opened(hide(PLAIN), ["another"]) == "another"


@given(
    value=some.text(min_size=6, max_size=40),
    before=some.text(max_size=20),
    after=some.text(max_size=20),
    width=some.integers(1, 12),
)
def test_no_split_and_no_encoding_shows_a_secret(
    value: str, before: str, after: str, width: int
) -> None:
    if len("".join(value.split())) < 6:
        return
    secrets = knowing(value)
    whole = (before + value + after).encode("utf-8", "replace")
    for written in (base64.b64encode(whole).decode(), whole.hex()):
        lines = textwrap.wrap(written, width)

        hidden = told(secrets, lines)

        assert len(hidden) == len(lines)
        assert not secrets.are_in("".join(hidden).replace(MASK, "\0"))
        assert MASK in "".join(hidden)
