"""The metadata service of a machine, asked from within it by busybox's programs."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.utils import InstanceMetadataFetcher
from tests.machines.lab import Lab, sh

from imagewright.machines.machine import Machine
from imagewright.machines.metadata import Credentials, Instance, MetadataService, NoCredentials
from imagewright.machines.network import Network
from imagewright.machines.sandbox import SandboxOptions

SECRET = "wJalrXUtnFEMI/canary"
ROLE = "meta-data/iam/security-credentials"


def given() -> Credentials:
    return Credentials(
        access_key_id="ASIAEXAMPLE",
        secret_access_key=SECRET,
        session_token="session",
        expires_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def refused() -> Credentials:
    raise NoCredentials("the role is gone")


def instance(**more: object) -> Instance:
    facts: dict[str, object] = {
        "id": "i-0123456789abcdef0",
        "account": "111122223333",
        "region": "eu-west-1",
        "architecture": "x86_64",
        **more,
    }
    return Instance(**facts)  # type: ignore[arg-type]  # the tests' own words


@contextmanager
def launched(lab: Lab, tiny: str, told: Instance | None) -> Iterator[Machine]:
    """Start a machine whose network is its loopback interface alone."""
    network = Network("none", directory=lab.layers.directory, verdict_file=Path("unused"))
    options = SandboxOptions(describe=lambda _instance_id: told)
    machine = lab.launch(tiny, options=options, network=network)
    try:
        yield machine
    finally:
        machine.terminate()


def ask(machine: Machine, request: str, *headers: str) -> tuple[int, str]:
    """Send a request and return the status and the body."""
    head = "\\r\\n".join([f"{request} HTTP/1.0", "Host: 169.254.169.254", *headers, "", ""])
    _code, answer = sh(machine, f'printf "{head}" | nc 169.254.169.254 80')
    status = re.match(r"HTTP/1.0 ([0-9]{3})", answer)
    assert status, answer
    return int(status[1]), answer.replace("\r", "").partition("\n\n")[2]


def token(machine: Machine) -> str:
    seconds = "X-aws-ec2-metadata-token-ttl-seconds: 60"
    status, found = ask(machine, "PUT /latest/api/token", seconds)
    assert status == 200
    return f"X-aws-ec2-metadata-token: {found}"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("latest/meta-data/instance-id", "i-0123456789abcdef0"),
        ("2021-03-23/meta-data/placement/region", "eu-west-1"),
        ("latest/meta-data/placement/", "availability-zone\nregion"),
        ("latest/meta-data", "hostname\niam/\ninstance-id\nlocal-hostname\nplacement/"),
        ("latest/", "dynamic/\nmeta-data/"),
        (f"latest/{ROLE}/", "builder"),
        ("latest/user-data", None),
        (f"latest/{ROLE}/other", None),
        ("meta-data/instance-id", None),
        ("latest/../latest/meta-data/instance-id", None),
    ],
)
def test_a_machine_reads_of_itself(
    metadata_machine: Machine, path: str, answer: str | None
) -> None:
    status, found = ask(metadata_machine, f"GET /{path}", token(metadata_machine))

    assert (status, found) == ((200, answer) if answer is not None else (404, "Not Found"))


def test_a_machine_gets_the_credentials_of_its_profile(metadata_machine: Machine) -> None:
    status, found = ask(metadata_machine, f"GET /latest/{ROLE}/builder", token(metadata_machine))

    assert status == 200
    read = json.loads(found)
    assert read.pop("LastUpdated")
    assert read == {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": SECRET,
        "Token": "session",
        "Expiration": "2026-01-02T03:04:05Z",
    }


def test_the_identity_document_names_the_instance(metadata_machine: Machine) -> None:
    path = "GET /latest/dynamic/instance-identity/document"

    read = json.loads(ask(metadata_machine, path, token(metadata_machine))[1])

    assert (read["instanceId"], read["accountId"]) == ("i-0123456789abcdef0", "111122223333")
    assert read["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("PUT /latest/api/token", [], 400),
        ("PUT /latest/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: 0"], 400),
        ("PUT /latest/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: 21601"], 400),
        ("PUT /latest/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: x"], 400),
        (
            "PUT /latest/api/token",
            ["X-aws-ec2-metadata-token-ttl-seconds: 9", "X-Forwarded-For: 1.2.3.4"],
            403,
        ),
        ("PUT /latest/meta-data/instance-id", [], 404),
        ("GET /latest/meta-data/instance-id", ["X-aws-ec2-metadata-token: wrong"], 401),
        ("GET /latest/meta-data/instance-id", [], 200),
        ("HEAD /latest/meta-data/instance-id", [], 200),
        ("DELETE /latest/meta-data/instance-id", [], 501),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    metadata_machine: Machine, request_line: str, headers: list[str], status: int
) -> None:
    assert ask(metadata_machine, request_line, *headers)[0] == status


def test_where_tokens_are_required_nothing_is_answered_without(lab: Lab, tiny: str) -> None:
    """INF-05: ``httpTokens``."""
    with launched(lab, tiny, instance(tokens_required=True)) as machine:
        path = "GET /latest/meta-data/instance-id"
        without = ask(machine, path)
        having = ask(machine, path, token(machine))

    assert (without[0], having) == (401, (200, "i-0123456789abcdef0"))


def test_without_a_mapped_profile_there_are_no_credentials(lab: Lab, tiny: str) -> None:
    with launched(lab, tiny, instance(profile="unmapped")) as machine:
        for path in ("meta-data/iam/info", f"{ROLE}/", f"{ROLE}/unmapped"):
            assert ask(machine, f"GET /latest/{path}", token(machine))[0] == 404
        assert "iam" not in ask(machine, "GET /latest/meta-data/", token(machine))[1]


def test_credentials_that_cannot_be_had_are_an_error_of_the_service(lab: Lab, tiny: str) -> None:
    with launched(lab, tiny, instance(profile="builder", credentials=refused)) as machine:
        status, found = ask(machine, f"GET /latest/{ROLE}/builder", token(machine))

    assert (status, found) == (500, "Internal Server Error")


def test_the_credentials_are_in_no_environment_argument_or_file(
    metadata_machine: Machine,
) -> None:
    ask(metadata_machine, f"GET /latest/{ROLE}/builder", token(metadata_machine))

    search = "cat /proc/*/environ /proc/*/cmdline 2>/dev/null | grep -c canary; "
    search += "grep -r canary /etc /run /tmp /var /dev/shm 2>/dev/null | wc -l"
    # Who searches has the word among its own arguments.
    _code, found = sh(metadata_machine, search.replace("canary", "[c]anary"))

    assert found.split() == ["0", "0"]


def test_the_service_ends_with_its_machine_and_comes_again_after_a_restart(
    lab: Lab, tiny: str
) -> None:
    before = lab.ledger.entries()
    with launched(lab, tiny, instance()) as machine:
        machine.reboot()
        assert ask(machine, "GET /latest/meta-data/instance-id")[0] == 200
        machine.commit()
        assert ask(machine, "GET /latest/meta-data/instance-id")[0] == 200
    assert lab.ledger.entries() == before


def test_a_machine_of_the_host_s_network_gets_none_and_says_so(lab: Lab, tiny: str) -> None:
    network = Network("host", directory=lab.layers.directory, verdict_file=Path("unused"))
    told = instance(profile="builder", credentials=given)
    options = SandboxOptions(describe=lambda _instance_id: told)

    lab.launch(tiny, options=options, network=network).terminate()

    assert "no credentials of the instance profile builder: it uses the host's" in lab.notices[-1]


def test_botocore_takes_its_credentials_from_there() -> None:
    """A client of AWS's own, as scripts use it; for once on the host's loopback interface."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    service = MetadataService(listener, instance(profile="builder", credentials=given))
    fetcher = InstanceMetadataFetcher(num_attempts=1, base_url=url)
    try:
        found = fetcher.retrieve_iam_role_credentials()
    finally:
        service.close()

    assert (found["role_name"], found["access_key"]) == ("builder", "ASIAEXAMPLE")
    assert (found["secret_key"], found["token"]) == (SECRET, "session")


@pytest.fixture(scope="module")
def metadata_machine(lab: Lab, tiny: str) -> Iterator[Machine]:
    """Return a machine whose profile has credentials."""
    with launched(lab, tiny, instance(profile="builder", credentials=given)) as machine:
        yield machine
