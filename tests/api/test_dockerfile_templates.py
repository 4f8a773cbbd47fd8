"""The variables of Dockerfile templates."""

from pathlib import Path

import pytest

from imagewright.api.dockerfile_templates import check_template
from imagewright.errors import InvalidParameterValue

CORPUS = Path(__file__).parents[3] / "shared/corpus/dockerfiles"
FROM = "FROM {{{ imagebuilder:parentImage }}}\n"
ENVIRONMENTS = "{{{ imagebuilder:environments }}}\n"
COMPONENTS = "{{{ imagebuilder:components }}}\n"


def check(text: str, *, has_components: bool = True) -> None:
    check_template(text, member="dockerfileTemplateData", has_components=has_components)


@pytest.mark.parametrize(
    ("text", "has_components"),
    [
        (FROM + ENVIRONMENTS + COMPONENTS, True),
        (FROM + "USER root\n" + ENVIRONMENTS + "RUN true\n" + COMPONENTS + 'CMD ["sh"]', True),
        (FROM + ENVIRONMENTS, True),
        (FROM, False),
        (FROM + COMPONENTS + ENVIRONMENTS, False),
        ("FROM {{{imagebuilder:parentImage}}} AS base\n" + "RUN echo '{{{ }}} {{ a }}'", False),
    ],
)
def test_what_the_user_guide_asks_for_is_enough(text: str, has_components: bool) -> None:
    """CTR-03."""
    check(text, has_components=has_components)


@pytest.mark.parametrize(
    ("text", "has_components", "detail"),
    [
        ("FROM debian", False, "must contain {{{ imagebuilder:parentImage }}}."),
        (ENVIRONMENTS + COMPONENTS, True, "must contain {{{ imagebuilder:parentImage }}}."),
        (
            "\nFROM {{ imagebuilder:parentImage }}",
            False,
            "must contain {{{ imagebuilder:parentImage }}}. "
            "In line 2 it does not stand between three braces.",
        ),
        ("FROM {{{{ imagebuilder:parentImage }}}}", False, "three braces"),
        (
            FROM + COMPONENTS,
            True,
            "must contain {{{ imagebuilder:environments }}} because the recipe has components.",
        ),
        (
            FROM + COMPONENTS + ENVIRONMENTS,
            True,
            "Line 2: {{{ imagebuilder:components }}} stands before "
            "{{{ imagebuilder:environments }}}",
        ),
        (
            FROM + "{{{ imagebuilder:component }}}",
            False,
            "Line 2: there is no variable 'component'. "
            "Did you mean {{{ imagebuilder:components }}}?",
        ),
        (
            FROM + "{{{ imagebuilder:buildDate }}}",
            False,
            "there is no variable 'buildDate'. There are: {{{ imagebuilder:parentImage }}}, ",
        ),
        ("FROM {{{ imagebuilder:parentimage }}}", False, "no variable 'parentimage'"),
        (FROM + "{{{ imagebuilder: }}}", False, "no variable ''"),
        (FROM + f"{{{{{{imagebuilder:{'a' * 9_000}}}}}}}", False, f"'{'a' * 60}…'"),
    ],
)
def test_a_template_of_which_builds_would_fail_is_refused(
    text: str, has_components: bool, detail: str
) -> None:
    """CTR-03."""
    with pytest.raises(InvalidParameterValue) as caught:
        check(text, has_components=has_components)

    assert "'dockerfileTemplateData'" in str(caught.value)
    assert detail in str(caught.value)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public templates is not here")
def test_templates_of_others_are_accepted() -> None:
    for template in CORPUS.glob("*.Dockerfile"):
        check(template.read_text("utf-8"))
