"""The machines of builds: ``engine.ports.Machines`` on layers, base images and a driver.

A machine is a row: which layer it stands on. It is brought up only for work that no layer holds
yet, and every work is a layer of its own; so a build of which nothing changed starts no machine.
Once up, it stays for the works that follow (``warm``).
"""

import hashlib
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from imagewright.clock import Clock, iso_milliseconds
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Done, Launched, NoAnswer, StepLog, Work
from imagewright.images.bases import Progress
from imagewright.images.catalogue import Asker, Catalogue, Parent, UnmappedParent
from imagewright.images.instance_types import NoInstanceType, choose
from imagewright.images.inventory import Inventory, take_inventory
from imagewright.images.layers import Hit, LayerFacts, LayerStore, layer_key
from imagewright.images.warm import Driver, WarmMachines
from imagewright.machines.machine import Command, Machine, MachineError
from imagewright.one_at_a_time import OneAtATime
from imagewright.store import findings, instances, machine_images, packages
from imagewright.store.build_tables import FAILED_WORK, STOOD_ON, machine_steps
from imagewright.store.builds import set_os_version, set_scan_state
from imagewright.store.database import Database
from imagewright.store.findings import FindingRow
from imagewright.store.instances import InstanceRow

PROTOCOL = 1
"""Raised when the same work would make another layer than the release before made."""

_QUESTION = Command(argv=("sh", "-c", "exit 0"), timeout_seconds=60)
"""What a machine is asked to find out whether it takes commands."""

_STATUS_CHECK = Work(name="status check", facts={"status check": 1}, run=lambda _machine: {})
"""What the key of a layer that passed is made of; nothing but the layer itself matters."""

_KEPT_INVENTORIES = 64


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where an instance stands. What is found there is the layer's, whoever stands on it."""

    layer_id: str
    instance_id: str = field(compare=False)


