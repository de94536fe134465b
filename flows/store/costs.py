"""What was paid, grouped: derived from the ledger of calls, and from nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from extractors.ledger import Booked
from flows.store.call_tables import calls
from flows.store.calls import booked_of, sums
from flows.store.dialects import day_of
from flows.store.succession import document_uri
from flows.store.tables import extractions

_WORK = calls.outerjoin(extractions, extractions.c.id == calls.c.extraction_id)

_GROUPS: dict[str, tuple[FromClause, Callable[[Connection], ColumnElement[Any]]]] = {
    "day": (calls, lambda connection: day_of(connection, calls.c.sent_at)),
    "run": (calls, lambda _: calls.c.job_id),
    "endpoint": (calls, lambda _: calls.c.endpoint + " " + func.coalesce(calls.c.answered_by, calls.c.model)),
    "schema": (_WORK, lambda _: func.coalesce(extractions.c.schema_name, "(none)")),
    "document": (_WORK, lambda _: func.coalesce(document_uri(extractions), extractions.c.sha256, "(none)")),
}

GROUPS = tuple(_GROUPS)
"""What calls can be told by."""


@dataclass(frozen=True)
class Cost:
    """What the calls of a group are booked at."""

    group: str
    booked: Booked


def costs(connection: Connection, by: str, *, since: datetime | None = None, limit: int = 50) -> list[Cost]:
    """The calls by day, run, endpoint, schema or document.

    Args:
        connection: of the transaction.
        by: one of `GROUPS`.
        since: only calls from then on; None: all.
        limit: groups at most: the latest days and runs, of the others the dearest.

    Returns:
        In that order; the price of a group with a call of unknown price is not known.
    """
    source, column_of = _GROUPS[by]
    column = column_of(connection)
    when = () if since is None else (calls.c.sent_at >= since,)
    first = {"day": column, "run": func.max(calls.c.sent_at)}.get(by, func.sum(calls.c.reserved_usd))
    asked = (
        select(column.label("grouped"), *sums()).select_from(source).where(*when).group_by(column)
        .order_by(first.desc().nulls_last(), column).limit(limit)
    )  # fmt: skip
    return [Cost(str(row.grouped), booked_of(row)) for row in connection.execute(asked)]
