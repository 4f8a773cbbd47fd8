"""Version numbers of resources, and the patterns that refer to them (``api-behaviour.md`` §2)."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from imagewright.errors import InvalidParameterValue, InvalidVersionNumber

NODE_MAX = 2**30 - 1
_NODE_DIGITS = 20
"""More than any number needs, zeros before it included; the text is stored as given."""


class Version(NamedTuple):
    """``major.minor.patch``, ordered number by number (VER-04).

    ``2021.01.01`` and ``2021.1.1`` are the same version; the text that was given is kept
    beside it by whoever stores it (VER-09).
    """

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str, *, member: str = "semanticVersion") -> Self:
        """Read a version whose syntax the model has checked.

        Raises InvalidVersionNumber when a node is above 2^30-1 (VER-03).
        """
        digits = text.split(".")
        if any(len(node) > _NODE_DIGITS or int(node) > NODE_MAX for node in digits):
            raise InvalidVersionNumber(
                f"The value supplied for parameter '{member}' is not valid. "
                f"Each node of the version '{_shortened(text)}' must lie between 0 and {NODE_MAX}."
            )
        return cls(*map(int, digits))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class VersionPattern(NamedTuple):
    """What a reference asks for: exact numbers, then ``x`` for any (VER-14).

    ``None`` stands for ``x``.
    """

    major: int | None
    minor: int | None
    patch: int | None

    @classmethod
    def parse(cls, text: str, *, member: str) -> Self:
        """Read ``1.2.3``, ``1.2.x``, ``1.x.x`` or ``x.x.x``.

        Raises InvalidParameterValue for ``member`` when a number follows an ``x`` (VER-14), and
        InvalidVersionNumber when a node is out of range.
        """
        nodes = text.split(".")
        fixed = [node for node in nodes if node != "x"]
        if nodes != fixed + ["x"] * (3 - len(fixed)):
            raise InvalidParameterValue(
                member,
                f"In the version '{text}' a number follows an x; only trailing nodes may be x.",
            )
        exact = Version.parse(".".join([*fixed, *["0"] * (3 - len(fixed))]), member=member)
        return cls(
            *(number if node != "x" else None for number, node in zip(exact, nodes, strict=True))
        )

    @property
    def fixed(self) -> tuple[int, ...]:
        """The numbers before the first ``x``."""
        return tuple(node for node in self if node is not None)

    @property
    def exact(self) -> Version | None:
        """The version, if no node is an ``x``."""
        fixed = self.fixed
        return Version(*fixed) if len(fixed) == 3 else None

    def matches(self, version: Version) -> bool:
        """Tell whether a version is one that this pattern means."""
        fixed = self.fixed
        return tuple(version[: len(fixed)]) == fixed


ANY_VERSION = VersionPattern(None, None, None)
FIRST_NUMBER = 0
"""What ``x`` becomes in a new version when there is no other to count on from (O-01)."""


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """A version for a new recipe in which the service fills in one number: ``1.0.x`` (VER-10)."""

    nodes: tuple[str, str, str]
    """As given; one of them is ``x``."""

    @classmethod
    def parse(cls, text: str) -> Self | Version:
        """Read a version with at most one ``x``, anywhere; without any it is a Version.

        Raises InvalidVersionNumber for several (O-02), or when a node is out of range.
        """
        if "x" not in text:
            return Version.parse(text)
        major, minor, patch = text.split(".")
        wanted = cls((major, minor, patch))
        if wanted.nodes.count("x") > 1:
            raise InvalidVersionNumber(
                "The value supplied for parameter 'semanticVersion' is not valid. "
                "At most one node of the version may be x."
            )
        wanted.filled(None)
        return wanted

    @property
    def open_node(self) -> int:
        """Which node is ``x``, from 0."""
        return self.nodes.index("x")

    def filled(self, highest: int | None) -> tuple[Version, str]:
        """Return the version that comes after the highest number there is, and its text.

        Raises InvalidVersionNumber when that is out of range.
        """
        number = FIRST_NUMBER if highest is None else highest + 1
        text = ".".join(str(number) if node == "x" else node for node in self.nodes)
        return Version.parse(text), text


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
