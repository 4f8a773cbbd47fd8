"""CopyFile and MoveFile, as far as they are alike, and CopyFile's own (§7.0, §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab

_BOTH = pytest.mark.parametrize("action", ["CopyFile", "MoveFile"])


def transfer(lab: Lab, action: str, source: str, destination: str, **more: object) -> str:
    """Run it, and say what went wrong."""
    return lab.step(action, [{"source": source, "destination": destination, **more}]).message


@_BOTH
@pytest.mark.parametrize(
    ("destination", "lands_at"),
    [
        ("/srv/new", "/srv/new"),
        ("/srv/", "/srv/a.txt"),
        ("/srv", "/srv/a.txt"),
        ("/srv/x/y/new", "/srv/x/y/new"),
        ("/srv/x/y/", "/srv/x/y/a.txt"),
        ("/top", "/top"),
        ("/srv//", "/srv/a.txt"),
    ],
)
def test_the_destination_is_a_folder_or_the_new_name(
    action: str, destination: str, lands_at: str, lab: Lab
) -> None:
    lab.write("/opt/a.txt", "x")
    if destination == "/top":
        destination = lands_at = "/work/top"

    message = transfer(lab, action, "/opt/a.txt", destination)

    assert message == ""
    assert lab.read(lands_at) == b"x"
    assert lab.exists("/opt/a.txt") is (action == "CopyFile")


@_BOTH
def test_relative_paths_begin_at_the_working_directory(action: str, lab: Lab) -> None:
    lab.write("/tmp/a", "x")

    assert transfer(lab, action, "a", "sub/b") == ""
    assert lab.read("/tmp/sub/b") == b"x"


@_BOTH
def test_a_star_takes_files_and_leaves_folders(action: str, lab: Lab) -> None:
    lab.sh("mkdir /opt/b.d /opt/c; cd /opt; touch a.d .e.d c/f.d 'g h.d' other")

    message = transfer(lab, action, "/opt/*.d", "/srv/into/")

    assert message == ""
    assert lab.names("/srv/into") == [".e.d", "a.d", "g h.d"]
    assert lab.exists("/opt/a.d") is (action == "CopyFile")
    assert lab.exists("/opt/b.d")


@_BOTH
def test_a_star_accepts_an_existing_folder_without_a_slash(action: str, lab: Lab) -> None:
    lab.write("/opt/a1")

    assert transfer(lab, action, "/opt/a*", "/srv") == ""
    assert lab.names("/srv") == ["a1"]


@_BOTH
def test_what_is_there_is_replaced_unless_overwrite_is_false(action: str, lab: Lab) -> None:
    lab.write("/opt/a", "new")
    lab.write("/srv/a", "old")

    refused = transfer(lab, action, "/opt/a", "/srv/", overwrite=False)
    kept = lab.read("/srv/a")
    done = transfer(lab, action, "/opt/a", "/srv/", overwrite="yes")

    assert refused == "the target exists and overwrite is false: /srv/a"
    assert kept == b"old"
    assert (done, lab.read("/srv/a")) == ("", b"new")


@_BOTH
@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(action: str, name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}", "x")

    assert transfer(lab, action, f"/opt/{name}", f"/srv/{name}/{name}") == ""
    assert lab.read(f"/srv/{name}/{name}") == b"x"
    assert transfer(lab, action, f"/srv/{name}/*", f"/home/{name}/") == ""
    assert lab.read(f"/home/{name}/{name}") == b"x"


@_BOTH
@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("/opt/none", "/srv/", "source does not exist: /opt/none"),
        ("/opt/none*", "/srv/", "source does not exist: /opt/none*"),
        ("/none/*", "/srv/", "source does not exist: /none/*"),
        ("/opt/folder*", "/srv/", "source does not exist: /opt/folder*"),
        ("/opt/*/a", "/srv/a", None),
        ("/opt/*/a*", "/srv/", "`*` may stand only behind the last separator: /opt/*/a*"),
        (
            "/opt/a*",
            "/srv/new",
            "with a wildcard in the source, the destination must end with /: /srv/new",
        ),
        ("/opt/a1", "/srv/folder/a1", "the target is a folder: /srv/folder/a1/a1"),
        ("/opt/", "/srv/", "the source names nothing: /opt/"),
        ("/opt/a1", "/etc/passwd/a", "mkdir: cannot create directory"),
        ("/opt/a1", "/proc/a1", ""),
    ],
)
def test_what_cannot_be_done_says_why(
    action: str, source: str, destination: str, message: str | None, lab: Lab
) -> None:
    lab.sh("mkdir -p /opt/folder /srv/folder/a1/a1; touch /opt/a1 /opt/a2")

    said = transfer(lab, action, source, destination)

    assert said
    assert said.startswith("source does not exist: /opt/*/a" if message is None else message)
    assert lab.names("/opt") == ["a1", "a2", "folder"]


@_BOTH
def test_a_star_stops_at_the_first_file_that_is_there_and_may_not_be_replaced(
    action: str, lab: Lab
) -> None:
    lab.sh("cd /opt; touch a1 a2 a3; echo old >/srv/a2")

    message = transfer(lab, action, "/opt/a*", "/srv/", overwrite=False)

    assert message == "the target exists and overwrite is false: /srv/a2"
    assert lab.sh("ls /srv; cat /srv/a2") == "a1\na2\nold"


@_BOTH
def test_a_link_that_leads_nowhere_is_there_too(action: str, lab: Lab) -> None:
    lab.sh("touch /opt/a; ln -s none /srv/a")

    message = transfer(lab, action, "/opt/a", "/srv/a", overwrite=False)

    assert message == "the target exists and overwrite is false: /srv/a"


def test_copying_a_folder_as_a_file_is_an_error(lab: Lab) -> None:
    assert transfer(lab, "CopyFile", "/opt", "/srv/x") == "the source is not a file: /opt"


def test_a_copy_has_the_permissions_of_its_source_and_follows_a_link(lab: Lab) -> None:
    lab.sh("echo x >/opt/a; chmod 750 /opt/a; ln -s a /opt/link")

    transfer(lab, "CopyFile", "/opt/link", "/srv/copy")

    assert lab.sh("stat -c '%F %a' /srv/copy") == "regular file 750"


def test_copying_a_file_onto_itself_is_an_error_and_keeps_it(lab: Lab) -> None:
    lab.write("/opt/a", "x")

    assert "same file" in transfer(lab, "CopyFile", "/opt/a", "/opt/")
    assert lab.read("/opt/a") == b"x"


def test_a_named_pipe_is_no_file_and_stops_nothing(lab: Lab) -> None:
    """Neither its reading nor its writing end is waited for."""
    lab.sh("mkfifo /opt/pipe; echo x >/opt/file")

    assert transfer(lab, "CopyFile", "/opt/pipe", "/srv/") == "the source is not a file: /opt/pipe"
    message = transfer(lab, "CopyFile", "/opt/file", "/opt/pipe")
    assert message == "the target is a named pipe: /opt/pipe"
    assert transfer(lab, "MoveFile", "/opt/file", "/opt/pipe") == ""
    assert lab.read("/opt/pipe") == b"x\n"
