"""What ``imagewright component run`` does (``component-documents.md`` §8.2, §9)."""

import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import Any

import typer

from imagewright.cli.component_sources import sources
from imagewright.cli.component_view import RunView, trace, watching
from imagewright.cli.exits import ExitCode, fail, note
from imagewright.cli.files import read_files, text_of
from imagewright.cli.options import load_settings, open_state
from imagewright.cli.places import Place, open_places, read_place
from imagewright.cli.stopping import stopping
from imagewright.clock import SystemClock
from imagewright.documents.specs import Platform
from imagewright.documents.text import NoText
from imagewright.errors import ServiceError
from imagewright.machines.host import RestartDue
from imagewright.machines.machine import MachineError
from imagewright.toe.asked import Asked, AskedWrongly, read_asked, shown_names
from imagewright.toe.documents import Loaded, SetupFailed, load_document
from imagewright.toe.log_folder import LogFolder, OnLine
from imagewright.toe.run import DocumentsRunner, Summary
from imagewright.toe.saved import RESTART_EXIT_CODE, SavedRun

_CONFIG_BYTES_MAX = 1 << 20


def run_documents(
    flags: Mapping[str, Any],
    config: str | None,
    *,
    on: str,
    is_confirmed: bool,
    is_watch: bool,
    state: Path | None,
) -> int:
    """Run what is asked for, print the summary, and return how the command ends."""
    place = read_place(on)
    try:
        text = None if config is None else _read_config(config, state)
        asked = read_asked(flags, text)
    except AskedWrongly as error:
        fail(ExitCode.USAGE, str(error))
    if place.kind == "host" and not is_confirmed:
        _confirm(asked)
    if is_watch:
        return _watch(flags, asked, place, state)
    with stopping() as cancel, watching(f"starting {place}") as view:
        try:
            summary = _run(asked, place, state, cancel, view)
        except RestartDue:
            summary = None
    if summary is None:
        note("this host has to be restarted now; then run the same command again, and it goes on")
        return RESTART_EXIT_CODE
    typer.echo(json.dumps(summary.to_json(), indent=4, ensure_ascii=False))
    if cancel.is_set():
        return ExitCode.INTERRUPTED
    return ExitCode.OK if summary.is_success else ExitCode.FAILED


def _watch(flags: Mapping[str, Any], asked: Asked, place: Place, state: Path | None) -> ExitCode:
    from imagewright.cli.component_watch import watch

    for name in _NOT_WATCHED:
        if flags.get(name) not in (None, False):
            flag = name.replace("_", "-")
            fail(
                ExitCode.USAGE, f"--{flag} cannot stand beside --watch, which leaves no log folder"
            )
    with stopping() as cancel, watching(f"starting {place}") as view:
        return watch(asked, place, state, cancel, view)


_NOT_WATCHED = (
    "execution_id",
    "log_directory",
    "log_s3_bucket_name",
    "log_s3_bucket_owner",
    "log_s3_key_prefix",
    "cw_log_group",
    "cw_log_stream",
    "cw_log_region",
    "cw_ignore_failures",
    "state_directory",
)


def _confirm(asked: Asked) -> None:
    """Ask whether documents may change this very machine; end the command if not."""
    who = "root" if os.geteuid() == 0 else "you"
    question = f"{shown_names(asked.documents)} will run on this machine itself, as {who}"
    if not sys.stdin.isatty():
        fail(ExitCode.USAGE, question, help="say --yes if that is what you want")
    if not typer.confirm(f"{question}. Go on?", err=True):
        raise typer.Exit(ExitCode.USAGE)


def _read_config(config: str, state: Path | None) -> str:
    """Read the settings file. Raises AskedWrongly."""
    if config.lower().startswith("s3://"):
        try:
            return sources(state, owner=None).text(config)
        except SetupFailed as error:
            raise AskedWrongly(str(error)) from error
    if Path(config).is_dir():
        raise AskedWrongly(f"{config} is a folder, not a settings file")
    found = next(iter(read_files([config], _CONFIG_BYTES_MAX)))
    try:
        return text_of(found)
    except NoText as error:
        raise AskedWrongly(str(error)) from error


