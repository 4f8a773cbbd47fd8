"""Machines that stay up from one work of a build to the next: to start one takes longer than most
works do.

This saves time and carries no state: what a machine has come to is its row and its layers, and
a machine serves again only on the very layer on which a new one would start. Its processes ended
at the layer boundary. However this process ends, its machines end with it; the next starts anew.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar

from imagewright.machines.machine import Machine, MachineError
from imagewright.machines.namespaces import Namespace

IDLE_SECONDS = 10.0
"""A build may wait for an answer for days; its machine does not."""

OnNotice = Callable[[str], None]
Result = TypeVar("Result")


class LayerMachine(Machine, Protocol):
    """A machine made of layers."""

    @property
    def namespace(self) -> Namespace:
        """Where sealed layers can be worked on while nothing of the guest runs."""
        ...


class Driver(Protocol):
    """What makes machines; ``machines.sandbox.SandboxDriver`` is the default one."""

    @property
    def name(self) -> str:
        """``sandbox``."""
        ...

    def launch(self, instance_id: str, layer_id: str, *, on_notice: OnNotice) -> "LayerMachine":
        """Bring a machine up on a layer. Raises MachineError."""
        ...


class WarmMachines:
    """Does works on machines. Safe to use from several threads."""

    def __init__(self, driver: Driver, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._driver = driver
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._resting: dict[str, _Warm] = {}
        """By instance. Who works on a machine has taken it out of here."""

    def do(
        self,
        instance_id: str,
        layer_id: str,
        work: Callable[[Machine], Result],
        *,
        on_notice: OnNotice,
    ) -> tuple[Result, str]:
        """Do a work on a machine on top of a layer, and seal what it changed.

        Returns the work's result and the layer that the machine came to. If the work raises, its
        machine ends and what it had changed is dropped. Raises MachineError.
        """
        warm = self._take(instance_id, layer_id) or self._launch(instance_id, layer_id, on_notice)
        warm.hear = on_notice
        try:
            result = work(warm.machine)
            warm.layer_id = warm.machine.commit()
        except BaseException:
            warm.machine.terminate()
            raise
        self._rest(instance_id, warm)
        return result, warm.layer_id

    @contextmanager
    def namespace(self, instance_id: str, layer_id: str) -> Iterator[Namespace | None]:
        """Lend the namespace of an instance's machine that rests on this layer, if one does."""
        warm = self._take(instance_id, layer_id)
        if warm is None:
            yield None
            return
        try:
            yield warm.machine.namespace
        except BaseException:
            warm.end()
            raise
        self._rest(instance_id, warm)

    def release(self, instance_id: str) -> None:
        """End an instance's machine, if one is up and nobody works on it.

        Returns once it is gone, even if another thread was already ending it.
        """
        with self._lock:
            warm = self._resting.pop(instance_id, None)
        if warm is not None:
            warm.end()

    def _take(self, instance_id: str, layer_id: str) -> "_Warm | None":
        """Return the machine that rests on this layer; one that rests on another ends.

        The instance goes on without its machine when a work is reused.
        """
        with self._lock:
            warm = self._resting.pop(instance_id, None)
        if warm is None:
            return None
        if warm.layer_id != layer_id or not warm.stop_resting():
            warm.end()
            return None
        return warm

    def _launch(self, instance_id: str, layer_id: str, on_notice: OnNotice) -> "_Warm":
        warm = _Warm(layer_id, on_notice)
        warm.machine = self._driver.launch(
            instance_id, layer_id, on_notice=lambda notice: warm.hear(notice)
        )
        return warm

    def _rest(self, instance_id: str, warm: "_Warm") -> None:
        with self._lock:
            if may_rest := instance_id not in self._resting:
                self._resting[instance_id] = warm
                warm.rest(self._idle_seconds, lambda rest: self._let_go(instance_id, warm, rest))
        if not may_rest:
            warm.end()

    def _let_go(self, instance_id: str, warm: "_Warm", rest: int) -> None:
        """End a machine that rested too long, unless someone took it just now.

        It stays in sight until it has ended: the kernel may take seconds over its file systems,
        and whoever releases the instance meanwhile must not believe that nothing was up.
        """
        with self._lock:
            if self._resting.get(instance_id) is not warm or not warm.is_in(rest):
                return
            warm.is_ending = True
        warm.end()
        with self._lock:
            if self._resting.get(instance_id) is warm:
                del self._resting[instance_id]


class _Warm:
    """A machine that is up, the layer it came to, and who hears its notices just now."""

    machine: LayerMachine

    def __init__(self, layer_id: str, hear: OnNotice) -> None:
        self.layer_id = layer_id
        self.hear = hear
        self.is_ending = False
        self._timer: threading.Timer | None = None
        self._rests = 0
        self._ending = threading.Lock()

    def rest(self, seconds: float, over: Callable[[int], None]) -> None:
        """Call ``over`` with the number of this rest, unless the machine is needed sooner."""
        self.hear = _ignore  # the log of the work that ended is not to be written on
        self._rests += 1
        self._timer = threading.Timer(seconds, over, [self._rests])
        self._timer.daemon = True
        self._timer.start()

    def is_in(self, rest: int) -> bool:
        """Is this the rest it is in? A timer cancelled too late speaks of an earlier one."""
        return rest == self._rests

    def stop_resting(self) -> bool:
        """Be needed again; False if it is being ended."""
        if self._timer is not None:
            self._timer.cancel()
        return not self.is_ending

    def end(self) -> None:
        """End the machine, and return when it has ended, whichever thread did it."""
        self.stop_resting()
        with self._ending, suppress(MachineError):
            self.machine.terminate()


def _ignore(_notice: str) -> None:
    """Nobody watches a machine that rests."""
