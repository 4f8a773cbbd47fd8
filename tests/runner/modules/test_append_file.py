"""AppendFile (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def test_the_content_goes_right_behind_what_the_file_held(lab: Lab) -> None:
    lab.write("/opt/a", "one")

    step = lab.step("AppendFile", [{"path": "/opt/a", "content": ",two\n"}, {"path": "/opt/a"}])

    assert step.status == "success"
    assert lab.read("/opt/a") == b"one,two\n"


def test_an_encoding_adds_no_mark_in_the_middle(lab: Lab) -> None:
    """O-11."""
    lab.write("/opt/a", "é".encode("utf-16"))

    lab.step("AppendFile", [{"path": "/opt/a", "content": "é", "encoding": "utf16"}])

    assert lab.read("/opt/a") == "éé".encode("utf-16")


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}", "x")

    lab.step("AppendFile", [{"path": f"/opt/{name}", "content": "y"}])

    assert lab.read(f"/opt/{name}") == b"xy"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/opt/none", "the file does not exist: /opt/none"),
        ("/opt", "this is not a file: /opt"),
        ("/opt/dangling", "the file does not exist: /opt/dangling"),
    ],
)
def test_only_a_file_that_is_there_can_grow(path: str, message: str, lab: Lab) -> None:
    lab.sh("ln -s /opt/none /opt/dangling")

    step = lab.step("AppendFile", [{"path": path, "content": "x"}])

    assert (step.status, step.message) == ("failed", message)
    assert lab.names("/opt") == ["dangling"]


def test_a_file_that_cannot_be_written_says_so(lab: Lab) -> None:
    step = lab.step("AppendFile", [{"path": "/proc/version", "content": "x"}])

    assert step.status == "failed"
    assert step.message


def test_a_relative_path_begins_at_the_working_directory(lab: Lab) -> None:
    lab.write("/tmp/a", "x")

    lab.step("AppendFile", [{"path": "a", "content": "y"}])

    assert lab.read("/tmp/a") == b"xy"
