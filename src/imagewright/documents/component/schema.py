"""The JSON Schema of component documents, made from the declarations that check them.

For editors, as ``workflow/schema.py`` is for workflows: it completes and marks, and refuses
nothing that ``load_component`` accepts. Keys that are unknown above inputs are warnings there, so
here they pass.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from imagewright.documents.component.loops import DELIMITERS
from imagewright.documents.component.model import TIMEOUT_SECONDS_DEFAULT, OnFailure, Verdict
from imagewright.documents.component.operators import OPERATORS, Operator
from imagewright.documents.json_schema import (
    DIALECT,
    TRUTH,
    WHOLE_TEXT,
    Schema,
    any_case,
    given,
    list_of,
    one_or_list,
    whole,
)
from imagewright.documents.shapes import (
    Anything,
    ListOf,
    MapOf,
    Member,
    Notes,
    Record,
    Shape,
    Text,
    Truth,
    Whole,
)
from imagewright.documents.specs import InputShape, ModuleSpec, Platform

TITLE: Final = "EC2 Image Builder component document"

_SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""What is written without quotes is text where text is asked for."""
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
_EXPRESSION: Final[Schema] = {
    "type": "string",
    "pattern": r"\{\{",
    "description": "Text with an expression, `{{ name }}`.",
}
_NULL: Final[Schema] = {"type": "null"}
_PLAIN: Final[Schema] = {"type": ["number", "boolean", "null"]}
"""Read as text by whoever runs the document."""
_NAME: Final = "^[A-Za-z0-9_-]+$"
_NO_NOTES: Final = Notes()


def component_schema(modules: Mapping[str, ModuleSpec], platform: Platform | None = None) -> Schema:
    """Make the schema, for one platform where that is given."""
    fitting = {
        name: spec
        for name, spec in modules.items()
        if platform is None or platform in spec.platforms
    }
    definitions: Schema = {
        "phase": _phase(),
        "step": _step(fitting),
        "variableName": {"type": "string", "pattern": "^[A-Za-z0-9_-]{3,128}$"},
        "condition": _condition(choices=False),
        "if": _condition(choices=True),
        "loop": _loop(),
        **{
            f"{name}Inputs": _record(spec.input_record)
            for name, spec in fitting.items()
            if not spec.takes_condition
        },
    }
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "type": "object",
        "properties": {
            "name": {**_TEXT, "description": "A label, for logs alone."},
            "description": {**_TEXT, "description": "What the component is for."},
            "schemaVersion": {"description": "1.0, the only one there is.", "enum": _VERSIONS},
            "parameters": _variables(_PARAMETER, "What the caller may set."),
            "constants": _variables(_CONSTANT, "Fixed values."),
            "phases": {
                "type": "array",
                "items": {"$ref": "#/definitions/phase"},
                "minItems": 1,
                "description": "What is done, in this order: `build`, `validate`, `test`.",
            },
        },
        "required": ["schemaVersion", "phases"],
        "definitions": definitions,
    }


_VERSIONS: Final = [1.0, "1.0", "1"]
_TYPE: Final[Schema] = {
    "type": "string",
    "pattern": any_case("string", "stringlist"),
    "description": "`string`.",
}
_TEXTS: Final[Schema] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_PARAMETER: Final[Schema] = {
    "type": "object",
    "properties": {
        "type": _TYPE,
        "default": {**_TEXTS, "description": "Its value when the caller gives none."},
        "description": {**_TEXT, "description": "What it is for."},
        "allowedValues": {**_TEXTS, "description": "The values it may have."},
    },
    "required": ["type"],
}
_CONSTANT: Final[Schema] = {
    "type": "object",
    "properties": {"type": _TYPE, "value": {**_TEXT, "description": "Its value."}},
    "required": ["type", "value"],
}


def _variables(body: Schema, what: str) -> Schema:
    one = {
        "type": "object",
        "propertyNames": {"$ref": "#/definitions/variableName"},
        "additionalProperties": body,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"type": ["array", "null"], "items": one, "description": what}


def _phase() -> Schema:
    return {
        "type": "object",
        "properties": {
            "name": {
                "anyOf": [{"type": "string", "pattern": _NAME}, _PLAIN],
                "description": "A build runs `build` and `validate`, then `test` on its image.",
                "examples": ["build", "validate", "test"],
            },
            "steps": {
                "type": "array",
                "items": {"$ref": "#/definitions/step"},
                "description": "What is done, one after another.",
            },
        },
        "required": ["name", "steps"],
    }


def _step(modules: Mapping[str, ModuleSpec]) -> Schema:
    return {
        "type": "object",
        "properties": {
            "name": {
                "anyOf": [{"type": "string", "pattern": _NAME}, _PLAIN],
                "description": "How `phase.step.outputs` refers to it.",
            },
            "action": {"enum": list(modules), "description": "What the step does."},
            "timeoutSeconds": {
                "anyOf": [
                    {"type": "integer", "minimum": 1}, {"const": -1}, WHOLE_TEXT, _NULL,
                ],
                "description": f"How long each attempt may take; -1: no limit. "
                f"{TIMEOUT_SECONDS_DEFAULT} where it is left out.",
            },
            "onFailure": {
                "enum": [*OnFailure, None],
                "description": "`Abort`, the default, ends the run; `Ignore` counts as success.",
            },
            "maxAttempts": {
                "anyOf": [{"type": "integer", "minimum": 1}, WHOLE_TEXT, _NULL],
                "description": "How often it is tried. 1 where it is left out.",
            },
            "if": {
                "anyOf": [*one_or_list("if"), _NULL],
                "description": "The step is skipped unless this holds.",
            },
            "loop": {"anyOf": [{"$ref": "#/definitions/loop"}, _NULL]},
            "disableLogging": {
                "anyOf": [{"type": "boolean"}, {"type": "string"}, _NULL],
                "description": "Keep its output and inputs out of every log.",
            },
            "inputs": {"description": "What the action takes."},
        },
        "required": ["name", "action"],
        "allOf": [_of_module(spec) for spec in modules.values()],
    }  # fmt: skip


