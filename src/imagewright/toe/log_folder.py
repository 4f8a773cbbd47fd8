"""The folder that a run leaves behind: ``TOE_…`` (``component-documents.md`` §9)."""

import glob
import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TextIO

_NANOSECONDS = 10**9

OnLine = Callable[[str], None]


class LogFolder:
    """Writes the files of one run. Raises OSError where that fails."""

    def __init__(self, parent: str, execution_id: str, started: datetime) -> None:
        """Make the folder below ``parent``, which is made too.

        Where a run with this id is taken up again, its folder goes on.
        """
        found = sorted(Path(parent).glob(f"TOE_*_{glob.escape(execution_id)}"))
        name = f"TOE_{started.strftime('%Y-%m-%d_%H-%M-%S')}_UTC-0_{execution_id}"
        self.url = str(Path(parent, found[-1].name if found else name))
        """Absolute, or relative where the parent is."""
        self.path = Path(self.url).absolute()
        self.path.mkdir(parents=True, exist_ok=True)
        self._application = self._open("application.log")
        self._console = self._open("console.log")
        self.on_line: OnLine | None = None
        """Hears each line of the console too, without its time."""

    def close(self) -> None:
        """Close the files, both, whatever is said of one."""
        with closing(self._application), closing(self._console):
            pass

    def say(self, text: str) -> None:
        """Write a line into both logs."""
        line = f"{_now()} {text}\n"
        for stream in (self._application, self._console):
            stream.write(line)
            stream.flush()
        if self.on_line is not None:
            self.on_line(text)

    def debug(self, text: str) -> None:
        """Write a line that is for whoever looks closely."""
        self._application.write(f"{_now()} Debug {text}\n")
        self._application.flush()

    def put_json(self, name: str, content: object) -> None:
        """Replace a file of the folder, so that whoever reads it meanwhile finds it whole."""
        self.put(name, json.dumps(content, indent=4, ensure_ascii=False) + "\n")

    def put(self, name: str, text: str) -> None:
        """Replace a file of the folder, whole."""
        fresh = self.path / f".{name}"
        fresh.write_text(text, "utf-8", errors="replace")
        fresh.replace(self.path / name)

    def _open(self, name: str) -> TextIO:
        return (self.path / name).open("a", encoding="utf-8", errors="replace")


def _now() -> str:
    """Spell this moment as RFC 3339 with nanoseconds."""
    seconds, rest = divmod(time.time_ns(), _NANOSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"
