"""What ``Machine`` promises, asked of every driver."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.conftest import at_best_within
from tests.machines.conftest import Launch, MachineLab
from tests.machines.lab import Lab, run, sh

from imagewright.machines.docker import DockerMachine
from imagewright.machines.machine import Command, Line, Machine, MachineError, Scratch


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["true"], 0, id="success"),
        pytest.param(["sh", "-c", "exit 41"], 41, id="failure"),
        pytest.param(["sh", "-c", "kill -9 $$"], 137, id="a signal"),
        pytest.param(["no-such-program"], 127, id="no such program"),
        pytest.param(["/etc/passwd"], 126, id="not executable"),
    ],
)
def test_the_exit_code_is_what_a_shell_would_give(
    machine: Machine, argv: list[str], code: int
) -> None:
    result = run(machine, argv)

    assert (result.code, result.reason) == (code, "exited")


def test_output_arrives_as_lines_of_their_streams(machine: Machine) -> None:
    lines: list[Line] = []

    run(
        machine,
        ["sh", "-c", "echo one; echo two >&2; printf 'a\\377b\\n\\nend'"],
        on_line=lines.append,
    )

    assert [line.text for line in lines if line.stream == "stdout"] == [
        "one",
        "a\ufffdb",
        "",
        "end",
    ]
    assert [line.text for line in lines if line.stream == "stderr"] == ["two"]


def test_lines_are_handed_over_while_the_command_runs(machine: Machine) -> None:
    cancel = threading.Event()

    result = run(
        machine, ["sh", "-c", "sleep 0.5; echo now; sleep 67"],
        on_line=lambda _line: cancel.set(), cancel=cancel,
    )  # fmt: skip

    assert result.reason == "cancelled"
    assert 0.5 < result.seconds < 60


def test_an_endless_line_is_cut_and_not_kept_whole(machine: Machine) -> None:
    lines: list[str] = []

    run(machine, ["sh", "-c", "yes x | tr -d '\\n' | head -c 300000"],
        on_line=lambda line: lines.append(line.text))  # fmt: skip

    assert sum(map(len, lines)) == 300_000
    assert max(map(len, lines)) <= 1 << 17


def test_a_program_may_write_a_lot_quickly(machine: Machine) -> None:
    count = [0]

    def take(_line: Line) -> None:
        count[0] += 1

    result = run(machine, ["seq", "1", "200000"], on_line=take)

    assert (result.code, count[0]) == (0, 200_000)


def test_standard_input_is_what_was_given_and_otherwise_empty(machine: Machine) -> None:
    given = b"x" * 1_000_000

    code, counted = sh(machine, "wc -c", stdin=given)
    without = sh(machine, "wc -c")

    assert (code, counted.strip()) == (0, "1000000")
    assert without == (0, "0")


def test_the_environment_is_stated_and_not_inherited(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAK", "host")

    code, output = sh(machine, "env", env={"GREETING": "hello", "HOME": "/srv"}, cwd="/etc")

    variables = dict(line.split("=", 1) for line in output.splitlines())
    assert code == 0
    assert variables["GREETING"] == "hello"
    assert variables["HOME"] == "/srv"
    assert "/usr/bin" in variables["PATH"]
    assert variables["PWD"] == "/etc"
    assert "LEAK" not in variables


def test_a_working_directory_that_is_not_there_fails_the_command(machine: Machine) -> None:
    code, output = sh(machine, "true", cwd="/nowhere")

    assert code == 126
    assert "cannot enter /nowhere" in output


PASSWD = b"root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:Web:/srv/web:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:web,root\nweb:x:1001:\nwww:x:33:root,web\nadm:x:4:root\n"


@pytest.fixture
def inhabited(machine: Machine) -> Machine:
    """Return a machine with a user."""
    machine.put_file("/etc/passwd", PASSWD, mode=0o644)
    machine.put_file("/etc/group", GROUP, mode=0o644)
    return machine


@pytest.mark.parametrize(
    ("user", "uid", "groups", "home"),
    [
        pytest.param("", 0, {0}, "/root", id="nobody said"),
        pytest.param("web", 1000, {1001, 50, 33}, "/srv/web", id="a name"),
        pytest.param("1000", 1000, {1001, 50, 33}, "/srv/web", id="a number with an entry"),
        pytest.param("4711", 4711, {0}, "/", id="a number without one"),
        pytest.param("web:adm", 1000, {4}, "/srv/web", id="a name and a group's name"),
        pytest.param("4711:4712", 4711, {4712}, "/", id="two numbers"),
        pytest.param("root:www", 0, {33}, "/root", id="root in another group"),
    ],
)
def test_a_command_runs_as_the_user_it_names(
    inhabited: Machine, user: str, uid: int, groups: set[int], home: str
) -> None:
    """As docker's USER has it."""
    code, output = sh(inhabited, "id -u; id -G; echo $HOME", user=user)

    assert code == 0
    said_uid, said_groups, said_home = output.splitlines()
    assert (int(said_uid), {int(gid) for gid in said_groups.split()}) == (uid, groups)
    assert said_home == home


