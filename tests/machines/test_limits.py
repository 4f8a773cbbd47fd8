"""Where cgroups may be made, read from what the kernel shows."""

from pathlib import Path

import pytest

from imagewright.machines import limits
from imagewright.machines.limits import CgroupParent, Limits, NoCgroup, find_parent, missing_limits

WANTED = Limits(memory_bytes_max=1 << 20, cpus_max=0.5)


def test_no_limit_wants_no_cgroup() -> None:
    assert Limits().wanted_controllers == ()
    assert missing_limits(Limits()) == []


@pytest.mark.parametrize(
    ("version", "controller", "settings"),
    [
        (1, "memory", {"memory.limit_in_bytes": "1048576"}),
        (1, "cpu", {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}),
        (2, "memory", {"memory.max": "1048576", "memory.oom.group": "0"}),
        (2, "cpu", {"cpu.max": "50000 100000"}),
    ],
)
def test_limits_are_written_as_the_version_has_them(
    version: limits.Version, controller: limits.Controller, settings: dict[str, str]
) -> None:
    assert CgroupParent(controller, version, Path("/x")).settings(WANTED) == settings


def unified(directory: Path, *, controllers: str) -> Path:
    (directory / "cgroup.controllers").write_text(controllers)
    (directory / "cgroup.subtree_control").write_text("")
    return directory


def test_a_delegated_cgroup_of_version_2_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = unified(tmp_path, controllers="cpu memory pids")
    monkeypatch.setattr(limits, "_own_paths", lambda: {"": own})

    assert find_parent("memory") == CgroupParent("memory", 2, own)


def test_what_is_not_delegated_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = unified(tmp_path, controllers="pids")
    monkeypatch.setattr(limits, "_own_paths", lambda: {"": own})

    with pytest.raises(NoCgroup, match="Delegate=yes"):
        find_parent("memory")
    assert missing_limits(WANTED) == [
        f"the limit on {controller} does not hold: {own} is not delegated "
        "(run under systemd with Delegate=yes)"
        for controller in ("memory", "cpu")
    ]


def test_a_host_without_cgroups_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_own_paths", dict)

    with pytest.raises(NoCgroup, match="no cgroups are mounted"):
        find_parent("cpu")
