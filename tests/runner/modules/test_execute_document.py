"""ExecuteDocument (``component-documents.md`` §7.1): a document run as one step of another."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
import yaml
from tests.other_services import OtherServices, serving
from tests.outside.web_server import serving as serving_pages
from tests.outside.web_server import status
from tests.runner.conftest import Lab, bash, steps

from imagewright.aws.clients import AwsClients
from imagewright.clock import SystemClock
from imagewright.documents.specs import Platform
from imagewright.outside.objects import Objects
from imagewright.outside.places import no_settings
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.failures import ComponentRefused, ModuleFailure
from imagewright.runner.reporting import InDocument, Notice, OutputLine
from imagewright.runner.result import StepResult
from imagewright.settings import Aws, ComponentLimits
from imagewright.toe.asked import read_asked
from imagewright.toe.documents import load_document
from imagewright.toe.log_folder import LogFolder
from imagewright.toe.run import DocumentsRunner

_ARN = "arn:aws:imagebuilder:us-east-1:123456789012:component/inner/1.0.0/1"


def text(document: Mapping[str, object]) -> str:
    return yaml.safe_dump({"schemaVersion": "1.0", **document}, sort_keys=False)


def execute(document: str, **inputs: object) -> dict[str, object]:
    return {"action": "ExecuteDocument", "inputs": {"document": document, **inputs}}


def only(lab: Lab, step: Mapping[str, object], **options: Any) -> StepResult:
    return lab.run(steps(step), **options).phases[0].steps[0]


def put(lab: Lab, path: str, *given: Mapping[str, object], **keys: object) -> None:
    lab.write(path, text({**keys, **steps(*given)}))


def lines(lab: Lab, path: str) -> list[str]:
    return lab.read(path).decode().splitlines()


def test_its_steps_run_and_are_counted(lab: Lab) -> None:
    put(lab, "/opt/in.yaml", bash("echo inner"), bash("exit 1", onFailure="Ignore"))

    step = only(lab, execute("/opt/in.yaml"), environment=RunEnvironment(log_url="/var/log/toe"))

    own_id = step.outputs.pop("executionId")
    assert len(own_id) == 36
    assert (step.status, step.outputs) == (
        "success",
        {
            "executedStepCount": "2",
            "failedStepCount": "0",
            "failureMessage": "",
            "ignoredFailedStepCount": "1",
            "logUrl": "/var/log/toe",
            "status": "successWithIgnoredFailure",
        },
    )


def test_what_it_prints_is_told_as_of_the_step_around_it(lab: Lab) -> None:
    put(lab, "/opt/in.yaml", bash("echo inner"))

    only(lab, execute("/opt/in.yaml"))

    told = [e for e in lab.log.of(InDocument) if isinstance(e, InDocument)]
    assert {(e.phase, e.step, e.document) for e in told} == {("build", "Step0", "/opt/in.yaml")}
    assert OutputLine("build", "Step0", "stdout", "inner") in [e.event for e in told]


def test_a_step_that_does_not_log_keeps_the_whole_document_silent(lab: Lab) -> None:
    put(lab, "/opt/in.yaml", bash("echo s3cr3t; exit 1"))

    step = only(lab, {**execute("/opt/in.yaml"), "disableLogging": True})

    assert step.message == "ExecuteDocument failed; its logging is disabled"
    assert "s3cr3t" not in repr(lab.log.events)


def test_phases_and_parameters_are_handed_on(lab: Lab) -> None:
    """Phases keep the document's order; what it does not know is told and ignored."""
    who = "{{ Who }}"
    document = {
        "parameters": [{"Who": {"type": "string", "default": "nobody"}}],
        "phases": [
            {
                "name": name,
                "steps": [{"name": "S", **bash(f"echo {name} {who} >>/opt/ran")}],
            }
            for name in ("build", "check", "test")
        ],
    }
    lab.write("/opt/in.yaml", text(document))
    parameters = [{"name": "Who", "value": "me"}, {"name": "Whom", "value": "x"}]

    only(lab, execute("/opt/in.yaml", phases="test, build,tset", parameters=parameters))

    assert lines(lab, "/opt/ran") == ["build me", "test me"]
    assert [e.text for e in lab.log.of(Notice) if isinstance(e, Notice)] == [
        "/opt/in.yaml has no phase tset",
        "/opt/in.yaml has no parameter Whom; its value is ignored",
    ]


