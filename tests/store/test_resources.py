import threading
from dataclasses import replace

import pytest

from imagewright.arns import Kind
from imagewright.store import references, resources
from imagewright.store.database import Database
from imagewright.store.resources import AlreadyStored, Draft, Place, Stored, VersionKey
from imagewright.versions import ANY_VERSION, Version, VersionPattern

PLACE = Place(account="123456789012", region="us-east-1", kind=Kind.COMPONENT)


def a_draft(version: str = "1.0.0", *, path: str = "web", digest: str = "d") -> Draft:
    return Draft(
        path=path,
        version=Version.parse(version),
        version_text=version,
        name=path,
        digest=digest,
        body={},
        created_at="2026-01-01T00:00:00.000Z",
    )


def add(database: Database, draft: Draft) -> Stored:
    with database.write() as connection:
        return resources.add_build(connection, PLACE, draft)


def names(stored: list[Stored]) -> list[str]:
    return [str(entry.arn).rpartition(":")[2] for entry in stored]


def test_builds_of_a_version_count_from_one(database: Database) -> None:
    """VER-05, VER-07."""
    builds = [add(database, a_draft(digest=str(number))).arn.build for number in range(3)]

    assert builds == [1, 2, 3]


def test_a_draft_like_the_newest_build_is_refused_and_the_arn_named(database: Database) -> None:
    """VER-05."""
    first = add(database, a_draft())

    with pytest.raises(AlreadyStored) as caught:
        add(database, a_draft())

    assert caught.value.arn == first.arn


def test_a_draft_like_an_older_build_is_a_new_build(database: Database) -> None:
    """VER-05."""
    add(database, a_draft(digest="a"))
    add(database, a_draft(digest="b"))

    assert add(database, a_draft(digest="a")).arn.build == 3


def test_a_build_number_is_not_used_again_after_a_delete(database: Database) -> None:
    """VER-08, CRT-74."""
    only = add(database, a_draft())
    with database.write() as connection:
        assert resources.remove(connection, PLACE, only)

    with database.read() as connection:
        assert resources.newest_build(connection, PLACE, "web", Version(1, 0, 0)) is None
        assert list(resources.page_of_versions(connection, PLACE, after=None, limit=9)) == []
    assert add(database, a_draft()).arn.build == 2


def test_the_first_spelling_of_a_version_wins(database: Database) -> None:
    """VER-09, O-04."""
    add(database, a_draft("2021.01.01", digest="a"))

    again = add(database, a_draft("2021.1.1", digest="b"))

    assert (again.arn.version, again.arn.build) == ("2021.01.01", 2)


@pytest.mark.parametrize(
    ("pattern", "newest"), [("x.x.x", "2.2.4"), ("1.x.x", "1.7.8"), ("1.6.x", "1.6.8")]
)
def test_a_pattern_finds_the_highest_version_it_means(
    database: Database, pattern: str, newest: str
) -> None:
    """VER-15."""
    for version in ("2.2.4", "1.7.8", "1.6.8", "1.6.7"):
        add(database, a_draft(version))

    with database.read() as connection:
        found = resources.newest_matching(
            connection, PLACE, "web", VersionPattern.parse(pattern, member="arn")
        )

    assert found is not None
    assert found.arn.version == newest


def test_drafts_from_many_threads_get_numbers_without_a_gap(database: Database) -> None:
    """VER-05."""
    numbers: list[int | None] = []

    def work(thread: int) -> None:
        for index in range(10):
            numbers.append(add(database, a_draft(digest=f"{thread}-{index}")).arn.build)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number or 0 for number in numbers) == list(range(1, 81))


