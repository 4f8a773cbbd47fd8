import sqlite3
from typing import Any

import pytest
import yaml
from tests.api.asking import (
    ABSENT,
    COMBINATION,
    EXISTS,
    VALUE,
    arn_of,
    component_document,
    component_request,
    latest_of,
    make_component,
    refusal,
)
from tests.conftest import Server, StartServer
from tests.other_services import OtherServices

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PARAMETERS = """\
parameters:
  - Channel:
      type: string
      default: stable
      description: Where updates come from.
      allowedValues: [stable, beta]
  - License:
      type: String
"""


def set_status(server: Server, arn: str, status: str) -> None:
    """Do what a lifecycle would do."""
    slug, _, build = arn.split("component/")[1].split("/")
    with sqlite3.connect(server.state / "imagewright.db") as database:
        changed = database.execute(
            "UPDATE resources SET status = ? WHERE path = ? AND build = ?", (status, slug, build)
        )
    database.close()
    assert changed.rowcount == 1


def listed(client: Any, operation: str, member: str, **request: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(**request)
    return [entry for page in pages for entry in page[member]]


def versions(client: Any, *filters: tuple[str, str], **request: Any) -> list[dict[str, Any]]:
    asked = [{"name": name, "values": [value]} for name, value in filters]
    return listed(client, "list_components", "componentVersionList", filters=asked, **request)


def builds(client: Any, arn: str) -> list[str]:
    found = listed(
        client, "list_component_build_versions", "componentSummaryList", componentVersionArn=arn
    )
    return [entry["arn"] for entry in found]


def test_the_answer_names_the_build_and_what_it_is_the_latest_of(client: Any, name: str) -> None:
    """CRT-20, VER-21."""
    answer = client.create_component(**component_request(name, clientToken="t-" + name[-12:]))

    base = arn_of(f"component/{name.replace('_', '-')}")
    assert answer["componentBuildVersionArn"] == f"{base}/1.0.0/1"
    assert answer["clientToken"] == "t-" + name[-12:]
    assert answer["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert answer["latestVersionReferences"] == latest_of(base)


def test_what_was_given_is_read_back(client: Any, name: str) -> None:
    """CRT-06, CRT-07, CRT-10, CRT-13, CRT-21, OWN-01."""
    data = component_document(parameters=PARAMETERS)
    arn = make_component(
        client,
        name,
        data=data,
        description="What it is for",
        changeDescription="What is new",
        supportedOsVersions=["Debian 12", "Ubuntu"],
        kmsKeyId=KEY,
        tags={"team": "images"},
    )

    component = client.get_component(componentBuildVersionArn=arn)["component"]

    assert component.pop("dateCreated")
    assert component == {
        "arn": arn,
        "name": name,
        "version": "1.0.0",
        "type": "BUILD",
        "platform": "Linux",
        "owner": "000000000000",
        "description": "What it is for",
        "changeDescription": "What is new",
        "supportedOsVersions": ["Debian 12", "Ubuntu"],
        "kmsKeyId": KEY,
        "encrypted": True,
        "tags": {"team": "images"},
        "data": data,
        "parameters": [
            {
                "name": "Channel",
                "type": "string",
                "defaultValue": ["stable"],
                "description": "Where updates come from.",
            },
            {"name": "License", "type": "String"},
        ],
    }


def test_what_was_not_given_is_absent(client: Any, name: str) -> None:
    """WIRE-10, CRT-14, O-24."""
    arn = make_component(client, name)

    component = client.get_component(componentBuildVersionArn=arn)["component"]

    assert component["tags"] == {}
    assert component["encrypted"] is True
    absent = {"description", "changeDescription", "kmsKeyId", "state", "parameters"}
    assert not (absent | {"supportedOsVersions", "productCodes"}) & component.keys()


@pytest.mark.parametrize(
    ("phases", "type_"),
    [
        (("build",), "BUILD"),
        (("test",), "TEST"),
        (("validate",), "BUILD"),
        (("build", "test"), "BUILD"),
    ],
)
def test_a_component_with_the_test_phase_alone_is_a_test(
    client: Any, name: str, phases: tuple[str, ...], type_: str
) -> None:
    """CRT-12."""
    arn = make_component(client, name, data=component_document(phases=phases))

    assert client.get_component(componentBuildVersionArn=arn)["component"]["type"] == type_


@pytest.mark.parametrize(
    ("changes", "code", "member"),
    [
        ({"name": "ab"}, VALUE, "name"),
        ({"semanticVersion": "1.0.x"}, VALUE, "semanticVersion"),
        ({"semanticVersion": "1073741824.0.0"}, "InvalidVersionNumberException", "semanticVersion"),
        (
            {"semanticVersion": "0" * 5000 + ".0.0"},
            "InvalidVersionNumberException",
            "semanticVersion",
        ),
        ({"platform": "BeOS"}, VALUE, "platform"),
        ({"data": "x" * 16_001}, VALUE, "data"),
        ({"data": "a\0"}, VALUE, "data"),
        ({"data": None}, COMBINATION, "data"),
        ({"uri": "s3://bucket/key"}, COMBINATION, "uri"),
        ({"supportedOsVersions": ["a"] * 26}, VALUE, "supportedOsVersions"),
        ({"description": "x" * 1025}, VALUE, "description"),
        ({"tags": {"aws:a": "b"}}, VALUE, "tags"),
        ({"kmsKeyId": "no key!"}, VALUE, "kmsKeyId"),
    ],
    ids=str,
)
def test_a_bad_value_is_refused_by_name(
    client: Any, name: str, changes: dict[str, Any], code: str, member: str
) -> None:
    """NAM-01, VER-02, VER-03, VER-12, CRT-01, CRT-02, CRT-07, TAG-02, OPX-01."""
    found, status, message = refusal(client.create_component, **component_request(name, **changes))

    assert (found, status) == (code, 400)
    assert f"'{member}'" in message


@pytest.mark.parametrize(
    ("document", "platform", "detail"),
    [
        ("phases: []", "Linux", "Invalid schema version. Supported versions include: 1.0."),
        (
            component_document().replace("Say", "Install PowerShell"),
            "Linux",
            "Invalid step name 'Install PowerShell' in phase 'build'. Allowed characters are",
        ),
        (
            component_document().replace("ExecuteBash", "InvokeBash"),
            "Linux",
            "Parsing step 'Say' in phase 'build' failed. "
            "Error: Unsupported action InvokeBash for os platform linux.",
        ),
        (
            component_document(),
            "Windows",
            "Parsing step 'Say' in phase 'build' failed. "
            "Error: Unsupported action ExecuteBash for os platform windows.",
        ),
        (
            "schemaVersion: 1.0\nphases: [{name: build, steps: "
            "[{name: Download, action: S3Download, inputs: []}]}]",
            "Linux",
            "Parsing step 'Download' in phase 'build' failed. "
            "Error: Action S3Download has no inputs; it requires an 'inputs'",
        ),
        ("a: [", "Linux", ""),
    ],
    ids=["version", "step name", "action", "platform", "inputs", "YAML"],
)
def test_a_document_that_cannot_run_is_refused_in_the_services_words(
    client: Any, name: str, document: str, platform: str, detail: str
) -> None:
    """CRT-40 to CRT-43."""
    code, status, message = refusal(
        client.create_component, **component_request(name, data=document, platform=platform)
    )

    assert (code, status) == (VALUE, 400)
    assert message.startswith(f"The value supplied for parameter 'data' is not valid. {detail}")


def test_a_changed_component_is_a_new_build_and_an_identical_one_exists(
    client: Any, name: str
) -> None:
    """VER-05, VER-06, NAM-05, O-03, O-04."""
    first = make_component(client, name)

    again = component_request(
        name, semanticVersion="01.00.0", changeDescription="other", tags={"a": "b"}
    )
    assert refusal(client.create_component, **again) == (
        EXISTS,
        400,
        f"The following resource 'Component' already exists: '{first}'.",
    )
    changed: list[dict[str, Any]] = [
        {"data": component_document("echo other")},
        {"description": "other"},
        {"platform": "macOS"},
        {"supportedOsVersions": ["Debian"]},
        {"kmsKeyId": KEY},
        {"name": name.upper()},
    ]
    made = [make_component(client, name, **changes) for changes in changed]
    assert [arn.rpartition("/")[2] for arn in made] == ["2", "3", "4", "5", "6", "7"]


def test_a_document_from_s3_is_read_once(
    serve: StartServer, others: OtherServices, name: str
) -> None:
    """CRT-03, CRT-04, CRT-05, CRT-06."""
    client: Any = serve(environment={"IMAGEWRIGHT_AWS_S3_ENDPOINT": others.url}).client()
    data = component_document() + "# " + "x" * 20_000
    uri = others.put("components", name, data.encode())

    arn = make_component(client, name, data=None, uri=uri)
    others.put("components", name, b"changed")

    component = client.get_component(componentBuildVersionArn=arn)["component"]
    assert component["data"] == data
    assert "uri" not in component
    assert refusal(
        client.create_component,
        **component_request(name, data=None, uri="s3://components/absent"),
    )[:2] == (VALUE, 400)


def test_a_sealed_document_and_its_defaults_are_nowhere_in_the_state(
    serve: StartServer, name: str
) -> None:
    """CRT-07, CRT-08."""
    secret = PARAMETERS.replace("stable", "squeamish-ossifrage")
    server = serve()
    client: Any = server.client()
    make_component(client, name, data=component_document(parameters=secret), kmsKeyId=KEY)

    files = [path.read_bytes() for path in server.state.rglob("*") if path.is_file()]

    assert files
    assert not [content for content in files if b"squeamish" in content]


def test_a_dry_run_says_what_would_happen_and_stores_nothing(client: Any, name: str) -> None:
    """CRT-30 to CRT-33, IDM-08."""
    request = component_request(name, dryRun=True, clientToken="t-" + name[-12:])

    code, status, message = refusal(client.create_component, **request)

    assert (code, status) == ("DryRunOperationException", 412)
    assert message.startswith("Request would have succeeded")
    assert versions(client, ("name", name)) == []
    first = make_component(client, name, clientToken="t-" + name[-12:])
    assert first.endswith("/1")
    assert refusal(client.create_component, **request)[0] == EXISTS
    assert refusal(client.create_component, **{**request, "data": "a: ["})[0] == VALUE


def test_a_token_brings_the_first_answer_back(client: Any, name: str) -> None:
    """IDM-02, IDM-03."""
    request = component_request(name, clientToken="t-" + name[-12:])
    first = client.create_component(**request)

    again = client.create_component(**request)

    assert again["componentBuildVersionArn"] == first["componentBuildVersionArn"]
    assert again["requestId"] != first["requestId"]
    other = {**request, "description": "other"}
    assert refusal(client.create_component, **other)[:2] == (
        "IdempotentParameterMismatchException",
        400,
    )


def test_a_quota_counts_versions_not_builds(serve: StartServer, name: str) -> None:
    """QUO-01, QUO-02."""
    client: Any = serve(environment={"IMAGEWRIGHT_QUOTAS_COMPONENTS": "1"}).client()
    make_component(client, name)
    make_component(client, name, description="a second build")

    request = component_request(name, semanticVersion="1.0.1")
    assert refusal(client.create_component, **request)[:2] == (
        "ServiceQuotaExceededException",
        402,
    )


class TestGetting:
    def test_a_reference_means_the_newest_build_of_the_highest_version(
        self, client: Any, name: str
    ) -> None:
        """VER-15, VER-18, VER-19, VER-24."""
        for version in ("1.6.8", "1.7.8", "2.2.4"):
            make_component(client, name, semanticVersion=version)
        newest = make_component(client, name, semanticVersion="1.6.8", description="two")
        base = arn_of(f"component/{name.replace('_', '-')}")

        def found(reference: str) -> str:
            answer = client.get_component(componentBuildVersionArn=f"{base}/{reference}")
            arn: str = answer["component"]["arn"]
            assert answer["latestVersionReferences"]["latestVersionArn"] == f"{base}/x.x.x"
            return arn

        assert found("x.x.x") == f"{base}/2.2.4/1"
        assert found("1.x.x") == f"{base}/1.7.8/1"
        assert found("1.6.x") == found("1.6.8") == found("01.6.8") == newest
        assert found("1.6.8/1") == f"{base}/1.6.8/1"

    @pytest.mark.parametrize(
        "reference", ["1.0.1", "1.0.0/2", "2.x.x", "1073741824.0.0", "1.0.0/" + "9" * 5000]
    )
    def test_what_is_not_there_is_not_found(self, client: Any, name: str, reference: str) -> None:
        """VER-17, ERR-26, OPX-01."""
        base = make_component(client, name).removesuffix("1.0.0/1")

        assert refusal(client.get_component, componentBuildVersionArn=base + reference)[:2] == (
            ABSENT,
            404,
        )

    def test_a_number_after_an_x_is_refused(self, client: Any) -> None:
        """VER-14, OPX-01."""
        code, status, message = refusal(
            client.get_component, componentBuildVersionArn=arn_of("component/web/x.2.x")
        )

        assert (code, status) == (VALUE, 400)
        assert "'componentBuildVersionArn'" in message

    def test_another_accounts_component_is_as_if_absent(
        self, client: Any, server: Server, name: str
    ) -> None:
        """ERR-26."""
        arn = make_component(client, name)
        stranger: Any = server.client("111122223333")
        elsewhere: Any = server.client(region="eu-west-1")

        for other in (stranger, elsewhere):
            for operation in (other.get_component, other.delete_component):
                assert refusal(operation, componentBuildVersionArn=arn)[:2] == (ABSENT, 404)

    def test_a_reference_passes_over_what_is_deprecated_and_a_build_arn_does_not(
        self, client: Any, server: Server, name: str
    ) -> None:
        """VER-18, CRT-14."""
        first = make_component(client, name)
        second = make_component(client, name, description="two")
        set_status(server, second, "DEPRECATED")

        exact = client.get_component(componentBuildVersionArn=first.removesuffix("/1"))
        deprecated = client.get_component(componentBuildVersionArn=second)

        assert exact["component"]["arn"] == first
        assert deprecated["component"]["state"] == {"status": "DEPRECATED"}


class TestListing:
    def test_versions_are_listed_by_their_newest_build(self, client: Any, name: str) -> None:
        """VER-25, VER-27, SRT-02, CRT-14, OPX-02, OWN-04."""
        first = make_component(client, name, semanticVersion="9.0.0")
        make_component(client, name, semanticVersion="10.0.0")
        make_component(client, name, semanticVersion="9.0.0", supportedOsVersions=["Debian"])
        created = client.get_component(componentBuildVersionArn=first)["component"]["dateCreated"]

        found = versions(client, ("name", name), maxResults=1)

        assert [entry["version"] for entry in found] == ["9.0.0", "10.0.0"]
        for entry in found:
            read = client.get_component(componentBuildVersionArn=entry["arn"])["component"]
            assert read["arn"].startswith(f"{entry['arn']}/")
        assert found[0] == {
            "arn": first.removesuffix("/1"),
            "name": name,
            "version": "9.0.0",
            "platform": "Linux",
            "type": "BUILD",
            "owner": "000000000000",
            "dateCreated": created,
            "status": "ACTIVE",
            "supportedOsVersions": ["Debian"],
        }

    def test_names_are_listed_once(self, client: Any, name: str) -> None:
        """VER-26, O-11."""
        for version in ("1.0.0", "2.0.0"):
            make_component(client, name, semanticVersion=version, description=version)

        found = versions(client, ("name", name), byName=True)

        assert [(entry["arn"].rpartition("/")[2], entry["version"]) for entry in found] == [
            ("x.x.x", "2.0.0")
        ]
        assert found[0]["description"] == "2.0.0"

    @pytest.mark.parametrize(
        ("filter_name", "value", "hit"),
        [
            ("description", "one thing", True),
            ("description", "one", False),
            ("platform", "Linux", True),
            ("platform", "macOS", False),
            ("status", "ACTIVE", True),
            ("status", "DEPRECATED", False),
            ("type", "BUILD", True),
            ("type", "TEST", False),
            ("version", "1.0.0", True),
            ("version", "1.x.x", True),
            ("version", "2.0.0", False),
            ("supportedOsVersion", "Debian 12", True),
            ("supportedOsVersion", 'A "b"', True),
            ("supportedOsVersion", "Debian", False),
            ("supportedOsVersion", ",", False),
            ("productCodes", "abc", False),
        ],
    )
    def test_a_filter_compares_with_what_is_stored(
        self, client: Any, name: str, filter_name: str, value: str, hit: bool
    ) -> None:
        """FLT-02, FLT-10, FLT-11."""
        make_component(
            client,
            name,
            description="one thing",
            supportedOsVersions=["Debian 12", "Ubuntu", 'A "b"'],
        )

        assert bool(versions(client, ("name", name), (filter_name, value))) is hit

    def test_a_name_may_be_a_beginning_or_a_part(self, client: Any, name: str) -> None:
        """FLT-03, NAM-04."""
        make_component(client, name)

        for pattern in (f"{name[:-3]}*", f"*{name[3:-3]}*"):
            assert [entry["name"] for entry in versions(client, ("name", pattern))] == [name]
        assert versions(client, ("name", name.upper())) == []

    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            ({"filters": [{"name": "colour", "values": ["red"]}]}, VALUE),
            (
                {"byName": True, "filters": [{"name": "version", "values": ["1.0.0"]}]},
                COMBINATION,
            ),
            ({"maxResults": 101}, VALUE),
            ({"nextToken": "x"}, "InvalidPaginationTokenException"),
        ],
        ids=["filter", "byName", "page", "token"],
    )
    def test_a_list_that_cannot_be_is_refused(
        self, client: Any, request_: dict[str, Any], code: str
    ) -> None:
        """FLT-04, FLT-14, PAG-01, PAG-06, OPX-01."""
        assert refusal(client.list_components, **request_)[:2] == (code, 400)

    @pytest.mark.parametrize("owner", ["Shared", "ThirdParty", "AWSMarketplace"])
    def test_nobody_else_has_components_here(self, client: Any, owner: str) -> None:
        """FLT-20, FLT-21."""
        assert client.list_components(owner=owner)["componentVersionList"] == []

    def test_deprecated_components_are_listed_only_when_asked_for(
        self, client: Any, server: Server, name: str
    ) -> None:
        """FLT-12, VER-29."""
        arn = make_component(client, name)
        set_status(server, arn, "DEPRECATED")

        assert versions(client, ("name", name)) == []
        found = versions(client, ("name", name), ("status", "DEPRECATED"))
        assert [entry["status"] for entry in found] == ["DEPRECATED"]
        assert builds(client, arn.removesuffix("/1")) == []

    def test_builds_are_listed_newest_first(self, client: Any, name: str) -> None:
        """VER-28, VER-30, SRT-01."""
        first = make_component(client, name, changeDescription="the first", tags={"a": "b"})
        second = make_component(client, name, description="two")
        make_component(client, name, semanticVersion="2.0.0")

        version = first.removesuffix("/1")
        found = client.list_component_build_versions(componentVersionArn=version)

        assert [entry["arn"] for entry in found["componentSummaryList"]] == [second, first]
        entry = found["componentSummaryList"][1]
        assert entry.pop("dateCreated")
        assert entry == {
            "arn": first,
            "name": name,
            "version": "1.0.0",
            "type": "BUILD",
            "platform": "Linux",
            "owner": "000000000000",
            "changeDescription": "the first",
            "tags": {"a": "b"},
        }
        newest = client.list_component_build_versions(maxResults=1)["componentSummaryList"]
        assert [entry["version"] for entry in newest] == ["2.0.0"]

    @pytest.mark.parametrize(
        "arn",
        [
            arn_of("component/no-such/1.0.0"),
            arn_of("component/no-such/1.0.0", account="111122223333"),
            arn_of("component/no-such/1.0.0", account="aws"),
            arn_of("component/no-such/1073741824.0.0"),
        ],
    )
    def test_an_unknown_version_has_no_builds(self, client: Any, arn: str) -> None:
        """VER-28, VER-29, SRT-04, OPX-01."""
        assert builds(client, arn) == []

    @pytest.mark.parametrize("reference", ["x.x.x", "1.0.0/1"])
    def test_builds_are_asked_for_by_an_exact_version(self, client: Any, reference: str) -> None:
        """The table of section 2.3, OPX-01."""
        code, status, _ = refusal(
            client.list_component_build_versions,
            componentVersionArn=arn_of(f"component/web/{reference}"),
        )

        assert (code, status) == (VALUE, 400)


