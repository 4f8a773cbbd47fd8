"""Settings: each declared once; flag, environment variable and file follow from it.

A setting comes from the command line, else from ``IMAGEWRIGHT_<NAME>`` in the environment, else
from ``settings.toml`` in the state directory, else from its default here.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from imagewright.arns import REGION
from imagewright.oci import registry_name

_PEM = b"-----BEGIN CERTIFICATE-----"

_state_file: ContextVar[Path | None] = ContextVar("state_file", default=None)
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.ASCII)
_REGISTRY_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-zA-Z0-9.\-]+)(:[0-9]{1,5})?", re.ASCII)
_DAY_SECONDS = 86_400
_AGE_HOURS = 876_000
"""A hundred years: what is older than the calendar cannot be reckoned with."""
_REGION_FORM = "a region looks like us-east-1 or local-dc-1"
_NO_EC2 = (
    "an image of the driver sandbox is a file system without a disk that boots, which EC2 cannot "
    "run; its copies can go to a folder, a bucket or a registry"
)


def is_region(text: str) -> bool:
    """Tell whether a text has the form of a region's name (ARN-04)."""
    return REGION.fullmatch(text) is not None


class SettingsError(Exception):
    """A setting has no usable value; the message names it, where it stands, and why."""


def read_certificates(file: Path) -> bytes:
    """Return what a CA bundle holds. Raises OSError; ValueError if no certificate is in it."""
    content = file.read_bytes()
    if _PEM not in content:
        raise ValueError(f"{file} holds no certificate in PEM form")
    return content


def _folder(folder: Path) -> Path:
    """Return a folder's absolute path. Raises ValueError if it is none."""
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    return folder


class Quotas(BaseModel):
    """How much of each there may be, per account and region (``api-behaviour.md`` §12.4)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workflows: int = Field(
        default=1000, ge=0, description="Versions of workflows, builds not counted."
    )
    components: int = Field(
        default=1000, ge=0, description="Versions of components, builds not counted."
    )
    image_recipes: int = Field(default=1000, ge=0, description="Versions of image recipes.")
    container_recipes: int = Field(default=1000, ge=0, description="Versions of container recipes.")
    infrastructure_configurations: int = Field(
        default=1000, ge=0, description="Infrastructure configurations."
    )
    distribution_configurations: int = Field(
        default=1000, ge=0, description="Distribution configurations."
    )
    image_pipelines: int = Field(default=75, ge=0, description="Image pipelines.")
    images: int = Field(default=10_000, ge=0, description="Builds of images.")
    components_per_recipe: int = Field(
        default=20, ge=0, description="Components that one recipe may name."
    )
    document_bytes: int = Field(
        default=65_536,
        ge=1,
        le=1_000_000,
        description="Largest document read through `uri` (CRT-04).",
    )


class Aws(BaseModel):
    """Outgoing calls to other AWS services; nothing is taken from the shell by accident."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_key_id: str | None = Field(default=None, description="The key of outgoing calls.")
    secret_access_key: str | None = Field(default=None, description="Its secret.")
    session_token: str | None = Field(default=None, description="Its session, if it has one.")
    s3_endpoint: str | None = Field(
        default=None, description="Where `s3://` is read; unset: AWS itself."
    )
    kms_endpoint: str | None = Field(
        default=None, description="A KMS that wraps document keys; unset: the local keyring."
    )
    stepfunctions_endpoint: str | None = Field(
        default=None, description="Where ExecuteStateMachine starts executions; unset: AWS itself."
    )
    ssm_endpoint: str | None = Field(
        default=None,
        description="Where components read parameters and ApplyImageConfigurations writes them; "
        "unset: AWS itself.",
    )
    ec2_endpoint: str | None = Field(
        default=None,
        description="Where ApplyImageConfigurations finds launch templates; unset: nowhere.",
    )
    sts_endpoint: str | None = Field(
        default=None,
        description="Where the roles of `instance_profiles` are assumed; unset: AWS itself.",
    )
    sns_endpoint: str | None = Field(
        default=None,
        description="Where topics are told of images, and WaitForAction notifies them; unset: "
        "AWS itself.",
    )
    lambda_endpoint: str | None = Field(
        default=None, description="Where WaitForAction invokes functions; unset: AWS itself."
    )
    events_endpoint: str | None = Field(
        default=None, description="Where the event bus is; unset: AWS itself."
    )
    logs_endpoint: str | None = Field(
        default=None,
        description="Where `component run --cw-log-group` sends its log; unset: AWS itself.",
    )
    event_bus: str | None = Field(
        default=None,
        min_length=1,
        description="The EventBridge bus, by name or ARN, that is told of events; unset: none.",
    )
    event_source: str = Field(
        default="aws.imagebuilder",
        min_length=1,
        description="The `source` of events on the bus; AWS itself accepts none of `aws.…`.",
    )
    timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        le=_DAY_SECONDS,
        description="For connecting and for reading, each. After a loss of the server a build's "
        "secrets are read again in six times that, or the build fails and can be retried.",
    )

    @field_validator("*")
    @classmethod
    def _are_urls(cls, value: Any, info: ValidationInfo) -> Any:
        is_endpoint = str(info.field_name).endswith("_endpoint") and value is not None
        if is_endpoint and not _URL.fullmatch(value):
            raise ValueError("this is no http:// or https:// URL")
        return value


