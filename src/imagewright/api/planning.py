"""From a request for an image to the plan of its build: everything fixed, everything checked.

What a build would stumble over later is refused here, before anything starts (IMG-06).
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from imagewright.api.container_builds import check_container_build, check_dockerfile
from imagewright.api.documents import Document, Documents, kept_of
from imagewright.api.found import Found, container_distributions_of, distributions_of
from imagewright.api.infrastructure_configurations import configuration_entry
from imagewright.api.recipe_components import check_parameters
from imagewright.api.run_parameters import (
    NO_PARAMETERS,
    RunParameters,
    with_component_parameters,
    with_workflow_parameters,
)
from imagewright.api.shapes import CreateImageRequest, WorkflowConfiguration
from imagewright.api.workflow_outputs import check_outputs
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.documents.reading import ADMITTED
from imagewright.documents.specs import ActionSpec, ImageType, Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.documents.workflow.evaluation import IMAGE_OUTPUT, foreseen_inputs, may_run
from imagewright.documents.workflow.model import Workflow
from imagewright.documents.workflow.parameters import (
    BadParameterValueError,
    ParametersError,
    bind,
)
from imagewright.documents.workflow.scope import Scope
from imagewright.engine.image_names import own_problems
from imagewright.engine.plan import (
    BuildPlan,
    Infrastructure,
    KeptDocument,
    PlannedComponent,
    PlannedContainer,
    PlannedWorkflow,
)
from imagewright.engine.ports import Foreseen
from imagewright.engine.variables import system_variables
from imagewright.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidRequest,
    ScannerNotEnabled,
)
from imagewright.store.resources import Stored

WORKFLOWS_MAX = 10
IMAGE_TESTS: Mapping[str, Any] = {"imageTestsEnabled": True, "timeoutMinutes": 720}
"""What holds of tests where a request does not say (IMG-04)."""

_NOT_YET_KNOWN = frozenset({"cloudWatchLogStream", "imageBuildNumber", "sourceImageARN"})
"""The system variables that follow from the number of the build."""

PHASES: Mapping[Stage, Sequence[str]] = {
    Stage.BUILD: ("build", "validate"),
    Stage.TEST: ("test",),
    Stage.DISTRIBUTION: (),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that lacks only the number of the build, and what reads show of it."""

    plan: BuildPlan
    found: Found


