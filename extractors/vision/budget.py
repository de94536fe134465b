"""One budget for a run: money is set aside before a call is sent, and settled from what it cost."""

from collections.abc import Iterator
from contextlib import contextmanager

from extractors.errors import BudgetExhausted
from extractors.metering import Meter


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

    @contextmanager
    def reserved(self, amount: float) -> Iterator[None]:
        """Sets USD aside while a call is under way.

        Raises:
            BudgetExhausted: spent, set aside and this amount together could cross the limit.
        """
        spent = self._meter.usage.cost_usd
        if self._limit is not None and spent + self._reserved + amount > self._limit:
            raise BudgetExhausted(
                f"${spent:.4f} of ${self._limit:.4f} are spent, ${self._reserved:.4f} are set aside for calls under "
                f"way, and the next call could cost ${amount:.4f}: raise --max-cost"
            )
        self._reserved += amount
        try:
            yield
        finally:
            self._reserved -= amount
