"""The one door to other AWS services.

Credentials come from the settings alone, never from the shell that started the server.
"""

import os
import threading
from typing import TYPE_CHECKING, Any

from imagewright.errors import ServiceUnavailable
from imagewright.settings import Aws

if TYPE_CHECKING:
    from botocore.client import BaseClient


_NOT_AT_AWS = frozenset({"ec2"})
"""Services whose own endpoints know nothing of our images: only one of the settings will do."""


class AwsClients:
    """botocore clients, made when first needed: loading botocore takes longer than the port may."""

    def __init__(self, settings: Aws) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str | None], BaseClient] = {}

    def get(self, service: str, region: str, *, endpoint: str | None = None) -> Any:
        """Return the client for a service, at the setting ``<service>_endpoint`` unless told.

        Raises ServiceUnavailable if the settings name neither an endpoint nor credentials.
        """
        if endpoint is None:
            endpoint = self._endpoint(service)
            if problem := self.missing(service):
                raise ServiceUnavailable(f"{problem}.")
        with self._lock:
            which = (service, region, endpoint)
            if which not in self._clients:
                self._clients[which] = self._make(service, region, endpoint)
            return self._clients[which]

    def missing(self, service: str) -> str | None:
        """Say which setting a service would take, or None if it can be asked."""
        if self._endpoint(service) is not None:
            return None
        if service in _NOT_AT_AWS:
            return (
                f"This installation has no {service} of its own: the setting "
                f"aws.{service}_endpoint is needed"
            )
        if self._settings.access_key_id is not None:
            return None
        return (
            f"This installation has no access to {service}: the setting "
            f"aws.{service}_endpoint or aws.access_key_id is needed"
        )

    def _endpoint(self, service: str) -> str | None:
        endpoint: str | None = getattr(self._settings, f"{service}_endpoint")
        return endpoint

    def _make(self, service: str, region: str, endpoint: str | None) -> "BaseClient":
        import botocore.session
        from botocore.config import Config

        settings = self._settings
        client: BaseClient = _secluded(botocore.session).create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=settings.access_key_id or "imagewright",
            aws_secret_access_key=settings.secret_access_key or "imagewright",
            aws_session_token=settings.session_token,
            config=Config(
                connect_timeout=settings.timeout_seconds,
                read_timeout=settings.timeout_seconds,
                retries={"max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )
        return client


def _secluded(module: Any) -> Any:
    """Return a session that heeds no profile, file or endpoint of the user's environment."""
    return module.Session(
        session_vars={
            name: (None, None, default, None)
            for name, default in (
                ("profile", None),
                ("config_file", os.devnull),
                ("credentials_file", os.devnull),
                ("ignore_configured_endpoint_urls", True),
            )
        }
    )
