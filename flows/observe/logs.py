"""What a service says while it runs: one line an event, for people or, with `OCTAVO_LOG_FORMAT=json`, for machines.

Every line about a document carries its run's id and its uri, one about a model's reply its window's too (the
request's fingerprint, under which the store keeps it); nothing logged holds a key or a record.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import DocumentStatus
from flows.observe.summary import Outcome, Summary

LOG = logging.getLogger("octavo")

_about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(_about.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def start_logging(form: str) -> None:
    """Sends what is logged to standard error.

    Args:
        form: `text` or `json`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "botocore", "boto3", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def tell(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Logs an event with its fields."""
    LOG.log(level, "%s", message, extra={"fields": fields})


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """What is logged from within, tasks begun there included, carries these fields."""
    before = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(before)


class Logged:
    """A watch that logs each document's end and each run's."""

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """Nothing: a service's endpoints were told when it started."""

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """A document has ended."""
        if outcome is None:
            return
        fields = {"run": summary.run_id, "document": outcome.uri, "status": outcome.status}
        if outcome.kind:
            fields |= {"kind": outcome.kind, "cause": outcome.cause or "", "pages": outcome.pages}
        level = logging.INFO if outcome.status == DocumentStatus.COMPLETE else logging.WARNING
        tell(f"{outcome.status}: {outcome.uri}", level=level, **fields)

    def notice(self, line: str) -> None:
        """Something that a person should know."""
        tell(line, level=logging.WARNING)

    def finished(self, summary: Summary) -> None:
        """A run is over."""
        counts = summary.as_json()
        tell(f"run ended: {counts['documents']}", run=summary.run_id, counts=counts)
