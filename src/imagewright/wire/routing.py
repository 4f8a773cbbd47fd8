"""From method and raw path to an operation of the model (WIRE-01, WIRE-03)."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from imagewright.errors import InvalidRequest, UnknownOperation
from imagewright.wire.model import Operation, service


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, and the decoded label of its path if it has one."""

    operation: Operation
    label: str | None = None


def route(method: str, path: bytes) -> Route:
    """Find the operation that a request means.

    The path is the raw one: a tag's ARN comes as one percent-encoded segment, and is accepted
    with its slashes bare as well. Raises UnknownOperation for anything else, a known path with
    another method included (ERR-40).
    """
    fixed, labelled = _tables()
    known = fixed.get((method, path))
    if known is not None:
        return known
    prefix, slash, rest = path[1:].partition(b"/")
    operation = labelled.get((method, b"/" + prefix + slash))
    if operation is None or not rest:
        raise UnknownOperation(method, _shown(path))
    return Route(operation, _decoded(rest))


@cache
def _tables() -> tuple[dict[tuple[str, bytes], Route], dict[tuple[str, bytes], Operation]]:
    """Fixed paths, and prefixes of those whose last segment is a label."""
    fixed, labelled = {}, {}
    for operation in service().operations.values():
        prefix, brace, _ = operation.uri.partition("{")
        if brace:
            labelled[operation.method, prefix.encode()] = operation
        else:
            fixed[operation.method, prefix.encode()] = Route(operation)
    return fixed, labelled


def _decoded(label: bytes) -> str:
    try:
        return unquote(label.decode("utf-8"), errors="strict")
    except UnicodeDecodeError:
        raise InvalidRequest("The path of the request is not UTF-8 text.") from None


def _shown(path: bytes) -> str:
    text = path.decode("ascii", "backslashreplace")
    return text if len(text) <= 200 else text[:197] + "..."
