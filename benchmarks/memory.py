"""The memory of a server: idle, and after many requests."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import servers
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from benchmarks.workflow_calls import DOCUMENT

IDLE_MIB_MAX = 130.0
GROWTH_MAX = 1.10
CLIENTS = 4
_SETTLE_SECONDS = 3.0

HOW = (
    "Resident memory (`VmRSS`) of the server's process: 3 seconds after it answered "
    "first, and after the requests.",
    "Four boto3 clients send them at once: of ten, eight get a workflow, one lists, one creates.",
)


def measure(scale: Scale) -> Section:
    """Look, send requests, and look again."""
    with (
        TemporaryDirectory() as folder,
        servers.imagewright(
            Path(folder, "state"), {"IMAGEWRIGHT_QUOTAS_WORKFLOWS": "1000000"}
        ) as server,
    ):
        client = server.client("imagebuilder")
        client.list_workflows(owner="Self")
        time.sleep(_SETTLE_SECONDS)
        idle = server.resident_bytes
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            share = scale.requests // CLIENTS
            list(clients.map(lambda number: _talk(server, number, share), range(CLIENTS)))
        seconds = time.perf_counter() - began
        time.sleep(_SETTLE_SECONDS)
        after = server.resident_bytes
    return Section(
        title="Memory",
        how=HOW,
        columns=("resident",),
        rows=[
            Row("idle", [_mib(idle)]),
            Row(
                f"after {scale.requests:,} requests in {seconds:.0f} s "
                f"({scale.requests / seconds:.0f} a second)",
                [_mib(after)],
            ),
        ],
        verdicts=[
            Verdict("idle", idle / (1 << 20), IDLE_MIB_MAX, " MiB"),
            Verdict("after the requests, beside idle", after / idle, GROWTH_MAX, " times"),
        ],
    )


def _talk(server: servers.Running, talker: int, count: int) -> None:
    client: Any = server.client("imagebuilder")
    name = f"workflow-{talker}"
    arn = ""
    for number in range(count):
        if number % 10 == 0:
            arn = client.create_workflow(
                name=name, semanticVersion=f"1.0.{number}", type="BUILD", data=DOCUMENT
            )["workflowBuildVersionArn"]
        elif number % 10 == 1:
            client.list_workflows(owner="Self")
        else:
            client.get_workflow(workflowBuildVersionArn=arn)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.1f} MiB"
