import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from imagewright.api.latest import latest_version_references
from imagewright.arns import Arn, Kind, slug_of

PREFIX = "arn:aws:imagebuilder:us-east-1:123456789012:"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Example Image", "my-example-image"),
        ("MyWindows2016Pipeline", "mywindows2016pipeline"),
        ("a_b  c", "a-b--c"),
    ],
)
def test_a_slug_is_the_name_in_lower_case_with_hyphens_one_for_one(name: str, slug: str) -> None:
    """NAM-02, NAM-03."""
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    "resource",
    [
        "component/web/1.0.0/1",
        "component/web/x.x.x",
        "image/web/2021.01.01/12",
        "image-recipe/web/1.0.0",
        "workflow/build/web/1.0.0/3",
        "workflow/distribution/web/1.x.x",
        "infrastructure-configuration/web",
        "image-pipeline/web",
        "lifecycle-policy/web",
        "container-recipe/web/1.0.0",
        "distribution-configuration/web",
    ],
)
def test_an_arn_taken_apart_spells_itself_again(resource: str) -> None:
    """ARN-01."""
    assert str(Arn.parse(PREFIX + resource)) == PREFIX + resource


def test_the_type_is_part_of_a_workflows_identity() -> None:
    """NAM-06."""
    arn = Arn.parse(PREFIX + "workflow/test/web/1.0.0/3")

    assert (arn.kind, arn.path, arn.version, arn.build) == (Kind.WORKFLOW, "test/web", "1.0.0", 3)


@pytest.mark.parametrize("resource", ["workflow/build", "component/a/1.0.0/1/2", "nothing/a"])
def test_what_names_no_resource_is_refused(resource: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Arn.parse(PREFIX + resource)


def test_references_to_the_latest_are_computed_from_the_arn_alone() -> None:
    """VER-21, VER-22, VER-23."""
    own = Arn.parse(PREFIX + "component/web/1.20.3/4")
    managed = Arn.parse("arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.3/1")

    assert latest_version_references(own) == {
        "latestVersionArn": PREFIX + "component/web/x.x.x",
        "latestMajorVersionArn": PREFIX + "component/web/1.x.x",
        "latestMinorVersionArn": PREFIX + "component/web/1.20.x",
        "latestPatchVersionArn": PREFIX + "component/web/1.20.3",
    }
    assert set(latest_version_references(managed)) == {"latestVersionArn"}


@given(st.from_regex(r"[-_A-Za-z0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z0-9]", fullmatch=True))
def test_every_legal_name_makes_a_legal_slug(name: str) -> None:
    """ARN-02."""
    assert all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-_" for letter in slug_of(name))


def test_the_kinds_are_those_of_the_models_generic_pattern() -> None:
    """ARN-06."""
    model = Loader().load_service_model("imagebuilder", "service-2")

    pattern = model["shapes"]["ImageBuilderArn"]["pattern"]

    assert all(kind.value in pattern for kind in Kind)
