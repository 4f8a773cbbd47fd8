"""Images that stand for others by the table in the settings."""

import json

from tests.e2e.conftest import Lab
from tests.e2e.test_builds import workflow


def test_a_machine_is_launched_from_an_image_of_the_table(lab: Lab) -> None:
    """workflow-documents.md §7.12."""
    mapped = "ami-00000000000000abc"
    text = json.loads(workflow())
    text["steps"][0]["inputs"]["imageIdOverride"] = mapped

    with lab.bench(IMAGEWRIGHT_PARENTS=json.dumps({mapped: "debian-12"})) as bench:
        bench.built(bench.start(bench.recipe(), workflows=[bench.workflow(json.dumps(text))]))
