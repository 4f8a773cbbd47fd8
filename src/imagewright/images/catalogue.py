"""Which layer stands for a recipe's ``parentImage``.

In this order: the operator's own table, images built here, managed bases by name or by ARN, files
by path, and images in registries. What is none of these is refused, with the line to add to the
settings.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Event
from typing import Any

from imagewright.images.bases import Bases, OnProgress, debian_architecture
from imagewright.images.imports import (
    WrongArchitecture,
    config_of,
    import_oci_layout,
    import_tar,
)
from imagewright.images.layers import LayerStore
from imagewright.images.pulls import Pulls
from imagewright.images.references import Reference, read_reference
from imagewright.machines.machine import MachineError

_MANAGED = re.compile(
    r"arn:[^:]+:imagebuilder:[^:]*:aws:image/(?P<name>[^/]+)/[^/]+(?:/[^/]+)?", re.ASCII
)
_ARCHITECTURES = {"x86": "amd64", "amd64": "amd64", "arm64": "arm64"}
_TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to build on a parent: an account, in a region."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class OwnImage:
    """An image that was built here."""

    layer_id: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """How containers of it are run: an OCI image's ``config``; empty for an AMI."""


OwnImages = Callable[[str, Asker | None], OwnImage | None]
"""Finds an image built here by its ``ami-…`` id or build version ARN; with an asker, only if they
may use it."""


class UnmappedParent(MachineError):
    """Nothing here stands for a parent image; the message has the line to add, or to mend."""

    def __init__(
        self, parent: str, mapped: str, settings_file: Path, names: tuple[str, ...]
    ) -> None:
        self.parent = parent
        if mapped == parent:
            problem = (
                f"nothing here stands for the parent image '{parent}'. Add to {settings_file}:\n"
                f'[parents]\n"{parent}" = "{names[0]}"\n'
            )
        else:
            problem = (
                f"the setting parents has '{mapped}' stand for the parent image '{parent}', and "
                f"that is nothing here. Mend it in {settings_file}:\n"
            )
        super().__init__(
            f"{problem}The right side is a managed base ({', '.join(names)}), the whole path of a "
            "root file-system tar or an OCI layout, an image built here, or an image in a registry "
            "(docker.io/library/debian:12); the left side may have *"
        )


@dataclass(frozen=True, slots=True)
class Parent:
    """What a build starts from."""

    layer_id: str
    description: str
    """For people: which base, file or image it is."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """How containers of it are run: an OCI image's ``config``; empty where nothing is said."""