class TestDeleting:
    def test_a_deleted_build_is_gone_and_its_number_is_not_used_again(
        self, client: Any, name: str
    ) -> None:
        """CRT-74, VER-08, IDM-13."""
        arn = make_component(client, name)

        answer = client.delete_component(componentBuildVersionArn=arn)

        assert answer["componentBuildVersionArn"] == arn
        assert answer["requestId"]
        for operation in (client.get_component, client.delete_component):
            assert refusal(operation, componentBuildVersionArn=arn)[:2] == (ABSENT, 404)
        assert versions(client, ("name", name)) == []
        assert make_component(client, name).endswith("/1.0.0/2")

    @pytest.mark.parametrize("reference", ["1.0.0", "x.x.x"])
    def test_only_a_build_can_be_deleted(self, client: Any, reference: str) -> None:
        """The table of section 2.3, OPX-01."""
        code, status, _ = refusal(
            client.delete_component,
            componentBuildVersionArn=arn_of(f"component/web/{reference}"),
        )

        assert (code, status) == (VALUE, 400)

    @pytest.mark.parametrize("reference", ["1.0.0/1", "1.0.0", "1.0.x", "x.x.x"])
    def test_a_build_that_a_recipe_needs_stays(
        self, client: Any, name: str, reference: str
    ) -> None:
        """CRT-70, CRT-72, CRT-73, O-19."""
        arn = make_component(client, name)
        recipe = client.create_image_recipe(
            name=name,
            semanticVersion="1.0.0",
            parentImage="ami-0123456789abcdef0",
            components=[{"componentArn": arn.removesuffix("1.0.0/1") + reference}],
        )["imageRecipeArn"]

        code, status, message = refusal(client.delete_component, componentBuildVersionArn=arn)

        assert (code, status) == ("ResourceDependencyException", 400)
        assert message.startswith(
            f"Resource dependency error: The resource ARN '{arn}' has other resources "
            "depended on it."
        )
        assert recipe in message
        client.delete_image_recipe(imageRecipeArn=recipe)
        client.delete_component(componentBuildVersionArn=arn)

    def test_a_build_that_a_wildcard_can_do_without_goes(self, client: Any, name: str) -> None:
        """CRT-73."""
        first = make_component(client, name)
        make_component(client, name, description="two")
        client.create_image_recipe(
            name=name,
            semanticVersion="1.0.0",
            parentImage="ami-0123456789abcdef0",
            components=[{"componentArn": first.removesuffix("1.0.0/1") + "x.x.x"}],
        )

        assert client.delete_component(componentBuildVersionArn=first)