class Workbench:
    """See ``engine.ports.Machines``. Safe to use from several threads."""

    def __init__(
        self,
        *,
        database: Database,
        layer_store: LayerStore,
        driver: Driver,
        catalogue: Catalogue,
        has_network: bool,
        secret: bytes,
        clock: Clock,
        advisories: Path | None = None,
        gives_credentials: Callable[[str], bool] = lambda _profile: False,
    ) -> None:
        """``advisories``: the folder that scans go by; None: nothing can be scanned.

        ``gives_credentials`` tells it of an instance profile.
        """
        self._database = database
        self._layers = layer_store
        self._driver = driver
        self._machines = WarmMachines(driver)
        self._at_work = OneAtATime()
        # A layer never changes, and no other will have its id.
        self._inventory = lru_cache(_KEPT_INVENTORIES)(self._take_inventory)
        self._catalogue = catalogue
        self._has_network = has_network
        self._secret = secret
        self._clock = clock
        self._advisories = advisories
        self._gives_credentials = gives_credentials

    def launch(
        self,
        *,
        image_id: str | None,
        plan: BuildPlan,
        instance_types: Sequence[str],
        token: str,
        stop: Event,
        log: StepLog,
    ) -> Launched:
        """Start a machine: see Machines."""
        instance_id = _id_from("i", token)
        try:
            instance_type, reasons = choose(instance_types)
        except NoInstanceType as error:
            raise ActionError(f"The machine cannot be launched: {error}") from error
        launched = Launched(instance_id=instance_id, instance_type=instance_type)
        with self._database.read() as connection:
            if instances.get(connection, instance_id) is not None:
                return launched
        for reason in reasons:
            log.note(f"Not launched as wanted first: {reason}")
        try:
            image = self._find(image_id, plan, stop, log)
        except ActionError as error:
            raise ActionError(f"The machine cannot be launched: {error}") from error
        with self._database.write(soon=True) as connection:
            instances.add(
                connection,
                instance_id,
                driver=self._driver.name,
                layer=image.layer_id,
                owner=plan.image_arn,
                now=self._now(),
                config=image.config or None,
            )
        return launched

    def apply(
        self,
        instance_id: str,
        work: Work,
        *,
        plan: BuildPlan,
        token: str,
        unit: int,
        log: StepLog,
        failure_stays: Callable[[ActionError], bool] = lambda _error: False,
        go_on: Callable[[], None] = lambda: None,
    ) -> Done:
        """Do a work once: see Machines."""
        with self._at_work.on(instance_id, go_on):
            return self._apply(instance_id, work, plan, token, unit, log, failure_stays)

    def _apply(
        self,
        instance_id: str,
        work: Work,
        plan: BuildPlan,
        token: str,
        unit: int,
        log: StepLog,
        failure_stays: Callable[[ActionError], bool],
    ) -> Done:
        with self._database.read() as connection:
            before = _work_before(connection, instance_id, token, unit)
            if before is not None and before.reason != FAILED_WORK:
                return before
            row = _running(connection, instance_id, plan)
        if before is not None:  # it failed and was lost before its step knew: again from there
            row = self._put_back(row, str(before.outputs[STOOD_ON]), token=token, unit=unit)
        key = layer_key(self._facts(work, row, plan), self._secret)
        found = self._layers.find(key, fresh=not plan.reuse_layers, always=work.always)
        if isinstance(found, Hit):
            log.note(f"Reused {work.name}: {found.reason}", reused="yes")
            done = Done(outputs=found.outputs, reused=True, reason=found.reason)
            self._advance(row, found.layer_id, work.name, done, token=token, unit=unit)
            return done
        log.note(f"Doing {work.name}: {found.reason}", reused="no")

        def fail(machine: Machine, error: ActionError) -> None:
            if failure_stays(error):
                failed = Done(outputs={STOOD_ON: row.layer}, reused=False, reason=FAILED_WORK)
                self._advance(row, machine.commit(), work.name, failed, token=token, unit=unit)
                log.note(f"What {work.name} changed before it failed stays on the machine.")
                pass_by(CrashPoint.FAILURE_LEFT)
            elif not plan.infrastructure.terminate_on_failure:
                self._preserve(machine, row)

        outputs, layer_id = self._do(work, row, log, fail)
        if not work.always:
            self._remember(work, key, outputs, stood_on=row.layer, came_to=layer_id)
        done = Done(outputs=outputs, reused=False, reason=found.reason)
        self._advance(row, layer_id, work.name, done, token=token, unit=unit)
        pass_by(CrashPoint.LAYER_SEALED)
        return done

    def check_status(self, instance_id: str, *, plan: BuildPlan, stop: Event) -> None:
        """Demand that a machine takes commands: see Machines."""
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)
        key = layer_key(self._facts(_STATUS_CHECK, row, plan), self._secret)
        found = self._layers.find(key, fresh=not plan.reuse_layers)
        if isinstance(found, Hit):
            return
        try:
            self.ask(instance_id, plan=plan, stop=stop)
        except NoAnswer as silence:
            raise ActionError(f"The machine failed its status check: {silence}") from silence
        # What a layer is does not change, nor does it depend on a network.
        self._layers.remember_unchanging(row.layer, key=key, outputs={}, network=False)

    def ask(self, instance_id: str, *, plan: BuildPlan, stop: Event) -> None:
        """Return once a machine has run a command to its end: see Machines."""
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)

        def answer(machine: Machine) -> None:
            ended = machine.run(_QUESTION, cancel=stop)
            if ended.reason != "exited" or ended.code != 0:
                how = f"exited with {ended.code}" if ended.reason == "exited" else ended.reason
                raise NoAnswer(f"{instance_id} takes no commands: its sh {how}")

        try:
            self._machines.do(row.id, row.layer, answer, on_notice=_unheard)
        except MachineError as error:
            raise NoAnswer(f"{instance_id} takes no commands: {error}") from error

    def layer_of(self, image_id: str | None, plan: BuildPlan, stop: Event, log: StepLog) -> str:
        """Return the layer of an image, or of the plan's parent image if none is named.

        A base image is made now if it never was. Raises ActionError.
        """
        return self._find(image_id, plan, stop, log).layer_id

    def _find(self, image_id: str | None, plan: BuildPlan, stop: Event, log: StepLog) -> Parent:
        parent = plan.parent_image
        if image_id is not None and image_id != self.parent_image_id(plan):
            with self._database.read() as connection:
                image = machine_images.find(connection, image_id)
            if image is not None:
                if not machine_images.usable(image, account=plan.account, region=plan.region):
                    raise ActionError(f"no image is {image_id}.")
                return Parent(image.layer_id, f"image {image_id}", image.config or {})
            parent = image_id
        try:
            return self._catalogue.resolve(
                parent,
                asker=Asker(plan.account, plan.region),
                on_progress=_telling(log),
                cancel=stop,
            )
        except UnmappedParent as error:
            raise ActionError(f"no image is {parent}; {error}") from error
        except MachineError as error:
            raise ActionError(str(error)) from error

    def parent_image_id(self, plan: BuildPlan) -> str:
        """Return the id of the parent image; one of our own has its own, a base a made-up one."""
        if plan.parent_image.startswith("ami-"):
            return plan.parent_image
        if ":image/" in plan.parent_image and ":aws:image/" not in plan.parent_image:
            with self._database.read() as connection:
                own = machine_images.by_reference(connection, plan.parent_image)
            if own is not None:
                return str(own.id)
        return _id_from("ami", plan.parent_image)

    def make_image(self, instance_id: str, *, plan: BuildPlan, token: str) -> str:
        """Make an image of a machine: see Machines."""
        image_id = _id_from("ami", token)
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)
        try:
            self._layers.make_durable(row.layer)
        except MachineError as error:
            raise ActionError(f"The image cannot be made: {error}") from error
        now = self._now()
        with self._database.write(soon=True) as connection:
            machine_images.add(
                connection, image_id, plan=plan, token=token, layer=row.layer, now=now
            )
        return image_id

    def container_config(self, instance_id: str, *, plan: BuildPlan) -> Mapping[str, Any]:
        """Say how containers of what a machine stands on are run: see Machines."""
        with self._database.read() as connection:
            return _running(connection, instance_id, plan).config or {}

    def begin_container(self, instance_id: str, *, plan: BuildPlan, token: str) -> None:
        """Put a machine back on what it was launched on: see Machines."""
        with self._database.write(soon=True) as connection:
            row = _running(connection, instance_id, plan)
            if row.launch_layer is not None and not _has_begun(connection, instance_id, token):
                instances.advance(connection, instance_id, row.launch_layer)

    def container_image(self, plan: BuildPlan) -> str | None:
        """Return the id of the container image that the build made: see Machines."""
        with self._database.read() as connection:
            made = machine_images.newest_of(connection, plan.image_arn)
        return None if made is None else str(made.id)

    def make_container(
        self, instance_id: str, config: Mapping[str, Any], *, plan: BuildPlan, token: str
    ) -> str:
        """Make a container image of a machine: see Machines."""
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)
        try:
            self._layers.make_durable(row.layer)
        except MachineError as error:
            raise ActionError(f"The container image cannot be made: {error}") from error
        with self._database.write(soon=True) as connection:
            return machine_images.put_container(
                connection,
                instance_id,
                config=config,
                plan=plan,
                token=token,
                layer=row.layer,
                now=self._now(),
            )

    def register_image(self, snapshot_id: str, *, plan: BuildPlan, token: str) -> str:
        """Make an image of another's snapshot: see Machines."""
        image_id = _id_from("ami", token)
        source_id = f"ami-{snapshot_id.removeprefix('snap-')}"
        with self._database.write(soon=True) as connection:
            if machine_images.find(connection, image_id) is not None:
                return image_id
            source = machine_images.find(connection, source_id)
            is_own = source is not None and (source.account, source.region) == (
                plan.account,
                plan.region,
            )
            if source is None or not is_own or not snapshot_id.startswith("snap-"):
                raise ActionError(
                    f"There is no snapshot {snapshot_id}; that of an image ami-… which was built "
                    "here is snap-…, with the same digits."
                )
            machine_images.add(
                connection,
                image_id,
                plan=plan,
                token=token,
                layer=source.layer_id,
                now=self._now(),
            )
        return image_id

    def inventory(self, instance_id: str, *, plan: BuildPlan) -> str:
        """Record the packages of a machine: see Machines."""
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)
        try:
            found = self._inventory(_Standing(row.layer, instance_id))
        except MachineError as error:
            raise ActionError(f"The inventory cannot be taken: {error}") from error
        os_version = found.os_version or "unknown"
        with self._database.write(soon=True) as connection:
            packages.put(
                connection, plan.image_arn, [(each.name, each.version) for each in found.packages]
            )
            set_os_version(connection, plan.image_arn, os_version)
        return os_version

    def scan(
        self, instance_id: str, *, plan: BuildPlan, stop: Event, log: StepLog
    ) -> Mapping[str, int]:
        """Look for known vulnerabilities in a machine's packages: see Machines."""
        from imagewright.images.advisories import AdvisoriesUnreadable
        from imagewright.images.scan import CannotScan, scan  # seldom needed, and slow to load

        if self._advisories is None:
            raise ActionError(
                "No advisories are here to scan by: name a folder of OSV advisories in the "
                "setting scanning.advisories."
            )
        with self._database.read() as connection:
            row = _running(connection, instance_id, plan)
        self._set_scan_state(plan, "SCANNING")
        try:
            inventory = self._inventory(_Standing(row.layer, instance_id))
            found = scan(inventory, self._advisories, _counting(log, stop))
        except (MachineError, CannotScan, AdvisoriesUnreadable) as error:
            self._set_scan_state(plan, "FAILED", reason=str(error)[:1024])
            raise ActionError(f"The machine cannot be scanned: {error}") from error
        self._set_scan_state(plan, "COLLECTING")
        arn, now = plan.image_arn, self._now()
        with self._database.write(soon=True) as connection:
            findings.put(
                connection,
                arn,
                [
                    FindingRow(arn, each.vulnerability, each.severity, now, each.details)
                    for each in found
                ],
            )
        self._set_scan_state(plan, "COMPLETED")
        return Counter(each.severity for each in found)

    def _set_scan_state(self, plan: BuildPlan, status: str, *, reason: str | None = None) -> None:
        with self._database.write(soon=True) as connection:
            set_scan_state(connection, plan.image_arn, status, reason=reason)

    def forget_inventory(self, plan: BuildPlan) -> None:
        """Forget the packages recorded for the image."""
        with self._database.write(soon=True) as connection:
            packages.forget(connection, plan.image_arn)

    def launched(self, token: str) -> str | None:
        """Return the machine that a step launched, if it came that far."""
        instance_id = _id_from("i", token)
        with self._database.read() as connection:
            return None if instances.get(connection, instance_id) is None else instance_id

    def keep(self, instance_id: str) -> bool:
        """Leave a machine for a look inside."""
        self._machines.release(instance_id)
        with self._database.write(soon=True) as connection:
            return instances.keep(connection, instance_id, self._now())

    def terminate(self, instance_id: str, *, plan: BuildPlan) -> None:
        """End a machine: see Machines."""
        with self._database.write(soon=True) as connection:
            row = instances.get(connection, instance_id)
            if row is None or row.owner != plan.image_arn:
                raise _no_such_machine(instance_id)
            instances.end(connection, instance_id, self._now())
        self._machines.release(instance_id)

    def settle_all(self, image_arn: str, *, keep: bool) -> None:
        """End, or keep, every machine of a build that still runs."""
        with self._database.write(soon=True) as connection:
            living = instances.living(connection, owner=image_arn)
            for row in living:
                if row.state != "running":
                    continue
                if keep:
                    instances.keep(connection, row.id, self._now())
                else:
                    instances.end(connection, row.id, self._now())
        for row in living:
            self._machines.release(row.id)

    def _take_inventory(self, standing: "_Standing") -> Inventory:
        """Read a layer where the instance's machine rests on it, if it does."""
        layer_id = standing.layer_id
        with self._machines.namespace(standing.instance_id, layer_id) as namespace:
            return take_inventory(self._layers, layer_id, namespace)

    def _facts(self, work: Work, row: InstanceRow, plan: BuildPlan) -> LayerFacts:
        profile = plan.infrastructure.instance_profile_name
        gives = self._gives_credentials(profile)
        return LayerFacts(
            parent=row.layer,
            document=work.facts,
            parameters={},
            environment={"instance profile": profile} if gives else {},
            driver=row.driver,
            architecture=platform.machine(),
            protocol=PROTOCOL,
        )

    def _do(
        self,
        work: Work,
        row: InstanceRow,
        log: StepLog,
        fail: Callable[[Machine, ActionError], None],
    ) -> tuple[Mapping[str, Any], str]:
        """Do the work on the machine and seal what it changed; ``fail`` is called if it fails."""

        def run(machine: Machine) -> Mapping[str, Any]:
            try:
                outputs = work.run(machine)
            except ActionError as error:
                with suppress(MachineError):  # what it left is lost; its failure is not
                    fail(machine, error)
                raise
            pass_by(CrashPoint.COMMAND_ENDED)
            return outputs

        try:
            return self._machines.do(row.id, row.layer, run, on_notice=log.note)
        except MachineError as error:
            raise ActionError(f"{work.name} could not run: {error}") from error

    def _remember(
        self, work: Work, key: str, outputs: Mapping[str, Any], *, stood_on: str, came_to: str
    ) -> None:
        """Let the work serve again; one that changed nothing made no layer of its own."""
        if came_to == stood_on:
            self._layers.remember_unchanging(
                stood_on, key=key, outputs=outputs, network=self._has_network
            )
        else:
            self._layers.remember(
                came_to, key=key, made_by=work.name, outputs=outputs, network=self._has_network
            )

    def _put_back(self, row: InstanceRow, layer_id: str, *, token: str, unit: int) -> InstanceRow:
        """Let a machine stand where it stood before a work that failed, and what came after it."""
        with self._database.write(soon=True) as connection:
            instances.advance(connection, row.id, layer_id)
            of_step = (machine_steps.c.instance_id == row.id, machine_steps.c.token == token)
            connection.execute(delete(machine_steps).where(*of_step, machine_steps.c.unit >= unit))
        return replace(row, layer=layer_id)

    def _preserve(self, machine: Machine, row: InstanceRow) -> None:
        """Let a machine that is to be looked into stand on what the failed work left."""
        layer_id = machine.commit()
        with self._database.write(soon=True) as connection:
            instances.advance(connection, row.id, layer_id)

    def _advance(
        self, row: InstanceRow, layer_id: str, name: str, done: Done, *, token: str, unit: int
    ) -> None:
        with self._database.write(soon=True) as connection:
            instances.advance(connection, row.id, layer_id)
            connection.execute(
                insert(machine_steps).values(
                    instance_id=row.id,
                    token=token,
                    unit=unit,
                    name=name,
                    layer_id=layer_id,
                    outputs=dict(done.outputs),
                    reused=done.reused,
                    reason=done.reason,
                )
            )

    def _now(self) -> str:
        return iso_milliseconds(self._clock.now())


