"""What is told: a stable, versioned JSON shape, made of names, counts and kinds, never of what a document says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from extractors.errors import CannotRun, Kind, advice_for
from extractors.vocabulary import NOT_COMPLETE, SKIPPED
from flows.observe.summary import Outcome, Summary
from flows.store.inbox import Noted

VERSION = 1
"""Of the shape: it rises when a field goes or means something else, not when one is added."""

MOST_NAMED = 20
"""Documents in one message; the others are counted."""

Event = Literal["documents", "paused", "budget", "cannot_run", "arrivals", "review", "ended"]

FAILURES: frozenset[Event] = frozenset({"documents", "paused", "budget", "cannot_run", "arrivals"})
"""Told always; the others only with `OCTAVO_NOTIFY=all`."""

_AGAIN = "run the same command again, or leave it to the service: nothing is lost"
_PAUSED: dict[str, tuple[str, str]] = {
    Kind.ENDPOINT_DOWN: ("the endpoint does not answer", "octavo doctor --probe"),
    Kind.ENDPOINT_REFUSED: ("the endpoint refuses", "octavo doctor --probe"),
    Kind.SOURCE_UNAVAILABLE: ("the source or the queue does not answer", "octavo doctor"),
    Kind.STORE_UNAVAILABLE: ("the store cannot be reached", "octavo doctor"),
    Kind.BUDGET_EXHAUSTED: ("a limit of cost is reached", "octavo cost"),
}


@dataclass(frozen=True)
class Notice:
    """A message.

    Attributes:
        id: the same each time that it is posted; another run of the same id, Prefect's retry, has notices of its own.
        event: which kind of message.
        body: JSON, as it is posted.
    """

    id: str
    event: Event
    body: str


def of_documents(summary: Summary, schema: str, *, draft: str | None = None) -> Notice:
    """Documents of a run that are partial or in quarantine, in one message; `draft` is its id while the run lasts."""
    told = "documents are partial or in quarantine" + ("; the run has not come to its end" if draft else "")
    named = [_document(each) for each in summary.troubles if each.status in NOT_COMPLETE][:MOST_NAMED]
    return _notice(
        "documents", summary.run_id, schema, reason=told, counts=summary.as_json()["documents"], documents=named,
        more=troubled(summary) - len(named), following="octavo quarantine list", name=draft,
    )  # fmt: skip


def troubled(summary: Summary) -> int:
    """Documents that no further run changes by itself; those of a shard's dead processes are named, not counted."""
    named = sum(each.status in NOT_COMPLETE for each in summary.troubles)
    return max(named, summary.not_complete)


def of_pause(summary: Summary, schema: str) -> Notice:
    """A run that stopped early."""
    reason, following = _PAUSED.get(str(summary.paused_by), (_AGAIN, "octavo doctor"))
    event: Event = "budget" if summary.paused_by == Kind.BUDGET_EXHAUSTED else "paused"
    counts = summary.as_json()["documents"]
    return _notice(event, summary.run_id, schema, reason=reason, counts=counts, following=following)


def of_outage(kind: str | None, schema: str) -> Notice:
    """A service that something keeps from its work, for the first time in this outage."""
    reason, following = _PAUSED.get(kind or "", ("something that it needs is away", "octavo doctor"))
    event: Event = "budget" if kind == Kind.BUDGET_EXHAUSTED else "paused"
    return _notice(event, None, schema, reason=reason, following=following)


def of_error(error: CannotRun, schema: str) -> Notice:
    """A run or service that could not begin, or not go on (exit code 1)."""
    reason, following = _PAUSED.get(error.kind, ("it could not run", "octavo doctor"))
    return _notice("cannot_run", None, schema, kind=error.kind, reason=reason, following=following)


def of_review(summary: Summary, schema: str) -> Notice:
    """Documents of a run whose records stand, with issues."""
    return _notice(
        "review", summary.run_id, schema, reason="records stand with issues that a person should look at",
        counts={"documents": summary.to_review}, following="octavo report report.html",
    )  # fmt: skip


def of_end(summary: Summary, schema: str) -> Notice:
    """A run's end, however it ended."""
    documents = summary.as_json()["documents"]
    following = "" if summary.exit_code == 0 else "octavo report report.html"
    return _notice("ended", summary.run_id, schema, reason="the run ended", counts=documents, following=following)


def of_arrivals(found: Sequence[Noted], schema: str) -> Notice:
    """Uploads that were announced and not read."""
    states = [each.state for each in found]
    named = [{"uri": each.name, "status": each.state, "kind": None, "reason": ""} for each in found[:MOST_NAMED]]
    return _notice(
        "arrivals", None, schema, reason="uploads were announced and not read", documents=named,
        counts={state: states.count(state) for state in dict.fromkeys(states)}, more=len(found) - len(named),
        following="octavo arrivals",
    )  # fmt: skip


def for_run(summary: Summary, schema: str, *, service: bool) -> list[Notice]:
    """All that is to be told of a run that has ended; of a service's runs, outages are told apart."""
    found = []
    if troubled(summary):
        found.append(of_documents(summary, schema))
    if summary.paused_by and summary.paused_by != Kind.INTERRUPTED and not service:
        found.append(of_pause(summary, schema))
    if summary.to_review:
        found.append(of_review(summary, schema))
    if summary.documents["seen"] > summary.documents[SKIPPED] or not service:
        found.append(of_end(summary, schema))
    return found


def _document(outcome: Outcome) -> dict[str, Any]:
    # The cause may repeat what the model read: the kind's own words do not.
    reason = advice_for(outcome.kind) if outcome.kind else ""
    return {"uri": outcome.uri, "status": outcome.status, "kind": outcome.kind, "reason": reason}


def _notice(
    event: Event, run: str | None, schema: str, *, following: str, name: str | None = None, **told: Any
) -> Notice:
    name = name or str(uuid4())
    body = {
        "version": VERSION, "id": name, "event": event, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run, "schema": schema, "kind": None, "reason": "", "counts": {}, "documents": [], "more": 0,
        **told, "next": following,
    }  # fmt: skip
    return Notice(name, event, json.dumps(body, ensure_ascii=False))
