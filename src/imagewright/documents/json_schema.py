"""What the JSON Schemas of all kinds of documents are made with.

Draft 7, because the YAML language server reads that best.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

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
