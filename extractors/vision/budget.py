"""One budget for a run: money is set aside before a call is sent, and settled from what it cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from extractors.errors import BudgetExhausted
from extractors.vision.metering import Meter


class Budget:
    """What may be spent, and what the calls under way may cost."""

    def __init__(self, limit: float | None, meter: Meter) -> None:
        """Watches a run's meter.

        Args:
            limit: USD, or None for no limit.
            meter: of the whole run; what calls cost is counted there.
        """
        self._limit = limit
        self._meter = meter
        self._reserved = 0.0
        self._under_way = 0
        self._settled = asyncio.Event()

    @asynccontextmanager
    async def reserved(self, amount: float) -> AsyncIterator[None]:
        """Sets USD aside while a call is under way.

        What calls under way have set aside is more than they cost: while there are any, this waits for them.

        Raises:
            BudgetExhausted: what is spent and this amount together could cross the limit.
        """
        while self._limit is not None and self._meter.usage.cost_usd + self._reserved + amount > self._limit:
            if not self._under_way:
                spent = self._meter.usage.cost_usd
                raise BudgetExhausted(
                    f"${spent:.4f} of ${self._limit:.4f} are spent, and the next call could cost ${amount:.4f}: "
                    "raise --max-cost"
                )
            self._settled.clear()
            await self._settled.wait()
        self._reserved += amount
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._reserved = self._reserved - amount if self._under_way else 0.0
            self._settled.set()
