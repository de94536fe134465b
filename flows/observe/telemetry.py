"""Metrics and traces by OpenTelemetry: kept only where the extra `telemetry` is installed and started.

Without it, or before `start`, nothing here does anything, or imports anything. With it, `/metrics` of `octavo listen`
and of `octavo consume --port N` shows the numbers to Prometheus, and they go to a collector as well, with traces,
where `OTEL_EXPORTER_OTLP_ENDPOINT` names one (the SDK's own settings, as its specification has them). Runs without a
port add what they counted to `OCTAVO_METRICS_FILE`. Counters are there from the start, at zero: what a rule of
Prometheus's sees first at one has not risen. What stands now is computed when somebody looks.
No document's name is a metric's label: there would be as many series as documents.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path
from time import time_ns
from typing import Any

from extractors.documents import StoredReply
from extractors.ledger import Ended, Ledger, Planned
from extractors.vision.endpoints import Endpoint
from flows.observe import textfile
from flows.observe.logs import about, tell
from flows.observe.meters import NAME, begin_at_zero, expect_of, meters
from flows.observe.standings import standings
from flows.observe.summary import Outcome, Summary
from flows.observe.watch import Watch

_started = threading.Event()
_NS = 1_000_000_000
_DEFAULT_BUCKETS = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 240)
"""Seconds: a page takes a model 1 to 20, a window of eight up to minutes."""


def start() -> bool:
    """Keeps what is measured from here on; False when the extra is not installed. Twice is once."""
    if _started.is_set():
        return True
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
        from opentelemetry.sdk.resources import Resource
    except ModuleNotFoundError:
        return False
    from opentelemetry import metrics

    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or NAME})
    readers = [PrometheusMetricReader(), *_to_collector(resource)]
    # By its whole name: a pattern would make a histogram of the gauge octavo.queue.oldest.seconds too.
    buckets = View(
        instrument_name="octavo.call.seconds", aggregation=ExplicitBucketHistogramAggregation(_DEFAULT_BUCKETS)
    )
    metrics.set_meter_provider(MeterProvider(readers, resource, views=[buckets]))
    _started.set()
    standings()
    begin_at_zero()
    return True


def start_for_run(file: Path | None) -> None:
    """Keeps what a run without a port measures, where a collector or a file is named; nothing otherwise.

    Args:
        file: that counters are added to, while it goes and by `finish`.
    """
    if not (file or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        return
    if not start():
        tell("no metrics: install the `telemetry` extra", level=logging.WARNING)
    elif file is not None:
        textfile.keep(file)


def _to_collector(resource: Any) -> list[Any]:
    """The readers that send to a collector, where one is named; traces are sent there too."""
    if not environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return []
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    return [PeriodicExportingMetricReader(OTLPMetricExporter())]


def page() -> tuple[bytes, str]:
    """What `/metrics` answers, and its media type; empty without the extra."""
    if not _started.is_set():
        return b"", "text/plain"
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(), CONTENT_TYPE_LATEST


def finish() -> None:
    """Sends what a collector has not got yet."""
    if not _started.is_set():
        return
    from opentelemetry import metrics, trace

    textfile.write()
    for provider in (metrics.get_meter_provider(), trace.get_tracer_provider()):
        flush = getattr(provider, "force_flush", None)
        if flush is not None:
            flush()


def expect(endpoints: Sequence[Endpoint]) -> None:
    """Begins at zero what is counted by endpoint: a bill of the first minute has risen, too."""
    if _started.is_set():
        expect_of(endpoints)


def uploads(state: str, count: int) -> None:
    """Counts uploads: `accepted`, `done`, `gone`, `waiting` (tried in vain), `poison`, `refused`."""
    if count and _started.is_set():
        meters().uploads.add(count, {"state": state})


def queue(waiting: int, oldest_seconds: float) -> None:
    """Notes how long the queue is, and how old; it ages from here on."""
    if _started.is_set():
        standings().queue = waiting, (time.monotonic() - oldest_seconds if oldest_seconds else None)


def watches(trouble: Callable[[], str | None]) -> None:
    """Has whoever looks told whether the service can do its work: `trouble` says what keeps it from it, or None."""
    if _started.is_set():
        standings().trouble = trouble
        queue(0, 0.0)


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """A span of the trace: a run, a document; calls are spans below it. What is logged within says the same."""
    with about(**{name if key == "uri" else key: value for key, value in attributes.items()}):
        if not _started.is_set():
            yield
            return
        from opentelemetry import trace

        marked = {f"octavo.{key}": value for key, value in attributes.items()}
        with trace.get_tracer(NAME).start_as_current_span(name, attributes=marked):
            yield


def measured_book(book: Ledger) -> Ledger:
    """The ledger itself where nothing is measured; else one that counts what is paid for."""
    return _MeasuredBook(book) if _started.is_set() else book


def measured(watch: Watch) -> Watch:
    """The watch itself where nothing is measured; else one that counts what ends, and passes all on."""
    return _Measured(watch) if _started.is_set() else watch


class _MeasuredBook:
    def __init__(self, book: Ledger) -> None:
        self._book = book
        self._under_way: dict[str, Planned] = {}

    async def get(self, fingerprints: Sequence[str]) -> Sequence[StoredReply]:
        return await self._book.get(fingerprints)

    async def reserve(self, call: Planned) -> str:
        name = await self._book.reserve(call)
        self._under_way[name] = call
        return name

    async def strikes(self, fingerprint: str) -> tuple[int, int]:
        return await self._book.strikes(fingerprint)

    async def sent_today(self, endpoint: str) -> int:
        return await self._book.sent_today(endpoint)

    async def settle(self, call: str, ended: Ended, reply: StoredReply | None) -> None:
        await self._book.settle(call, ended, reply)
        planned = self._under_way.pop(call)
        _measure(planned, ended)
        line = f"call of {planned.endpoint}: {ended.outcome}, HTTP {ended.status} after {ended.seconds:.1f} s"
        tell(line, window=planned.fingerprint, endpoint=planned.endpoint, http_status=ended.status)


def _measure(call: Planned, ended: Ended) -> None:
    from opentelemetry import trace

    counted, where = meters(), {"endpoint": call.endpoint, "model": call.model}
    counted.calls.add(1, {**where, "status": str(ended.status), "outcome": ended.outcome})
    counted.call_seconds.record(ended.seconds, where)
    # What nobody answered is booked at what it could be.
    usage = call.expected if ended.usage is None else ended.usage
    for direction in ("input", "output", "cached"):
        counted.tokens.add(getattr(usage, direction), {**where, "direction": direction})
    if call.priced or usage.cost_usd:
        counted.cost.add(usage.cost_usd, where)
    else:
        counted.unpriced.add(1, where)
    now = time_ns()
    span = trace.get_tracer(NAME).start_span(
        "call", attributes={"octavo.window": call.fingerprint, **where}, start_time=now - int(ended.seconds * _NS)
    )
    span.end(now)


class _Measured:
    def __init__(self, also: Watch) -> None:
        self._also = also
        self._pages: dict[str, int] = {}
        self._records = 0

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        expect(endpoints)
        self._also.started(endpoints, schema_name)

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        standings().follows(summary.meter)
        if outcome is not None:
            meters().documents.add(1, {"status": outcome.status, "kind": outcome.kind or ""})
            for status, count in summary.pages.items():
                meters().pages.add(count - self._pages.get(status, 0), {"status": status})
            self._pages = dict(summary.pages)
            meters().records.add(summary.records - self._records)
            self._records = summary.records
        self._also.progressed(summary, outcome)

    def notice(self, line: str) -> None:
        self._also.notice(line)

    def finished(self, summary: Summary) -> None:
        standings().follows(summary.meter)
        self._also.finished(summary)
