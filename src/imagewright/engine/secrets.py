"""The secrets of builds, for as long as a process remembers them.

A step that shows a file which an earlier one wrote a secret into must not write it into log and
record. No value is kept on the disk, so that a build which is taken up again by another process
reads them again.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import structlog

from imagewright.engine.breakdown import cause_of
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, OutOfReachError
from imagewright.masking import Secrets

_log = structlog.get_logger()

BUILDS_MAX = 1024
"""How many builds are remembered, the last ones."""

_UNKNOWN = (
    "The server was lost, and the secrets that this build may have read could not be read again, "
    "so that nothing would hide them in what it prints: {why}. Once that answers, "
    "`imagewright runs retry` takes the build up at this step."
)

Relearn = Callable[[BuildPlan, Secrets], None]
"""Reads again what a build may have read; what is refused is left out.

Raises OutOfReachError for what does not answer.
"""


class BuildSecrets:
    """Remembers them. Safe to use from several threads."""

    def __init__(self, relearn: Relearn) -> None:
        self._relearn = relearn
        self._known: OrderedDict[str, Secrets] = OrderedDict()
        self._lock = Lock()

    def of(self, plan: BuildPlan, *, begins: bool) -> Secrets:
        """Return those of a build; ``begins``: none of its steps has run before this one.

        Raises ActionError where they have to be read again and cannot be: whatever the build
        printed would not be masked.
        """
        with self._lock:
            if (secrets := self._known.get(plan.image_arn)) is not None:
                self._known.move_to_end(plan.image_arn)
                return secrets
        secrets = Secrets()
        if not begins:
            try:
                self._relearn(plan, secrets)
            except Exception as error:
                if isinstance(error, OutOfReachError):
                    why = str(error).rstrip(".")
                else:
                    _log.exception("the secrets of a build are not known", image=plan.image_arn)
                    why = cause_of(error)
                raise ActionError(_UNKNOWN.format(why=why)) from error
        with self._lock:
            if len(self._known) >= BUILDS_MAX:
                self._known.popitem(last=False)
            return self._known.setdefault(plan.image_arn, secrets)

    def known(self, image_arn: str) -> Secrets:
        """Return what is remembered, and read nothing."""
        with self._lock:
            return self._known.get(image_arn) or Secrets()