def test_a_user_has_no_rights_but_its_own(inhabited: Machine) -> None:
    sh(inhabited, "mkdir -p /tmp && chmod 1777 /tmp")
    script = "touch /tmp/mine; touch /etc/mine; grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status"

    code, output = sh(inhabited, script, user="web")

    assert code == 0
    assert "/etc/mine: Permission denied" in output
    assert "/tmp/mine" not in output
    assert output.count("0" * 16) == 3


@pytest.mark.parametrize("user", ["", "web", "4711"])
def test_whoever_runs_a_command_has_its_folder_input_and_output(
    inhabited: Machine, user: str
) -> None:
    """``/dev/stdout`` and ``/dev/stderr`` are opened anew, which asks for rights to the pipe."""
    sh(inhabited, "mkdir -p /srv/closed && chmod 700 /srv/closed")
    script = "pwd; cat /dev/stdin | tee /dev/stderr; echo x >/dev/stdout; echo y >>/dev/fd/2"

    code, output = sh(inhabited, script, user=user, cwd="/srv/closed", stdin=b"given\n")

    assert code == 0
    assert sorted(output.splitlines()) == ["/srv/closed", "given", "given", "x", "y"]


def test_a_home_that_is_stated_holds_for_another_user_too(inhabited: Machine) -> None:
    assert sh(inhabited, "echo $HOME", user="web", env={"HOME": "/mine"}) == (0, "/mine")


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("nobody", "no user nobody in /etc/passwd"),
        ("web:nobodies", "no group nobodies in /etc/group"),
        ("4294967295", "no user 4294967295 in /etc/passwd"),
    ],
)
def test_a_user_that_is_not_there_is_told(inhabited: Machine, user: str, reason: str) -> None:
    with pytest.raises(MachineError, match=reason):
        sh(inhabited, "echo never", user=user)
    assert sh(inhabited, "echo fine") == (0, "fine")


@pytest.mark.parametrize("damage", ["rm /etc/passwd", "ln -sf /dev/zero /etc/passwd"])
def test_a_list_of_users_that_is_none_is_no_obstacle_to_root(
    inhabited: Machine, damage: str
) -> None:
    sh(inhabited, damage)

    with pytest.raises(MachineError, match=r"/etc/passwd"):
        sh(inhabited, "true", user="web")
    assert sh(inhabited, "echo fine") == (0, "fine")


def test_the_processes_of_another_user_end_with_their_command(inhabited: Machine) -> None:
    result = run(inhabited, ["sh", "-c", "sleep 64 & sleep 64"], timeout_seconds=0.3, user="web")

    assert result.reason == "timed out"
    assert "sleep 64" not in sh(inhabited, "ps")[1]


def test_a_directory_that_is_to_be_empty_is_so_for_one_command_alone(inhabited: Machine) -> None:
    sh(inhabited, "mkdir -p /kept && echo old > /kept/file")
    script = "ls -A /kept /made/here; echo new > /kept/file && echo new > /made/here/file; pwd"
    how: dict[str, Any] = {"user": "web", "cwd": "/kept", "empty": ["/kept", "/made/here"]}
    if isinstance(inhabited, DockerMachine):
        with pytest.raises(MachineError, match="can lay nothing over its directories"):
            sh(inhabited, script, **how)
        return

    code, output = sh(inhabited, script, **how)

    assert (code, output) == (0, "/kept:\n\n/made/here:\n/kept")
    assert sh(inhabited, "cat /kept/file; ls -A /made/here") == (0, "old")


