"""Every outcome that was reached, whether it counts or not. Each function is part of one transaction's work."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select

from extractors.documents import Extraction
from extractors.vocabulary import FINAL
from flows.store.call_tables import attempts
from flows.store.dialects import upsert

_SPENT = ("input_tokens", "output_tokens", "cached_tokens", "cost_usd", "cost_unsettled_usd")
_NOTE = upsert(
    attempts,
    (
        "extraction_id", "run_id", "recipe", "status", "kind", "cause", "endpoint", "model", "versions", "records",
        "counts", "started_at", "finished_at", *_SPENT,
    ),
    ("id",),
)  # fmt: skip
_TRIED = select(exists().where(attempts.c.extraction_id == bindparam("work"), attempts.c.run_id == bindparam("run")))
_NOTED = select(
    exists().where(
        attempts.c.extraction_id == bindparam("work"), attempts.c.run_id == bindparam("run"),
        attempts.c.finished_at == bindparam("finished"),
    )
)  # fmt: skip
_BEFORE = select(*(func.coalesce(func.sum(attempts.c[name]), 0).label(name) for name in _SPENT)).where(
    attempts.c.extraction_id == bindparam("work")
)


def note_attempt(
    connection: Connection,
    row: Any,
    extraction: Extraction,
    *,
    run_id: str,
    counts: bool,
    spent: Mapping[str, Any] | None = None,
) -> None:
    """Notes an outcome.

    Args:
        connection: of the transaction.
        row: its extraction, as it was before.
        extraction: the outcome; one that is not final leaves no attempt.
        run_id: of the run that reached it.
        counts: it becomes the extraction's.
        spent: tokens and cost of the extraction over all attempts, this one's too; None: nothing.
    """
    if extraction.status not in FINAL:
        return
    own = dict.fromkeys(_SPENT, 0) if spent is None else {name: spent[name] for name in _SPENT}
    if spent is not None and row.finished_at is not None:
        before = connection.execute(_BEFORE, {"work": row.id}).one()
        own = {name: own[name] - getattr(before, name) for name in _SPENT}
    connection.execute(
        _NOTE,
        {
            "extraction_id": row.id,
            "run_id": run_id,
            "recipe": row.recipe,
            "status": extraction.status,
            "kind": extraction.kind,
            "cause": extraction.cause,
            "endpoint": extraction.endpoint,
            "model": extraction.model,
            "versions": row.versions,
            "records": extraction.record_count,
            "counts": counts,
            "started_at": extraction.started_at,
            "finished_at": extraction.finished_at or datetime.now(UTC),
            **own,
        },
    )


def noted(connection: Connection, extraction_id: int, extraction: Extraction, run_id: str) -> bool:
    """Whether this very outcome was written before: a commit that nobody heard of is done again."""
    asked = {"work": extraction_id, "run": run_id, "finished": extraction.finished_at}
    return extraction.finished_at is not None and bool(connection.scalar(_NOTED, asked))


def tried(connection: Connection, extraction_id: int, run_id: str) -> bool:
    """Whether a run has reached an outcome of an extraction, which may not count."""
    return bool(connection.scalar(_TRIED, {"work": extraction_id, "run": run_id}))