@pytest.mark.parametrize(
    ("on_failure", "ended", "ran"),
    [
        ("Abort", "failed", False),
        ("Continue", "failed", True),
        ("Ignore", "successWithIgnoredFailure", True),
    ],
)
def test_a_document_that_fails_fails_the_step_whose_on_failure_counts(
    on_failure: str, ended: str, ran: bool, lab: Lab
) -> None:
    """§4.3; the outputs are there all the same (O-5)."""
    put(lab, "/opt/in.yaml", bash("echo why >&2; exit 3"), bash("touch /opt/never"))
    outer = {**execute("/opt/in.yaml"), "onFailure": on_failure}

    result = lab.run(steps(outer, bash("touch /opt/after")))

    step = result.phases[0].steps[0]
    assert result.status == ended
    assert step.message == (
        "Document /opt/in.yaml failed! Its step 'Step0' in phase 'build' (ExecuteBash): "
        "exit status 3"
    )
    assert (step.outputs["failedStepCount"], step.outputs["status"]) == ("1", "failed")
    assert step.outputs["failureMessage"] == "Document /opt/in.yaml failed!"
    assert result.failure is None or result.failure.last_lines == "why"
    assert (lab.exists("/opt/after"), lab.exists("/opt/never")) == (ran, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file does not exist: /opt/in.yaml"),
        (b"\xff\xfe\x00", "/opt/in.yaml is no text in UTF-8: the byte 0xFF at line 1, column 1"),
        (b"phases: []\n", "Document /opt/in.yaml is not valid. Invalid schema version."),
        (
            text(
                {
                    "parameters": [{"Who": {"type": "string"}}],
                    "phases": [{"name": "build", "steps": [{"name": "S", **bash("true")}]}],
                }
            ).encode(),
            "Document /opt/in.yaml failed! the parameter `Who` has no default and was given no",
        ),
        (
            text(steps({"action": "SetRegistry", "inputs": [{"path": "HKLM:/a"}]})).encode(),
            "Document /opt/in.yaml is not valid. Parsing step 'Step0' in phase 'build' failed.",
        ),
    ],
    ids=["absent", "no text", "invalid", "parameter", "platform"],
)
def test_a_document_that_cannot_run_fails_the_step(
    content: bytes | None, message: str, lab: Lab
) -> None:
    if content is not None:
        lab.write("/opt/in.yaml", content)

    step = only(lab, execute("/opt/in.yaml"))

    assert step.status == "failed"
    assert step.message.startswith(message)


def test_documents_nest_three_levels_deep(lab: Lab) -> None:
    """§2.7."""
    for number in range(1, 4):
        put(lab, f"/opt/{number}.yaml", execute(f"/opt/{number + 1}.yaml"))
    put(lab, "/opt/4.yaml", bash("touch /opt/deep"))

    assert only(lab, execute("/opt/2.yaml")).status == "success"
    assert lab.exists("/opt/deep")
    step = only(lab, execute("/opt/1.yaml"))

    assert step.status == "failed"
    assert step.message.endswith(
        "Document /opt/4.yaml is nested too deep: documents can execute others 3 levels deep"
    )


def test_a_circle_is_broken_where_it_closes(lab: Lab) -> None:
    """Documents are known by what they say: a link to one is the same."""
    put(lab, "/opt/a.yaml", execute("/opt/b.yaml"))
    put(lab, "/opt/b.yaml", execute("/opt/link.yaml"))
    lab.sh("ln -s /opt/a.yaml /opt/link.yaml")

    step = only(lab, execute("/opt/a.yaml"))

    assert "Document /opt/link.yaml executes itself" in step.message


def test_a_loop_may_execute_one_document_many_times(lab: Lab) -> None:
    put(
        lab,
        "/opt/in.yaml",
        bash("echo {{ Who }} >>/opt/ran"),
        parameters=[{"Who": {"type": "string"}}],
    )
    outer = execute(
        "/opt/{{ loop.value }}.yaml", parameters=[{"name": "Who", "value": "{{ loop.index }}"}]
    )

    step = only(lab, {**outer, "loop": {"forEach": ["in", "in"]}})

    assert step.outputs["executedStepCount"] == "1\n1"
    assert lines(lab, "/opt/ran") == ["0", "1"]