class CheckParent(Protocol):
    """Checks a parent image."""

    def __call__(self, parent: str, *, account: str, region: str) -> None:
        """Raise InvalidRequest unless an account can build on a parent in a region."""
        ...


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans."""

    documents: Documents
    actions: Mapping[str, ActionSpec]
    check_parent: CheckParent
    """Raises InvalidRequest for a parent image that stands for nothing here."""
    can_scan: bool
    """A scanner has advisories to go by (SCN-03)."""
    component_refusals: Callable[[str, Sequence[str], Mapping[str, str]], Sequence[str]]
    """Says why phases of a component's text, with these parameters, cannot run."""
    foresee: Callable[[str, Mapping[str, object], BuildPlan], Foreseen]
    """Says what is known of a step by its action and its inputs, where these are known."""
    missing_service: Callable[[str], str | None]
    """Says which setting another AWS service would take; None: it can be asked."""

    def check(self, found: Found, request: CreateImageRequest, call: Call) -> Sequence[Workflow]:
        """Check what a request says of workflows and scans, wherever it may run (IMG-11 to -19).

        Returns the documents of the workflows.
        Raises InvalidParameterValue, InvalidParameterCombination, InvalidRequest.
        """
        if len(request.get("workflows", ())) > WORKFLOWS_MAX:
            raise InvalidParameterValue("workflows", f"There may be at most {WORKFLOWS_MAX}.")
        _check_workflows(found)
        self._check_scanning(request, call)
        workflows = [
            self._load(self.documents.open(stored, call), stored) for _, stored in found.workflows
        ]
        for index, (workflow, (configuration, stored)) in enumerate(
            zip(workflows, found.workflows, strict=True)
        ):
            if not found.recipe.is_for_containers:
                _check_image_output(workflow, stored)
            _bound(index, workflow, configuration)
        check_outputs(workflows, found.workflows)
        return workflows

    def plan(
        self,
        found: Found,
        request: CreateImageRequest,
        call: Call,
        parameters: RunParameters = NO_PARAMETERS,
    ) -> Planned:
        """Check that the build can be done, and fix what it does.

        ``parameters`` take the place of those that the request and the recipe give.
        Raises InvalidParameterValue, InvalidParameterCombination, InvalidRequest.
        """
        workflows = self.check(found, request, call)
        if parameters:
            found = self._with_parameters(found, workflows, parameters, call)
        container, found = self._container(found, call)
        recipe, tests = found.recipe, request.get("imageTestsConfiguration", {})
        parent = recipe.shown["parentImage"]
        self.check_parent(parent, account=call.account, region=call.region)
        name = recipe.stored.name
        logging = request.get("loggingConfiguration", {})
        plan = BuildPlan(
            image_arn="",
            account=call.account,
            region=call.region,
            image_name=name,
            version=recipe.stored.arn.version or "",
            build=0,
            platform=recipe.platform,  # type: ignore[arg-type]  # the model's enum
            parent_image=parent,
            image_type="DOCKER" if recipe.is_for_containers else "AMI",
            working_directory=recipe.shown.get("workingDirectory", "/tmp"),  # noqa: S108
            components=[
                PlannedComponent(
                    arn=str(component.build.arn),
                    document=_kept(component.build),
                    parameters=component.given,
                )
                for component in recipe.components
            ],
            workflows=sorted(
                [
                    *(_planned(configuration, stored) for configuration, stored in found.workflows),
                    *(following(stored) for stored in [found.distributing] if stored is not None),
                ],
                key=lambda planned: list(Stage).index(planned.stage),
            ),
            infrastructure=_infrastructure(found.infrastructure),
            collect_metadata=request.get("enhancedImageMetadataEnabled", True),
            collect_scan_findings=_wants_scan(request),
            tests_enabled=tests.get("imageTestsEnabled", True),
            description=recipe.stored.description,
            execution_role=request.get("executionRole"),
            distributions=_distributions(found),
            ami_tags=recipe.stored.body.get("amiTags", {}),
            container=container,
            asked_at=iso_milliseconds(call.received_at),
            log_group=logging.get("logGroupName", f"/aws/imagebuilder/{name}"),
        )
        self._check_components(plan, found, call)
        if recipe.is_for_containers:
            check_container_build(recipe, plan.infrastructure)
        elif (problem := next(own_problems(plan), None)) and found.distribution is not None:
            raise InvalidRequest(
                f"The distribution configuration '{found.distribution.arn}' cannot be followed: "
                f"the region {plan.region}: {problem}."
            )
        if found.distributing is not None and found.distribution is not None:
            self.check_followed(found.distributing, found.distribution, plan, call)
        commands: dict[str, str] = {}
        for index, workflow in enumerate(workflows):
            commands |= self._check_workflow(index, workflow, found, plan)
        return Planned(replace(plan, commands=commands), found)

    def _container(self, found: Found, call: Call) -> tuple[PlannedContainer | None, Found]:
        """Take along what a container recipe says beside what every recipe does.

        The image shows the template too, unless a key seals it: then the recipe alone shows it,
        to who may use the key.
        """
        recipe = found.recipe
        if not recipe.is_for_containers:
            return None, found
        template = self.documents.open(recipe.stored, call).text
        check_dockerfile(recipe, template)
        container = PlannedContainer(
            template=_kept(recipe.stored),
            repository=recipe.stored.body["targetRepository"]["repositoryName"],
        )
        if container.template.sealed_key is not None:
            return container, found
        shown: Any = {**recipe.shown, "dockerfileTemplateData": template}
        return container, replace(found, recipe=replace(recipe, shown=shown))

    def _with_parameters(
        self, found: Found, workflows: Sequence[Workflow], parameters: RunParameters, call: Call
    ) -> Found:
        documents = [self.documents.open(each.build, call) for each in found.recipe.components]
        return replace(
            found,
            recipe=with_component_parameters(found.recipe, documents, parameters),
            workflows=with_workflow_parameters(found.workflows, workflows, parameters),
        )

    def _check_scanning(self, request: CreateImageRequest, call: Call) -> None:
        """Refuse a scan that cannot be (SCN-01, SCN-03)."""
        if not _wants_scan(request):
            return
        wishes = request["imageScanningConfiguration"]
        if not request.get("imageTestsConfiguration", {}).get("imageTestsEnabled", True):
            raise InvalidParameterCombination(
                "Image scanning needs image tests: 'imageScanningEnabled' cannot be true while "
                "'imageTestsEnabled' is false."
            )
        if "ON_DEMAND_AMI_CVE" in wishes.get("imageScanningTypes", ()):
            raise InvalidRequest(
                "imagewright scans test instances only: 'imageScanningTypes' can be "
                "TEST_INSTANCE_CVE."
            )
        if not self.can_scan:
            raise ScannerNotEnabled(
                call.account,
                "The server needs a folder of OSV advisories: the setting scanning.advisories.",
            )

    def _check_components(self, plan: BuildPlan, found: Found, call: Call) -> None:
        """Refuse components whose parameters do not fit, or that cannot run here."""
        stages = {planned.stage for planned in plan.workflows}
        phases = [phase for stage in Stage if stage in stages for phase in PHASES[stage]]
        for index, component in enumerate(found.recipe.components):
            document = self.documents.open(component.build, call)
            check_parameters(index, document, component.given)
            problems = self.component_refusals(document.text, phases, component.given)
            if problems:
                raise InvalidRequest(
                    f"The component '{component.build.arn}' cannot be run: {'; '.join(problems)}."
                )

    def _check_workflow(
        self, index: int, workflow: Workflow, found: Found, plan: BuildPlan
    ) -> Mapping[str, str]:
        """Refuse a workflow that cannot run, and return the command documents that it needs."""
        configuration, stored = found.workflows[index]
        stage = Stage(str(stored.type))
        parameters = _bound(index, workflow, configuration)
        variables = system_variables(plan, stage, started_at=None, base_image_id=None)
        known = {name: value for name, value in variables.items() if name not in _NOT_YET_KNOWN}
        scope = Scope(parameters=parameters, imagebuilder=known)
        commands: dict[str, str] = {}
        problems = list(self._unbuilt(workflow, scope, ImageType(plan.image_type)))
        for step in workflow.steps:
            if may_run(step, scope):
                foreseen = self.foresee(step.action, foreseen_inputs(step, scope), plan)
                problems += [f"its step '{step.name}': {why}" for why in foreseen.problems]
                commands |= foreseen.commands
        if problems:
            raise InvalidRequest(f"The workflow '{stored.arn}' cannot be run: {problems[0]}.")
        return commands

    def check_followed(
        self, workflow: Stored, distribution: Stored, plan: BuildPlan, call: Call
    ) -> None:
        """Refuse a distribution configuration that the workflow cannot follow here."""
        loaded = self._load(self.documents.open(workflow, call), workflow)
        foreseen = (self.foresee(step.action, {}, plan).problems for step in loaded.steps)
        for problem in [problem for problems in foreseen for problem in problems]:
            raise InvalidRequest(
                f"The distribution configuration '{distribution.arn}' cannot be followed: "
                f"{problem}."
            )

    def _unbuilt(self, workflow: Workflow, scope: Scope, image_type: ImageType) -> Iterator[str]:
        for step in workflow.steps:
            spec = self.actions[step.action]
            given = step.inputs.members if step.inputs is not None else ()
            names = [each.name for each in given]
            problem = (
                _misplaced(spec, image_type)
                or _unserved(spec, names)
                or self._out_of_reach(spec, names)
            )
            if problem and may_run(step, scope):
                yield f"its step '{step.name}' needs {problem}"

    def _out_of_reach(self, spec: ActionSpec, given: Sequence[str]) -> str | None:
        """Say which service the settings give no access to, though a step would call it."""
        for name in given:
            if name in spec.services and (missing := self.missing_service(spec.services[name])):
                return f"{spec.services[name]} for its input {name}. {missing}"
        return None

    def _load(self, document: Document, stored: Stored) -> Workflow:
        checked = load_workflow(document.text, actions=self.actions, budget=ADMITTED)
        if checked.workflow is None:
            raise InvalidRequest(
                f"The document of the workflow '{stored.arn}' is not accepted by this release."
            )
        return checked.workflow


