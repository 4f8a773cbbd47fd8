"""Remove from a Linux machine what must not be in an image that others start.

Host keys, the machine id, shell histories, logs, caches and the traces of first boot go, so that
every machine started from the image makes its own. Nothing is done for container images.
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
[ -f "$WORKING_DIRECTORY/skip_cleanup_toe_files" ] || rm -rf "$WORKING_DIRECTORY"/TOE_*
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
rm -f /root/.bash_history /home/*/.bash_history /root/.sh_history /home/*/.sh_history
rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem
if [ -f /etc/machine-id ]; then : > /etc/machine-id; fi
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed
empty='for log; do : > "$log"; done'
[ ! -d /var/log ] || find /var/log -type f -exec sh -c "$empty" sh {} +
rm -rf /var/lib/amazon/ssm /var/lib/amazon/toe /var/lib/dhcp/*.leases
if command -v apt-get > /dev/null 2>&1; then apt-get clean; fi
rm -rf /var/cache/yum /var/cache/dnf /var/cache/apt/pkgcache.bin /var/cache/apt/srcpkgcache.bin
exit 0
"""


def run(inputs: OneInstance, context: StepContext) -> CommandOutputs:
    """Run the clean-up script."""
    if context.plan.image_type == "DOCKER":
        output = "Skipping cleanup"
    else:
        environment = {"WORKING_DIRECTORY": context.plan.working_directory}
        script = Script(name="SanitizeInstance", text=_SCRIPT, environment=environment)
        output = run_script(script, inputs.instance_id, context)
    return CommandOutputs(run_command_id=command_id(context.token), status="Success", output=output)
