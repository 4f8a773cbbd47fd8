"""The credentials of instance profiles, from where the settings say."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients
from imagewright.clock import Clock
from imagewright.engine.ports import ActionError
from imagewright.machines.metadata import Credentials, NoCredentials
from imagewright.settings import InstanceProfile

_RENEWED_BEFORE = timedelta(minutes=20)
"""Clients ask again a quarter of an hour before the end, and want others then."""
_LASTS = timedelta(hours=1)
"""What is said of a key that does not end: clients shall ask now and then."""


class InstanceProfiles:
    """Knows what credentials each profile gives. Safe to use from many threads."""

    def __init__(
        self, settings: Mapping[str, InstanceProfile], clients: AwsClients, clock: Clock
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._assumed: dict[tuple[str, str], Credentials] = {}
        self._sessions: dict[str, Any] = {}

    def source(self, name: str, region: str) -> Callable[[], Credentials] | None:
        """Return what gets a profile's credentials; None: the settings have no such profile.

        What is returned raises NoCredentials.
        """
        profile = self._settings.get(name)
        if profile is None:
            return None

        def get() -> Credentials:
            with self._lock:
                if profile.role_arn is not None:
                    return self._assume(profile.role_arn, region)
                if profile.profile is not None:
                    return self._of_operator(profile.profile)
                return self._as_written(profile)

        return get

    def _as_written(self, profile: InstanceProfile) -> Credentials:
        return Credentials(
            access_key_id=profile.access_key_id or "",
            secret_access_key=profile.secret_access_key or "",
            session_token=profile.session_token or "",
            expires_at=self._clock.now() + _LASTS,
        )

    def _assume(self, role_arn: str, region: str) -> Credentials:
        known = self._assumed.get((role_arn, region))
        if known is not None and known.expires_at - self._clock.now() > _RENEWED_BEFORE:
            return known
        try:
            answer = ask(
                self._clients,
                "sts",
                region,
                "assume_role",
                f"The role {role_arn} could not be assumed",
                RoleArn=role_arn,
                RoleSessionName="imagewright",
            )
        except ActionError as error:
            raise NoCredentials(str(error)) from error
        found = answer["Credentials"]
        assumed = Credentials(
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
            expires_at=found["Expiration"],
        )
        self._assumed[role_arn, region] = assumed
        return assumed

    def _of_operator(self, name: str) -> Credentials:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        try:
            session = self._sessions.setdefault(name, Session(profile=name))
            found = session.get_credentials()
            frozen = None if found is None else found.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise NoCredentials(f"the AWS profile '{name}': {error}") from error
        if frozen is None:
            raise NoCredentials(f"the AWS profile '{name}' has no credentials")
        # Only those that end have it, and botocore shows it by no other name.
        ends: datetime | None = getattr(found, "_expiry_time", None)
        return Credentials(
            access_key_id=frozen.access_key,
            secret_access_key=frozen.secret_key,
            session_token=frozen.token or "",
            expires_at=(ends.astimezone(UTC) if ends else self._clock.now() + _LASTS),
        )
