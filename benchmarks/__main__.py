"""``python -m benchmarks``: run every measurement and write ``BENCHMARKS.md``.

With names of measurements it runs those alone and prints what it found.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

from benchmarks import (
    build_times,
    component_steps,
    document_checks,
    list_pages,
    memory,
    start_up,
    step_overhead,
    workflow_calls,
)
from benchmarks.report import Section, page
from benchmarks.scale import Scale

MEASUREMENTS: Mapping[str, Callable[[Scale], Section]] = {
    "start-up": start_up.measure,
    "workflow-calls": workflow_calls.measure,
    "list-pages": list_pages.measure,
    "document-checks": document_checks.measure,
    "step-overhead": step_overhead.measure,
    "build-times": build_times.measure,
    "component-steps": component_steps.measure,
    "memory": memory.measure,
}
PAGE = Path(__file__).parents[1] / "BENCHMARKS.md"


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    for field in fields(Scale):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    scale = Scale(**{field.name: getattr(arguments, field.name) for field in fields(Scale)})
    sections = []
    for name in arguments.names or MEASUREMENTS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        sections.append(MEASUREMENTS[name](scale))
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    if arguments.names:
        print(page(sections, command))
    else:
        PAGE.write_text(page(sections, command), "utf-8")
        print(f"wrote {PAGE.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
