"""Runs of pipelines: started by hand, and their images listed (``api-behaviour.md`` section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.creation import Once
from imagewright.api.filters import FilterMeaning, by_name, by_version, conditions
from imagewright.api.image_pipelines import image_request
from imagewright.api.images import Images, Origin, image_summary
from imagewright.api.listing import Builds, Lists
from imagewright.api.planning import Planned
from imagewright.api.run_parameters import (
    NO_PARAMETERS,
    RunParameters,
    read_run_parameters,
)
from imagewright.api.shapes import (
    CreateImageRequest,
    ListImagePipelineImagesRequest,
    ListImagePipelineImagesResponse,
    StartImagePipelineExecutionRequest,
    StartImagePipelineExecutionResponse,
)
from imagewright.arns import Arn, Kind
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.errors import ResourceNotFound
from imagewright.store import pipelines
from imagewright.store.database import Database
from imagewright.store.resources import Conditions, Stored

_ARN: Final = "imagePipelineArn"
_FILTERS: Mapping[str, FilterMeaning] = {"name": by_name, "version": by_version}


@dataclass(frozen=True, slots=True)
class Run:
    """A run that can be begun."""

    request: CreateImageRequest
    planned: Planned


@dataclass(frozen=True, slots=True)
class PipelineRuns:
    """The handlers of what pipelines do."""

    database: Database
    once: Once
    lists: Lists
    images: Images

    def start_image_pipeline_execution(
        self, request: StartImagePipelineExecutionRequest, call: Call
    ) -> StartImagePipelineExecutionResponse:
        """Build the image of a pipeline, enabled or not, whatever has changed (PIP-30, PIP-31).

        Every reference is resolved now (VER-20). The request may have parameters for this run,
        which AWS has no member for; see ``run_parameters``. The caller's errors: those of
        CreateImage.
        """
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare(request, call),
            commit=lambda connection, run: self._begin(connection, run, request, call),
        )
        self.images.runs.look()
        return cast("StartImagePipelineExecutionResponse", answer)

    def list_image_pipeline_images(
        self, request: ListImagePipelineImagesRequest, call: Call
    ) -> ListImagePipelineImagesResponse:
        """Return the images of a pipeline, newest first; none of one unknown (SRT-03, SRT-04).

        Those of a pipeline that is deleted stay its images (PIP-35).
        """
        wanted = conditions(request, _FILTERS)
        arn = request[_ARN]
        try:
            lookup.place_of(Arn.parse(arn), call)
            builds = Builds(lookup.own_place(call, Kind.IMAGE))
        except ResourceNotFound:
            builds = None
        own = Conditions(clauses=wanted.clauses + pipelines.images_of(arn).clauses)
        page = self.lists.builds(request, call, builds, own)
        shown = page.members("imageSummaryList", image_summary)
        return cast("ListImagePipelineImagesResponse", shown)

    def _prepare(self, request: StartImagePipelineExecutionRequest, call: Call) -> Run:
        with self.database.read() as connection:
            pipeline = lookup.find_own(connection, request[_ARN], call, member=_ARN)
        parameters = read_run_parameters(request)
        return prepare_run(self.images, pipeline, call, request.get("tags"), parameters)

    def _begin(
        self,
        connection: Connection,
        run: Run,
        request: StartImagePipelineExecutionRequest,
        call: Call,
    ) -> StartImagePipelineExecutionResponse:
        pipeline = lookup.find_own(connection, request[_ARN], call, member=_ARN)
        arn = str(pipeline.arn)
        origin = Origin("USER_INITIATED", arn)
        image = self.images.start(connection, run.planned, run.request, call, origin)
        at = iso_milliseconds(call.received_at)
        pipelines.add_run(connection, arn, image, scheduled=False, at=at)
        return {"imageBuildVersionArn": str(image.arn)}


def prepare_run(
    images: Images,
    pipeline: Stored,
    call: Call,
    tags: Mapping[str, str] | None,
    parameters: RunParameters = NO_PARAMETERS,
) -> Run:
    """Check that a pipeline can build its image now, and fix how; the image gets the tags.

    No transaction may be open. The caller's errors: those of CreateImage.
    """
    request = image_request(pipeline.body)
    request["tags"] = dict(tags or {})
    return Run(request, images.prepare(request, call, parameters=parameters))
