"""Components that a component document executes by their ARNs (``component-documents.md`` §7.1)."""

import re

from imagewright.api import lookup
from imagewright.api.documents import Documents
from imagewright.arns import Arn
from imagewright.call import Call, Principal
from imagewright.clock import Clock
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError
from imagewright.errors import ApiError, InvalidRequest
from imagewright.managed.components import why_missing
from imagewright.store.database import Database

_COMPONENT = re.compile(
    r"arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws):component/[^/:]+/[^/:]+(?:/[0-9]+)?",
    re.ASCII,
)


class ExecutedComponents:
    """Opens components that documents execute: ``engine.ports.Components``."""

    def __init__(self, database: Database, documents: Documents, clock: Clock) -> None:
        self._database = database
        self._documents = documents
        self._clock = clock

    def text(self, arn: str, plan: BuildPlan) -> str:
        """Return the document that an ARN means now: see Components."""
        call = Call(
            request_id="",
            operation="GetComponent",
            principal=Principal(plan.account, plan.image_arn, ""),
            region=plan.region,
            received_at=self._clock.now(),
            partition=Arn.parse(plan.image_arn).partition,
        )
        try:
            if not _COMPONENT.fullmatch(arn):
                raise InvalidRequest("this is not the ARN of a component")
            with self._database.read() as connection:
                found = lookup.find(connection, arn, call, member="document")
            if found.status != "ACTIVE":
                raise InvalidRequest(f"it is {str(found.status).lower()}")
            text = self._documents.open(found, call).text
        except ApiError as error:
            raise ActionError(f"{arn} cannot be executed: {error}") from error
        if (why := why_missing(text)) is not None:
            raise ActionError(f"{arn} cannot be executed: {why}")
        return text
