"""What the values of a template may come to, and what a parent image adds to them."""

import pytest

from imagewright.documents.dockerfile.check import load_dockerfile
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.evaluation import DockerfileError, Planned, plan
from imagewright.documents.dockerfile.expansion import DEPTH_MAX, VALUE_CHARACTERS_MAX
from imagewright.documents.dockerfile.rules import PARENT

FROM = f"FROM {PARENT}\n"


def planned(template: str, value: str = "", parent: ImageConfig | None = None) -> Planned:
    """Plan a template whose ``ARG value`` is given."""
    checked = load_dockerfile(template)
    assert checked.dockerfile is not None, checked.findings
    return plan(checked.dockerfile, parent or ImageConfig(), arguments={"value": value})


@pytest.mark.parametrize(
    ("lines", "value", "message"),
    [
        ("LABEL a=$value\n" * 33, "x" * VALUE_CHARACTERS_MAX, "all values have more than"),
        (
            "".join(f"ENV a{number}=$value\n" for number in range(9)),
            "x" * VALUE_CHARACTERS_MAX,
            "the variables have more than",
        ),
        ("", "a\0b", "holds a NUL"),
    ],
    ids=["all", "variables", "NUL"],
)
def test_values_beyond_what_a_build_can_hold_are_refused(
    lines: str, value: str, message: str
) -> None:
    with pytest.raises(DockerfileError, match=message):
        planned(f"{FROM}ARG value\n{lines}", value)


def test_variables_nest_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> str:
        return f"{FROM}ENV a={'${a:-' * depth}x{'}' * depth}\n"

    assert planned(nested(DEPTH_MAX)).config.env["a"] == "x"
    assert [each.code for each in load_dockerfile(nested(DEPTH_MAX + 1)).findings] == ["DF017"]


def test_what_the_parent_keeps_is_read_with_a_backslash_whatever_the_template_has() -> None:
    parent = ImageConfig(on_build=[r"ENV kept=\$b"])

    env = planned(f"# escape=`\n{FROM}ENV own=`$b other=\\$b\n", parent=parent).config.env

    assert (env["kept"], env["own"], env["other"]) == ("$b", "$b", "\\")


def test_a_command_that_is_not_all_texts_counts_as_not_said() -> None:
    """OCI image spec; half a command would be another one."""
    assert ImageConfig.from_oci({"Cmd": ["rm", 1]}).command is None
