"""Looking for known vulnerabilities in what an image has installed (``api-behaviour.md`` §7.10)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from imagewright.clock import iso_milliseconds
from imagewright.images.advisories import (
    Affected,
    Json,
    Key,
    affected,
    maps,
    read_advisories,
    texts,
)
from imagewright.images.inventory import Inventory, Package

UNTRIAGED = "UNTRIAGED"
"""The severity of what nobody has judged."""

_TEXT_MAX = 1024
"""Of every text of a finding, in characters."""

_STEMS = ("DEBIAN-", "UBUNTU-", "ALPINE-")
"""Distributions put these before the name of the vulnerability that an advisory is about."""

_SEVERITIES = {
    "unimportant": "INFORMATIONAL",
    "none": "INFORMATIONAL",
    "negligible": "LOW",
    "low": "LOW",
    "moderate": "MEDIUM",
    "medium": "MEDIUM",
    "important": "HIGH",
    "high": "HIGH",
    "critical": "CRITICAL",
}


class CannotScan(Exception):
    """No advisories concern the image; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability, and everything that is installed and has it."""

    vulnerability: str
    severity: str
    """INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL or UNTRIAGED."""
    details: Mapping[str, Any]
    """What ListImageScanFindings shows, but for whose it is and when it was seen."""


def scan(
    inventory: Inventory, folder: Path, on_advisory: Callable[[int], None] = lambda _: None
) -> list[Finding]:
    """Return what the advisories of a folder say about packages, the worst first.

    ``on_advisory`` is told how many were looked at. Raises CannotScan and AdvisoriesUnreadable.
    """
    if not inventory.ecosystem:
        raise CannotScan(
            f"no advisories are published for {inventory.os_version or 'an unknown system'}: they "
            "are for Debian, Ubuntu, Alpine, Rocky Linux and AlmaLinux"
        )
    key = _key_of(inventory.ecosystem)
    by_source: dict[str, list[Package]] = {}
    for package in inventory.packages:
        by_source.setdefault(package.source or package.name, []).append(package)
    found: dict[str, Finding] = {}
    family = inventory.ecosystem.partition(":")[0]
    for number, advisory in enumerate(read_advisories(folder, family), 1):
        on_advisory(number)
        if advisory.get("withdrawn"):
            continue
        concerned = list(_concerned(advisory, inventory.ecosystem, by_source, key))
        if concerned:
            finding = _finding(advisory, inventory.ecosystem, concerned)
            found.setdefault(finding.vulnerability, finding)
    return sorted(found.values(), key=lambda each: (_rank(each.severity), each.vulnerability))


def _concerned(
    advisory: Json, ecosystem: str, by_source: Mapping[str, Sequence[Package]], key: Key
) -> Iterator[tuple[Package, Affected]]:
    named = [entry.get("package") for entry in maps(advisory.get("affected"))]
    names = {str(package.get("name")) for package in maps(named)}
    for name in sorted(names & by_source.keys()):
        for package in by_source[name]:
            version = package.source_version or package.version
            if (hit := affected(advisory, ecosystem, name, version, key)) is not None:
                yield package, hit


def _finding(
    advisory: Json, ecosystem: str, concerned: Sequence[tuple[Package, Affected]]
) -> Finding:
    name = _vulnerability(advisory)
    scores = [_cvss(each) for each in maps(advisory.get("severity"))]
    cvss = [score for score in scores if score is not None]
    severity = _severity(advisory, ecosystem, cvss)
    fixes = [hit.fixed_in is not None for _, hit in concerned]
    details: dict[str, Any] = {
        "vulnerabilityId": name,
        "vulnerablePackages": [_package(package, hit, ecosystem) for package, hit in concerned],
        "source": ecosystem,
        "sourceUrl": f"https://osv.dev/vulnerability/{advisory['id']}"[:_TEXT_MAX],
        "cvss": cvss,
        "relatedVulnerabilities": sorted(_related(advisory) - {name}),
        "vendorSeverity": severity,
    }
    for member, field in (("vendorCreatedAt", "published"), ("vendorUpdatedAt", "modified")):
        if (moment := _moment(advisory.get(field))) is not None:
            details[member] = moment
    if urls := _urls(advisory):
        details["referenceUrls"] = urls
    packages = ", ".join(sorted({package.name for package, _ in concerned}))
    text = str(advisory.get("details") or advisory.get("summary") or name)
    return Finding(
        name,
        severity,
        {
            "type": "PACKAGE_VULNERABILITY",
            "title": f"{name} - {packages}"[:_TEXT_MAX],
            "description": text[:_TEXT_MAX],
            "severity": severity,
            "fixAvailable": "YES" if all(fixes) else "PARTIAL" if any(fixes) else "NO",
            "packageVulnerabilityDetails": details,
            **({"inspectorScore": cvss[0]["baseScore"]} if cvss else {}),
            **_remediation(concerned),
        },
    )


def _package(package: Package, hit: Affected, ecosystem: str) -> dict[str, Any]:
    shown = {
        "name": package.name[:_TEXT_MAX],
        "version": package.version[:_TEXT_MAX],
        "packageManager": _MANAGERS[ecosystem.partition(":")[0]],
    }
    return shown | ({"fixedInVersion": hit.fixed_in[:_TEXT_MAX]} if hit.fixed_in else {})


def _remediation(concerned: Sequence[tuple[Package, Affected]]) -> dict[str, Any]:
    fixes = sorted({f"{p.name} to {hit.fixed_in}" for p, hit in concerned if hit.fixed_in})
    if not fixes:
        return {}
    return {"remediation": {"recommendation": {"text": f"Update {', '.join(fixes)}."[:_TEXT_MAX]}}}


def _vulnerability(advisory: Json) -> str:
    """Name what an advisory is about: a CVE where it is one, else the advisory itself."""
    name = str(advisory["id"])
    for stem in _STEMS:
        if name.startswith(f"{stem}CVE-"):
            return name.removeprefix(stem)
    cves = {each for each in _related(advisory) if each.startswith("CVE-")}
    return cves.pop() if len(cves) == 1 else name


def _moment(value: object) -> str | None:
    try:
        return iso_milliseconds(datetime.fromisoformat(str(value)))
    except ValueError:
        return None


def _related(advisory: Json) -> set[str]:
    return {
        each
        for member in ("aliases", "upstream", "related")
        for each in texts(advisory.get(member))
    }


def _urls(advisory: Json) -> list[str]:
    references = maps(advisory.get("references"))
    return [str(each["url"])[:_TEXT_MAX] for each in references if each.get("url")]


def _cvss(severity: Json) -> dict[str, Any] | None:
    """Work out the score of a vector; None for one of no form that is known."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # takes a tenth of a second to load

    vector, kind = str(severity.get("score", "")), severity.get("type")
    try:
        if kind == "CVSS_V4":
            score, version = CVSS4(vector).base_score, "4.0"
        elif kind == "CVSS_V3":
            score, version = CVSS3(vector).scores()[0], vector[5:8]
        elif kind == "CVSS_V2":
            score, version = CVSS2(vector).scores()[0], "2.0"
        else:
            return None
    except CVSSError:
        return None
    return {
        "baseScore": float(score),
        "scoringVector": vector,
        "version": version,
        "source": "OSV",
    }


