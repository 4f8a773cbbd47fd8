"""Copies of images, made and recorded: ``engine.ports.Distribution``."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

from imagewright.clock import Clock, iso_milliseconds
from imagewright.distribution.artefact import Artefact, Parcel, Place
from imagewright.distribution.containers import ContainerShipment
from imagewright.distribution.packing import Packed, labels, provenance, reference, slug
from imagewright.distribution.targets import Targets
from imagewright.distribution.telling import telling
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.image_names import own_description, own_name
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, SentCopy, StepLog, WantedCopy
from imagewright.engine.records import ImageStatus
from imagewright.images.export_oci import OciMetadata
from imagewright.images.layers import LayerStore
from imagewright.machines.ledger import Ledger
from imagewright.machines.machine import MachineError
from imagewright.store import builds, machine_images
from imagewright.store.database import Database
from imagewright.store.machine_images import ImageCopy
from imagewright.store.outbox import Outbox

LayerOf = Callable[[str | None, BuildPlan, Event, StepLog], str]
"""Finds the layer of an image, or of a plan's parent image. Raises ActionError."""


class Distributor:
    """See ``engine.ports.Distribution``."""

    def __init__(
        self,
        *,
        database: Database,
        layer_store: LayerStore,
        layer_of: LayerOf,
        parent_image_id: Callable[[BuildPlan], str],
        targets: Targets,
        packing: Path,
        ledger: Ledger,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        """``packing``: where images are packed before they are sent."""
        self._database = database
        self._layers = layer_store
        self._layer_of = layer_of
        self._parent_image_id = parent_image_id
        self._targets = targets
        self._packing = packing
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock

    def refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Say why nothing can go to a region: see Distribution."""
        return self._targets.refusal(region, kms_key_id, is_container=is_container)

    @contextmanager
    def shipment(
        self, image_id: str | None, *, plan: BuildPlan, token: str, stop: Event, log: StepLog
    ) -> Iterator["_Shipment"]:
        """Begin to send an image: see Distribution."""
        source_id = image_id or self._parent_image_id(plan)
        self._demand_usable(source_id, plan)

        def layer_id() -> str:
            found = self._layer_of(image_id, plan, stop, log)
            try:
                self._layers.make_durable(found)
            except MachineError as error:
                raise ActionError(f"the image cannot be distributed: {error}") from error
            return found

        metadata = OciMetadata(reference=reference(plan), labels=labels(plan))
        with self._packing_folder(plan) as folder:
            yield _Shipment(
                source_id=source_id,
                packed=Packed(self._layers, layer_id, folder, plan, metadata, stop, log),
                plan=plan,
                token=token,
                stop=stop,
                log=log,
                database=self._database,
                place_of=self._targets.of,
                now=lambda: iso_milliseconds(self._clock.now()),
            )

    @contextmanager
    def container_shipment(
        self, instance_id: str, *, plan: BuildPlan, stop: Event, log: StepLog
    ) -> Iterator[ContainerShipment]:
        """Begin to send a container image: see Distribution."""
        with self._database.read() as connection:
            made = machine_images.container_of(connection, instance_id)
        if made is None or made.image_arn != plan.image_arn:
            raise ActionError(
                f"The machine {instance_id} has made no container image in this build, so that "
                "there is none to distribute. ExecuteComponents makes it in the build stage: "
                "instanceId is that of its machine."
            )
        metadata = OciMetadata(
            reference=reference(plan), config=made.config or {}, labels=labels(plan)
        )
        with self._packing_folder(plan) as folder:
            yield ContainerShipment(
                made=made,
                packed=Packed(
                    self._layers, lambda: str(made.layer_id), folder, plan, metadata, stop, log
                ),
                plan=plan,
                stop=stop,
                log=log,
                database=self._database,
                place_of=self._targets.of,
            )

    @contextmanager
    def _packing_folder(self, plan: BuildPlan) -> Iterator[Path]:
        """Return a folder to pack in, deleted afterwards, and by the reaper after a crash."""
        folder = self._packing / uuid4().hex
        entry = self._ledger.enter("file", {"path": str(folder)}, plan.image_arn)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._ledger.strike(entry)

    def permit(
        self, image_id: str, *, plan: BuildPlan, users: Sequence[str], groups: Sequence[str]
    ) -> None:
        """Let others use an image: see Distribution."""
        with self._database.write(soon=True) as connection:
            row = machine_images.find(connection, image_id)
            if row is None or (row.account != plan.account and row.image_arn != plan.image_arn):
                raise ActionError(f"{image_id} is no image of this account, nor of this build")
            permission = {"userIds": users, "userGroups": groups}
            machine_images.permit(connection, image_id, permission)

    def _demand_usable(self, image_id: str, plan: BuildPlan) -> None:
        """Refuse an image of others: a build workflow may put out any id."""
        with self._database.read() as connection:
            row = machine_images.find(connection, image_id)
        whose = {"account": plan.account, "region": plan.region}
        if row is not None and not machine_images.usable(row, **whose):
            raise ActionError(f"The image cannot be distributed: no image is {image_id}.")

    def begin_integration(self, plan: BuildPlan) -> None:
        """Show that settings are applied: see Distribution."""
        with self._database.write(soon=True) as connection:
            state = {"status": ImageStatus.INTEGRATING.value}
            builds.set_state(connection, plan.image_arn, state, self._outbox)


class _Shipment:
    """See ``engine.ports.Shipment``."""

    def __init__(
        self,
        *,
        source_id: str,
        packed: Packed,
        plan: BuildPlan,
        token: str,
        stop: Event,
        log: StepLog,
        database: Database,
        place_of: Callable[[str], Place],
        now: Callable[[], str],
    ) -> None:
        self._source_id = source_id
        self._packed = packed
        self._plan = plan
        self._token = token
        self._stop = stop
        self._log = log
        self._database = database
        self._place_of = place_of
        self._now = now

    def send(self, wanted: WantedCopy) -> SentCopy:
        """Make a copy: see Shipment."""
        plan = self._plan
        if (wanted.region, wanted.account) == (plan.region, plan.account):
            return self._stay(wanted)
        copy_id = _copy_id(self._token, self._source_id, wanted)
        with self._database.read() as connection:
            row = machine_images.find(connection, copy_id)
        if row is None:
            name = wanted.name or self._source_name()
            location = self._put(copy_id, name, wanted)
            pass_by(CrashPoint.COPY_ARRIVED)
            sent = SentCopy(image_id=copy_id, name=name, location=location)
            self._record(sent, wanted)
        else:
            sent = SentCopy(image_id=copy_id, name=row.name, location=row.location)
        pass_by(CrashPoint.COPY_RECORDED)
        return sent

    def _stay(self, wanted: WantedCopy) -> SentCopy:
        """Nothing is copied to where the image is; its name was given when it was made (§7.9)."""
        image_id = self._source_id
        passed_over = [
            word
            for word, given, has in (
                ("name", wanted.name, self._source_name()),
                ("description", wanted.description, own_description(self._plan)),
                ("kmsKeyId", wanted.kms_key_id, None),
            )
            if given not in {None, has}
        ]
        if passed_over:
            self._log.note(
                f"{image_id} stays as it was made in {wanted.region}: passed over "
                f"{', '.join(passed_over)}.",
                region=wanted.region,
            )
        if wanted.tags:
            with self._database.write(soon=True) as connection:
                row = machine_images.find(connection, image_id)
                if row is not None and row.account == self._plan.account:
                    machine_images.tag(connection, image_id, wanted.tags)
        return SentCopy(image_id=image_id, name=self._source_name(), location=None)

    def _put(self, copy_id: str, name: str, wanted: WantedCopy) -> str:
        place = self._place_of(wanted.region)
        artefact = self._packed.form(place.form)
        parcel = Parcel(
            copy_id=copy_id,
            artefact=artefact,
            described=self._described(copy_id, name, wanted, artefact),
            kms_key_id=wanted.kms_key_id,
            stop=self._stop,
            on_bytes=telling(self._log, f"Sending {copy_id} to {wanted.region}", artefact),
        )
        parcel.go_on()
        return place.put(parcel)

    def _described(
        self, copy_id: str, name: str, wanted: WantedCopy, artefact: Artefact
    ) -> dict[str, Any]:
        """Say what a copy is, for ``image.json``."""
        plan = self._plan
        return {
            "imageId": copy_id,
            "name": name,
            "description": wanted.description,
            "tags": dict(wanted.tags),
            "region": wanted.region,
            "accountId": wanted.account,
            "sourceImageId": self._source_id,
            "slug": slug(plan),
            **provenance(plan, artefact),
            "createdAt": self._now(),
        }

    def _record(self, sent: SentCopy, wanted: WantedCopy) -> None:
        copy = ImageCopy(
            id=sent.image_id,
            copy_of=self._source_id,
            account=wanted.account,
            region=wanted.region,
            name=sent.name,
            description=wanted.description,
            tags=wanted.tags,
            location=sent.location or "",
        )
        layer_id = self._packed.layer_id  # before the transaction: packing waits for those
        with self._database.write(soon=True) as connection:
            machine_images.add_copy(
                connection,
                copy,
                plan=self._plan,
                token=hashlib.sha256(sent.image_id.encode()).hexdigest(),
                layer=layer_id,
                now=self._now(),
            )
            builds.add_output(
                connection,
                self._plan.image_arn,
                builds.OutputImage(
                    id=sent.image_id,
                    region=wanted.region,
                    account=wanted.account,
                    name=sent.name,
                    description=wanted.description,
                ),
            )

    def _source_name(self) -> str:
        with self._database.read() as connection:
            row = machine_images.find(connection, self._source_id)
        return own_name(self._plan) if row is None else str(row.name)


def _copy_id(token: str, source_id: str, wanted: WantedCopy) -> str:
    """Make an id that is the same whenever the same copy is wanted under the same token."""
    text = json.dumps([token, source_id, asdict(wanted)], sort_keys=True)
    return f"ami-{hashlib.sha256(text.encode()).hexdigest()[:17]}"
