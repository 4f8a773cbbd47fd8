"""An image packed once for all regions, while each region goes its own way."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

from tests.machines.lab import Lab

from imagewright.clock import SystemClock
from imagewright.distribution.packing import Packed
from imagewright.engine.plan import BuildPlan
from imagewright.images.export_oci import OciMetadata
from imagewright.logs.builds import BuildLogs, StepLog

PLAN = BuildPlan(
    image_arn="arn:aws:imagebuilder:us-east-1:000000000000:image/web/1.0.0/1",
    account="000000000000",
    region="us-east-1",
    image_name="web",
    version="1.0.0",
    build=1,
    parent_image="tiny",
)


def test_a_copy_is_recorded_while_the_image_is_packed_in_another_form(
    lab: Lab, tiny: str, tmp_path: Path
) -> None:
    """A transaction that waited for the packing, which waits for those, would never end."""
    log = StepLog(BuildLogs(tmp_path / "logs", SystemClock(), bytes_max=100_000), PLAN.image_arn)
    packed = Packed(
        lab.layers, lambda: tiny, tmp_path, PLAN, OciMetadata(reference="web:1"), Event(), log
    )
    assert packed.layer_id == tiny

    with ThreadPoolExecutor(2) as threads:
        with lab.database.write():
            packing = threads.submit(packed.form, "oci")
            while not (packing.done() or (tmp_path / "oci").exists()):
                time.sleep(0.01)
            known = threads.submit(lambda: packed.layer_id)
            wait([known], timeout=20)
            was_known = known.done()
        packing.result()

    assert was_known
