"""The tables of what builds make: layers, instances, and what exists outside the database.

Times are text in the wire's form (WIRE-08).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from imagewright.store.metadata import METADATA

ledger = Table(
    "ledger",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("what", JSON, nullable=False),
    Column("owner", String(256), nullable=False),
    Column("keeper", JSON, nullable=False),
    Column("entered_at", String(24), nullable=False),
    Index("ledger_age", "entered_at"),
    comment="What was made outside the database and not freed yet. keeper: the process that made "
    "it; once that is gone, the reaper frees it.",
)

layers = Table(
    "layers",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("parent", String(32), nullable=True),
    Column("directory", String(32), nullable=False, unique=True),
    Column("flat_directory", String(32), nullable=True, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", String(24), nullable=False),
    Column("used_at", String(24), nullable=False),
    Column("unsynced_boot_id", String(64), nullable=True),
    Column("key", String(64), nullable=True),
    Column("made_by", Text, nullable=True),
    Column("outputs", JSON, nullable=True),
    Column("has_network", Boolean, nullable=True),
    Index("layers_key", "key", "created_at"),
    Index("layers_parent", "parent"),
    comment="Sealed layers only. unsynced_boot_id: written to memory, not yet surely to the disk, "
    "in this run of the host. key and what follows: set when a step's layer may be reused.",
)

unchanging_works = Table(
    "unchanging_works",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("layer", String(32), nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("has_network", Boolean, nullable=False),
    Column("created_at", String(24), nullable=False),
    Index("unchanging_works_layer", "layer"),
    comment="Works that changed no file: they made no layer, and serve again from the one that "
    "they stood on, for as long as that is there.",
)

layer_holders = Table(
    "layer_holders",
    METADATA,
    Column("holder", String(256), nullable=False),
    Column("layer", String(32), nullable=False),
    PrimaryKeyConstraint("holder", "layer"),
    Index("layer_holders_layer", "layer"),
    comment="Who needs a layer and all beneath it: an image, an instance.",
)

instances = Table(
    "instances",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("driver", String(32), nullable=False),
    Column("layer", String(32), nullable=False),
    Column("launch_layer", String(32), nullable=True),
    Column("owner", String(1024), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", String(24), nullable=False),
    Column("ended_at", String(24), nullable=True),
    Column("kept_at", String(24), nullable=True),
    Column("config", JSON, nullable=True),
    Index("instances_owner", "owner"),
    Index("instances_state", "state", "created_at"),
    comment="Machines as rows: any worker brings one up again from its driver and top layer. "
    "launch_layer: what it was launched on; none for one of an older release. "
    "owner: the build it belongs to. state: running, kept (after a failure, since kept_at) or "
    "terminated. config: how containers of what it stands on are run, where that is said.",
)

packages = Table(
    "packages",
    METADATA,
    Column("image", String(1024), nullable=False),
    Column("name", String(256), nullable=False),
    Column("version", String(256), nullable=False),
    PrimaryKeyConstraint("image", "name", "version"),
    comment="What a build found installed in its image, by the image's build version ARN.",
)

scan_findings = Table(
    "scan_findings",
    METADATA,
    Column("image", String(1024), nullable=False),
    Column("vulnerability", String(256), nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("observed_at", String(24), nullable=False),
    Column("details", JSON, nullable=False),
    PrimaryKeyConstraint("image", "vulnerability"),
    Index("scan_findings_place", "account", "region", "image", "vulnerability"),
    comment="What scans found in images under test (SCN-05).",
)
