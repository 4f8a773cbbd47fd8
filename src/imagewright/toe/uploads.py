"""Where the log of a run goes besides its folder: a bucket, a log stream (§8.2)."""

import time
from collections.abc import Callable
from typing import Any

from imagewright.aws.asking import RefusedError, ask
from imagewright.aws.clients import AwsClients
from imagewright.engine.ports import ActionError
from imagewright.toe.asked import Asked
from imagewright.toe.documents import SetupFailed
from imagewright.toe.log_folder import LogFolder

_BATCH_LINES_MAX = 1000
_BATCH_BYTES_MAX = 900_000
_LINE_BYTES_MAX = 250_000
_EVENT_BYTES = 26
"""What CloudWatch counts for each event besides its text."""
_PAUSE_SECONDS = 2.0
_TAKEN = "ResourceAlreadyExistsException"


class LogBucket:
    """Puts the folder into a bucket: at the start, which proves access, and at the end."""

    def __init__(self, clients: AwsClients, asked: Asked, region: str) -> None:
        self._clients = clients
        self._bucket = asked.log_s3_bucket_name or ""
        self._owner = asked.log_s3_bucket_owner
        self._prefix = (asked.log_s3_key_prefix or "").strip("/")
        self._region = region

    def upload(self, folder: LogFolder) -> None:
        """Put every file, under the prefix and the folder's name. Raises SetupFailed."""
        owner = {} if self._owner is None else {"ExpectedBucketOwner": self._owner}
        for file in sorted(path for path in folder.path.iterdir() if path.is_file()):
            key = f"{folder.path.name}/{file.name}"
            key = f"{self._prefix}/{key}" if self._prefix else key
            failure = f"The log cannot be put at s3://{self._bucket}/{key}"
            try:
                ask(
                    self._clients, "s3", self._region, "put_object", failure,
                    Bucket=self._bucket, Key=key, Body=file.read_bytes(), **owner,
                )  # fmt: skip
            except ActionError as error:
                raise SetupFailed(str(error)) from error


class LogStream:
    """Sends the lines of ``console.log`` to CloudWatch Logs, at most every two seconds."""

    def __init__(
        self,
        clients: AwsClients,
        asked: Asked,
        *,
        region: str,
        stream: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``stream``: its name where none was asked for."""
        self._clients = clients
        self._names = {
            "logGroupName": asked.cw_log_group or "",
            "logStreamName": asked.cw_log_stream or stream,
        }
        self._region = asked.cw_log_region or region
        self._ignores_failures = asked.cw_ignore_failures
        self._clock = clock
        self._events: list[dict[str, object]] = []
        self._size_bytes = 0
        self._sent_at = clock()
        self._failed = False

    def open(self) -> None:
        """Make the group and the stream where they are not there. Raises SetupFailed."""
        group = {"logGroupName": self._names["logGroupName"]}
        for operation, names in (("create_log_group", group), ("create_log_stream", self._names)):
            self._ask(operation, **names)

    def take(self, text: str) -> None:
        """Take in a line. Raises SetupFailed where sending fails and that is not to be ignored."""
        cut = text.encode()[:_LINE_BYTES_MAX].decode("utf-8", "ignore") or " "
        self._events.append({"timestamp": int(self._clock() * 1000), "message": cut})
        self._size_bytes += len(cut.encode()) + _EVENT_BYTES
        is_full = self._size_bytes > _BATCH_BYTES_MAX or len(self._events) >= _BATCH_LINES_MAX
        if is_full or self._clock() > self._sent_at + _PAUSE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what was taken in. Raises as ``take``."""
        events, self._events, self._size_bytes = self._events, [], 0
        self._sent_at = self._clock()
        if events:
            self._ask("put_log_events", **self._names, logEvents=events)

    def _ask(self, operation: str, **members: Any) -> None:
        if self._failed:
            return
        failure = f"The log stream '{self._names['logStreamName']}' cannot be written"
        try:
            ask(self._clients, "logs", self._region, operation, failure, **members)
        except ActionError as error:
            if isinstance(error, RefusedError) and error.code == _TAKEN:
                return
            self._failed = True
            if not self._ignores_failures:
                raise SetupFailed(str(error)) from error