def test_a_restart_within_goes_on_within_whenever_the_driver_dies(lab: Lab) -> None:
    """§4.6: every save is a crash point; what was done is not done again.

    The document is gone meanwhile, and is not read again.
    """
    put(
        lab,
        "/opt/in.yaml",
        bash("echo first >>/opt/ran; rm -f /opt/in.yaml"),
        {"action": "Reboot"},
        bash("echo second >>/opt/ran"),
    )
    document = steps(execute("/opt/in.yaml"), bash("echo last >>/opt/ran"))
    content = lab.read("/opt/in.yaml")
    whole: list[str] = []
    result = lab.run(document, save=lambda state: whole.append(json.dumps(state)))
    assert (result.status, result.reboots) == ("success", 1)

    for dies_at in range(1, len(whole) + 1):
        lab.sh("rm -f /opt/ran")
        lab.write("/opt/in.yaml", content)
        saved: list[str] = []

        def save(state: dict[str, Any], kept: list[str] = saved, last: int = dies_at) -> None:
            kept.append(json.dumps(state))
            if len(kept) == last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            lab.run(document, save=save)

        again = lab.run(document, saved=json.loads(saved[-1]))

        assert (again.status, again.reboots) == ("success", 1)
        assert lines(lab, "/opt/ran") == ["first", "second", "last"]


def test_restarts_count_for_the_whole_run(lab: Lab) -> None:
    put(lab, "/opt/in.yaml", bash("exit 194"))

    environment = RunEnvironment(limits=ComponentLimits(restarts_max=2))
    step = only(lab, execute("/opt/in.yaml"), environment=environment)

    assert "the run asked for more than 2 restarts of the machine" in step.message


def test_a_cancel_ends_it_and_the_run(lab: Lab) -> None:
    cancel = Flag()
    put(lab, "/opt/in.yaml", bash("echo up; sleep 60"))

    class Canceller:
        def report(self, event: object) -> None:
            if isinstance(event, InDocument) and isinstance(event.event, OutputLine):
                cancel.set()

    result = lab.run(
        steps(execute("/opt/in.yaml"), bash("true")), cancel=cancel, reporter=Canceller()
    )

    assert [step.status for step in result.phases[0].steps] == ["cancelled"]


def test_a_component_is_read_by_its_arn(lab: Lab) -> None:
    asked: list[str] = []

    def read(arn: str) -> str:
        asked.append(arn)
        if arn != _ARN:
            raise ModuleFailure("there is no such component")
        return text(steps(bash("touch /opt/ran")))

    environment = RunEnvironment(read_component=read)
    step = only(lab, execute(_ARN), environment=environment)
    other = only(lab, execute(_ARN + "1"), environment=environment)

    assert (step.status, asked[0]) == ("success", _ARN)
    assert other.message == "there is no such component"


def test_an_arn_is_refused_before_anything_runs_where_none_can_be_read(lab: Lab) -> None:
    document = {
        "constants": [{"Inner": {"type": "string", "value": _ARN}}],
        **steps(bash("touch /opt/ran"), execute("{{ Inner }}")),
    }

    with pytest.raises(ComponentRefused, match="executes a component by its ARN, and none can be"):
        lab.run(document)

    assert not lab.exists("/opt/ran")


def test_an_arn_that_only_the_run_tells_fails_the_step(lab: Lab) -> None:
    said = bash(f"echo {_ARN}")

    result = lab.run(steps(said, execute("{{ build.Step0.outputs.stdout }}")))

    assert result.failure is not None
    assert "executes a component by its ARN" in result.failure.message


@pytest.fixture(scope="module")
def services() -> Iterator[OtherServices]:
    with serving() as served:
        yield served


def test_a_document_comes_from_s3(lab: Lab, services: OtherServices) -> None:
    services.s3.create_bucket(Bucket="documents")
    body = text(steps(bash("touch /opt/ran"))).encode()
    services.s3.put_object(Bucket="documents", Key="in.yaml", Body=body)
    services.s3.put_object(Bucket="documents", Key="long.yaml", Body=b"#" * (5 << 20))
    aws = Aws(s3_endpoint=services.url, access_key_id="key", secret_access_key="secret")
    objects = Objects(AwsClients(aws), size_bytes_max=1 << 30)
    environment = RunEnvironment(outside=replace(no_settings(), objects=objects))

    def of(uri: str, **inputs: object) -> StepResult:
        return only(lab, execute(uri, **inputs), environment=environment)

    assert of("s3://documents/in.yaml").status == "success"
    assert lab.exists("/opt/ran")
    assert "has more than" in of("s3://documents/long.yaml").message
    assert "NoSuchKey" in of("s3://documents/none.yaml").message
    assert "this is not `s3://bucket/key`" in of("s3://documents").message