def test_a_directory_that_cannot_be_empty_is_named(inhabited: Machine) -> None:
    if isinstance(inhabited, DockerMachine):
        pytest.skip("it lays nothing over directories")

    assert sh(inhabited, "true", empty=["/etc/passwd"]) == (126, "/etc/passwd: File exists")


TREE = "trap '' TERM; (setsid sleep 61 &); (sleep 62 &); sleep 63 & echo up; wait"
STARTED_SECONDS = 2.0
"""By when a shell has said what it does with signals, on the busiest machine."""


def test_running_out_of_time_ends_the_whole_process_tree(machine: Machine) -> None:
    """component-documents.md §4.2: who will not end is killed after ten seconds."""
    result = run(machine, ["sh", "-c", TREE], timeout_seconds=STARTED_SECONDS)

    assert result.reason == "timed out"
    assert 10 < result.seconds - STARTED_SECONDS < 20
    assert "sleep 6" not in sh(machine, "ps")[1]


def test_a_command_whose_time_is_up_may_clear_up_behind_itself(machine: Machine) -> None:
    """component-documents.md §4.2."""
    said: list[str] = []
    script = "trap 'sleep 1; echo cleared; exit 3' TERM; while :; do sleep 0.05; done"

    result = machine.run(
        Command(argv=["sh", "-c", script], timeout_seconds=STARTED_SECONDS),
        on_line=lambda line: said.append(line.text),
    )

    assert (result.reason, result.code, said[-1]) == ("timed out", 3, "cleared")
    assert result.seconds - STARTED_SECONDS < 9


def test_a_cancel_does_not_wait_for_what_a_time_out_granted(machine: Machine) -> None:
    cancel = threading.Event()
    tree = f"({TREE}) >/dev/null & trap 'echo told' TERM; while :; do sleep 0.05; done"

    result = run(
        machine, ["sh", "-c", tree], timeout_seconds=STARTED_SECONDS, cancel=cancel,
        on_line=lambda _line: cancel.set(),
    )  # fmt: skip

    assert result.reason == "cancelled"
    assert result.seconds - STARTED_SECONDS < 8
    assert "sleep 6" not in sh(machine, "ps")[1]


def test_cancelling_ends_the_whole_process_tree_within_a_second(machine: Machine) -> None:
    def seconds_after_it_was_asked() -> float:
        cancel = threading.Event()
        asked_at: list[float] = []

        def ask(_line: Line) -> None:
            asked_at.append(time.monotonic())
            cancel.set()

        result = run(machine, ["sh", "-c", TREE], cancel=cancel, on_line=ask)

        ended_at = time.monotonic()
        assert result.reason == "cancelled"
        assert "sleep 6" not in sh(machine, "ps")[1]
        return ended_at - asked_at[0]

    at_best_within(1, seconds_after_it_was_asked)


def test_a_listener_that_is_slow_does_not_hold_up_a_cancel(lab: Lab, tiny: str) -> None:
    """What was printed before is still handed over: at most one pipe full, 1024 such lines."""
    machine = lab.launch(tiny)
    cancel = threading.Event()
    heard = 0

    def hear(_line: Line) -> None:
        nonlocal heard
        heard += 1
        if heard == 100:
            cancel.set()
        time.sleep(0.002)

    ended = machine.run(Command(argv=["yes", "x" * 63]), on_line=hear, cancel=cancel)
    machine.terminate()

    assert ended.reason == "cancelled"
    assert heard < 100 + 1024 + 500


def test_a_reader_that_fails_ends_the_command_and_the_machine_goes_on(lab: Lab, tiny: str) -> None:
    machine = lab.launch(tiny)

    def fail(_line: Line) -> None:
        raise RuntimeError("no room in the log")

    with pytest.raises(RuntimeError, match="no room"):
        run(machine, ["sh", "-c", "echo x; sleep 65"], on_line=fail)

    code, output = sh(machine, "ps")
    machine.terminate()
    assert code == 0
    assert "sleep 65" not in output