class Webhooks(BaseModel):
    """URLs that are told of events, as signed requests (see Standard Webhooks)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: tuple[str, ...] = Field(
        default=(), description="Where events are posted; in the environment, a JSON list."
    )
    secret: str | None = Field(
        default=None,
        description="What requests are signed with: `whsec_` and the base64 of 24 to 64 bytes, "
        'as `echo "whsec_$(openssl rand -base64 32)"` makes it.',
    )
    timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="For connecting and for the answer, each."
    )
    tries_max: int = Field(
        default=3, ge=1, le=10, description="How often an event is posted that finds no hearing."
    )

    @field_validator("urls")
    @classmethod
    def _are_http(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for number, url in enumerate(urls, start=1):
            if not _URL.fullmatch(url):  # the text may hold a secret: it is not repeated
                raise ValueError(f"number {number} is no http:// or https:// URL")
        return urls

    @model_validator(mode="after")
    def _are_signed(self) -> Self:
        if self.urls and self.secret is None:
            raise ValueError("urls need a secret to sign with: set webhooks.secret too")
        if self.secret is not None and not _is_key(self.secret):
            raise ValueError("secret is not whsec_ and the base64 of 24 to 64 bytes")
        return self


def _is_key(secret: str) -> bool:
    prefix, text = secret[:6], secret[6:]
    try:
        return prefix == "whsec_" and 24 <= len(base64.b64decode(text, validate=True)) <= 64
    except ValueError:
        return False


class Layers(BaseModel):
    """Reuse of what earlier builds made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_age_hours: float = Field(
        default=24.0,
        ge=0,
        le=_AGE_HOURS,
        description="How long a layer made with a network in reach is reused.",
    )
    size_bytes_max: int = Field(
        default=0,
        ge=0,
        description="What `imagewright prune` lets all layers take, together with what is kept of "
        "packing them, which goes first; 0: no limit but the disk.",
    )
    free_bytes_min: int = Field(
        default=1 << 30, ge=0, description="Free space that a build leaves on the disk."
    )


class Downloads(BaseModel):
    """What this host fetches for components; its certificates are those of `sandbox.ca_bundle`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names and addresses, `HOST` or `HOST:PORT`, that may be reached although "
        "they are of this host itself or of a metadata service; in the environment, a JSON list.",
    )
    size_bytes_max: int = Field(
        default=8 << 30, ge=1, description="The largest single file or object, fetched or sent."
    )
    unpacked_bytes_max: int = Field(
        default=64 << 30,
        ge=1,
        description="The largest parent image from a registry, once it is unpacked.",
    )
    timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        le=_DAY_SECONDS,
        description="For connecting, and for each silence after it.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or re.search(r"[/@*\s]", host):
                raise ValueError(f"'{host}' is no HOST or HOST:PORT")
        return hosts


class Sandbox(BaseModel):
    """The machine that builds run on by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: Literal["own", "host", "none"] = Field(
        default="own", description="A network of its own where that works, the host's, or none."
    )
    network_fallback: bool = Field(
        default=True, description="May a build use the host's network where its own does not work?"
    )
    processes_max: int = Field(default=4096, ge=16, description="Processes of one machine.")
    open_files_max: int = Field(default=65_536, ge=64, description="Open files of one process.")
    file_bytes_max: int = Field(
        default=64 << 30, ge=1 << 20, le=1 << 62, description="The largest single file."
    )
    memory_bytes_max: int = Field(
        default=0, ge=0, description="Where cgroups are delegated; 0: no limit."
    )
    cpus_max: float = Field(
        default=0,
        ge=0,
        le=65_536,
        description="Processors' worth of time of one machine, where cgroups are delegated; "
        "0: no limit.",
    )
    ca_bundle: Path | None = Field(
        default=None,
        description="A PEM file of the authorities that programs in machines trust instead of "
        "the image's own, behind a proxy that signs anew; it enters no image.",
    )
    kept_hours_max: float = Field(
        default=168.0,
        ge=0,
        le=_AGE_HOURS,
        description="How long a machine stays that was kept after a failure; 0: for ever.",
    )

    @field_validator("memory_bytes_max", "cpus_max")
    @classmethod
    def _lets_a_machine_run(cls, limit: float, info: ValidationInfo) -> float:
        least = {"memory_bytes_max": 16 << 20, "cpus_max": 0.01}[str(info.field_name)]
        if 0 < limit < least:
            raise ValueError(f"no machine runs with less than {least}; 0: no limit")
        return limit

    @field_validator("ca_bundle")
    @classmethod
    def _has_certificates(cls, file: Path | None) -> Path | None:
        if file is None:
            return None
        file = file.expanduser().absolute()  # a relative one would follow whoever starts a command
        try:
            read_certificates(file)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        return file


