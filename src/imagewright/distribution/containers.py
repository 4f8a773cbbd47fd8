"""Container images on their way to the repositories of their regions: ``ContainerShipment``."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from threading import Event
from typing import Any

from sqlalchemy import Row

from imagewright.distribution.artefact import (
    CONTAINER_FORM,
    Artefact,
    ContainerNames,
    Parcel,
    Place,
)
from imagewright.distribution.packing import Packed, provenance, version_tag
from imagewright.distribution.telling import telling
from imagewright.engine.crash_points import CrashPoint, pass_by
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, StepLog, WantedContainer
from imagewright.store import builds
from imagewright.store.database import Database


class ContainerShipment:
    """See ``engine.ports.ContainerShipment``.

    Nothing but its place knows whether an image has arrived: there its manifest, or its
    description, is the same whenever it is sent.
    """

    def __init__(
        self,
        *,
        made: Row[Any],
        packed: Packed,
        plan: BuildPlan,
        stop: Event,
        log: StepLog,
        database: Database,
        place_of: Callable[[str], Place],
    ) -> None:
        """``made``: the container image, of ``store.machine_images``."""
        self._made = made
        self._packed = packed
        self._plan = plan
        self._stop = stop
        self._log = log
        self._database = database
        self._place_of = place_of

    def send(self, wanted: WantedContainer) -> Sequence[str]:
        """Send the image: see ContainerShipment."""
        place = self._place_of(wanted.region)
        if place.form != CONTAINER_FORM:  # a setting that was another when the build began
            raise ActionError(f"no container image can go to {wanted.region}, as {place.form}")
        tags = dict.fromkeys([version_tag(self._plan), *wanted.tags])
        names = ContainerNames(repository=wanted.repository, tags=list(tags))
        uris = place.uris(names)
        parcel = self._parcel(self._packed.form(place.form), names, wanted, uris[0])
        parcel.go_on()
        place.put(parcel)
        pass_by(CrashPoint.COPY_ARRIVED)
        with self._database.write(soon=True) as connection:
            builds.add_container(connection, self._plan.image_arn, wanted.region, uris)
        pass_by(CrashPoint.COPY_RECORDED)
        return uris

    def _parcel(
        self, artefact: Artefact, names: ContainerNames, wanted: WantedContainer, uri: str
    ) -> Parcel:
        copy_id = _copy_id(artefact, names, wanted)
        return Parcel(
            copy_id=copy_id,
            artefact=artefact,
            described=self._described(copy_id, artefact, names, wanted),
            container=names,
            kms_key_id=None,
            stop=self._stop,
            on_bytes=telling(self._log, f"Sending {uri}", artefact),
        )

    def _described(
        self, copy_id: str, artefact: Artefact, names: ContainerNames, wanted: WantedContainer
    ) -> dict[str, Any]:
        """Say what an image is, for ``image.json``."""
        plan = self._plan
        return {
            "imageId": copy_id,
            "name": plan.image_name,
            "repository": names.repository,
            "tags": list(names.tags),
            "region": wanted.region,
            "accountId": plan.account,
            "sourceImageId": self._made.id,
            **provenance(plan, artefact),
            "createdAt": self._made.created_at,
        }


def _copy_id(artefact: Artefact, names: ContainerNames, wanted: WantedContainer) -> str:
    """Make an id that is the same whenever the same image is to be called the same somewhere."""
    text = json.dumps([artefact.digest, wanted.region, asdict(names)], sort_keys=True)
    return f"ctr-{hashlib.sha256(text.encode()).hexdigest()[:17]}"
