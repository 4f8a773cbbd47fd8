"""The journal: DBOS on our own database, so that one transaction makes an image and its run.

DBOS keeps what has been done; the execution records say what it meant. It is loaded when the
journal opens: importing it takes longer than the port may wait.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine

from imagewright.engine.doorbell import Doorbell
from imagewright.engine.durable import Durable
from imagewright.engine.groups import AT_ONCE
from imagewright.engine.turns import Turns

if TYPE_CHECKING:
    from dbos import DBOSClient

PROTOCOL = "1"
"""Raised when ``builds.py`` asks the journal other questions than the release before did:
a run is taken up again only by an engine that would have asked the same."""

BUILDS = "builds"

_LOOK_SECONDS = 0.25
"""How soon a queued build starts that the doorbell was not rung for: one that waited for others."""

_HEAR_SECONDS = 0.1
"""How soon an answer to a waiting step is heard."""

Result = TypeVar("Result")
Run = Callable[[str, Durable], str]


class Journal:
    """Runs builds so that they outlive the process."""

    def __init__(self, engine: Engine, *, builds_parallel_max: int) -> None:
        self._engine = engine
        self._builds_parallel_max = builds_parallel_max
        self._client: DBOSClient | None = None
        self._doorbell = Doorbell()

    def open(self, *, run_build: Run, run_workflow: Run) -> None:
        """Load DBOS, take up what the last process left, and begin to serve the queues."""
        from dbos import DBOS, DBOSClient, SetWorkflowID

        dbos = DBOS(
            config={
                "name": "imagewright",
                "system_database_engine": self._engine,
                "application_version": PROTOCOL,
                "executor_id": "local",
                "log_level": "WARNING",
                "enable_otlp": False,
                "notification_listener_polling_interval_sec": _HEAR_SECONDS,
                "scheduler_polling_interval_sec": 3600.0,
            }
        )

        def allow(builds: int) -> None:
            # Before the queue is registered, and where it cannot be told: it goes on as it was.
            with suppress(Exception):
                if (queue := DBOS.retrieve_queue(BUILDS)) is not None:
                    queue.set_worker_concurrency(builds)
                    self.look()

        turns = Turns(self._builds_parallel_max, allow)

        class Steps:
            """Durable, by DBOS; used on the thread of a DBOS workflow alone."""

            def step(self, name: str, work: Callable[..., Result], *arguments: str) -> Result:
                return DBOS.run_step({"name": name}, work, *arguments)

            def receive(self, topic: str, *, timeout_seconds: float, build: str) -> Any:
                with turns.given_up(build):
                    return DBOS.recv(topic, timeout_seconds=timeout_seconds)

            def side_by_side(self, execution_ids: Sequence[str]) -> Sequence[str]:
                handles: list[Any] = []
                ends: list[str] = []
                for execution_id in execution_ids:
                    if len(handles) - len(ends) == AT_ONCE:
                        ends.append(handles[len(ends)].get_result())
                    with SetWorkflowID(execution_id):
                        handles.append(DBOS.start_workflow(one_of_group, execution_id))
                return ends + [handle.get_result() for handle in handles[len(ends) :]]

        # Without a limit: a build that waits for days may see the server come back many times.
        @DBOS.workflow(name="build", max_recovery_attempts=None)
        def build(run_id: str) -> str:
            return run_build(run_id, Steps())

        @DBOS.workflow(name="one-of-group", max_recovery_attempts=None)
        def one_of_group(execution_id: str) -> str:
            return run_workflow(execution_id, Steps())

        del build  # DBOS finds it by its name
        DBOS.launch()
        self._doorbell.attach(dbos.background_thread_stop_events)
        DBOS.register_queue(
            BUILDS,
            worker_concurrency=self._builds_parallel_max,
            polling_interval_sec=_LOOK_SECONDS,
        )
        turns.tell()  # builds that were taken up may wait already
        self._client = DBOSClient(system_database_engine=self._engine)
        self._doorbell.ring()  # the queue is new to its thread

    def enqueue(self, connection: Connection, run_id: str) -> None:
        """Ask for a run of a build in the caller's transaction.

        Rolled back, it was never asked for. ``run_id`` is an ``Attempt``'s.
        """
        self._opened.enqueue_in_transaction(
            connection,
            {
                "queue_name": BUILDS,
                "workflow_name": "build",
                "workflow_id": run_id,
                "app_version": PROTOCOL,
            },
            run_id,
        )

    def look(self) -> None:
        """Start what was asked for in transactions that are committed by now."""
        self._doorbell.ring()

    def answer(
        self,
        connection: Connection,
        *,
        run_id: str,
        step_id: str,
        message: Mapping[str, str],
    ) -> None:
        """Send an answer to a waiting step in the caller's transaction.

        ``run_id`` is an ``Attempt``'s, or for a workflow of a group its execution id.
        """
        self._opened.send_in_transaction(connection, run_id, dict(message), topic=step_id)

    @property
    def _opened(self) -> "DBOSClient":
        if self._client is None:
            raise RuntimeError("the journal is not open")
        return self._client