def _wants_scan(request: CreateImageRequest) -> bool:
    return request.get("imageScanningConfiguration", {}).get("imageScanningEnabled", False)


def _check_image_output(workflow: Workflow, stored: Stored) -> None:
    """Refuse a build workflow that would build nothing (IMG-11)."""
    if stored.type == Stage.BUILD and workflow.output(IMAGE_OUTPUT) is None:
        raise InvalidParameterValue(
            "workflows",
            f"A build workflow must have an output named {IMAGE_OUTPUT} to build an AMI; "
            f"'{stored.arn}' has none.",
        )


def _misplaced(spec: ActionSpec, image_type: ImageType) -> str | None:
    """Say that an action has no meaning for what comes out of this build (§7.1)."""
    if image_type in spec.image_types:
        return None
    what = {ImageType.AMI: "an image recipe", ImageType.DOCKER: "a container recipe"}
    return (
        f"{spec.name}, which is not for {what[image_type]}; an `if` that asks for "
        "$.imagebuilder.imageType skips it"
    )


def _distributions(found: Found) -> Sequence[Mapping[str, Any]]:
    of_kind = container_distributions_of if found.recipe.is_for_containers else distributions_of
    return of_kind(found.distribution)


def _unserved(spec: ActionSpec, given: Sequence[str]) -> str | None:
    """Say what of an action this release does not run."""
    unserved = [name for name in given if name in spec.unbuilt_inputs]
    if spec.built and not unserved:
        return None
    what = f"the input {unserved[0]} of {spec.name}" if spec.built else spec.name
    return f"{what}, {spec.unbuilt_because or 'which this release does not serve yet'}"


