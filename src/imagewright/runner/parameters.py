"""Reading the Parameter Store for a component (``component-documents.md`` §3.5)."""

from collections.abc import Iterator, Mapping

from imagewright.documents.component.expressions import Name, Stored, expressions
from imagewright.documents.component.model import Step
from imagewright.documents.component.references import texts_of
from imagewright.masking import Secrets, StoredText
from imagewright.runner.environment import ReadParameter


def stored_references(step: Step) -> Iterator[Stored]:
    """Give the ``aws:ssm:`` expressions of a step."""
    for scalar, _ in texts_of(step):
        for expression in expressions(scalar.text):
            if isinstance(expression.reference, Stored):
                yield expression.reference


def read_stored(
    stored: Stored, values: Mapping[str, str], read: ReadParameter, secrets: Secrets
) -> str | None:
    """Return what an expression stands for; None where the parameter that names it is unknown.

    A secret is learnt before it is returned. Raises ModuleFailure.
    """
    match stored.source:
        case Name(name):
            key = values.get(name)
        case Stored() as inner:
            key = read_stored(inner, values, read, secrets)
        case key:
            pass
    if key is None:
        return None
    found: StoredText = read(key)
    if found.is_secret:
        secrets.learn(found.text, key)
    return found.text
