"""The words that OCR read in pictures, so that none is read twice. Each function is one transaction's work."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from extractors.documents import PageWords, Word
from flows.store.dialects import insert
from flows.store.review_tables import page_words

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