class Scanning(BaseModel):
    """Looking for known vulnerabilities in images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    advisories: Path | None = Field(
        default=None,
        description="A folder of advisories in the OSV form, `*.json` or `all.zip` as osv.dev "
        "publishes them for Debian, Ubuntu, Alpine, Rocky Linux and AlmaLinux; unset: no scans.",
    )

    @field_validator("advisories")
    @classmethod
    def _is_a_folder(cls, folder: Path | None) -> Path | None:
        if folder is None:
            return None
        folder = folder.expanduser().absolute()
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
        return folder


class Bases(BaseModel):
    """Where managed base images come from, on a host whose apt has no Debian archive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    debian_archive: str = Field(
        default="http://deb.debian.org/debian",
        pattern=r"^https?://[^\s/]+[^\s]*$",
        description="Debian's archive, or a mirror of it. On Debian the host's own sources count.",
    )
    debian_security: str = Field(
        default="http://deb.debian.org/debian-security",
        pattern=r"^(https?://[^\s/]+[^\s]*)?$",
        description="Its security updates; empty: none.",
    )


def _demand_place(url: str) -> None:
    """Raise ValueError if no host and port can be read from a URL of a registry."""
    try:
        urlsplit(url).port  # noqa: B018 - it is read to hear whether it can be
    except ValueError as error:
        raise ValueError(f"{url} names no host and port: {error}") from None


class Region(BaseModel):
    """Where the copies of images go that are distributed to a region, by the region's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        default=None, description="A folder; unset, like all else: one in the state directory."
    )
    bucket: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/[^\s]*)?$",
        description="A bucket of S3 and what keys in it begin with, `s3://BUCKET/PREFIX`.",
    )
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+[^\s]*$",
        description="Where that bucket is; unset: as `aws.s3_endpoint` says.",
    )
    registry: str | None = Field(
        default=None,
        pattern=r"^(https?://)?[^\s/@]+/[a-z0-9]([a-z0-9._\-/]*[a-z0-9])?$",
        description="A registry of container images and a repository in it, `HOST/REPOSITORY` in "
        "lower case; `http://HOST/REPOSITORY` for one without TLS.",
    )
    username: str | None = Field(default=None, description="Who pushes to that registry.")
    password: str | None = Field(default=None, description="Their password, or token.")
    format: Literal["oci", "tar"] = Field(
        default="oci",
        description="What a copy in a folder or bucket is: an OCI image layout, or a tar of the "
        "whole file system.",
    )

    @model_validator(mode="before")
    @classmethod
    def _is_no_ec2(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "ec2" in given:
            raise ValueError(_NO_EC2)
        return given

    @field_validator("folder")
    @classmethod
    def _folder_is_absolute(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser().absolute()

    @field_validator("registry")
    @classmethod
    def _names_a_place(cls, registry: str | None) -> str | None:
        if registry is not None:
            _demand_place(registry if "://" in registry else f"https://{registry}")
        return registry

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        places = ("folder", "bucket", "registry")
        given = [name for name in places if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"it has a {given[0]} and a {given[1]}, and can have one place only")
        for place, names in (("bucket", ("endpoint",)), ("registry", ("username", "password"))):
            extra = [name for name in names if getattr(self, name) is not None]
            if extra and given != [place]:
                raise ValueError(f"{extra[0]} is said of a {place}, and it has none")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.registry is not None and self.format != "oci":
            raise ValueError("a registry takes images of format oci only")
        return self


class Registry(BaseModel):
    """A registry that parent images are pulled from, by its host as references to images have it.
    One that is reached over TLS, and shows its images to anybody, needs no entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$",
        description="Where to ask in its place: a mirror, perhaps with a path that all its "
        "repositories begin with, or the host itself with `http://` for one without TLS.",
    )
    username: str | None = Field(default=None, description="Who pulls.")
    password: str | None = Field(default=None, description="Their password, or token.")
    accounts: tuple[str, ...] | None = Field(
        default=None,
        description="The accounts whose builds pull with that username, all others as anybody "
        "does; unset: every account. In the environment, a JSON list.",
    )

    @field_validator("url")
    @classmethod
    def _names_a_place(cls, url: str | None) -> str | None:
        if url is not None:
            _demand_place(url)
        return url

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.accounts is not None and self.username is None:
            raise ValueError("accounts is said of a username, and it has none")
        for account in self.accounts or ():
            if not _ACCOUNT.fullmatch(account):
                raise ValueError(f"'{account}' below accounts is no account: twelve digits")
        return self


