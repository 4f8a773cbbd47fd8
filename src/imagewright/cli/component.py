"""``imagewright component``: component documents by themselves, without a build."""

from pathlib import Path
from typing import Annotated, Any

import typer

from imagewright.cli.options import Output, OutputForm, State
from imagewright.documents.specs import Platform

commands = typer.Typer(
    help="Run, check, test and explain component documents, with no server and no image. `run` and "
    "`validate` take awstoe's flags and print what it prints.",
    no_args_is_help=True,
)

On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="PLACE",
        help="sandbox:BASE, docker:IMAGE, or host: this machine itself.",
    ),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from imagewright import __version__

        typer.echo(__version__)
        raise typer.Exit


@commands.command()
def run(
    config: Annotated[
        str | None,
        typer.Option("--config", "-c", help="A JSON settings file: a path or an s3:// URI."),
    ] = None,
    documents: Annotated[
        str | None,
        typer.Option(
            "--documents",
            "-d",
            help="Documents with commas between: paths, s3:// URIs, component build ARNs.",
        ),
    ] = None,
    phases: Annotated[
        str | None,
        typer.Option("--phases", "-p", help="Phases with commas between. By default all."),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(help="name=value,name=value, for all documents."),
    ] = None,
    document_s3_bucket_owner: Annotated[
        str | None,
        typer.Option(help="The account that must own the buckets of documents."),
    ] = None,
    execution_id: Annotated[
        str | None,
        typer.Option("--execution-id", "-i", help="By default a new UUID."),
    ] = None,
    log_directory: Annotated[
        str | None,
        typer.Option("--log-directory", "-l", help="Where the TOE_… folder goes. By default here."),
    ] = None,
    log_s3_bucket_name: Annotated[
        str | None,
        typer.Option("--log-s3-bucket-name", "-b", help="Put the log folder into this bucket too."),
    ] = None,
    log_s3_bucket_owner: Annotated[
        str | None, typer.Option(help="The account that must own it.")
    ] = None,
    log_s3_key_prefix: Annotated[
        str | None, typer.Option("--log-s3-key-prefix", "-k", help="What its keys begin with.")
    ] = None,
    cw_log_group: Annotated[
        str | None, typer.Option(help="Send the console's log to this group of CloudWatch Logs.")
    ] = None,
    cw_log_stream: Annotated[
        str | None, typer.Option(help="The stream. By default the execution id.")
    ] = None,
    cw_log_region: Annotated[str | None, typer.Option(help="Where the group is.")] = None,
    cw_ignore_failures: Annotated[
        bool, typer.Option("--cw-ignore-failures", help="Go on where the stream cannot be written.")
    ] = False,
    state_directory: Annotated[
        str | None,
        typer.Option(
            "--state-directory",
            "-s",
            help="Where a run is kept while the host restarts. By default in the state.",
        ),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", "-t", help="Show each line of the log, on standard error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-v", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
    on: On = "sandbox:debian-12",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --on host.")] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Run again with every change, from the first step that changed."
        ),
    ] = False,
    state: State = None,
) -> None:
    """Run component documents on a fresh machine, and print what came of it as JSON.

    \b
        imagewright component run -d nginx.yaml
        imagewright component run -d base.yaml,app.yaml -p build,validate --trace
        imagewright component run -d app.yaml --parameters Channel=beta --on sandbox:debian-13

    Takes the flags of `awstoe run`, leaves the same TOE_… folder with its logs and
    JSON files, prints the same JSON and ends with the same codes: 0 for success,
    else 1. The sandbox is gone afterwards; restarts happen within the run.

    With --on docker:IMAGE it runs in a new container, and with --on host on this
    very machine, which it may change for good. Where a step asks the host to
    restart, the command ends with 194; run again after that, it goes on.

    With --watch it stays, runs again whenever a document changes, takes over the
    steps before the first one that changed, and shows all that to a person.

    A base image is made on first use, which takes a minute; afterwards a run takes
    its steps' own time.
    """
    from imagewright.cli.component_run import run_documents

    flags: dict[str, Any] = {
        "documents": documents,
        "phases": phases,
        "parameters": parameters,
        "document_s3_bucket_owner": document_s3_bucket_owner,
        "execution_id": execution_id,
        "log_directory": log_directory,
        "log_s3_bucket_name": log_s3_bucket_name,
        "log_s3_bucket_owner": log_s3_bucket_owner,
        "log_s3_key_prefix": log_s3_key_prefix,
        "cw_log_group": cw_log_group,
        "cw_log_stream": cw_log_stream,
        "cw_log_region": cw_log_region,
        "cw_ignore_failures": cw_ignore_failures,
        "state_directory": state_directory,
        "trace": trace,
    }
    raise typer.Exit(
        run_documents(flags, config, on=on, is_confirmed=yes, is_watch=watch, state=state)
    )


