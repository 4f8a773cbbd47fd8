"""Text to Dockerfile: everything that is wrong with it, or its instructions (CTR-02, CTR-03).

Whether a recipe's components have their variables is checked where the recipe is known
(``api/dockerfile_templates.py``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imagewright.documents.diagnostics import Diagnostic, has_errors, in_order
from imagewright.documents.dockerfile import rules
from imagewright.documents.dockerfile.instructions import (
    read_instruction,
    split_keyword,
)
from imagewright.documents.dockerfile.lines import ESCAPES, Lines, LogicalLine, read_lines
from imagewright.documents.dockerfile.model import (
    Cmd,
    Components,
    Dockerfile,
    Entrypoint,
    Healthcheck,
    Instruction,
)
from imagewright.documents.dockerfile.words import NO_TEXT
from imagewright.documents.places import EMPTY

FINDINGS_MAX: Final = 500
"""Nobody reads on after so many."""

_FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@].*)?")


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a text."""

    dockerfile: Dockerfile | None
    """None when at least one finding is an error."""
    findings: tuple[Diagnostic, ...]
    """Errors and warnings, in the order of the text."""


def load_dockerfile(text: str) -> Checked:
    """Read and check the template of a container recipe. Never raises over what it holds."""
    lines = read_lines(text)
    findings: list[Diagnostic] = []
    _check_text(lines, findings)
    instructions = _read(lines, findings)
    shown = _first(findings)
    if has_errors(findings):
        return Checked(None, shown)
    return Checked(Dockerfile(tuple(instructions), lines.escape), shown)


def _first(findings: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Leave findings out of which nobody would read so many, warnings before errors."""
    errors_first = sorted(in_order(findings), key=lambda finding: not finding.is_error)
    return in_order(errors_first[:FINDINGS_MAX])


def read_trigger(text: str) -> tuple[Sequence[Instruction], tuple[Diagnostic, ...]]:
    """Read an instruction that a parent image keeps with ``ONBUILD``; returned with findings."""
    findings: list[Diagnostic] = []
    lines = read_lines(text)
    _check_text(lines, findings)
    if len(lines.logical) != 1:
        findings.append(rules.Triggers.finding(EMPTY, "it is not one instruction"))
    instructions = [
        each
        for line in lines.logical
        for each in read_instruction(line, lines.escape, findings.append)
    ]
    return instructions, in_order(findings)


def _check_text(lines: Lines, findings: list[Diagnostic]) -> None:
    if (found := NO_TEXT.search(lines.source.text)) is not None:
        span = lines.source.span(*found.span())
        message = "a template holds only whole characters, and no NUL"
        findings.append(rules.Characters.finding(span, message, fix="leave it out"))
    seen: set[str] = set()
    for directive in lines.directives:
        message, fix = "", ""
        if directive.name in seen:
            message, fix = f"`# {directive.name}=` stands twice", "leave one of them out"
        elif directive.name == "escape" and directive.value not in ESCAPES:
            message = "the escape character is a backslash or a backtick"
            fix = "leave the line out, or name one of the two"
        elif directive.name == "syntax" and not _FRONTEND.fullmatch(directive.value):
            message = "this names another language than that of `docker/dockerfile`"
            fix = "write `# syntax=docker/dockerfile:1` or leave the line out"
        seen.add(directive.name)
        if message:
            findings.append(rules.Directives.finding(directive.span, message, fix=fix))


def _read(lines: Lines, findings: list[Diagnostic]) -> Sequence[Instruction]:
    """Read all lines, and check the order in which they stand."""
    keywords = [split_keyword(line.text)[0].text.upper() for line in lines.logical]
    first = keywords.index("FROM") if "FROM" in keywords else None
    if first is None:
        message = "the template has no `FROM`"
        findings.append(rules.NoParent.finding(EMPTY, message, fix=f"write `FROM {rules.PARENT}`"))
    found: list[Instruction] = []
    last: dict[type[Instruction], LogicalLine] = {}
    is_refused, looked_at = False, 0
    for index, (line, keyword) in enumerate(zip(lines.logical, keywords, strict=True)):
        if len(findings) >= FINDINGS_MAX:
            is_refused = is_refused or has_errors(findings[looked_at:])
            looked_at = len(findings)
            if is_refused:
                break
        if keyword == "FROM" and index != first:
            message = "a second `FROM` begins a stage, and there are none here"
            fix = "build in one stage: in a component, or in a `RUN` that cleans up behind itself"
            findings.append(rules.Stages.finding(line.span(), message, fix=fix))
            continue
        for instruction in read_instruction(line, lines.escape, findings.append):
            found.append(instruction)
            _check_once(instruction, line, last, findings)
        if first is not None and index < first and keyword != "ARG":
            message = "only `ARG` may stand before `FROM`"
            finding = rules.BeforeFrom.finding(line.span(), message, fix="put it behind `FROM`")
            findings.append(finding)
    return found


def _check_once(
    instruction: Instruction,
    line: LogicalLine,
    last: dict[type[Instruction], LogicalLine],
    findings: list[Diagnostic],
) -> None:
    """Report what stands again though only one of it counts."""
    kind = type(instruction)
    if kind not in (Components, Cmd, Entrypoint, Healthcheck):
        return
    earlier = last.get(kind)
    last[kind] = line
    if earlier is None:
        return
    if kind is Components:
        message = f"the components stand in line {earlier.number} already"
        findings.append(rules.Twice.finding(line.span(), message, fix="leave one of them out"))
    else:
        message = f"`{kind.__name__.upper()}` in line {line.number} takes the place of this"
        finding = rules.OnlyTheLast.finding(earlier.span(), message, fix="leave this one out")
        findings.append(finding)
