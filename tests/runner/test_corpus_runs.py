"""Real components that need nothing from outside end as their authors meant, on a sandbox."""

import csv
from pathlib import Path

import pytest
from tests.runner.conftest import Lab

_CORPUS = Path(__file__).parents[3] / "shared/corpus"
_CLOUDSNORKEL = (
    "components/CloudSnorkel__cdk-github-runners__github-runners-test.template-{}UbuntuLinux.json"
)
_BEFORE = {_CLOUDSNORKEL.format("EnvironmentVariables"): _CLOUDSNORKEL.format("RunnerUser")}
"""What has to run first."""
_PARAMETERS = {"parameter1": "one", "parameter2": "two"}
_LEAVES = {
    _CLOUDSNORKEL.format("RunnerUser"): "id runner",
    _CLOUDSNORKEL.format("EnvironmentVariables"): "grep HELLO=world /home/runner/.env",
    "components/aws-samples__aws-hpc-recipes__dlami-for-pcs-SlurmPathConfigComponent.yaml": (
        "grep -r slurm /etc/profile.d"
    ),
}
"""What shows that it worked."""


def runnable() -> list[str]:
    index = _CORPUS / "INDEX.csv"
    if not index.exists():
        return []
    with index.open() as file:
        rows = list(csv.DictReader(file))
    return [
        row["file"]
        for row in rows
        if (row["kind"], row["platform"], row["runnable-offline"]) == ("component", "Linux", "yes")
    ]


def test_there_are_components_to_run() -> None:
    if not _CORPUS.exists():
        pytest.skip("the corpus of public documents is not beside the project")
    assert len(runnable()) >= 9


@pytest.mark.parametrize("file", runnable(), ids=lambda file: Path(file).stem)
def test_a_real_component_ends_as_its_author_meant(file: str, lab: Lab) -> None:
    for name in [_BEFORE[file], file] if file in _BEFORE else [file]:
        text = (_CORPUS / name).read_text()
        result = lab.run(text, phases=["build", "validate", "test"], parameters=_PARAMETERS)
        assert result.failure is None
        assert result.status == "success"
        assert result.executed_step_count > 0

    assert lab.sh(_LEAVES.get(file, "echo nothing to see"))
