"""CreateSymlink (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def link(lab: Lab, path: str, target: str, **more: object) -> str:
    return lab.step("CreateSymlink", [{"path": path, "target": target, **more}]).message


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/srv/link", "/opt/a"),
        ("/srv/x/y/link", "/opt/a"),
        ("/srv/link", "/opt"),
        ("/opt/sub/link", "../a"),
        ("relative", "/opt/a"),
    ],
)
def test_the_link_is_made_with_the_folders_on_the_way(path: str, target: str, lab: Lab) -> None:
    lab.write("/opt/a", "x")

    assert link(lab, path, target) == ""
    assert lab.sh('cd /tmp; readlink "$1"; [ -e "$1" ]', path) == target


def test_force_replaces_a_link_and_nothing_else(lab: Lab) -> None:
    lab.sh("mkdir /srv/d; touch /opt/a /opt/b /srv/f; ln -s /opt/a /srv/l; ln -s /opt /srv/o")

    assert link(lab, "/srv/l", "/opt/b") == "the link exists and force is false: /srv/l"
    assert link(lab, "/srv/l", "/opt/b", force=True) == ""
    assert link(lab, "/srv/o", "/opt/b", force=True) == ""
    assert lab.sh("readlink /srv/l /srv/o; ls /opt") == "/opt/b\n/opt/b\na\nb"
    for path in ("/srv/f", "/srv/d"):
        said = link(lab, path, "/opt/b", force=True)
        assert said == f"something that is no link has that name: {path}"


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}", "x")

    assert link(lab, f"/opt/link {name}", name) == ""
    assert lab.read(f"/opt/link {name}") == b"x"


@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        ("/srv/l", "/opt/none", "the target does not exist: /opt/none"),
        ("/srv/l", "none", "the target does not exist: none"),
        ("/srv/l/", "/etc", "the path names a folder, not a link: /srv/l/"),
        ("/etc/passwd/l", "/etc", "mkdir: cannot create directory"),
        ("/srv/l", "a" * 5000, "the path is longer than 4096 bytes"),
    ],
)
def test_what_cannot_be_made_says_why(path: str, target: str, message: str, lab: Lab) -> None:
    assert link(lab, path, target).startswith(message)
    assert lab.names("/srv") == []
