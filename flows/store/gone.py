"""Objects that their source does not show any more, and what becomes of their records."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from flows.store.objects import batches
from flows.store.succession import awaiting
from flows.store.tables import documents, extractions, former_contents
from flows.store.types import clean_text

_AT_ONCE = 10_000

_RETIRED = update(extractions).where(extractions.c.retired_at.is_not(None)).values(retired_at=None)
_BACK = _RETIRED.where(extractions.c.sha256 == bindparam("content"))
_AWAITING = awaiting(extractions, documents.c.id).where(documents.c.id == bindparam("document"))
_FORMER_BACK = _RETIRED.where(
    extractions.c.sha256.in_(
        select(former_contents.c.sha256).where(former_contents.c.document_id == bindparam("document"))
    ),
    _AWAITING.exists(),
)


def note_gone(
    connection: Connection, prefix: str, listed: Callable[[str], bool], *, since: datetime, retire: bool
) -> int:
    """Notes which objects a whole listing has not shown.

    Args:
        connection: of the transaction.
        prefix: with which the uri of everything begins that was to be listed.
        listed: whether the listing showed a uri.
        since: when the listing began; objects that were first seen later are left alone.
        retire: what no object shows any more leaves the views.

    Returns:
        How many objects are gone that were not before.
    """
    found, last, prefix = 0, 0, clean_text(prefix)
    while True:
        rows = connection.execute(
            select(documents.c.id, documents.c.uri, documents.c.gone_at)
            .where(documents.c.id > last, documents.c.seen_at < since)
            .where(documents.c.uri.startswith(prefix, autoescape=True))
            .order_by(documents.c.id)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return found
        last = rows[-1].id
        # LIKE makes no difference between letter cases in SQLite.
        missing = [row for row in rows if row.uri.startswith(prefix) and not listed(row.uri)]
        new = [row.id for row in missing if row.gone_at is None]
        for some in batches(new):
            connection.execute(update(documents).where(documents.c.id.in_(some)).values(gone_at=datetime.now(UTC)))
        found += len(new)
        for some in batches([row.id for row in missing] if retire else []):
            _retire(connection, some)


def _retire(connection: Connection, document_ids: Sequence[int]) -> None:
    """Takes what some objects that are gone showed out of the views, where no other object stands for it."""
    shows = select(documents.c.sha256).where(documents.c.id.in_(document_ids))
    showed = select(former_contents.c.sha256).where(former_contents.c.document_id.in_(document_ids))
    there = documents.c.gone_at.is_(None)
    shown = exists().where(documents.c.sha256 == extractions.c.sha256, there)
    awaited = awaiting(extractions, documents.c.id).where(there).exists()
    connection.execute(
        update(extractions)
        .where(
            or_(extractions.c.sha256.in_(shows), extractions.c.sha256.in_(showed)),
            extractions.c.retired_at.is_(None),
            ~shown,
            ~awaited,
        )
        .values(retired_at=datetime.now(UTC))
    )


def note_back(connection: Connection, uris: Sequence[str]) -> None:
    """Notes that objects are there again with the bytes that they had; what they show is in the views again."""
    named = documents.c.uri.in_([clean_text(uri) for uri in uris])
    connection.execute(update(documents).where(named).values(gone_at=None))
    for row in connection.execute(select(documents.c.id, documents.c.sha256).where(named)).all():
        bring_back(connection, row.id, row.sha256)


def bring_back(connection: Connection, document_id: int, digest: str, *, had_others: bool = True) -> None:
    """Lets what an object stands for be in the views again: the bytes that it shows, or that it showed and awaits.

    Args:
        connection: of the transaction.
        document_id: the object, which is there.
        digest: the bytes that it shows.
        had_others: it showed other bytes before.
    """
    connection.execute(_BACK, {"content": digest})
    if had_others:
        connection.execute(_FORMER_BACK, {"document": document_id})
