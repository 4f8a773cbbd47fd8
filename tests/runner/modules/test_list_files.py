"""ListFiles (``component-documents.md`` §7.3, O-16)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def listed(lab: Lab, **inputs: object) -> str:
    step = lab.step("ListFiles", [inputs])
    assert step.status == "success", step.message
    return step.outputs["files"]


@pytest.fixture
def folder(lab: Lab) -> str:
    lab.sh("mkdir -p /opt/f/sub/deep; cd /opt/f; touch b.txt a.txt .hidden Z sub/c.txt sub/deep/d")
    lab.sh("ln -s sub /opt/f/linked; ln -s a.txt /opt/f/l.txt; ln -s none /opt/f/dangling")
    return "/opt/f"


def test_files_come_in_the_order_of_their_bytes_and_folders_not_at_all(
    folder: str, lab: Lab
) -> None:
    files = listed(lab, path=folder)

    assert files == "/opt/f/.hidden,/opt/f/Z,/opt/f/a.txt,/opt/f/b.txt,/opt/f/l.txt"


def test_recursive_goes_into_folders_but_not_through_links(folder: str, lab: Lab) -> None:
    files = listed(lab, path=folder, recursive=True, fileNamePattern="*[a-z]*")
    everything = listed(lab, path=f"{folder}/sub/", recursive="true")

    assert files == ""
    assert everything == "/opt/f/sub/c.txt,/opt/f/sub/deep/d"


def test_a_path_stays_as_it_was_given(lab: Lab) -> None:
    lab.write("/tmp/here/a")

    assert listed(lab, path="here") == "here/a"
    assert listed(lab, path="./here/") == "./here/a"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", "/opt/f/a.txt,/opt/f/b.txt,/opt/f/l.txt"),
        ("a*", "/opt/f/a.txt"),
        ("*", "/opt/f/.hidden,/opt/f/Z,/opt/f/a.txt,/opt/f/b.txt,/opt/f/l.txt"),
        ("a.txt", "/opt/f/a.txt"),
        ("a?txt", ""),
        ("none", ""),
    ],
)
def test_a_pattern_selects_by_name(pattern: str, expected: str, folder: str, lab: Lab) -> None:
    assert listed(lab, path=folder, fileNamePattern=pattern) == expected


def test_an_empty_folder_has_no_files(lab: Lab) -> None:
    assert listed(lab, path="/opt") == ""
    assert listed(lab, path="/opt", recursive=True) == ""


def test_several_entries_are_joined_by_commas(lab: Lab) -> None:
    lab.sh("touch /opt/a /srv/b")

    step = lab.step("ListFiles", [{"path": "/opt"}, {"path": "/srv"}])

    assert step.outputs["files"] == "/opt/a,/srv/b"


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}/{name}")

    assert listed(lab, path=f"/opt/{name}") == f"/opt/{name}/{name}"
    assert listed(lab, path="/opt", recursive=True) == f"/opt/{name}/{name}"
    assert listed(lab, path="/opt", recursive=True, fileNamePattern=name) == f"/opt/{name}/{name}"


@pytest.mark.parametrize("path", ["/opt/none", "/etc/passwd"])
def test_the_folder_must_be_there(path: str, lab: Lab) -> None:
    step = lab.step("ListFiles", [{"path": path}])

    assert (step.status, step.message) == ("failed", f"the folder does not exist: {path}/")


def test_a_folder_may_be_named_by_a_link(folder: str, lab: Lab) -> None:
    assert listed(lab, path=f"{folder}/linked", recursive=False) == "/opt/f/linked/c.txt"


def test_rounds_of_a_loop_are_joined_by_lines_and_files_within_by_commas(lab: Lab) -> None:
    """§6.3."""
    lab.sh("touch /opt/a /opt/b /srv/c")

    step = lab.step("ListFiles", [{"path": "{{ loop.value }}"}], loop={"forEach": ["/opt", "/srv"]})

    assert step.outputs == {"files": "/opt/a,/opt/b\n/srv/c"}
