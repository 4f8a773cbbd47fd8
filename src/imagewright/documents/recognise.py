"""Telling what a text is, for ``imagewright validate FILE`` and for messages."""

import re
from enum import StrEnum

from imagewright.documents.nodes import MapNode, Node
from imagewright.documents.reading import Loaded, load


class DocumentKind(StrEnum):
    """What texts are taken for; the values fit into a sentence."""

    WORKFLOW = "a workflow document"
    COMPONENT = "a component document"
    DOCKERFILE = "a Dockerfile template"
    TEMPLATE = "a CloudFormation template"
    REQUEST = "the input of an API call"


_REQUEST_KEYS = frozenset(
    {
        *("semanticVersion", "clientToken", "imageRecipeArn", "containerRecipeArn"),
        *("distributions", "distributionConfigurationArn"),
        *("instanceProfileName", "infrastructureConfigurationArn"),
    }
)


_TEMPLATE = re.compile(
    r"^FROM[ \t]+(?:--\S+[ \t]+)?\{{3}[ \t]*imagebuilder:", re.IGNORECASE | re.MULTILINE
)


def recognise(text: str) -> DocumentKind | None:
    """Say what a text is, also when it is broken; None if it is like nothing known."""
    return recognise_loaded(load(text), text)


def recognise_loaded(loaded: Loaded, text: str) -> DocumentKind | None:
    """Say the same of a text that has been read already."""
    if isinstance(loaded.root, MapNode):
        return kind_by_keys(loaded.root)
    if _TEMPLATE.search(text):
        return DocumentKind.DOCKERFILE
    return None if loaded.root is not None else _kind_by_lines(text)


def kind_by_keys(root: Node) -> DocumentKind | None:
    """Say what a document is by the keys at its top."""
    return _kind(frozenset(root.names)) if isinstance(root, MapNode) else None


def _kind(names: frozenset[str]) -> DocumentKind | None:
    if "steps" in names:
        return DocumentKind.WORKFLOW
    if "phases" in names:
        return DocumentKind.COMPONENT
    if names & {"AWSTemplateFormatVersion", "Resources"}:
        return DocumentKind.TEMPLATE
    if names & _REQUEST_KEYS:
        return DocumentKind.REQUEST
    return None


def _kind_by_lines(text: str) -> DocumentKind | None:
    """Go by the keys that begin a line, since the whole cannot be read."""
    heads = (line.partition(":")[0].strip(" \"'{") for line in text.splitlines() if ":" in line)
    names = frozenset(heads)
    # A component's steps stand below its phases; a workflow has none.
    return DocumentKind.COMPONENT if "phases" in names else _kind(names)
