"""Requests that an account is granted a minute and a day, where its profile says so: kept to beforehand."""

import time
from collections import deque

_MINUTE = 60.0


class Granted:
    """One endpoint's requests in this process, and those of the day that other runs sent before."""

    def __init__(self, per_minute: int | None, per_day: int | None, used_today: int = 0) -> None:
        """Nothing is sent yet; None: no limit."""
        self._per_minute, self._per_day = per_minute, per_day
        self._used = used_today
        self._sent: deque[float] = deque(maxlen=per_minute)

    @property
    def is_used_up(self) -> bool:
        """Whether there is no request left for today."""
        return self._per_day is not None and self._used >= self._per_day

    def wait(self) -> float:
        """Seconds until one more may be sent."""
        if self._per_minute is None or len(self._sent) < self._per_minute:
            return 0.0
        return max(0.0, self._sent[0] + _MINUTE - time.monotonic())

    def take(self) -> bool:
        """Takes one; whether there was one for today."""
        if self.is_used_up:
            return False
        self._used += 1
        if self._per_minute is not None:
            self._sent.append(time.monotonic())
        return True
