"""The outside as a run may reach it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imagewright.aws.clients import AwsClients
from imagewright.outside.objects import Objects
from imagewright.outside.web import Web
from imagewright.settings import Aws, Downloads, Settings

NO_NETWORK = (
    "the setting sandbox.network is none, so nothing is fetched for a machine, nor sent for it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What modules fetch from, and where what they fetch lies meanwhile."""

    web: Web
    objects: Objects
    scratch: Path | None = None
    """For files without a name, as large as what is fetched; None: where the system has them."""
    barred: str = ""
    """Why nothing may be reached; empty if it may."""

    def missing(self, service: str) -> str | None:
        """Say what a service that modules ask would take, or None if it can be asked.

        Where nothing may be reached, the step says so.
        """
        return None if self.barred or service != "s3" else self.objects.missing


def no_settings() -> Outside:
    """Return the outside of an installation that has set nothing."""
    downloads = Downloads()
    objects = Objects(AwsClients(Aws()), size_bytes_max=downloads.size_bytes_max)
    return Outside(web=Web(downloads), objects=objects)


def open_outside(
    settings: Settings, scratch: Path, *, proxies: Mapping[str, str], in_sandbox: bool = True
) -> Outside:
    """Put together what an installation's runs reach; nothing is connected yet.

    ``in_sandbox``: the machine is one whose network the settings decide on.
    """
    is_barred = in_sandbox and settings.sandbox.network == "none"
    return Outside(
        web=Web(settings.downloads, ca_bundle=settings.sandbox.ca_bundle, proxies=proxies),
        objects=Objects(AwsClients(settings.aws), size_bytes_max=settings.downloads.size_bytes_max),
        scratch=scratch,
        barred=NO_NETWORK if is_barred else "",
    )
