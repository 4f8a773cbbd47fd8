"""What surrounds a run: where it works, and what its scripts and expressions can read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from imagewright.documents.specs import Platform
from imagewright.masking import Secrets, StoredText
from imagewright.outside.places import Outside, no_settings
from imagewright.settings import ComponentLimits

ReadParameter = Callable[[str], StoredText]
"""Returns what a parameter of the Parameter Store holds, by its name; raises ModuleFailure."""

ReadComponent = Callable[[str], str]
"""Returns the document of a component by its ARN; raises ModuleFailure."""


@dataclass(frozen=True, kw_only=True)
class RunEnvironment:
    """The surroundings of one run (``component-documents.md`` §3.2, §3.7)."""

    working_directory: str = "/tmp"  # noqa: S108  (a path of the machine, and AWS's default)
    """Absolute; made if it is not there."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What scripts find in their environment: ``IMAGE_PHASE`` and the like."""
    platform: Platform = Platform.LINUX
    execution_id: str = ""
    account_id: str = ""
    region: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Answers to ``aws:imds:``, by path below ``meta-data/``."""
    read_parameter: ReadParameter | None = None
    """Answers ``aws:ssm:``; None: what reads such is refused before anything runs."""
    no_parameter_store: str | None = None
    """Why ``aws:ssm:`` cannot be answered, as far as that is known before; None: it may be."""
    secrets: Secrets = field(default_factory=Secrets)
    """What must not be written anywhere; grows as secret parameters are read."""
    read_component: ReadComponent | None = None
    """Answers ExecuteDocument that names an ARN; None: such is refused before anything runs."""
    log_url: str = ""
    """Where the log of the run is kept; empty where that is no folder."""
    outside: Outside = field(default_factory=no_settings)
    """What modules reach elsewhere, by way of this host; nothing of it is for scripts."""
    limits: ComponentLimits = field(default_factory=ComponentLimits)
    """What a run does not go beyond."""

    def missing(self, service: str) -> str | None:
        """Say what a service would take that a component asks, or None if it can be asked."""
        if service != "ssm":
            return self.outside.missing(service)
        return self.no_parameter_store if self.read_parameter else "nothing here can be asked"

    @property
    def script_environment(self) -> dict[str, str]:
        """What every script gets. HOME and PATH are the machine's to know."""
        return {"WORKING_DIRECTORY": self.working_directory, **self.variables}
