"""The JSON Schema of workflow documents, made from the declarations that check them.

For editors: it completes keys, actions and inputs, shows what they are for, and marks what cannot
be. It refuses nothing that ``load_workflow`` accepts; what depends on more than one place (names,
references, the order of steps) is for ``imagewright validate`` to say.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from imagewright.documents.json_schema import (
    DIALECT,
    TRUTH,
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
    describe,
)
from imagewright.documents.specs import ActionSpec, Stage
from imagewright.documents.workflow.condition_reading import CHILDREN_MAX, DEPTH_MAX
from imagewright.documents.workflow.conditions import Branch, Operator
from imagewright.documents.workflow.document_reading import (
    DOCUMENT_KEYS,
    OUTPUT_KEYS,
    OUTPUTS_MAX,
    PARAMETER_KEYS,
    PARAMETERS_MAX,
    STEP_KEYS,
    STEP_NAME,
    STEPS_MAX,
)
from imagewright.documents.workflow.model import OnFailure, ParameterType
from imagewright.documents.workflow.parameters import VALUE_CHARACTERS_MAX
from imagewright.documents.workflow.templates import SUFFIX

TITLE: Final = "EC2 Image Builder workflow document"

_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""What is written without quotes is text where text is asked for."""
_REFERENCE: Final[Schema] = {
    "type": "string",
    "pattern": r"^\s*\$\.|\{\{\s*\$\.",
    "description": "A reference, `$.parameters.name`, or text with one in braces.",
}


def workflow_schema(actions: Mapping[str, ActionSpec], stage: Stage | None = None) -> Schema:
    """Make the schema, for workflows of one type where that is given."""
    fitting = {
        name: spec for name, spec in actions.items() if stage is None or stage in spec.stages
    }
    definitions: Schema = {
        "step": _step(fitting),
        "parameter": _parameter(),
        "output": _output(),
        **{f"condition{level}": _condition(level) for level in range(1, DEPTH_MAX + 1)},
        **{f"{name}Inputs": _record(spec.input_record) for name, spec in fitting.items()},
    }
    return {
        "$schema": DIALECT,
        "title": TITLE,
        **_closed(
            DOCUMENT_KEYS,
            {
                "name": _text("A label; the workflow's name is given when it is created."),
                "description": _text("What the workflow is for."),
                "schemaVersion": {
                    "description": "1.0, the only one there is.",
                    "enum": [1.0, "1.0"],
                },
                "parameters": _list("parameter", PARAMETERS_MAX, "What a caller may supply."),
                "steps": _list("step", STEPS_MAX, "What is done, in this order.", empty=False),
                "outputs": _list("output", OUTPUTS_MAX, "What later workflows may read."),
            },
            required=("schemaVersion", "steps"),
        ),
        "definitions": definitions,
    }


def _closed(
    keys: Iterable[str], properties: Mapping[str, Schema], *, required: Iterable[str]
) -> Schema:
    """A map of these keys and no others."""
    return {
        "type": "object",
        "properties": {key: properties[key] for key in keys},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(item: str, most: int, what: str, *, empty: bool = True) -> Schema:
    entries = {
        "type": "array",
        "items": {"$ref": f"#/definitions/{item}"},
        "maxItems": most,
    }
    if not empty:
        return {**entries, "minItems": 1, "description": what}
    # A key above entries that are all commented out holds nothing.
    return {**entries, "type": ["array", "null"], "description": what}


def _text(what: str, *, least: int = 1, most: int = 1024) -> Schema:
    return {**_TEXT, "minLength": least, "maxLength": most, "description": what}


def _parameter() -> Schema:
    value = {"maxLength": VALUE_CHARACTERS_MAX}
    default = {
        "anyOf": [
            {**_TEXT, **value},
            {"type": "array", "items": {**_TEXT, **value}},
        ],
        "description": "Its value when the caller gives none; without, the caller must.",
    }
    defaults: Mapping[ParameterType, Schema] = {
        ParameterType.INTEGER: {
            "anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]+$"}]
        },
        ParameterType.BOOLEAN: {
            "anyOf": [
                {"type": "boolean"},
                {"type": "string", "pattern": any_case("true", "false")},
            ]
        },
        ParameterType.STRING: _TEXT,
        ParameterType.STRING_LIST: {"type": "array"},
    }
    return {
        **_closed(
            PARAMETER_KEYS,
            {
                "name": _text("How `$.parameters.<name>` refers to it.", most=128),
                "type": {
                    "enum": list(ParameterType),
                    "description": "`string` where it is left out.",
                },
                "default": default,
                "description": _text("What it is for.", least=0),
            },
            required=("name",),
        ),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                "then": {"properties": {"default": of_kind}},
            }
            for kind, of_kind in defaults.items()
        ],
    }


def _output() -> Schema:
    value = {**_TEXT, "description": "A reference, or text; no `.$` is needed."}
    return _closed(
        OUTPUT_KEYS,
        {"name": _text("`ImageId` for the image that a build made.", most=128), "value": value},
        required=OUTPUT_KEYS,
    )


