"""What is said of a command that is ended because the time of its step is up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagewright.actions.component_works import Chosen, run_one
from imagewright.actions.scripts import Script, execute
from imagewright.documents.component.loading import load_component
from imagewright.documents.specs import Stage
from imagewright.engine.plan import KeptDocument, PlannedComponent
from imagewright.engine.ports import ActionError, Done, Work
from imagewright.engine.stop import Reason, Stop
from imagewright.machines.host import HostMachine
from imagewright.masking import Secrets
from imagewright.outside.places import no_settings
from imagewright.runner.modules.table import SPECS
from imagewright.settings import ComponentLimits

ARN = "arn:aws:imagebuilder:us-east-1:000000000000:component/slow/1.0.0/1"
TEXT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs:
          commands: ['true']
      - name: Slow
        action: ExecuteBash
        inputs:
          commands: [echo begun, exec sleep 600]
"""


class Stopping:
    """A step's log that has the step stopped once its command has begun."""

    def __init__(self, reason: Reason) -> None:
        self.stop = Stop()
        self._reason = reason

    def line(self, _stream: str, text: str, **_facts: Any) -> None:
        if text == "begun":
            self.stop.tell(self._reason)

    def note(self, text: str, **facts: Any) -> None:
        pass


def context(reason: Reason, folder: Path) -> Any:
    """Return as much of a step on this host as its works look at."""
    log = Stopping(reason)

    def apply(_instance_id: str, work: Work, *, unit: int, goes_on: Any) -> Done:
        return Done(outputs=work.run(HostMachine()), reused=False, reason=f"unit {unit}")

    return SimpleNamespace(
        plan=SimpleNamespace(
            working_directory=str(folder),
            platform="Linux",
            account="000000000000",
            region="us-east-1",
            image_arn="image",
            pipeline_arn=None,
            version="1.0.0",
            build=1,
        ),
        stage=Stage.BUILD,
        execution=SimpleNamespace(id="wf-1"),
        step=SimpleNamespace(id="step-1", name="Components", timeout_seconds=90),
        token="step-1",
        base_image_id="ami-00000000",
        machines=SimpleNamespace(parent_image_id=lambda _plan: "ami-00000000"),
        world=SimpleNamespace(outside=no_settings(), limits=ComponentLimits()),
        secrets=Secrets(),
        seconds_left=600.0,
        stop=log.stop,
        log=log,
        apply=apply,
    )


@pytest.mark.parametrize(
    ("reason", "status", "said"),
    [("timed out", "TimedOut", "Run timed out after"), ("cancelled", "Failed", "Run cancelled")],
)
def test_a_command_says_why_it_was_stopped(
    tmp_path: Path, reason: Reason, status: str, said: str
) -> None:
    """workflow-documents.md §4.6: whichever clock looks first, that of the command or the step."""
    script = Script(name="Run", text="echo begun; exec sleep 600", directory=str(tmp_path))

    ran = execute(script, HostMachine(), context(reason, tmp_path))

    assert (ran.status, said in ran.failure) == (status, True)
    assert ("raise the time-out" in ran.failure) is (reason == "timed out")


@pytest.mark.parametrize("reason", ["timed out", "cancelled"])
def test_a_component_whose_time_was_up_is_named_with_its_step(
    tmp_path: Path, reason: Reason
) -> None:
    """IMG-33."""
    component = load_component(TEXT, modules=SPECS).component
    assert component is not None
    planned = PlannedComponent(arn=ARN, document=KeptDocument(content=""))

    with pytest.raises(ActionError, match=f"Document {ARN} was stopped") as caught:
        run_one(
            Chosen(planned, TEXT, component),
            "i-1",
            context(reason, tmp_path),
            unit=0,
            container={},
            is_last=True,
        )

    failure = caught.value.component
    if reason == "cancelled":
        assert failure is None
        return
    assert failure is not None
    assert [failure[key] for key in ("componentArn", "phaseName", "stepName", "action")] == [
        *(ARN, "build", "Slow", "ExecuteBash"),
    ]
    assert failure["errorMessage"].startswith(
        "timed out after 90 s, the timeoutSeconds of the workflow's Components\nHint: "
    )
