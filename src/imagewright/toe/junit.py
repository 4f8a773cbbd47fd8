"""Test results as JUnit XML, which every CI system reads."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from imagewright.toe.testing import Outcome


def junit(results: Mapping[str, Sequence[Outcome]]) -> str:
    """Return a report: a suite for each component, a case for each of its cases."""
    every = [outcome for outcomes in results.values() for outcome in outcomes]
    root = Element("testsuites", _counts(every))
    for name, outcomes in results.items():
        suite = SubElement(root, "testsuite", {"name": _legible(name), **_counts(outcomes)})
        for outcome in outcomes:
            _case(suite, name, outcome)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, "unicode") + "\n"


def _case(suite: Element, name: str, outcome: Outcome) -> None:
    facts = {
        "classname": _legible(name),
        "name": _legible(outcome.case.name),
        "time": f"{outcome.seconds:.3f}",
    }
    case = SubElement(suite, "testcase", facts)
    if not outcome.passed:
        failure = SubElement(case, "failure", {"message": _legible(outcome.problems[0])})
        said = [*outcome.problems, *outcome.last_lines.splitlines()]
        failure.text = _legible("\n".join(said))
    SubElement(case, "system-out").text = _legible("\n".join(outcome.log))


def _counts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    return {
        "tests": str(len(outcomes)),
        "failures": str(sum(not outcome.passed for outcome in outcomes)),
        "errors": "0",
        "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
    }


def _legible(text: str) -> str:
    """Replace what XML cannot hold."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
