"""The configuration object of container images, ours and others'."""

from typing import Any

import pytest

from imagewright.documents.dockerfile.config import ImageConfig

FULL: dict[str, Any] = {
    "User": "app:app",
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Env": ["PATH=/bin", "EMPTY=", "URL=a=b"],
    "Entrypoint": ["/init"],
    "Cmd": ["serve", "--now"],
    "Volumes": {"/data": {}},
    "WorkingDir": "/srv",
    "Labels": {"maintainer": "me"},
    "StopSignal": "SIGINT",
    "Shell": ["/bin/bash", "-c"],
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30_000_000_000, "Retries": 3},
    "OnBuild": ["RUN make"],
}


def test_what_an_image_says_is_said_again() -> None:
    config = ImageConfig.from_oci(FULL)

    assert config.to_oci() == FULL
    assert config.env == {"PATH": "/bin", "EMPTY": "", "URL": "a=b"}
    assert config.exposed_ports == ("80/tcp", "53/udp")


def test_what_is_empty_is_left_out() -> None:
    nothing = {name: type(value)() for name, value in FULL.items()}

    assert ImageConfig.from_oci(nothing) == ImageConfig()
    assert ImageConfig().to_oci() == {}
    assert ImageConfig.from_oci({"Shell": ["/bin/sh", "-c"]}).to_oci() == {}


@pytest.mark.parametrize("wrong", [None, 7, True, "x", ["A", None], {"A": 1}, [["A"]], {1: {}}])
@pytest.mark.parametrize("name", FULL)
def test_what_makes_no_sense_in_an_image_of_others_counts_as_not_said(
    name: str, wrong: object
) -> None:
    config = ImageConfig.from_oci({**FULL, name: wrong})

    rest = {key: value for key, value in FULL.items() if key != name}
    assert {key: value for key, value in config.to_oci().items() if key != name} == rest


@pytest.mark.parametrize("wrong", [None, [], "config", 7])
def test_an_image_without_configuration_has_an_empty_one(wrong: object) -> None:
    assert ImageConfig.from_oci(wrong) == ImageConfig()


def test_a_lone_text_is_a_command_of_one_word() -> None:
    """Images of the first years have it so."""
    assert ImageConfig.from_oci({"Entrypoint": "/init"}).entrypoint == ("/init",)


def test_a_directory_that_is_not_absolute_lies_below_the_root() -> None:
    assert ImageConfig.from_oci({"WorkingDir": "srv/web"}).working_directory == "/srv/web"


@pytest.mark.parametrize("broken", ["A=\0", "\ud800=a", "B=\udfff"])
def test_what_no_program_can_be_given_is_left_out(broken: str) -> None:
    config = ImageConfig.from_oci({"Env": [broken, "KEPT=x"], "User": broken, "Cmd": [broken]})

    assert config == ImageConfig(env={"KEPT": "x"})
