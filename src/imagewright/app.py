"""The one place where the parts are put together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from imagewright.access.keys import AccessKeys
from imagewright.access.rates import RateLimit
from imagewright.actions.command_documents import CommandDocuments
from imagewright.actions.table import ACTIONS
from imagewright.api.component_documents import ComponentChecker
from imagewright.api.components import Components
from imagewright.api.container_recipes import ContainerRecipes
from imagewright.api.creation import Once
from imagewright.api.distributing import Distributing
from imagewright.api.distribution_configurations import DistributionConfigurations
from imagewright.api.documents import Documents
from imagewright.api.executions import Executions
from imagewright.api.image_pipelines import ImagePipelines
from imagewright.api.image_recipes import ImageRecipes
from imagewright.api.images import Images
from imagewright.api.infrastructure_configurations import InfrastructureConfigurations
from imagewright.api.listing import Lists
from imagewright.api.managed import ship
from imagewright.api.paging import Pager
from imagewright.api.pipeline_runs import PipelineRuns
from imagewright.api.planning import Planner
from imagewright.api.retries import Retries
from imagewright.api.scan_findings import ScanFindings
from imagewright.api.scheduled_runs import ScheduledRuns
from imagewright.api.tags import Tags
from imagewright.api.workflow_documents import WorkflowChecker
from imagewright.api.workflows import Workflows
from imagewright.aws.clients import AwsClients
from imagewright.aws.kms import KmsKeys
from imagewright.aws.objects import ObjectReader
from imagewright.building import Builder, open_builder
from imagewright.call import Principal
from imagewright.clock import Clock, SystemClock
from imagewright.door.entrance import two_doors
from imagewright.foresight import component_refusals, foresee, parameter_reader
from imagewright.keyring import KeyService, LocalKeyring
from imagewright.logs.builds import BuildLogs
from imagewright.logs.pipelines import PipelineLogs
from imagewright.managed import IMAGES, WORKFLOWS
from imagewright.managed.components import managed_components
from imagewright.runner.modules.table import SPECS as MODULES
from imagewright.schedules.rounds import Rounds
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store import schema
from imagewright.store.database import Database, open_sqlite
from imagewright.store.outbox import Outbox
from imagewright.wire.authentication import AnyRequest, Authenticator, SignedRequests
from imagewright.wire.chain import Guard, Handler, wire_app
from imagewright.wire.messages import ASGIApp

if TYPE_CHECKING:
    from imagewright.door.builds import StartImage
    from imagewright.door.pipelines import StartPipeline


SCHEDULES_LOOK_SECONDS = 1.0
"""How late a schedule starts a build at most; a look reads one index."""


@dataclass(frozen=True, slots=True)
class Application:
    """A server's parts, put together; ``asgi`` is what the network sees."""

    asgi: ASGIApp
    builder: Builder
    schedules: Rounds
    """Starts the builds of pipelines that are due."""


