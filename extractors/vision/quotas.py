"""Requests that an account is granted a minute and a day, where its profile says so: kept to beforehand."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable

_MINUTE = 60.0


class Granted:
    """One endpoint's requests: those of a minute as this process sends them, those of a day as the ledger has them.

    Attributes:
        a_day: requests a day, or None.
        sent_today: as the ledger last told.
        asking: held from asking the ledger until a call is in it: no two of this process take the last one.
    """

    def __init__(self, per_minute: int | None, per_day: int | None, ages: Iterable[float] = ()) -> None:
        """Nothing is sent yet; None: no limit; `ages` are seconds since other runs' calls of the last minute."""
        self.a_day, self.sent_today, self.asking = per_day, 0, asyncio.Lock()
        self._per_minute, now = per_minute, time.monotonic()
        self._sent: deque[float] = deque(sorted(now - age for age in ages), maxlen=per_minute)

    @property
    def is_used_up(self) -> bool:
        """Whether there is no request left for today."""
        return self.a_day is not None and self.sent_today >= self.a_day

    def wait(self) -> float:
        """Seconds until one more may be sent."""
        if self._per_minute is None or len(self._sent) < self._per_minute:
            return 0.0
        return max(0.0, self._sent[0] + _MINUTE - time.monotonic())

    def take(self) -> bool:
        """Takes one; whether there was one for today."""
        if self.is_used_up:
            return False
        if self._per_minute is not None:
            self._sent.append(time.monotonic())
        return True
