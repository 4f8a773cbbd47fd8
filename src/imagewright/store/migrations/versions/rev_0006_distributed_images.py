"""Copies of images in other regions and accounts, and who may use an image."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is known of a copy, and of an image that others may use."""
    images = "machine_images"
    op.add_column(images, sa.Column("description", sa.Text(), nullable=True))
    op.add_column(images, sa.Column("tags", sa.JSON(), nullable=True))
    op.add_column(images, sa.Column("copy_of", sa.String(length=24), nullable=True))
    op.add_column(images, sa.Column("location", sa.Text(), nullable=True))
    op.add_column(images, sa.Column("launch_permission", sa.JSON(), nullable=True))
