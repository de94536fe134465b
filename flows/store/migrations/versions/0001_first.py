"""The tables of the first version. Never changed again: what follows builds on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_MOMENT = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes them all."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("endpoint", sa.String),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.Column("summary", _JSON),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    _make_documents()
    _make_extractions()
    _make_parts()


def _make_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("sha256", sa.String),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String),
        sa.Column("page_count", sa.Integer),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("uri", name="uq_documents_uri"),
    )
    op.create_index("ix_documents_sha256", "documents", ["sha256"])
    op.create_table(
        "former_contents",
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "sha256", name="pk_former_contents"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_former_contents_document_id"),
    )
    op.create_index("ix_former_contents_sha256", "former_contents", ["sha256"])


def _make_extractions() -> None:
    op.create_table(
        "extractions",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("kind", sa.String),
        sa.Column("cause", sa.Text),
        sa.Column("endpoint", sa.String),
        sa.Column("model", sa.Text),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.Column("superseded_by", _ID),
        sa.Column("run_id", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_extractions"),
        sa.UniqueConstraint("sha256", "schema_name", "recipe", name="uq_extractions_sha256_schema_name_recipe"),
        sa.ForeignKeyConstraint(["superseded_by"], ["extractions.id"], name="fk_extractions_superseded_by"),
    )
    for column in ("status", "superseded_by", "run_id"):
        op.create_index(f"ix_extractions_{column}", "extractions", [column])


def _make_parts() -> None:
    """Replies, and what an extraction is made of."""
    op.create_table(
        "pages",
        sa.Column("extraction_id", _ID, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("kind", sa.String),
        sa.Column("cause", sa.Text),
        sa.PrimaryKeyConstraint("extraction_id", "page", name="pk_pages"),
        sa.ForeignKeyConstraint(["extraction_id"], ["extractions.id"], name="fk_pages_extraction_id"),
    )
    op.create_table(
        "replies",
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("endpoint", sa.String, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("usage", _JSON, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_replies"),
    )
    op.create_table(
        "extraction_replies",
        sa.Column("extraction_id", _ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("extraction_id", "position", name="pk_extraction_replies"),
        sa.ForeignKeyConstraint(["extraction_id"], ["extractions.id"], name="fk_extraction_replies_extraction_id"),
    )
    op.create_table(
        "records",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("extraction_id", _ID, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("issues", _JSON, nullable=False),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("pages", _JSON, nullable=False),
        sa.Column("grounded", sa.Float),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
        sa.UniqueConstraint("extraction_id", "ordinal", name="uq_records_extraction_id_ordinal"),
        sa.ForeignKeyConstraint(["extraction_id"], ["extractions.id"], name="fk_records_extraction_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "schema_views",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schema_views"),
    )
