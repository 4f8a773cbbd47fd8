"""Phases and their steps, as documents write them (``component-documents.md`` §2.5, §2.6)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from imagewright.documents.component import rules
from imagewright.documents.component.conditions import Reader
from imagewright.documents.component.fields import Fields, first_line
from imagewright.documents.component.inputs import InputChecker
from imagewright.documents.component.loops import read_loop
from imagewright.documents.component.model import (
    TIMEOUT_SECONDS_DEFAULT,
    If,
    Loop,
    OnFailure,
    Phase,
    Step,
)
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, one_of, surely_meant
from imagewright.documents.edits import Edit, replacing
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar, as_int, kind_of
from imagewright.documents.rules import Rule
from imagewright.documents.specs import ModuleSpec, Platform

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_OUTSIDE_NAME = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_WIRE_CHARACTERS = (
    "Allowed characters are combinations of numbers [0-9], english letters [a-z,A-Z] "
    "and special characters [-_]."
)
_PHASES_OF_A_BUILD = ("build", "validate", "test", "container-host-test")


class PhaseReader:
    """Reads the phases of one document."""

    def __init__(
        self,
        modules: Mapping[str, ModuleSpec],
        platform: Platform | None,
        findings: list[Diagnostic],
    ) -> None:
        self._modules = modules
        self._platform = platform
        self._findings = findings

    def read(self, node: ListNode) -> tuple[Phase, ...]:
        """Read ``phases``."""
        if not node.items:
            message = "`phases` is empty"
            self._findings.append(rules.NoPhases.finding(node.span, message))
        read = [phase for item in node.items if (phase := self._phase(item)) is not None]
        self._check_names(read)
        return tuple(read)

    def _phase(self, node: Node) -> Phase | None:
        if not isinstance(node, MapNode):
            message = f"a phase must be a map, not {kind_of(node)}"
            self._findings.append(rules.WrongKind.finding(first_line(node), message))
            return None
        fields = Fields(node, self._findings, what="a phase")
        name = fields.scalar("name", required=True)
        steps = fields.list("steps", required=True)
        fields.done()
        label = name.text if name is not None else ""
        if name is not None and _NAME.fullmatch(name.text) is None:
            message = f"the phase's name `{name.text}` holds other characters than letters, digits"
            self._findings.append(rules.PhaseName.finding(name.span, f"{message}, `-` and `_`"))
        if steps is not None and not steps.items:
            message = f"the phase `{label}` has no steps"
            self._findings.append(rules.EmptyPhase.finding(fields.span, message))
        reader = _StepReader(self._modules, self._platform, self._findings, label)
        read = reader.read(steps.items if steps is not None else ())
        return None if name is None else Phase(label, read, name.span)

    def _check_names(self, phases: list[Phase]) -> None:
        names: set[str] = set()
        for phase in phases:
            if phase.name in names:
                message = f"there is another phase `{phase.name}`"
                fix = "put all its steps into one"
                self._findings.append(rules.DuplicatePhase.finding(phase.span, message, fix=fix))
            names.add(phase.name)
        if phases and names.isdisjoint(_PHASES_OF_A_BUILD):
            message = "no build runs any of this document's phases"
            fix = f"name one {one_of(_PHASES_OF_A_BUILD[:3])}"
            self._findings.append(rules.PhasesNeverRun.finding(phases[0].span, message, fix=fix))


class _StepReader:
    """Reads the steps of one phase."""

    def __init__(
        self,
        modules: Mapping[str, ModuleSpec],
        platform: Platform | None,
        findings: list[Diagnostic],
        phase: str,
    ) -> None:
        self._modules = modules
        self._platform = platform
        self._findings = findings
        self._phase = phase
        self._context = ""

    def read(self, nodes: Iterable[Node]) -> tuple[Step, ...]:
        read = [step for node in nodes if (step := self._step(node)) is not None]
        self._check_names(read)
        return tuple(read)

    def _step(self, node: Node) -> Step | None:
        self._context = ""
        if not isinstance(node, MapNode):
            self._say(rules.WrongKind, node, f"a step must be a map, not {kind_of(node)}")
            return None
        given = node.get("name")
        name_text = given.value.text if given and isinstance(given.value, Scalar) else ""
        self._context = f"step '{name_text}' in phase '{self._phase}'"
        fields = Fields(node, self._findings, what="a step", context=self._context)
        name, action = fields.scalar("name", required=True), fields.scalar("action", required=True)
        if name is not None:
            self._check_name(name)
        spec = self._spec(action) if action is not None else None
        timeout_seconds = self._timeout(fields.scalar("timeoutSeconds"))
        on_failure = self._on_failure(fields.scalar("onFailure"))
        attempts_max = self._attempts(fields.scalar("maxAttempts"))
        condition, loop = self._if(fields.node("if")), self._loop(fields.map("loop"))
        logging = not fields.truth("disableLogging", default=False)
        inputs = self._inputs(fields, spec, action)
        fields.done()
        if name is None or action is None:
            return None
        step = Step(
            name=name.text,
            action=action.text,
            timeout_seconds=timeout_seconds,
            on_failure=on_failure,
            attempts_max=attempts_max,
            inputs=inputs,
            condition=condition,
            loop=loop,
            logging=logging,
            span=name.span,
            action_span=action.span,
        )
        return self._check_fixed(step, fields) if step.action == "ExecuteDocument" else step

    def _check_name(self, name: Scalar) -> None:
        strange = _OUTSIDE_NAME.search(name.text)
        if strange is None and name.text:
            return
        span = name.span if strange is None else name.part(strange.start(), strange.end())
        message = f"`{name.text}` cannot be the name of a step"
        fix = "use letters, digits, `-` and `_`; spaces are not among them, with or without quotes"
        which = f"'{name.text}' in phase '{self._phase}'"
        wire = f"Invalid step name {which}. {_WIRE_CHARACTERS}"
        finding = rules.StepName.finding(span, message, fix=fix, context=self._context, wire=wire)
        self._findings.append(finding)

    def _spec(self, action: Scalar) -> ModuleSpec | None:
        spec = self._modules.get(action.text)
        if spec is not None and (self._platform is None or self._platform in spec.platforms):
            return spec
        os_platform = "" if self._platform is None else f" for os platform {self._platform.lower()}"
        fix = self._instead(action.text, spec)
        message = f"unsupported action {action.text}{os_platform}"
        finding = rules.UnsupportedAction.finding(
            action.span,
            message,
            fix=fix,
            context=self._context,
            wire=f"Parsing {self._context} failed. Error: U{message[1:]}.",
            edits=replacing(action.span, action.text, self._surely(action.text, spec)),
        )
        self._findings.append(finding)
        return None

    def _instead(self, action: str, spec: ModuleSpec | None) -> str:
        if spec is not None:
            return f"{action} runs on {one_of(sorted(spec.platforms)).replace('`', '')} only"
        meant = did_you_mean(action, self._here)
        return f"did you mean `{meant}`?" if meant else ""

    def _surely(self, action: str, spec: ModuleSpec | None) -> str | None:
        return None if spec is not None else surely_meant(action, self._here)

    @property
    def _here(self) -> list[str]:
        """The actions of this platform."""
        return [
            name
            for name, known in self._modules.items()
            if self._platform is None or self._platform in known.platforms
        ]

    def _timeout(self, scalar: Scalar | None) -> int | None:
        if scalar is None:
            return TIMEOUT_SECONDS_DEFAULT
        seconds = as_int(scalar.text)
        if seconds is None or (seconds < 1 and seconds != -1):
            message = f"`timeoutSeconds` must be a whole number from 1, or -1, not `{scalar.text}`"
            self._say(rules.TimeoutSeconds, scalar, message, "-1 means no limit")
            return TIMEOUT_SECONDS_DEFAULT
        return None if seconds == -1 else seconds

    def _on_failure(self, scalar: Scalar | None) -> OnFailure:
        if scalar is None:
            return OnFailure.ABORT
        if scalar.text not in tuple(OnFailure):
            meant = did_you_mean(scalar.text, tuple(OnFailure))
            fix = f"did you mean `{meant}`?" if meant else ""
            message = f"`onFailure` must be {one_of(tuple(OnFailure))}, not `{scalar.text}`"
            edits = replacing(scalar.span, scalar.text, surely_meant(scalar.text, tuple(OnFailure)))
            self._say(rules.OnFailureChoice, scalar, message, fix, edits)
            return OnFailure.ABORT
        return OnFailure(scalar.text)

    def _attempts(self, scalar: Scalar | None) -> int:
        if scalar is None:
            return 1
        attempts = as_int(scalar.text)
        if attempts is None or attempts < 1:
            message = f"`maxAttempts` must be a whole number from 1, not `{scalar.text}`"
            self._say(rules.MaxAttempts, scalar, message)
            return 1
        return attempts

    def _if(self, node: Node | None) -> If | None:
        return None if node is None else Reader(self._findings, self._context).read_if(node)

    def _loop(self, node: MapNode | None) -> Loop | None:
        return None if node is None else read_loop(node, self._findings, self._context)

    def _inputs(
        self, fields: Fields, spec: ModuleSpec | None, action: Scalar | None
    ) -> tuple[MapNode, ...]:
        node = fields.node("inputs")
        if spec is None or action is None:
            return ()
        checker = InputChecker(spec, action, self._platform, self._findings, self._context)
        return checker.read(node)

    def _check_fixed(self, step: Step, fields: Fields) -> Step:
        timeout, attempts = fields.scalar("timeoutSeconds"), fields.scalar("maxAttempts")
        if timeout is not None and timeout.text != "-1":
            message = "the `timeoutSeconds` of ExecuteDocument can only be -1"
            self._say(rules.FixedForExecuteDocument, timeout, message, "leave it out")
        if attempts is not None and attempts.text != "1":
            message = "the `maxAttempts` of ExecuteDocument can only be 1"
            self._say(rules.FixedForExecuteDocument, attempts, message, "leave it out")
        return replace(step, timeout_seconds=None)

    def _check_names(self, steps: list[Step]) -> None:
        names: set[str] = set()
        loops: set[str] = set()
        for step in steps:
            context = f"step '{step.name}' in phase '{self._phase}'"
            if step.name in names:
                message = f"the phase has another step `{step.name}`"
                finding = rules.DuplicateStep.finding(step.span, message, context=context)
                self._findings.append(finding)
            names.add(step.name)
            if step.loop is None or step.loop.name is None:
                continue
            if step.loop.name in loops:
                message = f"the phase has another loop `{step.loop.name}`"
                finding = rules.LoopName.finding(step.loop.span, message, context=context)
                self._findings.append(finding)
            loops.add(step.loop.name)

    def _say(
        self,
        rule: type[Rule],
        node: Node,
        message: str,
        fix: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> None:
        finding = rule.finding(
            first_line(node), message, fix=fix, context=self._context, edits=edits
        )
        self._findings.append(finding)