def _run(asked: Asked, place: Place, state: Path | None, cancel: Flag, view: RunView) -> Summary:
    saving, saved = None, None
    if place.kind == "host":
        saving = _saving_folder(asked, state)
        try:
            saved = SavedRun.find(saving, asked)
        except SetupFailed as error:
            return Summary(execution_id="", status="failed", failure_message=str(error))
    execution_id = saved.execution_id if saved else asked.execution_id or str(uuid.uuid1())
    try:
        folder = LogFolder(asked.log_directory, execution_id, SystemClock().now())
    except OSError as error:
        message = f"the log folder cannot be made in {asked.log_directory}: {error.strerror}"
        return Summary(execution_id=execution_id, status="failed", failure_message=message)
    runner = DocumentsRunner(
        asked,
        folder,
        execution_id=execution_id,
        earlier=saved.states if saved else (),
        cancel=cancel,
        on_event=view.take,
    )
    documents: list[Loaded] = []
    try:
        with closing(folder):
            try:
                with _told(asked, folder, execution_id, state), open_places(state) as places:
                    try:
                        documents += _load(asked, place.platform, state)
                        if saved is None:
                            runner.set_up(documents)
                        else:
                            saved.check(documents)
                            saved.forget()
                        with places.machine(place, watcher=view, cancel=cancel) as placed:
                            environment = places.environment(placed, execution_id)
                            return runner.go(documents, placed.machine, environment)
                    except (SetupFailed, MachineError, ServiceError) as error:
                        return runner.fail(str(error))  # here, so that others hear of the end too
            except RestartDue:
                assert saving is not None  # noqa: S101 - of the machines, only the host raises it
                SavedRun.write(saving, asked, execution_id, runner.states, documents)
                raise
            except (SetupFailed, ServiceError) as error:  # the log cannot be sent, the disk is full
                return runner.fail(str(error))
    except OSError as error:  # what else has no room, or is gone, has errors of its own
        return Summary(
            execution_id=execution_id,
            status="failed",
            failure_message=f"the log folder cannot be written: {error.strerror or error}",
            log_url=folder.url,
        )


def _saving_folder(asked: Asked, state: Path | None) -> Path:
    if asked.state_directory is not None:
        return Path(asked.state_directory)
    return open_state(state).root / "component-runs"


def _load(asked: Asked, platform: Platform, state: Path | None) -> list[Loaded]:
    """Fetch and check all documents before anything runs. Raises SetupFailed."""
    places = sources(state, owner=asked.document_s3_bucket_owner)
    return [
        load_document(each.place, places.text(each.place), platform) for each in asked.documents
    ]


@contextmanager
def _told(asked: Asked, folder: LogFolder, execution_id: str, state: Path | None) -> Iterator[None]:
    """Let others have the log too: the terminal, a bucket, a stream. Raises SetupFailed."""
    if asked.trace:
        folder.on_line = trace
    if asked.log_s3_bucket_name is None and asked.cw_log_group is None:
        yield
        return
    from imagewright.aws.clients import AwsClients
    from imagewright.toe.uploads import LogBucket, LogStream

    settings = load_settings(open_state(state))
    clients = AwsClients(settings.aws)
    bucket = stream = None
    if asked.cw_log_group is not None:
        stream = LogStream(clients, asked, region=settings.region, stream=execution_id)
        stream.open()
        folder.on_line = _both(stream.take, trace if asked.trace else None)
    if asked.log_s3_bucket_name is not None:
        bucket = LogBucket(clients, asked, settings.region)
        bucket.upload(folder)
    try:
        yield
    finally:
        folder.on_line = trace if asked.trace else None
        if stream is not None:
            stream.flush()
        if bucket is not None:
            bucket.upload(folder)


def _both(take: OnLine, also: OnLine | None) -> OnLine:
    def tell(text: str) -> None:
        take(text)
        if also is not None:
            also(text)

    return tell
