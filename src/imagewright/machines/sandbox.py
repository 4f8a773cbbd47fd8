"""Machines made of layers: an overlay in a user namespace, where each command is confined.

A machine is a process that holds the namespaces (``namespaces.py``, ``inside/``), one writable
layer on top of sealed ones, and from its first command to the next layer boundary a guest with a
process namespace of its own. What lies in the layers is only ever opened from inside.

Good for components one trusts: the kernel is shared. Hostile tenants need a virtual machine.
"""

import os
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from imagewright.machines import certificates
from imagewright.machines.idmap import current_map
from imagewright.machines.inside.messages import Message
from imagewright.machines.ledger import Ledger, identity_of
from imagewright.machines.limits import Group, Limits, missing_limits
from imagewright.machines.machine import Command, Exit, MachineError, OnLine
from imagewright.machines.metadata import ADDRESS, PORT, Instance, MetadataService
from imagewright.machines.namespaces import Namespace, NamespaceError, memory_file
from imagewright.machines.network import Link, Network
from imagewright.machines.running import RunningCommand
from imagewright.machines.seccomp import compiled_filter

DRIVER = "sandbox"
_CLEAR_SECONDS = 10.0

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    # Makes `systemctl start` say that it does nothing, rather than fail.
    "SYSTEMD_OFFLINE": "1",
}
"""What lies beneath every command's environment."""

OnNotice = Callable[[str], None]
"""Hears, in a sentence each, what whoever watches a build should know."""


class Layers(Protocol):
    """What a machine needs from the keeper of layers."""

    @property
    def directory(self) -> Path:
        """Where all layers lie, each under its name."""
        ...

    def stack(self, layer_id: str) -> tuple[str, ...]:
        """Name the directories that make up a layer, topmost first."""
        ...

    def begin(self, owner: str) -> str:
        """Set a new directory's name down in the ledger and return it."""
        ...

    def seal(self, name: str, *, parent: str, size_bytes: int) -> str:
        """Make a directory a layer on top of ``parent``, and return its id."""
        ...

    def discard(self, name: str, namespace: Namespace | None = None) -> None:
        """Delete a directory that never became a layer, in this namespace or a new one."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxOptions:
    """How machines of this driver are made."""

    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)
    """Beneath every command's own; a proxy's address belongs here."""
    ca_bundle: Path | None = None
    """The authorities that programs shall trust instead of the image's own."""
    describe: Callable[[str], Instance | None] = lambda _instance_id: None
    """What the metadata service of an instance answers; None: it has no such service."""


class SandboxDriver:
    """Makes machines on this host."""

    name = DRIVER

    def __init__(
        self,
        layers: Layers,
        ledger: Ledger,
        network: Network,
        *,
        options: SandboxOptions | None = None,
    ) -> None:
        self._layers = layers
        self._ledger = ledger
        self._network = network
        self._options = options or SandboxOptions()

    def launch(
        self, instance_id: str, layer_id: str, *, on_notice: OnNotice = lambda _notice: None
    ) -> "SandboxMachine":
        """Start a machine on top of a layer. Raises MachineError.

        The same instance may be launched again after it ended, here or elsewhere, on the layer
        that it had come to.
        """
        stack = self._layers.stack(layer_id)
        link = self._network.link(on_notice)
        instance = self._options.describe(instance_id)
        if instance is not None and not link.is_separate:
            if instance.credentials is not None:
                on_notice(
                    "the machine has no metadata service, and no credentials of the instance "
                    f"profile {instance.profile}: it uses the host's network"
                )
            instance = None
        for problem in missing_limits(self._options.limits):
            on_notice(problem)
        with ExitStack() as undo:
            group = undo.enter_context(self._group(instance_id))
            namespace = undo.enter_context(self._namespace(instance_id, link, instance))
            group.take_in(namespace.pid)
            if instance is not None and namespace.listener is not None:
                undo.callback(MetadataService(namespace.listener, instance).close)
            undo.enter_context(link.attached(namespace))
            means = _Means(namespace, self._layers, link, group, self._options, on_notice)
            machine = SandboxMachine(instance_id, layer_id, stack, means, undo.pop_all())
        try:
            machine.boot()
        except BaseException:
            machine.terminate()
            raise
        return machine

    @contextmanager
    def _group(self, instance_id: str) -> Iterator[Group]:
        """Yield the machine's cgroups, to be used by what begins and ends inside the block."""
        group = Group(instance_id, self._options.limits)
        entries = [
            self._ledger.enter("directory", {"path": str(path)}, instance_id)
            for path in group.paths
        ]
        try:
            yield group
        finally:
            group.remove()
            for entry in entries:
                self._ledger.strike(entry)

    @contextmanager
    def _namespace(
        self, instance_id: str, link: Link, instance: Instance | None
    ) -> Iterator[Namespace]:
        with Namespace(
            self._layers.directory,
            current_map(),
            own_network=link.is_separate,
            listen=None if instance is None else (ADDRESS, PORT),
            name=f"machine {instance_id}",
        ) as namespace:
            # It waits for orders until it is in the ledger, and ends with us if we end before.
            identity = identity_of(namespace.pid)
            entry = self._ledger.enter("process", identity.as_facts(), instance_id)
            try:
                yield namespace
            finally:
                namespace.close()
                self._ledger.strike(entry)


