"""What a hostile guest tries, and how far it gets."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.machines.conftest import Launch
from tests.machines.lab import Lab, run, sh

from imagewright import process
from imagewright.machines.limits import Limits, missing_limits
from imagewright.machines.machine import Machine, MachineError
from imagewright.machines.sandbox import SandboxOptions


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("mknod /dev/sda b 8 0", id="a disk"),
        pytest.param("mknod /tmp/mem c 1 1", id="memory"),
        pytest.param("mount -t tmpfs none /mnt", id="a mount"),
        pytest.param("umount /proc", id="an unmount"),
        pytest.param("unshare -U true", id="a user namespace"),
        pytest.param("chroot / unshare -m true", id="a mount namespace"),
        pytest.param("echo 1 > /proc/sys/kernel/panic", id="a kernel setting"),
        pytest.param("echo b > /proc/sysrq-trigger", id="the kernel's emergency key"),
        pytest.param("nsenter -t 1 -m true", id="another's namespaces"),
        pytest.param("hostname other", id="the host name"),
        pytest.param("insmod /bin/busybox", id="a kernel module"),
        pytest.param("swapoff -a && swapon /bin/busybox", id="swap"),
        pytest.param("date -s 2001-01-01; test $(date +%Y) = 2001", id="the clock"),
        pytest.param("cat /proc/1/environ", id="the first process's environment"),
        pytest.param("ls /proc/1/root/", id="the first process's root"),
        pytest.param("ls /proc/1/fd/", id="the first process's files"),
        pytest.param("cat /proc/kcore | head -c 1 | grep .", id="the kernel's memory"),
    ],
)
def test_a_guest_is_refused(machine: Machine, script: str) -> None:
    code, output = sh(machine, script)

    assert code != 0, output
    assert sh(machine, "echo fine") == (0, "fine")


def test_a_guest_sees_none_of_the_hosts_files_or_processes(machine: Machine) -> None:
    code, output = sh(machine, "ls /; ps; cat /proc/mounts; tr '\\0' ' ' < /proc/1/cmdline")

    assert code == 0
    for trace in ("pytest", str(Path.cwd()), "python", "/home", "/work"):
        assert trace not in output


def test_a_guest_cannot_end_its_first_process_nor_what_watches_it(machine: Machine) -> None:
    sh(machine, "kill -9 1")

    assert sh(machine, "echo fine") == (0, "fine")


def test_a_command_that_kills_everything_it_can_fails_alone(machine: Machine) -> None:
    run(machine, ["sh", "-c", "kill -9 -1; echo still here"])

    assert sh(machine, "echo fine") == (0, "fine")


def test_programs_may_gain_privileges_inside(machine: Machine) -> None:
    """``sudo`` and ``su`` need it; outside, a setuid file belongs to nobody of consequence."""
    assert "NoNewPrivs:\t0" in sh(machine, "grep NoNewPrivs /proc/self/status")[1]


def test_the_capabilities_are_those_of_a_container(machine: Machine) -> None:
    code, output = sh(machine, "grep -E 'Cap(Prm|Eff|Bnd)|Seccomp:' /proc/self/status")

    assert code == 0
    values = {line.split(":")[0]: line.split()[-1] for line in output.splitlines()}
    assert values == {
        "CapPrm": "00000000a80425fb",
        "CapEff": "00000000a80425fb",
        "CapBnd": "00000000a80425fb",
        "Seccomp": "2",
    }


def test_a_fork_bomb_ends_with_its_time(launch: Launch) -> None:
    machine = launch()

    result = run(
        machine,
        ["sh", "-c", "ulimit -u 1000; b() { b | b & }; b; exec sleep 100"],
        timeout_seconds=1,
    )

    assert result.reason == "timed out"
    assert result.seconds < 60  # ten of which a command has to end by itself
    assert sh(machine, "ps | wc -l")[0] == 0


def test_links_swapped_meanwhile_lead_nowhere_else(machine: Machine) -> None:
    """Files are opened inside: there is nothing outside to win a race for."""
    sh(
        machine,
        "mkdir /a; (while true; do ln -sfn /../../../../tmp /a/x; rm -rf /a/x; mkdir /a/x; done)"
        " >/dev/null 2>&1 &",
    )
    marker = Path("/tmp/imagewright-escaped")

    for _attempt in range(50):
        try:
            machine.put_file("/a/x/imagewright-escaped", b"out")
        except MachineError:
            continue

    assert not marker.exists()


def test_the_limits_hold(lab: Lab, tiny: str) -> None:
    limits = Limits(processes_max=20, open_files_max=32, file_bytes_max=1 << 20)
    machine = lab.launch(tiny, options=SandboxOptions(limits=limits))

    with_files = sh(machine, "ulimit -n; ulimit -u")
    large = sh(machine, "dd if=/dev/zero of=/large bs=64k count=100; ls -l /large | cut -c20-60")
    many = sh(machine, "for i in $(seq 40); do sleep 30 & done")
    machine.terminate()

    assert with_files == (0, "32\n20")
    assert "1048576" in large[1]
    assert many[0] != 0 or "fork" in many[1]


def test_the_limit_on_memory_ends_what_exceeds_it(lab: Lab, tiny: str) -> None:
    limits = Limits(memory_bytes_max=64 << 20, cpus_max=1.5)
    if missing_limits(limits):
        pytest.skip("no cgroup is delegated to this process")
    machine = lab.launch(tiny, options=SandboxOptions(limits=limits))
    groups = list(Path("/sys/fs/cgroup").glob(f"**/imagewright-{machine.id}"))

    # tail keeps what it reads until the end
    script = "dd if=/dev/zero bs=1M count=256 | tail -c 250000000 | wc -c"
    result = run(machine, ["sh", "-c", script])
    survived = sh(machine, "echo fine")
    machine.terminate()

    assert groups
    assert result.seconds < 30
    assert any("lack of memory" in notice for notice in lab.notices)
    assert survived == (0, "fine")
    assert not any(group.exists() for group in groups)


@pytest.mark.skipif(os.geteuid() == 0, reason="root's interpreter is out of a guest's reach")
def test_an_interpreter_that_the_guest_could_write_to_is_mounted_read_only(
    tmp_path: Path,
) -> None:
    """A guest can have us execute our own program in its place, and then open that file."""
    interpreter = tmp_path / "python"
    shutil.copy(Path(sys.executable).resolve(), interpreter)
    script = (
        "import sys; from pathlib import Path\n"
        "from imagewright.machines.idmap import current_map\n"
        "from imagewright.machines.namespaces import Namespace\n"
        f"namespace = Namespace(Path({str(tmp_path)!r}), current_map())\n"
        "print(Path(f'/proc/{namespace.pid}/mountinfo').read_text()); namespace.close()\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHOME": sys.base_prefix}

    done = process.run([str(interpreter), "-c", script], timeout_seconds=30, env=environment)

    (line,) = [ln for ln in done.stdout.decode().splitlines() if str(interpreter) in ln]
    assert line.split()[5].startswith("ro")
