"""``imagewright runs``: builds, as they run and as they went."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.text import Text

from imagewright.arns import Kind, slug_of
from imagewright.cli.client import Client
from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.following import (
    await_end,
    follow_build,
    quoted,
    tell_outcome,
    which_component_failed,
)
from imagewright.cli.options import (
    Output,
    OutputForm,
    State,
    load_settings,
    open_state,
    read_pairs,
)
from imagewright.cli.session import Region, session, waiting_for
from imagewright.cli.text import (
    AGAIN,
    CROSS,
    RING,
    TICK,
    logged,
    moment,
    print_table,
    seconds,
    short,
    sign,
    visible,
)

Json = Mapping[str, Any]

commands = typer.Typer(
    help="Start, list, follow, answer, retry and cancel builds. A build is named by its ARN, name, "
    "name/version, name/version/build, or `last`.",
    no_args_is_help=True,
)

Reference = Annotated[
    str, typer.Argument(metavar="BUILD", help="Its ARN, name/version/build, name, or last.")
]

_LISTING = "imagewright runs list"
_PIPELINES = "aws imagebuilder list-image-pipelines"
_REASON_MAX = 100
_MARKS = {"COMPLETED": TICK, "FAILED": CROSS, "CANCELLED": CROSS}


@commands.command()
def start(
    pipeline: Annotated[
        str, typer.Argument(metavar="PIPELINE", help="Its name or ARN.", show_default=False)
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A parameter of the pipeline's workflows, for this run; again for the next item "
            "of a list.",
        ),
    ] = None,
    component_parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter of the recipe's components."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Follow the build to its end.")] = False,
    log: Annotated[
        bool, typer.Option("--log", help="With --follow: show every line of output.")
    ] = False,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Build the image of a pipeline now, with parameters of its own.

    The parameters take the place of what the pipeline and its recipe say, in this
    run alone; a name that nothing declares is refused, with the names there are.
    With --follow ends with 0 if the image is available, else with 1.

    \b
        imagewright runs start web
        imagewright runs start web --parameter size=40 --parameter hosts=a --parameter hosts=b
        imagewright runs start web --component-parameter Colour=blue --follow
    """
    given = {
        "parameters": _parameters(parameter or []),
        "componentParameters": _parameters(component_parameter or []),
    }
    with session(state, region, builds=True, listing=_PIPELINES) as running:
        request = {
            "imagePipelineArn": _pipeline_arn(running.client, pipeline),
            "clientToken": str(uuid4()),
            **{member: entries for member, entries in given.items() if entries},
        }
        started = time.monotonic()
        answer = running.client.post("/pipelines/runs", request)
        arn = answer["imageBuildVersionArn"]
        if not follow:
            typer.echo(
                json.dumps(answer) if output is OutputForm.JSON else f"building {short(arn)}"
            )
            if running.is_own:
                note(
                    f"no server runs; the build goes on with `imagewright runs follow {short(arn)}`"
                )
            return
        if output is OutputForm.TEXT:
            Console(highlight=False, soft_wrap=True).print(f"building {short(arn)}", style="bold")
        end = follow_build(running, arn, output, log=log)
    tell_outcome(end, arn, time.monotonic() - started, output)