def test_a_daemon_outlives_its_command_and_an_unrelated_time_out(machine: Machine) -> None:
    sh(machine, "(setsid sleep 71 >/dev/null 2>&1 &)")

    run(machine, ["sleep", "60"], timeout_seconds=0.2)

    assert "sleep 71" in sh(machine, "ps")[1]


def test_a_daemon_that_keeps_its_output_open_is_not_waited_for(machine: Machine) -> None:
    """Waiting for it would take for ever."""
    code, _output = sh(machine, "(while sleep 0.05; do echo busy; done) & echo started")

    assert code == 0
    assert "sleep 0.05" in sh(machine, "sleep 0.3; ps")[1]


def test_a_layer_boundary_ends_daemons_and_names_them(
    machine: Machine, any_lab: MachineLab
) -> None:
    start = "(setsid sleep 81 >/dev/null 2>&1 &); touch /changed"
    sh(machine, f"{start}; until pidof sleep; do sleep 0.02; done")

    machine.commit()

    assert "sleep 81" not in sh(machine, "ps")[1]
    assert any("sleep" in notice for notice in any_lab.notices[-1:])


SCRATCH = Scratch(folder="/srv/new/scratch", files={"a.sh": ". ./b\necho $X\n", "b": "X='é \\'\n"})


@pytest.mark.parametrize(
    ("script", "code", "note"),
    [
        pytest.param("sh a.sh", 0, "", id="success"),
        pytest.param("sh a.sh; echo why >note; exit 3", 3, "why\n", id="a failure with a note"),
        pytest.param("sh a.sh; echo why >note", 0, "", id="a success with a note"),
        pytest.param("sh a.sh; touch -- -x; mkdir y; exit 3", 3, "", id="more is put there"),
        pytest.param("sh a.sh; mkfifo note; exit 3", 3, "", id="a note that is none"),
        pytest.param("sh a.sh; rm -r ../scratch; false", 1, "", id="it is gone already"),
    ],
)
def test_a_scratch_folder_is_there_for_the_time_of_its_command(
    machine: Machine, script: str, code: int, note: str
) -> None:
    said: list[str] = []
    look = "cd /srv/new/scratch; ls -ld . | cut -c1-10; ls; readlink /proc/self/fd/0"

    ended = run(
        machine,
        ["sh", "-c", f"{look}; {script}"],
        on_line=lambda line: said.append(line.text),
        scratch=SCRATCH,
    )

    assert said == ["drwx------", "a.sh", "b", "/dev/null", "é \\"]
    assert (ended.code, ended.note) == (code, note)
    assert sh(machine, "ls -A /srv/new") == (0, "")


def test_a_scratch_folder_is_gone_after_a_command_that_was_ended(machine: Machine) -> None:
    ended = run(machine, ["sleep", "66"], timeout_seconds=0.2, scratch=SCRATCH)

    assert ended.reason == "timed out"
    assert sh(machine, "ls -A /srv/new") == (0, "")


def test_a_scratch_folder_that_cannot_be_made_fails_the_command(machine: Machine) -> None:
    sh(machine, "mkdir -p /srv/new/scratch; touch /srv/file")
    said: list[str] = []
    for scratch in (SCRATCH, replace(SCRATCH, folder="/srv/file/x")):
        ended = run(
            machine,
            ["echo", "never"],
            on_line=lambda line: said.append(line.text),
            scratch=scratch,
        )
        assert ended.code == 1

    assert said == ["/srv/new/scratch: File exists", "/srv/file: Not a directory"]


def test_a_scratch_folder_belongs_to_the_user_of_its_command(inhabited: Machine) -> None:
    folder = replace(SCRATCH, folder="/tmp/scratch")
    script = "cd /tmp/scratch && sh a.sh && touch c && stat -c %u . *"

    code, output = sh(inhabited, script, scratch=folder, user="web")

    assert (code, output) == (0, "é \\\n1000\n1000\n1000\n1000")


def test_files_go_in_and_come_out(machine: Machine) -> None:
    content = bytes(range(256)) * 1000

    machine.put_file("/srv/new/dir/file", content, mode=0o751)

    assert machine.get_file("/srv/new/dir/file") == content
    assert "-rwxr-x--x" in sh(machine, "ls -l /srv/new/dir/file")[1]


