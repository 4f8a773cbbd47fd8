"""The metadata service of a machine: what EC2 answers at 169.254.169.254.

The address is on the machine's own loopback interface, and the listening socket was made there
(``inside/keeper.py``); who answers is this process, outside. So no other machine and nobody on the
host reaches it, and credentials are nowhere but in answers: in no environment, argument or file.

Guests are not trusted: requests are small, few at a time, and have seconds to arrive.
"""

import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from typing import Any

import structlog

from imagewright.clock import Clock, SystemClock

ADDRESS = "169.254.169.254"

PORT = 80
_TOKEN_SECONDS_MAX = 21_600
_TOKENS_MAX = 1024
_REQUESTS_MAX = 16
_REQUEST_SECONDS = 5.0
_VERSION = re.compile(r"/(?:latest|[0-9]{4}-[0-9]{2}-[0-9]{2})/(.*)", re.DOTALL)
_CREDENTIALS = "meta-data/iam/security-credentials/"

_log = structlog.get_logger()


class NoCredentials(Exception):
    """The credentials of an instance profile cannot be had; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signs requests to AWS for a while."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What a machine is told of itself."""

    id: str
    account: str
    region: str
    architecture: str
    """As EC2 has it: ``x86_64``, ``arm64``."""
    profile: str = ""
    """Of the instance; empty where it has none that gives credentials."""
    credentials: Callable[[], Credentials] | None = None
    """Asked for each time. Raises NoCredentials."""
    tokens_required: bool = False
    """``httpTokens``: without a token of version 2 nothing is answered."""
    hop_limit: int = 1
    """``httpPutResponseHopLimit``: how far an answer that holds a token may travel."""

    @property
    def texts(self) -> Mapping[str, str]:
        """All that does not change, by path below the version."""
        zone = f"{self.region}a"
        document = {
            "accountId": self.account,
            "architecture": self.architecture,
            "availabilityZone": zone,
            "instanceId": self.id,
            "region": self.region,
            "version": "2017-09-30",
        }
        return {
            "meta-data/instance-id": self.id,
            "meta-data/hostname": self.id,
            "meta-data/local-hostname": self.id,
            "meta-data/placement/region": self.region,
            "meta-data/placement/availability-zone": zone,
            "dynamic/instance-identity/document": json.dumps(document, indent=2),
        }


class MetadataService:
    """Answers a machine for as long as it is up."""

    def __init__(
        self, listener: socket.socket, instance: Instance, *, clock: Clock | None = None
    ) -> None:
        """Begin; the listener is closed with the service."""
        self.instance = instance
        self.clock = clock or SystemClock()
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server = _Server(listener, self)
        self._thread = threading.Thread(
            target=self._server.serve,
            name=f"metadata of {instance.id}",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Answer nothing any more."""
        self._server.stop()
        self._thread.join()
        self._server.server_close()

    def new_token(self, seconds: int) -> str:
        """Return a token for so long; of too many the oldest ends."""
        token = secrets.token_urlsafe(42)
        with self._lock:
            if len(self._tokens) >= _TOKENS_MAX:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[token] = time.monotonic() + seconds
        return token

    def is_token(self, token: str) -> bool:
        """Tell whether a token is ours and not too old."""
        with self._lock:
            return self._tokens.get(token, 0.0) > time.monotonic()

    def text(self, path: str) -> tuple[str, str] | None:
        """Return what stands at a path, and its content type; None: nothing. Raises NoCredentials.

        A folder lists what is in it, folders with a slash behind them.
        """
        texts = self.instance.texts
        if path in texts:
            return texts[path], "application/json" if path.startswith("dynamic") else "text/plain"
        own = self.instance.profile if self.instance.credentials is not None else ""
        if own and path == "meta-data/iam/info":
            return self._info(), "application/json"
        if own and path == f"{_CREDENTIALS}{own}":
            return self._credentials(), "application/json"
        known = [*texts, *(["meta-data/iam/info", f"{_CREDENTIALS}{own}"] if own else [])]
        folder = f"{path.rstrip('/')}/" if path else ""
        below = [name.removeprefix(folder) for name in known if name.startswith(folder)]
        names = {head + slash for head, slash, _ in (name.partition("/") for name in below)}
        return ("\n".join(sorted(names)), "text/plain") if names else None

    def _info(self) -> str:
        arn = f"arn:aws:iam::{self.instance.account}:instance-profile/{self.instance.profile}"
        now = _second(self.clock.now())
        return json.dumps({"Code": "Success", "LastUpdated": now, "InstanceProfileArn": arn})

    def _credentials(self) -> str:
        assert self.instance.credentials is not None  # noqa: S101 - the caller looked
        found = self.instance.credentials()
        content = {
            "Code": "Success",
            "LastUpdated": _second(self.clock.now()),
            "Type": "AWS-HMAC",
            "AccessKeyId": found.access_key_id,
            "SecretAccessKey": found.secret_access_key,
            "Token": found.session_token,
            "Expiration": _second(found.expires_at),
        }
        return json.dumps(content, indent=2)


class _Server(ThreadingMixIn, TCPServer):
    """Serves on a socket that is there already."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, service: MetadataService) -> None:
        BaseServer.__init__(self, (ADDRESS, PORT), _Handler)
        self.socket = listener
        self.service = service
        self._room = threading.BoundedSemaphore(_REQUESTS_MAX)

    def serve(self) -> None:
        """Take connections until told to stop; nothing wakes up in between."""
        while True:
            try:
                request, address = self.socket.accept()
            except ConnectionAbortedError:
                continue
            except OSError:
                return
            self.process_request(request, address)

    def stop(self) -> None:
        """Have ``serve`` return."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, if there are not too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Say nothing of a guest that went away amid an answer."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a guest."""

    server: _Server
    timeout = _REQUEST_SECONDS
    server_version = "EC2ws"
    sys_version = ""

    def do_PUT(self) -> None:
        """Hand out a token."""
        if self.path != "/latest/api/token":
            self._answer(HTTPStatus.NOT_FOUND)
            return
        if "X-Forwarded-For" in self.headers:  # an open proxy asks for someone else
            self._answer(HTTPStatus.FORBIDDEN)
            return
        wanted = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        seconds = int(wanted) if re.fullmatch("[0-9]{1,5}", wanted) else 0
        if not 1 <= seconds <= _TOKEN_SECONDS_MAX:
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        service = self.server.service
        hops = service.instance.hop_limit
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        self._answer(
            HTTPStatus.OK, service.new_token(seconds), ttl=str(seconds), content_type="text/plain"
        )

    def do_GET(self) -> None:
        """Answer what is asked, to whoever has a token or needs none."""
        service = self.server.service
        token = self.headers.get("X-aws-ec2-metadata-token")
        is_welcome = not service.instance.tokens_required if token is None else None
        if not (service.is_token(token) if token is not None else is_welcome):
            self._answer(HTTPStatus.UNAUTHORIZED)
            return
        asked = _VERSION.fullmatch(self.path.partition("?")[0])
        try:
            found = service.text(asked[1]) if asked else None
        except NoCredentials as error:
            profile = service.instance.profile
            _log.warning("no credentials for a machine", profile=profile, problem=str(error))
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, found[0], content_type=found[1])

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self.do_GET()

    def _answer(
        self, status: HTTPStatus, text: str = "", *, content_type: str = "text/plain", ttl: str = ""
    ) -> None:
        body = (text or ("" if status is HTTPStatus.OK else status.phrase)).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if ttl:
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", ttl)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep no log of what machines ask."""


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
