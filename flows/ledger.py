"""What is done: objects as listed, claims, outcomes. Each function is one transaction's work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    null,
    or_,
    select,
    update,
)

from extractors.documents import Extraction, ObjectRef, Spooled
from flows.dialects import insert
from flows.succession import make_current, retire_former, supersede
from flows.tables import (
    FINAL,
    UNREAD,
    WITH_RECORDS,
    clean_text,
    documents,
    extraction_replies,
    extractions,
    former_contents,
    pages,
    records,
)

_BATCH = 500


@dataclass(frozen=True)
class Known:
    """What the ledger says of an object, under one schema and recipe.

    Attributes:
        etag: of the object when it was last listed or read.
        sha256: of the bytes it shows; None when they are not known (any more).
        status: of the current extraction; None when there is none, or another recipe's is current too
            or instead: then a claim makes this one the only one again.
        kind: why it is not complete.
    """

    etag: str
    sha256: str | None
    status: str | None
    kind: str | None


@dataclass(frozen=True)
class Claim:
    """The right and the duty to finish an extraction.

    Attributes:
        extraction_id: its row.
        status: what was reached before, or None when there is no outcome yet.
        run_id: the run that reached it, or that claimed it first.
    """

    extraction_id: int
    status: str | None
    run_id: str | None


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The items in lists that a statement's parameters can hold."""
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
        yield batch


def note_objects(connection: Connection, refs: Sequence[ObjectRef]) -> None:
    """Notes objects as listed; one whose etag changed shows unknown bytes until it is read again."""
    now = datetime.now(UTC)
    # The names differ from the columns': an INSERT keeps those for itself.
    seen = [{"listed_uri": ref.uri, "listed_etag": ref.etag} for ref in refs]
    changed = and_(
        documents.c.uri == bindparam("listed_uri", type_=documents.c.uri.type),
        documents.c.etag != bindparam("listed_etag", type_=documents.c.etag.type),
        documents.c.sha256.is_not(None),
    )
    connection.execute(_remember(connection, changed), seen)
    upsert = insert(connection, documents)
    new, same = upsert.excluded, documents.c.etag == upsert.excluded.etag
    kept = {name: case((same, documents.c[name]), else_=null()) for name in ("sha256", "media_type", "page_count")}
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["uri"], set_={"bytes": new.bytes, "etag": new.etag, "seen_at": new.seen_at, **kept}
        ),
        [{"uri": ref.uri, "bytes": ref.size, "etag": ref.etag, "seen_at": now} for ref in refs],
    )


def known(connection: Connection, uris: Sequence[str], schema_name: str, recipe: str) -> dict[str, Known]:
    """What is known of each uri that was ever noted."""
    stored = {clean_text(uri): uri for uri in uris}
    rival = extractions.alias()
    rivalled = exists().where(
        rival.c.sha256 == extractions.c.sha256,
        rival.c.schema_name == extractions.c.schema_name,
        rival.c.id != extractions.c.id,
        rival.c.superseded_by.is_(None),
        rival.c.status.in_(FINAL),
    )
    under_recipe = and_(
        extractions.c.sha256 == documents.c.sha256,
        extractions.c.schema_name == schema_name,
        extractions.c.recipe == recipe,
        extractions.c.superseded_by.is_(None),
        # Beside a record, another recipe's failure may be current: the claim that follows ends it.
        or_(extractions.c.status.not_in(WITH_RECORDS), ~rivalled),
    )
    rows = connection.execute(
        select(documents.c.uri, documents.c.etag, documents.c.sha256, extractions.c.status, extractions.c.kind)
        .select_from(documents.outerjoin(extractions, under_recipe))
        .where(documents.c.uri.in_(list(stored)))
    )
    return {
        stored[row.uri]: Known(row.etag, None if _is_unread(row.sha256) else row.sha256, row.status, row.kind)
        for row in rows
    }


def claim(
    connection: Connection, ref: ObjectRef, spooled: Spooled, *, schema_name: str, recipe: str, run_id: str
) -> Claim:
    """Says which bytes an object shows, and finds or makes their extraction.

    One that has an outcome is current again from here on: whoever goes back to an older recipe, or
    puts old bytes back, finds its record in the views without paying for it.
    """
    document_id = _show(connection, ref, spooled.sha256, spooled.size)
    key = {"sha256": spooled.sha256, "schema_name": schema_name, "recipe": recipe}
    connection.execute(
        insert(connection, extractions)
        .values(**key, status="pending", run_id=run_id, started_at=datetime.now(UTC))
        .on_conflict_do_nothing(index_elements=list(key))
    )
    row = connection.execute(select(extractions).filter_by(**key)).one()
    reached = row.status if row.status in FINAL else None
    make_current(connection, row.id, key, reached)
    # Other documents that show these bytes have been through this, unless the outcome counts again only now.
    retire_former(connection, spooled.sha256, schema_name, document_id if row.superseded_by is None else None)
    return Claim(row.id, reached, row.run_id)


