"""How a claim ends: its outcome written, or left as it was. Each function is one transaction's work."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, update

from extractors.documents import Extraction
from extractors.vocabulary import FINAL, WITH_RECORDS, DocumentStatus, PageStatus
from flows.store import worth
from flows.store.attempts import note_attempt, noted
from flows.store.calls import spent_on
from flows.store.keys import Key
from flows.store.older import tell_older
from flows.store.splits import begin_parts
from flows.store.succession import make_current, retire_former
from flows.store.tables import (
    SPLIT,
    documents,
    extraction_replies,
    extractions,
    former_contents,
    pages,
    records,
)

_LOCKED = select(extractions).where(extractions.c.id == bindparam("this")).with_for_update()
_CHANGE = update(extractions).where(extractions.c.id == bindparam("this"))
_SHOWS = documents.c.sha256 == bindparam("content")
_OPENED = update(documents).where(_SHOWS)
_IS_SHOWN = select(exists().where(_SHOWS))
_SHOWED_OTHERS = select(exists().where(former_contents.c.document_id == documents.c.id, _SHOWS))


def finish(
    connection: Connection,
    extraction_id: int,
    extraction: Extraction,
    *,
    run_id: str,
    holder: str,
    key: Key | None = None,
) -> bool:
    """Writes an outcome: the extraction, its pages and records, and what it supersedes.

    Tokens and cost are what the ledger of calls says of it: over all attempts, also those that were killed. An
    attempt that was paused, or that ended worse than an earlier one (`worth`), leaves that one's outcome as it is.

    Returns:
        False when the claim was lost: the holder seemed dead for so long that another one took it
        over. Then only tokens and cost are noted, and the other one's outcome counts. True when this outcome was
        written before, and its commit was not heard of.
    """
    row = connection.execute(_LOCKED, {"this": extraction_id}).one()
    spent = {"this": extraction_id, **spent_on(connection, extraction_id)}
    if row.held_by != holder:
        connection.execute(_CHANGE, spent)
        return noted(connection, extraction_id, extraction, run_id)
    if extraction.status == DocumentStatus.PENDING and row.status in FINAL:
        connection.execute(_CHANGE, {**spent, "held_by": None})
        return True
    under = {} if key is None else key.columns
    if under and under["recipe"] != row.recipe:
        # Read again in another way: what is worth nothing there does not take away what there was.
        better = extraction.status in WITH_RECORDS or row.status not in WITH_RECORDS
        connection.execute(_CHANGE, {"this": extraction_id, **(under if better or key is None else key.how)})
        row = connection.execute(_LOCKED, {"this": extraction_id}).one()
        if not better:
            _keep_place(connection, row)
        tell_older(connection, row, older=not better)
    else:
        better = worth.replaces(connection, row, extraction)
    note_attempt(connection, row, extraction, run_id=run_id, spent=spent, counts=better)
    if not better:
        connection.execute(_CHANGE, {**spent, "held_by": None})
        return True
    names = ("status", "kind", "cause", "endpoint", "model", "provider", "stand_in", "started_at", "finished_at")
    outcome: dict[str, Any] = {name: getattr(extraction, name) for name in names} | under
    outcome["issues"] = [vars(issue) for issue in extraction.issues] or None
    connection.execute(_CHANGE, {**spent, **outcome, "run_id": run_id, "held_by": None})
    _write_parts(connection, extraction_id, extraction, anew=row.finished_at is not None)
    best = _take_place(connection, row, extraction)
    instead = None if best in {None, row.id} else best
    for part_row, part in begin_parts(connection, row, extraction, run_id, instead):
        note_attempt(connection, part_row, part, run_id=run_id, counts=True)
        _write_parts(connection, part_row.id, part, anew=True)
        if instead is None:
            _take_place(connection, part_row, part)
    return True


def _take_place(connection: Connection, row: Any, extraction: Extraction) -> int | None:
    """The outcome counts from here on, instead of what it supersedes, unless that is worth more.

    Returns:
        The extraction that counts; None while there is none.
    """
    content = {"content": row.sha256}
    if extraction.media_type is not None:
        opened = {"media_type": extraction.media_type, "page_count": extraction.page_count}
        shown = connection.execute(_OPENED, {**content, **opened}).rowcount > 0
    else:
        shown = bool(connection.scalar(_IS_SHOWN, content))
    if row.superseded_by is not None and not shown:
        return None  # while it was worked on, its object got other bytes, and these are done already
    best = make_current(connection, row.id, {"sha256": row.sha256, "schema_name": row.schema_name})
    if shown and connection.scalar(_SHOWED_OTHERS, content):
        retire_former(connection, row.sha256, row.schema_name)
    return best


def keep(connection: Connection, extraction_id: int, key: Key) -> None:
    """Leaves an outcome as it is, under another way to read it: its answers are not stored any more."""
    connection.execute(_CHANGE, {"this": extraction_id, **key.how, "held_by": None})
    _keep_place(connection, connection.execute(_LOCKED, {"this": extraction_id}).one())


def _keep_place(connection: Connection, row: Any) -> None:
    """An outcome that stands under another recipe than before counts among those of that one."""
    make_current(connection, row.id, {"sha256": row.sha256, "schema_name": row.schema_name})
    retire_former(connection, row.sha256, row.schema_name)


def failed_pages(connection: Connection, extraction_id: int) -> frozenset[int]:
    """The pages of an extraction that failed; of a split file's, those that failed when they were read."""
    asked, read = extractions.alias(), extractions
    same_work = and_(asked.c.sha256 == read.c.sha256, asked.c.recipe == read.c.recipe)
    chosen = select(pages.c.page).select_from(pages.join(read).join(asked, same_work))
    failed = (
        asked.c.id == extraction_id,
        pages.c.status == PageStatus.FAILED,
        read.c.schema_name.not_like(f"{SPLIT}%"),
    )
    return frozenset(connection.scalars(chosen.where(*failed)))


def _write_parts(connection: Connection, extraction_id: int, extraction: Extraction, *, anew: bool) -> None:
    """Writes the extraction's pages, records and links to replies; `anew`: in place of an earlier attempt's."""
    if anew:
        for table in (pages, records, extraction_replies):
            connection.execute(delete(table).where(table.c.extraction_id == extraction_id))
    now = datetime.now(UTC)
    drafts = extraction.records if extraction.status in WITH_RECORDS else ()
    parts: dict[Any, list[dict[str, Any]]] = {
        pages: [vars(state) for state in extraction.pages],
        records: [
            {
                "ordinal": ordinal,
                "data": draft.data,
                "issues": [vars(issue) for issue in draft.issues],
                "evidence": [entry.as_json() for entry in draft.evidence],
                "pages": draft.pages,
                "grounded": draft.grounded,
                "created_at": now,
            }
            for ordinal, draft in enumerate(drafts)
        ],
        extraction_replies: [
            {"position": position, "fingerprint": fingerprint}
            for position, fingerprint in enumerate(extraction.reply_fingerprints)
        ],
    }
    for table, rows in parts.items():
        if rows:
            connection.execute(table.insert(), [{"extraction_id": extraction_id, **row} for row in rows])
