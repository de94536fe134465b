"""How endpoints served: what the model's pages publish of each, measured on one's own calls."""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from extractors.ledger import Served
from flows.store.call_tables import calls
from flows.store.calls import BOOKED
from flows.store.store import Store

_ALL_AT_ONCE = 0.9
"""Share of a call after which a first piece is as good as the whole answer."""

_AT_ONCE = 10_000
"""Rows that are held while they are counted."""


@dataclass
class _Counted:
    calls: int = 0
    answered: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float | None = 0.0
    written: int = 0
    writing: float = 0.0
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    first: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, row: Any) -> None:
        self.calls += 1
        self.input += row.input_tokens or 0
        self.output += row.output_tokens or 0
        self.cached += row.cached_tokens or 0
        self.cost = None if self.cost is None or row.booked is None else self.cost + float(row.booked)
        if row.outcome != "answer" or row.seconds is None:
            return
        self.answered += 1
        self.seconds.append(row.seconds)
        if row.first_token_seconds is not None:
            self.first.append(row.first_token_seconds)
        self.written += row.output_tokens or 0
        first = row.first_token_seconds or 0.0
        # One that came nearly at once when it came was not written then: the whole call counts.
        self.writing += row.seconds - (first if first < _ALL_AT_ONCE * row.seconds else 0.0)


def served_by(connection: Connection, *which: ColumnElement[bool]) -> list[Served]:
    """The calls that fulfil every condition, by endpoint, provider and model; the most used first.

    A call that nobody answered stands under no provider.
    """
    model = func.coalesce(calls.c.answered_by, calls.c.model)
    asked = select(
        calls.c.endpoint, calls.c.provider, model.label("answered_by"), calls.c.outcome, calls.c.seconds,
        calls.c.first_token_seconds, calls.c.cached_tokens, BOOKED.label("booked"),
        func.coalesce(calls.c.input_tokens, calls.c.reserved_input).label("input_tokens"),
        func.coalesce(calls.c.output_tokens, calls.c.reserved_output).label("output_tokens"),
    ).where(*which).execution_options(yield_per=_AT_ONCE)  # fmt: skip
    found: defaultdict[tuple[str, str | None, str], _Counted] = defaultdict(_Counted)
    for row in connection.execute(asked):
        found[row.endpoint, row.provider, row.answered_by].add(row)
    served = (_served(key, counted) for key, counted in found.items())
    return sorted(served, key=lambda each: (each.endpoint, -each.calls, each.provider or ""))


def served_in(store: Store, job_id: str, run_id: str) -> list[Served]:
    """Those of a run; of a whole job, its shards' too."""
    own = () if job_id == run_id else (calls.c.run_id == run_id,)
    with store.reading() as connection:
        return served_by(connection, calls.c.job_id == job_id, *own)


def served_since(store: Store, since: datetime) -> list[Served]:
    """Those that were sent from a moment on."""
    with store.reading() as connection:
        return served_by(connection, calls.c.sent_at >= since)


def _served(key: tuple[str, str | None, str], counted: _Counted) -> Served:
    return Served(
        *key,
        calls=counted.calls,
        answered=counted.answered,
        seconds=_median(counted.seconds),
        first_token=_median(counted.first),
        tokens_per_second=counted.written / counted.writing if counted.writing > 0 and counted.written else None,
        input_tokens=int(counted.input),
        output_tokens=int(counted.output),
        cached_tokens=int(counted.cached),
        cost_usd=counted.cost,
    )


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None