def finish(connection: Connection, extraction_id: int, extraction: Extraction, run_id: str) -> None:
    """Writes an outcome: the extraction, its pages and records, and what it supersedes.

    Tokens and cost add up over attempts: the row says what the extraction cost in all. An attempt
    that was paused leaves an earlier outcome as it is.
    """
    row = connection.execute(select(extractions).where(extractions.c.id == extraction_id)).one()
    this = update(extractions).where(extractions.c.id == extraction_id)
    connection.execute(
        this.values(
            input_tokens=row.input_tokens + extraction.usage.input,
            output_tokens=row.output_tokens + extraction.usage.output,
            cost_usd=row.cost_usd + extraction.usage.cost_usd,
        )
    )
    if extraction.status == "pending" and row.status in FINAL:
        return
    names = ("status", "kind", "cause", "endpoint", "model", "started_at", "finished_at")
    outcome = {name: getattr(extraction, name) for name in names}
    connection.execute(this.values(**outcome, run_id=run_id))
    _write_parts(connection, extraction_id, extraction)
    if extraction.media_type is not None:
        opened = {"media_type": extraction.media_type, "page_count": extraction.page_count}
        connection.execute(update(documents).where(documents.c.sha256 == row.sha256).values(**opened))
    shown = connection.scalar(select(exists().where(documents.c.sha256 == row.sha256)))
    if row.superseded_by is not None and not shown:
        return  # while it was worked on, its object got other bytes, and these are done already
    key = {name: getattr(row, name) for name in ("sha256", "schema_name", "recipe")}
    make_current(connection, extraction_id, key, extraction.status)
    if shown:
        retire_former(connection, row.sha256, row.schema_name)


def fail_unread(
    connection: Connection, ref: ObjectRef, *, schema_name: str, recipe: str, kind: str, cause: str, run_id: str
) -> int:
    """Quarantines an object whose bytes never arrived, until its etag changes; returns the extraction's id.

    What it showed before stays current: that it cannot be read says nothing about its old record.
    """
    digest = UNREAD + sha256(clean_text(f"{ref.uri}\n{ref.etag}").encode()).hexdigest()
    now = datetime.now(UTC)
    document_id = _show(connection, ref, digest, ref.size)
    key = {"sha256": digest, "schema_name": schema_name, "recipe": recipe}
    outcome = {"status": "quarantined", "kind": kind, "cause": cause, "finished_at": now, "run_id": run_id}
    extraction_id: int = connection.execute(
        insert(connection, extractions)
        .values(**key, **outcome, started_at=now)
        .on_conflict_do_update(index_elements=list(key), set_=outcome)
        .returning(extractions.c.id)
    ).scalar_one()
    make_current(connection, extraction_id, key, "quarantined")
    former = select(former_contents.c.sha256).where(former_contents.c.document_id == document_id)
    supersede(
        connection,
        extraction_id,
        extractions.c.schema_name == schema_name,
        extractions.c.sha256.in_(former),
        extractions.c.sha256.startswith(UNREAD),
    )
    return extraction_id


def _is_unread(digest: str | None) -> bool:
    return digest is not None and digest.startswith(UNREAD)


def _remember(connection: Connection, which: ColumnElement[bool]) -> Any:
    """The statement that notes the bytes which some documents show now as their former ones."""
    shown = select(documents.c.id, documents.c.sha256).where(which)
    return insert(connection, former_contents).from_select(["document_id", "sha256"], shown).on_conflict_do_nothing()


def _show(connection: Connection, ref: ObjectRef, digest: str, size: int) -> int:
    """Makes the object's row show these bytes; returns the row's id."""
    replaced = and_(documents.c.uri == ref.uri, documents.c.sha256.is_not(None), documents.c.sha256 != digest)
    connection.execute(_remember(connection, replaced))
    twin = connection.execute(
        select(documents.c.media_type, documents.c.page_count)
        .where(documents.c.sha256 == digest, documents.c.media_type.is_not(None))
        .limit(1)
    ).one_or_none()
    values = {
        "sha256": digest,
        "bytes": size,
        "etag": ref.etag,
        "seen_at": datetime.now(UTC),
        "media_type": twin.media_type if twin else None,
        "page_count": twin.page_count if twin else None,
    }
    document_id: int = connection.execute(
        insert(connection, documents)
        .values(uri=ref.uri, **values)
        .on_conflict_do_update(index_elements=["uri"], set_=values)
        .returning(documents.c.id)
    ).scalar_one()
    connection.execute(
        delete(former_contents).where(
            former_contents.c.document_id == document_id, former_contents.c.sha256 == digest
        )
    )
    return document_id


def _write_parts(connection: Connection, extraction_id: int, extraction: Extraction) -> None:
    """Replaces the extraction's pages, records and links to replies."""
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
