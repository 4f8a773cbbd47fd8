"""The journal: DBOS on our own database, so that one transaction makes an image and its run.

DBOS keeps what has been done; the execution records say what it meant. It is loaded when the
journal opens: importing it takes longer than the port may wait.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine

from imagewright.engine.durable import Durable
from imagewright.engine.groups import AT_ONCE

if TYPE_CHECKING:
    from dbos import DBOSClient

PROTOCOL = "1"
"""Raised when ``builds.py`` asks the journal other questions than the release before did:
a run is taken up again only by an engine that would have asked the same."""

BUILDS = "builds"
TEST_GROUPS = "test-groups"

_POLL_SECONDS = 0.05
"""How soon a queued build starts, and an answer is heard."""

Result = TypeVar("Result")
Run = Callable[[str, Durable], str]


class Journal:
    """Runs builds so that they outlive the process."""

    def __init__(self, engine: Engine, *, builds_parallel_max: int) -> None:
        self._engine = engine
        self._builds_parallel_max = builds_parallel_max
        self._client: DBOSClient | None = None

    def open(self, *, run_build: Run, run_workflow: Run) -> None:
        """Load DBOS, take up what the last process left, and begin to serve the queues."""
        from dbos import DBOS, DBOSClient, SetEnqueueOptions, SetWorkflowID

        DBOS(
            config={
                "name": "imagewright",
                "system_database_engine": self._engine,
                "application_version": PROTOCOL,
                "executor_id": "local",
                "log_level": "WARNING",
                "enable_otlp": False,
                "notification_listener_polling_interval_sec": _POLL_SECONDS,
                "scheduler_polling_interval_sec": 3600.0,
            }
        )

        class Steps:
            """Durable, by DBOS; used on the thread of a DBOS workflow alone."""

            def step(self, name: str, work: Callable[..., Result], *arguments: str) -> Result:
                return DBOS.run_step({"name": name}, work, *arguments)

            def receive(self, topic: str, *, timeout_seconds: float) -> Any:
                return DBOS.recv(topic, timeout_seconds=timeout_seconds)

            def side_by_side(self, execution_ids: Sequence[str]) -> Sequence[str]:
                handles = []
                for execution_id in execution_ids:
                    options = SetEnqueueOptions(queue_partition_key=execution_ids[0])
                    with SetWorkflowID(execution_id), options:
                        handles.append(
                            DBOS.enqueue_workflow(TEST_GROUPS, one_of_group, execution_id)
                        )
                return [handle.get_result() for handle in handles]

        @DBOS.workflow(name="build")
        def build(image_arn: str) -> str:
            return run_build(image_arn, Steps())

        @DBOS.workflow(name="one-of-group")
        def one_of_group(execution_id: str) -> str:
            return run_workflow(execution_id, Steps())

        del build  # DBOS finds it by its name
        DBOS.launch()
        DBOS.register_queue(
            BUILDS,
            worker_concurrency=self._builds_parallel_max,
            polling_interval_sec=_POLL_SECONDS,
        )
        DBOS.register_queue(
            TEST_GROUPS, partition_concurrency=AT_ONCE, polling_interval_sec=_POLL_SECONDS
        )
        self._client = DBOSClient(system_database_engine=self._engine)

    def enqueue(self, connection: Connection, image_arn: str) -> None:
        """Ask for a build in the caller's transaction: rolled back, it was never asked for."""
        self._opened.enqueue_in_transaction(
            connection,
            {
                "queue_name": BUILDS,
                "workflow_name": "build",
                "workflow_id": image_arn,
                "app_version": PROTOCOL,
            },
            image_arn,
        )

    def answer(
        self,
        connection: Connection,
        *,
        run_id: str,
        step_id: str,
        message: Mapping[str, str],
    ) -> None:
        """Send an answer to a waiting step in the caller's transaction.

        ``run_id`` is the ARN of the image, or for a workflow of a group its execution id.
        """
        self._opened.send_in_transaction(connection, run_id, dict(message), topic=step_id)

    @property
    def _opened(self) -> "DBOSClient":
        if self._client is None:
            raise RuntimeError("the journal is not open")
        return self._client
