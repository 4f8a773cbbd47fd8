"""A document that a step executes: checked when the step runs, and run as any other (§7.1).

It has an execution id, a state and counts of its own. Where it stands is part of the step's
state, with its text, so that a run that is taken up goes on within it; restarts count for the
whole run.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Component
from imagewright.documents.component.variables import unknown_names, values
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.documents.reading import ADMITTED
from imagewright.runner.calls import DocumentCall, DocumentEnd
from imagewright.runner.failures import Cancelled, ComponentRefused, ModuleFailure
from imagewright.runner.guest import Place
from imagewright.runner.refusal import refusals_in
from imagewright.runner.reporting import Event, InDocument, Notice, Silent
from imagewright.runner.session import Session
from imagewright.runner.state import NestedRun, RunState, StepState
from imagewright.runner.status import RunStatus

LEVELS_MAX = 3
"""Documents below the first one (§2.7)."""


@dataclass(frozen=True, slots=True)
class NestedRuns:
    """Runs documents for a step; one for each round of its loop, in order."""

    session: Session
    place: Place
    state: StepState

    def call(self, call: DocumentCall) -> DocumentEnd:
        """Run a document, or what is left of it. Raises ModuleFailure and Cancelled."""
        nested = self._begun(call)
        component = self._load(nested)
        problems = refusals_in(
            self.session.environment,
            component,
            modules=self.session.modules,
            phases=nested.phases,
            parameters=nested.parameters,
        )
        if problems:
            raise self._refused(nested, "; ".join(problems))
        inner = replace(
            self.session,
            component=component,
            environment=replace(self.session.environment, execution_id=nested.execution_id),
            values=values(component, nested.parameters),
            reporter=_Inner(self.session, self.place, nested.document)
            if self.place.logging
            else Silent(),
            state=nested.state,
            parent=self.session,
        )
        try:
            result = self.session.go(inner, nested.phases)
        except ComponentRefused as error:
            raise self._refused(nested, str(error)) from error
        if result.status is RunStatus.CANCELLED:
            raise Cancelled
        return DocumentEnd(nested.execution_id, result)

    def _refused(self, nested: NestedRun, why: str) -> ModuleFailure:
        """Write down that it did not run."""
        message = f"Document {nested.document} failed! {why}"
        nested.refusal = self.session.environment.secrets.mask(message)
        return ModuleFailure(message)

    def _begun(self, call: DocumentCall) -> NestedRun:
        if self.state.round < len(self.state.nested):
            return self.state.nested[self.state.round]
        text = call.read()
        self.session.take_room(text)
        nested = NestedRun(
            document=call.document,
            text=text,
            execution_id=str(uuid.uuid4()),
            parameters=dict(call.parameters),
            state=RunState(started_at=self.session.now()),
        )
        component = self._load(nested)
        self._check_line(call.document, component)
        nested.phases = list(self._phases(call, component))
        for name in unknown_names(component, nested.parameters):
            self._warn(f"{call.document} has no parameter {name}; its value is ignored")
        self.state.nested.append(nested)
        self.session.keep()
        return nested

    def _load(self, nested: NestedRun) -> Component:
        checked = load_component(
            nested.text,
            modules={name: module.spec for name, module in self.session.modules.items()},
            platform=self.session.environment.platform,
            budget=ADMITTED,
        )
        if checked.component is None:
            why = wire_message(checked.findings)
            raise ModuleFailure(f"Document {nested.document} is not valid. {why}")
        return checked.component

    def _check_line(self, document: str, component: Component) -> None:
        """Refuse a circle, told by what documents say, and one level too many."""
        line = self.session.line
        if component in line:
            raise ModuleFailure(
                f"Document {document} executes itself: it is the one that this step stands in, "
                "or one around that"
            )
        if len(line) > LEVELS_MAX:
            raise ModuleFailure(
                f"Document {document} is nested too deep: documents can execute others "
                f"{LEVELS_MAX} levels deep"
            )

    def _phases(self, call: DocumentCall, component: Component) -> Iterable[str]:
        known = [phase.name for phase in component.phases]
        for name in call.phases or ():
            if name not in known:
                self._warn(f"{call.document} has no phase {name}")
        return (name for name in known if call.phases is None or name in call.phases)

    def _warn(self, text: str) -> None:
        if self.place.logging:
            self.session.reporter.report(Notice(self.place.phase, self.place.step, "warning", text))


@dataclass(frozen=True, slots=True)
class _Inner:
    """Tells what a document does as what happens within the step that executes it."""

    session: Session
    place: Place
    document: str

    def report(self, event: Event) -> None:
        place = self.place
        self.session.reporter.report(InDocument(place.phase, place.step, self.document, event))
