"""The reference page of the step actions, from their declarations."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum

from imagewright.documents.shapes import (
    Anything,
    ListOf,
    MapOf,
    Member,
    Record,
    Shape,
    Text,
    Truth,
    Whole,
)
from imagewright.documents.specs import ActionSpec, ImageType, Platform, Stage

_HEAD = """\
# Step actions

What each action of a workflow document does, takes and puts out.
An input is written as `name: value`, or as `name.$: reference`.
An output is read by later steps as `$.stepOutputs.<step>.<output>`.
"""


def actions_page(actions: Mapping[str, ActionSpec]) -> str:
    """Return the page."""
    return _HEAD + "".join(f"\n{_action(spec)}" for spec in actions.values())


def _action(spec: ActionSpec) -> str:
    parts = [
        f'## <a id="{spec.name.lower()}"></a>{spec.name}\n\n' + f"{(spec.page or '').strip()}\n",
        "".join(f"- {fact}\n" for fact in _facts(spec)),
        _members("input", "It takes no inputs.", spec.input_record, always="required"),
        _members("output", "It puts nothing out.", spec.output_record, always="always"),
    ]
    return "\n".join(parts)


def _facts(spec: ActionSpec) -> Iterator[str]:
    if not spec.built:
        because = spec.unbuilt_because or "this release does not serve it yet"
        yield f"does not run here: {because.removeprefix('which ')}"
    yield f"stands in workflows of type {_list(spec.stages, Stage)}"
    if spec.image_types != frozenset(ImageType):
        yield f"for images of type {_list(spec.image_types, ImageType)}"
    if spec.platforms != frozenset(Platform):
        yield f"on {_list(spec.platforms, Platform)}"
    yield (
        f"may take {spec.timeout_default_seconds} seconds unless its step says otherwise, "
        f"{spec.timeout_max_seconds} at the longest"
    )
    yield "is undone by a rollback" if spec.rollback else "has no rollback"
    if spec.excludes:
        yield f"never in one workflow with {', '.join(sorted(spec.excludes))}"


def _members(what: str, none: str, record: Record, *, always: str) -> str:
    rows = "".join(_rows(record, always))
    if not rows:
        return f"{none}\n"
    head = f"| {what} | type | | |\n| --- | --- | --- | --- |\n"
    return head + rows


def _rows(record: Record, always: str, prefix: str = "") -> Iterator[str]:
    for member in record.members:
        name = f"{prefix}{member.name}"
        text = " ".join(member.notes.text.split()).replace("|", "\\|")
        yield f"| `{name}` | {_type(member.shape)} | {_need(member, always)} | {text} |\n"
        inner, way = _inner(member.shape, name)
        if inner is not None:
            yield from _rows(inner, always, f"{way}.")


def _need(member: Member, always: str) -> str:
    if member.required:
        return always
    default = member.default
    if default is None or default == "":
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(shape: Shape) -> str:
    match shape:
        case Text(choices):
            return ", ".join(f"`{each}`" for each in choices) or "text"
        case Whole():
            return "number"
        case Truth():
            return "true or false"
        case ListOf(item):
            return f"list of {_plural(item)}"
        case MapOf(value):
            return f"map to {_type(value)}"
        case Anything():
            return "anything"
        case Record():
            return "map"


def _plural(shape: Shape) -> str:
    match shape:
        case Record():
            return "maps"
        case Text(()):
            return "texts"
        case Whole():
            return "numbers"
        case _:
            return _type(shape)


def _inner(shape: Shape, name: str) -> tuple[Record | None, str]:
    match shape:
        case Record():
            return shape, name
        case ListOf(item):
            return _inner(item, f"{name}[]")
        case MapOf(value):
            return _inner(value, f"{name}.*")
        case _:
            return None, name


def _list(found: Collection[StrEnum], order: Iterable[StrEnum]) -> str:
    return ", ".join(each.value for each in order if each in found)