class InstanceProfile(BaseModel):
    """The credentials of machines whose infrastructure configuration has this
    `instanceProfileName`; one source of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[^:]*:iam::[0-9]{12}:role/[^\s]+$",
        description="A role that is assumed with the key of `aws.access_key_id`, for an hour at "
        "a time.",
    )
    profile: str | None = Field(
        default=None,
        min_length=1,
        description="A profile of the AWS configuration of whoever runs the server.",
    )
    access_key_id: str | None = Field(default=None, description="A key itself.")
    secret_access_key: str | None = Field(default=None, description="Its secret.")
    session_token: str | None = Field(default=None, description="Its session, if it has one.")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        sources = ("role_arn", "profile", "access_key_id")
        given = [name for name in sources if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"it takes one of {', '.join(sources)}")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("session_token is said of an access_key_id, and it has none")
        return self


class Managed(BaseModel):
    """Components of the owner Amazon (see what this release ships in `imagewright` itself)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stand_ins: Path | None = Field(
        default=None,
        description="A folder of component documents, `NAME.yaml`, that stand in for managed ones.",
    )
    missing: Literal["fail", "skip"] = Field(
        default="fail",
        description="What a build does with a managed component that is not shipped.",
    )

    @field_validator("stand_ins")
    @classmethod
    def _is_folder(cls, folder: Path | None) -> Path | None:
        return None if folder is None else _folder(folder)


