"""Inputs and outputs that several step actions share, so that they read alike everywhere."""

import uuid
from dataclasses import dataclass, field
from typing import Final, Literal

from imagewright.documents.specs import about

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

KIB: Final = 1024


@dataclass(frozen=True, kw_only=True)
class OneInstance:
    """The inputs of an action that needs a machine and nothing else."""

    instance_id: str = field(
        metadata=about(
            "The machine to work on: the `instanceId` put out by the step that launched it."
        )
    )


@dataclass(frozen=True, kw_only=True)
class CommandOutputs:
    """What comes of a command that Systems Manager would have run."""

    run_command_id: str = field(metadata=about("The id of the command."))
    status: str = field(metadata=about("How the command ended, `Success` when it ended well."))
    output: str = field(metadata=about("What the command printed."))


@dataclass(frozen=True, kw_only=True)
class DistributedImage:
    """One copy of an image, as DistributeImage reports it."""

    region: str = field(metadata=about("Where the copy lies."))
    name: str | None = field(default=None, metadata=about("The name of the copy."))
    ami_id: str | None = field(default=None, metadata=about("The id of the copy."))
    account_id: str | None = field(default=None, metadata=about("Whose copy it is."))
    date_started: str | None = field(default=None, metadata=about("In UTC."))
    date_stopped: str | None = field(default=None, metadata=about("In UTC."))
    status: Literal["Completed", "Failed", "Cancelled", "TimedOut"] = field(
        metadata=about("How it ended.")
    )
    step: Literal["Completed", "CopyAmiRunning"] = field(metadata=about("Where it stopped."))
    error_message: str | None = field(default=None, metadata=about("Why it failed."))


_COMMANDS: Final = uuid.UUID("6f1d1d0e-7c1b-5e0f-9d0c-2f6f8b6f3a11")


def command_id(token: str) -> str:
    """Return the id of a step's command: the same however often the step is taken up again."""
    return str(uuid.uuid5(_COMMANDS, token))
