"""CreateFile (``component-documents.md`` §7.3)."""

import pytest
from tests.runner.conftest import STRANGE_NAMES, Lab


def test_the_content_is_written_as_it_stands(lab: Lab) -> None:
    content = "no newline, \\n no escape, $HOME `id` 'quotes' \" %s \t é"

    step = lab.step("CreateFile", [{"path": "/opt/a/b/c.txt", "content": content}])

    assert step.status == "success"
    assert lab.read("/opt/a/b/c.txt").decode() == content


def test_without_content_the_file_is_empty_and_anyone_may_read_it(lab: Lab) -> None:
    lab.step("CreateFile", [{"path": "/opt/empty"}])

    assert lab.sh("stat -c '%s %a %U' /opt/empty") == "0 644 root"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0640", "640"), ("640", "640"), ("4755", "4755"), ("04755", "4755"), (600, "600")],
)
def test_permissions_are_octal_text(given: object, expected: str, lab: Lab) -> None:
    step = lab.step("CreateFile", [{"path": "/opt/a", "permissions": given}])

    assert step.status == "success"
    assert lab.sh("stat -c %a /opt/a") == expected


def test_unquoted_permissions_keep_their_leading_zero(lab: Lab) -> None:
    lab.run(
        """
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: A
                action: CreateFile
                inputs: [{path: /opt/a, permissions: 0640}]
        """
    )

    assert lab.sh("stat -c %a /opt/a") == "640"


@pytest.mark.parametrize(
    ("owner", "group", "expected"),
    [
        ("app", None, "1234 0"),
        (None, "staff", "0 50"),
        ("app", "staff", "1234 50"),
        ("7", "8", "7 8"),
    ],
)
def test_owner_and_group_come_by_name_or_number(
    owner: str | None, group: str | None, expected: str, lab: Lab
) -> None:
    given = {"path": "/opt/a", "owner": owner, "group": group}

    step = lab.step("CreateFile", [{k: v for k, v in given.items() if v is not None}])

    assert step.message == ""
    assert lab.sh("stat -c '%u %g' /opt/a") == expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf8", "é€".encode()),
        ("UTF-8", "é€".encode()),
        ("utf16", b"\xff\xfe" + "é€".encode("utf-16-le")),
        ("utf-16", b"\xff\xfe" + "é€".encode("utf-16-le")),
        ("utf16-LE", "é€".encode("utf-16-le")),
        ("utf-16-be", "é€".encode("utf-16-be")),
        ("utf32", b"\xff\xfe\x00\x00" + "é€".encode("utf-32-le")),
        ("utf-32-LE", "é€".encode("utf-32-le")),
        ("utf32-BE", "é€".encode("utf-32-be")),
    ],
)
def test_the_encodings_without_a_suffix_get_a_mark(
    encoding: str, expected: bytes, lab: Lab
) -> None:
    """O-11."""
    lab.step("CreateFile", [{"path": "/opt/a", "content": "é€", "encoding": encoding}])

    assert lab.read("/opt/a") == expected


def test_a_file_that_is_there_is_emptied_and_keeps_its_permissions(lab: Lab) -> None:
    lab.write("/opt/a", "long before")
    lab.sh("chmod 600 /opt/a; chown 7:8 /opt/a")

    lab.step("CreateFile", [{"path": "/opt/a", "content": "new"}])

    assert lab.sh("stat -c '%a %u %g' /opt/a; cat /opt/a") == "600 7 8\nnew"


def test_overwrite_false_keeps_what_is_there(lab: Lab) -> None:
    lab.write("/opt/a", "before")

    step = lab.step("CreateFile", [{"path": "/opt/a", "content": "new", "overwrite": False}])

    assert step.status == "failed"
    assert step.message == "the file exists and overwrite is false: /opt/a"
    assert lab.read("/opt/a") == b"before"


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_any_name_is_only_a_name(name: str, lab: Lab) -> None:
    step = lab.step("CreateFile", [{"path": f"/opt/{name}/{name}", "content": "x"}])

    assert step.status == "success"
    assert lab.sh('cat "/opt/$1/$1"', name) == "x"


def test_a_relative_path_begins_at_the_working_directory(lab: Lab) -> None:
    lab.step("CreateFile", [{"path": "here/a", "content": "x"}])

    assert lab.read("/tmp/here/a") == b"x"


def test_a_link_of_the_guest_leads_nowhere_but_into_the_guest(lab: Lab) -> None:
    lab.sh("ln -s /../../../../../../etc/imagewright-escaped /opt/link")

    lab.step("CreateFile", [{"path": "/opt/link", "content": "x"}])
    lab.step("CreateFile", [{"path": "/opt/../../../etc/imagewright-too", "content": "x"}])

    assert lab.read("/etc/imagewright-escaped") == b"x"
    assert lab.read("/etc/imagewright-too") == b"x"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"path": "/etc"}, "a folder of that name exists: /etc"),
        ({"path": "/opt/a/"}, "the path names a folder, not a file: /opt/a/"),
        ({"path": "/opt/fifo"}, "a named pipe of that name exists: /opt/fifo"),
        ({"path": "/opt/link"}, "a named pipe of that name exists: /opt/link"),
        ({"path": "/etc/passwd/a"}, "mkdir: cannot create directory"),
        ({"path": "/opt/a", "owner": "nobody-here"}, "chown: invalid user"),
        ({"path": "/opt/a", "group": "nobody-here"}, "chown: invalid group"),
        ({"path": "{{ env:NUL }}"}, "a path cannot hold NUL"),
        ({"path": "/" + "a" * 5000}, "the path is longer than 4096 bytes"),
    ],
)
def test_what_cannot_be_written_says_why(inputs: dict[str, object], message: str, lab: Lab) -> None:
    if inputs["path"] == "{{ env:NUL }}":
        inputs = {"path": "/opt/a\0b"}
    lab.sh("mkfifo /opt/fifo; ln -s fifo /opt/link")

    step = lab.step("CreateFile", [inputs])

    assert step.status == "failed"
    assert message in step.message


@pytest.mark.parametrize("permissions", ["u+x", "rwxr-xr-x", "0999", "", "12345"])
def test_permissions_that_turn_out_not_to_be_octal_fail_the_step(
    permissions: str, lab: Lab
) -> None:
    lab.write("/opt/mode", permissions)

    result = lab.run(
        {
            "phases": [
                {
                    "name": "build",
                    "steps": [
                        {"name": "R", "action": "ReadFile", "inputs": [{"path": "/opt/mode"}]},
                        {
                            "name": "C",
                            "action": "CreateFile",
                            "inputs": [
                                {"path": "/opt/a", "permissions": "{{ build.R.outputs.content }}"}
                            ],
                        },
                    ],
                }
            ]
        }
    )

    assert result.failure is not None
    assert "`permissions` must be octal digits" in result.failure.message
    assert not lab.exists("/opt/a")


def test_the_first_entry_that_fails_ends_the_step_and_earlier_ones_stay(lab: Lab) -> None:
    step = lab.step("CreateFile", [{"path": "/opt/a"}, {"path": "/etc"}, {"path": "/opt/c"}])

    assert step.status == "failed"
    assert lab.names("/opt") == ["a"]


def test_a_secret_is_never_readable_by_others_on_its_way(lab: Lab) -> None:
    lab.step("CreateFile", [{"path": "/opt/a", "content": "x", "permissions": "0600"}])

    assert lab.sh("stat -c %a /opt/a") == "600"
