"""What the product ships under the owner Amazon, as documents (``workflow-documents.md`` §9)."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal


@dataclass(frozen=True, slots=True)
class ShippedWorkflow:
    """One managed workflow: its identity, and the file that says what it does."""

    type: Literal["BUILD", "TEST", "DISTRIBUTION"]
    name: str
    version: str

    def text(self) -> str:
        """Return the document."""
        return (files(__package__) / "workflows" / f"{self.name}.yaml").read_text("utf-8")


WORKFLOWS = (
    ShippedWorkflow("BUILD", "build-image", "1.0.3"),
    ShippedWorkflow("TEST", "test-image", "1.0.3"),
)
"""A changed document needs a new version here: whoever built with the old one refers to it."""