def test_a_document_that_is_too_large_is_not_fetched(lab: Lab) -> None:
    """Its bytes never come, and nobody waits for them."""

    def promise(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(5 << 20))
        handler.end_headers()
        server.released.wait(60)

    with serving_pages() as server:
        server.answers["/bbb/k"] = promise
        aws = Aws(s3_endpoint=server.url(""), access_key_id="key", secret_access_key="secret")
        objects = Objects(AwsClients(aws), size_bytes_max=1 << 30)
        environment = RunEnvironment(outside=replace(no_settings(), objects=objects))

        step = only(lab, execute("s3://bbb/k"), environment=environment)

    assert step.message == "s3://bbb/k has more than 65,536 bytes"


def test_the_owner_of_the_bucket_is_asked_for(lab: Lab) -> None:
    with serving_pages() as server:
        server.answers["/bbb/k"] = status(403)
        aws = Aws(s3_endpoint=server.url(""), access_key_id="key", secret_access_key="secret")
        objects = Objects(AwsClients(aws), size_bytes_max=1 << 30, pause_seconds=0.01)
        environment = RunEnvironment(outside=replace(no_settings(), objects=objects))
        outer = execute("s3://bbb/k", **{"document-s3-bucket-owner": "000123456789"})

        step = only(lab, outer, environment=environment)

        assert server.headers[0]["x-amz-expected-bucket-owner"] == "000123456789"
    assert "403" in step.message


def test_a_document_that_does_not_run_has_failed_in_the_tree(lab: Lab, tmp_path: Path) -> None:
    """§9.3 detailedOutput: its step failed."""
    put(lab, "/opt/in.yaml", bash("echo inner"), parameters=[{"Must": {"type": "string"}}])
    content = text(steps(execute("/opt/in.yaml"), bash("never")))
    asked = read_asked({"documents": "app.yaml"}, None)
    document = load_document("app.yaml", content, Platform.LINUX)

    with closing(LogFolder(str(tmp_path), "run-1", SystemClock().now())) as folder:
        runner = DocumentsRunner(asked, folder, execution_id="run-1")
        runner.set_up([document])
        runner.go([document], lab.machine, RunEnvironment())

    tree = json.loads((Path(folder.url) / "detailedoutput.json").read_text())
    (step,) = tree["documents"][0]["phases"][0]["steps"]
    (nested,) = step["detailedOutput"]
    why = "Document /opt/in.yaml failed! the parameter `Must` has no default and was given no value"
    assert (step["status"], step["failureMessage"]) == ("failed", why)
    assert (nested["status"], nested["failureMessage"]) == ("failed", why)
    assert nested["documents"][0]["status"] == "failed"


def test_the_log_folder_holds_the_whole_tree_of_it(lab: Lab, tmp_path: Path) -> None:
    """§9.2, §9.3 detailedOutput."""
    put(lab, "/opt/in.yaml", bash("echo inner"))
    content = text(steps(execute("/opt/in.yaml")))
    asked = read_asked({"documents": "app.yaml"}, None)
    document = load_document("app.yaml", content, Platform.LINUX)

    with closing(LogFolder(str(tmp_path), "run-1", SystemClock().now())) as folder:
        runner = DocumentsRunner(asked, folder, execution_id="run-1")
        runner.set_up([document])
        summary = runner.go([document], lab.machine, RunEnvironment())

    assert summary.is_success
    tree = json.loads((Path(folder.url) / "detailedoutput.json").read_text())
    step = tree["documents"][0]["phases"][0]["steps"][0]
    (nested,) = step["detailedOutput"]
    (outputs,) = json.loads(step["outputs"])
    assert (nested["executionId"], nested["status"]) == (outputs["executionId"], "success")
    assert outputs["logUrl"] == folder.url
    assert (outputs["executedStepCount"], outputs["failedStepCount"]) == (1, 0)
    assert json.loads(step["inputs"]) == [
        {
            "document": "/opt/in.yaml",
            "document-s3-bucket-owner": "",
            "phases": "",
            "parameters": None,
        }
    ]
    inner = nested["documents"][0]["phases"][0]["steps"][0]
    assert (inner["action"], inner["outputs"]) == ("ExecuteBash", '[{"stdout":"inner"}]')
    log = (Path(folder.url) / "console.log").read_text()
    said = [line.split(" ", 1)[1] for line in log.splitlines()]
    begins = said.index("Document /opt/in.yaml")
    assert said[begins - 1 : begins + 3] == [
        "ExecuteDocument: STARTED EXECUTION",
        "Document /opt/in.yaml",
        "Phase build",
        "Step Step0",
    ]
    assert "Stdout: inner" in said[begins:]
