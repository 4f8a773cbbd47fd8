"""An image packed before it is sent, and what it says of the build that made it."""

import platform
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

from imagewright.arns import Arn
from imagewright.distribution.artefact import Artefact, Form, pack
from imagewright.distribution.telling import telling_share
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import StepLog
from imagewright.images.export_oci import OciMetadata
from imagewright.images.layers import LayerStore


class Packed:
    """An image in every form that a place asks for, each packed once; nothing before it must."""

    def __init__(
        self,
        layers: LayerStore,
        find_layer: Callable[[], str],
        folder: Path,
        plan: BuildPlan,
        metadata: OciMetadata,
        stop: Event,
        log: StepLog,
    ) -> None:
        self._layers = layers
        self._log = log
        self._find_layer = find_layer
        self._layer_id: str | None = None
        self._folder = folder
        self._plan = plan
        self._metadata = metadata
        self._stop = stop
        self._lock = threading.Lock()
        self._artefacts: dict[Form, Artefact] = {}

    @property
    def layer_id(self) -> str:
        """The image's layer. Raises ActionError.

        Once it is known it is had at once, also while a form is being packed.
        """
        if (found := self._layer_id) is not None:
            return found
        with self._lock:
            if self._layer_id is None:
                self._layer_id = self._find_layer()
            return self._layer_id

    def form(self, form: Form) -> Artefact:
        """Return the image in a form. Raises ActionError."""
        layer_id = self.layer_id
        with self._lock:
            if form not in self._artefacts:
                self._artefacts[form] = self._pack(layer_id, form)
            return self._artefacts[form]

    def _pack(self, layer_id: str, form: Form) -> Artefact:
        place = self._folder / form
        shutil.rmtree(place, ignore_errors=True)  # of a packing that failed
        place.mkdir(mode=0o700, parents=True)
        return pack(
            self._layers,
            layer_id,
            form,
            place,
            metadata=self._metadata,
            cancel=self._stop,
            on_progress=telling_share(self._log, f"Packing {self._plan.image_name} as {form}"),
        )


def provenance(plan: BuildPlan, artefact: Artefact) -> Mapping[str, Any]:
    """Return what every ``image.json`` says of the build, and of the files beside it."""
    return {
        "sourceImageArn": plan.image_arn,
        "sourceRegion": plan.region,
        "version": version(plan),
        "platform": plan.platform,
        "architecture": platform.machine(),
        "format": artefact.form,
        "digest": artefact.digest,
        "sizeBytes": artefact.size_bytes,
    }


def labels(plan: BuildPlan) -> dict[str, str]:
    """Return the labels of an image: what it is called, and which build made it."""
    return {
        "org.opencontainers.image.title": plan.image_name,
        "org.opencontainers.image.version": version(plan),
        "imagewright.image": plan.image_arn,
    }


def reference(plan: BuildPlan) -> str:
    """Return how loaders call an image: ``web:1.0.0-1``."""
    return f"{slug(plan)}:{version_tag(plan)}"


def slug(plan: BuildPlan) -> str:
    """Return an image's name as its ARN has it."""
    return Arn.parse(plan.image_arn).path


def version(plan: BuildPlan) -> str:
    """Return version and build, ``1.0.0/1``."""
    return f"{plan.version}/{plan.build}"


def version_tag(plan: BuildPlan) -> str:
    """Return version and build as a tag, ``1.0.0-1`` (IMG-52)."""
    return f"{plan.version}-{plan.build}"
