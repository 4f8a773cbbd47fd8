"""Building on one state with a real base image: what the measurements of builds share."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks import servers
from benchmarks.servers import Running

PARENT = "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x"
POLL_SECONDS = 0.01
"""How often a client asks whether its build is over."""
BUILD_SECONDS = 600.0

COMPONENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Change
        action: ExecuteBash
        inputs:
          commands:
            - {command}
"""


@dataclass(frozen=True)
class Builder:
    """A client of a server, and an infrastructure to build on."""

    server: Running
    client: Any
    infrastructure: str

    def recipe(self, *commands: str) -> str:
        """Register a recipe whose components run one shell command each; return its ARN."""
        components = [
            {"componentArn": self._component(COMPONENT.format(command=command))}
            for command in commands
        ]
        more = {"components": components} if components else {}
        created = self.client.create_image_recipe(
            name=_name(), semanticVersion="1.0.0", parentImage=PARENT, **more
        )
        return str(created["imageRecipeArn"])

    def workflow(self, data: str) -> str:
        """Register a build workflow; return its ARN."""
        created = self.client.create_workflow(
            name=_name(), semanticVersion="1.0.0", type="BUILD", data=data
        )
        return str(created["workflowBuildVersionArn"])

    def build(self, recipe: str, **more: Any) -> str:
        """Build an image without tests and return its ARN once it is available."""
        arn = self.client.create_image(
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=self.infrastructure,
            imageTestsConfiguration={"imageTestsEnabled": False},
            **more,
        )["imageBuildVersionArn"]
        deadline = time.monotonic() + BUILD_SECONDS
        while (state := self._state(arn))["status"] != "AVAILABLE":
            if state["status"] in {"FAILED", "CANCELLED"} or time.monotonic() > deadline:
                raise RuntimeError(f"the build of {arn} did not succeed: {state}")
            time.sleep(POLL_SECONDS)
        return str(arn)

    def steps(self, image: str) -> list[Any]:
        """Return the records of a build's first workflow, in the document's order."""
        executions = self.client.list_workflow_executions(imageBuildVersionArn=image)
        execution = executions["workflowExecutions"][0]["workflowExecutionId"]
        found = self.client.list_workflow_step_executions(workflowExecutionId=execution)
        return list(found["steps"])

    def _component(self, data: str) -> str:
        created = self.client.create_component(
            name=_name(), semanticVersion="1.0.0", platform="Linux", data=data
        )
        return str(created["componentBuildVersionArn"])

    def _state(self, image: str) -> Any:
        return self.client.get_image(imageBuildVersionArn=image)["image"]["state"]


@contextmanager
def serving(state: Path, settings: Mapping[str, str] | None = None) -> Iterator[Builder]:
    """Run a server on a state; the settings are environment variables."""
    with servers.imagewright(state, settings) as server:
        client = server.client("imagebuilder")
        created = client.create_infrastructure_configuration(
            name=_name(), instanceProfileName="builder"
        )
        yield Builder(server, client, created["infrastructureConfigurationArn"])


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new directory; layers in it, which belong to ids of the sandbox, go with it."""
    folder = tempfile.mkdtemp(prefix="imagewright-bench-")
    try:
        yield Path(folder)
    finally:
        as_owner = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto"]
        subprocess.run([*as_owner, "rm", "-rf", folder], check=True)


def _name() -> str:
    return f"bench-{uuid4().hex}"
