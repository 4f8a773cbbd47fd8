"""The names of images and the variables in them (DST-03, IMG-51)."""

import pytest

from imagewright.engine.image_names import BadVariable, default_name, expanded, name_problems
from imagewright.engine.plan import BuildPlan

PLAN = BuildPlan(
    image_arn="arn:aws:imagebuilder:us-east-1:000000000000:image/web/1.0.0/3",
    account="000000000000",
    region="us-east-1",
    image_name="My Web",
    version="1.0.0",
    build=3,
    parent_image="debian-12",
    asked_at="2026-09-09T19:04:08.103Z",
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("plain", "plain"),
        ("a {{ imagebuilder:buildDate }}", "a 2026-09-09T19-04-08.103Z"),
        ("a {{imagebuilder:buildDate}} b", "a 2026-09-09T19-04-08.103Z b"),
        ("{{imagebuilder:buildVersion}}", "1.0.0/3"),
        ("{{ imagebuilder:buildVersion }}-{{imagebuilder:buildVersion}}", "1.0.0/3-1.0.0/3"),
        ("{{imagebuilder:buildDate:yyyyMMHHss}}", "2026091908"),
        ("{{imagebuilder:buildDate:yyyy-MM-dd'T'HH.mm.ss.SSS}}", "2026-09-09T19.04.08.103"),
        ("{{imagebuilder:buildDate:yy hh ''}}", "26 07 '"),
        ("{{ $.parameters.name }}", "{{ $.parameters.name }}"),
        ("{{ other }}", "{{ other }}"),
    ],
)
def test_variables_stand_for_the_build(text: str, meant: str) -> None:
    assert expanded(text, PLAN) == meant


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ imagebuilder:buildNumber }}", "there are {{ imagebuilder:buildDate }}"),
        ("{{ imagebuilder:buildVersion:x }}", "has the variable {{ imagebuilder:buildVersion:x }}"),
        ("{{ssm:/a/b}}", "has the variable {{ssm:/a/b}}"),
        ("{{imagebuilder:buildDate:YYYY}}", "has a date with YYYY, and dates have yyyy"),
    ],
)
def test_a_variable_that_stands_for_nothing_is_named(text: str, problem: str) -> None:
    with pytest.raises(BadVariable) as caught:
        expanded(text, PLAN)

    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["ab", "a:b", "x" * 129, "ünï", "{{imagebuilder:buildDate:}}"])
def test_not_every_text_names_an_image(text: str) -> None:
    assert list(name_problems(text, PLAN))


def test_an_image_that_nobody_named_has_its_own_name_and_its_time() -> None:
    assert default_name(PLAN) == "My Web 2026-09-09T19-04-08.103Z"
    assert list(name_problems(default_name(PLAN), PLAN)) == []
