"""What the metadata service of a build's machine answers, put together from its plan."""

import platform
from collections.abc import Callable

from imagewright.aws.instance_profiles import InstanceProfiles
from imagewright.engine.plan import BuildPlan
from imagewright.machines.metadata import Credentials, Instance
from imagewright.masking import Secrets
from imagewright.store import instances
from imagewright.store.builds import plan_of
from imagewright.store.database import Database

_ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}


def describing(
    database: Database, profiles: InstanceProfiles, secrets: Callable[[BuildPlan], Secrets]
) -> Callable[[str], Instance | None]:
    """Return what describes the instances of builds; see ``machines.sandbox.SandboxOptions``.

    Credentials that a machine gets are among its build's ``secrets`` from then on.
    """

    def describe(instance_id: str) -> Instance | None:
        with database.read() as connection:
            row = instances.get(connection, instance_id)
            plan = None if row is None else plan_of(connection, row.owner)
        if plan is None:
            return None
        infrastructure = plan.infrastructure
        name = infrastructure.instance_profile_name
        source = profiles.source(name, plan.region)
        return Instance(
            id=instance_id,
            account=plan.account,
            region=plan.region,
            architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
            profile=name,
            credentials=None if source is None else _kept_secret(source, plan),
            tokens_required=infrastructure.http_tokens == "required",
            hop_limit=infrastructure.http_put_response_hop_limit,
        )

    def _kept_secret(
        source: Callable[[], Credentials], plan: BuildPlan
    ) -> Callable[[], Credentials]:
        def get() -> Credentials:
            found = source()
            for value in (found.secret_access_key, found.session_token):
                if value:
                    secrets(plan).learn(value)
            return found

        return get

    return describe
