"""What was answered to the same question before, where only how answers are read has changed."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from extractors.vocabulary import FINAL
from flows.store import leases
from flows.store.call_tables import calls
from flows.store.keys import Key
from flows.store.tables import extraction_replies, extractions, pages, records

_twin = extractions.alias()
_ALIKE = (
    select(extractions)
    .where(
        extractions.c.sha256 == bindparam("sha256"),
        extractions.c.schema_name == bindparam("schema_name"),
        extractions.c.asking == bindparam("question"),
        extractions.c.recipe != bindparam("recipe"),
        extractions.c.status.in_(FINAL),
        ~exists().where(
            _twin.c.sha256 == bindparam("sha256"),
            _twin.c.schema_name == bindparam("schema_name"),
            _twin.c.recipe == bindparam("recipe"),
            _twin.c.status.in_(FINAL),
        ),
    )
    .order_by(extractions.c.superseded_by.is_(None).desc(), extractions.c.finished_at.desc(), extractions.c.id.desc())
    .limit(1)
    .with_for_update()
)


def asked_alike(connection: Connection, named: dict[str, Any], key: Key) -> Any | None:
    """The outcome for the same question, where only how its answers are read differs; locked.

    The current one, else the newest: who goes back to an earlier question has been answered too.
    """
    if key.asking is None:
        return None
    return connection.execute(_ALIKE, {**named, "question": key.asking}).one_or_none()


def absorbed(connection: Connection, named: dict[str, Any], twin: int, holder: str) -> bool:
    """Puts what was begun under a recipe and never ended to an outcome that will be read again under it.

    False where another process works on it.
    """
    begun = connection.execute(select(extractions).filter_by(**named).with_for_update()).one_or_none()
    if begun is None:
        return True
    if begun.held_by != holder and leases.holds(connection, begun.held_by):
        return False
    connection.execute(update(calls).where(calls.c.extraction_id == begun.id).values(extraction_id=twin))
    for table in (pages, records, extraction_replies):
        connection.execute(delete(table).where(table.c.extraction_id == begun.id))
    connection.execute(delete(extractions).where(extractions.c.id == begun.id))
    return True