def _telling(log: StepLog) -> Callable[[Progress], None]:
    """Tell how far a base or a pull is, where it has come further by a twentieth."""
    told = -1.0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.is_notice:
            log.note(progress.line)
        elif progress.fraction >= told + 0.05 or progress.fraction == 0.0 > told:
            told = progress.fraction
            log.note(
                f"{progress.verb.capitalize()} {progress.base}: {progress.fraction:.0%} "
                f"({progress.line})",
                progress=f"{progress.fraction:.2f}",
            )

    return tell


def _counting(log: StepLog, stop: Event) -> Callable[[int], None]:
    """Tell how many advisories were looked at, every two seconds; end it once it is to stop."""
    told = time.monotonic()

    def tell(number: int) -> None:
        nonlocal told
        if stop.is_set():
            raise ActionError(f"The scan was ended after {number:,} advisories.")
        if time.monotonic() > told + 2:
            told = time.monotonic()
            log.note(f"Looked at {number:,} advisories so far.")

    return tell


def _unheard(_notice: str) -> None:
    """Tell nobody: a question is no work."""


def _is_work(instance_id: str, token: str, unit: int) -> tuple[ColumnElement[bool], ...]:
    return (
        machine_steps.c.instance_id == instance_id,
        machine_steps.c.token == token,
        machine_steps.c.unit == unit,
    )


