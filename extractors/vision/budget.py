"""Money is booked before a call is sent. What a limit refuses waits for the calls under way: they may cost less."""

import asyncio

from extractors.documents import StoredReply
from extractors.errors import BudgetExhausted
from extractors.vision.ledger import Ended, Ledger, OverBudget, Planned

_LOOK_AGAIN = 0.5
"""Seconds between two attempts at a budget that other processes' calls may give back to."""


class Budget:
    """The calls of this process, as they are booked in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Books nothing yet."""
        self._ledger = ledger
        self._under_way = 0
        self._settled = asyncio.Event()

    async def reserve(self, call: Planned) -> str:
        """Books a call at what it could cost at most, and returns its name in the ledger.

        Raises:
            BudgetExhausted: it could cross a limit, and nothing is under way that may cost less than is booked.
        """
        while True:
            self._settled.clear()
            # Counted before it is booked: else the last one to be settled could be waited for in vain.
            self._under_way += 1
            try:
                return await self._ledger.reserve(call)
            except OverBudget as over:
                self._ended()
                if self._under_way:
                    await self._settled.wait()
                elif over.others:
                    await asyncio.sleep(_LOOK_AGAIN)
                else:
                    raise BudgetExhausted(str(over)) from None
            except BaseException:
                self._ended()
                raise

    async def settle(self, call: str, ended: Ended, reply: StoredReply | None) -> None:
        """Books a call at what it cost, and keeps its reply."""
        try:
            await self._ledger.settle(call, ended, reply)
        finally:
            self._ended()

    def lost(self) -> None:
        """A call was given up while it was under way: it stays booked at what it could cost."""
        self._ended()

    def _ended(self) -> None:
        self._under_way -= 1
        self._settled.set()
