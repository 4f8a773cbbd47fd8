"""``imagewright schema``: the JSON Schema of documents, for editors."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from imagewright.cli.exits import ExitCode, fail
from imagewright.documents.specs import Platform, Stage


class SchemaKind(StrEnum):
    """The documents there is a schema of."""

    WORKFLOW = "workflow"
    COMPONENT = "component"


def schema(
    kind: Annotated[SchemaKind, typer.Argument(metavar="KIND", help="workflow or component")],
    stage: Annotated[
        Stage | None,
        typer.Option("--type", case_sensitive=False, help="Only what workflows of this type take."),
    ] = None,
    platform: Annotated[
        Platform | None,
        typer.Option(case_sensitive=False, help="Only what components of this platform take."),
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of document, by which editors complete and check.

    It is made from the declarations that check documents. Write it to a file, and name that at
    the top of a document for the YAML language server:

        # yaml-language-server: $schema=workflow.schema.json
    """
    # These take a good part of a second to load.
    if kind is SchemaKind.WORKFLOW:
        from imagewright.actions.table import ACTIONS
        from imagewright.documents.workflow.schema import workflow_schema

        if platform is not None:
            fail(ExitCode.USAGE, "--platform is for components; workflows have a --type")
        made = workflow_schema(ACTIONS, stage)
    else:
        from imagewright.documents.component.schema import component_schema
        from imagewright.runner.modules.table import SPECS

        if stage is not None:
            fail(ExitCode.USAGE, "--type is for workflows; components have a --platform")
        made = component_schema(SPECS, platform)
    typer.echo(json.dumps(made, indent=2))
