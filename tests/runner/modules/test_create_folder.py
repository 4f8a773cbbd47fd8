"""CreateFolder (``component-documents.md`` §7.3, O-15)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def test_the_folder_and_those_on_the_way_are_made(lab: Lab) -> None:
    step = lab.step("CreateFolder", [{"path": "/opt/a/b/c/"}, {"path": "relative"}])

    assert step.status == "success"
    assert lab.sh("stat -c '%F %a' /opt/a/b/c /tmp/relative") == "directory 755\ndirectory 755"


def test_owner_group_and_permissions_are_those_of_the_last_one(lab: Lab) -> None:
    inputs = {"path": "/opt/a/b", "owner": "app", "group": "staff", "permissions": "2750"}

    lab.step("CreateFolder", [inputs])

    assert lab.sh("stat -c '%a %u %g' /opt/a/b /opt/a") == "2750 1234 50\n755 0 0"


def test_a_folder_that_is_there_keeps_what_it_holds_and_gets_the_rest(lab: Lab) -> None:
    """O-15."""
    lab.write("/opt/a/kept", "x")

    step = lab.step("CreateFolder", [{"path": "/opt/a", "permissions": "0700"}])

    assert step.status == "success"
    assert lab.sh("stat -c %a /opt/a; cat /opt/a/kept") == "700\nx"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "755 0 0"),
        ({"owner": "app"}, "755 1234 0"),
        ({"group": "staff"}, "755 0 50"),
        ({"owner": "7", "group": 8}, "755 7 8"),
        ({"permissions": "700"}, "700 0 0"),
    ],
)
@pytest.mark.parametrize("overwrite", [None, True, False])
def test_what_is_not_given_stays_as_the_machine_has_it(
    overwrite: bool | None, given: dict[str, object], expected: str, lab: Lab
) -> None:
    more = {} if overwrite is None else {"overwrite": overwrite}

    step = lab.step("CreateFolder", [{"path": "/opt/a", **given, **more}])

    assert step.message == ""
    assert lab.sh("stat -c '%a %u %g' /opt/a") == expected


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.step("CreateFolder", [{"path": f"/opt/{name}/x"}])

    assert lab.sh('ls "/opt/$1"', name) == "x"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"path": "/etc", "overwrite": False}, "the folder exists and overwrite is false: /etc"),
        ({"path": "/etc/passwd"}, "something else of that name exists: /etc/passwd"),
        ({"path": "/etc/passwd/a"}, "mkdir: cannot create directory"),
        ({"path": "/opt/a", "owner": "nobody-here"}, "chown: invalid user"),
        ({"path": "/opt/a", "group": "nobody-here"}, "chown: invalid group"),
        ({"path": "/proc/a"}, "mkdir: cannot create directory"),
    ],
)
def test_what_cannot_be_made_says_why(inputs: dict[str, object], message: str, lab: Lab) -> None:
    step = lab.step("CreateFolder", [inputs])

    assert step.status == "failed"
    assert message in step.message
