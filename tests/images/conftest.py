"""Layers in a real sandbox, shared with the tests of machines."""

from tests.machines.conftest import lab, state, tiny

__all__ = ["lab", "state", "tiny"]
