"""Write ``imagewright/api/shapes.py``: the model's structures as TypedDicts.

Run as ``python -m imagewright.wire.generate_shapes`` after an update of botocore or of the
corrections.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import imagewright
from imagewright.wire.model import Member, Shape, service

TARGET = Path(imagewright.__file__).parent / "api" / "shapes.py"

_HEADER = '''\
"""Requests and responses of the API, generated from the service model; do not edit.

Made by ``python -m imagewright.wire.generate_shapes``. What a request must have is required
here; structures that only responses hold have no required members. ``float`` stands for epoch
seconds where the model has a timestamp; dates the model calls strings are ``str`` (WIRE-08).
"""

# ruff: noqa: D101  The names are the model's, and so is what they mean.

from typing import Literal, NotRequired, TypedDict
'''
_LEAVES = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "long": "int",
    "double": "float",
    "timestamp": "float",
}
_LINE_MAX = 100


def main() -> None:
    """Write the module."""
    TARGET.write_text(render(), "utf-8")


def render() -> str:
    """Return the module's text."""
    given = _reachable(operation.input for operation in service().operations.values())
    answered = _reachable(operation.output for operation in service().operations.values())
    shapes = [service().shapes[name] for name in sorted(given | answered)]
    enums = [_enum(shape) for shape in shapes if shape.enum]
    structures = [
        _structure(shape, required=shape.required if shape.name in given else ())
        for shape in shapes
        if shape.type == "structure"
    ]
    return _HEADER + "\n" + "\n".join(enums) + "\n\n\n" + "\n\n\n".join(structures) + "\n"


def _reachable(roots: Iterable[str]) -> set[str]:
    found: set[str] = set()
    pending = list(roots)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(_parts(service().shapes[name]))
    return found


def _parts(shape: Shape) -> Iterator[str]:
    yield from (member.shape for member in shape.members)
    if shape.element is not None:
        yield shape.element


def _enum(shape: Shape) -> str:
    values = [f'"{value}"' for value in shape.enum]
    line = f"{shape.name} = Literal[{', '.join(values)}]"
    if len(line) <= _LINE_MAX:
        return line
    return f"{shape.name} = Literal[\n" + "".join(f"    {value},\n" for value in values) + "]"


def _structure(shape: Shape, *, required: Iterable[str]) -> str:
    needed = frozenset(required)
    total = "" if needed else ", total=False"
    lines = [_member(member, needed) for member in shape.members]
    return f"class {shape.name}(TypedDict{total}):\n" + ("\n".join(lines) or "    pass")


def _member(member: Member, needed: frozenset[str]) -> str:
    kind = _type(service().shapes[member.shape])
    optional = needed and member.name not in needed
    return f"    {member.name}: {f'NotRequired[{kind}]' if optional else kind}"


def _type(shape: Shape) -> str:
    if shape.type == "structure":
        return f'"{shape.name}"'
    if shape.type == "list":
        return f"list[{_type(service().shapes[shape.holds])}]"
    if shape.type == "map":
        return f"dict[str, {_type(service().shapes[shape.holds])}]"
    return shape.name if shape.enum else _LEAVES[shape.type]


if __name__ == "__main__":
    main()
