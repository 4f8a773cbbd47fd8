"""get_workflow and create_workflow of one boto3 client, beside moto's nearest work."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks import servers
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from benchmarks.timing import COLUMNS, Times, time_in_turns

GET_MS_MAX = 1.2
CREATE_MS_MAX = 2.5
CREATE_RATE_MIN = 2.0

HOW = (
    "One boto3 client makes one call after another; the calls of all servers take turns.",
    "imagewright proves the signature, checks the document, and commits to disk (SQLite, "
    "`synchronous=FULL`).",
    "moto serves no `imagebuilder`; nearest to it is SSM's `create_document` and "
    "`get_document`, which parse and version a document, in memory, without proving "
    "signatures.",
    '"A server that does nothing" answers `{}` to everything: what boto3 itself takes.',
)

DOCUMENT = """\
name: build
description: Build an image.
schemaVersion: 1.0
parameters:
  - name: waitForAgent
    type: string
    default: ssmAgent
    description: What to wait for.
steps:
  - name: LaunchBuildInstance
    action: LaunchInstance
    onFailure: Abort
    inputs:
      waitFor.$: $.parameters.waitForAgent
  - name: ApplyComponents
    action: ExecuteComponents
    onFailure: Abort
    inputs:
      instanceId.$: $.stepOutputs.LaunchBuildInstance.instanceId
  - name: InventoryCollection
    action: CollectImageMetadata
    onFailure: Abort
    inputs:
      instanceId.$: $.stepOutputs.LaunchBuildInstance.instanceId
  - name: CreateOutput
    action: CreateImage
    onFailure: Abort
    inputs:
      instanceId.$: $.stepOutputs.LaunchBuildInstance.instanceId
  - name: TerminateBuildInstance
    action: TerminateInstance
    onFailure: Continue
    inputs:
      instanceId.$: $.stepOutputs.LaunchBuildInstance.instanceId
outputs:
  - name: ImageId
    value: $.stepOutputs.CreateOutput.imageId
"""
"""What AWS's own build workflow looks like."""

SSM_DOCUMENT = yaml.safe_dump(
    {
        "schemaVersion": "0.3",
        "description": "Build an image.",
        "parameters": {"waitForAgent": {"type": "String", "default": "ssmAgent"}},
        "mainSteps": yaml.safe_load(DOCUMENT)["steps"],
    },
    sort_keys=False,
)
"""The same steps as an automation document."""


def measure(scale: Scale) -> Section:
    """Create and get workflows here, and documents there."""
    with (
        TemporaryDirectory() as folder,
        servers.imagewright(
            Path(folder, "state"), {"IMAGEWRIGHT_QUOTAS_WORKFLOWS": "1000000"}
        ) as server,
        servers.moto() as peer,
        servers.at_once() as nothing,
    ):
        ours, bare = server.client("imagebuilder"), nothing.client("imagebuilder")
        theirs = peer.client("ssm")
        created = ours.create_workflow(
            name="first", semanticVersion="1.0.0", type="BUILD", data=DOCUMENT
        )["workflowBuildVersionArn"]
        _create_document(theirs, "first")
        get, peer_get, bare_get = time_in_turns(
            scale.calls,
            lambda _: ours.get_workflow(workflowBuildVersionArn=created),
            lambda _: theirs.get_document(Name="first"),
            lambda _: bare.get_workflow(workflowBuildVersionArn=created),
        )
        create, peer_create, bare_create = time_in_turns(
            scale.calls,
            lambda number: _create_workflow(ours, number),
            lambda number: _create_document(theirs, f"document-{number}"),
            lambda number: _create_workflow(bare, number),
        )
    return _section(
        {
            "imagewright `get_workflow`": get,
            "moto `ssm.get_document`": peer_get,
            "a server that does nothing, `get_workflow`": bare_get,
            "imagewright `create_workflow`": create,
            "moto `ssm.create_document`": peer_create,
            "a server that does nothing, `create_workflow`": bare_create,
        }
    )


def _create_workflow(client: Any, number: int) -> None:
    client.create_workflow(
        name=f"workflow-{number}", semanticVersion="1.0.0", type="BUILD", data=DOCUMENT
    )


def _create_document(client: Any, name: str) -> None:
    client.create_document(
        Name=name, Content=SSM_DOCUMENT, DocumentType="Automation", DocumentFormat="YAML"
    )


def _section(times: dict[str, Times]) -> Section:
    get, create = times["imagewright `get_workflow`"], times["imagewright `create_workflow`"]
    nothing = times["a server that does nothing, `create_workflow`"]
    ratio = create.per_second / times["moto `ssm.create_document`"].per_second
    return Section(
        title="Workflows: creating and getting, one client",
        how=HOW,
        columns=COLUMNS,
        rows=[Row(what, found.cells) for what, found in times.items()],
        verdicts=[
            Verdict(
                "`get_workflow`, p50",
                get.p50_ms,
                GET_MS_MAX,
                " ms",
                why_missed=_shares(get, times["a server that does nothing, `get_workflow`"]),
            ),
            Verdict(
                "`create_workflow`, p50",
                create.p50_ms,
                CREATE_MS_MAX,
                " ms",
                why_missed=_shares(create, nothing),
            ),
            Verdict(
                "`create_workflow`, rate beside moto's",
                ratio,
                CREATE_RATE_MIN,
                " times",
                at_least=True,
                why_missed=_rest(create, times, nothing),
            ),
        ],
    )


def _shares(ours: Times, nothing: Times) -> str:
    """Say whose time it is: the client's, and what our server adds."""
    return (
        f"boto3 itself took {nothing.p50_ms:.2f} ms of it here, where the number to hold reckons "
        f"with 0.6 ms; imagewright added {ours.p50_ms - nothing.p50_ms:.2f} ms."
    )


def _rest(ours: Times, times: dict[str, Times], nothing: Times) -> str:
    """Compare the servers alone."""
    theirs = times["moto `ssm.create_document`"]
    return (
        f"Without boto3's own time it is {ours.p50_ms - nothing.p50_ms:.2f} ms beside "
        f"{theirs.p50_ms - nothing.p50_ms:.2f} ms; moto neither checks a signature, nor the rules "
        "of the language, nor writes to a disk."
    )
