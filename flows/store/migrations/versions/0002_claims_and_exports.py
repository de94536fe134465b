"""Claims are held by leases; recipes and schemas are described; exports are remembered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_MOMENT = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds what is new; of what is there, only an index changes."""
    op.add_column("extractions", sa.Column("held_by", sa.String))
    op.drop_index("ix_extractions_superseded_by", "extractions")
    superseded = sa.text("superseded_by IS NOT NULL")
    op.create_index(
        "ix_extractions_superseded_by", "extractions", ["superseded_by"],
        sqlite_where=superseded, postgresql_where=superseded,
    )  # fmt: skip
    op.create_table(
        "leases",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_leases"),
    )
    op.create_table(
        "recipes",
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("parts", _JSON, nullable=False),
        sa.Column("first_used_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("recipe", name="pk_recipes"),
    )
    op.create_table(
        "schemas",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("json_schema", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schemas"),
    )
    _make_exports()


def _make_exports() -> None:
    op.create_table(
        "export_targets",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("schema_name", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("held_by", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_export_targets"),
        sa.UniqueConstraint("destination", "schema_name", name="uq_export_targets_destination_schema_name"),
    )
    op.create_table(
        "exports",
        sa.Column("target_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("exported_at", _MOMENT, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "number", name="pk_exports"),
        sa.ForeignKeyConstraint(["target_id"], ["export_targets.id"], name="fk_exports_target_id"),
    )
    op.create_table(
        "exported_records",
        sa.Column("target_id", _ID, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("added_in", sa.Integer, nullable=False),
        sa.Column("removed_in", sa.Integer),
        sa.PrimaryKeyConstraint("target_id", "record_id", name="pk_exported_records"),
        sa.ForeignKeyConstraint(["target_id"], ["export_targets.id"], name="fk_exported_records_target_id"),
    )
