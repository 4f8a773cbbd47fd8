"""Nodes to a workflow, with everything that is wrong with its form.

What cannot be read is left out or stands as an empty name, so that the rules about meaning can
still look at the rest; a document with errors is never handed on.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol, TypeVar

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.edits import Edit
from imagewright.documents.nodes import MapNode, Node, Scalar, as_int, kind_of, native
from imagewright.documents.places import Span
from imagewright.documents.recognise import kind_by_keys
from imagewright.documents.schema_version import inserting_version
from imagewright.documents.specs import ActionSpec
from imagewright.documents.workflow.condition_reading import read_condition
from imagewright.documents.workflow.fields import Fields, Hint, Report
from imagewright.documents.workflow.model import (
    OnFailure,
    Output,
    Parameter,
    ParameterType,
    ParameterValue,
    Step,
    Workflow,
)
from imagewright.documents.workflow.parameters import read_default
from imagewright.documents.workflow.rules.structure import (
    BadDefault,
    BadSchemaVersion,
    BadStepName,
    BadTimeout,
    DuplicateName,
    NotAWorkflow,
)
from imagewright.documents.workflow.template_reading import read_leaf, read_map
from imagewright.documents.workflow.templates import SUFFIX, Leaf, Literal, MapTemplate, Mixed

STEPS_MAX: Final = 15
PARAMETERS_MAX: Final = 25
OUTPUTS_MAX: Final = 25
READ_MAX: Final = 50
"""How far a list that is too long is looked at all the same."""

SCHEMA_VERSION_WIRE: Final = "Invalid schema version. Supported versions include: 1.0."

DOCUMENT_KEYS: Final = ("name", "description", "schemaVersion", "parameters", "steps", "outputs")
PARAMETER_KEYS: Final = ("name", "type", "default", "description")
OUTPUT_KEYS: Final = ("name", "value")
STEP_KEYS: Final = (
    "name",
    "action",
    "description",
    "inputs",
    "if",
    "onFailure",
    "rollbackEnabled",
    "timeoutSeconds",
)
STEP_NAME: Final = r"[A-Za-z][A-Za-z0-9_-]{2,99}"
_STEP_NAME: Final = re.compile(rf"{STEP_NAME}\Z")
_STEP_NAME_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_-]*\Z")
_HINTS: Final = {
    "defaultValue": Hint(
        "default", "the key is called `default`; `defaultValue` is the API's name for it"
    ),
    **{
        f"{key}{SUFFIX}": Hint(key, f"`{key}` takes a reference as it is, without `{SUFFIX}`")
        for key in ("rollbackEnabled", "value")
    },
}


def read_workflow(root: Node, actions: Mapping[str, ActionSpec], report: Report) -> Workflow | None:
    """Read a document as far as it can be read; None if it is nothing like a workflow."""
    if not isinstance(root, MapNode):
        message = f"a workflow document is a map, not {kind_of(root)}"
        fix = "begin with `schemaVersion: 1.0` and `steps:`"
        report(NotAWorkflow.finding(root.span, message, fix=fix))
        return None
    if root.get("steps") is None and (other := kind_by_keys(root)) is not None:
        message = f"this is {other}, not a workflow document"
        report(NotAWorkflow.finding(root.entries[0].key.span, message))
        return None
    return _Reader(actions, report).workflow(root)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Item = TypeVar("_Item", bound=_Named)


class _Reader:
    """Reads the parts of one document."""

    def __init__(self, actions: Mapping[str, ActionSpec], report: Report) -> None:
        self._actions = actions
        self._report = report

    def workflow(self, root: MapNode) -> Workflow:
        fields = self._fields(root, "a workflow", DOCUMENT_KEYS, ("steps",))
        self._check_schema_version(root)
        parameters = fields.maps("parameters", least=0, most=PARAMETERS_MAX, read_most=READ_MAX)
        steps = fields.maps("steps", least=1, most=STEPS_MAX, read_most=READ_MAX)
        outputs = fields.maps("outputs", least=0, most=OUTPUTS_MAX, read_most=READ_MAX)
        return Workflow(
            name=fields.text("name"),
            description=fields.text("description"),
            parameters=self._unique("parameter", map(self._parameter, parameters), parameters),
            steps=self._unique("step", map(self._step, steps), steps),
            outputs=self._unique("output", map(self._output, outputs), outputs),
            node=root,
        )

    def _fields(
        self, node: MapNode, what: str, known: tuple[str, ...], required: tuple[str, ...]
    ) -> Fields:
        return Fields(node, what, self._report, known=known, required=required, hints=_HINTS)

    def _unique(
        self, what: str, items: Iterable[_Item], nodes: Iterable[MapNode]
    ) -> tuple[_Item, ...]:
        read: list[_Item] = []
        names: set[str] = set()
        for item, node in zip(items, nodes, strict=True):
            if item.name and item.name in names:
                message = f"there is another {what} called `{item.name}`"
                self._report(DuplicateName.finding(_place(node, "name"), message))
            names.add(item.name)
            read.append(item)
        return tuple(read)

    def _check_schema_version(self, root: MapNode) -> None:
        entry = root.get("schemaVersion")
        version = native(entry.value) if entry else None
        if version == "1.0" or (version == 1 and not isinstance(version, bool)):
            return
        edits: tuple[Edit, ...] = ()
        if entry is None:
            span = root.entries[0].key.span if root.entries else root.span
            message = "a workflow needs the key `schemaVersion`"
            edits = inserting_version(root)
        else:
            span = _place(root, "schemaVersion")
            message = "the schema version must be 1.0"
        fix = "write `schemaVersion: 1.0`"
        wire = SCHEMA_VERSION_WIRE
        finding = BadSchemaVersion.finding(span, message, fix=fix, wire=wire, edits=edits)
        self._report(finding)

    def _parameter(self, node: MapNode) -> Parameter:
        fields = self._fields(node, "a parameter", PARAMETER_KEYS, ("name",))
        # Without a type a parameter is a string (§3.1).
        kind = fields.choice("type", ParameterType) or ParameterType.STRING
        return Parameter(
            name=fields.text("name", most=128) or "",
            type=kind,
            default=self._default(node, kind),
            description=fields.text("description", least=0),
            span=node.span,
            name_span=_place(node, "name"),
        )

    def _default(self, node: MapNode, kind: ParameterType) -> ParameterValue | None:
        entry = node.get("default")
        if entry is None:
            return None
        try:
            return read_default(kind, entry.value)
        except ValueError as error:
            message = f"the default of a parameter of type `{kind}` {error}"
            self._report(BadDefault.finding(_place(node, "default"), message))
            return None

    def _step(self, node: MapNode) -> Step:
        fields = self._fields(node, "a step", STEP_KEYS, ("name", "action"))
        action = fields.text("action", most=1024) or ""
        declared = self._timeout(fields)
        spec = self._actions.get(action)
        default = spec.timeout_default_seconds if spec else 0
        condition = fields.node_of("if")
        return Step(
            name=self._step_name(fields),
            action=action,
            description=fields.text("description"),
            inputs=self._inputs(fields),
            condition=read_condition(condition, self._report) if condition else None,
            on_failure=fields.choice("onFailure", OnFailure) or OnFailure.ABORT,
            rollback_enabled=self._rollback_enabled(fields),
            declared_timeout_seconds=declared,
            timeout_seconds=default if declared is None else declared,
            node=node,
        )

    def _step_name(self, fields: Fields) -> str:
        node = fields.scalar("name")
        if node is None:
            return ""
        if _STEP_NAME.match(node.text) is None:
            self._report(_bad_step_name(node))
        return node.text

    def _inputs(self, fields: Fields) -> MapTemplate | None:
        node = fields.node_of("inputs")
        if node is None or (isinstance(node, Scalar) and native(node) is None):
            return None
        if not isinstance(node, MapNode):
            fields.wrong_kind("inputs", node, "a map")
            return None
        return read_map(node, self._report)

    def _timeout(self, fields: Fields) -> int | None:
        node = fields.scalar("timeoutSeconds")
        if node is None:
            return None
        seconds = as_int(node.text)
        if seconds is None or seconds < 1:
            message = "`timeoutSeconds` must be a whole number, at least 1"
            self._report(BadTimeout.finding(node.span, message))
            return None
        return seconds

    def _rollback_enabled(self, fields: Fields) -> Leaf:
        node = fields.scalar("rollbackEnabled")
        if node is None:
            return Literal(True, fields.node)
        leaf = read_leaf(node, self._report)
        if isinstance(leaf, Mixed):
            fields.wrong_kind("rollbackEnabled", node, "true, false or a reference")
        if not isinstance(leaf, Literal):
            return leaf
        if node.text.lower() not in ("true", "false"):
            fields.wrong_kind("rollbackEnabled", node, "true, false or a reference")
        return Literal(node.text.lower() == "true", node)

    def _output(self, node: MapNode) -> Output:
        fields = self._fields(node, "an output", OUTPUT_KEYS, ("name", "value"))
        value = fields.scalar("value")
        return Output(
            name=fields.text("name", most=128) or "",
            value=read_leaf(value, self._report) if value else Literal("", node),
            span=node.span,
            name_span=_place(node, "name"),
        )


def _bad_step_name(node: Scalar) -> Diagnostic:
    if _STEP_NAME_CHARACTERS.match(node.text) is None:
        message = f"`{node.text[:60]}` cannot be the name of a step"
        wire = (
            f"Invalid step name '{node.text[:100]}'. Allowed characters are combinations of "
            "numbers [0-9], english letters [a-z,A-Z] and special characters [-_]."
        )
        fix = "use letters, digits, `_` and `-`"
        return BadStepName.finding(node.span, message, fix=fix, wire=wire)
    message = f"`{node.text[:60]}` cannot be the name of a step"
    fix = "begin with a letter, and use 3 to 100 characters"
    return BadStepName.finding(node.span, message, fix=fix)


def _place(node: MapNode, key: str) -> Span:
    """The value of a key, where it is a short one; or else the key; or else the map."""
    entry = node.get(key)
    if entry is None:
        return node.span
    if isinstance(entry.value, Scalar) and entry.value.raw:
        return entry.value.span
    return entry.key.span
