"""What a process remembers of the secrets of builds."""

from dataclasses import replace

import pytest

from imagewright.engine import secrets as module
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, OutOfReachError
from imagewright.engine.secrets import BuildSecrets
from imagewright.masking import Secrets

PLAN = BuildPlan(
    image_arn="arn:aws:imagebuilder:us-east-1:111122223333:image/a/1.0.0/1",
    account="111122223333",
    region="us-east-1",
    image_name="a",
    version="1.0.0",
    build=1,
    parent_image="debian-12",
)


def reads(_plan: BuildPlan, secrets: Secrets) -> None:
    secrets.learn("hunter2")


def fails(_plan: BuildPlan, _secrets: Secrets) -> None:
    raise RuntimeError("the key is gone")


def test_all_steps_of_a_build_share_its_secrets() -> None:
    builds = BuildSecrets(fails)

    builds.of(PLAN, begins=True).learn("hunter2")

    assert builds.of(PLAN, begins=False).mask("a hunter2") == "a ***"
    assert builds.known(PLAN.image_arn).mask("a hunter2") == "a ***"
    assert not builds.of(replace(PLAN, image_arn="another"), begins=True)


def test_a_build_that_another_process_began_has_them_read_again() -> None:
    assert BuildSecrets(reads).of(PLAN, begins=False).mask("hunter2") == "***"
    assert not BuildSecrets(reads).of(PLAN, begins=True)


@pytest.mark.parametrize("error", [RuntimeError("the key is gone"), OutOfReachError("gone.")])
def test_a_build_does_not_go_on_where_they_cannot_be_read_again(error: Exception) -> None:
    """It would print them unmasked. What clears up asks for those that are known."""
    errors = [error]

    def reads_later(plan: BuildPlan, secrets: Secrets) -> None:
        if errors:
            raise errors.pop()
        reads(plan, secrets)

    builds = BuildSecrets(reads_later)

    with pytest.raises(ActionError, match=r"gone.*\. Once that answers, `imagewright runs retry`"):
        builds.of(PLAN, begins=False)
    assert not builds.known(PLAN.image_arn)
    assert builds.of(PLAN, begins=False).mask("hunter2") == "***"


def test_only_the_last_builds_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUILDS_MAX", 2)
    builds = BuildSecrets(fails)
    for name in ("a", "b", "a", "c"):
        builds.of(replace(PLAN, image_arn=name), begins=True).learn("hunter2")

    assert [bool(builds.known(name)) for name in "abc"] == [True, False, True]