def _severity(advisory: Json, ecosystem: str, cvss: Sequence[Json]) -> str:
    """Take the distribution's own judgement, else what the score says."""
    family = ecosystem.partition(":")[0]
    own = [
        part
        for entry in maps(advisory.get("affected"))
        for package in maps([entry.get("package")])
        if str(package.get("ecosystem")).partition(":")[0] == family
        for part in (entry.get("ecosystem_specific"), entry.get("database_specific"))
    ]
    words = [
        part.get(member, "")
        for part in maps([*own, advisory.get("database_specific")])
        for member in ("severity", "urgency")
    ]
    words += [
        each.get("score", "")
        for each in maps(advisory.get("severity"))
        if each.get("type") == "Ubuntu"
    ]
    for word in words:
        if (judged := _SEVERITIES.get(str(word).lower())) is not None:
            return judged
    return _severity_of(max(each["baseScore"] for each in cvss)) if cvss else UNTRIAGED


def _severity_of(score: float) -> str:
    for bound, name in ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW")):
        if score >= bound:
            return name
    return "INFORMATIONAL"


def _rank(severity: str) -> int:
    order = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", UNTRIAGED)
    return order.index(severity)


def _key_of(ecosystem: str) -> Key:
    """Return what makes versions comparable as a distribution compares them."""
    from univers.versions import AlpineLinuxVersion, DebianVersion, RpmVersion  # slow to load

    kinds: Mapping[str, Any] = {"OS": DebianVersion, "APK": AlpineLinuxVersion, "RPM": RpmVersion}
    kind = kinds[_MANAGERS[ecosystem.partition(":")[0]]]
    return lambda text: kind(text)


_MANAGERS = {
    "Debian": "OS",
    "Ubuntu": "OS",
    "Alpine": "APK",
    "Rocky Linux": "RPM",
    "AlmaLinux": "RPM",
}
"""The package manager of a distribution, as findings name it."""
