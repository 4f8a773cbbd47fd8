"""What a measurement found, and the page that shows it."""

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.pace import pace

_RECKONED = (
    "the numbers to hold reckon with a machine on which boto3 alone takes 0.6 ms for a call; the "
    "section on workflows says what it takes here"
)
_VERSIONS = ("imagewright", "boto3", "moto", "uvicorn", "SQLAlchemy")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    what: str
    cells: Sequence[str]
    """One for each column of its section."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A number that is to be held, and the one that was measured."""

    what: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False
    why_missed: str = ""
    """A sentence, shown where the number is not held."""

    @property
    def is_held(self) -> bool:
        """Tell whether the measured number is on the right side."""
        if self.at_least:
            return self.measured >= self.limit
        return self.measured <= self.limit

    def __str__(self) -> str:
        """Say it in a line."""
        sign = "≥" if self.at_least else "≤"
        verdict = "held." if self.is_held else f"**missed** by {self._missed_by():.0%}."
        if self.why_missed and not self.is_held:
            verdict += f" {self.why_missed}"
        return (
            f"- {self.what}: {self.measured:.2f}{self.unit}, "
            f"to hold {sign} {self.limit:g}{self.unit}: {verdict}"
        )

    def _missed_by(self) -> float:
        return abs(self.measured - self.limit) / self.limit


@dataclass(frozen=True, slots=True)
class Section:
    """One measurement."""

    title: str
    how: Sequence[str]
    """What was done, sentence by sentence."""
    columns: Sequence[str]
    rows: Sequence[Row]
    verdicts: Sequence[Verdict] = ()

    def __str__(self) -> str:
        """Write the section as Markdown."""
        head = f"| | {' | '.join(self.columns)} |\n|{' --- |' * (len(self.columns) + 1)}\n"
        rows = "".join(f"| {row.what} | {' | '.join(row.cells)} |\n" for row in self.rows)
        verdicts = "".join(f"{verdict}\n" for verdict in self.verdicts)
        parts = [f"## {self.title}\n", "".join(f"{said}\n" for said in self.how), head + rows]
        return "\n".join([*parts, verdicts] if verdicts else parts)


def page(sections: Iterable[Section], command: str) -> str:
    """Write the page of a run."""
    facts = "".join(f"- {fact}\n" for fact in (f"command: `{command}`", *machine_facts()))
    return "\n".join(["# Benchmarks\n", facts, *map(str, sections)])


def machine_facts() -> list[str]:
    """Say what the numbers were measured on."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _VERSIONS)
    return [
        f"when: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"machine: {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        f"Python {sys.version.split()[0]}, {versions}",
        f"pace: {pace()}",
        _RECKONED,
    ]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
