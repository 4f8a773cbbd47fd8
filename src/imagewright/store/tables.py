"""The tables of the API's own data.

Times are text in the wire's form (WIRE-08): they sort as they stand and go out unchanged.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from imagewright.store.metadata import METADATA

_Sequence = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER autoincrements there

versions = Table(
    "versions",
    METADATA,
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("path", String(160), nullable=False),
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("patch", Integer, nullable=False),
    Column("version", String(64), nullable=False),
    Column("created_at", String(24), nullable=False),
    Column("last_build", Integer, nullable=False),
    Column("newest_build", Integer, nullable=True),
    PrimaryKeyConstraint("account", "region", "kind", "path", "major", "minor", "patch"),
    comment="One row per version that ever was: its first spelling, and its last build number, "
    "which no later build reuses (VER-08). newest_build is null once no build is left.",
)

resources = Table(
    "resources",
    METADATA,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("path", String(160), nullable=False),
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("patch", Integer, nullable=False),
    Column("build", Integer, nullable=False),
    Column("name", String(128), nullable=False),
    Column("type", String(16), nullable=True),
    Column("platform", String(16), nullable=True),
    Column("status", String(16), nullable=True),
    Column("description", Text, nullable=True),
    Column("digest", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("document", LargeBinary, nullable=True),
    Column("sealed_key", JSON, nullable=True),
    Column("tags", JSON, nullable=False),
    Column("created_at", String(24), nullable=False),
    Column("updated_at", String(24), nullable=True),
    ForeignKeyConstraint(
        ["account", "region", "kind", "path", "major", "minor", "patch"],
        [
            "versions.account", "versions.region", "versions.kind", "versions.path",
            "versions.major", "versions.minor", "versions.patch",
        ],
    ),
    Index(
        "resources_identity",
        "account", "region", "kind", "path", "major", "minor", "patch", "build",
        unique=True,
    ),
    Index("resources_age", "account", "region", "kind", "sequence"),
    sqlite_autoincrement=True,
    comment="One row per build (or per recipe, or per configuration: build 0). The document is "
    "clear text, or sealed where sealed_key says under which key.",
)  # fmt: skip

references = Table(
    "references",
    METADATA,
    Column("referrer", String(1024), nullable=False),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("path", String(160), nullable=False),
    Column("target", String(1024), nullable=False),
    PrimaryKeyConstraint("referrer", "target"),
    Index("references_target", "account", "region", "kind", "path"),
    comment="Who uses whom: the ARN of the user, and the reference as it was given.",
)

client_tokens = Table(
    "client_tokens",
    METADATA,
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("response", JSON, nullable=True),
    Column("created_at", String(24), nullable=False),
    PrimaryKeyConstraint("account", "region", "operation", "token"),
    Index("client_tokens_age", "created_at"),
    comment="What was answered to a request with a client token (IDM-02).",
)