@commands.command("list")
def list_builds(
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """List builds, the newest first: how each stands and how long it took.

    \b
        imagewright runs list --count 5
    """
    with session(state, region, listing=_LISTING) as running:
        found = running.client.get("/builds", count=count)["builds"]
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [
        [
            short(build["imageBuildVersionArn"]),
            build["status"],
            moment(build["dateCreated"]),
            seconds(build["seconds"]) if "seconds" in build else "",
            _why(build),
        ]
        for build in found
    ]
    print_table(["BUILD", "STATE", "ASKED FOR", "TOOK", ""], rows, nothing="no builds yet")


@commands.command()
def show(
    build: Reference = "last",
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Show a build: its workflows and steps, how long each took, what was reused and why.

    \b
        imagewright runs show web/1.0.0/3
    """
    with session(state, region, listing=_LISTING) as running:
        found = running.client.get("/builds/detail", image=build)
    if output is OutputForm.JSON:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        Text.assemble((short(found["imageBuildVersionArn"]), "bold"), f"  {found['status']}")
    )
    if reason := found.get("reason"):
        console.print(Text(visible(reason), style="red"))
    if component := found.get("failureContext", {}).get("componentFailure"):
        lines = [which_component_failed(component), *quoted(component["errorMessage"])]
        console.print(Text("\n".join(lines), style="red"))
    for workflow in found["workflows"]:
        _show_workflow(console, workflow)


@commands.command()
def follow(
    build: Reference = "last",
    log: Annotated[bool, typer.Option("--log", help="Show every line of output.")] = False,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Follow a build until it is over; Ctrl-C ends the following, not the build.

    Where no server runs on the state, the build goes on within this command.
    Ends with 0 if the image is available, else with 1.

    \b
        imagewright runs follow
        imagewright runs follow web --log
    """
    with session(state, region, builds=True, listing=_LISTING) as running:
        arn = _find(running.client, build)
        end = follow_build(running, arn, output, log=log)
        took_seconds = running.client.get("/builds/detail", image=arn).get("seconds", 0.0)
    tell_outcome(end, arn, took_seconds, output)


@commands.command()
def logs(
    build: Reference = "last",
    step: Annotated[str | None, typer.Option(help="Only this step's.")] = None,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Print what a build has said so far, line by line.

    \b
        imagewright runs logs web/1.0.0/3 --step ApplyBuildComponents
    """
    with session(state, region, listing=_LISTING) as running:
        if step is not None:
            _require_step(running.client, build, step)
        place = 0
        while True:
            answer = running.client.get("/builds/log", image=build, after=place)
            build = answer["imageBuildVersionArn"]
            for entry in answer["entries"]:
                if step is None or entry.get("step") == step:
                    _print_entry(entry, output)
            if answer["next"] == place:
                return
            place = answer["next"]


@commands.command()
def cancel(build: Reference, region: Region = None, state: State = None) -> None:
    """Cancel a build: what runs is ended, and what was done is undone.

    A running server does that on its own time; without one, this command does it.

    \b
        imagewright runs cancel web/1.0.0/3
    """
    with session(state, region, builds=True, listing=_LISTING) as running:
        arn = _find(running.client, build)
        running.client.call("CancelImageCreation", imageBuildVersionArn=arn)
        if running.is_own:
            waiting_for("cancelling", lambda: await_end(running, arn))
    typer.echo(f"{short(arn)} is {'cancelled' if running.is_own else 'being cancelled'}")


@commands.command()
def retry(
    build: Reference = "last",
    stage: Annotated[
        bool,
        typer.Option(
            "--stage", help="Run the whole test or distribution stage again, as AWS does."
        ),
    ] = False,
    log: Annotated[bool, typer.Option("--log", help="Show every line of output.")] = False,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Take a build that failed or was cancelled up again at the step that stopped it.

    The machine is as it was before that step; what was done before is not done
    again. The documents are those the build began with: this helps where the
    world has changed (a mirror, a network, a key), not the document. Then follows
    the build to its end, and ends with 0 if the image is available, else with 1.

    \b
        imagewright runs retry
        imagewright runs retry web/1.0.0/3 --stage
    """
    with session(state, region, builds=True, listing=_LISTING) as running:
        arn = _find(running.client, build)
        after = 0
        if stage:
            running.client.call("RetryImage", imageBuildVersionArn=arn)
        else:
            after = int(running.client.post("/builds/retry", {"image": arn})["logged"])
        end = follow_build(running, arn, output, log=log, after=after)
        took_seconds = running.client.get("/builds/detail", image=arn).get("seconds", 0.0)
    tell_outcome(end, arn, took_seconds, output)


@commands.command()
def shell(
    build: Reference = "last",
    step: Annotated[
        str | None,
        typer.Option(help="The step, by name or id; without it, the one that failed last."),
    ] = None,
    after: Annotated[
        bool, typer.Option("--after", help="As the step left the machine, not as it found it.")
    ] = False,
    region: Region = None,
    state: State = None,
) -> None:
    """Open a shell in the machine of a build as it was before or after a step.

    It is a copy: what is changed in it is dropped at the end. A step that failed
    left nothing, unless its onFailure is Continue: before and after it are the
    same. Without a terminal, standard input is run as a script. Ends with the
    exit code of the shell.

    \b
        imagewright runs shell
        imagewright runs shell web/1.0.0/3 --step ApplyBuildComponents --after
        echo 'ls -l /etc/nginx' | imagewright runs shell web
    """
    if sys.platform != "linux":
        fail(
            ExitCode.FAILED, f"no machine can be here: the sandbox needs Linux, not {sys.platform}"
        )
    when = "after" if after else "before"
    asked = {"image": build, "when": when} | ({"step": step} if step else {})
    with session(state, region, listing=_LISTING) as running:
        found = running.client.get("/builds/state", **asked)
    from imagewright.cli.machine_shell import open_shell_at

    if sys.stdin.isatty():
        note(
            f"{short(found['imageBuildVersionArn'])} {when} the step {found['name']}; what you "
            "change here is dropped"
        )
    directory = open_state(state)
    code = open_shell_at(
        directory,
        load_settings(directory),
        found["layer"],
        image_arn=found["imageBuildVersionArn"],
    )
    raise typer.Exit(code)


@commands.command()
def approve(
    build: Reference = "last",
    step: Annotated[
        str | None,
        typer.Option(help="Which waiting step, by name or id, where there are several."),
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Refuse: the step fails.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; the step keeps it.")] = None,
    region: Region = None,
    state: State = None,
) -> None:
    """Let a build go on that waits for an answer (WaitForAction).

    \b
        imagewright runs approve web --reason "looks good"
        imagewright runs approve web --stop --reason "the licence is missing"
    """
    with session(state, region, builds=True, listing=_LISTING) as running:
        detail = running.client.get("/builds/detail", image=build)
        waiting = _waiting_step(detail, step)
        answer = {"action": "STOP" if stop else "RESUME", "reason": reason}
        running.client.call(
            "SendWorkflowStepAction",
            imageBuildVersionArn=detail["imageBuildVersionArn"],
            stepExecutionId=waiting["stepExecutionId"],
            **{name: value for name, value in answer.items() if value is not None},
        )
    name = short(detail["imageBuildVersionArn"])
    typer.echo(f"{name}: the step {waiting['name']} is {'stopped' if stop else 'resumed'}")
    if running.is_own:
        note(f"no server runs; the build goes on with `imagewright runs follow {name}`")


def _why(build: Json) -> str:
    """Say in one line why a build failed."""
    component = build.get("failureContext", {}).get("componentFailure")
    if component is None:
        return visible(build.get("reason", "").partition("\n")[0])[:_REASON_MAX]
    return f"{short(component['componentArn'])}: {component['phaseName']} {component['stepName']}"


def _parameters(given: Sequence[str]) -> list[dict[str, Any]]:
    """Spell ``NAME=VALUE`` pairs as the API does; end the command where one is none."""
    return [{"name": name, "value": texts} for name, texts in read_pairs(given).items()]


def _pipeline_arn(client: Client, reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    kind = Kind.IMAGE_PIPELINE.value
    own = f"arn:aws:imagebuilder:{client.region}:{client.account}"
    return f"{own}:{kind}/{slug_of(reference)}"


def _find(client: Client, build: str) -> str:
    return str(client.get("/builds/detail", image=build)["imageBuildVersionArn"])


def _steps(detail: Json) -> list[Json]:
    return [step for workflow in detail["workflows"] for step in workflow["steps"]]


def _require_step(client: Client, build: str, name: str) -> None:
    """End the command where a build has no such step: a log without lines would say nothing."""
    detail = client.get("/builds/detail", image=build)
    names = list(dict.fromkeys(step["name"] for step in _steps(detail)))
    if names and name not in names:  # none are known of a build that has not begun
        told = short(detail["imageBuildVersionArn"])
        fail(ExitCode.REFUSED, f"{told} has no step {name}; it has {', '.join(names)}")


def _waiting_step(detail: Json, name: str | None) -> Json:
    """Return the one waiting step that is meant; end the command where that is not clear."""
    waiting = [
        {**step, "of": short(workflow["workflowBuildVersionArn"]).partition("/")[2]}
        for workflow in detail["workflows"]
        for step in workflow["steps"]
        if step["status"] == "WAITING"
    ]
    chosen = [step for step in waiting if name in {None, step["name"], step["stepExecutionId"]}]
    if not waiting:
        build = short(detail["imageBuildVersionArn"])
        fail(ExitCode.REFUSED, f"no step of {build} waits for an answer")
    if len(chosen) != 1:
        often = Counter(step["name"] for step in waiting)
        names = [
            step["name"]
            if often[step["name"]] == 1
            else f"{step['stepExecutionId']} ({step['name']} of {step['of']})"
            for step in waiting
        ]
        fail(ExitCode.USAGE, f"choose one with --step; these wait: {', '.join(names)}")
    return dict(chosen[0])


def _show_workflow(console: Console, workflow: Json) -> None:
    name = short(workflow["workflowBuildVersionArn"]).partition("/")[2]
    retried = "  retried" if workflow.get("retried") else ""
    console.print(
        Text.assemble(
            (workflow["type"], "bold"),
            (f"  {name}", "dim"),
            f"  {workflow['status'].lower()}{retried}",
        )
    )
    for step in workflow["steps"]:
        took = seconds(step["seconds"]) if "seconds" in step else ""
        mark = sign(_MARKS.get(step["status"], RING))
        undone = f"  undone: {step['rollbackStatus'].lower()}" if "rollbackStatus" in step else ""
        ended = "" if step["status"] == "COMPLETED" else f"  {step['status'].lower()}"
        console.print(Text(f"  {mark} {step['name']:32} {took:>9}{ended}{undone}"))
        for work in step["works"]:
            if work["reused"]:
                console.print(Text(f"      {sign(AGAIN)} {work['name']}: {work['reason']}", "cyan"))
            else:
                done = "" if work.get("failed") else "done, "
                console.print(Text(f"      {work['name']}: {done}{work['reason']}", "dim"))
        if "message" in step:
            console.print(Text(f"      {visible(step['message'])}", "red"))


def _print_entry(entry: Json, output: OutputForm) -> None:
    if output is OutputForm.JSON:
        typer.echo(json.dumps(entry))
        return
    marker = " " if entry["kind"] == "line" else "*"
    typer.echo(f"{moment(entry['time'])} {entry.get('step', '')} {marker} {logged(entry)}")
