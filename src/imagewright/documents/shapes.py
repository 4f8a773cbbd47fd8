"""The shape of inputs and outputs, read off the dataclasses that declare them.

A step action or an action module declares what it takes and gives once, as frozen keyword-only
dataclasses with snake_case fields. From them follow the names in documents (camelCase), the
checks, the reference pages, and the typed value its ``run`` receives::

    @dataclass(frozen=True, kw_only=True)
    class Inputs:
        instance_id: str = field(metadata=about("The machine to run on."))
        wait_for_termination: bool = field(default=False, metadata=about("Wait for its end."))

Annotations may be ``str``, ``int``, ``bool``, ``Literal`` of texts, other such dataclasses,
``list`` and ``dict[str, …]`` of these, ``object`` for anything, and each of them ``| None``.
"""

import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

_NOTES: Final = "imagewright"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """What a field says beyond its annotation; ``about`` makes it."""

    text: str = ""
    """What the field is for, in Markdown."""
    wire: str | None = None
    """The name in documents, where it is not the camelCase of the field's."""
    length_min: int = 0
    length_max: int | None = None
    """Of a text, in characters; of a list or map, in entries."""
    size_bytes_max: int | None = None
    """Of a text in UTF-8."""
    whole_min: int | None = None
    whole_max: int | None = None
    pattern: str | None = None
    """A regular expression that the whole text must match."""
    pattern_says: str = ""
    """What the pattern asks for, in words: ``an AMI id``."""
    json: bool = False
    """The text must be JSON."""
    reference_root: str | None = None
    """In a document, only a reference below this root will do: ``stepOutputs``."""
    one_or_many: bool = False
    """A single map stands for a list of one."""
    example: str = ""
    """How it is mostly written, for who left it out."""
    mistaken_for: Mapping[str, str] = field(default_factory=dict)
    """Names under which it is looked for, and what to write instead."""
    choices_elsewhere: Mapping[str, str] = field(default_factory=dict)
    """What others call its choices, and the choice: ``amd64``, ``x86_64``."""
    shown: bool = True
    """False: may be referred to, but is not among the outputs a record shows."""


def about(text: str, **notes: Any) -> Mapping[str, Notes]:
    """Make a field's metadata; the keywords are those of ``Notes``."""
    return {_NOTES: Notes(text=text, **notes)}


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, or one of ``choices``."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""


@dataclass(frozen=True, slots=True)
class Truth:
    """true or false."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items are all of one shape."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with free keys whose values are all of one shape."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever the author writes."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a record."""

    name: str
    """As documents spell it."""
    attribute: str
    """As Python spells it."""
    shape: "Shape"
    required: bool
    default: object
    """None when required or when absence says it all."""
    notes: Notes


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """A map with known keys; makes instances of one dataclass."""

    make: Callable[..., Any]
    members: tuple[Member, ...]
    _by_name: Mapping[str, Member] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {member.name: member for member in self.members})

    def member(self, name: str) -> Member | None:
        """Return the member with this name in documents."""
        return self._by_name.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names in documents."""
        return tuple(member.name for member in self.members)

    @property
    def required_names(self) -> tuple[str, ...]:
        """Those that must be given."""
        return tuple(member.name for member in self.members if member.required)


Shape: TypeAlias = Text | Whole | Truth | ListOf | MapOf | Record | Anything


@cache
def record_of(declaration: type) -> Record:
    """Read the shape off a dataclass. Raises TypeError for an annotation it does not know."""
    hints = get_type_hints(declaration)
    members = tuple(_member(field, hints[field.name]) for field in fields(declaration))
    return Record(declaration, members)


def to_plain(value: object, *, hidden: bool = False) -> Any:
    """Spell a declared value as documents and records do; members that are None are left out.

    With ``hidden``, members that records do not show are there too, as references see them.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return dict(_plain_members(value, hidden=hidden))
    if isinstance(value, list | tuple):
        return [to_plain(item, hidden=hidden) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item, hidden=hidden) for key, item in value.items()}
    return value


def describe(shape: Shape) -> str:
    """Name what a shape asks for, for a message: ``a list of texts``."""
    match shape:
        case Text(choices=()):
            return "text"
        case Text(choices):
            return "one of " + ", ".join(f"`{choice}`" for choice in choices)
        case Whole():
            return "a whole number"
        case Truth():
            return "true or false"
        case ListOf(item):
            return f"a list of {_plural(item)}"
        case MapOf(value):
            return f"a map of names to {_plural(value)}"
        case Record():
            return "a map"
        case Anything():
            return "any value"


def _plural(shape: Shape) -> str:
    match shape:
        case Text():
            return "texts"
        case Whole():
            return "whole numbers"
        case Truth():
            return "truth values"
        case ListOf(item):
            return f"lists of {_plural(item)}"
        case MapOf() | Record():
            return "maps"
        case Anything():
            return "values"


def _plain_members(value: Any, *, hidden: bool) -> Iterator[tuple[str, Any]]:
    declaration: type = type(value)
    for member in record_of(declaration).members:
        item = getattr(value, member.attribute)
        if item is not None and (hidden or member.notes.shown):
            yield member.name, to_plain(item, hidden=hidden)


def _member(field: "Field[Any]", hint: Any) -> Member:
    notes = field.metadata.get(_NOTES, Notes())
    required = field.default is MISSING and field.default_factory is MISSING
    default = None if field.default is MISSING else field.default
    name = notes.wire or _camel_case(field.name)
    return Member(name, field.name, _shape(hint), required, default, notes)


def _camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found.group(1).upper(), name)


_SCALARS: Final[Mapping[Any, Shape]] = {
    str: Text(),
    int: Whole(),
    bool: Truth(),
    object: Anything(),
    Any: Anything(),
}


def _shape(hint: Any) -> Shape:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return record_of(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return Text(tuple(arguments))
    if origin in (list, tuple):
        return ListOf(_shape(arguments[0]))
    if origin is dict and arguments[0] is str:
        return MapOf(_shape(arguments[1]))
    if origin in (Union, types.UnionType):
        (only,) = (argument for argument in arguments if argument is not types.NoneType)
        return _shape(only)
    raise TypeError(f"a declaration cannot hold {hint!r}")
