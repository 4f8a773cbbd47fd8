"""A process that holds machines and makes layers until it is killed; run by the crash tests."""

import sys
import threading
from pathlib import Path

from tests.machines.lab import Lab, sh


def main() -> None:
    """Launch a machine with a daemon and a running command, say so, and go on for ever."""
    state, what = Path(sys.argv[1]), sys.argv[2]
    lab = Lab(state)
    tiny = lab.tiny()
    if what == "machine":
        machine = lab.launch(tiny)
        sh(machine, "(setsid sleep 1234 >/dev/null 2>&1 &); touch /half-written")
        print(machine.pid, flush=True)
        threading.Thread(target=lambda: print("ready", flush=True)).start()
        sh(machine, "sleep 4321")
    elif what == "base":
        from dataclasses import replace

        from tests.machines.lab import TINY, mirror

        from imagewright.images.bases import Bases

        slow = replace(TINY, name="slow", packages=("busybox-static", "netbase"))
        bases = Bases(lab.layers, locks=state / "locks", table={"slow": slow}, mirror=mirror)
        bases.layer("slow", on_progress=lambda progress: print(progress.line, flush=True))


if __name__ == "__main__":
    main()
