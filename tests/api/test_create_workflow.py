"""Every parameter and every exception of create_workflow's page, on the wire."""

import resource
import signal
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.api.conftest import SlowEndpoint
from tests.conftest import Server, StartServer, wait_until
from tests.other_services import OtherServices

if TYPE_CHECKING:
    from mypy_boto3_imagebuilder import ImagebuilderClient

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def document(text: str = "hello") -> str:
    return f"""\
name: a-test
description: {text}
schemaVersion: 1.0
parameters:
  - name: waitForIt
    type: boolean
    default: true
    description: Wait, or not.
  - name: topic
    type: string
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Components
    action: ExecuteComponents
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
  - name: Terminate
    action: TerminateInstance
    onFailure: Continue
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
"""


def a_request(name: str, **changes: Any) -> dict[str, Any]:
    request = {"name": name, "semanticVersion": "1.0.0", "type": "BUILD", "data": document()}
    return {key: value for key, value in {**request, **changes}.items() if value is not None}


def without_metadata(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.fixture
def refused(client: "ImagebuilderClient", name: str) -> Callable[..., tuple[str, int, str]]:
    """Ask for a workflow that cannot be; return the error's code, status and message."""

    def ask(of: Any = client, **changes: Any) -> tuple[str, int, str]:
        with pytest.raises(ClientError) as caught:
            of.create_workflow(**a_request(**{"name": name, **changes}))
        error = caught.value.response
        return (
            error["Error"]["Code"],
            error["ResponseMetadata"]["HTTPStatusCode"],
            error["Error"]["Message"],
        )

    return ask


def test_the_answer_names_the_build_and_what_it_is_the_latest_of(
    client: "ImagebuilderClient", name: str
) -> None:
    """CRT-20, VER-21."""
    answer = client.create_workflow(**a_request(name, clientToken="t-" + name[-12:]))

    base = f"arn:aws:imagebuilder:us-east-1:000000000000:workflow/build/{name.replace('_', '-')}"
    assert answer["workflowBuildVersionArn"] == f"{base}/1.0.0/1"
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["latestVersionReferences"] == {
        "latestVersionArn": f"{base}/x.x.x",
        "latestMajorVersionArn": f"{base}/1.x.x",
        "latestMinorVersionArn": f"{base}/1.0.x",
        "latestPatchVersionArn": f"{base}/1.0.0",
    }
    assert "requestId" not in answer


def test_what_was_given_is_read_back(client: "ImagebuilderClient", name: str) -> None:
    """CRT-10, CRT-11 (the document has a name of its own), CRT-13, CRT-21, WIRE-10."""
    arn = client.create_workflow(
        **a_request(
            name,
            description="What it is for",
            changeDescription="What is new",
            kmsKeyId=KEY,
            tags={"team": "images"},
        )
    )["workflowBuildVersionArn"]

    workflow = client.get_workflow(workflowBuildVersionArn=arn)["workflow"]

    assert workflow.pop("dateCreated")
    assert workflow == {
        "arn": arn,
        "name": name,
        "version": "1.0.0",
        "type": "BUILD",
        "owner": "000000000000",
        "description": "What it is for",
        "changeDescription": "What is new",
        "kmsKeyId": KEY,
        "tags": {"team": "images"},
        "data": document(),
        "parameters": [
            {
                "name": "waitForIt",
                "type": "boolean",
                "defaultValue": ["true"],
                "description": "Wait, or not.",
            },
            {"name": "topic", "type": "string"},
        ],
    }


def test_what_was_not_given_is_absent(client: "ImagebuilderClient", name: str) -> None:
    """WIRE-10, CRT-14."""
    arn = client.create_workflow(**a_request(name))["workflowBuildVersionArn"]

    workflow = client.get_workflow(workflowBuildVersionArn=arn)["workflow"]

    assert workflow["tags"] == {}
    assert not {"description", "changeDescription", "kmsKeyId", "state"} & workflow.keys()


@pytest.mark.parametrize("bad", ["a", "ab", " abc", "abc ", "a.b.c", "x" * 129, "abc\n"])
def test_a_bad_name_is_refused(refused: Callable[..., tuple[str, int, str]], bad: str) -> None:
    """NAM-01, ERR-21."""
    code, status, message = refused(name=bad)

    assert (code, status) == ("InvalidParameterValueException", 400)
    frame = "The value supplied for parameter 'name' is not valid. "
    assert message.startswith(f"{frame}name must match pattern ^[-_A-Za-z-0-9]")


@pytest.mark.parametrize(
    "version", ["1.0", "1.0.x", "v1.0.0", "1.0.0.0", "1.0.0\n", "\uff11.0.0", ""]
)
def test_a_version_that_is_none_is_a_bad_value(
    refused: Callable[..., tuple[str, int, str]], version: str
) -> None:
    """VER-02, VER-12."""
    assert refused(semanticVersion=version) == (
        "InvalidParameterValueException",
        400,
        "The value supplied for parameter 'semanticVersion' is not valid. "
        r"semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$",
    )


@pytest.mark.parametrize("version", ["1073741824.0.0", "0.1073741824.0", "0.0.1073741824"])
def test_a_version_out_of_range_is_a_bad_version_number(
    refused: Callable[..., tuple[str, int, str]], version: str
) -> None:
    """VER-03, O-27."""
    assert refused(semanticVersion=version)[:2] == ("InvalidVersionNumberException", 400)


def test_a_version_out_of_range_is_told_before_the_document_is_read(
    refused: Callable[..., tuple[str, int, str]],
) -> None:
    """ERR-30: value rules, then the document, which may lie out of reach."""
    for source in ({"data": "nonsense"}, {"data": None, "uri": "s3://documents/absent"}):
        code, _, _ = refused(semanticVersion="1.0.1073741824", **source)
        assert code == "InvalidVersionNumberException"


def test_the_greatest_version_is_accepted(client: "ImagebuilderClient", name: str) -> None:
    """VER-03."""
    greatest = "1073741823.1073741823.1073741823"

    arn = client.create_workflow(**a_request(name, semanticVersion=greatest))

    assert arn["workflowBuildVersionArn"].endswith(f"/{greatest}/1")


def test_a_changed_workflow_is_a_new_build_and_an_identical_one_exists(
    client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
) -> None:
    """VER-05, VER-06, CRT-15, ERR-04, ERR-24, O-03, O-04."""
    first = client.create_workflow(**a_request(name))["workflowBuildVersionArn"]

    code, status, message = refused(
        semanticVersion="01.00.0", changeDescription="other", tags={"other": "tags"}
    )
    assert (code, status) == ("ResourceAlreadyExistsException", 400)
    assert message == f"The following resource 'Workflow' already exists: '{first}'."
    for changes in ({"data": document("b")}, {"description": "other"}, {"kmsKeyId": KEY}):
        assert client.create_workflow(**a_request(name, **changes))
    fifth = client.create_workflow(**a_request(name))["workflowBuildVersionArn"]
    assert fifth.endswith("/1.0.0/5")
    assert client.get_workflow(workflowBuildVersionArn=first)["workflow"]["data"] == document()


def test_names_with_one_slug_are_one_name_and_types_are_apart(
    client: "ImagebuilderClient", name: str
) -> None:
    """NAM-05, NAM-06."""
    client.create_workflow(**a_request(f"{name} A"))

    again = client.create_workflow(**a_request(f"{name}_a", data=document("other")))
    test = client.create_workflow(**a_request(f"{name} A", type="TEST"))

    assert again["workflowBuildVersionArn"].endswith("/1.0.0/2")
    assert "/workflow/test/" in test["workflowBuildVersionArn"].replace(":", "/")
    assert test["workflowBuildVersionArn"].endswith("/1.0.0/1")


@pytest.mark.parametrize(
    "changes", [{"data": None}, {"uri": "s3://bucket/key"}], ids=["neither", "both"]
)
def test_exactly_one_of_data_and_uri_is_wanted(
    refused: Callable[..., tuple[str, int, str]], changes: dict[str, Any]
) -> None:
    """CRT-01."""
    assert refused(**changes)[:2] == ("InvalidParameterCombinationException", 400)


@pytest.mark.parametrize(
    "data",
    ["x" * 16_001, "name: a\0b", "é" * 16_001],
    ids=["16001", "NUL", "16001 two-byte characters"],
)
def test_data_that_is_too_long_or_holds_a_nul_is_refused(
    refused: Callable[..., tuple[str, int, str]], data: str
) -> None:
    """CRT-02."""
    code, status, message = refused(data=data)

    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("The value supplied for parameter 'data' is not valid.")


def test_data_is_counted_in_characters(client: "ImagebuilderClient", name: str) -> None:
    """CRT-02."""
    padding = "# " + "é" * (16_000 - len(document()) - 3) + "\n"

    assert client.create_workflow(**a_request(name, data=padding + document()))


def test_a_typo_in_a_reference_is_shown_with_its_place_and_what_was_meant(
    refused: Callable[..., tuple[str, int, str]],
) -> None:
    """CRT-40, CRT-41, CRT-45."""
    code, status, message = refused(data=document().replace("Launch.inst", "Lunch.inst", 1))

    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("The value supplied for parameter 'data' is not valid. ")
    assert "line 19" in message
    assert "column" in message
    assert "`Launch`" in message


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ("a: [", "line 2, column 1"),
        ("- a\n- b\n", ""),
        ("name: x\n", "Invalid schema version. Supported versions include: 1.0."),
        ("&a [*a]", ""),
        ("a: &a [x,x]\nb: &b [*a,*a]\n" * 1, ""),
        (document().replace("LaunchInstance", "LunchInstance"), "LunchInstance"),
        (document() + "outputs: 5\n", ""),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_with_the_first_problem(
    refused: Callable[..., tuple[str, int, str]], data: str, detail: str
) -> None:
    """CRT-40, CRT-41."""
    code, status, message = refused(data=data)

    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("The value supplied for parameter 'data' is not valid. ")
    assert detail in message


def test_a_yaml_bomb_is_refused_at_once_and_the_server_goes_on(
    client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
) -> None:
    levels = ["l0: &l0 [" + ",".join(["x"] * 10) + "]"]
    levels += [f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert refused(data="\n".join(levels))[0] == "InvalidParameterValueException"

    assert client.create_workflow(**a_request(name))


def test_the_document_is_checked_against_the_type(
    refused: Callable[..., tuple[str, int, str]],
) -> None:
    """CRT-46."""
    code, _, message = refused(type="DISTRIBUTION")

    assert code == "InvalidParameterValueException"
    assert "ExecuteComponents" in message


def test_a_distribution_workflow_of_ones_own_is_accepted(
    client: "ImagebuilderClient", name: str
) -> None:
    """CRT-51."""
    text = "schemaVersion: 1.0\nsteps:\n  - name: Ask\n    action: WaitForAction\n"

    arn = client.create_workflow(**a_request(name, type="DISTRIBUTION", data=text))

    assert ":workflow/distribution/" in arn["workflowBuildVersionArn"]


def test_a_type_that_is_none_is_refused(refused: Callable[..., tuple[str, int, str]]) -> None:
    code, _, message = refused(type="NOPE")

    assert code == "InvalidParameterValueException"
    assert message.startswith("The value supplied for parameter 'type' is not valid.")


@pytest.mark.parametrize("member", ["description", "changeDescription", "kmsKeyId"])
def test_texts_have_a_length(refused: Callable[..., tuple[str, int, str]], member: str) -> None:
    assert refused(**{member: "x" * 1025})[0] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "tags", [{"aws:x": "y"}, {"a" * 129: "y"}, {"a": "y" * 257}, {f"k{n}": "" for n in range(51)}]
)
def test_bad_tags_are_refused(
    refused: Callable[..., tuple[str, int, str]], tags: dict[str, str]
) -> None:
    """TAG-02."""
    assert refused(tags=tags)[0] == "InvalidParameterValueException"


COMPONENT = b"""\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Say
        action: ExecuteBash
        inputs:
          commands: [echo hi]
"""


class TestReadingFromS3:
    @pytest.fixture
    def with_s3(self, serve: StartServer, others: OtherServices) -> "ImagebuilderClient":
        return serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": others.url}).client()

    def test_a_document_of_64_kib_is_read_once_and_its_uri_is_not_shown(
        self, with_s3: "ImagebuilderClient", others: OtherServices, name: str
    ) -> None:
        """CRT-03, CRT-04, CRT-06."""
        text = document() + "#" * (65_536 - len(document()))
        uri = others.put("documents", "deep/er/workflow.yaml", text.encode())
        arn = with_s3.create_workflow(**a_request(name, data=None, uri=uri))

        others.s3.delete_object(Bucket="documents", Key="deep/er/workflow.yaml")

        workflow = with_s3.get_workflow(workflowBuildVersionArn=arn["workflowBuildVersionArn"])[
            "workflow"
        ]
        assert workflow["data"] == text
        assert "uri" not in workflow

    def test_how_large_a_document_may_be_is_a_setting(
        self,
        serve: StartServer,
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
        name: str,
    ) -> None:
        """CRT-04, workflow-documents.md §14 point 20."""
        larger = {"IMAGEWRIGHT_QUOTAS_DOCUMENT_BYTES": "200000"}
        client = serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": others.url, **larger}).client()
        text = document() + "#" * (200_000 - len(document()))
        uri = others.put("documents", name, text.encode())
        component = others.put("documents", f"c-{name}", COMPONENT + b"#" * 150_000)

        arn = client.create_workflow(**a_request(name, data=None, uri=uri))
        client.create_component(
            name=name,
            semanticVersion="1.0.0",
            platform="Linux",
            uri=component,
            clientToken=str(uuid4()),
        )

        shown = client.get_workflow(workflowBuildVersionArn=arn["workflowBuildVersionArn"])
        assert shown["workflow"]["data"] == text
        uri = others.put("documents", name, text.encode() + b"#")
        assert "larger than 200000 bytes" in refused(client, data=None, uri=uri)[2]

    @pytest.mark.parametrize(
        ("content", "detail"),
        [
            (b"#" * 65_537, "larger than 65536 bytes"),
            (b"", "empty"),
            (b"name: a\0", "NUL"),
            (b"\xff\xfe", "UTF-8"),
            (b"name: x", "Invalid schema version"),
        ],
    )
    def test_an_object_that_is_no_document_is_refused(
        self,
        with_s3: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
        content: bytes,
        detail: str,
    ) -> None:
        """CRT-04."""
        uri = others.put("documents", f"bad-{uuid4()}", content)

        code, status, message = refused(with_s3, data=None, uri=uri)

        assert (code, status) == ("InvalidParameterValueException", 400)
        assert message.startswith("The value supplied for parameter 'uri' is not valid. ")
        assert detail in message

    @pytest.mark.parametrize(
        "uri", ["s3://documents/absent", "s3://no-such-bucket/key", "http://a/b", "s3://documents"]
    )
    def test_where_nothing_lies_nothing_is_read(
        self,
        with_s3: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
        uri: str,
    ) -> None:
        """CRT-03, CRT-05."""
        others.put("documents", "there", b"x")

        code, status, message = refused(with_s3, data=None, uri=uri)

        assert (code, status) == ("InvalidParameterValueException", 400)
        assert "'uri'" in message

    def test_a_dry_run_reads_the_document_too(
        self,
        with_s3: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
    ) -> None:
        """CRT-32."""
        others.put("documents", "broken", b"name: x")
        good = others.put("documents", "good", document().encode())

        for uri in ("s3://documents/broken", "s3://documents/absent"):
            request = {"data": None, "uri": uri}
            assert refused(with_s3, **request, dryRun=True) == refused(with_s3, **request)
        assert refused(with_s3, data=None, uri=good, dryRun=True)[0] == "DryRunOperationException"

    def test_an_object_that_s3_refuses_is_forbidden(
        self,
        with_s3: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
    ) -> None:
        """CRT-05: ForbiddenException."""
        uri = others.put("documents", "secret", document().encode())

        with others.strangers_refused():
            code, status, _ = refused(with_s3, data=None, uri=uri)

        assert (code, status) == ("ForbiddenException", 403)

    def test_s3_out_of_reach_is_unavailable(
        self, serve: StartServer, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """CRT-05."""
        away = serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": "http://127.0.0.1:1"}).client()

        code, status, message = refused(away, data=None, uri="s3://documents/key")

        assert (code, status) == ("ServiceUnavailableException", 503)
        assert "S3 is out of reach" in message


class TestKeys:
    def test_a_sealed_document_is_nowhere_in_the_state(self, serve: StartServer, name: str) -> None:
        """CRT-07."""
        server = serve()
        secret = "a-sentence-to-look-for"

        server.client().create_workflow(
            **a_request(name, data=document(secret), kmsKeyId="alias/images")
        )
        server.stop()

        files = [path for path in server.state.rglob("*") if path.is_file()] + [server.log]
        assert not [path for path in files if secret.encode() in path.read_bytes()]

    def test_a_disabled_local_key_is_refused(
        self, serve: StartServer, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """CRT-07."""
        from imagewright.keyring import LocalKeyring

        server = serve()
        server.client().create_workflow(**a_request(name, kmsKeyId=KEY))
        LocalKeyring(server.state / "keyring.json").set_enabled(KEY, False)

        code, _, message = refused(server.client(), kmsKeyId=KEY, data=document("x"))

        assert code == "InvalidParameterValueException"
        assert message.startswith("The value supplied for parameter 'kmsKeyId' is not valid.")

    @pytest.fixture
    def with_kms(self, serve: StartServer, others: OtherServices) -> "ImagebuilderClient":
        return serve(environment={"IMAGEWRIGHT_AWS_KMS_ENDPOINT": others.url}).client()

    def test_a_kms_wraps_the_key_where_one_is_configured(
        self, with_kms: "ImagebuilderClient", others: OtherServices, name: str
    ) -> None:
        """CRT-07."""
        key = others.kms.create_key()["KeyMetadata"]["Arn"]

        arn = with_kms.create_workflow(**a_request(name, kmsKeyId=key))["workflowBuildVersionArn"]

        workflow = with_kms.get_workflow(workflowBuildVersionArn=arn)["workflow"]
        assert workflow["data"] == document()
        assert workflow["kmsKeyId"] == key

    def test_a_document_stays_readable_when_its_alias_means_another_key(
        self, with_kms: "ImagebuilderClient", others: OtherServices, name: str
    ) -> None:
        """CRT-07: the document is under the key that the alias meant when it was sealed."""
        alias = f"alias/{name[-12:]}"
        first, second = (others.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        others.kms.create_alias(AliasName=alias, TargetKeyId=first)
        arn = with_kms.create_workflow(**a_request(name, kmsKeyId=alias))["workflowBuildVersionArn"]

        others.kms.update_alias(AliasName=alias, TargetKeyId=second)

        workflow = with_kms.get_workflow(workflowBuildVersionArn=arn)["workflow"]
        assert (workflow["data"], workflow["kmsKeyId"]) == (document(), alias)

    def test_a_key_that_the_kms_does_not_know_is_a_bad_value(
        self, with_kms: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]]
    ) -> None:
        """CRT-07."""
        code, status, message = refused(with_kms, kmsKeyId=KEY)

        assert (code, status) == ("InvalidParameterValueException", 400)
        assert "'kmsKeyId'" in message

    def test_what_the_kms_rejects_for_another_reason_is_a_client_error(
        self,
        with_kms: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        others: OtherServices,
    ) -> None:
        """CRT-07: ClientException."""
        key = others.kms.create_key()["KeyMetadata"]["Arn"]

        with others.strangers_refused():
            code, status, message = refused(with_kms, kmsKeyId=key)

        assert (code, status) == ("ClientException", 400)
        assert key in message


class TestTokens:
    def test_a_token_brings_the_first_answer_back_even_after_a_restart_and_a_delete(
        self, serve: StartServer, name: str
    ) -> None:
        """IDM-02, IDM-10, IDM-12."""
        server = serve()
        request = a_request(name, clientToken="once")
        first = server.client().create_workflow(**request)
        server.client().delete_workflow(workflowBuildVersionArn=first["workflowBuildVersionArn"])
        server.stop()

        again = serve(state=server.state).client().create_workflow(**request)

        assert again["ResponseMetadata"]["RequestId"] != first["ResponseMetadata"]["RequestId"]
        assert without_metadata(again) == without_metadata(first)

    def test_a_token_with_other_parameters_is_a_mismatch(
        self, client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """IDM-03, IDM-09."""
        client.create_workflow(**a_request(name, clientToken=f"m-{name[-12:]}"))

        for changes in ({"data": document("x")}, {"description": "x"}, {"tags": {"a": "b"}}):
            code, status, _ = refused(clientToken=f"m-{name[-12:]}", **changes)
            assert (code, status) == ("IdempotentParameterMismatchException", 400)

    def test_a_failed_request_leaves_its_token_free(
        self, client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """IDM-07."""
        refused(clientToken=f"f-{name[-12:]}", data="nonsense")

        assert client.create_workflow(**a_request(name, clientToken=f"f-{name[-12:]}"))

    def test_twenty_calls_at_once_with_one_token_make_one_resource(
        self, client: "ImagebuilderClient", name: str
    ) -> None:
        """IDM-06."""
        request = a_request(name, clientToken=f"r-{name[-12:]}")

        with ThreadPoolExecutor(20) as threads:
            calls = [threads.submit(client.create_workflow, **request) for _ in range(20)]
        answers = {call.result()["workflowBuildVersionArn"] for call in calls}

        assert len(answers) == 1
        assert answers.pop().endswith("/1.0.0/1")

    def test_a_token_that_is_still_in_flight_is_in_use(
        self,
        serve: StartServer,
        slow_endpoint: SlowEndpoint,
        refused: Callable[..., tuple[str, int, str]],
        name: str,
    ) -> None:
        """IDM-06: ResourceInUseException."""
        server = serve(
            environment={
                "IMAGEWRIGHT_AWS_S3_ENDPOINT": slow_endpoint.url,
                "IMAGEWRIGHT_TOKEN_WAIT_SECONDS": "0.2",
            }
        )
        request = {"data": None, "uri": "s3://a-bucket/key", "clientToken": "slow"}
        first = threading.Thread(target=lambda: refused(server.client(), **request))
        first.start()
        assert slow_endpoint.asked.wait(30)

        code, status, _ = refused(server.client(), **request)

        assert (code, status) == ("ResourceInUseException", 400)
        slow_endpoint.hang_up()
        first.join()

    def test_a_raw_request_needs_a_token(
        self, refused: Callable[..., tuple[str, int, str]]
    ) -> None:
        """IDS-03: 1 to 64 characters."""
        assert refused(clientToken="x" * 65)[0] == "InvalidParameterValueException"

    def test_a_request_with_a_wrong_signature_leaves_its_token_free(
        self,
        server: Server,
        client: "ImagebuilderClient",
        refused: Callable[..., tuple[str, int, str]],
        name: str,
    ) -> None:
        """ERR-43."""
        forger = boto3.client(
            "imagebuilder",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id=server.key().access_key_id,
            aws_secret_access_key="wrong",
        )
        token = f"forged-{name[-12:]}"
        code = refused(forger, data=document("forged"), clientToken=token)[0]

        answer = client.create_workflow(**a_request(name, clientToken=token))

        assert code == "InvalidSignatureException"
        assert answer["workflowBuildVersionArn"].endswith("/1.0.0/1")


class TestDryRun:
    def test_a_good_request_would_have_succeeded_and_nothing_is_stored(
        self, client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """CRT-30, IDM-08."""
        code, status, message = refused(dryRun=True, clientToken=f"d-{name[-12:]}")

        assert (code, status) == ("DryRunOperationException", 412)
        assert message.startswith("Request would have succeeded")
        answer = client.create_workflow(**a_request(name, clientToken=f"d-{name[-12:]}"))
        assert answer["workflowBuildVersionArn"].endswith("/1.0.0/1")

    def test_a_bad_request_fails_as_it_would_have(
        self, client: "ImagebuilderClient", refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """CRT-31, CRT-33."""
        assert refused(dryRun=True, data="a: [") == refused(data="a: [")

        client.create_workflow(**a_request(name))
        assert refused(dryRun=True)[0] == "ResourceAlreadyExistsException"


class TestLimits:
    def test_a_quota_counts_versions(
        self, serve: StartServer, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """QUO-01, QUO-02, CRT-33: ServiceQuotaExceededException."""
        client = serve(environment={"IMAGEWRIGHT_QUOTAS_WORKFLOWS": "1"}).client()
        client.create_workflow(**a_request(name))
        client.create_workflow(**a_request(name, data=document("build 2")))

        for dry_run in (False, True):
            code, status, message = refused(client, semanticVersion="2.0.0", dryRun=dry_run)
            assert (code, status) == ("ServiceQuotaExceededException", 402)
            assert "1 workflows" in message

    def test_too_many_calls_are_throttled(
        self, serve: StartServer, refused: Callable[..., tuple[str, int, str]]
    ) -> None:
        """ERR-10: CallRateLimitExceededException."""
        client = serve(environment={"IMAGEWRIGHT_REQUESTS_PER_SECOND": "1"}).client()
        client.list_workflows()

        code, status, _ = refused(client)

        assert (code, status) == ("CallRateLimitExceededException", 429)

    def test_two_hundred_documents_from_twenty_threads_get_two_hundred_builds(
        self, client: "ImagebuilderClient", name: str
    ) -> None:
        """VER-05."""

        def create(number: int) -> str:
            request = a_request(name, data=document(f"number {number}"))
            return client.create_workflow(**request)["workflowBuildVersionArn"]

        with ThreadPoolExecutor(20) as threads:
            arns = list(threads.map(create, range(200)))

        assert sorted(int(arn.rpartition("/")[2]) for arn in arns) == list(range(1, 201))


class TestTheServersOwnFailures:
    def test_a_database_that_cannot_be_written_is_a_service_failure_and_passes(
        self, serve: StartServer, refused: Callable[..., tuple[str, int, str]], name: str
    ) -> None:
        """ServiceException."""
        server = serve()
        client = server.client()
        client.create_workflow(**a_request(name))
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)

        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
        code, status, message = refused(client, data=document("b"))
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)

        assert (code, status) == ("ServiceException", 500)
        assert "The database cannot be written" in message
        answer = client.create_workflow(**a_request(name, data=document("b")))
        assert answer["workflowBuildVersionArn"].endswith("/1.0.0/2")

    def test_a_server_that_is_stopping_is_unavailable_and_finishes_what_it_has(
        self,
        serve: StartServer,
        slow_endpoint: SlowEndpoint,
        refused: Callable[..., tuple[str, int, str]],
        name: str,
    ) -> None:
        """ServiceUnavailableException."""
        server = serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": slow_endpoint.url})
        client = server.client()
        client.list_workflows()
        codes: list[str] = []
        first = threading.Thread(
            target=lambda: codes.append(
                refused(server.client(), data=None, uri="s3://a-bucket/key")[0]
            )
        )
        first.start()
        assert slow_endpoint.asked.wait(30)

        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _code_of(client) == "ServiceUnavailableException")
        slow_endpoint.hang_up()
        first.join()

        assert codes == ["ServiceUnavailableException"]
        assert server.process.wait(30) == 0


def _code_of(client: "ImagebuilderClient") -> str:
    try:
        client.list_workflows()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def test_the_database_keeps_what_was_answered_through_a_kill(serve: StartServer, name: str) -> None:
    server: Server = serve()
    arn = server.client().create_workflow(**a_request(name))["workflowBuildVersionArn"]

    server.stop(signal.SIGKILL)

    assert serve(state=server.state).client().get_workflow(workflowBuildVersionArn=arn)
    with sqlite3.connect(server.state / "imagewright.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
