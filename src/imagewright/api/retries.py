"""Retrying a build that ended badly: its stage, or from the step that failed (§10.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.creation import Once
from imagewright.api.images import Runs
from imagewright.api.shapes import RetryImageRequest, RetryImageResponse
from imagewright.call import Call
from imagewright.documents.specs import ImageType, Stage
from imagewright.engine.attempts import Attempt
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import ImageStatus, StepExecution, WorkflowExecution
from imagewright.engine.retry import Retry, from_the_failed_step, whole_stage
from imagewright.errors import InvalidRequest, ResourceInUse
from imagewright.store import builds, retries
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.store.resources import Stored

_ARN = "imageBuildVersionArn"

Choose = Callable[
    [
        BuildPlan,
        Sequence[WorkflowExecution],
        Callable[[WorkflowExecution], Sequence[StepExecution]],
    ],
    Retry | None,
]
"""Decides what runs again: ``engine.retry``."""


@dataclass(frozen=True, slots=True)
class Retries:
    """RetryImage, and what goes beyond it."""

    database: Database
    once: Once
    runs: Runs
    outbox: Outbox

    def retry_image(self, request: RetryImageRequest, call: Call) -> RetryImageResponse:
        """Run the test or distribution stage again in which a build stopped (IMG-64 to IMG-66)."""
        answer = self.once.run(
            request,
            call,
            prepare=self.runs.wait_until_ready,
            commit=lambda connection, _: self._retry_stage(connection, request, call),
        )
        self.runs.look()
        return cast("RetryImageResponse", answer)

    def go_on(self, find: Callable[[Connection], Stored]) -> Stored:
        """Take a build up at the step that failed, with its machine as it was before that step.

        ``find`` returns the image. Our own extension: it takes up build stages too.
        Raises ResourceInUse while the build goes on, and InvalidRequest where nothing can be done.
        """
        self.runs.wait_until_ready()
        with self.database.write() as connection:
            stored = find(connection)
            self._retry(connection, stored, from_the_failed_step)
        self.runs.look()
        return stored

    def _retry_stage(
        self, connection: Connection, request: RetryImageRequest, call: Call
    ) -> RetryImageResponse:
        stored = lookup.find_own(connection, request["imageBuildVersionArn"], call, member=_ARN)
        if stored.type == ImageType.DOCKER:
            raise InvalidRequest("Only images that produce AMIs can be retried.")
        _refuse_integration(stored)
        self._retry(connection, stored, whole_stage, refused=Stage.BUILD)
        return {"imageBuildVersionArn": str(stored.arn)}

    def _retry(
        self,
        connection: Connection,
        stored: Stored,
        choose: Choose,
        *,
        refused: Stage | None = None,
    ) -> None:
        arn = str(stored.arn)
        _refuse_unless_ended_badly(stored)
        plan = builds.plan_of(connection, arn)
        retry = None
        if plan is not None:
            retry = choose(
                plan,
                builds.current_executions(connection, arn),
                lambda execution: builds.steps_of(connection, execution.id),
            )
        if retry is None:
            raise InvalidRequest(
                f"The build of '{arn}' stopped between its workflows, so that there is nothing to "
                "do again. Start a new build with CreateImage."
            )
        if retry.stage is refused:
            raise InvalidRequest(
                f"The build of '{arn}' stopped in its build stage; only a test or distribution "
                "stage can be retried. Start a new build with CreateImage, or go on from the "
                "failed step with 'imagewright runs retry'."
            )
        try:
            number = retries.record(connection, arn, retry, self.outbox)
        except retries.LayerGone as gone:
            raise InvalidRequest(
                f"The build of '{arn}' cannot go on: {gone}. Start a new build with CreateImage."
            ) from None
        self.runs.enqueue(connection, Attempt(arn, number).id)


def _refuse_integration(stored: Stored) -> None:
    """The copies are there: what was to be applied to them is not (IMG-65)."""
    failure = stored.body["state"].get("failureContext", {})
    if failure.get("imageStatus") == ImageStatus.INTEGRATING:
        raise InvalidRequest(
            f"The image '{stored.arn}' was distributed, and failed when settings were applied to "
            "its copies; that cannot be retried. Start a new build with CreateImage, or go on from "
            "the failed step with 'imagewright runs retry'."
        )


def _refuse_unless_ended_badly(stored: Stored) -> None:
    status = ImageStatus(str(stored.status))
    if not status.is_final:
        raise ResourceInUse(
            f"The image '{stored.arn}' is {status}: its build goes on. Wait for its end, or cancel "
            "it."
        )
    if status is ImageStatus.AVAILABLE:
        raise InvalidRequest(
            f"The image '{stored.arn}' is {status}; only one that is FAILED or CANCELLED can be "
            "retried."
        )