class Catalogue:
    """Resolves parent images."""

    def __init__(
        self,
        store: LayerStore,
        bases: Bases,
        *,
        table: Mapping[str, str],
        own_images: OwnImages,
        settings_file: Path,
        pulls: Pulls | None = None,
        trusts_paths: bool = False,
    ) -> None:
        """``table`` maps patterns of parents to what stands for them.

        ``pulls`` gets images from registries; None: nobody does.
        ``trusts_paths``: a parent may be a path of this host by itself, from the working directory
        too, as on the command line of its owner; callers over the network reach only those that
        the table names.
        """
        self._store = store
        self._bases = bases
        self._table = table
        self._own_images = own_images
        self._settings_file = settings_file
        self._pulls = pulls
        self._trusts_paths = trusts_paths

    def resolve(
        self,
        parent: str,
        *,
        asker: Asker | None = None,
        on_progress: OnProgress = lambda _progress: None,
        cancel: Event | None = None,
    ) -> Parent:
        """Return the layer for a parent, made now where need be.

        ``asker``: whoever may use only their own images and those that they were let use; what
        the operator's table names may be anybody's.
        Raises UnmappedParent, WrongArchitecture, BaseFailed, ImportFailed, PullFailed and the
        other MachineErrors.
        """
        mapped = self._mapped(parent)
        if (own := self._own(parent, mapped, asker)) is not None:
            return Parent(own.layer_id, f"image {mapped}", own.config)
        if (base := self._base_name(mapped)) is not None:
            layer_id = self._bases.layer(base, on_progress=on_progress, cancel=cancel)
            return Parent(layer_id, f"base {base}")
        if (path := self._path(parent, mapped)) is not None:
            return self._from_path(path)
        if self._pulls is not None and (there := self._reference(parent, mapped)) is not None:
            layer_id = self._pulls.layer(
                there,
                account=asker.account if asker is not None and mapped == parent else None,
                on_progress=on_progress,
                cancel=cancel,
            )
            return Parent(layer_id, f"image {there}", config_of(self._store, layer_id))
        raise UnmappedParent(parent, mapped, self._settings_file, self._bases.names)

    def check(self, parent: str, asker: Asker | None = None) -> None:
        """Raise what ``resolve`` would for a parent that nothing stands for, and do no work.

        Whether a registry has an image, only a build finds out.
        """
        mapped = self._mapped(parent)
        is_known = (
            self._own(parent, mapped, asker) is not None
            or self._base_name(mapped) is not None
            or self._path(parent, mapped) is not None
            or (self._pulls is not None and self._reference(parent, mapped) is not None)
        )
        if not is_known:
            raise UnmappedParent(parent, mapped, self._settings_file, self._bases.names)

    def own_layer(self, parent: str) -> str | None:
        """Return the layer of a parent that was built here; None for any other."""
        own = self._own_images(self._mapped(parent), None)
        return None if own is None else own.layer_id

    def _own(self, parent: str, mapped: str, asker: Asker | None) -> OwnImage | None:
        return self._own_images(mapped, asker if mapped == parent else None)

    def _mapped(self, parent: str) -> str:
        if parent in self._table:
            return self._table[parent]
        fitting = (
            target for pattern, target in self._table.items() if fnmatchcase(parent, pattern)
        )
        return next(fitting, parent)

    def _base_name(self, parent: str) -> str | None:
        match = _MANAGED.fullmatch(parent)
        name = match["name"] if match else parent
        if name in self._bases.names:
            return name
        base, _, architecture = name.rpartition("-")
        if base not in self._bases.names or architecture not in _ARCHITECTURES:
            return None
        if _ARCHITECTURES[architecture] != debian_architecture():
            raise WrongArchitecture(
                f"the parent image '{parent}' is for {architecture}, and this host's sandbox runs "
                f"{debian_architecture()} only"
            )
        return base

    def _path(self, parent: str, mapped: str) -> Path | None:
        if mapped != parent:
            return _path(mapped)
        if not self._trusts_paths:
            return None
        return _path(mapped) or _path_from_here(mapped)

    def _reference(self, parent: str, mapped: str) -> Reference | None:
        """Read a reference to an image in a registry.

        ``debian`` alone is one as the parent of a container recipe. On the command line and in
        the table it would be a base that is not there.
        """
        return read_reference(mapped, may_be_bare=mapped == parent and not self._trusts_paths)

    def _from_path(self, path: Path) -> Parent:
        if path.is_dir():
            layer_id = import_oci_layout(self._store, path)
            return Parent(layer_id, f"OCI layout {path}", config_of(self._store, layer_id))
        return Parent(import_tar(self._store, path), f"tar {path}")


def _path(parent: str) -> Path | None:
    """Read a path: ``oci:/layout``, ``file:///root.tar`` or just absolute."""
    for prefix in ("oci:", "file://"):
        if parent.startswith(f"{prefix}/"):
            return Path(parent.removeprefix(prefix))
    is_path = parent.startswith("/") and (
        parent.endswith(_TAR_ENDINGS) or Path(parent, "oci-layout").is_file()
    )
    return Path(parent) if is_path else None


def _path_from_here(parent: str) -> Path | None:
    """Read a path from the working directory, where something lies there that is an image."""
    path = Path(parent.removeprefix("oci:"))
    is_image = (path.name.endswith(_TAR_ENDINGS) and path.is_file()) or (
        path / "oci-layout"
    ).is_file()
    return path.absolute() if is_image else None
