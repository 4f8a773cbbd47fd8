"""The sandbox of a state, put together: its layers, its network, and what makes machines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from imagewright.clock import Clock
from imagewright.images.layers import LayerOptions, LayerStore
from imagewright.images.mirrors import Mirror, host_mirror, proxy_environment
from imagewright.images.pulls import Pulls
from imagewright.machines.limits import Limits
from imagewright.machines.metadata import Instance
from imagewright.machines.network import Network
from imagewright.machines.sandbox import ENVIRONMENT, SandboxDriver, SandboxOptions
from imagewright.outside.registries import Registries
from imagewright.settings import Settings
from imagewright.state import StateDirectory
from imagewright.store.database import Database
from imagewright.store.ledger import DatabaseLedger


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts of a sandbox; several processes may have those of one state open."""

    ledger: DatabaseLedger
    layer_store: LayerStore
    network: Network
    driver: SandboxDriver


def open_network(state: StateDirectory, settings: Settings) -> Network:
    """Return the network that machines of a state have."""
    return Network(
        settings.sandbox.network,
        directory=state.layers,
        verdict_file=state.root / "network.json",
        may_fall_back=settings.sandbox.network_fallback,
    )


def debian_mirror(settings: Settings, apt: Path = Path("/etc/apt")) -> Mirror:
    """Return where Debian's packages come from on this host."""
    bases = settings.bases
    named = Mirror(bases.debian_archive.rstrip("/"), bases.debian_security.rstrip("/") or None)
    return host_mirror(named, apt)


def open_sandbox(
    state: StateDirectory,
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    describe: Callable[[str], Instance | None] = lambda _instance_id: None,
) -> Sandbox:
    """Put the sandbox of a state together; nothing is started. See SandboxOptions."""
    ledger = DatabaseLedger(database, clock=clock)
    layer_store = LayerStore(
        state.layers,
        database,
        ledger,
        options=LayerOptions(
            max_age=timedelta(hours=settings.layers.max_age_hours),
            size_bytes_max=settings.layers.size_bytes_max,
            free_bytes_min=settings.layers.free_bytes_min,
        ),
        clock=clock,
    )
    network = open_network(state, settings)
    options = SandboxOptions(
        limits=Limits(
            processes_max=settings.sandbox.processes_max,
            open_files_max=settings.sandbox.open_files_max,
            file_bytes_max=settings.sandbox.file_bytes_max,
            memory_bytes_max=settings.sandbox.memory_bytes_max,
            cpus_max=settings.sandbox.cpus_max,
        ),
        environment={**ENVIRONMENT, **proxy_environment()},
        ca_bundle=settings.sandbox.ca_bundle,
        describe=describe,
    )
    driver = SandboxDriver(layer_store, ledger, network, options=options)
    return Sandbox(ledger, layer_store, network, driver)


def open_pulls(state: StateDirectory, settings: Settings, sandbox: Sandbox) -> Pulls:
    """Put together what gets parent images from registries; nothing is connected yet."""
    registries = Registries(
        settings.registries,
        settings.downloads,
        ca_bundle=settings.sandbox.ca_bundle,
        proxies=proxy_environment(),
    )
    return Pulls(
        sandbox.layer_store,
        registries,
        directory=state.exports,
        locks=state.root / "locks",
        ledger=sandbox.ledger,
        size_bytes_max=settings.downloads.size_bytes_max,
        unpacked_bytes_max=settings.downloads.unpacked_bytes_max,
        settings_file=state.root / "settings.toml",
    )
