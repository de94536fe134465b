"""What became of an object over time: every outcome of the bytes that it shows or showed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from extractors.errors import BadConfiguration
from flows.store.call_tables import attempts, calls
from flows.store.store import Store
from flows.store.tables import documents, extractions, former_contents
from flows.store.types import clean_text


@dataclass(frozen=True)
class Attempt:
    """One outcome of what an object shows or showed.

    Attributes:
        finished_at: when, in UTC.
        run_id: of the run that reached it.
        schema_name: what was asked for.
        recipe: the fingerprint of how.
        sha256: of the bytes.
        status: `complete`, `partial` or `quarantined`.
        kind: why it is not complete.
        cause: likewise, in one line.
        records: that it gave.
        cost_usd: that this attempt was booked at, `cost_unsettled_usd` of it not settled; None where it is not known.
        counts: it became the outcome of its extraction.
        shown: it is what the views and the quarantine go by now.
        endpoint: which answered.
        model: likewise.
        issues: what stands without a record, of the one that is shown.
    """

    finished_at: datetime
    run_id: str | None
    schema_name: str
    recipe: str
    sha256: str
    status: str
    kind: str | None
    cause: str | None
    records: int
    cost_usd: float | None
    cost_unsettled_usd: float
    counts: bool
    shown: bool
    endpoint: str | None
    model: str | None
    issues: list[dict[str, str]]


def history(store: Store, uri: str) -> list[Attempt]:
    """Every outcome of the bytes that an object shows or showed, the oldest first.

    Raises:
        BadConfiguration: the store knows no such object.
        StoreUnavailable: the store cannot be read.
    """
    with store.reading() as connection:
        document = connection.execute(
            select(documents.c.id, documents.c.sha256).where(documents.c.uri == clean_text(uri))
        ).one_or_none()
        if document is None:
            raise BadConfiguration(f"the store knows no document {uri}: give its uri as the views show it")
        showed = select(former_contents.c.sha256).where(former_contents.c.document_id == document.id)
        digests = {document.sha256, *connection.scalars(showed)} - {None}
        found = connection.execute(
            select(attempts, extractions.c.schema_name, extractions.c.sha256)
            .add_columns(extractions.c.superseded_by, extractions.c.retired_at, extractions.c.issues)
            .select_from(attempts.join(extractions))
            .where(extractions.c.sha256.in_(digests))
            .order_by(attempts.c.finished_at, attempts.c.id)
        ).all()
        unpriced = _unpriced(connection, {row.extraction_id for row in found})
    # What shows is the last that counts, where its extraction is current.
    last = {row.extraction_id: row.id for row in found if row.counts}
    return [
        Attempt(
            row.finished_at, row.run_id, row.schema_name, row.recipe, row.sha256, row.status, row.kind, row.cause,
            row.records,
            None if (row.extraction_id, row.run_id) in unpriced else row.cost_usd, row.cost_unsettled_usd, row.counts,
            shown, row.endpoint, row.model, row.issues or [] if shown else [],
        )
        for row, shown in ((row, _is_shown(row, last)) for row in found)
    ]  # fmt: skip


def _is_shown(row: Any, last: dict[int, int]) -> bool:
    return last.get(row.extraction_id) == row.id and row.superseded_by is None and row.retired_at is None


def _unpriced(connection: Connection, extraction_ids: Collection[int]) -> set[tuple[int, str]]:
    """The extractions and runs with a call whose price is not known."""
    unknown = (calls.c.reserved_usd.is_(None), calls.c.cost_usd.is_(None))
    asked = select(calls.c.extraction_id, calls.c.run_id).where(calls.c.extraction_id.in_(extraction_ids), *unknown)
    return {(row.extraction_id, row.run_id) for row in connection.execute(asked)}
