"""What is done: claims and outcomes. Each function is one transaction's work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, update

from extractors.documents import Extraction, ObjectRef, Spooled
from extractors.errors import Kind
from extractors.vocabulary import FINAL, WITH_RECORDS, DocumentStatus, PageStatus
from flows.store import leases, worth
from flows.store.attempts import note_attempt, tried
from flows.store.call_tables import calls
from flows.store.calls import spent_on
from flows.store.dialects import insert, upsert
from flows.store.keys import Key
from flows.store.objects import remember
from flows.store.older import tell_older
from flows.store.splits import begin_parts, parts_current, split_schemas
from flows.store.succession import make_current, retire_former, supersede
from flows.store.tables import (
    SPLIT,
    UNREAD,
    documents,
    extraction_replies,
    extractions,
    former_contents,
    pages,
    records,
)
from flows.store.types import clean_text

# Statements that every document needs are made once: that costs more than to run them.
_LOCKED = select(extractions).where(extractions.c.id == bindparam("this")).with_for_update()
_CHANGE = update(extractions).where(extractions.c.id == bindparam("this"))
_SHOWS = documents.c.sha256 == bindparam("content")
_OPENED = update(documents).where(_SHOWS)
_IS_SHOWN = select(exists().where(_SHOWS))
_SHOWED_OTHERS = select(exists().where(former_contents.c.document_id == documents.c.id, _SHOWS))
_TWIN = (
    select(documents.c.media_type, documents.c.page_count).where(_SHOWS, documents.c.media_type.is_not(None)).limit(1)
)
_OBJECT = select(
    documents, exists().where(former_contents.c.document_id == documents.c.id).label("had_others")
).where(documents.c.uri == bindparam("named", type_=documents.c.uri.type))

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

_UNSPENT = {
    "input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "cost_usd": 0.0, "cost_unsettled_usd": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """What an object's bytes are under a schema and recipe, and whether they are the claimer's to extract.

    Attributes:
        extraction_id: its row.
        status: what was reached before, or None when there is no outcome yet.
        run_id: the run that reached it, or that claimed it first.
        mine: the right and the duty to finish it.
        elsewhere: another process works on it right now.
        key: what it will be under.
        reread: it has an outcome for the same question: only how its answers are read has changed.
    """

    extraction_id: int
    status: str | None
    run_id: str | None
    mine: bool = True
    elsewhere: bool = False
    key: Key | None = field(default=None, compare=False)
    reread: bool = False


def claim(
    connection: Connection,
    ref: ObjectRef,
    spooled: Spooled,
    *,
    key: Key,
    run_id: str,
    holder: str,
    taken: Callable[[Any], bool] = lambda _: False,
) -> Claim:
    """Says which bytes an object shows, finds or makes their extraction, and claims it for a holder.

    One that has an outcome is current again from here on: whoever goes back to an older recipe, or
    puts old bytes back, finds its record in the views without paying for it.

    Args:
        connection: of the transaction.
        ref: the object.
        spooled: its bytes.
        key: what is asked for, and how.
        run_id: the claimer's run.
        holder: the claimer's lease.
        taken: whether an extraction (its row) that has an outcome is worked on once more, unless this very run
            reached it.
    """
    shown = _show(connection, ref, spooled.sha256, spooled.size)
    named = _named(spooled.sha256, key)
    begun = {
        **named, **key.columns, **_UNSPENT, "status": DocumentStatus.PENDING, "run_id": run_id,
        "started_at": datetime.now(UTC), "held_by": holder,
    }  # fmt: skip
    twin = _asked_alike(connection, named, key)
    if twin is not None:
        held = twin.held_by != holder and leases.holds(connection, twin.held_by)
        if held or not _absorbed(connection, named, twin.id, holder):
            return Claim(twin.id, twin.status, twin.run_id, mine=False, elsewhere=True)
        connection.execute(update(extractions).where(extractions.c.id == twin.id).values(held_by=holder))
        return Claim(twin.id, twin.status, twin.run_id, key=key, reread=not taken(twin))
    made = connection.scalar(upsert(extractions, tuple(begun), tuple(named), replaces=False, returning="id"), begun)
    if made is not None:
        for name in (key.schema_name, *split_schemas(key.schema_name)) if shown.had_others else ():
            retire_former(connection, spooled.sha256, name, shown.document_id)
        return Claim(made, None, run_id, key=key)
    # Locked, and the lease read by a later statement: PostgreSQL shows that one what others have committed.
    row = connection.execute(select(extractions).filter_by(**named).with_for_update()).one()
    reached = row.status if row.status in FINAL else None
    counts = make_current(connection, row.id, named)
    # Other documents that show these bytes have been through this, unless the outcome counts again only now.
    only = shown.document_id if row.superseded_by is None else None
    retire_former(connection, spooled.sha256, key.schema_name, only)
    if counts == row.id:
        parts_current(connection, spooled.sha256, key, only)
    if reached is not None and (not taken(row) or row.run_id == run_id or tried(connection, row.id, run_id)):
        return Claim(row.id, reached, row.run_id, mine=False)
    if row.held_by != holder and leases.holds(connection, row.held_by):
        return Claim(row.id, reached, row.run_id, mine=False, elsewhere=True)
    connection.execute(update(extractions).where(extractions.c.id == row.id).values(held_by=holder))
    return Claim(row.id, reached, row.run_id, key=key)


def _asked_alike(connection: Connection, named: dict[str, Any], key: Key) -> Any | None:
    """The outcome for the same question, where only how its answers are read differs; locked.

    The current one, else the newest: who goes back to an earlier question has been answered too.
    """
    if key.asking is None:
        return None
    return connection.execute(_ALIKE, {**named, "question": key.asking}).one_or_none()


def _absorbed(connection: Connection, named: dict[str, Any], twin: int, holder: str) -> bool:
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


def keep(connection: Connection, extraction_id: int, key: Key) -> None:
    """Leaves an outcome as it is, under another way to read it: its answers are not stored any more."""
    connection.execute(_CHANGE, {"this": extraction_id, **key.how, "held_by": None})
    _keep_place(connection, connection.execute(_LOCKED, {"this": extraction_id}).one())


def _keep_place(connection: Connection, row: Any) -> None:
    """An outcome that stands under another recipe than before counts among those of that one."""
    make_current(connection, row.id, {"sha256": row.sha256, "schema_name": row.schema_name})
    retire_former(connection, row.sha256, row.schema_name)


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
        over. Then only tokens and cost are noted, and the other one's outcome counts.
    """
    row = connection.execute(_LOCKED, {"this": extraction_id}).one()
    spent = {"this": extraction_id, **spent_on(connection, extraction_id)}
    if row.held_by != holder:
        connection.execute(_CHANGE, spent)
        return False
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
    names = ("status", "kind", "cause", "endpoint", "model", "stand_in", "started_at", "finished_at")
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


