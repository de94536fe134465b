"""Which documents show a picture: a purge removes the OCR words of the purged one alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the table; whose the words are that were read before is not known."""
    op.create_table(
        "page_pictures",
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("picture", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("sha256", "picture", name="pk_page_pictures"),
    )
    op.create_index("ix_page_pictures_picture", "page_pictures", ["picture"])
