"""The tables of pipelines: how each stands, and the images that came of it.

What a pipeline says is a resource as any other; here is what its runs change.
"""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, false

from imagewright.store.metadata import METADATA

_ARN = String(1024)

pipeline_states = Table(
    "pipeline_states",
    METADATA,
    Column("arn", _ARN, primary_key=True),
    Column("consecutive_failures", Integer, nullable=False, server_default="0"),
    Column("last_run_at", String(24), nullable=True),
    Column("next_run_at", String(24), nullable=True),
    Index("pipeline_states_due", "next_run_at"),
    comment="One row per pipeline. next_run_at: when its schedule starts the next build, if it "
    "does (PIP-33).",
)

pipeline_runs = Table(
    "pipeline_runs",
    METADATA,
    Column("image_arn", _ARN, primary_key=True),
    Column("pipeline_arn", _ARN, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("scheduled", Boolean, nullable=False, server_default=false()),
    Column("counted", Boolean, nullable=False, server_default=false()),
    Index("pipeline_runs_pipeline", "pipeline_arn", "sequence"),
    comment="The images that pipelines built; sequence is the image's own. counted: its failure "
    "was, so that a retry that fails again is none of its own.",
)
