"""DeleteFile (``component-documents.md`` §7.0, §7.3, O-12)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab

from imagewright.runner.reporting import Notice


def test_a_file_and_a_link_go_and_what_the_link_means_stays(lab: Lab) -> None:
    lab.sh("touch /opt/a /opt/b; ln -s b /opt/link; ln -s nowhere /opt/dangling")

    step = lab.step(
        "DeleteFile", [{"path": "/opt/a"}, {"path": "/opt/link"}, {"path": "/opt/dangling"}]
    )

    assert step.status == "success"
    assert lab.names("/opt") == ["b"]


def test_a_star_selects_files_of_one_folder_and_no_folders(lab: Lab) -> None:
    lab.sh("mkdir -p /opt/x1.tgz /opt/sub; cd /opt; touch a1.tgz .a2.tgz a3.txt sub/a4.tgz")
    lab.sh("ln -s /opt/sub /opt/link.tgz")

    step = lab.step("DeleteFile", [{"path": "/opt/*.tgz"}])

    assert step.status == "success"
    assert lab.names("/opt") == ["a3.txt", "sub", "x1.tgz"]
    assert lab.names("/opt/sub") == ["a4.tgz"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("/opt/*", []),
        ("/opt/a*", ["[a]b", "ba"]),
        ("/opt/*a", ["[a]b", "ab", "aXb"]),
        ("/opt/a*b", ["[a]b", "ba", "a"]),
        ("/opt/[a]*", ["ab", "aXb", "ba", "a"]),
        ("/opt/**a**b**", ["ba", "a"]),
        ("/opt/?*", ["[a]b", "ab", "aXb", "ba", "a"]),
    ],
)
def test_only_the_star_is_special(pattern: str, left: list[str], lab: Lab) -> None:
    lab.sh("cd /opt; touch '[a]b' ab aXb ba a")

    step = lab.step("DeleteFile", [{"path": pattern}])

    assert step.status == "success"
    assert lab.names("/opt") == sorted(left)


def test_a_missing_file_is_a_warning_and_a_star_without_match_is_nothing(lab: Lab) -> None:
    """O-12."""
    missing = lab.step("DeleteFile", [{"path": "/opt/none"}])
    no_match = lab.step("DeleteFile", [{"path": "/opt/*.none"}, {"path": "/no-folder/*"}])

    assert (missing.status, no_match.status) == ("success", "success")
    (notice,) = lab.log.of(Notice)
    assert isinstance(notice, Notice)
    assert notice.text == "there is no file to delete: /opt/none"


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}")
    lab.write("/opt/other")

    step = lab.step("DeleteFile", [{"path": f"/opt/{name}"}])

    assert step.status == "success"
    assert lab.names("/opt") == ["other"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc", "this is a folder, not a file: /etc"),
        ("/opt/*/a*", "`*` may stand only behind the last separator: /opt/*/a*"),
    ],
)
def test_what_cannot_be_deleted_says_why(path: str, message: str, lab: Lab) -> None:
    step = lab.step("DeleteFile", [{"path": path}])

    assert (step.status, step.message) == ("failed", message)


def test_a_file_that_cannot_be_deleted_says_so(lab: Lab) -> None:
    step = lab.step("DeleteFile", [{"path": "/proc/version"}])

    assert step.status == "failed"
    assert "cannot remove" in step.message


def test_a_relative_path_begins_at_the_working_directory(lab: Lab) -> None:
    lab.sh("cd /tmp; touch a1 a2 b")

    lab.step("DeleteFile", [{"path": "b"}, {"path": "a*"}])

    assert lab.names("/tmp") == []
