"""What MoveFile has for itself; the rest is in ``test_copy_file.py`` (§7.3)."""

from tests.runner.conftest import Lab


def move(lab: Lab, source: str, destination: str) -> str:
    return lab.step("MoveFile", [{"source": source, "destination": destination}]).message


def test_a_link_moves_as_a_link(lab: Lab) -> None:
    lab.sh("echo x >/opt/a; ln -s /opt/a /opt/link; ln -s nowhere /opt/dangling")

    assert move(lab, "/opt/link", "/srv/") == ""
    assert move(lab, "/opt/dangling", "/srv/") == ""
    assert lab.sh("readlink /srv/link /srv/dangling") == "/opt/a\nnowhere"
    assert lab.names("/opt") == ["a"]


def test_a_moved_file_keeps_owner_and_permissions(lab: Lab) -> None:
    lab.sh("echo x >/opt/a; chmod 4711 /opt/a; chown 7:8 /opt/a; chmod 4711 /opt/a")

    move(lab, "/opt/a", "/srv/b")

    assert lab.sh("stat -c '%a %u %g' /srv/b") == "4711 7 8"


def test_moving_a_file_onto_itself_is_an_error_and_keeps_it(lab: Lab) -> None:
    lab.write("/opt/a", "x")

    assert "same file" in move(lab, "/opt/a", "/opt/")
    assert lab.read("/opt/a") == b"x"


def test_moving_a_folder_as_a_file_is_an_error(lab: Lab) -> None:
    lab.sh("mkdir /opt/folder")

    assert move(lab, "/opt/folder", "/srv/x") == "the source is a folder, not a file: /opt/folder"
