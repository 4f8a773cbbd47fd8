"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "builds",
        sa.Column("image_arn", sa.String(length=1024), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("image_arn"),
        comment="What each build is to do, fixed when it was asked for (IMG-06).",
    )
    op.create_table(
        "client_tokens",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("response", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "operation", "token"),
        comment="What was answered to a request with a client token (IDM-02).",
    )
    op.create_index("client_tokens_age", "client_tokens", ["created_at"], unique=False)
    op.create_table(
        "instances",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("driver", sa.String(length=32), nullable=False),
        sa.Column("layer", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=1024), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.Column("ended_at", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="Machines as rows: any worker brings one up again from its driver and top layer. owner: the build it belongs to. state: running, kept (after a failure) or terminated.",
    )
    op.create_index("instances_state", "instances", ["state", "created_at"], unique=False)
    op.create_table(
        "layer_holders",
        sa.Column("holder", sa.String(length=256), nullable=False),
        sa.Column("layer", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("holder", "layer"),
        comment="Who needs a layer and all beneath it: an image, an instance.",
    )
    op.create_index("layer_holders_layer", "layer_holders", ["layer"], unique=False)
    op.create_table(
        "layers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("parent", sa.String(length=32), nullable=True),
        sa.Column("directory", sa.String(length=32), nullable=False),
        sa.Column("flat_directory", sa.String(length=32), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.Column("used_at", sa.String(length=24), nullable=False),
        sa.Column("unsynced_boot_id", sa.String(length=64), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=True),
        sa.Column("outputs", sa.JSON(), nullable=True),
        sa.Column("has_network", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("directory"),
        sa.UniqueConstraint("flat_directory"),
        comment="Sealed layers only. unsynced_boot_id: written to memory, not yet surely to the disk, in this run of the host. key and what follows: set when a step's layer may be reused.",
    )
    op.create_index("layers_key", "layers", ["key", "created_at"], unique=False)
    op.create_index("layers_parent", "layers", ["parent"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(length=256), nullable=False),
        sa.Column("keeper", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="What was made outside the database and not freed yet. keeper: the process that made it; once that is gone, the reaper frees it.",
    )
    op.create_index("ledger_age", "ledger", ["entered_at"], unique=False)
    op.create_table(
        "machine_images",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("image_arn", sa.String(length=1024), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("layer_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
        comment="The images that CreateImage made, ami-…: a layer and its name.",
    )
    op.create_index("machine_images_image", "machine_images", ["image_arn"], unique=False)
    op.create_table(
        "machine_steps",
        sa.Column("instance_id", sa.String(length=24), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("layer_id", sa.String(length=64), nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=False),
        sa.Column("reused", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "token", "unit"),
        comment="Which layer each piece of work left its machine on; what makes it happen once.",
    )
    op.create_table(
        "packages",
        sa.Column("image", sa.String(length=1024), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("image", "name", "version"),
        comment="What a build found installed in its image, by the image's build version ARN.",
    )
    op.create_table(
        "references",
        sa.Column("referrer", sa.String(length=1024), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=160), nullable=False),
        sa.Column("target", sa.String(length=1024), nullable=False),
        sa.PrimaryKeyConstraint("referrer", "target"),
        comment="Who uses whom: the ARN of the user, and the reference as it was given.",
    )
    op.create_index(
        "references_target", "references", ["account", "region", "kind", "path"], unique=False
    )
    op.create_table(
        "versions",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=160), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("patch", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.Column("last_build", sa.Integer(), nullable=False),
        sa.Column("newest_build", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("account", "region", "kind", "path", "major", "minor", "patch"),
        comment="One row per version that ever was: its first spelling, and its last build number, which no later build reuses (VER-08). newest_build is null once no build is left.",
    )
    op.create_table(
        "resources",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=160), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("patch", sa.Integer(), nullable=False),
        sa.Column("build", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=True),
        sa.Column("platform", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key", sa.JSON(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.Column("updated_at", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(
            ["account", "region", "kind", "path", "major", "minor", "patch"],
            [
                "versions.account",
                "versions.region",
                "versions.kind",
                "versions.path",
                "versions.major",
                "versions.minor",
                "versions.patch",
            ],
        ),
        sa.PrimaryKeyConstraint("sequence"),
        comment="One row per build (or per recipe, or per configuration: build 0). The document is clear text, or sealed where sealed_key says under which key.",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "resources_age", "resources", ["account", "region", "kind", "sequence"], unique=False
    )
    op.create_index(
        "resources_identity",
        "resources",
        ["account", "region", "kind", "path", "major", "minor", "patch", "build"],
        unique=True,
    )
    op.create_table(
        "workflow_executions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("image_arn", sa.String(length=1024), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("workflow_arn", sa.String(length=1024), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("parallel_group", sa.String(length=100), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("outputs", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["image_arn"], ["builds.image_arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("image_arn", "ordinal"),
    )
    op.create_table(
        "step_executions",
        sa.Column("id", sa.String(length=42), nullable=False),
        sa.Column("workflow_execution_id", sa.String(length=40), nullable=False),
        sa.Column("image_arn", sa.String(length=1024), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("rollback_status", sa.String(length=16), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("outputs", sa.Text(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=True),
        sa.Column("on_failure", sa.String(length=16), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"], ["workflow_executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workflow_execution_id", "ordinal"),
    )
    op.create_index(
        "step_executions_waiting", "step_executions", ["status", "started_at"], unique=False
    )