def _of_module(spec: ModuleSpec) -> Schema:
    """What a step with this action is held to."""
    name = "condition" if spec.takes_condition else f"{spec.name}Inputs"
    one: Schema = {"$ref": f"#/definitions/{name}"}
    many: Schema = {"type": "array", "items": one, "minItems": 1}
    if spec.input_shape is not InputShape.LIST:
        many["maxItems"] = 1
    inputs: list[Schema] = [one, many]
    if spec.inputs_optional:
        inputs += [_NULL, {"type": "array", "maxItems": 0}]
    then: Schema = {
        "properties": {"action": {"description": spec.summary}, "inputs": {"anyOf": inputs}}
    }
    if not spec.inputs_optional:
        then["required"] = ["inputs"]
    return {
        "if": {"properties": {"action": {"const": spec.name}}, "required": ["action"]},
        "then": then,
    }


def _record(record: Record) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {member.name: _member(member) for member in record.members},
        "additionalProperties": _NULL,  # as good as absent
    }
    if record.required_names:
        schema["required"] = list(record.required_names)
    return schema


def _member(member: Member) -> Schema:
    notes = member.notes
    shown: Schema = {"description": notes.text} if notes.text else {}
    if member.default is not None:
        shown["default"] = member.default
    alternatives = [_shape(member.shape, notes), _EXPRESSION]
    if notes.one_or_many and isinstance(member.shape, ListOf):
        alternatives.append(_shape(member.shape.item, _NO_NOTES))
    if not member.required:
        alternatives.append(_NULL)
    return {**shown, "anyOf": alternatives}


def _item(shape: Shape) -> Schema:
    return {"anyOf": [_shape(shape, _NO_NOTES), _EXPRESSION, _NULL]}


def _shape(shape: Shape, notes: Notes) -> Schema:
    match shape:
        case Text(choices=()):
            return _text(notes)
        case Text(choices):
            return {"enum": list(choices)}
        case Whole():
            return whole(notes)
        case Truth():
            return TRUTH
        case ListOf(item):
            return list_of(_item(item), notes)
        case MapOf(value):
            return {"type": "object", "additionalProperties": _item(value)}
        case Record():
            return _record(shape)
        case Anything():
            return {}


def _text(notes: Notes) -> Schema:
    limits = {"minLength": notes.length_min or None, "maxLength": notes.length_max}
    return {**_SCALAR, **given(limits)}


def _condition(*, choices: bool) -> Schema:
    """A condition; at the top of ``if`` it has choices, and within a ``not`` right below that."""
    inner = "if" if choices else "condition"
    several = {
        "type": "array",
        "items": {"anyOf": one_or_list("condition")},
        "minItems": 1,
    }
    alternatives = [_comparison(name, each, choices=choices) for name, each in OPERATORS.items()]
    for word, what, of in (
        ("and", "All of these hold.", several),
        ("or", "One of these holds.", several),
        ("not", "This does not hold.", {"anyOf": one_or_list(inner)}),
    ):
        properties = {word: {**of, "description": what}}
        alternatives.append(_operation(properties, (word,), choices=choices))
    return {"anyOf": alternatives}


def _comparison(name: str, operator: Operator, *, choices: bool) -> Schema:
    beside = operator.companion
    subject = f"`{beside}`" if beside else "This"
    baseline: Schema = {**_TEXT, "description": f"{subject} is held against this: {name}."}
    if operator.kind == "number":
        number = {"type": "string", "pattern": r"^[-+]?([0-9]+[.])?[0-9]+$"}
        baseline = {
            "anyOf": [{"type": "number"}, number, _EXPRESSION],
            "description": baseline["description"],
        }
    properties: Schema = {name: baseline}
    required = [name]
    if beside is not None:
        properties[beside] = {**_TEXT, "description": "What is held against it."}
        required.append(beside)
    return _operation(properties, required, choices=choices)


def _operation(properties: Schema, required: Iterable[str], *, choices: bool) -> Schema:
    if choices:
        verdict = {"enum": list(Verdict)}
        properties = {
            **properties,
            "then": {**verdict, "description": "When it holds; `Execute` where left out."},
            "else": {**verdict, "description": "When it does not; `Skip` where left out."},
        }
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _loop() -> Schema:
    number = whole(_NO_NOTES)
    counting = {
        "type": "object",
        "properties": {
            "start": {**number, "description": "The first number."},
            "end": {**number, "description": "The last one, which it must come to."},
            "updateBy": {**number, "description": "From one to the next; not 0."},
        },
        "required": ["start", "end", "updateBy"],
    }
    delimited = {
        "type": "object",
        "properties": {
            "list": {**_SCALAR, "description": "A text that is cut into pieces."},
            "delimiter": {"enum": list(DELIMITERS), "description": "`,` where it is left out."},
        },
        "required": ["list"],
    }
    each = {"anyOf": [{"type": "array", "items": _TEXT}, delimited]}
    return {
        "type": "object",
        "properties": {
            "name": {
                "anyOf": [{"type": "string", "pattern": _NAME}, _PLAIN],
                "description": "`loop` where it is left out.",
            },
            "for": {"anyOf": [counting, _NULL], "description": "Count."},
            "forEach": {"anyOf": [*each["anyOf"], _NULL], "description": "Go through a list."},
        },
        "anyOf": [{"required": ["for"]}, {"required": ["forEach"]}],
        "description": "Runs the step once for each value, `{{ loop.value }}`.",
    }
