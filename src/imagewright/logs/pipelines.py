"""The logs of pipelines: what their schedules did, one file a day (LOG-02, PIP-23)."""

import json
from datetime import datetime
from pathlib import Path

from imagewright.arns import Arn
from imagewright.clock import iso_milliseconds


class PipelineLogs:
    """Writes the logs below one directory: ``ACCOUNT/REGION/NAME/YYYY-MM-DD.jsonl``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, pipeline_arn: str, day: datetime) -> Path:
        """Return where the log of a day lies; days are those of UTC."""
        arn = Arn.parse(pipeline_arn)
        return self._directory / arn.account / arn.region / arn.path / f"{day:%Y-%m-%d}.jsonl"

    def write(self, pipeline_arn: str, text: str, *, at: datetime) -> None:
        """Append a line."""
        path = self.path(pipeline_arn, at)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry = {"time": iso_milliseconds(at), "text": text}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