def open_application(
    state: StateDirectory,
    settings: Settings,
    *,
    draining: Callable[[], bool] = lambda: False,
    clock: Clock | None = None,
) -> Application:
    """Open a prepared state directory and build the application on it.

    Raises StateError, SchemaTooNew, ServiceError or KeyFileError if the state cannot be used, and
    BadStandIn for a document of the setting managed.stand_ins.
    """
    clock = clock or SystemClock()
    database = open_sqlite(state.database)
    schema.prepare(database, back_up=lambda: database.back_up(state.database_backup))
    secret = state.own_secret()
    checker = WorkflowChecker(ACTIONS)
    component_checker = ComponentChecker(MODULES)
    managed = settings.managed
    ship(
        database,
        workflows=WORKFLOWS,
        components=managed_components(managed.stand_ins, managed.missing),
        images=IMAGES,
        check=checker.check,
        checker=component_checker,
        clock=clock,
    )
    keys = AccessKeys(state.access_keys)
    first_key = keys.first_of(settings.account)
    authenticator: Authenticator = SignedRequests(keys, clock)
    if settings.auth == "none":
        principal = Principal(first_key.account, first_key.arn, first_key.access_key_id)
        authenticator = AnyRequest(principal, settings.region)
    rates = RateLimit(settings.requests_per_second)
    clients = AwsClients(settings.aws)
    documents = Documents(
        objects=ObjectReader(clients),
        keys_of=_key_services(state, settings, clients),
        size_bytes_max=settings.quotas.document_bytes,
        secret=secret,
    )
    tells_topics = clients.missing("sns") is None
    outbox = Outbox(list(settings.listeners), clock, tells_topics=tells_topics)
    builder = open_builder(
        state,
        settings,
        database,
        documents,
        clients=clients,
        outbox=outbox,
        secret=secret,
        clock=clock,
    )
    once = Once(database, secret, wait_seconds=settings.token_wait_seconds)
    retries = Retries(database, once, builder, outbox)
    images = _images(settings, database, documents, builder, clients, once, outbox)
    handlers = _handlers(
        settings, database, documents, builder, checker, clients, once, retries, images
    )
    guards: Sequence[Guard] = [lambda call: rates.spend(call.account)]
    wire = wire_app(
        handlers,
        authenticator=authenticator,
        clock=clock,
        guards=guards,
        draining=draining,
        body_bytes_max=settings.body_bytes_max,
        handler_threads=settings.handler_threads,
        client_token_required=settings.client_token_required,
    )

    def open_door() -> ASGIApp:
        from imagewright.door.app import Parts, door_app  # loads what the wire does without

        parts = Parts(
            state=state,
            database=database,
            logs=BuildLogs(state.logs, clock),
            workshop=builder.workshop,
            start_image=cast("StartImage", handlers["CreateImage"]),
            start_pipeline=cast("StartPipeline", handlers["StartImagePipelineExecution"]),
            retry_build=retries.go_on,
            operator=settings.account,
            missing_service=clients.missing,
            authenticator=authenticator,
            clock=clock,
            guards=guards,
            draining=draining,
            body_bytes_max=settings.body_bytes_max,
            client_token_required=settings.client_token_required,
            kept_age_max=timedelta(hours=settings.sandbox.kept_hours_max),
        )
        return door_app(parts)

    scheduled = ScheduledRuns(
        database=database,
        images=images,
        logs=PipelineLogs(state.pipeline_logs),
        outbox=outbox,
        clock=clock,
        draining=draining,
    )
    return Application(
        asgi=two_doors(wire, open_door),
        builder=builder,
        schedules=Rounds(scheduled.go_round, every_seconds=SCHEDULES_LOOK_SECONDS),
    )


def _images(
    settings: Settings,
    database: Database,
    documents: Documents,
    builder: Builder,
    clients: AwsClients,
    once: Once,
    outbox: Outbox,
) -> Images:
    pager = Pager(documents.secret)
    lists = Lists(database, pager)
    planner = Planner(
        documents=documents,
        actions=ACTIONS,
        check_parent=builder.check_parent,
        can_scan=settings.scanning.advisories is not None,
        component_refusals=component_refusals(clients.missing),
        foresee=foresee(
            CommandDocuments(settings.commands),
            region_refusal=builder.region_refusal,
            missing_service=clients.missing,
        ),
        missing_service=clients.missing,
    )
    return Images(
        database=database,
        once=once,
        lists=lists,
        pager=pager,
        planner=planner,
        runs=builder,
        outbox=outbox,
        release=builder.release,
        quota=settings.quotas.images,
    )