def following(workflow: Stored) -> PlannedWorkflow:
    """Plan a workflow that follows a configuration, and is shown nowhere (IMG-14)."""
    return replace(_planned({"workflowArn": str(workflow.arn)}, workflow), is_shown=False)


def _check_workflows(found: Found) -> None:
    """Check how many workflows of each kind there are, and their settings (IMG-11, IMG-16)."""
    types = [str(stored.type) for _, stored in found.workflows]
    for single in ("BUILD", "DISTRIBUTION"):
        if types.count(single) > 1:
            raise InvalidParameterValue("workflows", f"There may be one workflow of type {single}.")
    for configuration, stored in found.workflows:
        if stored.type == "TEST":
            continue
        if extra := {"parallelGroup", "onFailure"} & configuration.keys():
            raise InvalidParameterCombination(
                f"The parameter '{min(extra)}' is for test workflows only; "
                f"'{stored.arn}' is of type {stored.type}."
            )


def _bound(index: int, workflow: Workflow, configuration: WorkflowConfiguration) -> dict[str, Any]:
    """Bind the parameters of a workflow, as its run will (IMG-19)."""
    path = f"workflows[{index}].parameters"
    supplied = [(entry["name"], entry["value"]) for entry in configuration.get("parameters", ())]
    try:
        return dict(bind(workflow, supplied))
    except BadParameterValueError as error:
        raise InvalidParameterValue(path, str(error)) from None
    except ParametersError as error:
        raise InvalidParameterCombination(
            f"The value supplied for parameter '{path}' is not valid. {error}"
        ) from None


def _planned(configuration: WorkflowConfiguration, stored: Stored) -> PlannedWorkflow:
    return PlannedWorkflow(
        arn=str(stored.arn),
        stage=Stage(str(stored.type)),
        document=_kept(stored),
        parameters={entry["name"]: entry["value"] for entry in configuration.get("parameters", ())},
        parallel_group=configuration.get("parallelGroup"),
        goes_on_after_failure=configuration.get("onFailure") == "CONTINUE",
    )


def _kept(stored: Stored) -> KeptDocument:
    kept = kept_of(stored)
    content = base64.b64encode(kept.content).decode("ascii")
    return KeptDocument(content=content, sealed_key=kept.sealed_key)


def _infrastructure(stored: Stored) -> Infrastructure:
    shown = configuration_entry(stored)
    logs = shown.get("logging", {}).get("s3Logs", {})
    metadata = shown.get("instanceMetadataOptions", {})
    return Infrastructure(
        instance_types=shown.get("instanceTypes", ()),
        instance_profile_name=shown.get("instanceProfileName", ""),
        http_tokens=metadata.get("httpTokens", "optional"),
        http_put_response_hop_limit=metadata.get("httpPutResponseHopLimit", 1),
        security_group_ids=shown.get("securityGroupIds", ()),
        subnet_id=shown.get("subnetId"),
        terminate_on_failure=shown.get("terminateInstanceOnFailure", True),
        terminate_on_completion=shown.get("terminateInstanceOnCompletion", True),
        s3_bucket_name=logs.get("s3BucketName"),
        s3_key_prefix=logs.get("s3KeyPrefix"),
        sns_topic_arn=shown.get("snsTopicArn"),
    )
