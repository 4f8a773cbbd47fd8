"""The recipe file of ``imagewright build``: CreateImageRecipe's request as YAML, or
CreateContainerRecipe's, and a little more.

Beside the recipe it may say how to build: ``workflows``, ``executionRole``,
``imageTestsConfiguration``, ``imageScanningConfiguration`` and ``enhancedImageMetadataEnabled``
as CreateImage has them, and ``infrastructure`` as CreateInfrastructureConfiguration has it.
Components and workflows may be ARNs, or paths of documents relative to the file. ``dockerfile``
is the path of a container recipe's template.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagewright.arns import slug_of
from imagewright.cli.requests import RequestReader, members_of
from imagewright.documents.diagnostics import Diagnostic, did_you_mean, in_order, one_of
from imagewright.documents.nodes import ListNode, MapNode, Node, Scalar
from imagewright.documents.places import EMPTY, Span
from imagewright.documents.reading import load
from imagewright.documents.recognise import DocumentKind
from imagewright.documents.specs import Stage
from imagewright.managed import host_architecture

_OF_THE_BUILD = (
    "executionRole",
    "imageTestsConfiguration",
    "imageScanningConfiguration",
    "enhancedImageMetadataEnabled",
)
_TYPE = "type"
_REQUIRED = ("name", "parentImage")
"""Beside these the request needs a version and a list of components; both have defaults here."""
_DOCKERFILE = "dockerfile"
_TEMPLATES = ("dockerfileTemplateData", "dockerfileTemplateUri")
_OF_CONTAINERS = (_DOCKERFILE, *_TEMPLATES, "containerType", "targetRepository")
"""What only a container recipe has."""

DEFAULT_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Reference:
    """A component or workflow that the file names."""

    target: str | Path
    """An ARN, or the path of a document."""
    member: Mapping[str, Any]
    """The rest of its entry: parameters and the like."""
    stage: Stage | None = None
    """What kind of workflow a document is, where the entry says so."""
    span: Span = field(default=EMPTY, compare=False)
    """Where the file names it."""


@dataclass
class RecipeFile:
    """What a recipe file says."""

    path: Path
    recipe: dict[str, Any] = field(default_factory=dict)
    """Members of CreateImageRecipe or CreateContainerRecipe, without the components."""
    is_for_containers: bool = False
    dockerfile: Reference | None = None
    """The template of a container recipe, where the file names one."""
    components: list[Reference] = field(default_factory=list)
    workflows: list[Reference] = field(default_factory=list)
    build: dict[str, Any] = field(default_factory=dict)
    """Members of CreateImage."""
    infrastructure: dict[str, Any] = field(default_factory=dict)

    @property
    def documents(self) -> Iterator[tuple[Path, DocumentKind, Reference]]:
        """The documents that the file names by path, and what each must be."""
        lists = ((DocumentKind.COMPONENT, self.components), (DocumentKind.WORKFLOW, self.workflows))
        for kind, references in lists:
            for each in references:
                if isinstance(each.target, Path):
                    yield each.target, kind, each


def read_recipe(path: Path, text: str) -> tuple[RecipeFile, Sequence[Diagnostic]]:
    """Read a recipe file, and find all that is wrong with it."""
    recipe = RecipeFile(path)
    loaded = load(text)
    findings = list(loaded.findings)
    if loaded.root is not None:
        reader = _Reader(recipe)
        reader.read(loaded.root)
        findings += reader.request.findings
    return recipe, in_order(findings)


class _Reader:
    def __init__(self, recipe: RecipeFile) -> None:
        self.request = RequestReader()
        self._recipe = recipe

    def read(self, root: Node) -> None:
        """Read the whole file."""
        if isinstance(root, MapNode):
            self._recipe.is_for_containers = any(
                each.key.text in _OF_CONTAINERS for each in root.entries
            )
        kind = "Container" if self._recipe.is_for_containers else "Image"
        of_recipe = members_of(f"Create{kind}RecipeRequest")
        of_image = members_of("CreateImageRequest")
        of_build = {name: of_image[name] for name in _OF_THE_BUILD}
        infrastructure = {"infrastructure": "CreateInfrastructureConfigurationRequest"}
        ours = dict.fromkeys(("components", "workflows", _DOCKERFILE), "")
        if isinstance(root, MapNode):
            self._recipe.components = list(self._references(root, "components", "componentArn"))
            self._recipe.workflows = list(self._references(root, "workflows", "workflowArn"))
            self._recipe.dockerfile = self._dockerfile(root)
            rest = tuple(entry for entry in root.entries if entry.key.text not in ours)
            root = MapNode(rest, root.span)
        found = self.request.structure(
            root, {**of_recipe, **of_build, **infrastructure, **ours}, "a recipe file"
        )
        if not self.request.findings:  # else it may just be misspelt
            for name in (name for name in _REQUIRED if name not in found):
                self._wrong(root, f"a recipe file needs `{name}`")
        self._recipe.infrastructure = found.pop("infrastructure", {})
        self._recipe.build = {name: found.pop(name) for name in _OF_THE_BUILD if name in found}
        self._recipe.recipe = {"semanticVersion": DEFAULT_VERSION, **found}
        if self._recipe.is_for_containers:
            repository = {"service": "ECR", "repositoryName": slug_of(str(found.get("name", "")))}
            self._recipe.recipe = {
                "containerType": "DOCKER",
                "targetRepository": repository,
                **self._recipe.recipe,
            }

    def _dockerfile(self, root: MapNode) -> Reference | None:
        entry = root.get(_DOCKERFILE)
        if entry is None:
            return None
        if not isinstance(entry.value, Scalar):
            self._wrong(entry.value, f"`{_DOCKERFILE}` must be the path of a file")
            return None
        for name in _TEMPLATES:
            if (other := root.get(name)) is not None:
                message = f"`{_DOCKERFILE}` names the template already"
                self._wrong(other.key, message, fix=f"leave `{name}` or `{_DOCKERFILE}` out")
        path = self._recipe.path.parent / entry.value.text
        return Reference(path, {}, span=entry.value.span)

    def _references(self, root: MapNode, name: str, member: str) -> Iterator[Reference]:
        entry = root.get(name)
        if entry is None:
            return
        if not isinstance(entry.value, ListNode):
            self._wrong(entry.value, f"`{name}` must be a list")
            return
        for item in entry.value.items:
            if (reference := self._reference(item, member)) is not None:
                yield reference

    def _reference(self, item: Node, member: str) -> Reference | None:
        """Read an entry: just the ARN or path, or a mapping that has it as a member."""
        if isinstance(item, Scalar):
            return Reference(self._target(item.text), {}, span=item.span)
        shape = "ComponentConfiguration" if member == "componentArn" else "WorkflowConfiguration"
        stage = None
        if member == "workflowArn" and isinstance(item, MapNode):
            stage = self._stage(item)
            rest = tuple(entry for entry in item.entries if entry.key.text != _TYPE)
            item = MapNode(rest, item.span)
        mistakes = len(self.request.findings)
        found = self.request.structure(item, members_of(shape), f"`{shape}`")
        target = found.pop(member, None)
        if target is None:
            if len(self.request.findings) == mistakes:  # else it may just be misspelt
                self._wrong(item, f"this entry has no `{member}`")
            return None
        return Reference(self._target(target), found, stage, item.span)

    def _stage(self, item: MapNode) -> Stage | None:
        entry = item.get(_TYPE)
        if entry is None or not isinstance(entry.value, Scalar):
            return None
        names = [stage.value for stage in Stage]
        if entry.value.text not in names:
            meant = did_you_mean(entry.value.text, names)
            fix = f"did you mean `{meant}`?" if meant else ""
            self._wrong(entry.value, f"the type of a workflow is {one_of(names)}", fix=fix)
            return None
        return Stage(entry.value.text)

    def _target(self, text: str) -> str | Path:
        return text if text.startswith("arn:") else self._recipe.path.parent / text

    def _wrong(self, node: Node, message: str, *, fix: str = "") -> None:
        self.request.findings.append(Diagnostic("RQ003", "error", node.span, message, help=fix))


_MANAGED = re.compile(r"[a-z]+-[0-9]{1,3}", re.ASCII)
_BUILT_HERE = re.compile(
    r"(?P<name>[-_A-Za-z0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z0-9])/"
    r"(?P<version>(?:[0-9]+|x)(?:\.(?:[0-9]+|x)){2}(?:/[0-9]+)?)",
    re.ASCII,
)


def parent_arn(parent: str, account: str, region: str) -> str:
    """Spell out a parent image: ``debian-12`` and ``my-base/x.x.x`` become ARNs."""
    if _MANAGED.fullmatch(parent):
        return f"arn:aws:imagebuilder:{region}:aws:image/{parent}-{host_architecture()}/x.x.x"
    if match := _BUILT_HERE.fullmatch(parent):
        name = slug_of(match["name"])
        return f"arn:aws:imagebuilder:{region}:{account}:image/{name}/{match['version']}"
    return parent
