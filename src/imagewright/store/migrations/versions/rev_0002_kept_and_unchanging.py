"""When a machine was kept, and works that changed no file."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, a column and an index."""
    op.create_table(
        "unchanging_works",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("layer", sa.String(length=32), nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=False),
        sa.Column("has_network", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="Works that changed no file: they made no layer, and serve again from the one that they stood on, for as long as that is there.",
    )
    op.create_index("unchanging_works_layer", "unchanging_works", ["layer"], unique=False)
    op.add_column("instances", sa.Column("kept_at", sa.String(length=24), nullable=True))
    op.create_index("instances_owner", "instances", ["owner"], unique=False)
