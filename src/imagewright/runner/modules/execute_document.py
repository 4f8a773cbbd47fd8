"""Runs another component document as one step.

It has no time-out of its own and one attempt. Documents may call others three levels deep, and
never themselves.
"""

from dataclasses import dataclass, field

from imagewright.documents.specs import ModuleSpec, about
from imagewright.runner.module import Module


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
    log_url: str = field(metadata=about("Where its log is."))
    status: str = field(metadata=about("How it ended."))


MODULE = Module(ModuleSpec(name="ExecuteDocument", page=__doc__, inputs=Inputs, outputs=Outputs))
