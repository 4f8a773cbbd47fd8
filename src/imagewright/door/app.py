"""The second door: what AWS has no operation for, under ``/imagewright/v1/``.

The same signatures open it, and an account sees only what is its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

import structlog
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from imagewright.call import Call
from imagewright.clock import Clock
from imagewright.door.asked import Asked
from imagewright.door.builds import Builds, Json, RetryBuild, StartImage
from imagewright.door.contents import Contents
from imagewright.door.exports import Exports, Packed
from imagewright.door.finding import find_image
from imagewright.door.following import Watch, follow
from imagewright.door.health import Health
from imagewright.door.layers import Layers
from imagewright.door.machines import Machines
from imagewright.door.pipelines import START, Pipelines, StartPipeline
from imagewright.door.states import States
from imagewright.door.workshop import OpenWorkshop
from imagewright.errors import (
    ApiError,
    InternalFailure,
    ServiceError,
    ServiceUnavailable,
    UnknownOperation,
)
from imagewright.logs.builds import BuildLogs
from imagewright.machines.machine import MachineError
from imagewright.state import StateDirectory
from imagewright.store.database import Database
from imagewright.wire import answers
from imagewright.wire.authentication import Authenticator, Caller
from imagewright.wire.chain import Guard
from imagewright.wire.door import CALLER, signed_door
from imagewright.wire.messages import ASGIApp, HttpAnswer, HttpRequest, Receive, Scope, Send

PREFIX = "/imagewright/v1"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the second door is made of."""

    state: StateDirectory
    database: Database
    logs: BuildLogs
    workshop: OpenWorkshop
    start_image: StartImage
    start_pipeline: StartPipeline
    retry_build: RetryBuild
    operator: str
    """The account that runs the installation."""
    missing_service: Callable[[str], str | None]
    """Says which setting another AWS service would take; None: it can be asked."""
    authenticator: Authenticator
    clock: Clock
    guards: Sequence[Guard]
    draining: Callable[[], bool]
    body_bytes_max: int
    client_token_required: bool
    kept_age_max: timedelta
    """How long a machine stays that was kept after a failure; zero: for ever."""


def door_app(parts: Parts) -> ASGIApp:
    """Make the application behind the second door, door included."""
    builds = Builds(
        database=parts.database,
        logs=parts.logs,
        start_image=parts.start_image,
        retry_build=parts.retry_build,
        client_token_required=parts.client_token_required,
    )
    pipelines = Pipelines(parts.start_pipeline, parts.client_token_required)
    states = States(parts.database)
    machines = Machines(parts.database, parts.kept_age_max)
    layers = Layers(parts.database, parts.workshop, parts.operator, parts.clock, parts.kept_age_max)
    contents = Contents(parts.database, parts.workshop)
    exports = Exports(parts.database, parts.workshop)
    health = Health(
        parts.state.root, parts.workshop, parts.operator, parts.database, parts.missing_service
    )
    routes = [
        _route(parts, "GET", "/builds", "ListBuilds", builds.list),
        _route(parts, "POST", "/builds", "CreateImage", builds.start),
        _route(parts, "POST", "/builds/retry", "RetryBuild", builds.retry),
        _route(parts, "GET", "/builds/detail", "GetBuild", builds.detail),
        _route(parts, "GET", "/builds/state", "GetStateOfStep", states.of_step),
        _route(parts, "GET", "/builds/log", "GetBuildLog", builds.log),
        _route(parts, "GET", "/builds/events", "FollowBuild", partial(_events, parts)),
        _route(parts, "POST", "/pipelines/runs", START, pipelines.start),
        _route(parts, "GET", "/images/contents", "GetImageContents", contents.added),
        _route(parts, "GET", "/images/export", "ExportImage", partial(_export, exports)),
        _route(parts, "GET", "/machines", "ListMachines", machines.list),
        _route(parts, "POST", "/machines/terminate", "TerminateMachine", machines.terminate),
        _route(parts, "GET", "/layers", "GetLayers", layers.usage),
        _route(parts, "POST", "/layers/prune", "PruneLayers", layers.prune),
        _route(parts, "GET", "/doctor", "Doctor", health.examine),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_path})
    app.router.redirect_slashes = False
    return signed_door(app, parts.authenticator, body_bytes_max=parts.body_bytes_max)


def _route(
    parts: Parts, method: str, path: str, name: str, operation: Callable[[Asked], Json | Response]
) -> Route:
    """Serve an operation, a plain function from what is asked to the answer, on a thread."""

    def serve(call: Call, request: HttpRequest, query: dict[str, str]) -> Response:
        if parts.draining():
            raise ServiceUnavailable("The server is stopping; send the request again later.")
        for guard in parts.guards:
            guard(call)
        try:
            answer = operation(Asked(call, query, request))
        except MachineError as error:
            raise ServiceError(str(error)) from error
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    async def endpoint(request: Request) -> Response:
        call = _call(request.scope[CALLER], name, parts.clock)
        whole = HttpRequest.from_scope(request.scope, await request.body())
        try:
            response = await to_thread.run_sync(serve, call, whole, dict(request.query_params))
        except ApiError as error:
            return _response(answers.failure(error, call.request_id))
        except Exception:
            _log.exception("A request met a defect.", request_id=call.request_id)
            return _response(answers.failure(InternalFailure(), call.request_id))
        response.headers["x-amzn-requestid"] = call.request_id
        return response

    return Route(PREFIX + path, endpoint, methods=[method])


def _events(parts: Parts, asked: Asked) -> Response:
    """Follow a build; see ``following``."""
    with parts.database.read() as connection:
        stored = find_image(connection, asked.text("image"), asked.call)
    after = asked.number("after", 0, maximum=10**18)
    watch = Watch(
        parts.database,
        parts.logs,
        str(stored.arn),
        asked.call,
        clock=parts.clock,
        after_bytes=after,
    )
    return StreamingResponse(follow(watch, parts.draining), media_type="application/x-ndjson")


def _export(exports: Exports, asked: Asked) -> Response:
    return _Archive(exports.export(asked))


class _Archive(StreamingResponse):
    """Sends what was packed, and deletes it however that ends."""

    def __init__(self, packed: Packed) -> None:
        headers = {
            "content-length": str(packed.size_bytes),
            "x-imagewright-image": packed.image.arn,
        }
        super().__init__(packed.content, media_type="application/x-tar", headers=headers)
        self._packed = packed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._packed.delete()


def _call(caller: Caller, operation: str, clock: Clock) -> Call:
    return Call(
        request_id=str(uuid4()),
        operation=operation,
        principal=caller.principal,
        region=caller.region,
        received_at=clock.now(),
        partition=caller.partition,
    )


async def _no_such_path(request: Request, _error: Exception) -> Response:
    error = UnknownOperation(request.method, request.url.path[:200])
    return _response(answers.failure(error, str(uuid4())))


def _response(answer: HttpAnswer) -> Response:
    headers = {name.decode("ascii"): value.decode("ascii") for name, value in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=headers)