@commands.command()
def validate(
    documents: Annotated[
        str,
        typer.Option(
            "--documents",
            "-d",
            help="Documents with commas between: paths, s3:// URIs, component build ARNs.",
        ),
    ],
    document_s3_bucket_owner: Annotated[
        str | None,
        typer.Option(help="The account that must own the buckets of documents."),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", "-t", help="Show warnings too, on standard error.")
    ] = False,
    platform: Annotated[
        Platform, typer.Option(case_sensitive=False, help="Check for this platform.")
    ] = Platform.LINUX,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
    state: State = None,
) -> None:
    """Check component documents, and print the verdict as JSON.

    \b
        imagewright component validate -d base.yaml,app.yaml

    Takes the flags of `awstoe validate` and prints the same JSON; what is wrong is
    drawn on standard error. Ends with 1 if a document has errors. For other forms
    (SARIF, GitHub) and for repairs there is `imagewright validate`.
    """
    from imagewright.cli.component_validate import validate_documents

    raise typer.Exit(
        validate_documents(
            documents,
            owner=document_s3_bucket_owner,
            platform=platform,
            strict=strict,
            with_warnings=trace,
            state=state,
        )
    )


@commands.command("test")
def run_tests(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Component documents, or folders of them.")
    ],
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="PLACE",
            help="Where all cases run, whatever they say: sandbox:BASE, docker:IMAGE.",
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=64, help="How many cases run side by side.")
    ] = 4,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write a JUnit report into this file.")
    ] = None,
    log_directory: Annotated[
        Path | None,
        typer.Option("--log-directory", "-l", help="Write the log of each case into this folder."),
    ] = None,
    coverage_min: Annotated[
        int, typer.Option(min=0, max=100, help="Fail if less of all steps ran, in per cent.")
    ] = 0,
    output: Output = OutputForm.TEXT,
    state: State = None,
) -> None:
    """Test components: run each on fresh machines, and compare with what is expected.

    \b
        imagewright component test components/
        imagewright component test nginx.yaml --junit report.xml --coverage-min 80

    A component runs its phases build and validate, then test after the restart
    that the launch of its image would be. Beside nginx.yaml, nginx.test.yaml may
    list cases:

    \b
        cases:
          - name: beta
            base: debian-13
            parameters: {Channel: beta}
            outputs:
              build.Version.stdout: {matches: '^2[.]'}
            files:
              /etc/nginx/nginx.conf: {contains: worker_processes, mode: "0644"}
              /tmp/nginx.tgz: absent
          - name: an unknown channel is refused
            parameters: {Channel: none}
            failedStep: build.Install
            message: {contains: no such channel}

    Without such a file the component must succeed with its defaults. Ends with 1
    if a case failed.
    """
    from imagewright.cli.component_testing import Testing
    from imagewright.cli.component_testing import run_tests as run_all

    options = Testing(
        on=on,
        parallel=parallel,
        junit=junit,
        log_directory=log_directory,
        coverage_min=coverage_min,
        output=output,
    )
    raise typer.Exit(run_all(paths, options, state))


@commands.command()
def explain(
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT", help="A path, an s3:// URI, an ARN, or - for standard input."
        ),
    ],
    parameters: Annotated[str | None, typer.Option(help="name=value,name=value.")] = None,
    phases: Annotated[
        str | None,
        typer.Option("--phases", "-p", help="Phases with commas between. By default all."),
    ] = None,
    platform: Annotated[
        Platform, typer.Option(case_sensitive=False, help="On this platform.")
    ] = Platform.LINUX,
    output: Output = OutputForm.TEXT,
    state: State = None,
) -> None:
    """Show what a component would do: its steps with parameters filled in, without doing it.

    \b
        imagewright component explain nginx.yaml --parameters Channel=beta

    Says which steps run, are skipped, or are left to the machine to decide, with
    which inputs and how often. Ends with 1 if it cannot run so, and says why: a
    parameter without a value, a module that this release does not run.
    """
    from imagewright.cli.component_explain import explain_document

    raise typer.Exit(explain_document(document, parameters, phases, platform, output, state))