@dataclass(frozen=True, slots=True)
class _Means:
    """What a machine stands on."""

    namespace: Namespace
    layers: Layers
    link: Link
    group: Group
    options: SandboxOptions
    on_notice: OnNotice


class SandboxMachine:
    """A machine of this driver; see ``machine.Machine`` for what each method promises."""

    def __init__(
        self,
        instance_id: str,
        layer_id: str,
        stack: Sequence[str],
        means: _Means,
        held: ExitStack,
    ) -> None:
        """``held`` frees the means when the machine ends."""
        self._id = instance_id
        self._layer_id = layer_id
        self._stack = tuple(stack)
        self._namespace = means.namespace
        self._layers = means.layers
        self._link = means.link
        self._group = means.group
        self._options = means.options
        self._on_notice = means.on_notice
        self._held = held
        self._upper: str | None = None
        self._is_up = False
        self._is_over = False

    @property
    def id(self) -> str:
        """``i-`` and 17 hex digits."""
        return self._id

    @property
    def layer_id(self) -> str:
        """The topmost sealed layer: what the machine can be brought up from again."""
        return self._layer_id

    @property
    def pid(self) -> int:
        """The process that holds the machine, in the host's numbers."""
        return self._namespace.pid

    @property
    def namespace(self) -> Namespace:
        """Where sealed layers can be worked on while nothing of the guest runs."""
        return self._namespace

    def boot(self) -> None:
        """Start the guest's first process. Raises MachineError."""
        if self._is_over:
            raise MachineError(f"{self._id} was terminated")
        if self._is_up:
            return
        if self._upper is None:
            self._upper = self._layers.begin(self._id)
        limits = self._options.limits
        self._ask(
            "boot",
            name=self._upper,
            stack=self._stack,
            runtime_files=self._runtime_files(),
            hostname=self._hostname,
            limits=limits.as_rlimits(),
            seccomp_program=compiled_filter().hex(),
        )
        self._is_up = True
        self._bring_certificates()

    def _bring_certificates(self) -> None:
        """Put the CA bundle where no layer reaches; read anew each time, as it may be replaced."""
        if (file := self._options.ca_bundle) is None:
            return
        try:
            content = file.read_bytes()
        except OSError as error:
            raise MachineError(
                f"the certificates of sandbox.ca_bundle, {file}, cannot be read: {error.strerror}"
            ) from None
        for path, text in certificates.files(content).items():
            self.put_file(path, text, mode=0o644)

    @property
    def _environment(self) -> Mapping[str, str]:
        """What lies beneath every command's own."""
        if self._options.ca_bundle is None:
            return self._options.environment
        return {**self._options.environment, **certificates.ENVIRONMENT}

    def run(
        self, command: Command, *, on_line: OnLine | None = None, cancel: Event | None = None
    ) -> Exit:
        """Run a command; see ``machine.Machine.run``."""
        self.boot()
        kills_before = self._group.out_of_memory_kills()
        try:
            with RunningCommand(self._namespace, command, self._environment, on_line) as running:
                result, survived = running.to_its_end(cancel)
        except NamespaceError as error:
            raise self._failure(f"run {command.argv[0]}", error) from None
        if self._group.out_of_memory_kills() > kills_before:
            limit = self._options.limits.memory_bytes_max
            self._on_notice(f"a process was ended for lack of memory: the limit is {limit} bytes")
            result = replace(result, lacked_memory=True)
        if not survived:
            self._is_up = False
            self._on_notice(
                "the command's processes multiplied faster than they could be ended one by one, "
                "so every process of the machine was ended"
            )
        if running.scratch_is_left and command.scratch is not None:
            clearing = ("rm", "-rf", "--", command.scratch.folder)
            self.run(Command(argv=clearing, timeout_seconds=_CLEAR_SECONDS))
        return result

    def attach(self, argv: Sequence[str], terminal: int) -> Callable[[], int | None]:
        """Start a program on a terminal; return what tells its exit code, None until it ends.

        Raises MachineError. What is returned waits a moment for the end, no longer.
        """
        self.boot()
        poll = select.poll()
        poll.register(self._namespace.channel, select.POLLIN)
        try:
            self._namespace.tell(
                "run",
                [terminal] * 3,
                argv=list(argv),
                env=dict(self._environment),
                cwd="/",
                user="",
                empty=[],
                scratch=None,
            )
        except NamespaceError as error:
            raise self._failure(f"run {argv[0]}", error) from None

        def ended() -> int | None:
            return int(self._namespace.answer("run")["code"]) if poll.poll(0) else None

        return ended

    def put_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Write a file; see ``machine.Machine.put_file``."""
        with memory_file(content) as file:
            self._on_file("put", path, file, mode=mode)

    def get_file(self, path: str, *, size_bytes_max: int = 1 << 20) -> bytes:
        """Read a file; see ``machine.Machine.get_file``."""
        with memory_file() as file:
            answer = self._on_file("get", path, file, size_bytes_max=size_bytes_max)
            return os.pread(file, answer["size_bytes"], 0)

    def running(self) -> list[str]:
        """Name the processes that commands left running, which the next layer boundary ends."""
        return list(self._ask("running")["running"]) if self._is_up else []

    def commit(self) -> str:
        """Seal what changed; see ``machine.Machine.commit``."""
        self._halt()
        if self._upper is None:
            return self._layer_id
        sealed = self._ask(
            "seal", name=self._upper, stack=self._stack, runtime_files=self._runtime_files()
        )
        if sealed["changed"]:
            name = self._upper
            self._layer_id = self._layers.seal(
                name, parent=self._layer_id, size_bytes=sealed["size_bytes"]
            )
            self._upper = None
            self._stack = self._layers.stack(self._layer_id)
        return self._layer_id

    def reboot(self) -> None:
        """End every process and start again on the same disk."""
        self._halt()
        self.boot()

    def terminate(self) -> None:
        """End it and free what it held. Calling it again does nothing."""
        if self._is_over:
            return
        self._is_over = True
        # Whatever fails here, the namespace ends and its entry is struck off.
        with self._held, ExitStack() as undo:
            undo.callback(self._discard_upper)
            with suppress(MachineError):
                self._halt()

    def _discard_upper(self) -> None:
        if self._upper is None:
            return
        name, self._upper = self._upper, None
        try:
            self._layers.discard(name, self._namespace)
        except NamespaceError:  # it is gone, or what the guest left resists
            self._layers.discard(name)

    @property
    def _hostname(self) -> str:
        return self._id

    def _runtime_files(self) -> dict[str, str]:
        files = {"hosts": f"127.0.1.1\t{self._hostname}\n"}
        if (resolver := self._link.resolv_conf()) is not None:
            files["resolv.conf"] = resolver
        return files

    def _halt(self) -> None:
        """End every process, and name those that a command had left running."""
        if not self._is_up:
            return
        self._is_up = False
        running = self._ask("halt")["running"]
        if running:
            self._on_notice(
                f"ended at the layer boundary, where no process lives on: {', '.join(running)}"
            )

    def _ask(self, op: str, **arguments: Any) -> Message:
        try:
            return self._namespace.call(op, **arguments)
        except NamespaceError as error:
            raise self._failure(op, error) from None

    def _on_file(self, op: str, path: str, file: int, **arguments: Any) -> Message:
        if not path.startswith("/") or "\0" in path:
            raise MachineError(f"{path!r} is not an absolute path")
        self.boot()
        try:
            return self._namespace.call(op, [file], path=path, **arguments)
        except NamespaceError as error:
            raise self._failure(f"{op} the file {path}", error) from None

    def _failure(self, what: str, error: NamespaceError) -> MachineError:
        if error.is_lost:
            self._is_up = False
        return MachineError(f"{self._id} cannot {what}: {error}")
