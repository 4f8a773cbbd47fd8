"""Text to component: everything that is wrong with it, and the document if nothing is."""

from collections.abc import Mapping
from dataclasses import dataclass

from imagewright.documents.component import rules
from imagewright.documents.component.fields import Fields
from imagewright.documents.component.model import Component
from imagewright.documents.component.references import check_references
from imagewright.documents.component.steps import PhaseReader
from imagewright.documents.component.variables import VariableReader
from imagewright.documents.diagnostics import Diagnostic, has_errors, in_order
from imagewright.documents.nodes import MapNode, Node, Scalar, kind_of
from imagewright.documents.reading import Budget, Loaded, load
from imagewright.documents.schema_version import inserting_version
from imagewright.documents.specs import ModuleSpec, Platform

_SCHEMA_VERSIONS = ("1.0", "1")
_WIRE_VERSION = "Invalid schema version. Supported versions include: 1.0."


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a text."""

    component: Component | None
    """None if there are errors."""
    findings: tuple[Diagnostic, ...]
    """In the order of the text."""


def load_component(
    text: str,
    *,
    modules: Mapping[str, ModuleSpec],
    platform: Platform | None = None,
    budget: Budget | None = None,
) -> Checked:
    """Read and check a component document, YAML or JSON. Never raises over what it holds.

    With a platform, only its modules may be used (CRT-43); without one, any.
    """
    return check_component(load(text, budget), modules=modules, platform=platform)


def check_component(
    loaded: Loaded, *, modules: Mapping[str, ModuleSpec], platform: Platform | None = None
) -> Checked:
    """Check what has been read already, as ``load_component`` does."""
    findings = list(loaded.findings)
    component = None
    if loaded.root is not None:
        component = _read(loaded.root, modules, platform, findings)
    if component is not None:
        findings += check_references(component, modules)
    return Checked(None if has_errors(findings) else component, in_order(findings))


def _read(
    root: Node,
    modules: Mapping[str, ModuleSpec],
    platform: Platform | None,
    findings: list[Diagnostic],
) -> Component | None:
    if not isinstance(root, MapNode):
        message = f"a component document must be a map, not {kind_of(root)}"
        findings.append(rules.NotAMap.finding(root.span, message))
        return None
    fields = Fields(root, findings, what="a component document")
    name, description = fields.scalar("name"), fields.scalar("description")
    _check_version(root, fields, findings)
    variables = VariableReader(findings)
    parameters = variables.parameters(fields.list("parameters"))
    constants = variables.constants(fields.list("constants"))
    phases = fields.list("phases", required=True)
    read = PhaseReader(modules, platform, findings).read(phases) if phases is not None else ()
    fields.done()
    return Component(_text(name), _text(description), parameters, constants, read)


def _check_version(root: MapNode, fields: Fields, findings: list[Diagnostic]) -> None:
    node = fields.node("schemaVersion")
    if isinstance(node, Scalar) and node.text in _SCHEMA_VERSIONS:
        return
    span = fields.span if node is None else node.span
    message = "`schemaVersion` is missing" if node is None else "this schema version is not known"
    fix = "write `schemaVersion: 1.0`"
    edits = inserting_version(root) if root.get("schemaVersion") is None else ()
    finding = rules.SchemaVersion.finding(span, message, fix=fix, wire=_WIRE_VERSION, edits=edits)
    findings.append(finding)


def _text(scalar: Scalar | None) -> str | None:
    return None if scalar is None else scalar.text
