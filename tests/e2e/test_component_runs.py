"""``imagewright component run`` and ``validate``, on the real sandbox, without a server."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.conftest import Bench, Lab
from tests.other_services import OtherServices

Component = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def component(lab: Lab, tmp_path: Path) -> Component:
    """Run ``imagewright component …`` in a folder of the test's own."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        own = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [sys.executable, "-m", "imagewright", "component", *arguments],
            cwd=tmp_path,
            env={**own, "IMAGEWRIGHT_STATE": str(lab.state), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def step(*commands: str, name: str, **keys: Any) -> dict[str, Any]:
    inputs = {"commands": list(commands)}
    return {"name": name, "action": "ExecuteBash", "inputs": inputs, **keys}


def write(path: Path, *steps: dict[str, Any], **more: Any) -> None:
    """Write a document with one phase, and what else it has."""
    phases = [{"name": "build", "steps": list(steps)}]
    path.write_text(yaml.safe_dump({"schemaVersion": "1.0", "phases": phases, **more}))


def summary(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_prints_what_awstoe_prints_and_nothing_else(
    component: Component, tmp_path: Path
) -> None:
    write(tmp_path / "app.yaml", step("echo hello", name="Say"))

    done = component("run", "-d", "app.yaml", "-i", "one", "-l", "logs")

    (folder,) = (tmp_path / "logs").iterdir()
    assert re.fullmatch(r"TOE_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_UTC-0_one", folder.name)
    assert (done.returncode, without_network_notes(done.stderr)) == (0, "")
    assert done.stdout == (
        '{\n    "executionId": "one",\n    "status": "success",\n    "failedStepCount": 0,\n'
        '    "executedStepCount": 1,\n    "ignoredFailedStepCount": 0,\n'
        f'    "failureMessage": "",\n    "logUrl": "logs/{folder.name}"\n}}\n'
    )


def test_the_log_folder_holds_documents_logs_and_results(
    component: Component, tmp_path: Path
) -> None:
    parameters = [{"Who": {"type": "string", "default": "world"}}]
    write(
        tmp_path / "app.yaml",
        step("echo hello {{ Who }}", name="Say"),
        step("echo {{ loop.value }}", name="Each", loop={"forEach": ["a", "b"]}),
        step("echo hidden", name="Secret", disableLogging=True),
        name="The app",
        parameters=parameters,
    )

    done = component("run", "-d", "app.yaml", "-p", "build", "--parameters", "Who=me,Other=x")

    folder = tmp_path / summary(done)["logUrl"]
    names = {
        "D0__app.yaml", "document.yaml", "application.log", "console.log",
        "detailedoutput.json", "chaining.json",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == names
    document = json.loads((folder / "detailedoutput.json").read_text())["documents"][0]
    say, each, secret = document["phases"][0]["steps"]
    assert (document["name"], document["status"]) == ("The app", "success")
    assert say["inputs"] == '[{"commands":["echo hello me"]}]'
    assert say["outputs"] == '[{"stdout":"hello me"}]'
    assert (say["timeoutSeconds"], say["onFailure"], say["maxAttempts"]) == (7200, "Abort", 1)
    assert [round_["value"] for round_ in each["loop"]["iterations"]] == ["a", "b"]
    assert secret["outputs"] == '[{"stdout":"***"}]'
    (chained,) = json.loads((folder / "chaining.json").read_text())
    assert chained["phases"][0]["isSelected"] is True
    console = (folder / "console.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ", line) for line in console)
    assert console[-1].endswith("Z TOE has completed execution successfully")
    assert not any("hidden" in path.read_text() for path in folder.glob("*.log"))


FAILS = ("echo why >&2", "echo indeed >&2", "exit 3")


@pytest.mark.parametrize(
    ("on_failure", "code", "status", "executed", "failed", "ignored"),
    [
        ("Ignore", 0, "successWithIgnoredFailure", 4, 0, 1),
        ("Continue", 1, "failed", 4, 1, 0),
        ("Abort", 1, "failed", 2, 1, 0),
    ],
)
def test_what_a_failure_means_for_the_run(
    component: Component,
    tmp_path: Path,
    on_failure: str,
    code: int,
    status: str,
    executed: int,
    failed: int,
    ignored: int,
) -> None:
    """§13: ok, fail, ok, and a second document."""
    fails = step(*FAILS, name="Fails", onFailure=on_failure)
    write(tmp_path / "a.yaml", step("true", name="One"), fails, step("true", name="Three"))
    write(tmp_path / "b.yaml", step("true", name="Other"))

    done = component("run", "-d", "a.yaml,b.yaml")

    told = summary(done)
    assert (done.returncode, told["status"]) == (code, status)
    counts = ("executedStepCount", "failedStepCount", "ignoredFailedStepCount")
    assert [told[name] for name in counts] == [executed, failed, ignored]
    assert told["failureMessage"] == ("Document a.yaml failed!" if code else "")


def test_why_a_step_failed_is_said_where_no_terminal_is(
    component: Component, tmp_path: Path
) -> None:
    write(tmp_path / "app.yaml", step(*FAILS, name="Fails"))

    done = component("run", "-d", "app.yaml")

    assert (done.returncode, summary(done)["failureMessage"]) == (1, "Document app.yaml failed!")
    assert without_network_notes(done.stderr) == (
        "note: app.yaml: build Fails failed: exit status 3 at line 3: exit 3\n"
    )


def test_the_first_failure_is_told_in_a_block(component: Component, tmp_path: Path) -> None:
    write(tmp_path / "app.yaml", step(*FAILS, name="Fails"), name="The app")

    done = component("run", "-d", "app.yaml", "--trace")

    assert "CmdExecution: Stderr: why\nindeed\n" in done.stderr
    console = (tmp_path / summary(done)["logUrl"] / "console.log").read_text()
    without_times = re.sub(r"^\S+Z ", "", console, flags=re.MULTILINE)
    assert without_times.endswith(
        "    Document: The app\n"
        "    ComponentArn: \n"
        "    Phase: build\n"
        "    Step: Fails\n"
        "    Action: ExecuteBash\n"
        "    ErrorMessage: exit status 3 at line 3: exit 3\n"
        "    Stderr: why\nindeed\n"
        "TOE has completed execution with failure - Execution failed!\n"
    )


def test_a_restart_goes_on_in_one_folder_under_one_id(component: Component, tmp_path: Path) -> None:
    """§13: a script that exits 194 once, and Reboot then echo."""
    once = step("[ -e /once ] && exit 0", "touch /once", "exit 194", name="Once")
    restart = {"name": "Restart", "action": "Reboot"}
    write(tmp_path / "app.yaml", once, restart, step("echo after", name="After"))

    done = component("run", "-d", "app.yaml", "--trace")

    assert summary(done)["executedStepCount"] == 3
    said = done.stderr.splitlines()
    assert said.count("Executor: System has rebooted successfully") == 2
    assert said.count("Step Once") == 2
    assert said.count("Stdout: after") == 1
    assert len(list(tmp_path.glob("TOE_*"))) == 1


def test_what_cannot_begin_is_told_in_the_same_form(component: Component, tmp_path: Path) -> None:
    write(tmp_path / "app.yaml", step("true", name="One"))
    write(tmp_path / "bad.yaml", step("true", name="a b"))
    write(
        tmp_path / "needs.yaml", step("true", name="One"), parameters=[{"Key": {"type": "string"}}]
    )

    write(tmp_path / "ssm.yaml", step("echo {{ aws:ssm:/a }}", name="One"))
    for arguments, message in (
        (("-d", "ssm.yaml"), "reads `aws:ssm:`: This installation has no access to ssm"),
        (("-d", "none.yaml"), "none.yaml cannot be read: No such file or directory"),
        (("-d", "bad.yaml"), "Invalid step name 'a b' in phase 'build'"),
        (("-d", "needs.yaml"), "the parameter `Key` has no default"),
        (("-d", "needs.yaml", "--on", "sandbox:none"), "nothing here stands for"),
        (("-d", "s3://bucket/key"), "aws.s3_endpoint"),
        (("-d", "app.yaml", "-b", "bucket"), "aws.s3_endpoint"),
        (("-d", "app.yaml", "--cw-log-group", "g"), "aws.logs_endpoint"),
    ):
        done = component("run", *arguments)
        told = summary(done)
        assert (done.returncode, told["status"]) == (1, "failed"), done.stderr
        assert message in told["failureMessage"]


def test_none_of_several_documents_runs_where_one_of_them_cannot(
    component: Component, tmp_path: Path
) -> None:
    """What is missing is told before anything runs, of whichever document it is (§2.3, O-25)."""
    write(tmp_path / "app.yaml", step("true", name="One"))
    channel = {"type": "string", "default": "a", "allowedValues": ["a", "b"]}
    write(tmp_path / "needs.yaml", step("true", name="One"), parameters=[{"Channel": channel}])

    told = summary(component("run", "-d", "app.yaml,needs.yaml", "--parameters", "Channel=c"))

    assert "the parameter `Channel` must be `a` or `b`" in told["failureMessage"]
    assert (told["status"], told["executedStepCount"]) == ("failed", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of --config and --documents is needed"),
        (("-d", "a", "-c", "none.json"), "none.json: No such file"),
        (("-c", "."), ". is a folder"),
        (("-d", "a", "--on", "moon"), "--on cannot be `moon`"),
    ],
)
def test_a_wrong_call_ends_with_2(
    component: Component, arguments: tuple[str, ...], message: str
) -> None:
    done = component("run", *arguments)

    assert done.returncode == 2
    assert message in done.stderr


def test_a_settings_file_says_what_flags_do_not(component: Component, tmp_path: Path) -> None:
    write(
        tmp_path / "app.yaml",
        step("echo {{ Who }}", name="Say"),
        parameters=[{"Who": {"type": "string"}}],
    )
    entry = {"path": "app.yaml", "parameters": [{"name": "Who", "value": "one, two"}]}
    config = {"documents": [entry], "phases": "none", "logDirectory": "elsewhere"}
    (tmp_path / "run.json").write_text(json.dumps(config))

    done = component("run", "--config", "run.json", "-p", "build,tset", "-t")

    assert "Setup: [WARNING] no document has the phase tset" in done.stderr
    assert summary(done)["logUrl"].startswith("elsewhere/TOE_")
    assert "Stdout: one, two" in done.stderr


def test_documents_and_logs_go_by_way_of_aws(
    component: Component, tmp_path: Path, others: OtherServices
) -> None:
    document = {"schemaVersion": "1.0", "phases": [
        {"name": "build", "steps": [step("echo hello", name="Say")]},
    ]}  # fmt: skip
    uri = others.put("component-documents", "app.yaml", yaml.safe_dump(document).encode())
    others.s3.create_bucket(Bucket="component-logs")

    done = component(
        "run", "-d", uri, "-i", "one", "-b", "component-logs", "-k", "some/where",
        "--cw-log-group", "/components", "--cw-log-stream", "first",
        IMAGEWRIGHT_AWS_S3_ENDPOINT=others.url, IMAGEWRIGHT_AWS_LOGS_ENDPOINT=others.url,
    )  # fmt: skip

    name = Path(summary(done)["logUrl"]).name
    listed = others.s3.list_objects_v2(Bucket="component-logs", Prefix=f"some/where/{name}/")
    keys = {Path(found["Key"]).name for found in listed["Contents"]}
    assert {"console.log", "detailedoutput.json", "D0__app.yaml"} <= keys
    found = others.client("logs").get_log_events(logGroupName="/components", logStreamName="first")
    messages = [event["message"] for event in found["events"]]
    assert "Stdout: hello" in messages
    assert messages[-1] == "TOE has completed execution successfully"


def test_what_cannot_begin_is_in_the_logs_elsewhere_too(
    component: Component, tmp_path: Path, others: OtherServices
) -> None:
    write(tmp_path / "bad.yaml", step("true", name="a b"))
    others.s3.create_bucket(Bucket="failed-logs")

    done = component(
        "run", "-d", "bad.yaml", "-b", "failed-logs", "--cw-log-group", "/failed",
        "--cw-log-stream", "first",
        IMAGEWRIGHT_AWS_S3_ENDPOINT=others.url, IMAGEWRIGHT_AWS_LOGS_ENDPOINT=others.url,
    )  # fmt: skip

    key = f"{Path(summary(done)['logUrl']).name}/detailedoutput.json"
    kept = json.loads(others.s3.get_object(Bucket="failed-logs", Key=key)["Body"].read())
    assert (kept["status"], "Invalid step name" in kept["failureMessage"]) == ("failed", True)
    found = others.client("logs").get_log_events(logGroupName="/failed", logStreamName="first")
    messages = [event["message"] for event in found["events"]]
    assert messages[-1] == "TOE has completed execution with failure - Execution failed!"


def test_a_stream_that_cannot_be_written_may_be_ignored(
    component: Component, tmp_path: Path
) -> None:
    write(tmp_path / "app.yaml", step("true", name="One"))

    done = component("run", "-d", "app.yaml", "--cw-log-group", "g", "--cw-ignore-failures")

    assert (done.returncode, summary(done)["status"]) == (0, "success")


def test_a_component_of_the_server_runs_by_its_arn(
    component: Component, lab: Lab, tmp_path: Path
) -> None:
    write(tmp_path / "app.yaml", step("echo from the server", name="Say"))
    with lab.bench() as bench:
        arn = bench.component((tmp_path / "app.yaml").read_text())
        done = component("run", "-d", arn, "--trace")

    assert "Stdout: from the server" in done.stderr
    assert summary(done)["status"] == "success"


@contextmanager
def under_way(
    lab: Lab, folder: Path, *before: dict[str, Any], said: str = "Stdout: now"
) -> Iterator["subprocess.Popen[str]"]:
    """Run a step that takes its time, and yield once it has begun, or something else is said."""
    write(folder / "slow.yaml", *before, step("echo now; sleep 60", name="Long"))
    argv = [sys.executable, "-m", "imagewright", "component", "run", "-d", "slow.yaml", "--trace"]
    with subprocess.Popen(
        argv,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "IMAGEWRIGHT_STATE": str(lab.state)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert any(line == f"{said}\n" for line in process.stderr)
        yield process


def test_nothing_is_left_of_a_run_that_is_stopped(lab: Lab, tmp_path: Path) -> None:
    with under_way(lab, tmp_path) as process:
        process.terminate()
        stdout, _ = process.communicate(timeout=120)

    assert process.returncode == 130
    assert json.loads(stdout)["status"] == "failed"
    with lab.bench() as bench:
        bench.nothing_is_left()


def test_a_run_that_loses_its_machine_says_what_it_did_until_then(lab: Lab, tmp_path: Path) -> None:
    with under_way(lab, tmp_path, step("true", name="One")) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        named = [c for c in children if b"imagewright machine" in cmdline(c)]
        os.kill(int(named[0]), signal.SIGKILL)
        stdout, _ = process.communicate(timeout=120)

    told = json.loads(stdout)
    counts = (told["status"], told["executedStepCount"], told["failedStepCount"])
    assert counts == ("failed", 2, 1)
    (file,) = tmp_path.glob("TOE_*/detailedoutput.json")
    (document,) = json.loads(file.read_text())["documents"]
    (phase,) = document["phases"]
    assert [document["status"], phase["status"]] == ["failed", "failed"]
    assert [each["status"] for each in phase["steps"]] == ["success", "failed"]
    assert "the process that holds the machine ended" in phase["steps"][1]["failureMessage"]


def test_a_document_within_a_step_runs_until_its_last_step_is_over(
    lab: Lab, tmp_path: Path
) -> None:
    inner = {"name": "build", "steps": [step("true", name="One"), step("sleep 60", name="Two")]}
    text = yaml.safe_dump({"schemaVersion": "1.0", "phases": [inner]})
    file = {"path": "/root/inner.yaml", "content": text}
    put = {"name": "Put", "action": "CreateFile", "inputs": [file]}
    run = {"name": "Run", "action": "ExecuteDocument", "inputs": {"document": file["path"]}}
    with under_way(lab, tmp_path, put, run, said="Step Two") as process:
        (file_of_results,) = tmp_path.glob("TOE_*/detailedoutput.json")
        (document,) = json.loads(file_of_results.read_text())["documents"]
        process.terminate()
        process.communicate(timeout=120)

    step_of_run = document["phases"][0]["steps"][1]
    (nested,) = step_of_run["detailedOutput"]
    assert [step_of_run["status"], nested["status"], nested["endTime"]] == [
        "running",
        "running",
        "",
    ]
    assert nested["documents"][0]["status"] == "running"


def cmdline(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def without_network_notes(said: str) -> str:
    """Leave out that an ordinary user's machine may have no network of its own here."""
    lines = said.splitlines(keepends=True)
    return "".join(each for each in lines if "uses the host's network" not in each)


def machines_of_runs(bench: Bench) -> list[Any]:
    """Return the machines that are up for components by themselves; others are of builds."""
    machines = bench.door.get("/machines")["machines"]
    return [each for each in machines if "run-by-itself" in each["imageBuildVersionArn"]]


def test_what_a_killed_run_left_the_next_one_frees(
    component: Component, lab: Lab, tmp_path: Path
) -> None:
    write(tmp_path / "app.yaml", step("true", name="One"))
    with lab.bench() as bench:
        with under_way(lab, tmp_path) as process:
            during = machines_of_runs(bench)
            process.kill()
        left = bench.query("SELECT * FROM ledger")

        done = component("run", "-d", "app.yaml")

        assert [machine["driver"] for machine in during] == ["sandbox"]
        assert left != []
        assert done.returncode == 0
        assert machines_of_runs(bench) == []
        bench.nothing_is_left()


def test_validate_prints_the_verdict(component: Component, tmp_path: Path) -> None:
    write(tmp_path / "app.yaml", step("true", name="One"))
    write(tmp_path / "bad.yaml", step("true", name="a b"))
    write(tmp_path / "odd.yaml", step("true {{ nope }}", name="One"))

    good = component("validate", "-d", "app.yaml,odd.yaml")
    bad = component("validate", "--documents", "app.yaml,bad.yaml")
    strict = component("validate", "-d", "odd.yaml", "--strict")
    elsewhere = component("validate", "-d", "app.yaml", "--platform", "windows")

    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout) == {
        "validationStatus": "success",
        "message": "Document(s) [app.yaml, odd.yaml] is/are valid.",
    }
    assert bad.returncode == strict.returncode == elsewhere.returncode == 1
    told = json.loads(bad.stdout)
    assert told["validationStatus"] == "failed"
    assert "Invalid step name 'a b' in phase 'build'" in told["message"]
    assert "CD030" in bad.stderr
    assert "has warnings" in json.loads(strict.stdout)["message"]
    assert "Unsupported action ExecuteBash for os platform windows" in elsewhere.stdout
