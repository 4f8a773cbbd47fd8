"""``imagewright build``: from a recipe file to an image, in one command."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.console import Console

from imagewright.cli.exits import ExitCode, fail
from imagewright.cli.files import Content, Unreadable, read_files, shown, text_of
from imagewright.cli.following import follow_build, tell_outcome
from imagewright.cli.options import Output, OutputForm, State
from imagewright.cli.session import Region, session
from imagewright.cli.text import short
from imagewright.documents.diagnostics import Diagnostic, has_errors
from imagewright.documents.diagnostics.terminal import render_rich
from imagewright.documents.text import NoText

if TYPE_CHECKING:
    from imagewright.cli.recipe_file import Reference
    from imagewright.cli.registering import Document
    from imagewright.documents.recognise import DocumentKind

_READ_BYTES_MAX = 65_537
_UNREADABLE = "RQ004"


def build(
    file: Annotated[
        str, typer.Argument(metavar="RECIPE", help="The recipe file, YAML.", show_default=False)
    ],
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Do every step anew; reuse no layer.")
    ] = False,
    log: Annotated[bool, typer.Option("--log", help="Show every line of output.")] = False,
    region: Region = None,
    state: State = None,
    output: Output = OutputForm.TEXT,
) -> None:
    """Build an image from a recipe file, and show it live.

    The file is CreateImageRecipe's request as YAML. Components may be paths of
    documents; `workflows` and `infrastructure` may say how to build:

    \b
        name: web
        parentImage: debian-12
        components:
          - nginx.yaml
          - componentArn: motd.yaml
            parameters: [{name: Text, value: [Hello]}]

    \b
        imagewright build web.yaml
        imagewright build web.yaml --no-cache --log

    With `dockerfile: web.Dockerfile` it is CreateContainerRecipe's request, and
    builds a container image.

    Works with the server that runs on the state, or by itself where none does.
    Ends with 1 if the build fails, and says which component, phase and step it
    was, and what was said last.
    """
    # These take a good part of a second to load, and --help needs none of them.
    from imagewright.cli.recipe_file import read_recipe
    from imagewright.cli.registering import Document, RecipeTaken, Registrar

    text = _read(file)
    recipe, findings = read_recipe(Path(file).absolute(), text)
    _show(findings, text, file)
    documents = {}
    for path, kind, reference in recipe.documents:
        found = _document(path, kind, reference)
        if isinstance(found, Document):
            documents[path] = found
        else:
            is_unreadable = found.code == _UNREADABLE
            _show([found], text, file, ExitCode.USAGE if is_unreadable else ExitCode.FAILED)
    template = None if recipe.dockerfile is None else _template(recipe.dockerfile, text, file)
    with session(state, region, builds=True) as running:
        started = time.monotonic()
        try:
            request = Registrar(running.client, recipe, documents, template).image_request()
        except RecipeTaken as error:
            fail(
                ExitCode.REFUSED,
                str(error),
                help="raise `semanticVersion`, or write 1.0.x to have it raised with every build",
            )
        reuse = "no" if no_cache else "yes"
        answer = running.client.post(
            "/builds", {**request, "clientToken": str(uuid4())}, reuse=reuse
        )
        arn = answer["imageBuildVersionArn"]
        if output is OutputForm.TEXT:
            Console(highlight=False, soft_wrap=True).print(f"building {short(arn)}", style="bold")
        end = follow_build(running, arn, output, log=log)
        tell_outcome(end, arn, time.monotonic() - started, output)


def _read(file: str) -> str:
    try:
        return text_of(_content(file))
    except NoText as error:
        fail(ExitCode.USAGE, str(error))


def _content(file: str) -> Content | Unreadable:
    if Path(file).is_dir():
        return Unreadable(shown(file), "this is a folder, not a file")
    return next(iter(read_files([file], _READ_BYTES_MAX)))


def _document(path: Path, kind: "DocumentKind", reference: "Reference") -> "Document | Diagnostic":
    """Read a document that the recipe file names, and end the command if it is broken.

    What keeps it from being read at all is a finding about the recipe file.
    """
    from imagewright.actions.table import ACTIONS
    from imagewright.cli.registering import Document, stage_of
    from imagewright.documents.recognise import DocumentKind, recognise
    from imagewright.documents.validation import validate
    from imagewright.runner.modules.table import SPECS

    read = _content(str(path))
    if isinstance(read, Unreadable):
        return Diagnostic(_UNREADABLE, "error", reference.span, f"{read.name}: {read.reason}")
    text, stage = read.content.decode("utf-8", "replace"), reference.stage
    found = recognise(text)
    if found is not None and found is not kind:
        return Diagnostic("RQ005", "error", reference.span, f"this is {found}, not {kind}")
    if found is DocumentKind.WORKFLOW:
        stage = stage or stage_of(text)
    checked = validate(read.content, actions=ACTIONS, modules=SPECS, stage=stage)
    _show(checked.findings, text, str(path))
    return Document(text, stage)


def _template(reference: "Reference", text: str, file: str) -> str:
    """Read a container recipe's Dockerfile, and end the command if it is broken."""
    from imagewright.actions.table import ACTIONS
    from imagewright.documents.validation import validate
    from imagewright.runner.modules.table import SPECS

    read = _content(str(reference.target))
    if isinstance(read, Unreadable):
        found = Diagnostic(_UNREADABLE, "error", reference.span, f"{read.name}: {read.reason}")
        _show([found], text, file, ExitCode.USAGE)
        raise typer.Exit(ExitCode.USAGE)
    checked = validate(read.content, actions=ACTIONS, modules=SPECS, is_dockerfile=True)
    _show(checked.findings, checked.text, str(reference.target))
    return checked.text


def _show(
    findings: Sequence[Diagnostic], text: str, name: str, code: ExitCode = ExitCode.FAILED
) -> None:
    """Draw what was found; end the command if any of it is an error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if findings:
        console.print(render_rich(findings, text, name), end="")
    if has_errors(findings):
        raise typer.Exit(code)
