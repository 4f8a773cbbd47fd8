"""The runs of a build: its first, and one more for each retry (IMG-64)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a build; its id is that of the journal's workflow."""

    image_arn: str
    number: int = 0
    """How often the build was retried before."""

    @property
    def id(self) -> str:
        """The image's ARN; of a retry, with its number behind it."""
        return f"{self.image_arn}#{self.number}" if self.number else self.image_arn

    @classmethod
    def of(cls, run_id: str) -> "Attempt":
        """Read an id; an ARN holds no ``#``."""
        image_arn, _, number = run_id.partition("#")
        return cls(image_arn, int(number or 0))
