"""SetFileOwner and SetFolderOwner (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def owners(lab: Lab, *paths: str) -> list[str]:
    return lab.sh('stat -c "%u %g" "$@"', *paths).splitlines()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"owner": "app"}, "1234 1235"),
        ({"owner": "app", "group": "staff"}, "1234 50"),
        ({"owner": "1234"}, "1234 1235"),
        ({"owner": "77"}, "77 0"),
        ({"owner": 77, "group": 78}, "77 78"),
    ],
)
@pytest.mark.parametrize("action", ["SetFileOwner", "SetFolderOwner"])
def test_owner_and_group_come_by_name_or_number(
    action: str, inputs: dict[str, object], expected: str, lab: Lab
) -> None:
    lab.sh("touch /opt/f; mkdir /opt/d")
    path = "/opt/f" if action == "SetFileOwner" else "/opt/d"

    step = lab.step(action, [{"path": path, **inputs}])

    assert step.message == ""
    assert owners(lab, path) == [expected]


def test_on_a_link_it_is_the_file_behind_that_changes_hands(lab: Lab) -> None:
    lab.sh("touch /opt/f; ln -s f /opt/l")

    lab.step("SetFileOwner", [{"path": "/opt/l", "owner": "app"}])

    assert owners(lab, "/opt/l", "/opt/f") == ["0 0", "1234 1235"]


@pytest.mark.parametrize(
    ("recursive", "expected"),
    [(None, "1234 1235"), (True, "1234 1235"), (False, "0 0")],
)
def test_a_folder_goes_with_all_it_holds_but_for_what_links_mean(
    recursive: bool | None, expected: str, lab: Lab
) -> None:
    lab.sh("mkdir -p /opt/d/sub; touch /opt/d/sub/.f /opt/outside; ln -s ../outside /opt/d/l")
    more = {} if recursive is None else {"recursive": recursive}

    lab.step("SetFolderOwner", [{"path": "/opt/d", "owner": "app", **more}])

    found = owners(lab, "/opt/d", "/opt/d/sub/.f", "/opt/d/l", "/opt/outside")
    assert found == ["1234 1235", expected, expected, "0 0"]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}/{name}")

    lab.step("SetFolderOwner", [{"path": f"/opt/{name}", "owner": "app"}])
    lab.step("SetFileOwner", [{"path": f"/opt/{name}/{name}", "owner": "7", "group": "8"}])

    assert owners(lab, f"/opt/{name}", f"/opt/{name}/{name}") == ["1234 1235", "7 8"]


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        (
            "SetFileOwner",
            {"path": "/opt/none", "owner": "app"},
            "the file does not exist: /opt/none",
        ),
        ("SetFileOwner", {"path": "/opt", "owner": "app"}, "this is a folder, not a file: /opt"),
        ("SetFileOwner", {"path": "/opt/f", "owner": "no-one"}, "there is no user no-one"),
        (
            "SetFileOwner",
            {"path": "/opt/f", "owner": "app", "group": "none"},
            "chown: invalid group",
        ),
        ("SetFolderOwner", {"path": "/no", "owner": "app"}, "the folder does not exist: /no"),
        (
            "SetFolderOwner",
            {"path": "/opt/f", "owner": "app"},
            "this is a file, not a folder: /opt/f",
        ),
        ("SetFolderOwner", {"path": "/opt", "owner": "no-one"}, "there is no user no-one"),
        (
            "SetFolderOwner",
            {"path": "/opt", "owner": "app", "group": "none"},
            "chown: invalid group",
        ),
        ("SetFileOwner", {"path": "/proc/version", "owner": "app"}, "chown: changing ownership"),
    ],
)
def test_what_cannot_be_given_away_says_why(
    action: str, inputs: dict[str, object], message: str, lab: Lab
) -> None:
    lab.sh("touch /opt/f")

    step = lab.step(action, [inputs])

    assert step.status == "failed"
    assert step.message.startswith(message)
