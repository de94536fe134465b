"""Money is booked before a call is sent. What a limit refuses waits for the calls under way: they may cost less."""

import asyncio

from extractors.documents import StoredReply
from extractors.errors import BudgetExhausted
from extractors.ledger import Ended, Ledger, OverBudget, Planned

_LOOK_AGAIN = 0.5
"""Seconds between two attempts at a budget that other processes' calls may give back to."""


class Budget:
    """The calls of this process, as they are booked in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Books nothing yet."""
        self._ledger = ledger
        self._asking = self._under_way = 0
        self._changed = asyncio.Event()

    async def reserve(self, call: Planned) -> str:
        """Books a call at what it could cost at most, and returns its name in the ledger.

        Raises:
            BudgetExhausted: it could cross a limit, and nothing is under way that may cost less than is booked.
        """
        while True:
            self._changed.clear()
            self._asking += 1
            try:
                name = await self._ledger.reserve(call)
            except OverBudget as error:
                over = error
            else:
                self._under_way += 1
                return name
            finally:
                self._asking -= 1
            # Who asks just now may get a place, or give up: then this one looks again.
            if self._under_way or self._asking:
                await self._changed.wait()
            elif over.others:
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                self._changed.set()
                raise BudgetExhausted(str(over))

    async def sent_today(self, endpoint: str) -> int:
        """Calls to an endpoint of today (UTC), those that are booked and not sent yet included."""
        return await self._ledger.sent_today(endpoint)

    async def settle(self, call: str, ended: Ended, reply: StoredReply | None) -> None:
        """Books a call at what it cost, and keeps its reply."""
        try:
            await self._ledger.settle(call, ended, reply)
        finally:
            self.lost()

    def lost(self) -> None:
        """A call is under way no more; unless it was settled, it stays booked at what it could cost."""
        self._under_way -= 1
        self._changed.set()
