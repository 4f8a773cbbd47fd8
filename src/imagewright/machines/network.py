"""The network of a machine: its own, the host's, or none.

A network of its own is a network namespace joined to the host's by slirp4netns or pasta, which
need no rights. Whether that really works here is found out by doing it once, with a time-out, since
a program that is there and hangs is real; the verdict holds until the host starts anew.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imagewright.machines.idmap import current_map
from imagewright.machines.ledger import this_boot
from imagewright.machines.machine import MachineError
from imagewright.machines.namespaces import Namespace
from imagewright.process import ENVIRONMENT

Mode = Literal["own", "host", "none"]

_PROBE_SECONDS = 15.0
"""How long a program may take to bring a network up before it is taken to hang.

A verdict lasts, and a machine whose network does not come up is none: a busy host must not look
like one that cannot.
"""
_TUN = Path("/dev/net/tun")

# Becomes the program, with a watcher that kills it when our end of its input closes, however we
# ended.
_TIED = 'exec 3<&0; (read -r _ <&3; kill -9 $$) & exec "$@" </dev/null 3<&-'


@dataclass(frozen=True, slots=True)
class Attacher:
    """A program that joins a network namespace to the host's network."""

    name: str
    nameserver: str
    """Where it answers DNS for the guest."""
    works_as_root: bool

    def argv(self, user_namespace: str, network_namespace: str) -> list[str]:
        """Return the command for a network namespace; the host's loopback stays out of reach."""
        if self.name == "pasta":
            # An address of its own: by default the guest takes the host's, and then cannot reach
            # a mirror or proxy that the host itself runs.
            return [
                "pasta", "--foreground", "--quiet", "--config-net", "--no-map-gw", "--ipv4-only",
                "--address", "10.0.2.100", "--netmask", "24", "--gateway", "10.0.2.2",
                "--dns-forward", self.nameserver, "-t", "none", "-u", "none", "-T", "none",
                "-U", "none", "--userns", user_namespace, "--netns", network_namespace,
            ]  # fmt: skip
        return [
            "slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback",
            f"--userns-path={user_namespace}", "--netns-type=path", network_namespace, "tap0",
        ]  # fmt: skip


