"""Run by Alembic: apply the revisions on the connection that ``store.schema`` hands over."""

from alembic import context

from imagewright.store import build_tables, machine_tables, tables  # noqa: F401 - they fill METADATA
from imagewright.store.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
