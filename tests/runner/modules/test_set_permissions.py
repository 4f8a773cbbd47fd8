"""SetFilePermissions and SetFolderPermissions (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def modes(lab: Lab, *paths: str) -> list[str]:
    return lab.sh('stat -c %a "$@"', *paths).splitlines()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0755", "755"), ("755", "755"), (600, "600"), ("4711", "4711"), ("0", "0"), ("0000", "0")],
)
def test_a_file_gets_plain_permissions(given: object, expected: str, lab: Lab) -> None:
    lab.write("/opt/f")

    step = lab.step("SetFilePermissions", [{"path": "/opt/f", "permissions": given}])

    assert step.status == "success"
    assert modes(lab, "/opt/f") == [expected]


@pytest.mark.parametrize(("recursive", "expected"), [(None, "711"), ("yes", "711"), ("no", "644")])
def test_a_folder_gets_them_with_all_it_holds_but_for_what_links_mean(
    recursive: str | None, expected: str, lab: Lab
) -> None:
    lab.sh("mkdir -p /opt/d/sub; touch /opt/d/sub/.f /opt/out; ln -s ../out /opt/d/l")
    lab.sh("chmod 600 /opt/out; chmod 644 /opt/d/sub/.f")
    more = {} if recursive is None else {"recursive": recursive}

    lab.step("SetFolderPermissions", [{"path": "/opt/d", "permissions": "711", **more}])

    assert modes(lab, "/opt/d", "/opt/d/sub/.f", "/opt/out") == ["711", expected, "600"]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}/{name}")

    lab.step("SetFilePermissions", [{"path": f"/opt/{name}/{name}", "permissions": "400"}])
    lab.step(
        "SetFolderPermissions",
        [{"path": f"/opt/{name}", "permissions": "711", "recursive": False}],
    )

    assert modes(lab, f"/opt/{name}", f"/opt/{name}/{name}") == ["711", "400"]


@pytest.mark.parametrize(
    ("action", "path", "message"),
    [
        ("SetFilePermissions", "/opt/none", "the file does not exist: /opt/none"),
        ("SetFilePermissions", "/opt", "this is a folder, not a file: /opt"),
        ("SetFolderPermissions", "/opt/none", "the folder does not exist: /opt/none"),
        ("SetFolderPermissions", "/etc/passwd", "this is a file, not a folder: /etc/passwd"),
    ],
)
def test_what_is_not_there_says_so(action: str, path: str, message: str, lab: Lab) -> None:
    step = lab.step(action, [{"path": path, "permissions": "644"}])

    assert (step.status, step.message) == ("failed", message)


def test_on_a_link_it_is_the_file_behind_that_changes(lab: Lab) -> None:
    lab.sh("touch /opt/f; ln -s f /opt/l")

    lab.step("SetFilePermissions", [{"path": "/opt/l", "permissions": "0600"}])

    assert modes(lab, "/opt/f") == ["600"]


def test_what_cannot_be_changed_says_so(lab: Lab) -> None:
    step = lab.step("SetFilePermissions", [{"path": "/proc/version", "permissions": "600"}])

    assert step.status == "failed"
    assert step.message.startswith("chmod: changing permissions")
