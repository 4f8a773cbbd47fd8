"""UpdateOS (``component-documents.md`` §7.4, O-17), with package managers that write down what
they are told. The real ones are met by the end-to-end tests.
"""

import pytest
from tests.runner.conftest import Lab

from imagewright.runner.environment import RunEnvironment

_SCRIPTED = """
mkdir -p /opt/bin
for program in sh cat id mkdir rm env; do ln -sf /usr/bin/$program /opt/bin/$program; done
for program in "$@"; do
    cat >/opt/bin/$program <<'end'
#!/bin/sh
if [ "$*" = showhold ]; then echo already; exit; fi
if [ "$*" = '--terse locks' ]; then echo already; exit; fi
echo "${0##*/} $*${DEBIAN_FRONTEND:+ ($DEBIAN_FRONTEND)}" >>/opt/told
case "$*" in *fails*) exit 100 ;; esac
end
    chmod 755 /opt/bin/$program
done
"""
_APT_UPDATE = (
    "apt-get -q -oDpkg::Options::=--force-confdef -oDpkg::Options::=--force-confold{} "
    "(noninteractive)"
)


def update(lab: Lab, *programs: str, **inputs: object) -> tuple[str, list[str]]:
    """Run UpdateOS where these programs are; say what went wrong and what they were told."""
    lab.sh(_SCRIPTED, *programs)
    step: dict[str, object] = {"name": "A", "action": "UpdateOS"}
    if inputs:
        step["inputs"] = inputs
    result = lab.run(
        {"phases": [{"name": "build", "steps": [step]}]},
        environment=RunEnvironment(variables={"PATH": "/opt/bin"}),
    )
    told = lab.read("/opt/told").decode().splitlines() if lab.exists("/opt/told") else []
    return result.failure.message if result.failure else "", told


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("dnf", ["dnf -y upgrade"]),
        ("yum", ["yum -y update"]),
        ("zypper", ["zypper --non-interactive refresh", "zypper --non-interactive update"]),
    ],
)
def test_all_packages_are_updated(program: str, told: list[str], lab: Lab) -> None:
    assert update(lab, program) == ("", told)


def test_apt_updates_all_packages_and_asks_nothing(lab: Lab) -> None:
    assert update(lab, "apt-get", "apt-mark") == (
        "",
        [_APT_UPDATE.format(" update"), _APT_UPDATE.format(" -y upgrade --with-new-pkgs")],
    )


def test_the_first_manager_there_is_used(lab: Lab) -> None:
    assert update(lab, "zypper", "yum", "dnf", "apt-get") == ("", ["dnf -y upgrade"])


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("dnf", ["dnf -y --exclude=b --exclude=c upgrade a"]),
        ("yum", ["yum -y --exclude=b --exclude=c update a"]),
        (
            "zypper",
            [
                "zypper --non-interactive refresh",
                "zypper --non-interactive addlock b c",
                "zypper --non-interactive update a",
                "zypper --non-interactive removelock b c",
            ],
        ),
    ],
)
def test_what_is_excluded_is_taken_off_what_is_included(
    program: str, told: list[str], lab: Lab
) -> None:
    assert update(lab, program, include=["a", "b"], exclude=["b", "c"]) == ("", told)


def test_apt_holds_what_is_excluded_and_lets_go_of_it_again(lab: Lab) -> None:
    said = update(lab, "apt-get", "apt-mark", include=["a"], exclude=["b", "already"])

    assert said == (
        "",
        [
            _APT_UPDATE.format(" update"),
            "apt-mark hold b",
            _APT_UPDATE.format(" -y install --only-upgrade a"),
            "apt-mark unhold b",
        ],
    )


def test_apt_lets_go_of_it_also_after_a_failure(lab: Lab) -> None:
    message, told = update(lab, "apt-get", "apt-mark", include=["fails"], exclude=["b"])

    assert message == "apt-get install failed: exit status 100"
    assert told[-1] == "apt-mark unhold b"


def test_nothing_is_left_when_everything_is_excluded(lab: Lab) -> None:
    assert update(lab, "dnf", include=["a"], exclude=["a"]) == ("", [])


@pytest.mark.parametrize(
    ("programs", "inputs", "message"),
    [
        ([], {}, "the machine has none of dnf, yum, apt-get, zypper to update with"),
        (["dnf"], {"include": ["-y"]}, "this cannot be the name of a package: '-y'"),
        (["dnf"], {"exclude": ["a b"]}, "this cannot be the name of a package: 'a b'"),
        (["dnf"], {"include": [""]}, "this cannot be the name of a package: ''"),
        (["dnf"], {"include": ["fails"]}, "dnf upgrade failed: exit status 100"),
    ],
)
def test_what_cannot_be_updated_says_why(
    programs: list[str], inputs: dict[str, object], message: str, lab: Lab
) -> None:
    assert update(lab, *programs, **inputs)[0] == message


def test_only_root_may_update(lab: Lab) -> None:
    lab.sh(_SCRIPTED, "dnf")
    lab.sh("printf '#!/bin/sh\\necho 1000' >/opt/bin/me; chmod 755 /opt/bin/me")
    lab.sh("rm /opt/bin/id; mv /opt/bin/me /opt/bin/id")

    result = lab.run(
        {"phases": [{"name": "build", "steps": [{"name": "A", "action": "UpdateOS"}]}]},
        environment=RunEnvironment(variables={"PATH": "/opt/bin"}),
    )

    assert result.failure is not None
    assert result.failure.message == "UpdateOS needs root"


@pytest.mark.parametrize(
    ("programs", "inputs", "message", "last"),
    [
        (["yum"], {"include": ["fails"]}, "yum update failed: exit status 100", None),
        (
            ["zypper"],
            {"include": ["fails"], "exclude": ["b"]},
            "zypper update failed: exit status 100",
            "zypper --non-interactive removelock b",
        ),
    ],
)
def test_every_manager_tells_of_a_failure_and_unlocks(
    programs: list[str], inputs: dict[str, object], message: str, last: str | None, lab: Lab
) -> None:
    said, told = update(lab, *programs, **inputs)

    assert said == message
    assert last is None or told[-1] == last


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("dnf", "dnf -y --exclude=b upgrade"),
        ("yum", "yum -y --exclude=b update"),
        ("zypper", "zypper --non-interactive update"),
    ],
)
def test_what_is_excluded_alone_leaves_all_others_to_update(
    program: str, what: str, lab: Lab
) -> None:
    message, told = update(lab, program, exclude=["b"])

    assert message == ""
    assert what in told
