"""The ledger of calls, every outcome, both halves of a recipe; room for OCR words, reviews and corrections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_MOMENT = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds what is new, and notes each outcome that is there as its extraction's first attempt."""
    op.add_column("documents", sa.Column("gone_at", _MOMENT))
    op.add_column("replies", sa.Column("dialect", sa.String))
    op.add_column("export_targets", sa.Column("kinds", _JSON))
    for column in (
        *_spent(),
        sa.Column("asking", sa.String), sa.Column("reading", sa.String), sa.Column("schema_content", sa.String),
        sa.Column("versions", _JSON), sa.Column("issues", _JSON), sa.Column("stand_in", sa.Boolean),
        sa.Column("provider", sa.Text), sa.Column("retired_at", _MOMENT),
    ):  # fmt: skip
        op.add_column("extractions", column)
    _make_attempts()
    _make_calls()
    _make_reviews()


def _spent() -> tuple[sa.Column[int], sa.Column[float]]:
    return (
        sa.Column("cached_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cost_unsettled_usd", sa.Float, nullable=False, server_default="0"),
    )


def _make_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("extraction_id", _ID, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("kind", sa.String),
        sa.Column("cause", sa.Text),
        sa.Column("endpoint", sa.String),
        sa.Column("model", sa.Text),
        sa.Column("versions", _JSON),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        *_spent(),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.ForeignKeyConstraint(["extraction_id"], ["extractions.id"], name="fk_attempts_extraction_id"),
    )
    op.create_index("ix_attempts_extraction_id", "attempts", ["extraction_id"])
    op.create_index("ix_attempts_run_id", "attempts", ["run_id"])
    same = "run_id, recipe, status, kind, cause, endpoint, model, input_tokens, output_tokens, cost_usd, started_at"
    op.execute(
        f"INSERT INTO attempts (extraction_id, {same}, finished_at, records, counts) "  # noqa: S608 - names of ours
        f"SELECT id, {same}, coalesce(finished_at, started_at), "
        "(SELECT count(*) FROM records WHERE records.extraction_id = extractions.id), true "
        "FROM extractions WHERE status <> 'pending' AND coalesce(finished_at, started_at) IS NOT NULL"
    )


def _make_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("job_id", sa.String, nullable=False),
        sa.Column("held_by", sa.String),
        sa.Column("extraction_id", sa.BigInteger),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("endpoint", sa.String, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=False),
        sa.Column("reserved_input", sa.BigInteger, nullable=False),
        sa.Column("reserved_output", sa.BigInteger, nullable=False),
        sa.Column("reserved_usd", sa.Float),
        sa.Column("ended_at", _MOMENT),
        sa.Column("outcome", sa.String),
        sa.Column("status", sa.Integer),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("cost_usd", sa.Float),
        sa.Column("seconds", sa.Float),
        sa.Column("first_token_seconds", sa.Float),
        sa.Column("blamed", sa.Boolean, nullable=False),
        sa.Column("answered_by", sa.Text),
        sa.Column("provider", sa.Text),
        sa.Column("answer_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    for column in ("run_id", "job_id", "extraction_id", "fingerprint", "sent_at"):
        op.create_index(f"ix_calls_{column}", "calls", [column])
    # What was paid before there was a ledger: one row for each document that cost anything.
    op.execute(
        "INSERT INTO calls (id, run_id, job_id, extraction_id, fingerprint, endpoint, model, sent_at, "
        "reserved_input, reserved_output, reserved_usd, ended_at, outcome, settled, input_tokens, output_tokens, "
        "cached_tokens, cost_usd, blamed) "
        "SELECT 'before-' || id, coalesce(run_id, ''), coalesce(run_id, ''), id, '', coalesce(endpoint, ''), "
        "coalesce(model, ''), coalesce(finished_at, started_at), input_tokens, output_tokens, cost_usd, "
        "coalesce(finished_at, started_at), 'before', true, input_tokens, output_tokens, 0, cost_usd, false "
        "FROM extractions WHERE coalesce(finished_at, started_at) IS NOT NULL "
        "AND (cost_usd > 0 OR input_tokens > 0 OR output_tokens > 0)"
    )
    op.create_table(
        "budgets",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("booked_usd", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
    )


def _make_reviews() -> None:
    op.create_table(
        "page_words",
        sa.Column("picture", sa.String, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("words", _JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("picture", "reader", name="pk_page_words"),
    )
    op.create_table(
        "reviews",
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("assigned_to", sa.Text),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_until", _MOMENT),
        sa.Column("reviewed_by", sa.Text),
        sa.Column("reviewed_at", _MOMENT),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("sha256", "schema_name", name="pk_reviews"),
    )
    op.create_table(
        "corrections",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("value", _JSON),
        sa.Column("model_value", _JSON),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("withdrawn_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_sha256_schema_name", "corrections", ["sha256", "schema_name"])
