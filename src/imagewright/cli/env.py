"""``imagewright env``: what other programs need to talk to the running server."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from imagewright.access.keys import AccessKeys, KeyFileError
from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.options import State, open_state
from imagewright.files import write_private

PROFILE = "imagewright"
_BEGIN = b"# >>> imagewright: written by `imagewright env --format profile` >>>"
_END = b"# <<< imagewright <<<\n"


class EnvForm(StrEnum):
    """For whom the connection is spelled."""

    SHELL = "shell"
    PROFILE = "profile"
    TERRAFORM = "terraform"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the server answers, and a key that it accepts."""

    url: str
    access_key_id: str
    secret_access_key: str
    region: str


def env(
    form: Annotated[
        EnvForm,
        typer.Option(
            "--format",
            help="shell: export lines. profile: add the profile 'imagewright' to the AWS "
            "configuration, leaving everything else in it alone. terraform: a provider block.",
        ),
    ] = EnvForm.SHELL,
    state: State = None,
) -> None:
    """Print what the AWS CLI, an SDK or Terraform needs to talk to the server of this state.

    In a shell: eval "$(imagewright env)"
    """
    connection = _connection(state)
    if form is EnvForm.SHELL:
        typer.echo(_shell(connection))
    elif form is EnvForm.TERRAFORM:
        typer.echo(_terraform(connection))
    else:
        file = Path(os.environ.get("AWS_CONFIG_FILE") or Path.home() / ".aws" / "config")
        _add_profile(file.expanduser(), connection)
        if "AWS_ACCESS_KEY_ID" in os.environ:
            note("AWS_ACCESS_KEY_ID is set in this shell and wins over a profile; unset it")
        typer.echo(f"export AWS_PROFILE={PROFILE}")


def _connection(path: Path | None) -> Connection:
    state = open_state(path)
    server = state.running_server()
    if server is None:
        fail(
            ExitCode.NO_SERVER,
            f"no server runs on the state {state.root}",
            help="start one with: imagewright serve",
        )
    try:
        key = AccessKeys(state.access_keys).first_of(server.account)
    except KeyFileError as error:
        fail(ExitCode.STATE, str(error))
    return Connection(server.url, key.access_key_id, key.secret_access_key, server.region)


def _shell(connection: Connection) -> str:
    values = {
        "AWS_ENDPOINT_URL_IMAGEBUILDER": connection.url,
        "AWS_ENDPOINT_URL_STS": connection.url,
        "AWS_ACCESS_KEY_ID": connection.access_key_id,
        "AWS_SECRET_ACCESS_KEY": connection.secret_access_key,
        "AWS_REGION": connection.region,
        "AWS_DEFAULT_REGION": connection.region,
    }
    lines = [f"export {name}={value}" for name, value in values.items()]
    return "\n".join([*lines, "unset AWS_SESSION_TOKEN"])


def _terraform(connection: Connection) -> str:
    return f"""\
provider "aws" {{
  region                      = "{connection.region}"
  access_key                  = "{connection.access_key_id}"
  secret_key                  = "{connection.secret_access_key}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = false

  endpoints {{
    imagebuilder = "{connection.url}"
    sts          = "{connection.url}"
  }}
}}"""


def _profile(connection: Connection) -> bytes:
    text = f"""\
[profile {PROFILE}]
region = {connection.region}
aws_access_key_id = {connection.access_key_id}
aws_secret_access_key = {connection.secret_access_key}
services = {PROFILE}

[services {PROFILE}]
imagebuilder =
  endpoint_url = {connection.url}
sts =
  endpoint_url = {connection.url}
"""
    return _BEGIN + b"\n" + text.encode() + _END


def _add_profile(file: Path, connection: Connection) -> None:
    """Put our own block into the AWS configuration; not a byte beside it changes."""
    try:
        before, after = _around_our_block(file)
        if before and not before.endswith(b"\n"):
            before += b"\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file.resolve(), before + _profile(connection) + after)
    except OSError as error:
        fail(ExitCode.FAILED, f"{file} cannot be written: {error.strerror}")


def _around_our_block(file: Path) -> tuple[bytes, bytes]:
    """Return what stands before and behind the block of an earlier time."""
    before, begin, rest = (file.read_bytes() if file.exists() else b"").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if begin and not end:
        fail(
            ExitCode.REFUSED,
            f"{file} has the first line of our block but not its last",
            help=f"remove what is left of it, from the line: {_BEGIN.decode()}",
        )
    for section in (f"[profile {PROFILE}]", f"[services {PROFILE}]"):
        if section.encode() in before + after:
            fail(
                ExitCode.REFUSED,
                f"{file} has a section {section} of your own",
                help="rename it, or use: imagewright env --format shell",
            )
    return before, after
