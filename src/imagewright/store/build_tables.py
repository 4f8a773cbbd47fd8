"""The tables of builds: their plans, executions and steps, and the images that came of them."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from imagewright.store.metadata import METADATA

_ARN = String(1024)
_Sequence = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER autoincrements there

builds = Table(
    "builds",
    METADATA,
    Column("image_arn", _ARN, primary_key=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("plan", JSON, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("attempt", Integer, nullable=False, default=0, server_default="0"),
    comment="What each build is to do, fixed when it was asked for (IMG-06). attempt: how often "
    "it was retried.",
)

workflow_executions = Table(
    "workflow_executions",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("image_arn", _ARN, ForeignKey("builds.image_arn", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("planned", Integer, nullable=False, server_default="0"),
    Column("retried", Boolean, nullable=False, default=False, server_default=false()),
    Column("workflow_arn", _ARN, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("status", String(24), nullable=False),
    Column("parallel_group", String(100), nullable=True),
    Column("message", Text, nullable=True),
    Column("outputs", JSON, nullable=False),
    Column("started_at", String(32), nullable=True),
    Column("ended_at", String(32), nullable=True),
    UniqueConstraint("image_arn", "ordinal"),
    comment="ordinal: in the order they run. planned: the place of its workflow in the plan. "
    "retried: another took its place.",
)

step_executions = Table(
    "step_executions",
    METADATA,
    Column("id", String(42), primary_key=True),
    Column(
        "workflow_execution_id",
        String(40),
        ForeignKey("workflow_executions.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("image_arn", _ARN, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("name", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("description", Text, nullable=True),
    Column("status", String(16), nullable=False),
    Column("rollback_status", String(16), nullable=True),
    Column("message", Text, nullable=True),
    Column("inputs", Text, nullable=True),
    Column("outputs", Text, nullable=True),
    Column("results", JSON, nullable=True),
    Column("on_failure", String(16), nullable=False),
    Column("timeout_seconds", Integer, nullable=False),
    Column("started_at", String(32), nullable=True),
    Column("ended_at", String(32), nullable=True),
    Column("is_answered", Boolean, nullable=False, default=False),
    UniqueConstraint("workflow_execution_id", "ordinal"),
    Index("step_executions_waiting", "status", "started_at"),
)

machine_images = Table(
    "machine_images",
    METADATA,
    Column("id", String(24), primary_key=True),
    Column("token", String(64), nullable=False, unique=True),
    Column("image_arn", _ARN, nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("layer_id", String(64), nullable=False),
    Column("name", String(256), nullable=False),
    Column("platform", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("description", Text, nullable=True),
    Column("tags", JSON, nullable=True),
    Column("copy_of", String(24), nullable=True),
    Column("location", Text, nullable=True),
    Column("launch_permission", JSON, nullable=True),
    Column("config", JSON, nullable=True),
    Index("machine_images_image", "image_arn"),
    comment="The images ami-… that CreateImage made, and their copies in other regions and "
    "accounts: a layer and its name. copy_of, location: of a copy, what it is a copy of and where "
    "it lies. launch_permission: which other accounts may use it. config: of a container image "
    "ctr-…, how containers of it are run.",
)

FAILED_WORK: Final = "it failed, and what it left stays"
"""The reason of a piece of work whose step failed and let the next ones go on."""
STOOD_ON: Final = "stoodOn"
"""The only output of such a piece: the layer that the machine stood on before it."""

machine_steps = Table(
    "machine_steps",
    METADATA,
    Column("instance_id", String(24), nullable=False),
    Column("token", String(64), nullable=False),
    Column("unit", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("layer_id", String(64), nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("reused", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("instance_id", "token", "unit"),
    comment="Which layer each piece of work left its machine on; what makes it happen once.",
)

untold_events = Table(
    "untold_events",
    METADATA,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("listener", String(64), nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("event", JSON, nullable=False),
    UniqueConstraint("listener", "event_id"),
    sqlite_autoincrement=True,
    comment="Events that someone is still to be told of (EVT-01 to EVT-04), in their order.",
)
