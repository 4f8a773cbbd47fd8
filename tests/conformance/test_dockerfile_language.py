"""The language of Dockerfiles by its tables: what a template comes to is data, and the test."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewright.documents.dockerfile.check import load_dockerfile
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.evaluation import DockerfileError, plan
from imagewright.documents.dockerfile.tasks import (
    ComponentsTask,
    DirectoryTask,
    FetchTask,
    FilesTask,
    RunTask,
    Task,
)

Case = dict[str, Any]


def table(name: str) -> pytest.MarkDecorator:
    path = Path(__file__).parent / "dockerfile" / f"{name}.yaml"
    cases = yaml.safe_load(path.read_text("utf-8"))
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases])


def shown(task: Task) -> Case:
    """What a table says of a task."""
    common = {
        "line": task.line,
        "text": task.text,
        "environment": dict(task.environment),
        "working_directory": task.working_directory,
        "user": task.user,
    }
    match task:
        case RunTask(argv=argv, tmpfs=tmpfs):
            return {**common, "run": [*argv], "tmpfs": [*tmpfs]}
        case DirectoryTask(path=path):
            return {**common, "directory": path}
        case FilesTask(files=files, owner=owner, mode=mode):
            texts = {path: content.decode() for path, content in files}
            return {**common, "files": texts, "owner": owner, "mode": mode}
        case FetchTask(url=url, path=path, owner=owner, mode=mode, checksum=checksum):
            fetched = {"fetch": url, "path": path, "owner": owner, "mode": mode}
            return {**common, **fetched, "checksum": checksum}
        case ComponentsTask():
            return {**common, "components": True}
    raise AssertionError(task)


@table("plans")
def test_a_template_comes_to_what_the_table_says(case: Case) -> None:
    checked = load_dockerfile(case["template"])
    assert checked.dockerfile is not None, checked.findings

    def planned() -> tuple[list[Case], Case]:
        assert checked.dockerfile is not None
        result = plan(
            checked.dockerfile,
            ImageConfig.from_oci(case.get("parent")),
            arguments=case.get("arguments", {}),
            architecture=case.get("architecture"),
        )
        return [shown(task) for task in result.tasks], result.config.to_oci()

    if "error" in case:
        with pytest.raises(DockerfileError) as caught:
            planned()
        line, word = case["error"]
        assert caught.value.line == line
        assert word in caught.value.message
        return
    tasks, config = planned()
    expected = case.get("tasks", [])
    told = [
        {key: task.get(key) for key in each} for task, each in zip(tasks, expected, strict=False)
    ]
    assert told == expected
    assert len(tasks) == len(expected)
    members = case.get("config", {})
    assert {name: config.get(name) for name in members} == members


@table("documents")
def test_a_template_is_told_what_the_table_says(case: Case) -> None:
    checked = load_dockerfile(case["template"])

    found = [[finding.code, *finding.span.start[:2]] for finding in checked.findings]
    assert found == case.get("findings", [])
    assert (checked.dockerfile is None) == any(each.is_error for each in checked.findings)
