"""What is expected of a component: ``NAME.test.yaml`` beside ``NAME.yaml``.

It lists cases; each says how the component is run and what must come of that. Everything but the
name may be left out, and then the component must succeed on the default base with its defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from imagewright.documents.component.model import Component
from imagewright.documents.component.operators import BadPattern, compile_pattern
from imagewright.documents.component.variables import unknown_names
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, in_order, one_of
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, kind_of
from imagewright.documents.reading import load
from imagewright.runner.status import RunStatus, StepStatus

STAGES: Final = (("build", "validate"), ("test",))
"""The phases that Image Builder runs, on the machine and on one launched from its image (§2.5)."""
PHASES: Final = tuple(phase for stage in STAGES for phase in stage)

_FILE_KEYS: Final = ("base", "cases")
_CASE_KEYS: Final = (
    "name", "base", "parameters", "phases", "status", "exit", "failedStep", "message", "steps",
    "outputs", "files",
)  # fmt: skip
_TEXT_KEYS: Final = ("equals", "contains", "matches")
_ON_FILE_KEYS: Final = (*_TEXT_KEYS, "exists", "mode", "owner", "group")
_STATUSES: Final = tuple(s.value for s in RunStatus if s is not RunStatus.CANCELLED)
_STEP_STATUSES: Final = tuple(
    s.value for s in StepStatus if s not in (StepStatus.RUNNING, StepStatus.CANCELLED)
)
_FAILED_EXIT: Final = 1

_Kind = TypeVar("_Kind", Scalar, ListNode, MapNode)
_KIND_NAMES: Final = {Scalar: "text", ListNode: "a list", MapNode: "a map"}


@dataclass(frozen=True, slots=True)
class TextDemand:
    """What a text must be; nothing said, nothing demanded."""

    equals: str | None = None
    contains: str | None = None
    matches: str | None = None
    """An RE2 pattern, found anywhere, in any case, as ``patternMatches`` takes it."""

    def problem(self, text: str) -> str:
        """Say what is wrong with a text; empty if nothing is."""
        if self.equals is not None and text != self.equals:
            return f"should be `{_short(self.equals)}` and is `{_short(text)}`"
        if self.contains is not None and self.contains not in text:
            return f"should contain `{_short(self.contains)}` and is `{_short(text)}`"
        if self.matches is not None and compile_pattern(self.matches).search(text) is None:
            return f"should match `{_short(self.matches)}` and is `{_short(text)}`"
        return ""


@dataclass(frozen=True, slots=True)
class FileDemand:
    """What a file of the machine must be afterwards."""

    exists: bool = True
    content: TextDemand = TextDemand()
    mode: str | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One run of a component, and what must come of it."""

    name: str = "defaults"
    base: str | None = None
    """None: the default one."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[str, ...] | None = None
    """None: of ``PHASES`` those that the component has."""
    status: str | None = None
    exit: int | None = None
    """Of the run: 0 or 1."""
    failed_step: str | None = None
    """``phase.step``."""
    message: TextDemand | None = None
    """Of the first failure, with what its command said last."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """How steps must end, by ``phase.step``."""
    outputs: Mapping[str, TextDemand] = field(default_factory=dict)
    """By ``phase.step.output``."""
    files: Mapping[str, FileDemand] = field(default_factory=dict)
    """By path; looked at after the last phase."""

    @property
    def exit_code(self) -> int:
        """How the run must end."""
        if self.exit is not None:
            return self.exit
        if self.status is not None:
            return _FAILED_EXIT if self.status == RunStatus.FAILED else 0
        return 0 if self.failed_step is None and self.message is None else _FAILED_EXIT


def read_cases(text: str, component: Component) -> tuple[tuple[Case, ...], tuple[Diagnostic, ...]]:
    """Read a file of expectations, and find all that is wrong with it."""
    loaded = load(text)
    reader = _Reader(component, list(loaded.findings))
    cases = tuple(reader.file(loaded.root)) if loaded.root is not None else ()
    return cases, in_order(reader.findings)


@dataclass(slots=True)
class _Reader:
    component: Component
    findings: list[Diagnostic]
    base: str | None = None

    def file(self, root: Node) -> Iterator[Case]:
        if (top := self._of_kind(root, MapNode, "a file of expectations")) is None:
            return
        self._known(top, _FILE_KEYS, "a file of expectations")
        self.base = self._text(top, "base")
        listed = self._value(top, "cases", ListNode)
        if listed is None or not listed.items:
            if top.get("cases") is None or listed is not None:
                self._wrong(top, "a file of expectations needs `cases`, a list", "CT003")
            return
        names: set[str] = set()
        for item in listed.items:
            if (body := self._of_kind(item, MapNode, "a case")) is None:
                continue
            case = self._case(body)
            if case.name in names:
                self._wrong(body, f"there are two cases of the name `{case.name}`", "CT003")
            names.add(case.name)
            yield case

    def _case(self, body: MapNode) -> Case:
        self._known(body, _CASE_KEYS, "a case")
        name = self._text(body, "name")
        if name is None:
            self._wrong(body, "a case needs a `name`", "CT003")
        case = Case(
            name=name or "",
            base=self._text(body, "base") or self.base,
            parameters=self._parameters(body),
            phases=self._phases(body),
            status=self._choice(body, "status", _STATUSES),
            exit=self._exit(body),
            failed_step=self._failed_step(body),
            message=self._demand_under(body, "message"),
            steps=dict(self._steps(body)),
            outputs=dict(self._outputs(body)),
            files=dict(self._files(body)),
        )
        of_failure = {"failedStep": case.failed_step, "message": case.message}
        for key, said in of_failure.items():
            if case.exit_code == 0 and said is not None:
                message = f"`{key}` is for a case that fails, and this one is to succeed"
                self._wrong(body, message, "CT003")
        return case

    def _parameters(self, body: MapNode) -> dict[str, str]:
        given: dict[str, str] = {}
        for key, value in self._entries(body, "parameters"):
            text = self._of_kind(value, Scalar, f"`{key.text}`")
            if unknown_names(self.component, {key.text: ""}):
                known = [parameter.name for parameter in self.component.parameters]
                self._no_such(key, "the component has no parameter", known)
            elif text is not None:
                given[key.text] = text.text
        return given

    def _phases(self, body: MapNode) -> tuple[str, ...] | None:
        listed = self._value(body, "phases", ListNode)
        if listed is None:
            return None
        found = []
        for item in listed.items:
            if (text := self._of_kind(item, Scalar, "a phase")) is None:
                continue
            if self.component.phase(text.text) is None:
                known = [phase.name for phase in self.component.phases]
                self._no_such(text, "the component has no phase", known)
            found.append(text.text)
        return tuple(found)

    def _exit(self, body: MapNode) -> int | None:
        text = self._choice(body, "exit", ("0", "1"))
        return None if text is None else int(text)

    def _failed_step(self, body: MapNode) -> str | None:
        scalar = self._value(body, "failedStep", Scalar)
        if scalar is None or not self._is_step(scalar, scalar.text):
            return None
        return scalar.text

    def _steps(self, body: MapNode) -> Iterator[tuple[str, str]]:
        for key, value in self._entries(body, "steps"):
            text = self._of_kind(value, Scalar, f"`{key.text}`")
            if self._is_step(key, key.text) and text is not None:
                if text.text not in _STEP_STATUSES:
                    self._wrong(text, f"a step ends as {one_of(_STEP_STATUSES)}", "CT002")
                yield key.text, text.text

    def _outputs(self, body: MapNode) -> Iterator[tuple[str, TextDemand]]:
        for key, value in self._entries(body, "outputs"):
            step, _, output = key.text.rpartition(".")
            if not step or not output:
                self._wrong(key, "an output is named `phase.step.output`", "CT003")
            elif self._is_step(key, step):
                yield key.text, self._demand(value)

    def _files(self, body: MapNode) -> Iterator[tuple[str, FileDemand]]:
        for key, value in self._entries(body, "files"):
            if not key.text.startswith("/") or "\0" in key.text:
                self._wrong(key, "a file is named by its absolute path", "CT003")
            elif isinstance(value, Scalar):
                yield key.text, FileDemand(exists=self._is_present(value))
            elif (rest := self._of_kind(value, MapNode, f"`{key.text}`")) is not None:
                self._known(rest, _ON_FILE_KEYS, "a file")
                exists = self._choice(rest, "exists", ("true", "false"))
                yield (
                    key.text,
                    FileDemand(
                        exists=exists != "false",
                        content=self._text_demand(rest),
                        mode=self._text(rest, "mode"),
                        owner=self._text(rest, "owner"),
                        group=self._text(rest, "group"),
                    ),
                )

    def _is_present(self, value: Scalar) -> bool:
        if value.text not in ("present", "absent"):
            fix = "write `contains:`, `equals:` or `matches:` below the path"
            self._wrong(value, "a file is `present` or `absent`", "CT002", fix)
        return value.text != "absent"

    def _demand_under(self, body: MapNode, name: str) -> TextDemand | None:
        entry = body.get(name)
        return None if entry is None else self._demand(entry.value)

    def _demand(self, value: Node) -> TextDemand:
        """Read a text that is demanded as it stands, or a map that says more."""
        if isinstance(value, Scalar):
            return TextDemand(equals=value.text)
        if (body := self._of_kind(value, MapNode, "an expectation")) is None:
            return TextDemand()
        self._known(body, _TEXT_KEYS, "an expectation")
        return self._text_demand(body)

    def _text_demand(self, body: MapNode) -> TextDemand:
        pattern = self._value(body, "matches", Scalar)
        if pattern is not None:
            try:
                compile_pattern(pattern.text)
            except BadPattern as error:
                self._wrong(pattern, f"RE2 does not take this pattern: {error}", "CT003")
                pattern = None
        return TextDemand(
            equals=self._text(body, "equals"),
            contains=self._text(body, "contains"),
            matches=None if pattern is None else pattern.text,
        )

    def _is_step(self, at: Scalar, name: str) -> bool:
        steps = [f"{phase.name}.{step.name}" for phase, step in self.component.steps()]
        if name in steps:
            return True
        self._no_such(at, "the component has no step", steps, name)
        return False

    def _no_such(self, at: Scalar, what: str, known: list[str], name: str = "") -> None:
        meant = did_you_mean(name or at.text, known)
        fix = f"did you mean `{meant}`?" if meant else ""
        self._wrong(at, f"{what} `{name or at.text}`", "CT003", fix)

    def _choice(self, body: MapNode, name: str, words: tuple[str, ...]) -> str | None:
        scalar = self._value(body, name, Scalar)
        if scalar is None or scalar.text in words:
            return None if scalar is None else scalar.text
        self._wrong(scalar, f"`{name}` is {one_of(words)}", "CT002")
        return None

    def _text(self, body: MapNode, name: str) -> str | None:
        scalar = self._value(body, name, Scalar)
        return None if scalar is None else scalar.text

    def _entries(self, body: MapNode, name: str) -> Iterator[tuple[Scalar, Node]]:
        found = self._value(body, name, MapNode)
        for entry in found.entries if found is not None else ():
            yield entry.key, entry.value

    def _value(self, body: MapNode, name: str, kind: type[_Kind]) -> _Kind | None:
        entry = body.get(name)
        return None if entry is None else self._of_kind(entry.value, kind, f"`{name}`")

    def _of_kind(self, node: Node, kind: type[_Kind], what: str) -> _Kind | None:
        if isinstance(node, kind):
            return node
        self._wrong(node, f"{what} must be {_KIND_NAMES[kind]}, not {kind_of(node)}", "CT002")
        return None

    def _known(self, body: MapNode, names: tuple[str, ...], what: str) -> None:
        for entry in body.entries:
            if entry.key.text not in names:
                meant = did_you_mean(entry.key.text, names)
                fix = f"did you mean `{meant}`?" if meant else f"it may have {one_of(names)}"
                self._wrong(entry.key, f"{what} has no `{entry.key.text}`", "CT001", fix)

    def _wrong(self, node: Node, message: str, code: str, fix: str = "") -> None:
        self.findings.append(Diagnostic(code, "error", node.span, message, help=fix))


def _short(text: str) -> str:
    line = text.replace("\n", "\\n")
    return line if len(line) <= 200 else f"{line[:199]}…"
