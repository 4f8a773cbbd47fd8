"""Remove from a Linux machine what must not be in an image that others start.

Host keys, the machine id, shell histories, logs, caches and the traces of first boot go, so that
every machine started from the image makes its own. Nothing is done for container images.

An empty file in the working directory keeps a part of it from happening, as with the service's
own script; it has no ending, and stays in the image unless a later component removes it:

- `skip_cleanup_cloudinit_files`: what cloud-init left, `/etc/locale.conf` and its sudoers file
- `skip_cleanup_instance_files`: the host name, mail aliases and marks of the last update
- `skip_cleanup_ssh_files`: host keys, and the `authorized_keys` of all users
- `skip_cleanup_instance_log_files`: the logs below `/var/log`
- `skip_cleanup_ssm_log_files`: those of the Systems Manager agent
- `skip_cleanup_toe_files`: what component runs left in `TOE_*`

Beyond the service's script, shell histories, the state of the agent, DHCP leases of every client
and caches of package managers go too, and all logs are emptied rather than some deleted.
"""

from imagewright.actions.common import HOUR, CommandOutputs, OneInstance, command_id
from imagewright.actions.scripts import Script, run_script
from imagewright.documents.specs import ActionSpec, ImageType, Platform
from imagewright.engine.ports import StepContext

SPEC = ActionSpec(
    name="SanitizeInstance",
    page=__doc__,
    inputs=OneInstance,
    outputs=CommandOutputs,
    image_types=frozenset({ImageType.AMI}),
    platforms=frozenset({Platform.LINUX}),
    timeout_default_seconds=HOUR,
    timeout_max_seconds=12 * HOUR,
    built=True,
)

_SCRIPT = """\
set -u
failed=0
wanted() { [ ! -e "$WORKING_DIRECTORY/skip_cleanup_$1" ] || ! echo "Skipping cleanup of $1"; }
drop() {
    rm -rf -- "$@"
    for path; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            echo "Failed to delete $path" >&2
            failed=1
        fi
    done
}
blank() {
    for path; do
        if [ ! -L "$path" ] && [ -e "$path" ]; then : > "$path" || failed=1; fi
    done
}

if wanted cloudinit_files; then
    drop /etc/sudoers.d/90-cloud-init-users /etc/locale.conf
    drop /var/log/cloud-init.log /var/log/cloud-init-output.log
    drop /var/lib/cloud/* /var/lib/cloud/.[!.]*
fi
if wanted instance_files; then
    drop /etc/.updated /var/.updated /etc/aliases.db /etc/hostname
    drop /var/lib/misc/postfix.aliasesdb-stamp /var/lib/postfix/master.lock
    drop /var/spool/postfix/pid/master.pid /var/cache/yum/x86_64/2/.gpgkeyschecked.yum
fi
if wanted ssh_files; then
    drop /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
    drop /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
fi
if wanted ssm_log_files; then
    drop /var/log/amazon/ssm
fi
if wanted instance_log_files && [ -d /var/log ]; then
    drop /var/log/journal/* /var/log/sa/sa*
    keep='-path /var/log/amazon/ssm -o -path /var/log/cloud-init*.log'
    set -f
    find /var/log \\( $keep \\) -prune -o -type f -exec sh -c "$EMPTY" sh {} + || failed=1
    set +f
fi
if wanted toe_files; then
    drop "$WORKING_DIRECTORY"/TOE_*
fi

drop /root/.*_history /home/*/.*_history
blank /etc/machine-id /var/lib/dbus/machine-id
drop /var/lib/systemd/random-seed /var/lib/rsyslog/imjournal.state
drop /var/lib/dhclient/*.lease* /var/lib/dhcp/*.lease*
drop /var/tmp/* /var/tmp/.[!.]*
drop /var/lib/amazon/ssm /var/lib/amazon/toe /tmp/imagebuilder_service
if command -v apt-get > /dev/null 2>&1; then apt-get clean; fi
drop /var/cache/yum /var/cache/dnf /var/cache/apt/pkgcache.bin /var/cache/apt/srcpkgcache.bin
[ "$failed" = 0 ] && echo "Sanitize OK"
exit "$failed"
"""
_EMPTY = 'for log; do : > "$log"; done'


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs:
    """Run the clean-up script."""
    if context.plan.image_type == "DOCKER":
        output = "Skipping cleanup"
    else:
        environment = {"WORKING_DIRECTORY": context.plan.working_directory, "EMPTY": _EMPTY}
        script = Script(name="SanitizeInstance", text=_SCRIPT, environment=environment)
        output = run_script(script, inputs.instance_id, context)
    return CommandOutputs(run_command_id=command_id(context.token), status="Success", output=output)