ATTACHERS = (
    Attacher("pasta", "169.254.1.1", works_as_root=False),
    Attacher("slirp4netns", "10.0.2.3", works_as_root=True),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Can machines have a network of their own here?"""

    attacher: Attacher | None
    reason: str
    """Why not, with the way out; or by which program."""


@dataclass(frozen=True, slots=True)
class Link:
    """How one machine is connected."""

    mode: Mode
    attacher: Attacher | None = None

    @property
    def is_separate(self) -> bool:
        """Does the machine have a network namespace, joined or not?"""
        return self.mode != "host"

    def resolv_conf(self) -> str | None:
        """Return what the guest's resolver reads; None where there is nothing to ask."""
        if self.mode == "none":
            return None
        host = _host_resolver()
        if self.attacher is None:
            return "\n".join(host) + "\n"
        search = [line for line in host if line.split()[:1] in (["search"], ["domain"])]
        return "\n".join([*search, f"nameserver {self.attacher.nameserver}"]) + "\n"

    @contextmanager
    def attached(self, namespace: Namespace) -> Iterator[None]:
        """Keep the machine's network joined to the host's. Raises MachineError."""
        if self.attacher is None:
            yield
            return
        with _running(self.attacher.argv(*namespace.paths)) as process:
            if not _comes_up(namespace, process, _PROBE_SECONDS):
                raise MachineError(
                    f"{self.attacher.name} did not connect the machine within {_PROBE_SECONDS:g} s"
                )
            yield


class Network:
    """Decides how machines are connected, and remembers what works here."""

    def __init__(
        self, mode: Mode, *, directory: Path, verdict_file: Path, may_fall_back: bool = True
    ) -> None:
        """``directory`` is where the probe starts; any that root inside may enter."""
        self._mode: Mode = mode
        self._directory = directory
        self._verdict_file = verdict_file
        self._may_fall_back = may_fall_back

    def link(self, on_notice: Callable[[str], None]) -> Link:
        """Return how the next machine is connected; a fall-back is said, or refused.

        Raises MachineError if a network of its own does not work and falling back is forbidden.
        """
        if self._mode != "own":
            return Link(self._mode)
        verdict = self.verdict()
        if verdict.attacher is not None:
            return Link("own", verdict.attacher)
        if not self._may_fall_back:
            raise MachineError(
                f"the machine cannot have a network of its own: {verdict.reason}. "
                "Falling back to the host's is forbidden (sandbox.network_fallback = false)"
            )
        on_notice(
            f"the machine uses the host's network, and the host's loopback is within its reach: "
            f"{verdict.reason}"
        )
        return Link("host")

    def verdict(self) -> Verdict:
        """Find out, or remember, whether a network of its own works here."""
        circumstances = _circumstances()
        remembered = self._remembered(circumstances)
        if remembered is None:
            remembered = self._probe()
            self._remember(circumstances, remembered)
        return remembered

    def _probe(self) -> Verdict:
        reasons = []
        for attacher in ATTACHERS:
            reason = self._try(attacher)
            if reason is None:
                return Verdict(attacher, f"by {attacher.name}")
            reasons.append(f"{attacher.name} {reason}")
        return Verdict(None, "; ".join(reasons))

    def _try(self, attacher: Attacher) -> str | None:
        """Attach a throw-away namespace; return why that did not work."""
        if shutil.which(attacher.name, path=ENVIRONMENT["PATH"]) is None:
            package = "passt" if attacher.name == "pasta" else attacher.name
            return f"is not installed (apt-get install {package})"
        if os.geteuid() == 0 and not attacher.works_as_root:
            return "does not serve root"
        if not os.access(_TUN, os.R_OK | os.W_OK):
            return f"may not open {_TUN} (as root: chmod 0666 {_TUN})"
        namespace = Namespace(self._directory, current_map(), own_network=True, name="probe")
        with namespace, _running(attacher.argv(*namespace.paths)) as process:
            if _comes_up(namespace, process, _PROBE_SECONDS):
                return None
            return f"did not bring a network up within {_PROBE_SECONDS:g} s"

    def _remembered(self, circumstances: list[object]) -> Verdict | None:
        try:
            found = json.loads(self._verdict_file.read_text("utf-8"))
            if found["circumstances"] != circumstances:
                return None
            attacher = next((a for a in ATTACHERS if a.name == found["attacher"]), None)
            return Verdict(attacher, str(found["reason"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, circumstances: list[object], verdict: Verdict) -> None:
        content = {
            "circumstances": circumstances,
            "attacher": verdict.attacher.name if verdict.attacher else None,
            "reason": verdict.reason,
        }
        temporary = self._verdict_file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(content), "utf-8")
        temporary.replace(self._verdict_file)


def _circumstances() -> list[object]:
    """What a verdict depends on: this start of the host, the user, the programs, the device."""
    facts: list[object] = [this_boot(), os.geteuid()]
    for path in (shutil.which(a.name, path=ENVIRONMENT["PATH"]) for a in ATTACHERS):
        facts.append([path, Path(path).stat().st_mtime_ns] if path else None)
    with suppress(OSError):
        facts.append(_TUN.stat().st_mode)
    return facts


def _host_resolver() -> list[str]:
    try:
        lines = Path("/etc/resolv.conf").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip() and not line.lstrip().startswith(("#", ";"))]


@contextmanager
def _running(argv: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program for as long as the block, and in no case longer than this process lives."""
    process = subprocess.Popen(
        ["sh", "-c", _TIED, "sh", *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(ENVIRONMENT),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def _comes_up(
    namespace: Namespace, process: "subprocess.Popen[bytes]", timeout_seconds: float
) -> bool:
    """Wait until the namespace has a way out."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline and process.poll() is None:
        if namespace.call("routes")["has_default"]:
            return True
        time.sleep(0.005)
    return False
