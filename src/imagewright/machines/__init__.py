"""What a step runs on.

``machine.py`` is what whoever runs commands sees. Behind it stands, for builds, one driver::

    driver = SandboxDriver(layers, ledger, network)        # sandbox.py
    machine = driver.launch("i-0123456789abcdef0", layer_id, on_notice=print)
    machine.run(Command(argv=["sh", "-c", "…"]), on_line=…, cancel=…)
    layer_id = machine.commit()                            # ends every process, seals the change
    machine.terminate()

Components that run by themselves may also do so in a container (``docker.py``) or on this host
(``host.py``); those make no layers.

How a sandbox is built, from the outside in::

    imagewright ── a socket ── keeper   user and mount namespace, runs no guest's code
                                 └─ guest   its root is the overlay; does as asked
                                     ├─ process 1 of a process namespace, without any right
                                     └─ supervisor ── the command

(``inside/keeper.py``, ``guest.py`` and ``command.py``.)

- Each lives no longer than the one above it: a closed socket or the death of a parent ends all, and
  the kernel then drops the mounts with the namespace. Nothing is mounted where the host sees it.
- Only keeper and guest open paths inside layers, and the guest's root directory is the layers
  themselves: no link leads out. Before that they forget how to import (``inside/__init__.py``).
- Root inside is the calling user, or for real root a range of ids that is nobody (``idmap.py``).
- Commands have a container's capabilities and system calls (``seccomp.py``), and may gain what they
  have by setuid, so that ``sudo`` works. bubblewrap is not used because it forbids just that, and
  because its processes cannot outlive their command.
- Between the image and the machine's own layer lies a run-time layer with mount points and the
  files a running guest needs (hosts, resolv.conf): it is never written, so none of it enters an
  image.

Linux only; ``doctor.examine`` says what is missing on a host, and what to do about it.
"""
