"""Who works on what: the bytes of an object under a schema and a recipe. Each function is one transaction's work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from extractors.documents import Extraction, ObjectRef, Spooled
from extractors.errors import Kind
from extractors.vocabulary import FINAL, DocumentStatus
from flows.store import leases
from flows.store.alike import absorbed, asked_alike
from flows.store.attempts import note_attempt, tried
from flows.store.dialects import insert, upsert
from flows.store.keys import Key
from flows.store.showing import shows
from flows.store.splits import parts_current, split_schemas
from flows.store.succession import make_current, retire_former, supersede
from flows.store.tables import UNREAD, extractions, former_contents
from flows.store.types import clean_text

# Statements that every document needs are made once: that costs more than to run them.
_current = extractions.alias()
_LEFT = (
    select(extractions.c.id)
    .where(
        extractions.c.sha256 == bindparam("sha256"),
        extractions.c.schema_name == bindparam("schema_name"),
        extractions.c.status.in_(FINAL),
        ~exists().where(
            _current.c.sha256 == bindparam("sha256"),
            _current.c.schema_name == bindparam("schema_name"),
            _current.c.superseded_by.is_(None),
            _current.c.status.in_(FINAL),
        ),
    )
    .order_by(extractions.c.finished_at.desc(), extractions.c.id.desc())
    .limit(1)
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
        versions: Octavo's, under which it was begun before; None when it was not.
    """

    extraction_id: int
    status: str | None
    run_id: str | None
    mine: bool = True
    elsewhere: bool = False
    key: Key | None = field(default=None, compare=False)
    reread: bool = False
    versions: Mapping[str, str] | None = field(default=None, compare=False)


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
    shown = shows(connection, ref, spooled.sha256, spooled.size)
    named = _named(spooled.sha256, key)
    begun = {
        **named, **key.columns, **_UNSPENT, "status": DocumentStatus.PENDING, "run_id": run_id,
        "started_at": datetime.now(UTC), "held_by": holder,
    }  # fmt: skip
    twin = asked_alike(connection, named, key)
    if twin is not None:
        held = twin.held_by != holder and leases.holds(connection, twin.held_by)
        if held or not absorbed(connection, named, twin.id, holder):
            return Claim(twin.id, twin.status, twin.run_id, mine=False, elsewhere=True)
        connection.execute(update(extractions).where(extractions.c.id == twin.id).values(held_by=holder))
        return Claim(
            twin.id, twin.status, twin.run_id, key=key, reread=not taken(twin), versions=twin.versions
        )  # fmt: skip
    made = connection.scalar(upsert(extractions, tuple(begun), tuple(named), replaces=False, returning="id"), begun)
    if made is not None:
        former = connection.scalar(_LEFT, named)
        if former is not None:
            # These bytes were shown before, and are again: what is known of them shows until there is more.
            make_current(connection, former, named)
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
    return Claim(row.id, reached, row.run_id, key=key, versions=row.versions)


def fail_unread(connection: Connection, ref: ObjectRef, *, key: Key, kind: str, cause: str, run_id: str) -> int:
    """Quarantines an object whose bytes never arrived, until its etag changes; returns the extraction's id.

    What it showed before stays current: that it cannot be read says nothing about its old record.
    """
    digest = UNREAD + sha256(clean_text(f"{ref.uri}\n{ref.etag}").encode()).hexdigest()
    now = datetime.now(UTC)
    shown = shows(connection, ref, digest, ref.size)
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
