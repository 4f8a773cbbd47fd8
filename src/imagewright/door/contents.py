"""What an image added to the one it was built on: packages and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagewright.door.asked import Asked
from imagewright.door.finding import AVAILABLE, find_image
from imagewright.door.workshop import OpenWorkshop, Workshop
from imagewright.errors import InvalidRequest, ResourceNotFound
from imagewright.store import machine_images
from imagewright.store.builds import plan_of
from imagewright.store.database import Database

if TYPE_CHECKING:
    from imagewright.images.contents import Change
    from imagewright.images.inventory import Package

Json = Mapping[str, Any]

FILES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """The machine image that came of a build."""

    arn: str
    name: str
    version: str
    """``1.0.0/2``."""
    image_id: str
    layer_id: str
    config: Json | None
    """Of a container image: how containers of it are run."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The operations on what an image holds."""

    database: Database
    workshop: OpenWorkshop

    def added(self, asked: Asked) -> Json:
        """Return the packages and files that an image has beyond its parent image's.

        Up to ``files`` paths are listed, 200 by default; all are counted.
        """
        files_max = asked.number("files", 200, maximum=FILES_MAX)
        image = find_built(self.database, asked)
        workshop = self.workshop()
        from imagewright.images.contents import changes, summed_up  # only Linux can load these
        from imagewright.images.inventory import take_inventory

        store = workshop.layer_store
        chain = store.chain(image.layer_id)
        with self.database.read() as connection:
            plan = plan_of(connection, image.arn)
        if plan is None:  # it was imported, and stands on nothing
            raise ResourceNotFound(image.arn)
        parent = plan.parent_image
        base_id = self._parent_layer(workshop, parent, [row.id for row in chain])
        found = changes(store, image.layer_id, base_id, count_max=FILES_MAX)
        inventory = take_inventory(store, image.layer_id)
        return {
            "imageBuildVersionArn": image.arn,
            "image": image.image_id,
            "parentImage": parent,
            "osVersion": inventory.os_version,
            "sizeBytes": sum(row.size_bytes for row in chain),
            "addedSizeBytes": sum(row.size_bytes for row in _above(chain, base_id)),
            "packages": _package_changes(
                take_inventory(store, base_id).packages, inventory.packages
            ),
            "files": {
                **{
                    kind: {"count": count, "sizeBytes": size_bytes}
                    for kind, count, size_bytes in summed_up(found)
                },
                "listed": [_file(change) for change in found[:files_max]],
            },
        }

    def _parent_layer(self, workshop: Workshop, parent: str, chain: Sequence[str]) -> str:
        """Return the layer that the build began on.

        What comes from elsewhere is one layer, the lowest; only images built here have more.
        """
        own = workshop.own_layer(parent)
        return own if own is not None and own in chain else chain[-1]


def find_built(database: Database, asked: Asked) -> BuiltImage:
    """Return the newest available image that the caller means, and how it was built.

    One that was only distributed is the image that was. Raises ResourceNotFound; InvalidRequest
    for what was built elsewhere.
    """
    reference = asked.text("image")
    with database.read() as connection:
        stored = find_image(connection, reference, asked.call, AVAILABLE)
        made = machine_images.by_reference(connection, str(stored.arn))
    if made is None:
        raise InvalidRequest(
            f"The image '{stored.arn}' was not built here: it is its parent image as it was, or "
            "one that its workflow found elsewhere."
        )
    version = f"{stored.arn.version}/{stored.arn.build}"
    return BuiltImage(str(stored.arn), stored.name, version, made.id, made.layer_id, made.config)


def _above(chain: Sequence[Any], base_id: str) -> Sequence[Any]:
    return chain[: [row.id for row in chain].index(base_id)]


def _package_changes(before: Sequence["Package"], after: Sequence["Package"]) -> Json:
    """Compare by name; a name may be installed in several versions at once."""
    old, new = _by_name(before), _by_name(after)
    return {
        "count": len(after),
        "added": [
            {"name": name, "version": version}
            for name in sorted(new.keys() - old.keys())
            for version in new[name]
        ],
        "removed": [
            {"name": name, "version": version}
            for name in sorted(old.keys() - new.keys())
            for version in old[name]
        ],
        "changed": [
            {"name": name, "from": ", ".join(old[name]), "to": ", ".join(new[name])}
            for name in sorted(old.keys() & new.keys())
            if old[name] != new[name]
        ],
    }


def _by_name(packages: Sequence["Package"]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for package in packages:
        found.setdefault(package.name, []).append(package.version)
    return found


def _file(change: "Change") -> Json:
    return {"path": change.path, "change": change.kind, "sizeBytes": change.size_bytes}
