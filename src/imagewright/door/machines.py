"""The machines of builds: which there are, and ending one that was kept for a look inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from imagewright.arns import Arn
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.door.asked import Asked
from imagewright.door.finding import find_image
from imagewright.engine.records import ImageStatus
from imagewright.errors import InvalidRequest, ResourceNotFound
from imagewright.store import instances
from imagewright.store.database import Database
from imagewright.store.instances import InstanceRow

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Machines:
    """The operations on machines."""

    database: Database
    kept_age_max: timedelta
    """How long a machine stays after its build failed; zero: for ever."""

    def list(self, asked: Asked) -> Json:
        """Return the caller's machines that did not end, the oldest first."""
        with self.database.write() as connection:
            instances.end_long_kept(connection, self.kept_age_max, asked.call.received_at)
            found = instances.living(connection)
        return {"machines": [_entry(row) for row in found if _is_callers(row, asked.call)]}

    def terminate(self, asked: Asked) -> Json:
        """End a machine that no build works on any more.

        Raises ResourceNotFound; InvalidRequest while its build goes on.
        """
        instance_id = str(asked.body().get("instanceId", ""))
        with self.database.write() as connection:
            instances.end_long_kept(connection, self.kept_age_max, asked.call.received_at)
            row = instances.get(connection, instance_id)
            if row is None or row.state == "terminated" or not _is_callers(row, asked.call):
                raise ResourceNotFound(instance_id)
            if row.state == "running" and not _is_over(connection, row, asked.call):
                raise InvalidRequest(
                    f"The build of '{row.owner}' still works on the machine '{row.id}'. "
                    "Cancel the build to end it."
                )
            instances.end(connection, row.id, iso_milliseconds(asked.call.received_at))
        return {"instanceId": row.id}


def _entry(row: InstanceRow) -> Json:
    return {
        "instanceId": row.id,
        "state": row.state,
        "driver": row.driver,
        "imageBuildVersionArn": row.owner,
        "layer": row.layer,
        "dateCreated": row.created_at,
        "dateKept": row.kept_at,
    }


def _is_callers(row: InstanceRow, call: Call) -> bool:
    arn = Arn.parse(row.owner)
    return (arn.account, arn.region) == (call.account, call.region)


def _is_over(connection: Connection, row: InstanceRow, call: Call) -> bool:
    try:
        image = find_image(connection, row.owner, call)
    except ResourceNotFound:
        return True
    return ImageStatus(str(image.status)).is_final
