"""Alembic's revisions; ``store.schema`` runs them."""
