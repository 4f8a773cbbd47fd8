"""CopyFolder and MoveFolder, as far as they are alike, and CopyFolder's own (§7.0, O-14)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab

_BOTH = pytest.mark.parametrize("action", ["CopyFolder", "MoveFolder"])


def transfer(lab: Lab, action: str, source: str, destination: str, **more: object) -> str:
    return lab.step(action, [{"source": source, "destination": destination, **more}]).message


def tree(lab: Lab, folder: str) -> list[str]:
    return sorted(lab.sh('cd "$1" && find . -mindepth 1', folder).splitlines())


@pytest.fixture
def source(lab: Lab) -> str:
    lab.sh("mkdir -p /opt/s/sub /opt/s/empty; cd /opt/s; echo 1 >a; echo 2 >sub/.b; ln -s a l")
    return "/opt/s"


_CONTENT = ["./a", "./empty", "./l", "./sub", "./sub/.b"]


@_BOTH
@pytest.mark.parametrize(
    ("destination", "lands_at"),
    [
        ("/srv/new", "/srv/new"),
        ("/srv/", "/srv/s"),
        ("/srv/x/y/", "/srv/x/y/s"),
        ("/srv/x/y", "/srv/x/y"),
        ("/srv", "/srv"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_contents_go_into_the_destination(
    action: str, source: str, slash: str, destination: str, lands_at: str, lab: Lab
) -> None:
    message = transfer(lab, action, source + slash, destination)

    assert message == ""
    assert tree(lab, lands_at) == _CONTENT
    assert lab.sh(f"readlink {lands_at}/l") == "a"
    assert lab.exists(source) is (action == "CopyFolder")


@_BOTH
def test_a_folder_that_is_there_is_merged(action: str, source: str, lab: Lab) -> None:
    """O-14."""
    lab.sh("mkdir -p /srv/t/sub; cd /srv/t; echo old >a; echo kept >sub/kept")

    message = transfer(lab, action, source, "/srv/t")

    assert message == ""
    assert tree(lab, "/srv/t") == sorted([*_CONTENT, "./sub/kept"])
    assert lab.read("/srv/t/a") == b"1\n"
    assert lab.exists(source) is (action == "CopyFolder")


@_BOTH
def test_overwrite_false_leaves_a_folder_that_is_there_alone(
    action: str, source: str, lab: Lab
) -> None:
    lab.sh("mkdir /srv/s")

    message = transfer(lab, action, source, "/srv/", overwrite=False)

    assert message == "the target exists and overwrite is false: /srv/s"
    assert lab.names("/srv/s") == []


@_BOTH
def test_relative_paths_begin_at_the_working_directory(action: str, lab: Lab) -> None:
    lab.write("/tmp/s/a", "x")

    assert transfer(lab, action, "s", "sub/t") == ""
    assert lab.read("/tmp/sub/t/a") == b"x"


@_BOTH
@pytest.mark.parametrize("destination", ["/srv/", "/proc/"])
def test_a_folder_that_cannot_be_written_whole_stays_where_it_was(
    action: str, destination: str, source: str, lab: Lab
) -> None:
    lab.sh("mkdir -p /srv/s/a")

    assert transfer(lab, action, source, destination) != ""
    assert tree(lab, source) == _CONTENT


@_BOTH
def test_a_star_takes_folders_and_leaves_files(action: str, lab: Lab) -> None:
    lab.sh("cd /opt; mkdir -p x1/in .x2 y; touch x3")

    message = transfer(lab, action, "/opt/*x*", "/srv/")

    assert message == ""
    assert tree(lab, "/srv") == ["./.x2", "./x1", "./x1/in"]


@_BOTH
@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(action: str, name: str, lab: Lab) -> None:
    lab.write(f"/opt/{name}/{name}", "x")

    assert transfer(lab, action, f"/opt/{name}", f"/srv/{name}") == ""
    assert lab.read(f"/srv/{name}/{name}") == b"x"


@_BOTH
@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("mkfifo t", "the target is not a folder: /srv/t"),
        ("mkdir t; mkfifo t/a", "the target is a named pipe: /srv/t/a"),
        ("mkdir -p t/sub; mkfifo t/sub/.b", "the target is a named pipe: /srv/t/sub/.b"),
        ("mkdir t; mkfifo p; ln -s ../p t/a", "the target is a named pipe: /srv/t/a"),
        ("mkdir t; mkfifo t/l", "the target is a named pipe: /srv/t/l"),
        ("mkdir t; mkfifo t/empty", "the target is a named pipe: /srv/t/empty"),
    ],
    ids=["as the folder", "for a file", "deep down", "behind a link", "for a link", "for a folder"],
)
def test_a_named_pipe_in_the_way_is_neither_waited_for_nor_replaced(
    action: str, source: str, made: str, message: str, lab: Lab
) -> None:
    """As with CopyFile; nothing is copied before (§7.0, O-14)."""
    lab.sh(f"cd /srv; {made}")
    before = lab.sh("ls -lR /srv")

    assert transfer(lab, action, source, "/srv/t") == message
    assert lab.sh("ls -lR /srv") == before
    assert tree(lab, source) == _CONTENT


@_BOTH
def test_a_named_pipe_in_the_source_is_made_anew_and_not_read(action: str, lab: Lab) -> None:
    lab.sh("mkdir -p /opt/s /srv/t /opt/new; cd /opt/s; mkfifo a b c; ln -s c d")
    lab.sh("cd /srv/t; mkfifo a other; echo old >b; ln -s other d")

    assert transfer(lab, action, "/opt/s", "/srv/t") == ""
    assert transfer(lab, action, "/srv/t", "/opt/new/") == ""

    kinds = lab.sh("cd /opt/new/t; for each in *; do [ -p $each ] && echo $each; done; readlink d")
    assert kinds.split() == ["a", "b", "c", "d", "other", "c"]


@_BOTH
@pytest.mark.parametrize(
    ("given", "destination", "message"),
    [
        ("/opt/none", "/srv/", "source does not exist: /opt/none"),
        ("/opt/none*", "/srv/", "source does not exist: /opt/none*"),
        ("/etc/passwd", "/srv/", "the source is not a folder: /etc/passwd"),
        ("/etc/passw*", "/srv/", "source does not exist: /etc/passw*"),
        ("/opt/s", "/etc/passwd", "the target is not a folder: /etc/passwd"),
        ("/opt/s", "/opt/s/sub/x", "a folder cannot go into itself: /opt/s/sub/x"),
        ("/opt/s", "/opt/s", "a folder cannot go into itself: /opt/s"),
        ("/opt/s", "/opt/link/x", "a folder cannot go into itself: /opt/link/x"),
        (
            "/opt/s*",
            "/srv/new",
            "with a wildcard in the source, the destination must end with /: /srv/new",
        ),
    ],
)
def test_what_cannot_be_done_says_why(
    action: str, source: str, given: str, destination: str, message: str, lab: Lab
) -> None:
    lab.sh("ln -s s/sub /opt/link")

    assert transfer(lab, action, given, destination) == message
    assert tree(lab, source) == _CONTENT


def test_a_copy_keeps_permissions(lab: Lab) -> None:
    lab.sh("mkdir /opt/s; touch /opt/s/a; chmod 700 /opt/s/a; chmod 750 /opt/s")

    transfer(lab, "CopyFolder", "/opt/s", "/srv/")

    assert lab.sh("stat -c %a /srv/s/a") == "700"
