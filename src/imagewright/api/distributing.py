"""DistributeImage: an image that exists goes to regions (``api-behaviour.md`` §7.7)."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection

from imagewright.api import lookup
from imagewright.api.creation import Once
from imagewright.api.distribution_configurations import distribution_entry
from imagewright.api.found import distributions_of, find_following
from imagewright.api.images import Runs, add_image
from imagewright.api.members import given
from imagewright.api.planning import Planner, following
from imagewright.api.shapes import DistributeImageRequest, DistributeImageResponse
from imagewright.arns import slug_of
from imagewright.call import Call
from imagewright.clock import iso_milliseconds
from imagewright.engine.plan import BuildPlan
from imagewright.engine.records import ImageStatus
from imagewright.errors import InvalidParameterValue, InvalidRequest
from imagewright.store import machine_images
from imagewright.store.database import Database
from imagewright.store.resources import Draft, Stored
from imagewright.versions import Version

_SOURCE: Final = "sourceImage"
_CONFIGURATION: Final = "distributionConfigurationArn"
_AMI = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_PARAMETER = re.compile(
    r"ssm:(?P<name>(?:arn:aws[^:]*:ssm:[^:]+:[0-9]{12}:parameter)?[a-zA-Z0-9_.\-/]+)", re.ASCII
)
_IMAGE = re.compile(r"arn:aws[^:]*:imagebuilder:[^:]*:[^:]*:image/.+", re.ASCII)
_NO_NAME = re.compile(r"[^-_A-Za-z0-9 ]")
_NAME_CHARACTERS_MAX: Final = 128
_FIRST_VERSION: Final = "1.0.0"


@dataclass(frozen=True, slots=True)
class _Source:
    """What is distributed."""

    image: str
    """The id of an AMI, or a text that the table of parents knows."""
    name: str
    version: str
    platform: str = "Linux"
    os_version: str | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: BuildPlan
    source: _Source
    distribution: Stored


@dataclass(frozen=True, slots=True)
class Distributing:
    """The handler of DistributeImage."""

    database: Database
    once: Once
    planner: Planner
    runs: Runs
    parameter_value: Callable[[str, str], str]
    """Returns what a parameter of Systems Manager holds, by name and region. Raises
    InvalidRequest."""
    quota: int

    def distribute_image(
        self, request: DistributeImageRequest, call: Call
    ) -> DistributeImageResponse:
        """Make a new image resource that goes through distribution only (IMG-70 to IMG-72)."""
        answer = self.once.run(
            request,
            call,
            prepare=lambda: self._prepare(request, call),
            commit=lambda connection, prepared: self._store(connection, prepared, request, call),
        )
        self.runs.look()
        return cast("DistributeImageResponse", answer)

    def _prepare(self, request: DistributeImageRequest, call: Call) -> _Prepared:
        with self.database.read() as connection:
            distribution = lookup.find(
                connection, request[_CONFIGURATION], call, member=_CONFIGURATION
            )
            workflow = find_following(connection, call)
        source = self._source(request[_SOURCE], call)
        self.planner.check_parent(source.image, account=call.account, region=call.region)
        logging = request.get("loggingConfiguration", {})
        plan = BuildPlan(
            image_arn="",
            account=call.account,
            region=call.region,
            image_name=source.name,
            version=source.version,
            build=0,
            platform=source.platform,  # type: ignore[arg-type]  # the model's enum
            parent_image=source.image,
            workflows=[following(workflow)],
            execution_role=request["executionRole"],
            distributions=distributions_of(distribution),
            asked_at=iso_milliseconds(call.received_at),
            log_group=logging.get("logGroupName", f"/aws/imagebuilder/{source.name}"),
        )
        self.planner.check_followed(workflow, distribution, plan, call)
        return _Prepared(plan, source, distribution)

    def _source(self, text: str, call: Call) -> _Source:
        """Find what is to be distributed (IMG-70). Raises what its forms call for."""
        if _AMI.fullmatch(text):
            return self._ami(text)
        if _IMAGE.fullmatch(text):
            return self._image(text, call)
        if found := _PARAMETER.fullmatch(text):
            held = self.parameter_value(found["name"], call.region)
            if not _AMI.fullmatch(held):
                raise InvalidRequest(f"The parameter '{found['name']}' holds no id of an AMI.")
            return self._ami(held)
        raise InvalidParameterValue(
            _SOURCE,
            "It must be an AMI id, 'ssm:' with the name or ARN of a parameter, or the ARN of an "
            "image.",
        )

    def _ami(self, image_id: str) -> _Source:
        with self.database.read() as connection:
            row = machine_images.find(connection, image_id)
        if row is None:  # perhaps the table of parents knows it
            return _Source(image_id, image_id, _FIRST_VERSION)
        name = _NO_NAME.sub("-", row.name)[:_NAME_CHARACTERS_MAX].strip()
        return _Source(image_id, name, _FIRST_VERSION, row.platform)

    def _image(self, text: str, call: Call) -> _Source:
        with self.database.read() as connection:
            stored = lookup.find(connection, text, call, member=_SOURCE)
        if stored.status != ImageStatus.AVAILABLE:
            raise InvalidRequest(
                f"The image '{stored.arn}' is {stored.status}; only one that is AVAILABLE can be "
                "distributed."
            )
        for ami in stored.body.get("outputResources", {}).get("amis", ()):
            if (ami["region"], ami["accountId"]) == (call.region, call.account):
                return _Source(
                    ami["image"],
                    stored.name,
                    str(stored.arn.version),
                    stored.platform or "Linux",
                    stored.body.get("osVersion"),
                )
        raise InvalidRequest(f"The image '{stored.arn}' has no AMI in {call.region}.")

    def _store(
        self,
        connection: Connection,
        prepared: _Prepared,
        request: DistributeImageRequest,
        call: Call,
    ) -> DistributeImageResponse:
        draft = _draft(prepared, request, call)
        stored = add_image(connection, draft, prepared.plan, call, runs=self.runs, quota=self.quota)
        return {"imageBuildVersionArn": str(stored.arn)}


def _draft(prepared: _Prepared, request: DistributeImageRequest, call: Call) -> Draft:
    source, plan = prepared.source, prepared.plan
    body: dict[str, Any] = {
        "state": {"status": ImageStatus.PENDING.value},
        "outputResources": {"amis": []},
        "distributionConfiguration": dict(distribution_entry(prepared.distribution)),
        "buildType": "USER_INITIATED",
        "imageSource": "CUSTOM",
        **given(request, "executionRole", "loggingConfiguration"),
    }
    if source.os_version is not None:
        body["osVersion"] = source.os_version
    return Draft(
        path=slug_of(source.name),
        version=Version.parse(plan.version),
        version_text=plan.version,
        name=source.name,
        type=plan.image_type,
        platform=plan.platform,
        status=ImageStatus.PENDING.value,
        description=None,
        digest=uuid.uuid4().hex,
        body=body,
        tags=request.get("tags", {}),
        created_at=iso_milliseconds(call.received_at),
    )
