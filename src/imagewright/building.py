"""What builds need, put together: layers, machines, the engine and its journal.

It is loaded behind the port's back: the port answers first, and whoever asks for a build before
all is ready waits for it.
"""

import base64
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog
from sqlalchemy import Connection

from imagewright.actions.component_questions import relearn
from imagewright.actions.table import ACTIONS, STEP_ACTIONS
from imagewright.api.documents import Documents, Kept
from imagewright.api.executed_components import ExecutedComponents
from imagewright.aws.clients import AwsClients
from imagewright.clock import Clock
from imagewright.door.exports import free_export
from imagewright.door.workshop import Workshop
from imagewright.engine.builds import Builds
from imagewright.engine.journal import Journal
from imagewright.engine.plan import BuildPlan, KeptDocument
from imagewright.engine.ports import Components, World
from imagewright.engine.records import StepExecution
from imagewright.engine.rollback import Rollback
from imagewright.engine.scene import Scenes
from imagewright.engine.secrets import BuildSecrets
from imagewright.engine.steps import Steps
from imagewright.errors import InvalidRequest, ServiceError, ServiceUnavailable
from imagewright.logs.builds import BuildLogs, StepLog
from imagewright.outside.places import Outside, open_outside
from imagewright.settings import ComponentLimits, Settings
from imagewright.state import StateDirectory
from imagewright.store import instances, machine_images
from imagewright.store.builds import BuildRecords
from imagewright.store.database import Database
from imagewright.store.outbox import Outbox, has_untold

if TYPE_CHECKING:
    from imagewright.distribution.targets import Targets
    from imagewright.images.catalogue import Asker, Catalogue, OwnImage
    from imagewright.images.workbench import Workbench
    from imagewright.sandboxes import Sandbox

READY_SECONDS = 60.0
_TOLD_LOOK_SECONDS = 0.05
RELEARN_TIMES = 6
"""The secrets of a build have so many times ``aws.timeout_seconds`` to be read again: what does not
answer takes up to four, as it is tried twice; see ``relearn``."""

_log = structlog.get_logger()


class PlannedDocuments:
    """Opens the documents of plans: ``engine.ports.Documents``."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def open(self, kept: KeptDocument, region: str) -> str:
        """Return the text; a sealed one is opened with its key."""
        stored = Kept(base64.b64decode(kept.content), kept.sealed_key)
        return self._documents.open_kept(stored, region).text


class Builder(Protocol):
    """What the API needs of the part that builds."""

    def check_parent(self, parent: str, *, account: str, region: str) -> None:
        """Raise InvalidRequest for a parent image that stands for nothing here."""
        ...

    def region_refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Say why nothing can go to a region; see ``engine.ports.Distribution``."""
        ...

    def release(self, connection: Connection, image_arn: str) -> None:
        """Let go of what the build of an image left behind."""
        ...

    def enqueue(self, connection: Connection, run_id: str) -> None:
        """See ``Journal.enqueue``."""
        ...

    def look(self) -> None:
        """See ``Journal.look``."""
        ...

    def wait_until_ready(self) -> None:
        """Return once builds can be asked for and answered. Raises ServiceUnavailable."""
        ...

    def wait_until_told(self, seconds: float) -> None:
        """Return once no event waits for its listener, or after a while."""
        ...

    def answer(
        self, connection: Connection, *, run_id: str, step_id: str, message: Mapping[str, str]
    ) -> None:
        """See ``Journal.answer``."""
        ...

    def workshop(self) -> Workshop:
        """Return what builds stand on. Raises ServiceUnavailable, or InvalidRequest."""
        ...

    def start(self, *, builds: bool = True) -> None:
        """Begin to load, on a thread of its own; without builds, none is begun or taken up."""
        ...


def open_builder(
    state: StateDirectory,
    settings: Settings,
    database: Database,
    documents: Documents,
    *,
    clients: AwsClients,
    outbox: Outbox,
    secret: bytes,
    clock: Clock,
) -> Builder:
    """Return the builder for this host. Nothing is loaded yet."""
    if sys.platform != "linux":
        return NoBuilder()
    return SandboxBuilder(
        state,
        settings,
        database,
        documents,
        clients=clients,
        outbox=outbox,
        secret=secret,
        clock=clock,
    )


