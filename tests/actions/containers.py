"""Builds of container recipes as they are once their build stage is over, on a server that runs.

What the build stage leaves is written through the store: a machine and its container image, which
stands on a small tar.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dbos import DBOSClient
from tests.actions.distributing import HERE, OWN, distributing, sent, step
from tests.e2e.conftest import Bench

from imagewright.actions.table import ACTIONS
from imagewright.arns import Kind
from imagewright.clock import SystemClock, iso_milliseconds
from imagewright.documents.specs import Stage
from imagewright.documents.workflow.check import load_workflow
from imagewright.engine.journal import BUILDS, PROTOCOL
from imagewright.engine.plan import BuildPlan, KeptDocument, PlannedContainer, PlannedWorkflow
from imagewright.engine.records import StepExecution, WorkflowExecution, WorkflowStatus
from imagewright.managed import WORKFLOWS
from imagewright.store import builds, instances, machine_images
from imagewright.store import resources as store
from imagewright.store.builds import BuildRecords
from imagewright.store.database import Database, open_sqlite
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Draft, Place
from imagewright.versions import Version

REPOSITORY = "team/web"
CONFIG = {
    "Env": ["MODE=quiet"],
    "Entrypoint": ["/entry"],
    "Cmd": ["serve"],
    "User": "web",
    "WorkingDir": "/srv",
    "Labels": {"maintainer": "us"},
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "StopSignal": "SIGINT",
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000},
    "Shell": ["/bin/bash", "-c"],
    "OnBuild": ["RUN true"],
}
STEP = "DistributeContainer"

_BUILD, _DISTRIBUTION = (
    next(each.text() for each in WORKFLOWS if each.name == name)
    for name in ("build-container", "distribute-container")
)


@dataclass(frozen=True)
class Containers:
    """A server with a layer for container images to stand on."""

    bench: Bench
    layer_id: str
    database: Database = field(repr=False)

    def built(
        self,
        *distributions: Mapping[str, Any],
        repository: str = REPOSITORY,
        config: Mapping[str, Any] = CONFIG,
        made: bool = True,
        timeout_seconds: int = 60,
    ) -> str:
        """Start a build whose build stage is over, and return its image's ARN.

        ``distributions``: of the attached configuration. ``made``: whether there is an image.
        """
        clock = SystemClock()
        now = clock.now()
        instance_id = f"i-{uuid.uuid4().hex[:17]}"
        with self.database.write() as connection:
            draft = _draft(iso_milliseconds(now))
            place = Place(account=OWN, region=HERE, kind=Kind.IMAGE)
            arn = str(store.add_build(connection, place, draft).arn)
            plan = _plan(arn, distributions, repository)
            builds.add_build(connection, plan)
            instances.add(
                connection, instance_id, driver="sandbox", layer=self.layer_id, owner=arn,
                now=draft.created_at,
            )  # fmt: skip
            if made:
                machine_images.put_container(
                    connection, instance_id, config=config, plan=plan,
                    token=uuid.uuid4().hex, layer=self.layer_id, now=draft.created_at,
                )  # fmt: skip
        execution = WorkflowExecution(
            id=f"wf-{uuid.uuid4()}", image_arn=arn, ordinal=0, planned=0,
            workflow_arn=plan.workflows[0].arn, stage=Stage.BUILD,
            status=WorkflowStatus.COMPLETED, outputs={"InstanceId": instance_id},
            started_at=now, ended_at=now,
        )  # fmt: skip
        following = replace(
            execution, id=f"wf-{uuid.uuid4()}", ordinal=1, planned=1, stage=Stage.DISTRIBUTION,
            workflow_arn=plan.workflows[1].arn, status=WorkflowStatus.PENDING, outputs={},
            started_at=None, ended_at=None,
        )  # fmt: skip
        records = BuildRecords(self.database, Outbox([], clock))
        records.begin([execution, following], _steps(following, timeout_seconds))
        client = DBOSClient(system_database_engine=self.database.soon)
        client.enqueue(
            {"queue_name": BUILDS, "workflow_name": "build", "workflow_id": arn,
             "app_version": PROTOCOL},
            arn,
        )  # fmt: skip
        return arn

    def steps(self, arn: str) -> dict[str, Any]:
        """Return the steps of the distribution."""
        return self.bench.steps(arn, ordinal=1)


@contextmanager
def containers(
    state: Path, url: str | None = None, *, layer_id: str | None = None, **environment: str
) -> Iterator[Containers]:
    """Run a server with a layer for container images to stand on, made now unless it is named."""
    with distributing(state, url, **environment) as bench:
        if layer_id is None:
            arn = sent(bench, step({"region": "local-layers-1"}))  # it makes the layer of the tar
            bench.built(arn)
            query = f"SELECT layer_id FROM machine_images WHERE image_arn = '{arn}'"  # noqa: S608 - our own ARN
            [[layer_id]] = bench.query(query)
        database = open_sqlite(state / "imagewright.db")
        try:
            yield Containers(bench, layer_id, database)
        finally:
            database.close()


def entry(region: str, repository: str = REPOSITORY, tags: Sequence[str] = ()) -> dict[str, Any]:
    """Write what a configuration says of containers in a region."""
    target = {"service": "ECR", "repositoryName": repository}
    said = {"targetRepository": target, **({"containerTags": list(tags)} if tags else {})}
    return {"region": region, "containerDistributionConfiguration": said}


def shown(image: Any) -> dict[str, list[str]]:
    """Return by what an image is had in each region."""
    return {each["region"]: each["imageUris"] for each in image["outputResources"]["containers"]}


def _draft(now: str) -> Draft:
    return Draft(
        path=f"web-{uuid.uuid4().hex[:8]}",
        version=Version.parse("1.0.0"),
        version_text="1.0.0",
        name="web",
        type="DOCKER",
        platform="Linux",
        status="TESTING",
        digest=uuid.uuid4().hex,
        body={"state": {"status": "TESTING"}, "outputResources": {"containers": []}},
        created_at=now,
    )


def _plan(arn: str, distributions: Sequence[Mapping[str, Any]], repository: str) -> BuildPlan:
    return BuildPlan(
        image_arn=arn,
        account=OWN,
        region=HERE,
        image_name="web",
        version="1.0.0",
        build=1,
        image_type="DOCKER",
        parent_image="tiny",
        distributions=distributions,
        container=PlannedContainer(template=_kept("FROM any"), repository=repository),
        workflows=[_planned(Stage.BUILD, _BUILD), _planned(Stage.DISTRIBUTION, _DISTRIBUTION)],
    )


def _planned(stage: Stage, text: str) -> PlannedWorkflow:
    arn = f"arn:aws:imagebuilder:{HERE}:aws:workflow/{stage.value.lower()}/it/1.0.0/1"
    return PlannedWorkflow(arn=arn, stage=stage, document=_kept(text))


def _kept(text: str) -> KeptDocument:
    content = json.dumps([text, []]).encode()  # as api.documents keeps one
    return KeptDocument(content=base64.b64encode(content).decode())


def _steps(execution: WorkflowExecution, timeout_seconds: int) -> list[StepExecution]:
    workflow = load_workflow(_DISTRIBUTION, actions=ACTIONS).workflow
    assert workflow is not None
    return [
        StepExecution(
            id=f"step-{uuid.uuid4()}",
            workflow_execution_id=execution.id,
            image_arn=execution.image_arn,
            ordinal=ordinal,
            name=each.name,
            action=each.action,
            on_failure=each.on_failure.value,
            timeout_seconds=timeout_seconds,
        )
        for ordinal, each in enumerate(workflow.steps)
    ]
