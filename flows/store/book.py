"""The ledger of calls and the checkpoint of replies, as the vision client asks for them.

Whatever waits for the store while it writes is written together in its next transaction: a call has its row before
it is sent, and no call has a transaction of its own when many are sent.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from extractors.documents import StoredReply
from extractors.errors import OctavoError
from extractors.ledger import Ended, OverBudget, Planned
from flows.store import calls
from flows.store.calls import Closing, Opening, Refused, Sender
from flows.store.observed import sent_today
from flows.store.store import Store


class CallBook:
    """One run's calls in the store."""

    def __init__(
        self, store: Store, run_id: str, *, job_id: str | None = None, max_cost: float | None = None,
        max_cost_per_day: float | None = None,
    ) -> None:  # fmt: skip
        """Books on a run, its job and the day.

        Args:
            store: open.
            run_id: the run.
            job_id: the run that it is a part of; None: itself.
            max_cost: USD for the job, all of its processes together; None: no limit.
            max_cost_per_day: USD for all runs of this store on a day (UTC); None: no limit.
        """
        self._store = store
        self._sender = Sender(run_id, job_id or run_id, store.holder.id)
        self._max_cost, self._max_a_day = max_cost, max_cost_per_day
        self._openings: list[tuple[Opening, asyncio.Future[Refused | None]]] = []
        self._closings: list[tuple[Closing, asyncio.Future[None]]] = []
        self._under_way: dict[str, Opening] = {}
        self._writing: asyncio.Task[None] | None = None

    async def get(self, fingerprints: Sequence[str]) -> Sequence[StoredReply]:
        """The replies kept under some fingerprints, in their order."""
        return await self._store.run(self._store.get_replies, fingerprints)

    async def reserve(self, call: Planned) -> str:
        """Notes a call that is about to be sent, and returns its name.

        Raises:
            OverBudget: a limit could be crossed.
            StoreUnavailable: it cannot be noted.
        """
        now = datetime.now(UTC)
        job = f"job:{self._sender.job_id}"
        opening = Opening(f"{time.time_ns():016x}{token_hex(8)}", call, now, (job, f"day:{now:%Y-%m-%d}"))
        refused: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
        self._openings.append((opening, refused))
        self._write()
        found = await asyncio.shield(refused)
        if found is not None:
            raise OverBudget(_told(found, call), others=found.others)
        self._under_way[opening.id] = opening
        return opening.id

    async def settle(self, call: str, ended: Ended, reply: StoredReply | None) -> None:
        """Notes what became of a call, and keeps its reply.

        Raises:
            StoreUnavailable: it cannot be noted.
        """
        closing = Closing(self._under_way.pop(call), ended, datetime.now(UTC), reply)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closings.append((closing, written))
        self._write()
        # Also when who waits for it is cancelled: it was paid for.
        await asyncio.shield(written)

    async def sent_today(self, endpoint: str) -> int:
        """Calls to an endpoint of today (UTC), of all runs of the store."""
        return await self._store.run(self._store.transact, sent_today, endpoint)

    async def strikes(self, fingerprint: str) -> tuple[int, int]:
        """What speaks against a question that is not answered (`strikes.strikes`)."""
        return await self._store.run(self._store.strikes, fingerprint)

    async def close(self) -> None:
        """Returns when all that was asked for is written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _write(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._written())

    async def _written(self) -> None:
        try:
            while self._openings or self._closings:
                openings, self._openings = self._openings, []
                closings, self._closings = self._closings, []
                waiting = [future for _, future in openings] + [future for _, future in closings]
                try:
                    refused = await self._store.run(
                        self._store.transact, calls.enter, [each for each, _ in openings],
                        [each for each, _ in closings], sender=self._sender, limits=self._limits(openings),
                    )  # fmt: skip
                except OctavoError as error:
                    _fail(waiting, error)
                    continue
                except BaseException as error:
                    _fail(waiting, error)
                    raise
                for opening, outcome in openings:
                    if not outcome.done():
                        outcome.set_result(refused.get(opening.id))
                for _, done in closings:
                    if not done.done():
                        done.set_result(None)
        finally:
            self._writing = None

    def _limits(self, openings: list[tuple[Opening, asyncio.Future[Refused | None]]]) -> Mapping[str, float]:
        known = (self._max_cost, self._max_a_day)
        named = (pair for opening, _ in openings for pair in zip(opening.budgets, known, strict=True))
        return {name: limit for name, limit in named if limit is not None}


def _fail(waiting: Sequence[asyncio.Future[Any]], error: BaseException) -> None:
    """Whoever waits hears the error."""
    for future in waiting:
        if not future.done():
            future.set_exception(error)


def _told(refused: Refused, call: Planned) -> str:
    day = refused.budget.startswith("day:")
    return (
        f"${refused.booked:.4f} of ${refused.limit:.4f} {'for today (UTC) ' if day else ''}are spent, and the next "
        f"call could cost ${call.expected.cost_usd:.4f}: "
        + ("raise OCTAVO_MAX_COST_PER_DAY, or go on tomorrow" if day else "raise --max-cost")
    )
