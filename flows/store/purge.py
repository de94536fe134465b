"""What is removed for good: what is older than a day, or all that is known of one document.

Each function is one transaction's work. What had been exported is taken away by the next export. The calls stay, for
they are the bill: those of a document that goes only forget which one it was.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, select, update

from extractors.errors import BadConfiguration
from flows.store import leases
from flows.store.call_tables import attempts, calls
from flows.store.dialects import erase_deleted
from flows.store.review_tables import corrections, page_pictures, page_words, reviews
from flows.store.tables import documents, extraction_replies, extractions, former_contents, pages, records, replies
from flows.store.types import clean_text


@dataclass(frozen=True)
class Purged:
    """How many rows were removed."""

    documents: int = 0
    extractions: int = 0
    records: int = 0
    replies: int = 0
    attempts: int = 0
    corrections: int = 0
    reviews: int = 0
    ocr_pages: int = 0


def purge_old(connection: Connection, before: datetime) -> Purged:
    """Removes raw replies, OCR words and the attempts that did not count, where they are older.

    Records with their evidence, what people decided and the calls stay. What is missing is read or asked again when
    it is needed.

    Args:
        connection: of the transaction.
        before: only what came earlier.
    """
    replied = purge_replies(connection, before, None).replies
    tried = delete(attempts).where(attempts.c.finished_at < before, attempts.c.counts.is_(False))
    words = delete(page_words).where(page_words.c.created_at < before)
    return Purged(
        replies=replied, attempts=connection.execute(tried).rowcount, ocr_pages=connection.execute(words).rowcount
    )


def purge_replies(connection: Connection, before: datetime | None, uri: str | None) -> Purged:
    """Removes raw replies; records and their evidence stay.

    A document that is still pending asks again for what it had been answered.

    Args:
        connection: of the transaction.
        before: only replies that came earlier.
        uri: only those of this document.

    Raises:
        BadConfiguration: the store knows no such document.
    """
    erase_deleted(connection)
    which: list[ColumnElement[bool]] = []
    if before is not None:
        which.append(replies.c.created_at < before)
    if uri is not None:
        own = _own_extractions(connection, _document_id(connection, uri))
        which.append(replies.c.fingerprint.in_(_own_replies(own)))
    return Purged(replies=connection.execute(delete(replies).where(*which)).rowcount)


def purge_document(connection: Connection, uri: str, before: datetime | None) -> Purged:
    """Removes a document: its row, and what was extracted from its bytes and the bytes it showed before.

    What other documents show or showed too is theirs and stays, OCR words of a page that looks like one of theirs
    included. Words of which it is not known whose they are go too, and are read again when they are needed.

    Args:
        connection: of the transaction.
        uri: the document's.
        before: only if its last outcome is earlier; otherwise nothing is removed.

    Raises:
        BadConfiguration: the store knows no such document, or a run is working on it.
    """
    erase_deleted(connection)
    document_id = _document_id(connection, uri)
    own = _own_extractions(connection, document_id)
    for row in connection.execute(select(extractions.c.held_by, extractions.c.finished_at).where(own)):
        if leases.holds(connection, row.held_by):
            raise BadConfiguration(f"a run is working on {uri}: purge it when that has ended")
        if before is not None and (row.finished_at is None or row.finished_at >= before):
            return Purged()
    ids = list(connection.scalars(select(extractions.c.id).where(own)))
    contents, gone = _own_contents(connection, document_id), extractions.c.id.in_(ids)
    removed = connection.execute(delete(replies).where(replies.c.fingerprint.in_(_own_replies(gone)))).rowcount
    for table in (pages, extraction_replies):
        connection.execute(delete(table).where(table.c.extraction_id.in_(ids)))
    tried = connection.execute(delete(attempts).where(attempts.c.extraction_id.in_(ids))).rowcount
    connection.execute(
        update(calls).where(calls.c.extraction_id.in_(ids)).values(extraction_id=None, fingerprint="", answer_id=None)
    )
    decided = {
        table: connection.execute(delete(table).where(table.c.sha256.in_(contents))).rowcount
        for table in (corrections, reviews)
    }
    words = _purge_words(connection, contents)
    found = connection.execute(delete(records).where(records.c.extraction_id.in_(ids))).rowcount
    # What one of them had replaced does not come back: it is superseded, by nothing that is there any more.
    orphaned = extractions.c.superseded_by.in_(ids)
    connection.execute(update(extractions).where(orphaned).values(superseded_by=extractions.c.id))
    connection.execute(delete(extractions).where(gone))
    connection.execute(delete(former_contents).where(former_contents.c.document_id == document_id))
    connection.execute(delete(documents).where(documents.c.id == document_id))
    return Purged(
        documents=1, extractions=len(ids), records=found, replies=removed, attempts=tried,
        corrections=decided[corrections], reviews=decided[reviews], ocr_pages=words,
    )  # fmt: skip


def _purge_words(connection: Connection, contents: Collection[str]) -> int:
    """Removes the words of pictures that no other bytes than these show; returns how many pages they were of."""
    connection.execute(delete(page_pictures).where(page_pictures.c.sha256.in_(contents)))
    left = select(page_pictures.c.picture)
    return connection.execute(delete(page_words).where(page_words.c.picture.not_in(left))).rowcount


def _document_id(connection: Connection, uri: str) -> int:
    found: int | None = connection.scalar(select(documents.c.id).where(documents.c.uri == clean_text(uri)))
    if found is None:
        raise BadConfiguration(f"the store knows no document {uri}: give its uri as the views show it")
    return found


def _own_extractions(connection: Connection, document_id: int) -> ColumnElement[bool]:
    """The extractions of bytes that this document alone shows or showed."""
    return extractions.c.sha256.in_(_own_contents(connection, document_id))


def _own_contents(connection: Connection, document_id: int) -> set[str]:
    shows = select(documents.c.sha256).where(documents.c.id == document_id)
    showed = select(former_contents.c.sha256).where(former_contents.c.document_id == document_id)
    mine = {*connection.scalars(shows), *connection.scalars(showed)} - {None}
    others_show = select(documents.c.sha256).where(documents.c.id != document_id, documents.c.sha256.in_(mine))
    others_showed = select(former_contents.c.sha256).where(
        former_contents.c.document_id != document_id, former_contents.c.sha256.in_(mine)
    )
    return mine - {*connection.scalars(others_show), *connection.scalars(others_showed)}


def _own_replies(which: ColumnElement[bool]) -> Select[tuple[str]]:
    """The fingerprints of replies that some extractions read and no other."""
    mine = extraction_replies.join(extractions)
    theirs = select(extraction_replies.c.fingerprint).select_from(mine).where(~which)
    return (
        select(extraction_replies.c.fingerprint)
        .select_from(mine)
        .where(which, extraction_replies.c.fingerprint.not_in(theirs))
    )
