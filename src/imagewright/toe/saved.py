"""A run that waits for its host to restart (``component-documents.md`` §4.6, hosting mode 1).

The process ends with 194; whoever restarts the host then runs the same command again, as the
Systems Manager agent does, and the run goes on in the same folder under the same id.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewright.files import write_private
from imagewright.toe.asked import Asked
from imagewright.toe.documents import Loaded, SetupFailed

RESTART_EXIT_CODE = 194


@dataclass(frozen=True, slots=True)
class SavedRun:
    """Where such a run stands. Inputs are there as they are, but for secret parameters."""

    file: Path
    execution_id: str
    states: Sequence[dict[str, Any]]
    """Of the documents that have begun, as ``RunState`` spells them."""
    digests: Sequence[str]
    """Of the texts of all documents."""

    @classmethod
    def find(cls, folder: Path, asked: Asked) -> "SavedRun | None":
        """Find the run that this command began before the restart. Raises SetupFailed."""
        file = folder / _name(asked)
        try:
            found = json.loads(file.read_text("utf-8"))
            saved = cls(file, found["executionId"], found["states"], found["digests"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SetupFailed(f"the saved run {file} cannot be read: {error}") from None
        is_other = asked.execution_id not in (None, saved.execution_id)
        return None if is_other else saved

    @classmethod
    def write(
        cls,
        folder: Path,
        asked: Asked,
        execution_id: str,
        states: Sequence[dict[str, Any]],
        documents: Sequence[Loaded],
    ) -> None:
        """Write a run down before the restart. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digests = [_digest(document.text) for document in documents]
        saved = {"executionId": execution_id, "states": states, "digests": digests}
        write_private(folder / _name(asked), json.dumps(saved).encode())

    def check(self, documents: Sequence[Loaded]) -> None:
        """Demand that the documents are what they were. Raises SetupFailed."""
        if [_digest(document.text) for document in documents] != list(self.digests):
            raise SetupFailed(
                "the documents changed since the run asked for a restart, so it cannot go on; "
                f"to begin anew, delete {self.file}"
            )

    def forget(self) -> None:
        """Delete it: the run has gone on."""
        with suppress(FileNotFoundError):
            self.file.unlink()


def _name(asked: Asked) -> str:
    """Name a run by what it was asked to do, so that the same command finds it."""
    documents = [[each.place, dict(each.parameters)] for each in asked.documents]
    phases = None if asked.phases is None else list(asked.phases)
    return f"run-{_digest(json.dumps([documents, phases], sort_keys=True))[:16]}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