def _handlers(
    settings: Settings,
    database: Database,
    documents: Documents,
    builder: Builder,
    checker: WorkflowChecker,
    clients: AwsClients,
    once: Once,
    retries: Retries,
    images: Images,
) -> Mapping[str, Handler]:
    lists, pager = images.lists, images.pager
    workflows = Workflows(
        database=database,
        once=once,
        lists=lists,
        documents=documents,
        check=checker.check,
        quota=settings.quotas.workflows,
    )
    components = Components(
        database=database,
        once=once,
        lists=lists,
        documents=documents,
        checker=ComponentChecker(MODULES),
        quota=settings.quotas.components,
    )
    recipes = ImageRecipes(
        database=database,
        once=once,
        lists=lists,
        documents=documents,
        quota=settings.quotas.image_recipes,
        components_max=settings.quotas.components_per_recipe,
    )
    container_recipes = ContainerRecipes(
        database=database,
        once=once,
        lists=lists,
        documents=documents,
        quota=settings.quotas.container_recipes,
        components_max=settings.quotas.components_per_recipe,
    )
    infrastructure = InfrastructureConfigurations(
        database=database,
        once=once,
        lists=lists,
        quota=settings.quotas.infrastructure_configurations,
    )
    distribution = DistributionConfigurations(
        database=database,
        once=once,
        lists=lists,
        quota=settings.quotas.distribution_configurations,
    )
    distributing = Distributing(
        database=database,
        once=once,
        planner=images.planner,
        runs=builder,
        parameter_value=parameter_reader(clients),
        quota=settings.quotas.images,
    )
    pipelines = ImagePipelines(
        database=database,
        once=once,
        lists=lists,
        planner=images.planner,
        quota=settings.quotas.image_pipelines,
    )
    pipeline_runs = PipelineRuns(database=database, once=once, lists=lists, images=images)
    executions = Executions(
        database=database,
        once=once,
        pager=pager,
        runs=builder,
        strict_statuses=settings.strict_statuses,
    )
    scan_findings = ScanFindings(database, pager)
    tags = Tags(database)
    handlers: dict[str, Any] = {
        "CreateImage": images.create_image,
        "GetImage": images.get_image,
        "ListImages": images.list_images,
        "ListImageBuildVersions": images.list_image_build_versions,
        "ListImagePackages": images.list_image_packages,
        "DistributeImage": distributing.distribute_image,
        "CancelImageCreation": images.cancel_image_creation,
        "RetryImage": retries.retry_image,
        "DeleteImage": images.delete_image,
        "ListImageScanFindings": scan_findings.list_image_scan_findings,
        "ListImageScanFindingAggregations": scan_findings.list_image_scan_finding_aggregations,
        "ListWorkflowExecutions": executions.list_workflow_executions,
        "GetWorkflowExecution": executions.get_workflow_execution,
        "ListWorkflowStepExecutions": executions.list_workflow_step_executions,
        "GetWorkflowStepExecution": executions.get_workflow_step_execution,
        "ListWaitingWorkflowSteps": executions.list_waiting_workflow_steps,
        "SendWorkflowStepAction": executions.send_workflow_step_action,
        "CreateWorkflow": workflows.create_workflow,
        "GetWorkflow": workflows.get_workflow,
        "ListWorkflows": workflows.list_workflows,
        "ListWorkflowBuildVersions": workflows.list_workflow_build_versions,
        "DeleteWorkflow": workflows.delete_workflow,
        "CreateComponent": components.create_component,
        "ImportComponent": components.import_component,
        "GetComponent": components.get_component,
        "ListComponents": components.list_components,
        "ListComponentBuildVersions": components.list_component_build_versions,
        "DeleteComponent": components.delete_component,
        "CreateImageRecipe": recipes.create_image_recipe,
        "GetImageRecipe": recipes.get_image_recipe,
        "ListImageRecipes": recipes.list_image_recipes,
        "DeleteImageRecipe": recipes.delete_image_recipe,
        "CreateContainerRecipe": container_recipes.create_container_recipe,
        "GetContainerRecipe": container_recipes.get_container_recipe,
        "ListContainerRecipes": container_recipes.list_container_recipes,
        "DeleteContainerRecipe": container_recipes.delete_container_recipe,
        "CreateInfrastructureConfiguration": infrastructure.create_infrastructure_configuration,
        "GetInfrastructureConfiguration": infrastructure.get_infrastructure_configuration,
        "ListInfrastructureConfigurations": infrastructure.list_infrastructure_configurations,
        "UpdateInfrastructureConfiguration": infrastructure.update_infrastructure_configuration,
        "DeleteInfrastructureConfiguration": infrastructure.delete_infrastructure_configuration,
        "CreateDistributionConfiguration": distribution.create_distribution_configuration,
        "GetDistributionConfiguration": distribution.get_distribution_configuration,
        "ListDistributionConfigurations": distribution.list_distribution_configurations,
        "UpdateDistributionConfiguration": distribution.update_distribution_configuration,
        "DeleteDistributionConfiguration": distribution.delete_distribution_configuration,
        "CreateImagePipeline": pipelines.create_image_pipeline,
        "GetImagePipeline": pipelines.get_image_pipeline,
        "ListImagePipelines": pipelines.list_image_pipelines,
        "UpdateImagePipeline": pipelines.update_image_pipeline,
        "DeleteImagePipeline": pipelines.delete_image_pipeline,
        "StartImagePipelineExecution": pipeline_runs.start_image_pipeline_execution,
        "ListImagePipelineImages": pipeline_runs.list_image_pipeline_images,
        "ListTagsForResource": tags.list_tags_for_resource,
        "TagResource": tags.tag_resource,
        "UntagResource": tags.untag_resource,
    }
    return handlers


def _key_services(
    state: StateDirectory, settings: Settings, clients: AwsClients
) -> Callable[[str], KeyService]:
    if settings.aws.kms_endpoint is not None:
        return lambda region: KmsKeys(clients, region)
    ring = LocalKeyring(state.keyring, strict=settings.kms_strict)
    return lambda _region: ring
