"""Giving expressions their values when a step starts (``component-documents.md`` §3.4).

Each expression is asked for once per scalar; what nothing answers stays as written, with a
warning. Replaced text is never read again.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from imagewright.clock import Clock, iso_milliseconds
from imagewright.documents.component.expressions import (
    Chained,
    Context,
    Expression,
    LoopValue,
    Metadata,
    Name,
    Stored,
    Variable,
    expressions,
    fill,
)
from imagewright.documents.component.inputs import texts
from imagewright.documents.component.model import Component, Step
from imagewright.documents.component.references import in_loop, scalars
from imagewright.documents.nodes import Entry, ListNode, MapNode, Node, Scalar
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.parameters import read_stored
from imagewright.runner.state import RunState, StepState
from imagewright.runner.status import StepStatus

TEXT_CHARACTERS_MAX = 4 << 20
"""Of one text once its expressions are replaced: each could double the one before."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a loop."""

    index: int
    value: str


@dataclass(frozen=True, slots=True)
class Resolver:
    """Answers the expressions of one step."""

    component: Component
    modules: Mapping[str, Module]
    values: Mapping[str, str]
    """Of parameters and constants."""
    state: RunState
    clock: Clock
    guest: Guest
    step: Step
    round: Round | None = None
    written: dict[tuple[str, str], Sequence[Any]] = field(default_factory=dict)
    """The inputs of steps that did not run."""
    place: tuple[str, str] | None = None
    """Phase and step that are spoken of, where another step speaks."""

    def node(self, node: Node) -> Node:
        """Replace the expressions in all texts below a node."""
        match node:
            case Scalar():
                return self.scalar(node)
            case ListNode(items, span):
                return ListNode(tuple(self.node(item) for item in items), span)
            case MapNode():
                return self.map(node)

    def map(self, node: MapNode) -> MapNode:
        """Replace the expressions in all texts of a map."""
        filled = tuple(Entry(entry.key, self.node(entry.value)) for entry in node.entries)
        return MapNode(filled, node.span)

    def scalar(self, scalar: Scalar) -> Scalar:
        """Replace the expressions in a text; what has any is a text and no number."""
        text = self.text(scalar.text)
        return scalar if text == scalar.text else replace(scalar, text=text, plain=False)

    def text(self, text: str) -> str:
        """Replace the expressions in a text. Raises ModuleFailure if that makes it too long."""
        if "{{" not in text:
            return text
        room = TEXT_CHARACTERS_MAX

        def answer(expression: Expression) -> str | None:
            nonlocal room
            value = self._answer(expression)
            room -= len(value or "")
            if room < 0:
                limit = f"{TEXT_CHARACTERS_MAX:,} characters"
                raise ModuleFailure(f"a text has more than {limit} with its expressions replaced")
            return value

        return fill(text, answer)

    def _answer(self, expression: Expression) -> str | None:
        value = self._value(expression)
        if value is None:
            source = " ".join(expression.source.split())[:80]
            self.guest.warn(f"{source} means nothing here and stays as it is")
        return value

    def _value(self, expression: Expression) -> str | None:
        match expression.reference:
            case Name(name):
                return self.values.get(name)
            case LoopValue() as reference:
                return self._loop_value(reference)
            case Chained() as chain:
                return self._chained(chain)
            case Variable(name):
                return self._variable(name)
            case Metadata(path):
                return self.guest.environment.metadata.get(path.strip("/"))
            case Context(key):
                return self._context(key)
            case Stored() as stored:
                return self._stored(stored)
            case _:
                return None

    def _loop_value(self, reference: LoopValue) -> str | None:
        if self.round is None or not in_loop(reference, self.step.loop):
            return None
        return str(self.round.index) if reference.attribute == "index" else self.round.value

    def _chained(self, chain: Chained) -> str:
        state = self.state.find(chain.phase, chain.step)
        value = self._output(chain, state) if chain.side == "outputs" else self._input(chain, state)
        if isinstance(value, list):
            if chain.element is None:
                return "\n".join(_spelt(item) for item in value)
            return _spelt(value[chain.element]) if chain.element < len(value) else ""
        return _spelt(value)

    def _output(self, chain: Chained, state: StepState | None) -> object:
        source = f"{chain.phase}.{chain.step}.outputs.{chain.key}"
        if state is None:
            self.guest.warn(f"{source} is empty: the step did not run")
            return ""
        if state.status not in (StepStatus.SUCCESS, StepStatus.RUNNING):
            self.guest.warn(f"{source} may be incomplete: the step is {state.status}")
        return state.output.get(chain.key, "")

    def _input(self, chain: Chained, state: StepState | None) -> object:
        entries = state.inputs if state is not None and state.inputs else self._written(chain)
        index = chain.index or 0
        given = entries[index] if index < len(entries) else {}
        if isinstance(given, dict) and chain.key in given:
            return given[chain.key]
        step = self._step(chain)
        member = step and self.modules[step.action].spec.input_record.member(chain.key)
        default = member.default if member else None
        return str(default).lower() if isinstance(default, bool) else default or ""

    def _written(self, chain: Chained) -> Sequence[Any]:
        """Answer for a step that did not run, from the document (§3.4).

        Such steps may read from each other in their turn, in a chain as long as the document:
        each is resolved once, those before it first.
        """
        wanted = (chain.phase, chain.step)
        if wanted not in self.written:
            needed = self._needed_for(chain)
            for phase, step in self.component.steps():
                if (phase.name, step.name) in needed:
                    resolver = replace(self, step=step, round=None, place=(phase.name, step.name))
                    inputs = [plain(resolver.node(entry)) for entry in step.inputs]
                    self.written[phase.name, step.name] = inputs
        return self.written.get(wanted, ())

    def _needed_for(self, chain: Chained) -> set[tuple[str, str]]:
        needed: set[tuple[str, str]] = set()
        ahead = [chain]
        while ahead:
            step = self._step(chain := ahead.pop())
            if step is not None and (chain.phase, chain.step) not in needed:
                needed.add((chain.phase, chain.step))
                ahead += _input_chains(step)
        return needed

    def _step(self, chain: Chained) -> Step | None:
        phase = self.component.phase(chain.phase)
        return None if phase is None else phase.step(chain.step)

    def _variable(self, name: str) -> str | None:
        variables = self.guest.environment.script_environment
        return variables[name] if name in variables else self.guest.variable(name)

    def _stored(self, stored: Stored) -> str | None:
        """Read the Parameter Store (§3.5). Raises ModuleFailure."""
        environment = self.guest.environment
        if environment.read_parameter is None:
            return None
        return read_stored(stored, self.values, environment.read_parameter, environment.secrets)

    def _context(self, key: str) -> str | None:
        environment, now = self.guest.environment, self.clock.now()
        phase, step = self.place or (self.guest.place.phase, self.guest.place.step)
        answers: dict[str, Callable[[], str]] = {
            "executionId": lambda: environment.execution_id,
            "accountId": lambda: environment.account_id,
            "region": lambda: environment.region,
            "osPlatform": lambda: environment.platform.lower(),
            "osName": lambda: self.guest.os_release("NAME"),
            "osVersion": lambda: self.guest.os_release("VERSION_ID"),
            "date": lambda: now.strftime("%Y-%m-%d"),
            "dateTime": lambda: iso_milliseconds(now),
            "uuid": lambda: str(uuid.uuid4()),
            "hostname": lambda: self.guest.script("uname -n"),
            "phase": lambda: phase,
            "step": lambda: step,
        }
        return answers[key]() if key in answers else None


def _spelt(value: object) -> str:
    """Return a text as it is, and a map as the files of the log folder have it (§9.3)."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _input_chains(step: Step) -> Iterator[Chained]:
    for entry in step.inputs:
        for scalar in scalars(entry):
            for expression in expressions(scalar.text):
                if isinstance(expression.reference, Chained):
                    yield expression.reference


def plain(node: Node) -> Any:
    """Take a node's values as text, lists and maps."""
    return texts(node, lambda scalar: scalar.text)
