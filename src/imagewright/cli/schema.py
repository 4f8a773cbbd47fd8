"""``imagewright schema``: the JSON Schema of documents, for editors."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from imagewright.documents.specs import Stage


class SchemaKind(StrEnum):
    """The documents there is a schema of."""

    WORKFLOW = "workflow"


def schema(
    kind: Annotated[SchemaKind, typer.Argument(metavar="KIND", help="workflow")],
    stage: Annotated[
        Stage | None,
        typer.Option("--type", case_sensitive=False, help="Only what workflows of this type take."),
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of document, by which editors complete and check.

    It is made from the declarations that check documents. Write it to a file, and name that at
    the top of a document for the YAML language server:

        # yaml-language-server: $schema=workflow.schema.json
    """
    # These take a good part of a second to load.
    from imagewright.actions.table import ACTIONS
    from imagewright.documents.workflow.schema import workflow_schema

    typer.echo(json.dumps(workflow_schema(ACTIONS, stage), indent=2))
