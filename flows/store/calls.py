"""The ledger of calls: reserved before they are sent, settled after. Each function is one transaction's work.

What a call is booked at: its cost once it is settled, until then what it could cost at most. A call that nobody
answered, or whose process died, stays at that. `budgets` has the sums that limits look at.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal, select, update

from extractors.documents import StoredReply
from extractors.ledger import Booked, Ended, Planned
from flows.store.call_tables import budgets, calls
from flows.store.dialects import moment, upsert
from flows.store.replies import put_replies
from flows.store.tables import leases

_UNKNOWN = 0.0
"""What a call without a price adds to a budget; a limit is refused beforehand where a price is not known."""


@dataclass(frozen=True)
class Opening:
    """A call to be reserved.

    Attributes:
        id: its name.
        call: what is asked, and what it may cost.
        sent_at: now.
        budgets: that it draws from, by id.
    """

    id: str
    call: Planned
    sent_at: datetime
    budgets: tuple[str, ...]

    @property
    def usd(self) -> float:
        """What it is booked at until it is settled."""
        return self.call.expected.cost_usd if self.call.priced else _UNKNOWN


@dataclass(frozen=True)
class Closing:
    """A call to be settled, with its reply where there is one."""

    opening: Opening
    ended: Ended
    at: datetime
    reply: StoredReply | None


@dataclass(frozen=True)
class Sender:
    """Who sends: `run_id`, the job that it is a part of, and the lease of its process."""

    run_id: str
    job_id: str
    holder: str


@dataclass(frozen=True)
class Refused:
    """A call that could cross a limit.

    Attributes:
        budget: its id.
        booked: USD booked so far.
        limit: USD.
        others: other processes' calls are under way, which may cost less than is booked.
    """

    budget: str
    booked: float
    limit: float
    others: bool


_ALL_BUDGETS = select(budgets.c.id, budgets.c.booked_usd).where(budgets.c.id.in_(bindparam("ids", expanding=True)))
_BOOK = upsert(budgets, ("id", "booked_usd"), ("id",), adds="booked_usd")
_OPENED = (
    "id", "run_id", "job_id", "held_by", "extraction_id", "fingerprint", "endpoint", "model", "sent_at",
    "reserved_input", "reserved_output", "reserved_usd", "settled", "blamed",
)  # fmt: skip
_OPEN = upsert(calls, _OPENED, ("id",), replaces=False)
_CLOSE = (
    update(calls)
    .where(calls.c.id == bindparam("call"), calls.c.ended_at.is_(None))
    .values({
        name: bindparam(f"new_{name}")
        for name in (
            "ended_at", "outcome", "status", "settled", "input_tokens", "output_tokens", "cached_tokens", "cost_usd",
            "seconds", "blamed", "first_token_seconds", "answered_by", "provider", "answer_id",
        )
    })
)  # fmt: skip


def enter(
    connection: Connection,
    openings: Sequence[Opening],
    closings: Sequence[Closing],
    *,
    sender: Sender,
    limits: Mapping[str, float],
) -> dict[str, Refused]:
    """Settles some calls, then reserves others as far as the limits go; one transaction for all that waited.

    Args:
        connection: of the transaction.
        openings: in the order in which they asked.
        closings: those to settle.
        sender: of all of them.
        limits: USD by the id of a budget; those without one have no limit.

    Returns:
        Those that were refused, by name.
    """
    booked: dict[str, float] = defaultdict(float)
    if closings:
        # Where a commit was heard of by nobody, and is done again, nothing is booked twice.
        anew = connection.execute(_CLOSE, [_closed(each) for each in closings]).rowcount > 0
        put_replies(connection, [each.reply for each in closings if each.reply is not None])
        for each in closings if anew else ():
            if each.ended.usage is not None and each.opening.call.priced:
                for budget in each.opening.budgets:
                    booked[budget] += each.ended.usage.cost_usd - each.opening.usd
    refused = _refused(connection, openings, booked, sender, limits)
    accepted = [each for each in openings if each.id not in refused]
    if accepted and connection.execute(_OPEN, [_opened(each, sender) for each in accepted]).rowcount > 0:
        for opening in accepted:
            for budget in opening.budgets:
                booked[budget] += opening.usd
    if booked:
        # In one order everywhere: two processes that take the rows' locks never wait for each other in a circle.
        connection.execute(_BOOK, [{"id": name, "booked_usd": booked[name]} for name in sorted(booked)])
    return refused


def _refused(
    connection: Connection,
    openings: Sequence[Opening],
    settled: Mapping[str, float],
    sender: Sender,
    limits: Mapping[str, float],
) -> dict[str, Refused]:
    limited = sorted({budget for each in openings for budget in each.budgets} & limits.keys())
    if not limited:
        return {}
    # Locked until the end, and there to be locked: what others book meanwhile is not missed.
    connection.execute(_BOOK, [{"id": name, "booked_usd": 0.0} for name in limited])
    spent = {
        row.id: row.booked_usd + settled.get(row.id, 0.0)
        for row in connection.execute(_ALL_BUDGETS, {"ids": limited})
    }
    refused: dict[str, Refused] = {}
    for each in openings:
        over = next((name for name in each.budgets if name in limits and spent[name] + each.usd > limits[name]), None)
        if over is None:
            for name in each.budgets:
                if name in spent:
                    spent[name] += each.usd
            continue
        others = _others_under_way(connection, sender)
        refused[each.id] = Refused(over, spent[over], limits[over], others)
    return refused


def _others_under_way(connection: Connection, sender: Sender) -> bool:
    """Whether other living processes have calls of the same job under way."""
    living = select(leases.c.id).where(leases.c.expires_at > moment(connection))
    under_way = select(calls.c.id).where(
        calls.c.ended_at.is_(None), calls.c.job_id == sender.job_id, calls.c.held_by != sender.holder,
        calls.c.held_by.in_(living),
    )  # fmt: skip
    return connection.execute(under_way.limit(1)).first() is not None


def _opened(opening: Opening, sender: Sender) -> dict[str, Any]:
    call = opening.call
    return {
        "id": opening.id,
        "run_id": sender.run_id,
        "job_id": sender.job_id,
        "held_by": sender.holder,
        "extraction_id": call.work,
        "fingerprint": call.fingerprint,
        "endpoint": call.endpoint,
        "model": call.model,
        "sent_at": opening.sent_at,
        "reserved_input": call.expected.input,
        "reserved_output": call.expected.output,
        "reserved_usd": call.expected.cost_usd if call.priced else None,
        "settled": False,
        "blamed": False,
    }


def _closed(closing: Closing) -> dict[str, Any]:
    usage, priced = closing.ended.usage, closing.opening.call.priced
    # A cost that the endpoint told counts where no price is known.
    cost = None if usage is None or not (priced or usage.cost_usd) else usage.cost_usd
    told = {
        "ended_at": closing.at,
        "outcome": closing.ended.outcome,
        "status": closing.ended.status,
        "settled": usage is not None,
        "input_tokens": None if usage is None else usage.input,
        "output_tokens": None if usage is None else usage.output,
        "cached_tokens": None if usage is None else usage.cached,
        "cost_usd": cost,
        "seconds": closing.ended.seconds,
        "blamed": closing.ended.blamed,
        "first_token_seconds": closing.ended.first_token,
        "answered_by": closing.ended.speaker.model,
        "provider": closing.ended.speaker.provider,
        "answer_id": closing.ended.speaker.id,
    }
    return {"call": closing.opening.id, **{f"new_{name}": value for name, value in told.items()}}


BOOKED = case((calls.c.settled, calls.c.cost_usd), else_=calls.c.reserved_usd)
"""What a call is booked at; NULL where no price is known."""

_PRICELESS = func.coalesce(func.sum(case((BOOKED.is_(None), 1), else_=0)), 0)


def sums() -> tuple[ColumnElement[Any], ...]:
    """The columns of a `Booked`, over whatever calls a statement selects."""

    def total(settled: Any, reserved: Any = 0) -> ColumnElement[Any]:
        return func.coalesce(func.sum(case((calls.c.settled, settled), else_=reserved)), 0)

    return (
        func.count(calls.c.id).label("calls"),
        total(calls.c.input_tokens, calls.c.reserved_input).label("input_tokens"),
        total(calls.c.output_tokens, calls.c.reserved_output).label("output_tokens"),
        total(calls.c.cached_tokens).label("cached_tokens"),
        case((_PRICELESS == 0, func.coalesce(func.sum(BOOKED), 0.0))).label("cost_usd"),
        total(literal(0.0), calls.c.reserved_usd).label("cost_unsettled_usd"),
        func.coalesce(func.sum(case((calls.c.settled, 0), else_=1)), 0).label("unsettled"),
    )


def spent(connection: Connection, *which: ColumnElement[bool]) -> Booked:
    """What the calls that fulfil every condition are booked at."""
    row = connection.execute(select(*sums()).where(*which)).one()
    return booked_of(row)


def booked_of(row: Any) -> Booked:
    """A row of `sums` as Python has it."""
    return Booked(
        row.calls, int(row.input_tokens), int(row.output_tokens), int(row.cached_tokens),
        None if row.cost_usd is None else float(row.cost_usd), float(row.cost_unsettled_usd), int(row.unsettled),
    )  # fmt: skip


_ON_WORK = select(*sums()).where(calls.c.extraction_id == bindparam("work"))


def spent_on(connection: Connection, extraction_id: int) -> dict[str, Any]:
    """What an extraction has cost in all, over every attempt and kill: the columns of its row."""
    found = booked_of(connection.execute(_ON_WORK, {"work": extraction_id}).one())
    return {
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cached_tokens": found.cached_tokens,
        "cost_usd": found.cost_usd or 0.0,
        "cost_unsettled_usd": found.cost_unsettled_usd,
    }


def spent_by(connection: Connection, job_id: str, run_id: str) -> Booked:
    """What a run is booked at; its shards' calls are its own where it is the whole job."""
    return spent(connection, calls.c.job_id == job_id, *(() if job_id == run_id else (calls.c.run_id == run_id,)))
