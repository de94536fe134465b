"""What stands now, computed when somebody looks: the queue, whether work can be done, retries of runs under way."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from weakref import ref

from extractors.vision.metering import Meter
from flows.observe.meters import NAME


@cache
def standings() -> "Standings":
    """What is computed when somebody looks: the queue, whether work can be done, the retries of runs under way."""
    from opentelemetry import metrics

    found, meter = Standings(), metrics.get_meter(NAME)
    meter.create_observable_counter("octavo.retries", [found.retries], description="calls sent again")
    meter.create_observable_gauge(
        "octavo.queue.waiting", [found.waiting], description="uploads accepted and not yet read"
    )
    meter.create_observable_gauge(
        "octavo.queue.oldest.seconds", [found.oldest], unit="s", description="age of the oldest of them"
    )
    meter.create_observable_gauge(
        "octavo.ready", [found.ready], description="1 where the service can do its work, 0 where something keeps it"
    )
    return found


class Standings:
    """What stands now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted = 0
        self._live: dict[int, tuple[ref[Meter], int]] = {}
        self.queue: tuple[int, float | None] | None = None
        self.trouble: Callable[[], str | None] | None = None

    def follows(self, meter: Meter) -> None:
        """Counts a run's retries up to now, and from here on."""
        with self._lock:
            self._add(meter)

    def _add(self, meter: Meter) -> None:
        found, before = self._live.get(id(meter), (None, 0))
        if found is None or found() is not meter:
            before = 0
        self._counted += meter.retries - before
        self._live[id(meter)] = ref(meter), meter.retries

    def retries(self, _: Any) -> Iterator[Any]:
        """Of all runs."""
        from opentelemetry.metrics import Observation

        with self._lock:
            for key, (found, _before) in list(self._live.items()):
                meter = found()
                if meter is None:
                    del self._live[key]
                else:
                    self._add(meter)
            total = self._counted
        yield Observation(total)

    def waiting(self, _: Any) -> Iterator[Any]:
        """As many as when somebody looked last."""
        from opentelemetry.metrics import Observation

        if self.queue is not None:
            yield Observation(self.queue[0])

    def oldest(self, _: Any) -> Iterator[Any]:
        """It grows older between two looks at the queue, all the more when the queue is away."""
        from opentelemetry.metrics import Observation

        if self.queue is not None:
            yield Observation(0.0 if self.queue[1] is None else time.monotonic() - self.queue[1])

    def ready(self, _: Any) -> Iterator[Any]:
        """Of a service only."""
        from opentelemetry.metrics import Observation

        if self.trouble is not None:
            yield Observation(int(self.trouble() is None))
