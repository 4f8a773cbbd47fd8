"""Runs another component document as one step.

The document is a file on the machine, an object in S3, or a component of the server of the state.
It is checked when the step runs; it has its own parameters, and its steps see nothing of the
document around it. What it does stands in the log as part of this step. It fails if one of its
steps fails, unless that step ignores failures; ``onFailure`` of this step then says how the
document around it goes on. Restarts happen within, and the run goes on where it stood.

It has no time-out of its own and one attempt. Documents may call others three levels deep, and
never themselves or one around them; those are told by what they say, not by where they are.

The host reads from S3 with the key of its settings. An ARN means what it means to the account of
the build, a version its newest build, at the moment the step runs. What it executes is not known
before, so such a component runs in every build anew.
"""

from dataclasses import dataclass, field

from imagewright.documents.reading import Budget
from imagewright.documents.specs import ModuleSpec, about, to_plain
from imagewright.documents.text import NoText, decode
from imagewright.outside.objects import split_uri
from imagewright.runner.calls import DocumentCall, DocumentEnd
from imagewright.runner.failures import ModuleFailure
from imagewright.runner.fetching import fetch_object, scratch_file
from imagewright.runner.guest import Guest
from imagewright.runner.module import Module
from imagewright.runner.refusal import NO_COMPONENTS

_SIZE_BYTES_MAX = Budget().size_bytes


@dataclass(frozen=True, kw_only=True)
class ParameterValue:
    """One value for a parameter of the document."""

    name: str = field(metadata=about("The parameter."))
    value: str = field(metadata=about("Its value."))


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What ExecuteDocument takes."""

    document: str = field(
        metadata=about("A path on the machine, an `s3://` URI, or a component's ARN.", length_min=1)
    )
    document_s3_bucket_owner: str | None = field(
        default=None,
        metadata=about(
            "The account that must own the bucket.",
            wire="document-s3-bucket-owner",
            pattern=r"[0-9]{12}",
            pattern_says="an account id of 12 digits",
        ),
    )
    phases: str | None = field(
        default=None, metadata=about("The phases to run, with commas between; by default all.")
    )
    parameters: list[ParameterValue] = field(
        default_factory=list, metadata=about("Values for the document's parameters.")
    )


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What ExecuteDocument gives."""

    executed_step_count: str = field(metadata=about("How many steps ran."))
    execution_id: str = field(metadata=about("Of the run of the document."))
    failed_step_count: str = field(metadata=about("How many steps failed."))
    failure_message: str = field(metadata=about("Why it failed, or nothing."))
    ignored_failed_step_count: str = field(metadata=about("How many failures did not count."))
    log_url: str = field(metadata=about("The log folder of the run; in a build, nothing."))
    status: str = field(metadata=about("How it ended."))


def run(inputs: Inputs, guest: Guest) -> Outputs:
    """Read the document, run it, and count."""
    call = DocumentCall(
        document=inputs.document,
        read=lambda: _read(inputs, guest),
        phases=_phases(inputs.phases),
        parameters={each.name: each.value for each in inputs.parameters},
    )
    return _outcome(call, guest.call_document(call), guest)


def _phases(given: str | None) -> tuple[str, ...] | None:
    """Read a list with commas; None means all."""
    if given is None or not given.strip():
        return None
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _read(inputs: Inputs, guest: Guest) -> str:
    place = inputs.document
    if place.startswith("arn:"):
        if guest.environment.read_component is None:
            raise ModuleFailure(f"the step {NO_COMPONENTS}")
        return guest.environment.read_component(place)
    if place.lower().startswith("s3://"):
        content = _fetched(inputs, guest)
    else:
        content = guest.read_file(place, size_bytes_max=_SIZE_BYTES_MAX)
    try:
        return decode(content)
    except NoText as error:
        raise ModuleFailure(f"{place} is no text in UTF-8: {error}") from None


def _fetched(inputs: Inputs, guest: Guest) -> bytes:
    bucket, key = split_uri(inputs.document)
    if not bucket or not key:
        raise ModuleFailure(f"this is not `s3://bucket/key`: {inputs.document}")
    with scratch_file(guest) as file:
        fetch_object(
            guest,
            file,
            bucket,
            key,
            owner=inputs.document_s3_bucket_owner,
            size_bytes_max=_SIZE_BYTES_MAX,
        )
        file.seek(0)
        return file.read()


def _outcome(call: DocumentCall, end: DocumentEnd, guest: Guest) -> Outputs:
    """Give what came of it; where the document failed, as part of the step's failure."""
    result, failure = end.result, end.result.failure
    outputs = Outputs(
        executed_step_count=str(result.executed_step_count),
        execution_id=end.execution_id,
        failed_step_count=str(result.failed_step_count),
        failure_message="" if failure is None else f"Document {call.document} failed!",
        ignored_failed_step_count=str(result.ignored_failed_step_count),
        log_url=guest.environment.log_url,
        status=result.status.value,
    )
    if failure is None:
        return outputs
    guest.last_lines = tuple(failure.last_lines.splitlines())
    raise ModuleFailure(
        f"{outputs.failure_message} Its step '{failure.step}' in phase '{failure.phase}' "
        f"({failure.action}): {failure.message}",
        outputs=to_plain(outputs),
    )


MODULE = Module(
    ModuleSpec(name="ExecuteDocument", page=__doc__, inputs=Inputs, outputs=Outputs, built=True),
    run,
)
