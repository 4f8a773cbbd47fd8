"""A server on which images can be distributed without a build: their parent is a small tar."""

import io
import json
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.actions.conftest import document, reaching
from tests.e2e.conftest import Bench

PARENT = "ami-0123456789abcdef0"
HERE = "us-east-1"
WEST = "us-west-2"
NORTH = "eu-north-1"
OWN = "000000000000"
OTHER = "111111111111"


def write_parent(folder: Path) -> Path:
    """Write a root file system of one file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "parent.tar"
    with tarfile.open(file, "w") as archive:
        content = b"hello\n"
        info = tarfile.TarInfo("etc/hello")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file


@contextmanager
def distributing(state: Path, url: str | None = None, **environment: str) -> Iterator[Bench]:
    """Run a server whose images can have that tar as their parent."""
    parents = json.dumps({PARENT: str(write_parent(state.parent / "parent"))})
    with reaching(state, url, IMAGEWRIGHT_PARENTS=parents, **environment) as bench:
        yield bench


def step(*distributions: dict[str, Any], name: str = "Copy", **more: Any) -> dict[str, Any]:
    """Write a step that distributes."""
    inputs = {"distributions": list(distributions)} if distributions else {}
    return {"name": name, "action": "DistributeImage", "inputs": inputs, **more}


def sent(bench: Bench, *steps: dict[str, Any], **more: Any) -> str:
    """Start an image that is its parent, distributed; return its ARN."""
    run = {"workflowArn": bench.workflow(document(*steps), kind="DISTRIBUTION")}
    recipe = bench.recipe(**{"parent": PARENT, **more})
    return bench.start(recipe, workflows=[run])


def outputs(bench: Bench, arn: str, name: str = "Copy") -> Any:
    """Return what a step put out."""
    return json.loads(bench.steps(arn)[name]["outputs"])


def amis(image: Any) -> set[tuple[str, str, str]]:
    """Return the regions, accounts and ids among an image's outputs."""
    found = image["outputResources"]["amis"]
    return {(each["region"], each["accountId"], each["image"]) for each in found}


NEVER = {"stringEquals": "Windows", "value": "$.imagebuilder.platform"}


def configured(bench: Bench, *distributions: dict[str, Any]) -> str:
    """Register a distribution configuration and return its ARN."""
    made = bench.client.create_distribution_configuration(
        name=f"d-{uuid4().hex[:12]}", distributions=list(distributions)
    )
    return str(made["distributionConfigurationArn"])


def followed(bench: Bench, configuration: str, *, parent: str = PARENT, **more: Any) -> str:
    """Start an image that is its parent, and follows a configuration; return its ARN."""
    skipped = {"name": "Skipped", "action": "WaitForAction", "if": NEVER}
    test = bench.workflow(document(skipped), kind="TEST")
    return bench.start(
        bench.recipe(parent=parent),
        workflows=[test],
        distributionConfigurationArn=configuration,
        **more,
    )


@contextmanager
def silent() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Listen on a port and say nothing; tell where, and whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        came: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    came.append(listening.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", lambda: bool(came)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in came:
                each.close()
