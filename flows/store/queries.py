"""What the commands read from the store: records, quarantine, runs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select, table, text
from sqlalchemy.sql import quoted_name

from extractors.documents import Issue, PageState, StoredReply
from extractors.errors import BadConfiguration
from extractors.vocabulary import NOT_COMPLETE, WITH_RECORDS, DocumentStatus, PageStatus, Records
from flows.store.evidence import with_states
from flows.store.replies import stored_reply
from flows.store.shape import record_keys
from flows.store.splits import of_split_file
from flows.store.store import Store
from flows.store.succession import awaiting, current, document_uri
from flows.store.tables import (
    documents,
    extraction_replies,
    extractions,
    pages,
    recipes,
    records,
    replies,
    runs,
    schema_views,
    schemas,
)
from flows.store.views import RECORD


@dataclass(frozen=True)
class Quarantined:
    """A document that needs a person: quarantined, or partial.

    Attributes:
        id: of the extraction; what `octavo quarantine show` takes.
        uris: of the objects that show its bytes, sorted; then of those that did and wait to be read again.
        schema_name: what was asked for.
        status: `quarantined` or `partial`.
        kind: why, from the error tree.
        cause: why, in one line.
        failed_pages: numbers of the pages that failed, in order.
        finished_at: when, in UTC.
        issues: what stands without a record.
    """

    id: int
    uris: tuple[str, ...]
    schema_name: str
    status: str
    kind: str
    cause: str | None
    failed_pages: tuple[int, ...]
    finished_at: datetime | None
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class QuarantineDetails(Quarantined):
    """All that is known of one of them.

    Attributes:
        sha256: of its bytes.
        recipe: the fingerprint of how it was asked for.
        endpoint: which answered last, if any.
        model: likewise.
        pages: every page's state.
        replies: the raw replies, in the order in which they were read.
    """

    sha256: str
    recipe: str
    endpoint: str | None
    model: str | None
    pages: tuple[PageState, ...]
    replies: tuple[StoredReply, ...]


@dataclass(frozen=True)
class RunSummary:
    """One run as it was noted; `finished_at` and `summary` are None while it goes, or when it was killed."""

    id: str
    source: str
    schema_name: str
    recipe: str
    endpoint: str | None
    started_at: datetime
    finished_at: datetime | None
    summary: dict[str, Any] | None


def known_schemas(store: Store) -> list[str]:
    """The names of the schemas that were extracted with, sorted."""
    names = select(schema_views.c.schema_name).where(schema_views.c.path == RECORD)
    with store.reading() as connection:
        return sorted(connection.scalars(names))


def record_rows(store: Store, schema_name: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The current records of a schema: the columns of its view, and its rows by record id.

    Raises:
        BadConfiguration: the store knows no such schema.
    """
    with store.reading() as connection:
        name, definition = _views(connection, store, schema_name)[RECORD]
        # A text of its own for each shape: PostgreSQL refuses a prepared statement whose view has changed since.
        told = text(f"/* {sha256(definition.encode()).hexdigest()[:16]} */ *")
        query = select(told).select_from(table(quoted_name(name, quote=True))).order_by(text("record_id"))
        found = connection.execute(query)
        return tuple(found.keys()), [tuple(row) for row in found]


def whole_records(store: Store, schema_name: str) -> list[dict[str, Any]]:
    """The current records of a schema as they are stored, nested and exact, by record id.

    Each has its fields between the view's own columns, and then `issues` and `evidence`. A field of such a name
    gets a number, as in the view.

    Raises:
        BadConfiguration: the store knows no such schema.
    """
    found = (
        select(records, document_uri(extractions).label("document_uri"), extractions.c.status)
        .select_from(records.join(extractions))
        .where(*current(schema_name), extractions.c.status.in_(WITH_RECORDS))
        .order_by(records.c.id)
    )
    with store.reading() as connection:
        _views(connection, store, schema_name)
        declared = connection.scalar(select(schemas.c.json_schema).where(schemas.c.name == schema_name))
        rows = connection.execute(found).all()
    keys = record_keys(declared or {})
    return [_whole(row, keys) for row in rows]


def _whole(row: Any, keys: Sequence[str]) -> dict[str, Any]:
    """One record; its keys in the schema's order, which JSONB forgets, then what only an older schema had."""
    whole: dict[str, Any] = {"record_id": row.id, "document_uri": row.document_uri}
    beside = {
        "extraction_id": row.extraction_id, "status": row.status, "grounded": row.grounded,
        "issue_count": len(row.issues), "issues": row.issues, "evidence": with_states(row.evidence),
    }  # fmt: skip
    for key in dict.fromkeys([*keys, *row.data]):
        name, number = key, 1
        while name in whole or name in beside:
            number += 1
            name = f"{key}_{number}"
        whole[name] = row.data.get(key)
    return whole | beside


def _views(connection: Connection, store: Store, schema_name: str) -> dict[str, tuple[str, str]]:
    """Path -> name and definition of a schema's views."""
    rows = connection.execute(select(schema_views).where(schema_views.c.schema_name == schema_name))
    views = {row.path: (row.name, row.definition) for row in rows}
    if RECORD not in views:
        raise BadConfiguration(f"nothing was extracted with a schema {schema_name!r} into {store.shown_url}")
    return views


