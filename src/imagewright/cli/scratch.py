"""Deleting a state: its layers belong to ids that only the sandbox can act for."""

import shutil
from pathlib import Path

from imagewright.machines.idmap import current_map
from imagewright.machines.namespaces import Namespace
from imagewright.state import StateDirectory


def delete_state(root: Path) -> None:
    """Delete a state on which no server runs, and all that builds made in it."""
    layers = StateDirectory(root).layers
    if layers.exists():
        names = sorted(path.name for path in layers.iterdir())
        with Namespace(layers, current_map(), name="layers") as namespace:
            namespace.call("remove", names=names)
    shutil.rmtree(root, ignore_errors=True)