def _work_before(connection: Connection, instance_id: str, token: str, unit: int) -> Done | None:
    query = select(machine_steps).where(*_is_work(instance_id, token, unit))
    row = connection.execute(query).one_or_none()
    return None if row is None else Done(outputs=row.outputs, reused=row.reused, reason=row.reason)


def _has_begun(connection: Connection, instance_id: str, token: str) -> bool:
    """Tell whether a step has done a work on a machine."""
    query = select(machine_steps.c.unit).where(
        machine_steps.c.instance_id == instance_id, machine_steps.c.token == token
    )
    return connection.execute(query.limit(1)).one_or_none() is not None


def _running(connection: Connection, instance_id: str, plan: BuildPlan) -> InstanceRow:
    row = instances.get(connection, instance_id)
    if row is None or row.owner != plan.image_arn:
        raise _no_such_machine(instance_id)
    if row.state != "running":
        raise ActionError(f"The machine {instance_id} is not running: it was {row.state}.")
    return row


def _no_such_machine(instance_id: str) -> ActionError:
    return ActionError(
        f"There is no machine {instance_id} in this build; use the instanceId put out by the "
        "step that launched it."
    )


def _id_from(prefix: str, token: str) -> str:
    """Make an id of 17 hex digits that is the same whenever a step is taken up again."""
    return f"{prefix}-{hashlib.sha256(token.encode()).hexdigest()[:17]}"
