"""A request's way in, and its answer's way out."""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from anyio import CapacityLimiter, to_thread
from structlog.contextvars import bound_contextvars

from imagewright.call import Call
from imagewright.clock import Clock
from imagewright.errors import ApiError, InternalFailure, NotBuiltYet, ServiceUnavailable
from imagewright.wire import answers, sts
from imagewright.wire.authentication import Authenticator, Caller
from imagewright.wire.checking import check_parameters
from imagewright.wire.messages import (
    ASGIApp,
    ClientGone,
    HttpAnswer,
    HttpRequest,
    Receive,
    Scope,
    Send,
    read_body,
)
from imagewright.wire.reading import read_parameters
from imagewright.wire.routing import route
from imagewright.wire.writing import write_response

Handler = Callable[[Any, Call], Mapping[str, Any]]
"""Serves one operation: its request as a dict, who asks, and back the response."""

Guard = Callable[[Call], None]
"""Lets a call pass, or raises an ApiError: permissions, rates."""

_log = structlog.get_logger()


def wire_app(
    handlers: Mapping[str, Handler],
    *,
    authenticator: Authenticator,
    clock: Clock,
    guards: Sequence[Guard] = (),
    draining: Callable[[], bool] = lambda: False,
    body_bytes_max: int = 1 << 20,
    handler_threads: int = 32,
    client_token_required: bool = True,
) -> ASGIApp:
    """Make the application that serves the API of Image Builder, and ``sts:GetCallerIdentity``.

    ``handlers`` maps names of operations to what serves them; the table may grow later, and an
    operation without a handler is refused with NotBuiltYet. ``guards`` see every call before its
    parameters are read. ``draining`` tells whether the server is stopping.
    """
    chain = Chain(
        handlers,
        authenticator=authenticator,
        clock=clock,
        guards=guards,
        draining=draining,
        client_token_required=client_token_required,
    )
    threads = CapacityLimiter(handler_threads)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, body_bytes_max)
        except ClientGone:
            return
        except ApiError as error:
            answer = answers.failure(error, str(uuid4()))
        else:
            request = HttpRequest.from_scope(scope, body)
            answer = await to_thread.run_sync(chain.answer, request, limiter=threads)
        await answer.send(send)

    return app


class Chain:
    """The stations of a request, in the order of ERR-30. Safe to use from several threads."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        authenticator: Authenticator,
        clock: Clock,
        guards: Sequence[Guard],
        draining: Callable[[], bool],
        client_token_required: bool,
    ) -> None:
        self._handlers = handlers
        self._authenticator = authenticator
        self._clock = clock
        self._guards = guards
        self._draining = draining
        self._client_token_required = client_token_required

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request, whatever happens on its way."""
        started = perf_counter()
        request_id = str(uuid4())
        serve, fail = (
            (self._serve_sts, sts.failure)
            if sts.is_for_sts(request)
            else (self._serve_operation, answers.failure)
        )
        with bound_contextvars(request_id=request_id):
            try:
                answer = serve(request, request_id)
            except ApiError as error:
                answer = fail(error, request_id)
            except Exception:
                _log.exception("A request met a defect.")
                answer = fail(InternalFailure(), request_id)
            _log_answer(request, answer, perf_counter() - started)
        return answer

    def _serve_operation(self, request: HttpRequest, request_id: str) -> HttpAnswer:
        caller = self._authenticator.authenticate(request)
        found = route(request.method, request.path)
        self._refuse_while_draining()
        call = self._call(caller, found.operation.name, request_id)
        for guard in self._guards:
            guard(call)
        handler = self._handler(found.operation.name)
        parameters = read_parameters(
            found.operation,
            request,
            found.label,
            client_token_required=self._client_token_required,
        )
        check_parameters(found.operation, parameters)
        response = handler(parameters, call)
        return answers.success(write_response(found.operation, response, request_id), request_id)

    def _serve_sts(self, request: HttpRequest, request_id: str) -> HttpAnswer:
        caller = self._authenticator.authenticate(request, sts.SERVICE)
        self._refuse_while_draining()
        return sts.answer_action(request, caller.principal, request_id)

    def _refuse_while_draining(self) -> None:
        if self._draining():
            raise ServiceUnavailable("The server is stopping; send the request again later.")

    def _call(self, caller: Caller, operation: str, request_id: str) -> Call:
        return Call(
            request_id=request_id,
            operation=operation,
            principal=caller.principal,
            region=caller.region,
            received_at=self._clock.now(),
            partition=caller.partition,
        )

    def _handler(self, operation: str) -> Handler:
        handler = self._handlers.get(operation)
        if handler is None:
            raise NotBuiltYet(operation)
        return handler


def _log_answer(request: HttpRequest, answer: HttpAnswer, seconds: float) -> None:
    log = _log.error if answer.status >= 500 else _log.debug
    log(
        "request",
        method=request.method,
        path=request.path.decode("ascii", "backslashreplace"),
        status=answer.status,
        milliseconds=round(seconds * 1000, 2),
    )