def test_an_existing_file_is_replaced_whole(machine: Machine) -> None:
    machine.put_file("/srv/file", b"a long text")

    machine.put_file("/srv/file", b"short")

    assert machine.get_file("/srv/file") == b"short"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("/nowhere", "No such file", id="absent"),
        pytest.param("/etc", "not a regular file", id="a directory"),
        pytest.param("/dev/zero", "not a regular file", id="a device"),
        pytest.param("/fifo", "not a regular file", id="a FIFO"),
        pytest.param("/large", "larger than 1048576 bytes", id="too large"),
        pytest.param("relative", "absolute", id="relative"),
        pytest.param("/loop", "symbolic links", id="a loop of links"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(machine: Machine, path: str, reason: str) -> None:
    sh(machine, "mkfifo /fifo; dd if=/dev/zero of=/large bs=1M count=2; ln -s loop /loop")

    with pytest.raises(MachineError, match=reason):
        machine.get_file(path)


def test_writing_where_that_is_impossible_says_why(machine: Machine) -> None:
    sh(machine, "mkfifo /fifo")

    with pytest.raises(MachineError, match="Not a directory"):
        machine.put_file("/etc/passwd/x", b"")
    with pytest.raises(MachineError, match="/fifo"):
        machine.put_file("/fifo", b"")
    assert sh(machine, "echo fine") == (0, "fine")


@pytest.mark.parametrize("path", ["/link", "/../../../../../../etc/shadow-of-host", "/up/x"])
def test_no_path_leads_out_of_the_machine(machine: Machine, path: str) -> None:
    """A guest's links and ``..`` end at the guest's root."""
    sh(machine, "ln -s /etc/hostname-of-host /link; ln -s ../../../../../../../.. /up")

    machine.put_file(path, b"inside")

    assert machine.get_file(path) == b"inside"
    assert sh(machine, f"cat {path}") == (0, "inside")


def test_committing_without_a_change_gives_the_same_layer(machine: Machine, any_tiny: str) -> None:
    sh(machine, "cat /etc/passwd; touch /run/x /dev/shm/y; echo z >/dev/null")

    first, second = machine.commit(), machine.commit()

    assert first == any_tiny
    assert second == any_tiny


def test_a_machine_goes_on_from_its_layer_and_another_starts_there(launch: Launch) -> None:
    machine = launch()
    sh(machine, "echo one > /srv-one; rm /var/old/file; rm -r /etc/apt; mkdir /etc/apt")

    layer_id = machine.commit()
    sh(machine, "echo two > /srv-two")
    top = machine.commit()

    assert len({layer_id, top}) == 2
    assert sh(launch(layer_id), "cat /srv-*; ls /var/old; ls /etc/apt") == (0, "one")
    assert sh(launch(top), "cat /srv-*; ls /var/old; ls /etc/apt") == (0, "one\ntwo")


def test_what_is_not_committed_is_gone(launch: Launch) -> None:
    machine = launch()
    layer_id = machine.commit()
    sh(machine, "touch /lost")

    machine.terminate()

    assert sh(launch(layer_id), "test -e /lost")[0] == 1


def test_a_reboot_keeps_the_disk_and_ends_the_processes(machine: Machine) -> None:
    sh(machine, "touch /kept /run/lost; (setsid sleep 91 >/dev/null 2>&1 &)")

    machine.reboot()

    code, output = sh(machine, "ls /kept /run; ps")
    assert code == 0
    assert "/kept" in output
    assert "lost" not in output
    assert "sleep 91" not in output


def test_the_hostname_is_the_instance_and_resolves(machine: Machine) -> None:
    code, output = sh(machine, "hostname; ping -c1 -W1 $(hostname) || cat /etc/hosts")

    assert code == 0
    assert output.startswith(machine.id)
    assert "127.0.1.1" in output


def test_terminating_twice_does_nothing_and_then_it_is_over(machine: Machine) -> None:
    machine.terminate()
    machine.terminate()

    with pytest.raises(MachineError, match="terminated"):
        sh(machine, "true")
