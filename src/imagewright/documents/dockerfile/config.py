"""The configuration of a container image: what a container of it starts with (OCI image spec)."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeGuard

from imagewright.documents.dockerfile.words import NO_TEXT

DEFAULT_SHELL: Final = ("/bin/sh", "-c")

_HEALTH_TIMES: Final = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """What an image says of the containers made of it."""

    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] | None = None
    command: Sequence[str] | None = None
    user: str = ""
    """``name``, ``name:group`` or their numbers; empty is root."""
    working_directory: str = ""
    """Absolute; empty is ``/``."""
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: Sequence[str] = ()
    """``80/tcp``."""
    volumes: Sequence[str] = ()
    stop_signal: str | None = None
    shell: Sequence[str] = DEFAULT_SHELL
    """What runs the shell form of commands, before the text."""
    healthcheck: Mapping[str, Any] | None = None
    """As the configuration spells it: ``Test``, and times in nanoseconds."""
    on_build: Sequence[str] = ()
    """Instructions that a build on this image begins with."""
    author: str | None = None
    """Not part of the ``config`` object: it stands beside it in an image's JSON."""

    @classmethod
    def from_oci(cls, config: object) -> Self:
        """Read the ``config`` object of an image, whoever made it.

        What is absent, null or of a wrong type counts as not said. Never raises.
        """
        if not isinstance(config, Mapping):
            return cls()
        return cls(
            env=dict(_variables(config.get("Env"))),
            entrypoint=_words(config.get("Entrypoint")) or None,
            command=_words(config.get("Cmd")) or None,
            user=_text(config.get("User")),
            working_directory=_directory(config.get("WorkingDir")),
            labels=_texts(config.get("Labels")),
            exposed_ports=_names(config.get("ExposedPorts")),
            volumes=_names(config.get("Volumes")),
            stop_signal=_text(config.get("StopSignal")) or None,
            shell=_words(config.get("Shell")) or DEFAULT_SHELL,
            healthcheck=_healthcheck(config.get("Healthcheck")),
            on_build=_words(config.get("OnBuild")),
        )

    def to_oci(self) -> dict[str, Any]:
        """Spell it as the ``config`` object of an image; what is empty is left out."""
        spelt: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Entrypoint": [*(self.entrypoint or ())],
            "Cmd": [*(self.command or ())],
            "Volumes": {path: {} for path in self.volumes},
            "WorkingDir": self.working_directory,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Shell": [] if tuple(self.shell) == DEFAULT_SHELL else [*self.shell],
            "Healthcheck": dict(self.healthcheck or {}),
            "OnBuild": [*self.on_build],
        }
        return {name: value for name, value in spelt.items() if value}


def _is_text(value: object) -> TypeGuard[str]:
    """Tell a text that a program can be given: without NUL, and without half a character."""
    return isinstance(value, str) and NO_TEXT.search(value) is None


def _text(value: object) -> str:
    return value if _is_text(value) else ""


def _directory(value: object) -> str:
    """Read a directory, which some builders write without the ``/`` in front."""
    text = _text(value)
    return posixpath.join("/", text) if text else ""


def _words(value: object) -> tuple[str, ...]:
    """A list of texts; old images have a lone text for a list of one."""
    if _is_text(value):
        return (value,) if value else ()
    if not isinstance(value, list | tuple):
        return ()
    words = tuple(each for each in value if _is_text(each))
    return words if len(words) == len(value) else ()


def _variables(value: object) -> list[tuple[str, str]]:
    given = value if isinstance(value, list | tuple) else ()
    parted = [each.partition("=") for each in given if _is_text(each)]
    return [(name, value) for name, is_set, value in parted if name and is_set]


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {k: v for k, v in value.items() if _is_text(k) and _is_text(v)}


def _names(value: object) -> tuple[str, ...]:
    """The keys of an object whose values say nothing."""
    if isinstance(value, Mapping):
        return tuple(each for each in value if _is_text(each) and each)
    return _words(value)


def _healthcheck(value: object) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    numbers = {
        name: value[name]
        for name in _HEALTH_TIMES
        if isinstance(value.get(name), int) and not isinstance(value[name], bool)
    }
    test = _words(value.get("Test"))
    return {"Test": [*test], **numbers} if test else None
