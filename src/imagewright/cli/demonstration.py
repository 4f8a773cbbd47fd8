"""What ``imagewright demo`` shows, scene by scene."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from imagewright import examples
from imagewright.cli.client import Client
from imagewright.cli.export import ExportForm, export_image
from imagewright.cli.following import take_events
from imagewright.cli.images import print_contents
from imagewright.cli.progress import showing
from imagewright.cli.recipe_file import parent_arn
from imagewright.cli.session import Session, session, waiting_for
from imagewright.cli.text import AGAIN, ARROW, CROSS, TICK, seconds, short, sign, size

Json = Mapping[str, Any]
Result = TypeVar("Result")

_COMPONENTS = ("tree", "greeting", "checks")
_PARAMETERS: Mapping[str, Json] = {
    "greeting": {"parameters": [{"name": "Text", "value": ["Welcome."]}]}
}
_QUOTED_ARN = re.compile(r"'(arn:[^']+)'")
_STOP_SECONDS = 15.0


class DemoFailed(Exception):
    """Something did not go as it must; the message says what."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Runs the main job and shows it."""

    console: Console
    state: Path
    keeps_state: bool
    """It is there afterwards, so that one may go on with it."""
    image: Path
    """Where the finished image is exported to."""

    def run(self) -> Json:
        """Show everything; return what came of it. Raises DemoFailed."""
        try:
            return self._run()
        except (ClientError, BotoCoreError) as error:
            raise DemoFailed(str(error)) from error

    def _run(self) -> Json:
        self.console.print("[bold]imagewright demo[/]: from create_workflow to a finished image")
        with self._server(), session(self.state) as running:
            scenes = _Scenes(self.console, running, _boto3_client(running.client))
            refusal = scenes.refuse_a_typo()
            request = scenes.register()
            self._head("create_image: the first time, everything is done")
            first = scenes.build(request)
            self._head("The image")
            contents = scenes.look_inside(first["imageBuildVersionArn"])
            exported = scenes.export(first["imageBuildVersionArn"], self.image)
            self._head("create_image again: nothing changed")
            second = scenes.build(request)
            works = scenes.compare(first, second)
        self._say_how_to_go_on()
        return {
            "refusal": refusal,
            "image": {**contents, "path": str(self.image), "exportedBytes": exported},
            "builds": [first, second],
            "works": works,
        }

    @contextmanager
    def _server(self) -> Iterator[None]:
        """Run a server as a process of its own."""
        started = time.monotonic()
        argv = [sys.executable, "-m", "imagewright", "serve", "--state", str(self.state)]
        self.state.parent.mkdir(parents=True, exist_ok=True)
        log = self.state.parent / f"{self.state.name}.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [*argv, "--port", "0"],
                env=_environment(),
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise DemoFailed(f"the server did not start:\n{log.read_text()}")
            took = time.monotonic() - started
            self.console.print(f"  {line.strip()} after {took:.2f} s")
            self.console.print(f"  its state is {escape(str(self.state))}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            log.unlink(missing_ok=True)

    def _head(self, text: str) -> None:
        self.console.print(f"\n[bold]{escape(text)}[/]")

    def _say_how_to_go_on(self) -> None:
        self._head("To go on")
        if shutil.which("imagewright") is None:
            self.console.print(f"  . {Path(sys.prefix) / 'bin' / 'activate'}", markup=False)
        if self.keeps_state:
            named = f"export IMAGEWRIGHT_STATE={shlex.quote(str(self.state))}"
            self.console.print(f"  {named}", markup=False)
        self.console.print("  imagewright serve", markup=False)
        self.console.print('  eval "$(imagewright env)"   # then boto3, the AWS CLI, Terraform')
        copied = f"skopeo copy {shlex.quote(f'oci:{self.image}')} docker-daemon:welcome:latest"
        self.console.print(f"  {copied}", markup=False)


@dataclass(frozen=True, slots=True)
class _Scenes:
    console: Console
    session: Session
    boto3: Any
    """A client of imagebuilder, as anybody makes one."""

    @property
    def client(self) -> Client:
        """Talks to the second door."""
        return self.session.client

    def refuse_a_typo(self) -> str:
        """Send a workflow with a mistake, and show how it is answered."""
        broken = examples.text("workflow.yaml").replace(
            "$.stepOutputs.MakeImage.imageId", "$.stepOutputs.MakeImege.imageId"
        )
        self.console.print("\n[bold]create_workflow with a typo in it[/]")
        try:
            self.boto3.create_workflow(
                name="broken", semanticVersion="1.0.0", type="BUILD", data=broken
            )
        except ClientError as error:
            message = error.response["Error"]["Message"]
            self._line(CROSS, error.response["Error"]["Code"], "yellow")
            self.console.print(Text(f"    {message}"))
            return str(message)
        raise DemoFailed("a workflow with a typo was accepted")

    def register(self) -> Json:
        """Register everything; return the request that starts a build."""
        self.console.print("\n[bold]The documents, registered through boto3[/]")
        components = [
            {"componentArn": self._component(name), **_PARAMETERS.get(name, {})}
            for name in _COMPONENTS
        ]
        workflow = self._create(
            "create_workflow",
            "workflowBuildVersionArn",
            name="stamped-image",
            semanticVersion="1.0.0",
            type="BUILD",
            data=examples.text("workflow.yaml"),
        )
        recipe = self._create(
            "create_image_recipe",
            "imageRecipeArn",
            name="welcome",
            semanticVersion="1.0.0",
            parentImage=parent_arn("debian-12", self.client.account, self.client.region),
            components=components,
        )
        infrastructure = self._create(
            "create_infrastructure_configuration",
            "infrastructureConfigurationArn",
            name="here",
            instanceProfileName="demo",
        )
        managed = f"arn:aws:imagebuilder:{self.client.region}:aws:workflow/test/test-image/x.x.x"
        return {
            "imageRecipeArn": recipe,
            "infrastructureConfigurationArn": infrastructure,
            "executionRole": f"arn:aws:iam::{self.client.account}:role/demo",
            "workflows": [
                {
                    "workflowArn": workflow,
                    "parameters": [{"name": "stamp", "value": ["true"]}],
                },
                {"workflowArn": managed},
            ],
        }

    def build(self, request: Json) -> Json:
        """Build an image, live; return its record with the seconds it took."""
        started = time.monotonic()
        arn = self.boto3.create_image(**request)["imageBuildVersionArn"]
        self.console.print(f"  [dim]{escape(arn)}[/]")
        with showing(self.console, with_lines=False) as progress:
            take_events(self.session, arn, progress)
        took = time.monotonic() - started
        detail = self.client.get("/builds/detail", image=arn)
        if detail["status"] != "AVAILABLE":
            lines = "\n".join(progress.last_lines)
            raise DemoFailed(f"the build failed: {detail.get('reason', '')}\n{lines}")
        self._line(TICK, f"AVAILABLE in {seconds(took)}", "green")
        return {**detail, "seconds": round(took, 2)}

    def look_inside(self, arn: str) -> Json:
        """Show what the image is, and what packages and files it added."""
        contents = waiting_for(
            "looking into the image",
            lambda: self.client.get("/images/contents", image=arn, files=1000),
        )
        print_contents(self.console, contents)
        return contents

    def export(self, arn: str, to: Path) -> int:
        """Export the image as an OCI layout, and say where it lies."""
        self.console.print("  exporting it as an OCI image layout")
        started = time.monotonic()
        _, size_bytes = export_image(self.client, arn, ExportForm.OCI, to)
        took = seconds(time.monotonic() - started)
        self.console.print(f"  exported in {took}, {size(size_bytes)}, to")
        self.console.print(f"    {escape(str(to))}")
        return size_bytes

    def compare(self, first: Json, second: Json) -> list[Json]:
        """Show for each piece of work of the second build whether it was done, and why."""
        works = [
            work
            for workflow in second["workflows"]
            for step in workflow["steps"]
            for work in step["works"]
        ]
        self.console.print("  what became of each piece of work:")
        for work in works:
            mark, style = (AGAIN, "cyan") if work["reused"] else (ARROW, "")
            verdict = "reused" if work["reused"] else "done"
            self._line(mark, f"{work['name']:22} {verdict}: {work['reason']}", style)
        launch = first["workflows"][0]["steps"][0]
        base = f", of which {seconds(launch['seconds'])} made the base image"
        self.console.print(
            f"  {seconds(second['seconds'])} instead of {seconds(first['seconds'])}"
            + (base if launch["seconds"] > 1 else "")
        )
        return works

    def _component(self, name: str) -> str:
        return self._create(
            "create_component",
            "componentBuildVersionArn",
            name=name,
            semanticVersion="1.0.0",
            platform="Linux",
            data=examples.text(f"{name}.yaml"),
        )

    def _create(self, operation: str, answer: str, **members: Any) -> str:
        call: Callable[..., Json] = getattr(self.boto3, operation)
        started = time.monotonic()
        try:
            arn = str(call(**members)[answer])
        except ClientError as error:
            found = _QUOTED_ARN.search(error.response["Error"]["Message"])
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException" or not found:
                raise
            arn = found[1]  # a state that was kept from the last time
        milliseconds = (time.monotonic() - started) * 1000
        self._line(TICK, f"{operation:36} {short(arn):30} {milliseconds:5.0f} ms", "green")
        return arn

    def _line(self, mark: str, text: str, style: str) -> None:
        self.console.print(Text.assemble((f"  {sign(mark)} ", style), text))


def _boto3_client(client: Client) -> Any:
    """Return a client as any program makes one: an endpoint, a key and a region."""
    return boto3.session.Session().client(
        "imagebuilder",
        endpoint_url=client.url,
        aws_access_key_id=client.access_key_id,
        aws_secret_access_key=client.secret_access_key,
        region_name=client.region,
        config=Config(retries={"total_max_attempts": 1}),
    )


def _environment() -> dict[str, str]:
    """Return this process's environment without settings that are meant for other servers."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("IMAGEWRIGHT_")
    }
