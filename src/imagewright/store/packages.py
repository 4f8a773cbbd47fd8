"""What builds found installed in their images."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from imagewright.store.machine_tables import packages


def put(connection: Connection, image: str, found: Iterable[tuple[str, str]]) -> None:
    """Set the packages of an image, as names and versions, in place of what was there."""
    forget(connection, image)
    rows = [{"image": image, "name": n, "version": v} for n, v in sorted(set(found))]
    if rows:
        connection.execute(insert(packages), rows)


def page(
    connection: Connection, image: str, *, after: tuple[str, str] | None, count: int
) -> list[tuple[str, str]]:
    """Return names and versions in their order, from the one after ``after`` on."""
    statement = select(packages.c.name, packages.c.version).where(packages.c.image == image)
    if after is not None:
        name, version = after
        later = (packages.c.name > name) | (
            (packages.c.name == name) & (packages.c.version > version)
        )
        statement = statement.where(later)
    ordered = statement.order_by(packages.c.name, packages.c.version).limit(count)
    return [(row.name, row.version) for row in connection.execute(ordered)]


def forget(connection: Connection, image: str) -> None:
    """Drop what is known of an image."""
    connection.execute(delete(packages).where(packages.c.image == image))
