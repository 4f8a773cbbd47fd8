"""DeleteFolder (``component-documents.md`` §7.3, O-12)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def test_an_empty_folder_goes_and_a_full_one_only_with_force(lab: Lab) -> None:
    lab.sh("mkdir -p /opt/empty /opt/full/sub; touch /opt/full/sub/.a")

    empty = lab.step("DeleteFolder", [{"path": "/opt/empty/"}])
    full = lab.step("DeleteFolder", [{"path": "/opt/full"}])
    forced = lab.step("DeleteFolder", [{"path": "/opt/full", "force": True}])

    assert (empty.status, forced.status) == ("success", "success")
    assert full.message == "the folder is not empty and force is false: /opt/full"
    assert lab.names("/opt") == []


def test_force_takes_a_file_too(lab: Lab) -> None:
    lab.write("/opt/file")

    step = lab.step("DeleteFolder", [{"path": "/opt/file", "force": True}])

    assert step.status == "success"
    assert lab.names("/opt") == []


def test_a_link_goes_and_what_it_means_stays(lab: Lab) -> None:
    lab.sh("mkdir /opt/real; touch /opt/real/a; ln -s real /opt/link")

    lab.step("DeleteFolder", [{"path": "/opt/link/", "force": True}])

    assert lab.names("/opt") == ["real"]
    assert lab.names("/opt/real") == ["a"]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.sh('mkdir -p "/opt/$1/x" /opt/other', name)

    step = lab.step("DeleteFolder", [{"path": f"/opt/{name}", "force": True}])

    assert step.status == "success"
    assert lab.names("/opt") == ["other"]


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/opt/none", "the folder does not exist: /opt/none"),
        ("/", "the folder must be called by its name: /"),
        ("/opt/..", "the folder must be called by its name: /opt/.."),
        ("/opt/.", "the folder must be called by its name: /opt/."),
    ],
)
def test_what_cannot_be_deleted_says_why(path: str, message: str, force: bool, lab: Lab) -> None:
    step = lab.step("DeleteFolder", [{"path": path, "force": force}])

    assert (step.status, step.message) == ("failed", message)


def test_a_file_without_force_is_no_folder(lab: Lab) -> None:
    step = lab.step("DeleteFolder", [{"path": "/etc/passwd"}])

    assert step.message == "this is a file, not a folder: /etc/passwd"


def test_a_relative_path_begins_at_the_working_directory(lab: Lab) -> None:
    lab.sh("mkdir -p /tmp/a/b")

    lab.step("DeleteFolder", [{"path": "a/b"}, {"path": "a", "force": "false"}])

    assert lab.names("/tmp") == []


def test_a_folder_that_cannot_be_deleted_says_so(lab: Lab) -> None:
    step = lab.step("DeleteFolder", [{"path": "/proc/tty", "force": True}])

    assert step.status == "failed"
    assert "cannot remove" in step.message
