"""What the second door needs of the part that builds, once that is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagewright.images.layers import LayerStore
    from imagewright.images.prune import Policy
    from imagewright.machines.ledger import Ledger
    from imagewright.machines.network import Network


@dataclass(frozen=True, slots=True)
class Workshop:
    """Layers and what keeps them, on this host."""

    layer_store: "LayerStore"
    ledger: "Ledger"
    network: "Network"
    policy: "Policy"
    """What pruning may free by the settings."""
    own_layer: Callable[[str], str | None]
    """Finds the layer of a parent image that was built here; None for any other parent."""
    exports: Path
    """Where exports are packed before they are sent; of a crash the ledger knows."""


OpenWorkshop = Callable[[], Workshop]
"""Waits until it is loaded. Raises ServiceUnavailable, and InvalidRequest where nothing builds."""
