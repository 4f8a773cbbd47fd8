from imagewright.arns import Kind
from imagewright.store import resources
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Place
from imagewright.versions import OpenVersion, Version

PLACE = Place(account="123456789012", region="us-east-1", kind=Kind.IMAGE_RECIPE)


def a_draft(version: Version, text: str) -> Draft:
    return Draft(
        path="web",
        version=version,
        version_text=text,
        name="web",
        body={},
        created_at="2026-01-01T00:00:00.000Z",
    )


def add_next(database: Database, wanted: str) -> str | None:
    opened = OpenVersion.parse(wanted)
    assert isinstance(opened, OpenVersion)
    with database.write() as connection:
        return resources.add_next(connection, PLACE, "web", opened, a_draft).arn.version


def test_only_versions_that_are_alike_otherwise_are_counted_on(database: Database) -> None:
    """VER-11."""
    with database.write() as connection:
        for text in ("1.0.3", "1.1.7", "2.0.9"):
            resources.add_only(connection, PLACE, a_draft(Version.parse(text), text))

    assert [add_next(database, wanted) for wanted in ("1.0.x", "1.x.0", "x.0.9")] == [
        "1.0.4",
        "1.0.0",
        "3.0.9",
    ]


def test_a_deleted_version_is_not_counted_on(database: Database) -> None:
    """VER-11: among the versions that are there."""
    add_next(database, "1.0.x")
    with database.write() as connection:
        last = resources.newest_build(connection, PLACE, "web", Version(1, 0, 0))
        assert last is not None
        resources.remove(connection, PLACE, last)

    assert add_next(database, "1.0.x") == "1.0.0"


def test_a_number_that_another_has_just_taken_is_passed_over(database: Database) -> None:
    """VER-13: between the look and the write."""
    opened = OpenVersion.parse("1.0.x")
    assert isinstance(opened, OpenVersion)

    with database.write() as connection:

        def overtaken(version: Version, text: str) -> Draft:
            if version.patch < 2:
                resources.add_only(connection, PLACE, a_draft(version, text))
            return a_draft(version, text)

        stored = resources.add_next(connection, PLACE, "web", opened, overtaken)

    assert stored.arn.version == "1.0.2"


def test_a_configuration_is_replaced_in_place_while_it_is_there(database: Database) -> None:
    """INF-10, INF-12."""
    place = Place(
        account="123456789012", region="us-east-1", kind=Kind.INFRASTRUCTURE_CONFIGURATION
    )
    content = {"description": None, "body": {"b": 2}, "updated_at": "2026-01-02T00:00:00.000Z"}
    with database.write() as connection:
        stored = resources.add_only(connection, place, a_draft(resources.UNVERSIONED, "0.0.0"))
        assert resources.replace_in_place(connection, stored, **content)  # type: ignore[arg-type]  # a table of them
        found = resources.newest_build(connection, place, "web", resources.UNVERSIONED)
        resources.remove(connection, place, stored)

        assert not resources.replace_in_place(connection, stored, **content)  # type: ignore[arg-type]

    assert found is not None
    assert (found.name, found.body, found.updated_at) == (
        "web",
        {"b": 2},
        "2026-01-02T00:00:00.000Z",
    )
