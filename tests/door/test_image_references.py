"""Images named as people name them."""

import pytest
from tests.conftest import REGION
from tests.door.conftest import ACCOUNT, OTHER, add_image, call_by

from imagewright.door.finding import AVAILABLE, find_image
from imagewright.errors import InvalidParameterValue, ResourceNotFound
from imagewright.store.database import Database

WEB = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/web"


@pytest.fixture
def images(database: Database) -> Database:
    """Return four builds: web 1.0.0/1 and /2 (failed), web 1.1.0/1, then db 1.0.0/1 (pending)."""
    add_image(database, "web", "1.0.0", "AVAILABLE")
    add_image(database, "web", "1.0.0", "FAILED")
    add_image(database, "web", "1.1.0", "AVAILABLE")
    add_image(database, "db-one", "1.0.0", "PENDING")
    return database


def found(database: Database, reference: str, *, available: bool = False) -> str:
    with database.read() as connection:
        passing = (AVAILABLE,) if available else ()
        arn = str(find_image(connection, reference, call_by(), *passing).arn)
    return arn.rpartition(":image/")[2]


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("last", "db-one/1.0.0/1"),
        ("web", "web/1.1.0/1"),
        ("web/1.0.0", "web/1.0.0/2"),
        ("web/1.0.x", "web/1.0.0/2"),
        ("web/x.x.x", "web/1.1.0/1"),
        ("web/1.0.0/1", "web/1.0.0/1"),
        ("Web", "web/1.1.0/1"),
        ("DB one", "db-one/1.0.0/1"),
        (f"{WEB}/1.0.0/1", "web/1.0.0/1"),
        (f"{WEB}/1.0.0", "web/1.0.0/2"),
        (WEB, "web/1.1.0/1"),
    ],
)
def test_the_newest_build_that_fits_is_meant(images: Database, reference: str, meant: str) -> None:
    assert found(images, reference) == meant


@pytest.mark.parametrize(
    ("reference", "meant"), [("last", "web/1.1.0/1"), ("web/1.0.0", "web/1.0.0/1")]
)
def test_of_images_only_available_ones_count(images: Database, reference: str, meant: str) -> None:
    assert found(images, reference, available=True) == meant


@pytest.mark.parametrize(
    "reference",
    [
        "nothing",
        "web/2.0.0",
        "web/1.0.0/9",
        "web/x.x.x/1",
        "web/9999999999.0.0",
        f"arn:aws:imagebuilder:{REGION}:{OTHER}:image/web/1.0.0/1",
        f"arn:aws:imagebuilder:eu-west-1:{ACCOUNT}:image/web/1.0.0/1",
        f"arn:aws-cn:imagebuilder:{REGION}:{ACCOUNT}:image/web/1.0.0/1",
    ],
)
def test_what_is_not_there_or_not_the_callers_is_absent(images: Database, reference: str) -> None:
    """ERR-26."""
    with pytest.raises(ResourceNotFound):
        found(images, reference)


@pytest.mark.parametrize(
    "reference",
    ["", "/", "web/", "web/one", "web/1.x.0", "a/1.0.0/1/2", "arn:aws:s3:::bucket", f"{WEB}/../x"],
)
def test_what_is_no_reference_is_refused(images: Database, reference: str) -> None:
    with pytest.raises(InvalidParameterValue):
        found(images, reference)
