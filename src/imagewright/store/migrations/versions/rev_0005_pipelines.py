"""Pipelines: how each stands, and the images that came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "pipeline_states",
        sa.Column("arn", sa.String(length=1024), primary_key=True),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_run_at", sa.String(length=24), nullable=True),
        sa.Column("next_run_at", sa.String(length=24), nullable=True),
        comment="One row per pipeline. next_run_at: when its schedule starts the next build, if it "
        "does (PIP-33).",
    )
    op.create_index("pipeline_states_due", "pipeline_states", ["next_run_at"], unique=False)
    op.create_table(
        "pipeline_runs",
        sa.Column("image_arn", sa.String(length=1024), primary_key=True),
        sa.Column("pipeline_arn", sa.String(length=1024), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("scheduled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.false()),
        comment="The images that pipelines built; sequence is the image's own. counted: its "
        "failure was, so that a retry that fails again is none of its own.",
    )
    op.create_index(
        "pipeline_runs_pipeline", "pipeline_runs", ["pipeline_arn", "sequence"], unique=False
    )
