"""Builds that are retried, what machines were launched on, and what scans find."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add four columns and a table."""
    op.add_column("builds", sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
    executions = "workflow_executions"
    op.add_column(
        executions, sa.Column("planned", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute("UPDATE workflow_executions SET planned = ordinal")
    op.add_column(
        executions, sa.Column("retried", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "scan_findings",
        sa.Column("image", sa.String(length=1024), nullable=False),
        sa.Column("vulnerability", sa.String(length=256), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("observed_at", sa.String(length=24), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("image", "vulnerability"),
        comment="What scans found in images under test (SCN-05).",
    )
    op.create_index(
        "scan_findings_place",
        "scan_findings",
        ["account", "region", "image", "vulnerability"],
        unique=False,
    )
    op.add_column("instances", sa.Column("launch_layer", sa.String(length=32), nullable=True))