def _step(actions: Mapping[str, ActionSpec]) -> Schema:
    seconds: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, _DIGITS]}
    return {
        **_closed(
            STEP_KEYS,
            {
                "name": {
                    "type": ["string", "boolean"],  # `name: true` is the text it is written as
                    "pattern": f"^{STEP_NAME}$",
                    "description": "How `$.stepOutputs.<name>` refers to it.",
                },
                "action": {
                    "enum": list(actions),
                    "description": "What the step does.",
                },
                "description": _text("What the step is for."),
                "inputs": {
                    "type": ["object", "null"],
                    "description": "What the action takes; `.$` ends a key that takes a reference.",
                },
                "if": {
                    "anyOf": one_or_list("condition1"),
                    "description": "The step is skipped unless this holds.",
                },
                "onFailure": {
                    "enum": list(OnFailure),
                    "description": "`Abort`, the default, ends the workflow and rolls it back.",
                },
                "rollbackEnabled": {
                    "anyOf": [
                        {"type": "boolean"},
                        {"type": "string", "pattern": any_case("true", "false")},
                        {"type": "string", "pattern": r"^\s*\$\."},
                    ],
                    "description": "Whether the step is undone when the workflow aborts.",
                },
                "timeoutSeconds": {**seconds, "description": "How long it may take."},
            },
            required=("name", "action"),
        ),
        "allOf": [_of_action(spec) for spec in actions.values()],
    }


_DIGITS: Final[Schema] = {"type": "string", "pattern": r"^\+?[0-9]*[1-9][0-9]*$"}


def _of_action(spec: ActionSpec) -> Schema:
    """What a step with this action is held to."""
    inputs = {"$ref": f"#/definitions/{spec.name}Inputs"}
    required = bool(spec.input_record.required_names)
    then: Schema = {
        "properties": {
            "action": {"description": spec.summary},
            "inputs": inputs if required else {"anyOf": [inputs, {"type": "null"}]},
            "timeoutSeconds": {
                "maximum": spec.timeout_max_seconds,
                "description": f"{spec.timeout_default_seconds} where it is left out; "
                f"at most {spec.timeout_max_seconds}.",
            },
        }
    }
    if required:
        then["required"] = ["inputs"]
    return {
        "if": {"properties": {"action": {"const": spec.name}}, "required": ["action"]},
        "then": then,
    }


def _record(record: Record) -> Schema:
    """A map with the record's names, each of them with and without the suffix."""
    properties: Schema = {}
    for member in record.members:
        properties[member.name] = _member(member)
        properties[f"{member.name}{SUFFIX}"] = {
            "description": f"{member.notes.text} By reference.".strip(),
        }
    demands: list[Schema] = [
        {"anyOf": [{"required": [name]}, {"required": [f"{name}{SUFFIX}"]}]}
        for name in record.required_names
    ]
    exclusions: list[Schema] = [
        {"not": {"required": [name, f"{name}{SUFFIX}"]}} for name in record.names
    ]
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**schema, "allOf": [*demands, *exclusions]} if record.members else schema


def _member(member: Member) -> Schema:
    notes = member.notes
    shown: Schema = {"description": notes.text} if notes.text else {}
    if notes.reference_root is not None:
        # Only a reference will do, and those have the suffix.
        return {**shown, "not": {}}
    alternatives = [_shape(member.shape, notes), _REFERENCE]
    if notes.one_or_many and isinstance(member.shape, ListOf):
        alternatives.append(_shape(member.shape.item, _NO_NOTES))
    if not member.required:
        alternatives.append({"type": "null"})
    if member.default is not None:
        shown["default"] = member.default
    return {**shown, "anyOf": alternatives}


_NO_NOTES: Final = Notes()


def _item(shape: Shape) -> Schema:
    return {"anyOf": [_shape(shape, _NO_NOTES), _REFERENCE]}


def _shape(shape: Shape, notes: Notes) -> Schema:
    match shape:
        case Text(choices=()):
            return _text_shape(notes)
        case Text(choices):
            return {"enum": list(choices), "description": describe(shape)}
        case Whole():
            return whole(notes)
        case Truth():
            return TRUTH
        case ListOf(item):
            return list_of(_item(item), notes)
        case MapOf(value):
            limits = {"minProperties": notes.length_min or None, "maxProperties": notes.length_max}
            return {
                "type": "object",
                "patternProperties": {r"\.\$$": {}},
                "additionalProperties": _item(value),
                **given(limits),
            }
        case Record():
            return _record(shape)
        case Anything():
            return {}


def _text_shape(notes: Notes) -> Schema:
    limits = {
        "minLength": notes.length_min or None,
        "maxLength": notes.length_max,
        "pattern": f"^(?:{notes.pattern})$" if notes.pattern is not None else None,
    }
    return {"type": ["string", "integer"], **given(limits)}


def _condition(level: int) -> Schema:
    """A condition; below the fourth level there is none."""
    comparisons = [_comparison(operator) for operator in Operator]
    if level == DEPTH_MAX:
        return {"anyOf": comparisons}
    inner = f"condition{level + 1}"
    children = {
        "type": "array",
        "items": {"$ref": f"#/definitions/{inner}"},
        "minItems": 1,
        "maxItems": CHILDREN_MAX,
    }
    branches = [
        _closed((word,), {word: {**children, "description": what}}, required=(word,))
        for word, what in ((Branch.AND, "All of these hold."), (Branch.OR, "One of these holds."))
    ]
    negation = {"anyOf": one_or_list(inner), "description": "This does not hold."}
    branches.append(_closed((Branch.NOT,), {Branch.NOT: negation}, required=(Branch.NOT,)))
    return {"anyOf": [*comparisons, *branches]}


_READINGS: Final[Mapping[str, Schema]] = {
    "text": _TEXT,
    "truth": {
        "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": any_case("true", "false")}]
    },
    "number": {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}]
    },
}


def _comparison(operator: Operator) -> Schema:
    match operator:
        case Operator.STRING_EQUALS:
            reading = "text"
        case Operator.BOOLEAN_EQUALS:
            reading = "truth"
        case _:
            reading = "number"
    side = {"anyOf": [_READINGS[reading], _REFERENCE]}
    return _closed(
        (operator, "value"),
        {
            operator: {**side, "description": f"What `value` is compared with, as {reading}."},
            "value": {**side, "description": "What is compared, mostly a reference."},
        },
        required=(operator, "value"),
    )