def test_versions_are_listed_in_the_order_of_their_numbers(database: Database) -> None:
    """SRT-02, VER-25."""
    for version in ("10.0.0", "9.0.0", "1.10.0", "1.9.0"):
        add(database, a_draft(version))
    add(database, a_draft("1.0.0", path="app"))

    with database.read() as connection:
        listed = resources.page_of_versions(connection, PLACE, after=None, limit=10)

    assert names(list(listed)) == [
        "component/app/1.0.0/1",
        "component/web/1.9.0/1",
        "component/web/1.10.0/1",
        "component/web/9.0.0/1",
        "component/web/10.0.0/1",
    ]


def test_a_page_goes_on_after_a_place_whatever_was_deleted(database: Database) -> None:
    """PAG-07."""
    stored = [add(database, a_draft(f"1.0.{patch}")) for patch in range(5)]
    with database.write() as connection:
        resources.remove(connection, PLACE, stored[1])

    with database.read() as connection:
        page = resources.page_of_versions(
            connection, PLACE, after=VersionKey("web", 1, 0, 1), limit=2
        )

    assert [entry.arn.version for entry in page] == ["1.0.2", "1.0.3"]


def test_names_are_listed_once_by_their_newest_version(database: Database) -> None:
    """VER-26, O-11."""
    for path, version in (("web", "1.0.0"), ("web", "2.0.0"), ("app", "1.0.0")):
        add(database, a_draft(version, path=path))

    with database.read() as connection:
        listed = resources.page_of_names(connection, PLACE, after=None, limit=10)

    assert names(list(listed)) == ["component/app/1.0.0/1", "component/web/2.0.0/1"]


def test_builds_are_listed_newest_first(database: Database) -> None:
    """VER-30, SRT-01."""
    for version, digest in (("1.0.0", "a"), ("2.0.0", "a"), ("1.0.0", "b")):
        add(database, a_draft(version, digest=digest))

    with database.read() as connection:
        listed = resources.page_of_builds(connection, PLACE, before=None, limit=10)
        of_one = resources.page_of_builds(
            connection, PLACE, path="web", pattern=ANY_VERSION, before=listed[0].sequence, limit=10
        )

    assert names(list(listed)) == [
        "component/web/1.0.0/2",
        "component/web/2.0.0/1",
        "component/web/1.0.0/1",
    ]
    assert names(list(of_one)) == names(list(listed))[1:]


def test_what_may_exist_once_is_refused_the_second_time(database: Database) -> None:
    """NAM-06, VER-06."""
    place = replace(PLACE, kind=Kind.IMAGE_RECIPE)
    with database.write() as connection:
        only = resources.add_only(connection, place, a_draft())

    with database.write() as connection, pytest.raises(AlreadyStored) as caught:
        resources.add_only(connection, place, a_draft(digest="other"))

    assert str(caught.value.arn) == str(only.arn)
    assert str(only.arn).endswith("image-recipe/web/1.0.0")


@pytest.mark.parametrize(
    ("reference", "blocks"),
    [
        ("1.0.0/1", True),
        ("1.0.0/2", False),
        ("1.0.0", True),
        ("2.0.0", False),
        ("1.x.x", False),
        ("x.x.x", False),
    ],
)
def test_a_reference_blocks_what_it_would_miss(
    database: Database, reference: str, blocks: bool
) -> None:
    """CRT-73."""
    first = add(database, a_draft(digest="a"))
    add(database, a_draft(digest="b"))
    recipe = "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/site/1.0.0"
    with database.write() as connection:
        target = f"arn:aws:imagebuilder:us-east-1:123456789012:component/web/{reference}"
        references.record(connection, recipe, [target])

    with database.read() as connection:
        assert references.referrers(connection, PLACE, first) == ([recipe] if blocks else [])


def test_a_wildcard_reference_blocks_the_last_build_it_matches(database: Database) -> None:
    """CRT-73, O-19."""
    only = add(database, a_draft())
    target = "arn:aws:imagebuilder:us-east-1:123456789012:component/web/x.x.x"
    with database.write() as connection:
        references.record(connection, "arn:recipe", [target])

    with database.read() as connection:
        assert references.referrers(connection, PLACE, only) == ["arn:recipe"]
