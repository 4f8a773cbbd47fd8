"""Where in a request something was found, as messages name it (ERR-20)."""

_SHOWN_MAX = 200


class Place:
    """A JSON path that is built from the inside out, while an error travels up.

    ``str()`` gives it from the body's root: ``components[0].parameters``.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[str] = []

    def within_member(self, name: str) -> None:
        """Add the structure member that holds the place so far."""
        self._parts.append(f".{name}")

    def within_list(self, index: int) -> None:
        """Add the list that holds it."""
        self._parts.append(f"[{index}]")

    def within_map(self, key: str) -> None:
        """Add the map that holds it; the caller chose the key, perhaps a very long one."""
        self._parts.append(f".{shortened(key)}")

    @property
    def last(self) -> str:
        """The innermost element: ``parameters``, or ``values[1]`` within a list."""
        end = next((n for n, part in enumerate(self._parts) if part.startswith(".")), -1)
        return "".join(reversed(self._parts[: end + 1])).removeprefix(".")

    def __str__(self) -> str:
        return "".join(reversed(self._parts)).removeprefix(".")


def shortened(text: str) -> str:
    """Cut a caller's text to what a message can hold."""
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 3] + "..."
