"""What components ask of this host: parameters and documents; and the secrets among them again.

A server that takes up a build of another process knows none of its secrets (§3.4); no value of
them is on the disk.
"""

from functools import partial
from io import BytesIO

import structlog

from imagewright.documents.reading import Budget
from imagewright.documents.text import NoText, decode
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Documents, World
from imagewright.masking import Secrets, StoredText
from imagewright.outside.objects import split_uri
from imagewright.outside.work import TransferFailed, Work
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.modules.table import SPECS
from imagewright.runner.relearning import Relearning

_log = structlog.get_logger()


def read_parameter(world: World, region: str, name: str) -> StoredText:
    """Return what a parameter of Systems Manager holds. Raises ModuleFailure."""
    try:
        return world.parameters.get(name, region=region)
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def read_component(world: World, plan: BuildPlan, arn: str) -> str:
    """Return the document that an ARN means to the account of a build. Raises ModuleFailure."""
    try:
        return world.components.text(arn, plan)
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def relearn(plan: BuildPlan, secrets: Secrets, documents: Documents, world: World) -> None:
    """Read the secrets again that the components of a build may have read: see BuildSecrets."""

    def miss(why: str) -> None:
        _log.warning("a secret of a build may not be known again", image=plan.image_arn, why=why)

    relearning = Relearning(
        read=partial(read_parameter, world, plan.region),
        open=partial(_open_document, world, plan),
        secrets=secrets,
        modules=SPECS,
        miss=miss,
    )
    for planned in plan.components:
        relearning.of(documents.open(planned.document, plan.region), planned.parameters)


def _open_document(world: World, plan: BuildPlan, place: str, owner: str | None) -> str:
    """Return a document that a step of a build executed, by its ARN or from S3."""
    if place.startswith("arn:"):
        return read_component(world, plan, place)
    content = BytesIO()
    try:
        world.outside.objects.fetch(
            *split_uri(place),
            content,
            Work(),
            region=plan.region,
            owner=owner,
            size_bytes_max=Budget().size_bytes,
        )
        return decode(content.getvalue())
    except (TransferFailed, NoText) as error:
        raise ModuleFailure(f"{place}: {error}") from error
