"""What a recipe file names, made known to the server: the same content is registered once."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewright.actions.table import ACTIONS
from imagewright.arns import slug_of
from imagewright.cli.client import Client, Refused
from imagewright.cli.recipe_file import RecipeFile, Reference, parent_arn
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.evaluation import IMAGE_OUTPUT

DIGEST_TAG = "imagewright:recipe-file"
"""Marks what ``build`` registered, and may therefore replace, with a digest of its content."""

_MACHINE_OUTPUT = "InstanceId"
"""What a workflow that builds a container image hands on: the machine that has it."""

_TAKEN = "ResourceAlreadyExistsException"
_QUOTED_ARN = re.compile(r"'(arn:[^']+)'")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+", re.ASCII)
_NAME_MAX = 128
_DISTRIBUTING = frozenset(
    name for name, spec in ACTIONS.items() if spec.stages == frozenset({Stage.DISTRIBUTION})
)


class RecipeTaken(Exception):
    """Another recipe has the name and version, and ``build`` did not make it."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"another recipe with other content is there as {arn}")


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the recipe file, checked."""

    text: str
    stage: Stage | None
    """Of a workflow."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers a recipe file with a server. Its methods raise Refused and Unreachable."""

    client: Client
    file: RecipeFile
    documents: Mapping[Path, Document]
    dockerfile: str | None = None
    """The template that the file names by its path."""

    def image_request(self) -> dict[str, Any]:
        """Register everything, and return the request that starts the build.

        Raises RecipeTaken.
        """
        request = {
            f"{self._kind}RecipeArn": self._recipe(),
            "infrastructureConfigurationArn": self._infrastructure(),
            **self.file.build,
        }
        if self.file.workflows:
            request["workflows"] = [
                {"workflowArn": self._workflow(each), **each.member} for each in self.file.workflows
            ]
            role = f"arn:aws:iam::{self.client.account}:role/imagewright"
            request.setdefault("executionRole", role)
        return request

    @property
    def _kind(self) -> str:
        return "container" if self.file.is_for_containers else "image"

    def _recipe(self) -> str:
        """Register the recipe; one that was registered for the same file before gives way."""
        request = {
            **self.file.recipe,
            "parentImage": parent_arn(
                str(self.file.recipe.get("parentImage", "")),
                self.client.account,
                self.client.region,
            ),
            "components": [
                {"componentArn": self._component(each), **each.member}
                for each in self.file.components
            ],
        }
        if not request["components"]:
            del request["components"]
        if self.dockerfile is not None:
            request["dockerfileTemplateData"] = self.dockerfile
        member, kind = f"{self._kind}RecipeArn", f"{self._kind.capitalize()}Recipe"
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        tagged = {**request, "tags": {**request.get("tags", {}), DIGEST_TAG: digest}}
        try:
            return str(self.client.call(f"Create{kind}", **tagged)[member])
        except Refused as error:
            if error.code != _TAKEN:
                raise
            taken = _arn_in(error)
        found = self.client.call(f"Get{kind}", **{member: taken})[f"{self._kind}Recipe"]
        known = found.get("tags", {}).get(DIGEST_TAG)
        if known is None:
            raise RecipeTaken(taken)
        if known != digest:
            self.client.call(f"Delete{kind}", **{member: taken})
            self.client.call(f"Create{kind}", **tagged)
        return taken

    def _infrastructure(self) -> str:
        wanted = {"instanceProfileName": "imagewright", **self.file.infrastructure}
        wanted["name"] = self._own_name(str(wanted.get("name", "infrastructure")))
        key = "infrastructureConfigurationArn"
        try:
            return str(self.client.call("CreateInfrastructureConfiguration", **wanted)[key])
        except Refused as error:
            if error.code != _TAKEN:
                raise
            arn = _arn_in(error)
        content = {name: value for name, value in wanted.items() if name not in {"name", "tags"}}
        self.client.call("UpdateInfrastructureConfiguration", **{key: arn}, **content)
        return arn

    def _component(self, reference: Reference) -> str:
        if not isinstance(reference.target, Path):
            return reference.target
        return self._document(
            "CreateComponent", "componentBuildVersionArn", reference.target, platform="Linux"
        )

    def _workflow(self, reference: Reference) -> str:
        if not isinstance(reference.target, Path):
            return reference.target
        stage = reference.stage or self.documents[reference.target].stage or Stage.TEST
        return self._document(
            "CreateWorkflow", "workflowBuildVersionArn", reference.target, type=stage.value
        )

    def _document(self, operation: str, answer: str, path: Path, **members: str) -> str:
        """Register a document: the build that is there if it is the same, else the next."""
        folder = self.file.path.parent
        name = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
        try:
            created = self.client.call(
                operation,
                name=self._own_name(str(name.with_suffix(""))),
                semanticVersion="1.0.0",
                data=self.documents[path].text,
                **members,
            )
        except Refused as error:
            if error.code != _TAKEN:
                raise
            return _arn_in(error)
        return str(created[answer])

    def _own_name(self, name: str) -> str:
        """Name something after the recipe, so that two recipe files never share it."""
        recipe = slug_of(str(self.file.recipe.get("name", "")))
        own = _NOT_IN_NAMES.sub("-", name).strip("-").lower()
        return f"{recipe}--{own}"[-_NAME_MAX:].strip("-")


def stage_of(text: str) -> Stage:
    """Tell what kind of workflow a document is: one that gives an image or a machine builds."""
    workflow = load_workflow(text, actions=ACTIONS).workflow
    if workflow is None or any(map(workflow.output, (IMAGE_OUTPUT, _MACHINE_OUTPUT))):
        return Stage.BUILD
    distributes = any(step.action in _DISTRIBUTING for step in workflow.steps)
    return Stage.DISTRIBUTION if distributes else Stage.TEST


def _arn_in(error: Refused) -> str:
    found = _QUOTED_ARN.search(error.message)
    if found is None:
        raise error
    return found[1]