class TestImporting:
    SCRIPT = '#!/bin/bash\nset -e\nname=\'{{ a }}: "b"\'\n\techo "$name" # é\n'

    def request(self, name: str, **changes: Any) -> dict[str, Any]:
        request = {"name": name, "semanticVersion": "1.0.0", "platform": "Linux", "data": "echo"}
        return {**request, "type": "BUILD", "format": "SHELL", **changes}

    @pytest.mark.parametrize(
        ("type_", "platform", "phase", "action"),
        [
            ("BUILD", "Linux", "build", "ExecuteBash"),
            ("TEST", "macOS", "test", "ExecuteBash"),
            ("BUILD", "Windows", "build", "ExecutePowerShell"),
        ],
    )
    def test_a_script_becomes_a_component_of_one_step(
        self, client: Any, name: str, type_: str, platform: str, phase: str, action: str
    ) -> None:
        """CRT-60, CRT-61."""
        answer = client.import_component(
            **self.request(name, type=type_, platform=platform, data=self.SCRIPT)
        )

        assert "latestVersionReferences" not in answer
        arn = answer["componentBuildVersionArn"]
        component = client.get_component(componentBuildVersionArn=arn)["component"]
        assert (component["type"], component["platform"]) == (type_, platform)
        assert yaml.safe_load(component["data"])["phases"] == [
            {
                "name": phase,
                "steps": [
                    {
                        "name": "ExecuteScript",
                        "action": action,
                        "inputs": {"commands": [self.SCRIPT]},
                    }
                ],
            }
        ]

    def test_an_identical_script_exists_and_a_changed_one_is_a_new_build(
        self, client: Any, name: str
    ) -> None:
        """CRT-60, VER-05."""
        client.import_component(**self.request(name, data="echo a"))

        again = self.request(name, data="echo a")
        assert refusal(client.import_component, **again)[:2] == (EXISTS, 400)
        changed = client.import_component(**self.request(name, data="echo b"))
        assert changed["componentBuildVersionArn"].endswith("/2")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"data": "x" * 1025}, VALUE),
            ({"data": "a\0"}, VALUE),
            ({"uri": "s3://a/b"}, COMBINATION),
            ({"format": "EXE"}, VALUE),
            ({"semanticVersion": "1.0.x"}, VALUE),
        ],
        ids=["long", "NUL", "both", "format", "version"],
    )
    def test_what_is_no_script_is_refused(
        self, client: Any, name: str, changes: dict[str, Any], code: str
    ) -> None:
        """CRT-60, OPX-01."""
        request = self.request(name, **changes)

        assert refusal(client.import_component, **request)[:2] == (code, 400)
