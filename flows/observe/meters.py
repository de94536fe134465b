"""What is counted, each by its name and at zero from the start (`flows.observe.telemetry` counts)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from extractors.errors import AnswerError, DocumentError
from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import NOT_COMPLETE, DocumentStatus, PageStatus

NAME = "octavo"
UPLOAD_STATES = ("accepted", "done", "gone", "waiting", "poison", "refused")

_USUAL = {
    "200": "answer", "0": "unanswered", "429": "overloaded", "503": "overloaded", "500": "busy", "502": "busy",
    "504": "busy",
}  # fmt: skip
"""HTTP status that most answers have, 0 where there was none, and what it means."""


@dataclass(frozen=True)
class Meters:
    """The instruments, made once: names are `octavo.` and what is counted."""

    documents: Any
    pages: Any
    records: Any
    calls: Any
    call_seconds: Any
    tokens: Any
    cost: Any
    unpriced: Any
    uploads: Any


@cache
def meters() -> Meters:
    """The instruments of this process."""
    from opentelemetry import metrics

    meter = metrics.get_meter(NAME)
    return Meters(
        documents=meter.create_counter("octavo.documents", description="documents that ended, by status and kind"),
        pages=meter.create_counter("octavo.pages", description="pages that ended, by status"),
        records=meter.create_counter("octavo.records", description="records written"),
        calls=meter.create_counter("octavo.calls", description="replies of models, by endpoint and HTTP status"),
        call_seconds=meter.create_histogram("octavo.call.seconds", unit="s", description="from request to reply"),
        tokens=meter.create_counter("octavo.tokens", description="tokens, by direction"),
        cost=meter.create_counter("octavo.cost.usd", description="USD spent, where the price is known"),
        unpriced=meter.create_counter("octavo.calls.unpriced", description="replies whose cost is not known"),
        uploads=meter.create_counter("octavo.uploads", description="uploads announced, by what became of them"),
    )


def begin_at_zero() -> None:
    """Every series that a rule or the dashboard asks for, before anything has happened."""
    counted = meters()
    kinds = {each.kind.value for root in (DocumentError, AnswerError) for each in _tree(root)}
    for status in DocumentStatus:
        for kind in {"", *kinds} if status in NOT_COMPLETE else {""}:
            counted.documents.add(0, {"status": status.value, "kind": kind})
    for page in PageStatus:
        counted.pages.add(0, {"status": page.value})
    for state in UPLOAD_STATES:
        counted.uploads.add(0, {"state": state})
    counted.records.add(0)


def _tree(root: type[Any]) -> Iterator[type[Any]]:
    yield root
    for each in root.__subclasses__():
        yield from _tree(each)


def expect_of(endpoints: Sequence[Endpoint]) -> None:
    """Begins at zero what is counted by endpoint: a bill of the first minute has risen, too."""
    counted = meters()
    for each in endpoints:
        where = {"endpoint": each.name, "model": each.model}
        counted.cost.add(0, where)
        counted.unpriced.add(0, where)
        for direction in ("input", "output", "cached"):
            counted.tokens.add(0, {**where, "direction": direction})
        for status, outcome in _USUAL.items():
            counted.calls.add(0, {**where, "status": status, "outcome": outcome})
