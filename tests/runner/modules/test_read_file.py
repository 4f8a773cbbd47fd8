"""ReadFile (``component-documents.md`` §7.3, O-11)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab

from imagewright.runner.reporting import Notice


def test_the_content_comes_as_it_is(lab: Lab) -> None:
    lab.write("/opt/a", " é\n\ttwo\r\n\n")

    step = lab.step("ReadFile", [{"path": "/opt/a"}])

    assert step.outputs == {"content": " é\n\ttwo\r\n\n"}
    assert lab.log.of(Notice) == []


def test_the_log_sees_it_only_when_asked_for(lab: Lab) -> None:
    lab.write("/opt/a", "seen")

    lab.step("ReadFile", [{"path": "/opt/a", "printFileContent": False}])
    lab.step("ReadFile", [{"path": "/opt/a", "printFileContent": True}])

    (notice,) = lab.log.of(Notice)
    assert isinstance(notice, Notice)
    assert notice.text == "seen"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf8", b"\xef\xbb\xbf\xc3\xa9"),
        ("utf8", b"\xc3\xa9"),
        ("utf16", b"\xff\xfe\xe9\x00"),
        ("utf16", b"\xfe\xff\x00\xe9"),
        ("utf-16", b"\xe9\x00"),
        ("utf16-be", b"\x00\xe9"),
        ("utf16-BE", b"\xfe\xff\x00\xe9"),
        ("utf-16-LE", b"\xff\xfe\xe9\x00"),
        ("utf32", b"\xff\xfe\x00\x00\xe9\x00\x00\x00"),
        ("utf32", b"\x00\x00\xfe\xff\x00\x00\x00\xe9"),
        ("utf-32-BE", b"\x00\x00\x00\xe9"),
    ],
)
def test_encodings_are_read_with_and_without_a_mark(
    encoding: str, content: bytes, lab: Lab
) -> None:
    """O-11."""
    lab.write("/opt/a", content)

    step = lab.step("ReadFile", [{"path": "/opt/a", "encoding": encoding}])

    assert step.outputs == {"content": "é"}


def test_links_are_followed_and_several_files_are_joined_by_lines(lab: Lab) -> None:
    lab.sh("printf one >/opt/a; printf two >/opt/b; ln -s b /opt/l")

    step = lab.step("ReadFile", [{"path": "/opt/a"}, {"path": "/opt/l"}])

    assert step.outputs == {"content": "one\ntwo"}


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}", "x")

    assert lab.step("ReadFile", [{"path": f"/opt/{name}"}]).outputs == {"content": "x"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"path": "/opt/none"}, "the file does not exist: /opt/none"),
        ({"path": "/etc"}, "this is not a file: /etc"),
        ({"path": "/opt/pipe"}, "this is not a file: /opt/pipe"),
        ({"path": "/opt/bad"}, "this is no utf8 text: invalid start byte at byte 1"),
        ({"path": "/opt/bad", "encoding": "utf32"}, "this is no utf32 text: truncated data"),
        ({"path": "/opt/large"}, "the file has 1048577 bytes, more than 1048576: /opt/large"),
    ],
)
def test_what_cannot_be_read_says_why(inputs: dict[str, object], message: str, lab: Lab) -> None:
    lab.write("/opt/bad", b"a\xff\xff")
    lab.sh("mkfifo /opt/pipe; head -c 1048577 /dev/zero >/opt/large")

    step = lab.step("ReadFile", [inputs])

    assert step.status == "failed"
    assert step.message.startswith(message)


def test_a_relative_path_begins_at_the_working_directory(lab: Lab) -> None:
    lab.write("/tmp/a", "x")

    assert lab.step("ReadFile", [{"path": "a"}]).outputs == {"content": "x"}
