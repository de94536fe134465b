"""Where the words of each page are from, in which values were looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column; of pages that were read before it is not known."""
    op.add_column("pages", sa.Column("words", sa.String))
