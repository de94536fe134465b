"""The tables of what was read by OCR and of what people decide.

Both are kept beside the records, by the bytes they are about: reading a document anew loses nothing of them.
"""

from sqlalchemy import Column, Index, Integer, String, Table

from flows.store.tables import id_column, metadata
from flows.store.types import CleanJson, CleanText, Moment

page_words = Table(
    "page_words",
    metadata,
    # sha256 of the picture that was read.
    Column("picture", String, primary_key=True),
    Column("reader", String, primary_key=True),
    Column("words", CleanJson, nullable=False),
    Column("created_at", Moment, nullable=False),
)

page_pictures = Table(
    "page_pictures",
    metadata,
    # Of the bytes of a document, and of a picture of one of its pages.
    Column("sha256", String, primary_key=True),
    Column("picture", String, primary_key=True, index=True),
)

reviews = Table(
    "reviews",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("schema_name", String, primary_key=True),
    Column("state", String, nullable=False),
    # Raised with every change: who saves an older one is told.
    Column("version", Integer, nullable=False),
    Column("assigned_to", CleanText),
    Column("claimed_by", CleanText),
    Column("claimed_until", Moment),
    Column("reviewed_by", CleanText),
    Column("reviewed_at", Moment),
    Column("reason", CleanText),
)

corrections = Table(
    "corrections",
    metadata,
    id_column(),
    Column("sha256", String, nullable=False),
    Column("schema_name", String, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("path", CleanText, nullable=False),
    Column("value", CleanJson),
    Column("model_value", CleanJson),
    Column("made_by", CleanText, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("why", CleanText),
    Column("withdrawn_at", Moment),
    Index(None, "sha256", "schema_name"),
)
