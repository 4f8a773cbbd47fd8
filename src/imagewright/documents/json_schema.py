"""What the JSON Schemas of all kinds of documents are made with.

Draft 7, because the YAML language server reads that best.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from imagewright.documents.shapes import Notes

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "http://json-schema.org/draft-07/schema#"


def given(limits: Mapping[str, object]) -> Schema:
    """Keep the limits that there are."""
    return {name: limit for name, limit in limits.items() if limit is not None}


def one_or_list(name: str) -> list[Schema]:
    """Take a definition by itself, or as the only item of a list."""
    one = {"$ref": f"#/definitions/{name}"}
    return [one, {"type": "array", "items": one, "minItems": 1, "maxItems": 1}]


def any_case(*words: str) -> str:
    """A pattern for some words in any case; the dialect has no flag for it."""
    spelt = ("".join(f"[{each}{each.upper()}]" for each in word) for word in words)
    return f"^(?:{'|'.join(spelt)})$"


WHOLE_TEXT: Final[Schema] = {"type": "string", "pattern": r"^[-+]?[0-9]+$"}
"""A whole number in quotes."""
TRUTH: Final[Schema] = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "string", "pattern": any_case("true", "false", "yes", "no", "on", "off")},
    ]
}


def whole(notes: Notes) -> Schema:
    """A whole number, within the limits there are where it is written without quotes."""
    limits = {"minimum": notes.whole_min, "maximum": notes.whole_max}
    return {"anyOf": [{"type": "integer", **given(limits)}, WHOLE_TEXT]}


def list_of(item: Schema, notes: Notes) -> Schema:
    """A list, of as many items as the notes allow."""
    limits = {"minItems": notes.length_min or None, "maxItems": notes.length_max}
    return {"type": "array", "items": item, **given(limits)}
