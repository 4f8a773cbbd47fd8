"""How texts and scripts are spelt for Windows PowerShell."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.runner.failures import ModuleFailure
from imagewright.runner.powershell import PROGRAM, absolute, command, literal

_QUOTES = "'\u2018\u2019\u201a\u201b"


def read(source: str) -> tuple[str, str]:
    """Read a literal as PowerShell's tokenizer does; return it and what stands behind it.

    Each of five characters ends it, unless another of them follows, which is then meant.
    """
    assert source[0] in _QUOTES
    text, at = "", 1
    while True:
        if source[at] in _QUOTES:
            at += 1
            if at == len(source) or source[at] not in _QUOTES:
                return text, source[at:]
        text, at = text + source[at], at + 1


@given(st.text(st.characters(exclude_characters="\0") | st.sampled_from(_QUOTES + '$`"\n{}')))
def test_a_literal_is_read_as_it_was_meant_and_ends_where_it_should(text: str) -> None:
    assert read(literal(text) + "; exit") == (text, "; exit")


def test_nul_is_refused() -> None:
    with pytest.raises(ModuleFailure, match="NUL"):
        literal("a\0b")


def test_a_script_travels_encoded_and_says_what_fails_in_it() -> None:
    argv = command("throw '{0} ü'")

    assert argv[:-2] == PROGRAM
    assert argv[-2] == "-EncodedCommand"
    assert b64decode(argv[-1]).decode("utf-16-le") == (
        "$ErrorActionPreference = 'Stop'\n"
        "$ProgressPreference = 'SilentlyContinue'\n"
        "[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false\n"
        "try {\n"
        "throw '{0} ü'\n"
        "} catch {\n"
        "[Console]::Error.WriteLine($_.Exception.Message)\n"
        "exit 1\n"
        "}\n"
    )


def test_a_script_that_no_command_line_holds_is_refused() -> None:
    with pytest.raises(ModuleFailure, match="32,767 characters"):
        command(literal("x" * 20_000))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:/a/b", r"C:\a\b"),
        (r"\\server\share\a.msi", r"\\server\share\a.msi"),
        ("a/b", r"C:\work\a\b"),
        ("/a", r"C:\a"),
    ],
)
def test_paths_are_made_absolute(path: str, expected: str) -> None:
    assert absolute(path, "C:/work/") == expected


@pytest.mark.parametrize("path", ["", 'C:/a"b', "a\0b", "C:a"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ModuleFailure, match="this is no path on Windows"):
        absolute(path, "C:/")
