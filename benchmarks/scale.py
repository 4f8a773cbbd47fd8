"""How much of everything a run does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The numbers of a full run; a quick look takes smaller ones."""

    starts: int = 15
    builds: int = 11
    calls: int = 1000
    documents: int = 1000
    versions: int = 100_000
    requests: int = 100_000