class NoBuilder:
    """The builder of a host on which no driver runs: it refuses, and says what it would take."""

    def check_parent(self, parent: str, *, account: str, region: str) -> None:
        """Refuse."""
        raise self._refusal(parent)

    def _refusal(self, what: str) -> InvalidRequest:
        return InvalidRequest(
            f"No driver on this host ({sys.platform}) can build on '{what}': the driver sandbox "
            "needs Linux. Run the server on a Linux machine or in a Linux virtual machine."
        )

    def region_refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Refuse; ``check_parent`` was asked before."""
        return f"no driver builds images on this host ({sys.platform})"

    def release(self, connection: Connection, image_arn: str) -> None:
        """Let go of nothing: there was no build."""

    def enqueue(self, connection: Connection, run_id: str) -> None:
        """Refuse; ``check_parent`` was asked before."""
        raise self._refusal(run_id)

    def look(self) -> None:
        """Look for nothing: nothing is ever queued."""

    def wait_until_ready(self) -> None:
        """Wait for nothing: there is no engine."""

    def wait_until_told(self, seconds: float) -> None:
        """Wait for nothing: nothing is ever told."""

    def answer(
        self, connection: Connection, *, run_id: str, step_id: str, message: Mapping[str, str]
    ) -> None:
        """Refuse; nothing waits here."""
        raise self._refusal(run_id)

    def workshop(self) -> Workshop:
        """Refuse."""
        raise InvalidRequest(
            f"No driver runs on this host ({sys.platform}): the driver sandbox needs Linux."
        )

    def start(self, *, builds: bool = True) -> None:
        """Load nothing."""


@dataclass(frozen=True, slots=True)
class _Parts:
    catalogue: "Catalogue"
    targets: "Targets"
    workshop: Workshop


class SandboxBuilder:
    """The builder of a Linux host."""

    def __init__(
        self,
        state: StateDirectory,
        settings: Settings,
        database: Database,
        documents: Documents,
        *,
        clients: AwsClients,
        outbox: Outbox,
        secret: bytes,
        clock: Clock,
    ) -> None:
        self._state = state
        self._settings = settings
        self._database = database
        self._documents = PlannedDocuments(documents)
        self._components = ExecutedComponents(database, documents, clock)
        self._secret = secret
        self._clock = clock
        self._logs = BuildLogs(state.logs, clock)
        self._clients = clients
        self._outbox = outbox
        self._journal = Journal(database.soon, builds_parallel_max=settings.builds_parallel_max)
        self._ready = threading.Event()
        self._parts: _Parts | None = None
        self._problem: str | None = None

    def check_parent(self, parent: str, *, account: str, region: str) -> None:
        """Raise InvalidRequest for a parent image that stands for nothing here."""
        from imagewright.images.catalogue import Asker
        from imagewright.machines.machine import MachineError

        try:
            self._loaded.catalogue.check(parent, Asker(account, region))
        except MachineError as error:
            raise InvalidRequest(str(error)) from None

    def region_refusal(
        self, region: str, kms_key_id: str | None, *, is_container: bool = False
    ) -> str | None:
        """Say why nothing can go to a region; see ``engine.ports.Distribution``."""
        return self._loaded.targets.refusal(region, kms_key_id, is_container=is_container)

    def release(self, connection: Connection, image_arn: str) -> None:
        """Let go of the layers that the image held, and end its machines; ``prune`` frees them."""
        machine_images.forget(connection, image_arn)
        instances.forget(connection, image_arn)
        self._logs.delete(image_arn)

    def enqueue(self, connection: Connection, run_id: str) -> None:
        """See ``Journal.enqueue``."""
        self._journal.enqueue(connection, run_id)

    def look(self) -> None:
        """See ``Journal.look``."""
        self._journal.look()

    def wait_until_ready(self) -> None:
        """Return once builds can be asked for and answered. Raises ServiceUnavailable."""
        _ = self._loaded

    def answer(
        self, connection: Connection, *, run_id: str, step_id: str, message: Mapping[str, str]
    ) -> None:
        """See ``Journal.answer``."""
        self._journal.answer(connection, run_id=run_id, step_id=step_id, message=message)

    def workshop(self) -> Workshop:
        """Return what builds stand on, once it is loaded. Raises ServiceUnavailable."""
        return self._loaded.workshop

    def start(self, *, builds: bool = True) -> None:
        """Begin to load, on a thread of its own; without builds, none is begun or taken up."""
        threading.Thread(target=self._load, args=[builds], name="builder", daemon=True).start()

    def wait_until_told(self, seconds: float) -> None:
        """Return once no event waits for its listener, or after a while.

        What waits still is told by the process that works on builds next.
        """
        until = time.monotonic() + seconds
        with suppress(ServiceError):  # the database, which has been told of already
            while self._parts is not None and time.monotonic() < until:
                with self._database.read() as connection:
                    if not has_untold(connection):
                        return
                time.sleep(_TOLD_LOOK_SECONDS)

    @property
    def _loaded(self) -> _Parts:
        """Wait until all is loaded. Raises ServiceUnavailable."""
        if not self._ready.wait(READY_SECONDS):
            raise ServiceUnavailable("The engine is still starting. Retry in a moment.")
        if self._parts is None:
            raise ServiceUnavailable(f"Builds cannot run: {self._problem}")
        return self._parts

    def _load(self, builds: bool) -> None:
        try:
            self._parts = self._assemble(builds=builds)
        except Exception as error:
            _log.exception("the engine could not start")
            self._problem = str(error)
        finally:
            self._ready.set()

    def _assemble(self, *, builds: bool) -> _Parts:
        """Clear up what a crash left, and put together what builds stand on."""
        from imagewright.aws.instance_profiles import InstanceProfiles
        from imagewright.distribution.targets import Targets
        from imagewright.images.bases import Bases
        from imagewright.images.catalogue import Catalogue
        from imagewright.images.mirrors import proxy_environment
        from imagewright.images.prune import Policy
        from imagewright.images.workbench import Workbench
        from imagewright.instances import describing
        from imagewright.machines.ledger import reap
        from imagewright.sandboxes import debian_mirror, open_pulls, open_sandbox

        settings, database = self._settings, self._database
        proxies = proxy_environment()
        world = _open_world(
            self._clients,
            database,
            self._outbox,
            open_outside(settings, self._state.root, proxies=proxies),
            self._components,
            settings.components,
        )
        secrets = BuildSecrets(
            partial(
                relearn,
                documents=self._documents,
                world=world,
                seconds_max=RELEARN_TIMES * settings.aws.timeout_seconds,
            )
        )
        sandbox = open_sandbox(
            self._state,
            settings,
            database,
            self._clock,
            describe=describing(
                database,
                InstanceProfiles(settings.instance_profiles, self._clients, self._clock),
                partial(secrets.of, begins=True),
            ),
        )
        ledger, layer_store = sandbox.ledger, sandbox.layer_store
        for reaped in reap(ledger, {**layer_store.frees(), "file": free_export}):
            _log.info("reaped", entry=reaped.entry.description, problem=reaped.problem)
        with database.write() as connection:
            age_max = timedelta(hours=settings.sandbox.kept_hours_max)
            instances.end_long_kept(connection, age_max, self._clock.now())
        layer_store.recover()
        layer_store.prepare()
        catalogue = Catalogue(
            layer_store,
            Bases(
                layer_store,
                locks=self._state.root / "locks",
                mirror=lambda: debian_mirror(settings),
            ),
            table=settings.parents,
            own_images=self._own_image,
            settings_file=self._state.root / "settings.toml",
            pulls=open_pulls(self._state, settings, sandbox),
        )
        workbench = Workbench(
            database=database,
            layer_store=layer_store,
            driver=sandbox.driver,
            catalogue=catalogue,
            has_network=settings.sandbox.network != "none",
            secret=self._secret,
            clock=self._clock,
            advisories=settings.scanning.advisories,
            gives_credentials=settings.instance_profiles.__contains__,
        )
        targets = Targets(
            settings.regions,
            self._state.regions,
            clients=self._clients,
            ledger=ledger,
            timeout_seconds=settings.aws.timeout_seconds,
            ca_bundle=settings.sandbox.ca_bundle,
            proxies=proxies,
        )
        if builds:
            self._open_engine(workbench, sandbox, targets, world, secrets)
        workshop = Workshop(
            layer_store=layer_store,
            ledger=ledger,
            network=sandbox.network,
            policy=Policy(
                max_age=timedelta(hours=settings.layers.max_age_hours),
                size_bytes_max=settings.layers.size_bytes_max,
            ),
            own_layer=catalogue.own_layer,
            exports=self._state.exports,
        )
        return _Parts(catalogue, targets, workshop)

    def _open_engine(
        self,
        workbench: "Workbench",
        sandbox: "Sandbox",
        targets: "Targets",
        world: World,
        secrets: BuildSecrets,
    ) -> None:
        """Build the engine, and take up the builds of before."""
        from imagewright.distribution.distributor import Distributor
        from imagewright.events import Teller, tellers_of

        distributor = Distributor(
            database=self._database,
            layer_store=sandbox.layer_store,
            layer_of=workbench.layer_of,
            parent_image_id=workbench.parent_image_id,
            targets=targets,
            packing=self._state.exports,
            ledger=sandbox.ledger,
            outbox=self._outbox,
            clock=self._clock,
        )
        records = BuildRecords(self._database, self._outbox)
        scenes = Scenes(records, self._documents, ACTIONS, workbench.parent_image_id)
        steps = Steps(
            records=records,
            scenes=scenes,
            actions=STEP_ACTIONS,
            machines=workbench,
            distribution=distributor,
            documents=self._documents,
            world=world,
            clock=self._clock,
            log=self._step_log,
            secrets=secrets,
        )
        builds = Builds(
            records=records,
            scenes=scenes,
            steps=steps,
            rollback=Rollback(records=records, scenes=scenes, steps=steps, actions=STEP_ACTIONS),
            machines=workbench,
            clock=self._clock,
            forewarn=self._forewarn,
        )
        tellers = tellers_of(self._settings, self._clients, self._clock)
        Teller(tellers, database=self._database, logs=self._logs).start()
        self._journal.open(run_build=builds.run, run_workflow=builds.run_workflow)

    def _own_image(self, reference: str, asker: "Asker | None") -> "OwnImage | None":
        from imagewright.images.catalogue import OwnImage

        with self._database.read() as connection:
            whose = None if asker is None else (asker.account, asker.region)
            row = machine_images.by_reference(connection, reference, whose)
        return None if row is None else OwnImage(row.layer_id, row.config or {})

    def _forewarn(self, plan: BuildPlan) -> None:
        """Say that the topic of the infrastructure configuration will not be told (SNS-01)."""
        topic_arn, missing = plan.infrastructure.sns_topic_arn, self._clients.missing("sns")
        if topic_arn is not None and missing is not None:
            note = f"The topic '{topic_arn}' will not be told how this build ends. {missing}."
            self._logs.write(plan.image_arn, "note", note)

    def _step_log(self, plan: BuildPlan, step: StepExecution) -> StepLog:
        return StepLog(
            self._logs,
            plan.image_arn,
            step=step.name,
            action=step.action,
            step_execution=step.id,
        )


def _open_world(
    clients: AwsClients,
    database: Database,
    outbox: Outbox,
    outside: Outside,
    components: Components,
    limits: ComponentLimits,
) -> World:
    """Put together what steps reach outside their build; nothing is connected yet."""
    # Only builds need these, and the port answers before there is one.
    from imagewright.aws.launch_templates import LaunchTemplates
    from imagewright.aws.messages import Messages
    from imagewright.aws.parameters import Parameters
    from imagewright.aws.state_machines import StateMachines
    from imagewright.events import Events

    return World(
        components=components,
        parameters=Parameters(clients),
        launch_templates=LaunchTemplates(clients),
        state_machines=StateMachines(clients),
        messages=Messages(clients),
        events=Events(database, outbox),
        outside=outside,
        limits=limits,
    )
