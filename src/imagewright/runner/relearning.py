"""The secrets that a component may have read in another process, read again (§3.4).

Those of documents that it executes are among them, where the document can be had without the
machine: by ARN and from S3. One that lies on the machine cannot, nor one that only the run names.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from imagewright.documents.component.expressions import Expression, Name, Stored, fill
from imagewright.documents.component.inputs import texts
from imagewright.documents.component.loading import load_component
from imagewright.documents.component.model import Delimited, Step
from imagewright.documents.component.variables import values
from imagewright.documents.nodes import Scalar
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import ModuleSpec
from imagewright.masking import Secrets
from imagewright.runner.environment import ReadParameter
from imagewright.runner.failures import ModuleFailure, OutOfReach
from imagewright.runner.nested import LEVELS_MAX
from imagewright.runner.parameters import read_stored, stored_references

_EXPRESSION = "{{"

OpenDocument = Callable[[str, str | None], str]
"""Returns the text behind an ARN or an ``s3://`` URI whose bucket belongs to an account.

Raises ModuleFailure.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relearning:
    """How secrets are read again."""

    read: ReadParameter
    open: OpenDocument
    secrets: Secrets
    modules: Mapping[str, ModuleSpec]
    miss: Callable[[str], None]
    """Hears what could not be read again, and so stays unknown."""

    def of(self, text: str, parameters: Mapping[str, str], *, levels: int = LEVELS_MAX) -> None:
        """Learn those of a document, and of the documents below it.

        Raises OutOfReach where what would tell does not answer: nobody knows what is missing then.
        """
        if not any(word in text for word in ("aws:ssm:", "ExecuteDocument", "forEach")):
            return
        component = load_component(text, modules=self.modules, budget=ADMITTED).component
        if component is None:
            return
        known = values(component, parameters)
        for _, step in component.steps():
            self._of_step(step, known, levels)

    def _of_step(self, step: Step, known: Mapping[str, str], levels: int) -> None:
        over = step.loop and step.loop.over
        if isinstance(over, Delimited) and _EXPRESSION in over.text.text:
            self.secrets.cut_at(over.delimiter)  # it may have gone over one
        for stored in stored_references(step):
            try:
                read_stored(stored, known, self.read, self.secrets)
            except OutOfReach:
                raise
            except ModuleFailure as failure:
                self.miss(str(failure))
        if step.action == "ExecuteDocument" and levels:
            for entry in step.inputs:
                self._of_call(texts(entry, partial(self._filled, known)), levels)

    def _of_call(self, inputs: Any, levels: int) -> None:
        document = str(inputs.get("document", ""))
        if _EXPRESSION in document or not document.lower().startswith(("arn:", "s3://")):
            self.miss(f"the document {document} cannot be had again without the run")
            return
        try:
            text = self.open(document, inputs.get("document-s3-bucket-owner"))
        except OutOfReach:
            raise
        except ModuleFailure as failure:
            self.miss(str(failure))
            return
        given = {
            each["name"]: each["value"]
            for each in inputs.get("parameters") or ()
            # Where an expression stands for them, the checks let texts pass.
            if isinstance(each, dict) and {"name", "value"} <= each.keys()
        }
        self.of(text, given, levels=levels - 1)

    def _filled(self, known: Mapping[str, str], scalar: Scalar) -> str:
        """Fill in what can be known again; the rest stays as it is written."""

        def answer(expression: Expression) -> str | None:
            match expression.reference:
                case Name(name):
                    return known.get(name)
                case Stored() as stored:
                    with suppress(ModuleFailure):  # told of with its step
                        return read_stored(stored, known, self.read, self.secrets)
            return None

        return fill(scalar.text, answer)
