"""The one set of tables, so that a migration and a test see them all."""

from sqlalchemy import MetaData

METADATA = MetaData()
