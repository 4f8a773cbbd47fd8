"""A scan that takes longer than its step may."""

import json
import zipfile
from pathlib import Path

from tests.e2e.conftest import Lab
from tests.e2e.test_image_scans import SCANNING, about
from tests.e2e.test_retries import LAUNCH, MACHINE

ADVISORIES = 150_000


def test_a_scan_ends_with_the_time_of_its_step(lab: Lab, tmp_path: Path) -> None:
    """workflow-documents.md §4.6."""
    one = json.dumps(about("DEBIAN-CVE-2024-0001", "bash", "high"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in range(ADVISORIES):
            archive.writestr(f"{number}.json", one)
    scan = {"name": "Scan", "action": "CollectImageScanFindings", "inputs": MACHINE}
    steps = [LAUNCH, {**scan, "timeoutSeconds": 1}]
    test = json.dumps({"schemaVersion": "1.0", "steps": steps})
    managed = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/x.x.x"
    with lab.bench(IMAGEWRIGHT_SCANNING_ADVISORIES=str(tmp_path)) as bench:
        workflows = [managed, bench.workflow(test, kind="TEST")]
        arn = bench.start(bench.recipe(), workflows=workflows, **SCANNING)

        image = bench.finished(arn)

        assert image["state"]["status"] == "FAILED"
        assert "timed out" in image["state"]["reason"]
        assert image["scanState"] == {"status": "ABANDONED"}
        bench.nothing_is_left()
