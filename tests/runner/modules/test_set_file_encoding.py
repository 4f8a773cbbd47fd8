"""SetFileEncoding (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import Lab


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (None, "é\n".encode()),
        ("utf16", "é\n".encode("utf-16")),
        ("utf16-BE", "é\n".encode("utf-16-be")),
        ("UTF-32-le", "é\n".encode("utf-32-le")),
    ],
)
def test_a_file_changes_its_encoding_and_nothing_else(
    encoding: str | None, expected: bytes, lab: Lab
) -> None:
    lab.write("/opt/a", "é\n")
    lab.sh("chmod 640 /opt/a")
    inputs = {"path": "/opt/a"} if encoding is None else {"path": "/opt/a", "encoding": encoding}

    step = lab.step("SetFileEncoding", [inputs])

    assert step.status == "success"
    assert lab.read("/opt/a") == expected
    assert lab.sh("stat -c %a /opt/a") == "640"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/opt/none", "the file does not exist: /opt/none"),
        ("/opt", "this is not a file: /opt"),
        ("/opt/bad", "this is no utf8 text: invalid start byte at byte 0"),
    ],
)
def test_what_cannot_be_converted_says_why_and_stays(path: str, message: str, lab: Lab) -> None:
    lab.write("/opt/bad", b"\xff")

    step = lab.step("SetFileEncoding", [{"path": path, "encoding": "utf16"}])

    assert (step.status, step.message) == ("failed", message)
    assert lab.read("/opt/bad") == b"\xff"


def test_an_encoding_that_is_none_is_told_in_one_sentence(lab: Lab) -> None:
    lab.write("/opt/a", "x")

    step = lab.step("SetFileEncoding", [{"path": "/opt/a", "encoding": "{{ context:phase }}"}])

    assert step.message == (
        "`encoding` must be utf8, utf16 or utf32 (the latter two with -LE or -BE if wanted), "
        "not `build`"
    )
