"""The words that OCR read in pictures, so that none is read twice. Each function is one transaction's work."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, literal, select

from extractors.documents import PageWords, Word
from flows.store.dialects import insert
from flows.store.review_tables import page_pictures, page_words
from flows.store.tables import documents
from flows.store.types import clean_text

_DIGITS = 5
"""Of a box's edges, which are fractions of the page: less than a tenth of a pixel."""


def get_words(connection: Connection, picture: str, reader: str) -> PageWords | None:
    """What a reader read in a picture; None where it has not read it yet.

    Args:
        connection: of the transaction.
        picture: sha256 of its bytes.
        reader: with its version.
    """
    kept = connection.scalar(select(page_words.c.words).filter_by(picture=picture, reader=reader))
    if kept is None:
        return None
    words = tuple(Word(text, (x0, y0, x1, y1)) for text, x0, y0, x1, y1 in kept["words"])
    return PageWords(words, kept["whole"], by_ocr=True)


def note_picture(connection: Connection, uri: str, picture: str) -> None:
    """Notes that what a document shows now has a page that looks so: its words go when it is purged."""
    shown = select(documents.c.sha256, literal(picture)).where(
        documents.c.uri == clean_text(uri), documents.c.sha256.is_not(None)
    )
    connection.execute(
        insert(connection, page_pictures).from_select(["sha256", "picture"], shown).on_conflict_do_nothing()
    )


def put_words(connection: Connection, picture: str, reader: str, read: PageWords) -> None:
    """Keeps what a reader read in a picture; what another process has kept meanwhile stays."""
    rows: list[Any] = [[word.text, *(round(edge, _DIGITS) for edge in word.box)] for word in read.words]
    connection.execute(
        insert(connection, page_words)
        .values(
            picture=picture, reader=reader, words={"whole": read.whole, "words": rows}, created_at=datetime.now(UTC)
        )
        .on_conflict_do_nothing(index_elements=["picture", "reader"])
    )
