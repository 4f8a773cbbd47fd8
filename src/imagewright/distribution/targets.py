"""Which place stands for a region: what the settings say, else a folder in the state directory."""

from collections.abc import Mapping
from pathlib import Path

from imagewright.aws.clients import AwsClients
from imagewright.distribution.artefact import CONTAINER_FORM, Place
from imagewright.distribution.bucket import Bucket
from imagewright.distribution.folder import Folder
from imagewright.distribution.registry import Registry
from imagewright.machines.ledger import Ledger
from imagewright.one_at_a_time import OneAtATime
from imagewright.outside.registries import Credentials
from imagewright.settings import Region, is_region


class Targets:
    """The places of regions."""

    def __init__(
        self,
        regions: Mapping[str, Region],
        default: Path,
        *,
        clients: AwsClients,
        ledger: Ledger,
        timeout_seconds: float,
        ca_bundle: Path | None,
        proxies: Mapping[str, str],
    ) -> None:
        """``default``: where a region has its folder that the settings do not name.

        ``ca_bundle``, ``proxies``: for registries; the latter as in a shell's environment.
        """
        self._regions = regions
        self._default = default
        self._clients = clients
        self._ledger = ledger
        self._timeout_seconds = timeout_seconds
        self._ca_bundle = ca_bundle
        self._proxies = proxies
        self._writers = OneAtATime()

    def refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Say why nothing can go to a region: see ``engine.ports.Distribution``."""
        if not is_region(region):
            return f"'{region}' is no region: one looks like us-east-1 or local-dc-1"
        place = self.of(region)
        if is_container and place.form != CONTAINER_FORM:
            return (
                f"what goes there is a {place.form} of a whole file system, and a container image "
                f"has layers and a configuration: set regions.{region}.format to "
                f'"{CONTAINER_FORM}", or give the region a registry'
            )
        return place.refusal(kms_key_id)

    def of(self, region: str) -> Place:
        """Return the place of a region."""
        said = self._regions.get(region, Region())
        if said.bucket is not None:
            return Bucket(
                said.bucket,
                said.format,
                region,
                self._clients,
                endpoint=said.endpoint,
                writers=self._writers,
            )
        if said.registry is not None:
            credentials = None
            if said.username is not None and said.password is not None:
                credentials = Credentials(said.username, said.password)
            return Registry(
                said.registry,
                credentials,
                timeout_seconds=self._timeout_seconds,
                ca_bundle=self._ca_bundle,
                proxies=self._proxies,
            )
        return Folder(said.folder or self._default / region, said.format, self._ledger)
