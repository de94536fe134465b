"""The store's tables, the same in SQLite and PostgreSQL.

`documents` has one row per object, so one content may have several; `extractions` one per (bytes,
schema, recipe), which is what decides whether work is done. `former_contents` remembers which bytes
an object showed before, so that an old record is superseded by the right successor even when the
process dies in between; `leases` says who works on what.

`call_tables` has what was asked and paid, `review_tables` what people decide.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
)

from extractors.vocabulary import IssueKind
from flows.store.types import CleanJson, CleanText, Moment, OrderedJson

UNREAD = "unread:"
"""Begins the `sha256` of an object whose bytes could not be read: then it is a digest of uri and etag."""

SPLIT = "split:"
"""Begins the name of what a split file is asked for; no schema is called so."""


# Named constraints, so that a later migration can find them.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> Column[int]:
    """A number that the database gives; SQLite gives them only to plain INTEGER keys."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _extraction_id(*, primary_key: bool = False) -> Column[int]:
    return Column("extraction_id", ForeignKey("extractions.id"), nullable=False, primary_key=primary_key)


def spent_columns() -> tuple[Column[int], Column[float]]:
    """What is told of calls beside input, output and cost; `cost_usd` holds the unsettled part too."""
    return (
        Column("cached_tokens", BigInteger, nullable=False, default=0, server_default="0"),
        Column("cost_unsettled_usd", Float, nullable=False, default=0.0, server_default="0"),
    )


runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("source", CleanText, nullable=False),
    Column("schema_name", String, nullable=False),
    Column("recipe", String, nullable=False),
    Column("endpoint", String),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("summary", CleanJson),
)

documents = Table(
    "documents",
    metadata,
    id_column(),
    Column("uri", CleanText, nullable=False, unique=True),
    Column("sha256", String, index=True),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String),
    Column("page_count", Integer),
    Column("etag", CleanText, nullable=False),
    Column("seen_at", Moment, nullable=False),
    # Since when a whole listing of its source has not shown it any more.
    Column("gone_at", Moment),
)

former_contents = Table(
    "former_contents",
    metadata,
    Column("document_id", ForeignKey("documents.id"), primary_key=True),
    Column("sha256", String, primary_key=True, index=True),
)

extractions = Table(
    "extractions",
    metadata,
    id_column(),
    Column("sha256", String, nullable=False),
    Column("schema_name", String, nullable=False),
    Column("recipe", String, nullable=False),
    # Alone: with schema_name in its index, SQLite prefers that to the key's for (sha256, schema_name).
    Column("status", String, nullable=False, index=True),
    Column("kind", String),
    Column("cause", CleanText),
    Column("endpoint", String),
    Column("model", CleanText),
    Column("input_tokens", BigInteger, nullable=False, default=0),
    Column("output_tokens", BigInteger, nullable=False, default=0),
    Column("cost_usd", Float, nullable=False, default=0.0),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("superseded_by", ForeignKey("extractions.id")),
    Column("run_id", String, index=True),
    # A lease's id, while somebody works on it; it may be gone already.
    Column("held_by", String),
    *spent_columns(),
    # The two halves of the recipe, and the schema's own part of the first.
    Column("asking", String),
    Column("reading", String),
    Column("schema_content", String),
    Column("versions", CleanJson),
    # What stands without a record, or about all of them.
    Column("issues", CleanJson),
    # Another endpoint than the first choice answered some of it.
    Column("stand_in", Boolean),
    Column("provider", CleanText),
    # Since when no object shows it any more, where that takes its records out of the views.
    Column("retired_at", Moment),
    UniqueConstraint("sha256", "schema_name", "recipe"),
)

# Without the many that nothing has superseded: else SQLite reads all of those to find the few of a status.
_superseded = extractions.c.superseded_by.is_not(None)
Index(None, extractions.c.superseded_by, sqlite_where=_superseded, postgresql_where=_superseded)

leases = Table(
    "leases",
    metadata,
    Column("id", String, primary_key=True),
    Column("run_id", String),
    Column("expires_at", Moment, nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("recipe", String, primary_key=True),
    Column("schema_name", String, nullable=False),
    Column("parts", CleanJson, nullable=False),
    Column("first_used_at", Moment, nullable=False),
)

pages = Table(
    "pages",
    metadata,
    _extraction_id(primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("status", String, nullable=False),
    Column("kind", String),
    Column("cause", CleanText),
    # Where the words are from in which values were looked for; NULL where they are not all known.
    Column("words", String),
)

replies = Table(
    "replies",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("endpoint", String, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", CleanText, nullable=False),
    Column("usage", CleanJson, nullable=False),
    Column("cost_usd", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("dialect", String),
)

extraction_replies = Table(
    "extraction_replies",
    metadata,
    _extraction_id(primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("fingerprint", String, nullable=False),
)

records = Table(
    "records",
    metadata,
    id_column(),
    _extraction_id(),
    Column("ordinal", Integer, nullable=False),
    Column("data", CleanJson, nullable=False),
    Column("issues", CleanJson, nullable=False),
    Column("evidence", CleanJson, nullable=False),
    Column("pages", CleanJson, nullable=False),
    Column("grounded", Float),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("extraction_id", "ordinal"),
    # A record that is replaced never leaves its id to another.
    sqlite_autoincrement=True,
)

WHOLE = cast(records.c.issues, Text).not_like(f'%"{IssueKind.INVALID_RECORD}"%')
"""A record that is what its schema demands: the others are kept, and are in no typed view and no export."""

schema_views = Table(
    "schema_views",
    metadata,
    Column("name", String, primary_key=True),
    Column("schema_name", String, nullable=False),
    Column("path", CleanText, nullable=False),
    Column("definition", Text, nullable=False),
)

schemas = Table(
    "schemas",
    metadata,
    Column("name", String, primary_key=True),
    Column("json_schema", OrderedJson, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

export_targets = Table(
    "export_targets",
    metadata,
    id_column(),
    Column("destination", CleanText, nullable=False),
    Column("schema_name", String, nullable=False),
    Column("format", String, nullable=False),
    # A lease's id, while somebody writes there.
    Column("held_by", String),
    # The type of each field that ever went there, by its name.
    Column("kinds", CleanJson),
    UniqueConstraint("destination", "schema_name"),
)


def _target_id(*, primary_key: bool = False) -> Column[int]:
    return Column("target_id", ForeignKey("export_targets.id"), nullable=False, primary_key=primary_key)


exports = Table(
    "exports",
    metadata,
    _target_id(primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("exported_at", Moment, nullable=False),
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
)

exported_records = Table(
    "exported_records",
    metadata,
    _target_id(primary_key=True),
    # No foreign key: a record may go, and the destination must hear of it.
    Column("record_id", BigInteger, primary_key=True),
    Column("added_in", Integer, nullable=False),
    Column("removed_in", Integer),
)

# Apart from the others: Alembic keeps it itself.
store_version = Table("octavo_version", MetaData(), Column("version_num", String(32), primary_key=True))
