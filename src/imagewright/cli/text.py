"""Text for people: times, sizes, tables, and lines of programs made harmless."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

TICK, CROSS, RING, AGAIN, ARROW, BAR, MORE = "✔", "✘", "○", "↻", "▶", "│", "↩"
_PLAIN = {
    TICK: "ok",
    CROSS: "FAILED",
    RING: "-",
    AGAIN: "reused",
    ARROW: ">",
    BAR: "|",
    MORE: "(goes on)",
}


def sign(symbol: str) -> str:
    """Return a symbol, or a word for it where the terminal's encoding has none."""
    try:
        symbol.encode(getattr(sys.__stdout__, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return _PLAIN.get(symbol, "?")
    return symbol


def visible(line: str) -> str:
    """Make a program's line harmless: what a terminal would act upon is gone.

    Of a line that was drawn over and over, such as a progress bar, the last state remains.
    """
    last = line.rstrip("\r\n").rpartition("\r")[2]
    return "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in last)


def logged(entry: Mapping[str, Any]) -> str:
    """Draw an entry of a build's log; a piece of a long line that goes on ends in a mark."""
    text = visible(entry["text"])
    return f"{text} {sign(MORE)}" if "continues" in entry else text


def seconds(value: float) -> str:
    """Spell how long something took."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def size(count: int) -> str:
    """Spell how much room something takes."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def moment(text: str) -> str:
    """Spell a moment of the wire in the reader's own time zone."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def short(arn: str) -> str:
    """Cut an ARN down to what tells it apart among the reader's own: ``name/1.0.0/2``."""
    resource = arn.split(":", 5)[-1]
    return resource.partition("/")[2] or resource


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, nothing: str) -> None:
    """Print columns that line up; ``nothing`` where there is no row."""
    table = [list(row) for row in rows]
    if not table:
        typer.echo(nothing)
        return
    widths = [max(len(row[i]) for row in [header, *table]) for i in range(len(header))]
    for number, row in enumerate([list(header), *table]):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        typer.echo(typer.style(line, bold=True) if number == 0 else line)