class ComponentLimits(BaseModel):
    """What stops the run of a component that would not end by itself (O-4, O-9)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loop_rounds_max: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Rounds of one loop; the step of a longer one fails.",
    )
    restarts_max: int = Field(
        default=15,
        ge=0,
        le=1000,
        description="Restarts of the machine that one run, or one script of RunCommand, asks for.",
    )
    output_characters_max: int = Field(
        default=1 << 20,
        ge=1024,
        le=64 << 20,
        description="How much of its standard output a step hands on; the log has all of it.",
    )


class Settings(BaseSettings):
    """Everything an installation may set."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="IMAGEWRIGHT_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    account: str = Field(
        default="000000000000",
        pattern=r"^[0-9]{12}$",
        description="The account of the first access key: twelve digits.",
    )
    region: str = Field(default="us-east-1", description="Where a request carries none.")
    auth: Literal["sigv4", "none"] = Field(
        default="sigv4", description="none: every request passes as the first key; loopback only."
    )
    body_bytes_max: int = Field(
        default=1 << 20, ge=1 << 10, description="The largest request body."
    )
    handler_threads: int = Field(default=32, ge=1, description="Requests at work at once.")
    requests_per_second: float = Field(
        default=0,
        ge=0,
        description="Per account, beyond which requests are throttled; 0: no limit.",
    )
    token_wait_seconds: float = Field(
        default=5.0,
        ge=0,
        description="How long a request waits for another with its token (IDM-06).",
    )
    client_token_required: bool = Field(
        default=True, description="Refuse raw requests without one (O-07)."
    )
    kms_strict: bool = Field(
        default=False, description="Accept only ARNs as kmsKeyId, not bare key ids (CRT-08)."
    )
    strict_statuses: bool = Field(
        default=False, description="Show a waiting step as RUNNING, as the model has it (O-16)."
    )
    builds_parallel_max: int = Field(
        default=2,
        ge=1,
        description="Builds that run at once; those that wait for an answer do not count.",
    )
    parents: dict[str, str] = Field(
        default_factory=dict,
        description="Patterns of parent images, and the base, file or image of a registry that "
        "each stands for; see below.",
    )
    registries: dict[str, Registry] = Field(
        default_factory=dict,
        description="Registries that parent images are pulled from, by their hosts; see below.",
    )
    commands: Path | None = Field(
        default=None,
        description="A folder of command documents of your own (schema 2.2), for RunCommand.",
    )
    regions: dict[str, Region] = Field(
        default_factory=dict,
        description="Where images go that are distributed to a region; see below.",
    )
    instance_profiles: dict[str, InstanceProfile] = Field(
        default_factory=dict,
        description="What credentials machines have, by `instanceProfileName`; see below.",
    )
    quotas: Quotas = Quotas()
    aws: Aws = Aws()
    webhooks: Webhooks = Webhooks()
    layers: Layers = Layers()
    downloads: Downloads = Downloads()
    sandbox: Sandbox = Sandbox()
    bases: Bases = Bases()
    scanning: Scanning = Scanning()
    components: ComponentLimits = ComponentLimits()
    managed: Managed = Managed()

    @field_validator("commands")
    @classmethod
    def _is_folder(cls, folder: Path | None) -> Path | None:
        return None if folder is None else _folder(folder)

    @field_validator("region")
    @classmethod
    def _region_fits_arns(cls, region: str) -> str:
        if not is_region(region):
            raise ValueError(_REGION_FORM)
        return region

    @property
    def listeners(self) -> Mapping[str, str | None]:
        """Who is told of events: a name that keeps, and tells no secret, and a webhook's URL."""
        bus: dict[str, str | None] = {} if self.aws.event_bus is None else {"event-bus": None}
        digests = {url: hashlib.sha256(url.encode()).hexdigest() for url in self.webhooks.urls}
        return bus | {f"webhook-{digest[:16]}": url for url, digest in digests.items()}

    @field_validator("regions")
    @classmethod
    def _regions_fit_arns(cls, regions: dict[str, Region]) -> dict[str, Region]:
        for name in regions:
            if not is_region(name):
                raise ValueError(f"'{name}' is no region: {_REGION_FORM}")
        return regions

    @field_validator("registries")
    @classmethod
    def _are_by_hosts(cls, registries: dict[str, Registry]) -> dict[str, Registry]:
        found: dict[str, Registry] = {}
        for name, said in registries.items():
            if not _REGISTRY_HOST.fullmatch(name):
                raise ValueError(f"'{name}' is no HOST or HOST:PORT, such as docker.io")
            host = registry_name(name)  # as references have it
            if host in found:
                raise ValueError(f"'{host}' is named twice, under '{name}' too: write it once")
            found[host] = said
        return found

    @classmethod
    def load(cls, state: Path, overrides: Mapping[str, Any] | None = None) -> Self:
        """Read the settings of a state directory.

        Raises SettingsError, naming the setting and where its value came from.
        """
        file = state / "settings.toml"
        reading = _state_file.set(file)
        try:
            return cls(**(overrides or {}))
        except ValidationError as error:
            raise SettingsError(_explain(error, file)) from None
        except SourceError as error:
            raise SettingsError(
                f"the settings cannot be read: {error}; what is a list or a table is JSON in the "
                f"environment ({_whence(file)})"
            ) from None
        except (OSError, ValueError) as error:
            raise SettingsError(f"the settings cannot be read: {error} ({_whence(file)})") from None
        finally:
            _state_file.reset(reading)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in order: command line, environment, file."""
        file = _state_file.get()
        if file is None or not file.exists():
            return init_settings, env_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def _explain(error: ValidationError, file: Path) -> str:
    lines = [
        f"{'.'.join(map(str, problem['loc']))}: "
        + (
            _wanted(problem["loc"])
            if problem["type"] == "string_pattern_mismatch"
            else problem["msg"].removeprefix("Value error, ")
        )
        for problem in error.errors()
    ]
    return "the settings cannot be used: " + "; ".join(lines) + f" ({_whence(file)})"


def _whence(file: Path) -> str:
    return f"they come from {file}, IMAGEWRIGHT_… variables and the command line"


def _wanted(place: Sequence[int | str]) -> str:
    """Say what a setting is to hold, where its value has not the form of that."""
    model: type[BaseModel] | None = Settings
    description = ""
    for name in place:
        field = model.model_fields.get(str(name)) if model is not None else None
        if field is None:  # the name of a region: what is below it has the same model for all
            continue
        description = field.description or ""
        inner = [field.annotation, *get_args(field.annotation)]
        models = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
        model = models[0] if models else None
    return f"it has not the form that is wanted. {description}"