def fail_unread(connection: Connection, ref: ObjectRef, *, key: Key, kind: str, cause: str, run_id: str) -> int:
    """Quarantines an object whose bytes never arrived, until its etag changes; returns the extraction's id.

    What it showed before stays current: that it cannot be read says nothing about its old record.
    """
    digest = UNREAD + sha256(clean_text(f"{ref.uri}\n{ref.etag}").encode()).hexdigest()
    now = datetime.now(UTC)
    shown = _show(connection, ref, digest, ref.size)
    named = _named(digest, key)
    outcome = {
        "status": DocumentStatus.QUARANTINED,
        "kind": kind,
        "cause": cause,
        "finished_at": now,
        "run_id": run_id,
    }
    row = connection.execute(
        insert(connection, extractions)
        .values(**named, **outcome, started_at=now)
        .on_conflict_do_update(index_elements=list(named), set_=outcome)
        .returning(extractions)
    ).one()
    extraction_id: int = row.id
    failed = Extraction(DocumentStatus.QUARANTINED, kind=Kind(kind), cause=cause, started_at=now, finished_at=now)
    note_attempt(connection, row, failed, run_id=run_id, counts=True)
    make_current(connection, extraction_id, named)
    former = select(former_contents.c.sha256).where(former_contents.c.document_id == shown.document_id)
    supersede(
        connection,
        extraction_id,
        extractions.c.schema_name == key.schema_name,
        extractions.c.sha256.in_(former),
        extractions.c.sha256.startswith(UNREAD),
    )
    return extraction_id


def _named(digest: str, key: Key) -> dict[str, Any]:
    return {"sha256": digest, "schema_name": key.schema_name, "recipe": key.recipe}


@dataclass(frozen=True)
class _Shown:
    """An object's row, and whether it showed other bytes before."""

    document_id: int
    had_others: bool


def _show(connection: Connection, ref: ObjectRef, digest: str, size: int) -> _Shown:
    """Makes the object's row show these bytes."""
    row = connection.execute(_OBJECT, {"named": ref.uri}).one_or_none()
    if row is not None and (row.sha256, row.etag, row.gone_at) == (digest, ref.etag, None):
        return _Shown(row.id, row.had_others)
    replaces = row is not None and row.sha256 not in {None, digest}
    if replaces:
        connection.execute(
            remember(
                connection,
                and_(documents.c.uri == ref.uri, documents.c.sha256.is_not(None), documents.c.sha256 != digest),
            )
        )
    values = {
        "uri": ref.uri, "sha256": digest, "bytes": size, "etag": ref.etag, "seen_at": datetime.now(UTC),
        "gone_at": None, **_media_of(connection, digest),
    }  # fmt: skip
    shown = upsert(documents, tuple(values), ("uri",), replaces=True, returning="id")
    document_id: int = connection.execute(shown, values).scalar_one()
    had_others = replaces or (row is not None and row.had_others)
    if had_others:
        again = and_(former_contents.c.document_id == document_id, former_contents.c.sha256 == digest)
        connection.execute(delete(former_contents).where(again))
    return _Shown(document_id, had_others)


def _media_of(connection: Connection, digest: str) -> dict[str, Any]:
    """What is known of some bytes from another document that shows them."""
    twin = connection.execute(_TWIN, {"content": digest}).first()
    return {"media_type": twin.media_type if twin else None, "page_count": twin.page_count if twin else None}


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
                "evidence": [vars(entry) for entry in draft.evidence],
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
