"""Machines that stay up from one work of a build to the next, on the real sandbox."""

from collections.abc import Callable
from threading import Barrier, Event, Thread

import pytest
from tests.conftest import wait_until
from tests.machines.lab import Lab, new_instance_id, sh

from imagewright.images.inventory import take_inventory
from imagewright.images.warm import WarmMachines
from imagewright.machines.machine import Machine, MachineError
from imagewright.machines.sandbox import SandboxDriver, SandboxMachine

_TRAP = "rm /var/lib/dpkg/status; mkfifo /var/lib/dpkg/status"


def ignore(_notice: str) -> None:
    """Hear nothing."""


class Counting(SandboxDriver):
    """The sandbox, remembering what it launched."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.layers, lab.ledger, lab.network)
        self.launched: list[SandboxMachine] = []

    def launch(
        self, instance_id: str, layer_id: str, *, on_notice: Callable[[str], None] = ignore
    ) -> SandboxMachine:
        """Launch as the sandbox does."""
        machine = super().launch(instance_id, layer_id, on_notice=on_notice)
        self.launched.append(machine)
        return machine


def daemon(seconds: int) -> str:
    """Leave a process running, and wait until it is one: a fork has its parent's name at first."""
    return f"sleep {seconds} & until grep -q sleep /proc/$!/comm; do :; done"


def script(text: str) -> Callable[[Machine], tuple[int, str]]:
    return lambda machine: sh(machine, text)


def test_the_next_work_finds_the_machine_up_and_nothing_of_the_last_but_its_layer(
    lab: Lab, tiny: str
) -> None:
    driver, instance = Counting(lab), new_instance_id()
    machines = WarmMachines(driver)
    heard: list[list[str]] = [[], []]

    _, first = machines.do(
        instance, tiny, script(f"echo one > /one; {daemon(60)}"), on_notice=heard[0].append
    )
    (_, seen), second = machines.do(
        instance,
        first,
        script(f"cat /one; ps | grep -c '[s]leep 60'; echo two > /two; {daemon(50)}"),
        on_notice=heard[1].append,
    )

    assert len(driver.launched) == 1
    assert seen.split() == ["one", "0"]
    assert [row.id for row in lab.layers.chain(second)][:3] == [second, first, tiny]
    assert ["sleep" in " ".join(notices) for notices in heard] == [True, True]
    machines.release(instance)
    assert lab.ledger.entries() == []


def test_an_inventory_is_taken_where_a_machine_rests_and_the_next_work_finds_it_up(
    lab: Lab, tiny: str
) -> None:
    driver, instance = Counting(lab), new_instance_id()
    machines = WarmMachines(driver)
    _, layer_id = machines.do(
        instance, tiny, script("echo 'NAME=Rested' > /etc/os-release"), on_notice=ignore
    )

    with machines.namespace(instance, layer_id) as here:
        inventory = take_inventory(lab.layers, layer_id, here)
    with machines.namespace(new_instance_id(), layer_id) as of_another:
        assert of_another is None
    (_, seen), _ = machines.do(instance, layer_id, script("cat /etc/os-release"), on_notice=ignore)

    assert here is not None
    assert inventory.os_version == "Rested"
    assert seen.split() == ["NAME=Rested"]
    assert len(driver.launched) == 1
    machines.release(instance)
    assert lab.ledger.entries() == []


def test_a_machine_whose_namespace_failed_its_borrower_does_not_rest_on(
    lab: Lab, tiny: str
) -> None:
    machines, instance = WarmMachines(Counting(lab)), new_instance_id()
    machines.do(instance, tiny, script("true"), on_notice=ignore)

    def borrow() -> None:
        with machines.namespace(instance, tiny) as namespace:
            take_inventory(lab.layers, lab.change(tiny, _TRAP), namespace)

    with pytest.raises(MachineError, match="not a regular file"):
        borrow()

    assert lab.ledger.entries() == []


