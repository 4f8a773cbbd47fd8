"""Parameters of one run of a pipeline: our own, as AWS has none (``api-behaviour.md`` §13, no. 7).

On the wire they are tags of StartImagePipelineExecution; the second door takes them without the
limits of tags. They take the place of what the pipeline and its recipe say, in this run alone.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from imagewright.api.documents import Document
from imagewright.api.recipe_resolution import ResolvedComponent, ResolvedRecipe, ShownRecipe
from imagewright.api.shapes import WorkflowConfiguration
from imagewright.api.workflow_outputs import Asked
from imagewright.documents.diagnostics import did_you_mean
from imagewright.documents.workflow.model import Parameter, ParameterType, Workflow
from imagewright.documents.workflow.parameters import BadParameterValueError, bind_known
from imagewright.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidRequest,
)
from imagewright.store.resources import Stored

WORKFLOW_TAG: Final = "imagewright:parameter:"
COMPONENT_TAG: Final = "imagewright:component-parameter:"
"""What stands before the parameter's name in the key of a tag."""

_TAGS: Final = "tags"
_WORKFLOW_MEMBER: Final = "parameters"
_COMPONENT_MEMBER: Final = "componentParameters"


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value, and the member of the request that gives it."""

    texts: Sequence[str]
    member: str


@dataclass(frozen=True, slots=True)
class RunParameters:
    """What one run is given, by the names of parameters."""

    workflows: Mapping[str, GivenValue] = field(default_factory=dict)
    components: Mapping[str, GivenValue] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.workflows or self.components)


NO_PARAMETERS = RunParameters()


def read_run_parameters(request: Mapping[str, Any]) -> RunParameters:
    """Read the parameters of a run from its tags and from the two members of the second door.

    ``parameters`` and ``componentParameters`` are lists of ``{"name", "value": [text, …]}``, as in
    ``workflows[].parameters``. Raises InvalidParameterValue, InvalidRequest.
    """
    tags = request.get(_TAGS, {})
    return RunParameters(
        workflows=_together(_tagged(tags, WORKFLOW_TAG), _listed(request, _WORKFLOW_MEMBER)),
        components=_together(_tagged(tags, COMPONENT_TAG), _listed(request, _COMPONENT_MEMBER)),
    )


def with_workflow_parameters(
    asked: Asked, workflows: Sequence[Workflow], given: RunParameters
) -> tuple[tuple[WorkflowConfiguration, Stored], ...]:
    """Return the workflows of a run, each with the values for what it declares.

    ``workflows`` are the documents of ``asked``. Raises InvalidParameterCombination for a name
    that none declares, InvalidParameterValue for a value that is not of its type.
    """
    declared = [each.name for workflow in workflows for each in workflow.parameters]
    _refuse_unknown(given.workflows, declared, "workflows")
    return tuple(
        (_configured(configuration, workflow, given.workflows), stored)
        for workflow, (configuration, stored) in zip(workflows, asked, strict=True)
    )


def with_component_parameters(
    recipe: ResolvedRecipe, documents: Sequence[Document], given: RunParameters
) -> ResolvedRecipe:
    """Return the recipe of a run, each component with the values for what it declares.

    ``documents`` are those of the components. Raises InvalidParameterCombination for a name that
    none declares, InvalidParameterValue for several values.
    """
    declared = [{parameter["name"] for parameter in document.parameters} for document in documents]
    _refuse_unknown(given.components, [name for names in declared for name in names], "components")
    values = {name: _only(name, value) for name, value in given.components.items()}
    components = tuple(
        replace(component, given={**component.given, **_chosen(values, names)})
        for component, names in zip(recipe.components, declared, strict=True)
    )
    return replace(recipe, components=components, shown=_shown(recipe.shown, components))


def _configured(
    configuration: WorkflowConfiguration, workflow: Workflow, given: Mapping[str, GivenValue]
) -> WorkflowConfiguration:
    values = {entry["name"]: entry["value"] for entry in configuration.get("parameters", ())}
    for parameter in workflow.parameters:
        if parameter.name not in given:
            continue
        value = given[parameter.name]
        texts = _texts(parameter, value)
        try:
            bind_known(workflow, [(parameter.name, texts)])
        except BadParameterValueError as error:
            raise InvalidParameterValue(value.member, str(error)) from None
        values[parameter.name] = texts
    if not values:
        return configuration
    entries = [{"name": name, "value": texts} for name, texts in values.items()]
    return cast("WorkflowConfiguration", {**configuration, "parameters": entries})


def _texts(parameter: Parameter, value: GivenValue) -> list[str]:
    """Return the texts of a value; in a tag, a list is spelt as JSON."""
    is_list = parameter.type is ParameterType.STRING_LIST and value.member == _TAGS
    if not is_list or not value.texts[0].startswith("["):
        return list(value.texts)
    try:
        items = json.loads(value.texts[0])
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise InvalidParameterValue(
            value.member,
            f"The value of the workflow parameter '{parameter.name}' must be one text, or a JSON "
            'list of texts such as ["a", "b"].',
        )
    return items


def _refuse_unknown(given: Mapping[str, GivenValue], declared: Iterable[str], whose: str) -> None:
    """Refuse names that nothing declares, and say which there are."""
    known = sorted(set(declared))
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    meant = did_you_mean(unknown[0], known)
    hint = f" Did you mean '{meant}'?" if meant else ""
    raise InvalidParameterCombination(
        f"The value supplied for parameter '{given[unknown[0]].member}' is not valid. The "
        f"following parameters are not defined by any of the {whose} of this run: "
        f"{', '.join(unknown)}. Defined are: {', '.join(known) or 'none'}.{hint}"
    )


def _chosen(values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: values[name] for name in sorted(names) if name in values}


def _only(name: str, value: GivenValue) -> str:
    if len(value.texts) != 1:
        raise InvalidParameterValue(
            value.member,
            f"The value of the component parameter '{name}' must be one value, not "
            f"{len(value.texts)}.",
        )
    return value.texts[0]


def _shown(shown: ShownRecipe, components: Sequence[ResolvedComponent]) -> ShownRecipe:
    """Show the recipe with the values that its components had (IMG-06)."""
    if not components:
        return shown
    entries = [
        {
            **entry,
            **(
                {
                    "parameters": [
                        {"name": name, "value": [value]} for name, value in component.given.items()
                    ]
                }
                if component.given
                else {}
            ),
        }
        for entry, component in zip(shown["components"], components, strict=True)
    ]
    return cast("ShownRecipe", {**shown, "components": entries})


def _tagged(tags: Mapping[str, str], prefix: str) -> dict[str, GivenValue]:
    found = {
        key.removeprefix(prefix): GivenValue([value], _TAGS)
        for key, value in tags.items()
        if key.startswith(prefix)
    }
    if "" in found:
        raise InvalidParameterValue(_TAGS, f"A parameter's name must follow '{prefix}'.")
    return found


def _listed(request: Mapping[str, Any], member: str) -> dict[str, GivenValue]:
    found: dict[str, GivenValue] = {}
    entries = request.get(member, [])
    if not isinstance(entries, list):
        raise InvalidRequest(f"The value of '{member}' must be a list.")
    for index, entry in enumerate(entries):
        name, texts = _entry(entry, f"{member}[{index}]")
        if name in found:
            raise InvalidParameterValue(member, f"The parameter '{name}' is given twice.")
        found[name] = GivenValue(texts, member)
    return found


def _entry(entry: object, path: str) -> tuple[str, list[str]]:
    if isinstance(entry, Mapping):
        name, value = entry.get("name"), entry.get("value")
        is_list = isinstance(value, list) and all(isinstance(text, str) for text in value)
        if isinstance(name, str) and is_list:
            return name, cast("list[str]", value)
    raise InvalidRequest(
        f"The value of '{path}' must be an object with a 'name' and a 'value', which is a list of "
        "strings."
    )


def _together(
    tagged: Mapping[str, GivenValue], listed: Mapping[str, GivenValue]
) -> dict[str, GivenValue]:
    for name in listed:
        if name in tagged:
            raise InvalidParameterValue(
                _TAGS, f"The parameter '{name}' is given twice, by a tag and beside it."
            )
    return {**tagged, **listed}
