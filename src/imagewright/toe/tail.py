"""The end of what may be very long."""

from collections import deque
from collections.abc import Iterator


class Tail:
    """Texts in their order; where they are too much together, the last of them."""

    def __init__(self, characters_max: int) -> None:
        self._characters_max = characters_max
        self._texts: deque[str] = deque()
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def add(self, text: str) -> None:
        """Take in a text, and drop the first ones where that makes too much."""
        self._texts.append(text)
        self._characters += len(text)
        while self._characters > self._characters_max and len(self._texts) > 1:
            self._characters -= len(self._texts.popleft())

    def clear(self) -> None:
        """Drop them all."""
        self._texts.clear()
        self._characters = 0