def quarantined(store: Store) -> list[Quarantined]:
    """Every document that is quarantined or partial now, by id."""
    listed = (*current(), extractions.c.status.in_(NOT_COMPLETE), ~of_split_file())
    with store.reading() as connection:
        rows = connection.execute(select(extractions).where(*listed).order_by(extractions.c.id)).all()
        uris, failed = uris_of(connection, *listed), _failed_pages(connection, *listed)
    return [Quarantined(**_entry(row, uris[row.id], failed[row.id])) for row in rows]


def without_record(store: Store) -> list[tuple[str, str, Issue]]:
    """What stands of complete documents that have no record: uri, schema and issue, by uri."""
    none = ~exists().where(records.c.extraction_id == extractions.c.id)
    listed = (*current(), extractions.c.status == DocumentStatus.COMPLETE, extractions.c.issues.is_not(None), none)
    with store.reading() as connection:
        uri = document_uri(extractions).label("uri")
        rows = connection.execute(select(uri, extractions.c.schema_name, extractions.c.issues).where(*listed)).all()
    return sorted(
        ((row.uri or "", row.schema_name, Issue(**issue)) for row in rows for issue in row.issues),
        key=lambda told: told[:2],
    )


def quarantine_details(store: Store, extraction_id: int) -> QuarantineDetails | None:
    """One of them with its pages and the model's raw replies, superseded ones too; None when there is none."""
    which = (extractions.c.id == extraction_id, extractions.c.status.in_(NOT_COMPLETE))
    with store.reading() as connection:
        row = connection.execute(select(extractions).where(*which)).one_or_none()
        if row is None:
            return None
        states = connection.execute(
            select(pages).where(pages.c.extraction_id == extraction_id).order_by(pages.c.page)
        ).all()
        read = connection.execute(
            select(replies)
            .join(extraction_replies, extraction_replies.c.fingerprint == replies.c.fingerprint)
            .where(extraction_replies.c.extraction_id == extraction_id)
            .order_by(extraction_replies.c.position)
        ).all()
        uris = uris_of(connection, *which)[extraction_id]
    return QuarantineDetails(
        **_entry(row, uris, [state.page for state in states if state.status == PageStatus.FAILED]),
        sha256=row.sha256,
        recipe=row.recipe,
        endpoint=row.endpoint,
        model=row.model,
        pages=tuple(PageState(state.page, state.status, state.kind, state.cause, state.words) for state in states),
        replies=tuple(stored_reply(reply) for reply in read),
    )


def window_plans(store: Store) -> dict[int, tuple[Records, int | None]]:
    """How the documents that need a person were asked for: id -> `--records`, and pages per request.

    Those that a store of the first version asked for are left out.
    """
    listed = (*current(), extractions.c.status.in_(NOT_COMPLETE))
    with store.reading() as connection:
        rows = connection.execute(
            select(extractions.c.id, recipes.c.parts)
            .join(recipes, recipes.c.recipe == extractions.c.recipe)
            .where(*listed)
        ).all()
    return {row.id: (Records(row.parts["window"][0]), row.parts["window"][1]) for row in rows}


def run_summaries(store: Store) -> list[RunSummary]:
    """Every run, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(select(runs).order_by(runs.c.started_at.desc(), runs.c.id)).mappings().all()
    return [RunSummary(**row) for row in rows]


def _entry(row: Any, uris: Sequence[str], failed: Sequence[int]) -> dict[str, Any]:
    return {
        "id": row.id,
        "uris": tuple(uris),
        "schema_name": row.schema_name,
        "status": row.status,
        "kind": row.kind or "unknown",
        "cause": row.cause,
        "failed_pages": tuple(failed),
        "finished_at": row.finished_at,
        "issues": tuple(Issue(**issue) for issue in row.issues or ()),
    }


def uris_of(connection: Connection, *which: ColumnElement[bool]) -> defaultdict[int, list[str]]:
    """The uris that stand for the bytes of some extractions, by the extraction's id."""
    shown = documents.c.sha256 == extractions.c.sha256
    showed_before = documents.c.id.in_(awaiting(extractions, documents.c.id))
    found: defaultdict[int, list[str]] = defaultdict(list)
    for stands_for in (shown, showed_before):
        rows = connection.execute(
            select(extractions.c.id, documents.c.uri)
            .select_from(extractions.join(documents, stands_for))
            .where(*which)
            .order_by(documents.c.gone_at.is_not(None), documents.c.uri)
        )
        for extraction_id, uri in rows:
            found[extraction_id].append(uri)
    return found


def _failed_pages(connection: Connection, *which: ColumnElement[bool]) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    rows = connection.execute(
        select(pages.c.extraction_id, pages.c.page)
        .join(extractions)
        .where(pages.c.status == PageStatus.FAILED, *which)
        .order_by(pages.c.extraction_id, pages.c.page)
    )
    for extraction_id, page in rows:
        found[extraction_id].append(page)
    return found
