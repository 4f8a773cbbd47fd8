"""Container images: how a container of an image, or of what a machine stands on, is run."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the configuration of container images to images and machines."""
    op.add_column("machine_images", sa.Column("config", sa.JSON(), nullable=True))
    op.add_column("instances", sa.Column("config", sa.JSON(), nullable=True))
