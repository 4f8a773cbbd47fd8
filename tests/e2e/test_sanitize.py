"""What SanitizeInstance removes, in a real image."""

import pytest
from tests.e2e.conftest import Bench
from tests.e2e.test_builds import command
from tests.e2e.test_machine_actions import build, outputs, step

# The script in the service's user guide, "Required post-build clean up"; by the names of the files
# with which parts of it are skipped. What cannot be skipped stands under "".
PARTS = {
    "cloudinit_files": [
        *("/etc/sudoers.d/90-cloud-init-users", "/etc/locale.conf", "/var/log/cloud-init.log"),
        *("/var/log/cloud-init-output.log", "/var/lib/cloud/instance/user-data.txt"),
        *("/var/lib/cloud/data/instance-id", "/var/lib/cloud/.hidden"),
    ],
    "instance_files": [
        *("/etc/.updated", "/etc/aliases.db", "/etc/hostname", "/var/.updated"),
        *("/var/lib/misc/postfix.aliasesdb-stamp", "/var/lib/postfix/master.lock"),
        *("/var/spool/postfix/pid/master.pid", "/var/cache/yum/x86_64/2/.gpgkeyschecked.yum"),
    ],
    "ssh_files": [
        *(f"/etc/ssh/ssh_host_{kind}_key{end}" for kind in ("rsa", "dsa") for end in ("", ".pub")),
        *("/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"),
        *("/root/.ssh/authorized_keys", "/home/admin/.ssh/authorized_keys"),
    ],
    "instance_log_files": [
        *("/var/log/audit/audit.log", "/var/log/boot.log", "/var/log/dmesg", "/var/log/cron"),
        *("/var/log/journal/0/system.journal", "/var/log/sa/sa01", "/var/log/a log"),
    ],
    "ssm_log_files": ["/var/log/amazon/ssm/amazon-ssm-agent.log"],
    "toe_files": ["/opt/here/TOE_2026-01-01/console.log"],
    "": [
        *("/root/.bash_history", "/home/admin/.bash_history", "/home/admin/.python_history"),
        *("/etc/machine-id", "/var/lib/systemd/random-seed", "/var/lib/rsyslog/imjournal.state"),
        *("/var/lib/dhclient/dhclient-eth0.lease", "/var/lib/dhcp/dhclient.leases"),
        *("/var/tmp/left/over", "/var/tmp/.hidden", "/var/lib/amazon/ssm/state"),
        *("/var/cache/apt/archives/a_1_all.deb", "/var/cache/apt/pkgcache.bin"),
    ],
}
FLAGS = [part for part in PARTS if part]
FILES = [path for paths in PARTS.values() for path in paths]
# It is spared with the instance files, but goes with the whole cache.
ALWAYS = {"/var/cache/yum/x86_64/2/.gpgkeyschecked.yum"}
FILL = [
    'fill() { mkdir -p "${1%/*}" && rm -f "$1" && echo secret > "$1"; }',
    *(f"fill '{path}'" for path in FILES),
]
STILL_THERE = [f"[ ! -s '{path}' ] || echo '{path}'" for path in FILES]


def sanitized(bench: Bench, *flags: str) -> str:
    """Build an image of a machine full of what must go, with files that say what to skip."""
    skip = [f"touch /opt/here/skip_cleanup_{flag}" for flag in flags]
    steps = (
        command("Fill", *FILL, *skip),
        step("Clean", "SanitizeInstance"),
        command("Look", *STILL_THERE, "true"),
    )
    return build(bench, *steps, recipe=bench.recipe(workingDirectory="/opt/here"))


def still_there(bench: Bench, arn: str) -> set[str]:
    return set(outputs(bench, arn, "Look")["output"][0].splitlines())


def test_everything_of_the_guides_script_goes(bench: Bench) -> None:
    """workflow-documents.md §7.17."""
    arn = sanitized(bench)

    bench.built(arn)

    assert still_there(bench, arn) == set()
    assert outputs(bench, arn, "Clean")["output"] == "Sanitize OK\n"


@pytest.mark.parametrize("flag", FLAGS)
def test_a_part_is_skipped_by_a_file_of_its_name(bench: Bench, flag: str) -> None:
    arn = sanitized(bench, flag)

    bench.built(arn)

    assert still_there(bench, arn) == set(PARTS[flag]) - ALWAYS
    assert f"Skipping cleanup of {flag}" in outputs(bench, arn, "Clean")["output"]


def test_what_cannot_be_removed_fails_the_step(bench: Bench) -> None:
    arn = build(
        bench,
        command("Hide", "mv /usr/bin/find /usr/bin/hidden", "echo x > /var/log/boot.log"),
        step("Clean", "SanitizeInstance"),
    )

    assert "find: not found" in bench.finished(arn)["state"]["reason"]
