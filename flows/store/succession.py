"""Which extraction counts.

An extraction is *current* until another takes its place (`superseded_by`):

- under another recipe, for the same bytes and schema: what is worth more, or as much and newer (`worth`);
- by the new bytes of an object: what it showed before is replaced once the new bytes have an outcome
  and no other object stands for the old ones.

An object *stands for* the bytes that it shows, and, while these have no outcome under the schema, for
those that it showed before: nothing vanishes from the views while a document waits to be read again.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, bindparam, exists, func, or_, select, update

from extractors.vocabulary import FINAL, WITH_RECORDS
from flows.store import worth
from flows.store.older import tell_older
from flows.store.tables import UNREAD, documents, extractions, former_contents

_LATER = update(extractions).where(extractions.c.id == bindparam("this"))


def showing(extraction: FromClause, *columns: ColumnElement[Any]) -> Select[Any]:
    """Selects from the `documents` that show an extraction's bytes; correlated to it."""
    return select(*columns).where(documents.c.sha256 == extraction.c.sha256).correlate(extraction)


def awaiting(extraction: FromClause, *columns: ColumnElement[Any]) -> Select[Any]:
    """Selects from the `documents` that showed an extraction's bytes before, and have no outcome since."""
    later = extractions.alias()
    outcome = exists().where(
        later.c.sha256 == documents.c.sha256,
        later.c.sha256.not_like(f"{UNREAD}%"),
        later.c.schema_name == extraction.c.schema_name,
        later.c.superseded_by.is_(None),
        later.c.status.in_(FINAL),
    )
    return (
        select(*columns)
        .select_from(documents.join(former_contents, former_contents.c.document_id == documents.c.id))
        .where(former_contents.c.sha256 == extraction.c.sha256, ~outcome.correlate(documents, extraction))
        .correlate(extraction)
    )


def document_uri(extraction: FromClause) -> ColumnElement[Any]:
    """The uri that stands for an extraction's bytes, as a correlated subquery: the smallest that is not gone."""
    there = (documents.c.gone_at.is_not(None), documents.c.uri)
    shows, awaits = showing(extraction, documents.c.uri), awaiting(extraction, documents.c.uri)
    return func.coalesce(*(found.order_by(*there).limit(1).scalar_subquery() for found in (shows, awaits)))


def current(schema_name: str | None = None) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which an extraction shows: nothing has taken its place, and its object is not retired."""
    shown = (extractions.c.superseded_by.is_(None), extractions.c.retired_at.is_(None))
    return shown if schema_name is None else (extractions.c.schema_name == schema_name, *shown)


def make_current(connection: Connection, extraction_id: int, key: dict[str, str]) -> int | None:
    """Lets an extraction that is asked for count among those of other recipes, as far as none is worth more.

    Args:
        connection: of the transaction.
        extraction_id: what is asked for.
        key: its `sha256` and `schema_name`.

    Returns:
        The extraction that counts; None while this one has no outcome.
    """
    rows = worth.rivals(connection, key["sha256"], key["schema_name"], hold=True)
    asked = next(row for row in rows if row.id == extraction_id)
    if asked.status not in FINAL:
        _change(connection, asked, superseded_by=None, retired_at=None)
        return None
    found = worth.counting(connection, rows, asked)
    for row in rows:
        if row.id in {found.best, found.older}:
            _change(connection, row, superseded_by=None, retired_at=None)
            tell_older(connection, row, older=row.id == found.older and found.marked)
        elif row.superseded_by is None:
            _change(connection, row, superseded_by=found.best)
    return found.best


def _change(connection: Connection, row: Any, **values: Any) -> None:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if changed:
        connection.execute(_LATER, {"this": row.id, **changed})


def retire_former(connection: Connection, digest: str, schema_name: str, document_id: int | None = None) -> None:
    """Supersedes what documents showed before by what they show now, once that has an outcome.

    Args:
        connection: of the transaction.
        digest: the bytes they show now.
        schema_name: under which the outcome counts.
        document_id: of the only document to look at; None: every one that shows these bytes, for an
            outcome counts for all of them at once.
    """
    heir = connection.scalar(
        select(extractions.c.id)
        .where(
            extractions.c.sha256 == digest,
            extractions.c.schema_name == schema_name,
            extractions.c.superseded_by.is_(None),
            extractions.c.status.in_(FINAL),
        )
        .order_by(extractions.c.status.in_(WITH_RECORDS).desc(), extractions.c.id.desc())
        .limit(1)
    )
    if heir is None:
        return
    now_showing = documents.c.sha256 == digest if document_id is None else documents.c.id == document_id
    former = select(former_contents.c.sha256).join(documents).where(now_showing)
    stood_for = or_(showing(extractions, documents.c.id).exists(), awaiting(extractions, documents.c.id).exists())
    supersede(
        connection,
        heir,
        extractions.c.schema_name == schema_name,
        extractions.c.sha256.in_(former),
        ~stood_for,
    )


def supersede(connection: Connection, successor: int, *which: ColumnElement[bool]) -> None:
    """Marks the current extractions that fulfil every condition as superseded by another."""
    connection.execute(
        update(extractions)
        .where(extractions.c.id != successor, extractions.c.superseded_by.is_(None), *which)
        .values(superseded_by=successor)
    )
