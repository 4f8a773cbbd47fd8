"""Which instance types a machine of this host can stand for."""

import platform

import pytest

from imagewright.images.instance_types import DEFAULT_TYPE, NoInstanceType, choose, why_not

X86, ARM = "x86_64", "aarch64"
TYPES = {
    "t3.micro": X86, "m5.xlarge": X86, "m7i-flex.large": X86, "c6id.metal": X86,
    "r5b.24xlarge": X86, "u-6tb1.56xlarge": X86, "g4dn.xlarge": X86, "p4d.24xlarge": X86,
    "hpc7a.96xlarge": X86, "i3en.metal-48xl": X86, "m7g.large": ARM, "t4g.nano": ARM,
    "c6gn.16xlarge": ARM, "a1.medium": ARM, "im4gn.large": ARM, "x2gd.metal": ARM,
    "g5g.xlarge": ARM, "hpc7g.4xlarge": ARM,
}  # fmt: skip


@pytest.mark.parametrize(("name", "processors"), TYPES.items())
def test_a_type_says_what_processors_it_has(name: str, processors: str) -> None:
    """workflow-documents.md §7.12."""
    fitting = [host for host in (X86, ARM) if why_not(name, host=host) is None]

    assert fitting == [processors]


@pytest.mark.parametrize("name", ["", "large", "m7i", "m7i.", ".large", "M7I.large", "m7i large"])
def test_a_word_is_no_type(name: str) -> None:
    assert "is no instance type" in str(why_not(name))


def test_a_mac_is_no_linux() -> None:
    assert "runs macOS" in str(why_not("mac2.metal"))


def test_the_first_that_can_be_had_is_taken_and_the_others_have_their_reasons() -> None:
    good, alien = ("m7i.large", "m7g.large") if platform.machine() == X86 else ("m7g.large", "x.y")

    assert choose([]) == (DEFAULT_TYPE, ())
    assert choose([good, alien]) == (good, ())
    assert choose([alien, "nonsense", good]) == (good, (why_not(alien), why_not("nonsense")))
    with pytest.raises(NoInstanceType) as caught:
        choose([alien, "nonsense"])
    assert str(caught.value) == f"{why_not(alien)}; {why_not('nonsense')}"