def test_a_machine_on_another_layer_than_its_instance_is_replaced(lab: Lab, tiny: str) -> None:
    driver, instance = Counting(lab), new_instance_id()
    machines = WarmMachines(driver)
    machines.do(instance, tiny, script("echo one > /one"), on_notice=ignore)
    reused = lab.change(tiny, "echo reused > /one")

    (_, seen), _ = machines.do(instance, reused, script("cat /one"), on_notice=ignore)

    assert seen.split() == ["reused"]
    assert len(driver.launched) == 2
    machines.release(instance)
    assert lab.ledger.entries() == []


def test_a_work_that_fails_leaves_no_machine_and_nothing_it_wrote(lab: Lab, tiny: str) -> None:
    driver, instance = Counting(lab), new_instance_id()
    machines = WarmMachines(driver)
    directories = lab.directories()

    def fail(machine: Machine) -> None:
        sh(machine, "echo half > /half")
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        machines.do(instance, tiny, fail, on_notice=ignore)

    assert lab.ledger.entries() == []
    assert lab.directories() == directories


def test_a_machine_that_nobody_needs_for_a_while_ends(lab: Lab, tiny: str) -> None:
    machines = WarmMachines(Counting(lab), idle_seconds=0.05)

    machines.do(new_instance_id(), tiny, script("true"), on_notice=ignore)

    wait_until(lambda: lab.ledger.entries() == [], what="the idle machine's end")


class SlowToEnd(Counting):
    """Machines over whose file systems the kernel takes its time."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.is_ending, self.may_end = Event(), Event()

    def launch(
        self, instance_id: str, layer_id: str, *, on_notice: Callable[[str], None] = ignore
    ) -> SandboxMachine:
        """Launch one that says when it ends, and waits until it may."""
        machine = super().launch(instance_id, layer_id, on_notice=on_notice)
        terminate = machine.terminate

        def slowly() -> None:
            self.is_ending.set()
            assert self.may_end.wait(30)
            terminate()

        machine.terminate = slowly  # type: ignore[method-assign]  # the real one, only later
        return machine


@pytest.mark.parametrize("next_use", ["release", "inventory", "another work"])
def test_nobody_overtakes_the_end_of_a_machine_that_rested_too_long(
    lab: Lab, tiny: str, next_use: str
) -> None:
    driver, instance = SlowToEnd(lab), new_instance_id()
    machines = WarmMachines(driver, idle_seconds=0.05)
    _, layer_id = machines.do(instance, tiny, script("true"), on_notice=ignore)
    assert driver.is_ending.wait(30)
    seen: list[int] = []

    def use() -> None:
        if next_use == "release":
            machines.release(instance)
        elif next_use == "inventory":
            with machines.namespace(instance, layer_id) as namespace:
                assert namespace is None
        else:
            machines.do(
                instance, layer_id, lambda _machine: seen.append(len(lab.ledger.entries())),
                on_notice=ignore,
            )  # fmt: skip
            machines.release(instance)
        seen.append(len(lab.ledger.entries()))

    user = Thread(target=use)
    user.start()
    user.join(0.2)
    assert user.is_alive()  # it waits for the end that another thread began

    driver.may_end.set()
    user.join(30)
    assert seen[-1] == 0
    assert len(driver.launched) == (2 if next_use == "another work" else 1)


def test_a_machine_is_freed_though_whoever_hears_its_last_notice_breaks(
    lab: Lab, tiny: str
) -> None:
    def broken(notice: str) -> None:
        raise OSError(f"the log cannot be written: {notice}")

    driver = Counting(lab)
    machine = driver.launch(new_instance_id(), tiny, on_notice=broken)
    sh(machine, daemon(60))

    with pytest.raises(OSError, match="sleep"):
        machine.terminate()

    assert lab.ledger.entries() == []


def test_works_at_once_on_one_instance_have_a_machine_each(lab: Lab, tiny: str) -> None:
    driver, instance = Counting(lab), new_instance_id()
    machines = WarmMachines(driver)
    meet = Barrier(2, timeout=30)

    def work(machine: Machine) -> int:
        meet.wait()
        return sh(machine, "true")[0]

    threads = [
        Thread(target=machines.do, args=(instance, tiny, work), kwargs={"on_notice": ignore})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(driver.launched) == 2
    machines.release(instance)
    assert lab.ledger.entries() == []
