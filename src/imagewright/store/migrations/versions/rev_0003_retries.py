"""Builds that are retried: which executions count, and what machines were launched on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add four columns."""
    op.add_column("builds", sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
    executions = "workflow_executions"
    op.add_column(
        executions, sa.Column("planned", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute("UPDATE workflow_executions SET planned = ordinal")
    op.add_column(
        executions, sa.Column("retried", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("instances", sa.Column("launch_layer", sa.String(length=32), nullable=True))
