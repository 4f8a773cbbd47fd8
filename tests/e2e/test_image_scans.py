"""Images that are scanned for known vulnerabilities while they are tested."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.actions.conftest import Endpoint, endpoint
from tests.actions.test_events import listening_to, told
from tests.conftest import wait_until
from tests.e2e.conftest import Bench, Lab

SCANNING: dict[str, Any] = {"imageScanningConfiguration": {"imageScanningEnabled": True}}


def about(name: str, package: str, severity: str, **event: str) -> dict[str, Any]:
    """Write an advisory that concerns every version of a source package before its fix."""
    events = [{"introduced": "0"}, *([event] if event else [])]
    return {
        "id": name,
        "summary": f"Something about {package}",
        "published": "2024-01-02T03:04:05Z",
        "database_specific": {"severity": severity},
        "references": [{"type": "WEB", "url": "https://example.org/advisory"}],
        "affected": [
            {
                "package": {"ecosystem": "Debian:12", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    }


def write_advisories(folder: Path) -> None:
    """Write advisories of which two concern every Debian 12."""
    for each in (
        about("DEBIAN-CVE-2024-0001", "bash", "high", fixed="99"),
        about("DEBIAN-CVE-2024-0002", "coreutils", "low"),
        about("DEBIAN-CVE-2024-0003", "not-installed", "critical"),
        about("DEBIAN-CVE-2024-0004", "bash", "critical", fixed="1"),
    ):
        (folder / f"{each['id']}.json").write_text(json.dumps(each))


@pytest.fixture(scope="module")
def hook() -> Iterator[Endpoint]:
    with endpoint() as served:
        yield served


@pytest.fixture(scope="module")
def scanner(lab: Lab, hook: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("advisories")
    write_advisories(folder)
    with lab.bench(IMAGEWRIGHT_SCANNING_ADVISORIES=str(folder), **listening_to(hook)) as running:
        yield running


@pytest.fixture(scope="module")
def scanned(scanner: Bench) -> str:
    arn = scanner.start(scanner.recipe(), **SCANNING)
    scanner.built(arn)
    return arn


def test_a_scan_finds_what_is_installed_and_not_fixed(scanner: Bench, scanned: str) -> None:
    """SCN-04, SCN-05."""
    step = scanner.steps(scanned, ordinal=1)["CollectImageScanFindings"]

    found = scanner.client.list_image_scan_findings(
        filters=[{"name": "imageBuildVersionArn", "values": [scanned]}]
    )["findings"]

    assert scanner.image(scanned)["scanState"] == {"status": "COMPLETED"}
    assert json.loads(step["outputs"])["output"] == "2 vulnerabilities: 1 HIGH, 1 LOW"
    ids = [each["packageVulnerabilityDetails"]["vulnerabilityId"] for each in found]
    assert ids == ["CVE-2024-0001", "CVE-2024-0002"]
    worst = found[0]
    assert worst["imageBuildVersionArn"] == scanned
    assert (worst["severity"], worst["fixAvailable"]) == ("HIGH", "YES")
    assert worst["firstObservedAt"].year >= 2026
    assert worst["packageVulnerabilityDetails"]["vendorCreatedAt"].year == 2024
    [package] = worst["packageVulnerabilityDetails"]["vulnerablePackages"]
    assert (package["name"], package["fixedInVersion"]) == ("bash", "99")


def test_what_a_scan_counted_is_told(scanner: Bench, scanned: str, hook: Endpoint) -> None:
    """EVT-02."""
    found = "EC2 Image Builder CVE Detected"
    wait_until(lambda: found in [each["detail-type"] for each in told(hook, scanned)])

    [event] = [each for each in told(hook, scanned) if each["detail-type"] == found]
    launched = scanner.steps(scanned, ordinal=1)["LaunchTestInstance"]
    assert event["detail"] == {
        "resource-id": json.loads(launched["outputs"])["instanceId"],
        "finding-severity-counts": {"all": 2, "critical": 0, "high": 1, "medium": 0},
    }


@pytest.mark.parametrize(
    ("name", "value", "of_ours"),
    [
        ("severity", "HIGH", 1),
        ("severity", "CRITICAL", 0),
        ("vulnerabilityId", "CVE-2024-0002", 1),
        ("imageBuildVersionArn", "arn:aws:imagebuilder:us-east-1:000000000000:image/x/1.0.0/1", 0),
    ],
)
def test_findings_are_filtered_by_one_value(
    scanner: Bench, scanned: str, name: str, value: str, of_ours: int
) -> None:
    """FLT-06."""
    found = scanner.client.list_image_scan_findings(filters=[{"name": name, "values": [value]}])

    ours = [each for each in found["findings"] if each["imageBuildVersionArn"] == scanned]
    assert len(ours) == of_ours


def test_findings_come_in_pages(scanner: Bench, scanned: str) -> None:
    """PAG-01."""
    of_image: Any = {
        "filters": [{"name": "imageBuildVersionArn", "values": [scanned]}],
        "maxResults": 1,
    }

    first = scanner.client.list_image_scan_findings(**of_image)
    second = scanner.client.list_image_scan_findings(**of_image, nextToken=first["nextToken"])

    assert first["findings"] != second["findings"]
    assert "nextToken" not in second


def test_findings_of_an_image_are_counted_by_severity(scanner: Bench, scanned: str) -> None:
    """FLT-06."""
    counted = scanner.client.list_image_scan_finding_aggregations(
        filter={"name": "imageBuildVersionArn", "values": [scanned]}
    )

    assert counted["aggregationType"] == "imageBuildVersionArn"
    [entry] = counted["responses"]
    assert entry["imageAggregation"] == {
        "imageBuildVersionArn": scanned,
        "severityCounts": {"all": 2, "critical": 0, "high": 1, "medium": 0},
    }


def test_without_a_filter_the_whole_account_is_counted(scanner: Bench, scanned: str) -> None:
    """FLT-06."""
    counted = scanner.client.list_image_scan_finding_aggregations()

    assert counted["aggregationType"] == "accountId"
    [entry] = counted["responses"]
    counts = entry["accountAggregation"]["severityCounts"]
    assert counts["all"] >= 2
    assert counts["high"] >= 1


def test_another_account_sees_no_findings(scanner: Bench, scanned: str) -> None:
    other = scanner.server.client("111122223333")

    assert other.list_image_scan_findings()["findings"] == []


def test_a_scan_needs_tests(scanner: Bench) -> None:
    """SCN-01."""
    asked = {**SCANNING, "imageTestsConfiguration": {"imageTestsEnabled": False}}

    with pytest.raises(ClientError) as caught:
        scanner.start(scanner.recipe(), **asked)

    assert caught.value.response["Error"]["Code"] == "InvalidParameterCombinationException"


def test_an_image_that_fails_first_abandons_its_scan(scanner: Bench) -> None:
    """SCN-04."""
    fails = scanner.component(
        json.dumps(
            {
                "schemaVersion": "1.0",
                "phases": [
                    {
                        "name": "build",
                        "steps": [
                            {
                                "name": "Fail",
                                "action": "ExecuteBash",
                                "inputs": {"commands": ["exit 1"]},
                            }
                        ],
                    }
                ],
            }
        )
    )

    arn = scanner.start(scanner.recipe(fails), **SCANNING)

    assert scanner.finished(arn)["scanState"] == {"status": "ABANDONED"}
