"""Runs that schedules start: each once, whatever happens to the server (PIP-16 to PIP-34).

When a pipeline builds next is a column of its state. One transaction takes it from there, writes
the moment after it, and stores the image with its run; so a run that was due while no server ran,
or when one was lost, is made up for once, and never twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event

import structlog

from imagewright.api.images import Images, Origin
from imagewright.api.pipeline_runs import Run, prepare_run
from imagewright.api.pipeline_schedules import next_run
from imagewright.api.recipe_resolution import ShownRecipe
from imagewright.arns import Arn
from imagewright.call import Call, Principal
from imagewright.clock import Clock, iso_milliseconds
from imagewright.errors import ApiError, InternalFailure, ServiceError, ServiceUnavailable
from imagewright.logs.pipelines import PipelineLogs
from imagewright.store import pipelines
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox
from imagewright.store.pipelines import Due
from imagewright.store.resources import Stored

_ONLY_WHEN_CHANGED = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
"""What holds where a schedule does not say (PIP-20)."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ScheduledRuns:
    """Starts what is due."""

    database: Database
    images: Images
    logs: PipelineLogs
    outbox: Outbox
    clock: Clock
    draining: Callable[[], bool]

    def go_round(self, stop: Event) -> None:
        """Start every run that is due.

        Raises ServiceUnavailable and ServiceError where nothing can be started now; what is due
        stays due.
        """
        now = self.clock.now()
        with self.database.read() as connection:
            due = pipelines.due(connection, iso_milliseconds(now))
        for each in due:
            if not self.draining() and not stop.is_set():
                self._run(each, now)

    def _run(self, due: Due, now: datetime) -> None:
        try:
            said = self._start(due, now)
        except (ServiceError, ServiceUnavailable):
            raise
        except Exception as error:
            if not isinstance(error, ApiError):
                _log.exception("a scheduled run met a defect", pipeline=due.arn)
                error = InternalFailure()
            with self.database.write() as connection:
                pipeline = pipelines.take(connection, due, _next(due.pipeline, now))
                if pipeline is None:
                    return
                pipelines.count_failure(connection, pipeline, self.outbox)
            said = f"no build was started: {error}"
        if said is not None:
            _log.info("a schedule was due", pipeline=due.arn, outcome=said)
            self.logs.write(due.arn, said, at=now)
        self.images.runs.look()

    def _start(self, due: Due, now: datetime) -> str | None:
        """Start a run that is due, or leave it out; return what there is to say of it."""
        call = _call(due.pipeline.arn, now)
        run = prepare_run(self.images, due.pipeline, call, tags=due.pipeline.body.get("imageTags"))
        with self.database.write() as connection:
            pipeline = pipelines.take(connection, due, _next(due.pipeline, now))
            if pipeline is None:
                return None  # changed meanwhile
            why = _reason(run, pipeline, pipelines.last_build(connection, pipeline))
            if why is None:
                return "nothing that the recipe refers to has changed; no build was started"
            origin = Origin("SCHEDULED", due.arn)
            image = self.images.start(connection, run.planned, run.request, call, origin)
            pipelines.add_run(connection, due.arn, image, scheduled=True, at=iso_milliseconds(now))
        return f"started {image.arn}: {why}"


def _next(pipeline: Stored, now: datetime) -> str | None:
    since = datetime.fromisoformat(pipeline.updated_at or pipeline.created_at)
    return next_run(pipeline.body, since=since, after=now)


def _reason(run: Run, pipeline: Stored, last: Stored | None) -> str | None:
    """Say why a pipeline is to build now, naming what changed; None: it is not (PIP-20 to -23)."""
    condition = pipeline.body["schedule"].get("pipelineExecutionStartCondition", _ONLY_WHEN_CHANGED)
    if condition != _ONLY_WHEN_CHANGED:
        return "its schedule was due"
    if last is None:
        return "it has no build to compare with"
    before = set(_referred(last.body.get("imageRecipe") or last.body["containerRecipe"]))
    changed = [each for each in _referred(run.planned.found.recipe.shown) if each not in before]
    return f"{', '.join(changed)} is new since {last.arn}" if changed else None


def _referred(recipe: ShownRecipe) -> Sequence[str]:
    """Return what a build's recipe came to: itself, its parent and its components."""
    components = [each["componentArn"] for each in recipe.get("components", ())]
    return [recipe["arn"], recipe["parentImage"], *components]


def _call(pipeline: Arn, now: datetime) -> Call:
    """Ask as the pipeline itself."""
    return Call(
        request_id="",
        operation="StartImagePipelineExecution",
        principal=Principal(pipeline.account, str(pipeline), ""),
        region=pipeline.region,
        received_at=now,
        partition=pipeline.partition,
    )
