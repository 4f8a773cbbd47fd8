"""What the distributing actions share: the attached configuration, and work side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar

from imagewright.actions.common import DistributedImage
from imagewright.clock import iso_milliseconds
from imagewright.documents.shapes import Record
from imagewright.documents.specs import UNKNOWN, build, to_plain
from imagewright.engine.ports import ActionError, StepContext
from imagewright.engine.stop import Reason

Status = Literal["Completed", "Failed", "Cancelled", "TimedOut"]
Job = TypeVar("Job")

SIDE_BY_SIDE_MAX: Final = 4
_COMPLETED: Final = "Completed"
_STOPPED: Final[Mapping[Reason, Status]] = {"timed out": "TimedOut", "cancelled": "Cancelled"}


def attached(record: Record, given: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Read what an attached configuration says as the inputs of an action have it."""
    return [build(record, dict(each)) for each in given]


def lasting_token(context: StepContext) -> str:
    """Return a token that a retry of the step has too.

    What a step brought to others is not undone by a failure, so that a retry finds it there.
    """
    return f"{context.plan.image_arn} {context.execution.planned} {context.step.name}"


def entries_of(inputs: Mapping[str, object], name: str) -> list[Mapping[str, Any]] | None:
    """Return the entries of a list of maps, as far as they are known; None: it is not given."""
    given = inputs.get(name)
    if given is None:
        return None
    if given is UNKNOWN or not isinstance(given, list):
        return []
    return [each for each in given if isinstance(each, dict)]


def known(value: object) -> bool:
    """Tell whether a value is there before the build."""
    return value is not None and value is not UNKNOWN


def repeated(regions: Sequence[object]) -> Iterator[str]:
    """Say which regions stand in a list more than once (DST-01)."""
    named = [region for region in regions if known(region)]
    for region in sorted({str(each) for each in named if named.count(each) > 1}):
        yield f"the region {region} stands there more than once, and can only once"


def images_in(region: str, images: Sequence[DistributedImage]) -> list[DistributedImage]:
    """Return the images that a step before this one brought to a region."""
    return [
        image
        for image in images
        if image.region == region and image.status == _COMPLETED and image.ami_id is not None
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one job ended, in the words of the outputs."""

    status: Status
    step: str
    date_started: str
    date_stopped: str
    error_message: str | None = None


class StoppedAt(ActionError):
    """A job of several steps failed at one of them."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


def side_by_side(
    jobs: Sequence[Job], work: Callable[[Job], Any], context: StepContext, *, running: str
) -> list[tuple[Any, Ended]]:
    """Do jobs, some at a time, each whatever becomes of the others, and say how each ended.

    ``running``: where a job is that did not come to its end.
    """

    def now() -> str:
        return iso_milliseconds(context.clock.now())

    def do(job: Job) -> tuple[Any, Ended]:
        started = now()
        try:
            came_to = work(job)
        except ActionError as error:
            ended = Ended(
                status=_status(context),
                step=error.step if isinstance(error, StoppedAt) else running,
                date_started=started,
                date_stopped=now(),
                error_message=str(error),
            )
            return None, ended
        stopped = now()
        ended = Ended(
            status="Completed", step=_COMPLETED, date_started=started, date_stopped=stopped
        )
        return came_to, ended

    with ThreadPoolExecutor(SIDE_BY_SIDE_MAX, thread_name_prefix="distribution") as pool:
        return list(pool.map(do, jobs))


def done_to(image: DistributedImage, ended: Ended) -> dict[str, Any]:
    """Return what outputs say of an image for which something was done."""
    return {
        "region": image.region,
        "name": image.name,
        "ami_id": image.ami_id,
        "account_id": image.account_id,
        **asdict(ended),
    }


def demand_all(what: str, output: str, entries: Sequence[Any]) -> None:
    """Raise ActionError, with all entries as outputs, unless every job completed (IMG-32).

    ``what``: of which jobs there were some, such as ``distribution``.
    """
    failed = [entry for entry in entries if entry.status != _COMPLETED]
    if not failed:
        return
    reasons = [
        f"{number}) {entry.region}, account {entry.account_id}: {entry.error_message}"
        for number, entry in enumerate(failed, start=1)
    ]
    raise ActionError(
        f"Not all {what} jobs are completed. {' '.join(reasons)}",
        outputs={output: to_plain(list(entries))},
    )


def _status(context: StepContext) -> Status:
    return _STOPPED[context.stop.reason] if context.stop.reason else "Failed"
