"""A laboratory: one state with a real base image, and servers that come and go on it."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ConnectionClosedError
from tests.conftest import Server, end_server, start_server, wait_until

from imagewright.cli.client import Client

PARENT = "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x"
FINAL = {"AVAILABLE", "FAILED", "CANCELLED"}
BUILD_SECONDS = 600
APT_UPDATE = """\
name: Does apt reach a mirror?
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Update
        action: ExecuteBash
        timeoutSeconds: 60
        inputs:
          commands: [apt-get -o Acquire::Retries=0 update]
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where no sandbox can be."""
    here = Path(__file__).parent
    needed = [program for program in ("mmdebstrap",) if not shutil.which(program)]
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if sys.platform != "linux" or needed:
                reason = f"needs Linux with {', '.join(needed) or 'a sandbox'}"
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Bench:
    """A running server, and what tests do with it."""

    server: Server
    client: Any
    """Of boto3; the stubs demand the client token that boto3 fills in."""

    @property
    def door(self) -> Client:
        """Return a client of the second door."""
        key = self.server.key()
        return Client(
            self.server.url,
            key.access_key_id,
            key.secret_access_key,
            key.account,
            self.client.meta.region_name,
        )

    def component(self, data: str, *, version: str = "1.0.0") -> str:
        """Register a component and return its build's ARN."""
        created = self.client.create_component(
            name=f"c-{uuid4().hex[:12]}", semanticVersion=version, platform="Linux", data=data
        )
        return str(created["componentBuildVersionArn"])

    def workflow(self, data: str, *, kind: Any = "BUILD") -> str:
        """Register a workflow and return its build's ARN."""
        created = self.client.create_workflow(
            name=f"w-{uuid4().hex[:12]}", semanticVersion="1.0.0", type=kind, data=data
        )
        return str(created["workflowBuildVersionArn"])

    def recipe(self, *components: Any, parent: str = PARENT, **more: Any) -> str:
        """Register a recipe; components are ARNs, or whole entries."""
        entries = [
            {"componentArn": component} if isinstance(component, str) else component
            for component in components
        ]
        if entries:
            more["components"] = entries
        created = self.client.create_image_recipe(
            name=f"r-{uuid4().hex[:12]}", semanticVersion="1.0.0", parentImage=parent, **more
        )
        return str(created["imageRecipeArn"])

    def infrastructure(self, **more: Any) -> str:
        """Register an infrastructure configuration."""
        created = self.client.create_infrastructure_configuration(
            name=f"i-{uuid4().hex[:12]}", instanceProfileName="builder", **more
        )
        return str(created["infrastructureConfigurationArn"])

    def start(self, recipe: str, *, workflows: list[Any] | None = None, **more: Any) -> str:
        """Start a build and return the image's ARN."""
        if workflows is not None:
            more["workflows"] = [
                {"workflowArn": each} if isinstance(each, str) else each for each in workflows
            ]
            more["executionRole"] = "builder"
        if "infrastructureConfigurationArn" not in more:
            more["infrastructureConfigurationArn"] = self.infrastructure()
        return self.begin(imageRecipeArn=recipe, **more)

    def begin(self, **request: Any) -> str:
        """Ask for a build as it is, and return the image's ARN.

        A server that is to be lost early in a build may be lost before it has answered; then what
        it would have said is in its database.
        """
        token = str(uuid4())
        try:
            created = self.client.create_image(clientToken=token, **request)
        except ConnectionClosedError:
            asked = f"SELECT response FROM client_tokens WHERE token = '{token}'"  # noqa: S608 - our own token
            [[answer]] = self.query(asked)
            created = json.loads(answer)
        return str(created["imageBuildVersionArn"])

    def image(self, arn: str) -> Any:
        """Return an image as it is now."""
        return self.client.get_image(imageBuildVersionArn=arn)["image"]

    def finished(self, arn: str, *, seconds: float = BUILD_SECONDS) -> Any:
        """Wait until a build is over and return its image."""
        wait_until(lambda: self.image(arn)["state"]["status"] in FINAL, seconds=seconds, what=arn)
        return self.image(arn)

    def built(self, arn: str) -> Any:
        """Wait until a build is over and return its image, which must be available."""
        image = self.finished(arn)
        assert image["state"] == {"status": "AVAILABLE"}, self.explain(arn)
        return image

    def executions(self, arn: str) -> list[Any]:
        """Return the workflow executions of an image."""
        found = self.client.list_workflow_executions(imageBuildVersionArn=arn)
        return list(found["workflowExecutions"])

    def steps(self, arn: str, *, ordinal: int = 0) -> dict[str, Any]:
        """Return the steps of one of an image's workflow executions, by name."""
        execution = self.executions(arn)[ordinal]["workflowExecutionId"]
        found = self.client.list_workflow_step_executions(workflowExecutionId=execution)
        return {step["name"]: step for step in found["steps"]}

    def log_file(self, arn: str) -> Path:
        """Return where lies what the build said."""
        resource = arn.split(":", 5)
        path = self.server.state / "logs" / resource[4] / resource[3]
        file = path.joinpath(*resource[5].split("/")[1:])
        return Path(f"{file}.jsonl")

    def log(self, arn: str) -> str:
        """Return what the build said."""
        log = self.log_file(arn)
        return log.read_text() if log.exists() else ""

    def explain(self, arn: str) -> str:
        """Say all that is known of a build, for a failing test."""
        server_log = self.server.log.read_text()
        return f"{self.image(arn)['state']}\n{self.log(arn)[-4000:]}\n{server_log[-4000:]}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the server's database."""
        with sqlite3.connect(self.server.state / "imagewright.db") as connection:
            return connection.execute(sql).fetchall()

    def nothing_is_left(self) -> None:
        """Demand that nothing exists outside the database that nobody needs."""
        # For less long than a machine rests: what ends only then was left.
        wait_until(lambda: self.query("SELECT * FROM ledger") == [], seconds=5, what="the ledger")
        assert self.query("SELECT * FROM instances WHERE state = 'running'") == []


class Lab:
    """A state with a base image; one server at a time runs on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.reaches_mirror: bool | None = None
        """Does apt reach a mirror from within a build? None: nobody has tried."""

    @contextmanager
    def bench(self, **environment: str) -> Iterator[Bench]:
        """Run a server for a while."""
        server = start_server(self.state, environment=environment)
        try:
            yield Bench(server, server.client())
        finally:
            end_server(server)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return the one laboratory of the session, its base image made.

    Making Debian takes half a minute; with IMAGEWRIGHT_TEST_STATE it is kept there.
    """
    kept = os.environ.get("IMAGEWRIGHT_TEST_STATE")
    made = Lab((Path(kept) if kept else tmp_path_factory.mktemp("lab")) / "state")
    with made.bench() as bench:
        bench.built(bench.start(bench.recipe()))
    return made


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    """Return a server in the laboratory for the tests of a module."""
    with lab.bench() as running:
        yield running


@pytest.fixture
def mirror(lab: Lab, bench: Bench) -> None:
    """Demand that apt reaches a mirror from within a build; it is tried once."""
    if lab.reaches_mirror is None:
        arn = bench.start(bench.recipe(bench.component(APT_UPDATE)))
        built = bench.finished(arn)["state"] == {"status": "AVAILABLE"}
        lab.reaches_mirror = built and "Failed to fetch" not in bench.log(arn)
    if not lab.reaches_mirror:
        pytest.skip("needs a Debian mirror that builds can reach")
