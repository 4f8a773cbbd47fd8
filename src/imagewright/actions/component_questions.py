"""What components ask of this host: parameters and documents; and the secrets among them again.

A server that takes up a build of another process knows none of its secrets (§3.4); no value of
them is on the disk.
"""

import time
from functools import partial
from io import BytesIO

import structlog

from imagewright.documents.reading import Budget
from imagewright.documents.text import NoText, decode
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Documents, OutOfReachError, World
from imagewright.masking import Secrets, StoredText
from imagewright.outside.objects import split_uri
from imagewright.outside.work import TransferFailed, Unanswered, Work, attend
from imagewright.runner.failures import ModuleFailure, OutOfReach
from imagewright.runner.modules.table import SPECS
from imagewright.runner.relearning import Relearning

_log = structlog.get_logger()


def read_parameter(world: World, region: str, name: str) -> StoredText:
    """Return what a parameter of Systems Manager holds. Raises ModuleFailure."""
    try:
        return world.parameters.get(name, region=region)
    except OutOfReachError as error:
        raise OutOfReach(str(error)) from error
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def read_component(world: World, plan: BuildPlan, arn: str) -> str:
    """Return the document that an ARN means to the account of a build. Raises ModuleFailure."""
    try:
        return world.components.text(arn, plan)
    except ActionError as error:
        raise ModuleFailure(str(error)) from error


def relearn(
    plan: BuildPlan,
    secrets: Secrets,
    documents: Documents,
    world: World,
    *,
    seconds_max: float,
) -> None:
    """Read the secrets again that the components of a build may have read: see BuildSecrets.

    ``seconds_max``: for all of them. Raises OutOfReachError where one who has to be asked does not
    answer, or not in time.
    """
    asked = "what the build may have read"
    ends_at = time.monotonic() + seconds_max

    def look() -> None:
        if time.monotonic() > ends_at:
            raise OutOfReachError(f"{asked} could not be read within {seconds_max:g} s")

    def read(work: Work, name: str) -> StoredText:
        nonlocal asked
        work.check()
        asked = f"the parameter '{name}'"
        return read_parameter(world, plan.region, name)

    def open_document(work: Work, place: str, owner: str | None) -> str:
        nonlocal asked
        work.check()
        asked = place
        return _open_document(world, plan, work, place, owner)

    def miss(why: str) -> None:
        _log.warning("a secret of a build may not be known again", image=plan.image_arn, why=why)

    def learn(work: Work) -> None:
        relearning = Relearning(
            read=partial(read, work),
            open=partial(open_document, work),
            secrets=secrets,
            modules=SPECS,
            miss=miss,
        )
        for planned in plan.components:
            relearning.of(documents.open(planned.document, plan.region), planned.parameters)

    try:
        attend(Work(), learn, look)
    except OutOfReach as failure:
        raise OutOfReachError(str(failure)) from failure


def _open_document(world: World, plan: BuildPlan, work: Work, place: str, owner: str | None) -> str:
    """Return a document that a step of a build executed, by its ARN or from S3."""
    if place.startswith("arn:"):
        return read_component(world, plan, place)
    content = BytesIO()
    try:
        world.outside.objects.fetch(
            *split_uri(place),
            content,
            work,
            region=plan.region,
            owner=owner,
            size_bytes_max=Budget().size_bytes,
        )
        return decode(content.getvalue())
    except Unanswered as error:
        raise OutOfReach(f"{place}: {error}") from error
    except (TransferFailed, NoText) as error:
        raise ModuleFailure(f"{place}: {error}") from error
