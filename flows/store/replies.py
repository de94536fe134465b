"""Runs and model replies as they are kept. Each function is one transaction's work."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from extractors.documents import StoredReply, Usage
from flows.store.adoption import adopt
from flows.store.dialects import upsert
from flows.store.keys import Key
from flows.store.tables import recipes, replies, runs

# Statements that every call or document needs are made once: that costs more than to run them.
_REPLIES = select(replies).where(replies.c.fingerprint.in_(bindparam("asked", expanding=True)))


def start_run(connection: Connection, run: dict[str, Any], parts: dict[str, Any] | None, key: Key) -> None:
    """Notes a run, unless another process of it has, and what its recipe is made of, unless that is known.

    What former versions did under a recipe that means the same is taken over then.
    """
    now = datetime.now(UTC)
    begun = {**run, "started_at": now}
    connection.execute(upsert(runs, tuple(begun), ("id",), replaces=False), begun)
    if parts is None:
        return
    described = {"recipe": run["recipe"], "schema_name": run["schema_name"], "parts": parts, "first_used_at": now}
    new = connection.execute(upsert(recipes, tuple(described), ("recipe",), replaces=False), described).rowcount > 0
    if new and key.asking is not None:
        adopt(connection, key, parts)


def finish_run(connection: Connection, run_id: str, summary: dict[str, Any]) -> None:
    """Notes a run's end and its counts."""
    ended = {"finished_at": datetime.now(UTC), "summary": summary}
    connection.execute(update(runs).where(runs.c.id == run_id).values(ended))


def summaries(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The counts of those runs that have ended."""
    ended = select(runs.c.id, runs.c.summary).where(runs.c.id.in_(run_ids), runs.c.finished_at.is_not(None))
    return {row.id: row.summary for row in connection.execute(ended)}


def get_replies(connection: Connection, fingerprints: Sequence[str]) -> list[StoredReply]:
    """The replies kept under some fingerprints, in their order; those that are not there are left out."""
    rows = connection.execute(_REPLIES, {"asked": list(fingerprints)})
    found = {row.fingerprint: stored_reply(row) for row in rows}
    return [found[fingerprint] for fingerprint in fingerprints if fingerprint in found]


_COLUMNS = (
    "fingerprint", "endpoint", "model", "status", "body", "usage", "cost_usd", "seconds", "created_at",
)  # fmt: skip
_KEEP = upsert(replies, _COLUMNS, ("fingerprint",), replaces=True)


def put_replies(connection: Connection, kept: Sequence[StoredReply]) -> None:
    """Keeps replies; each replaces one of the same fingerprint."""
    if kept:
        connection.execute(_KEEP, [_row_of(reply) for reply in kept])


def _row_of(reply: StoredReply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "fingerprint": reply.fingerprint,
        "endpoint": reply.endpoint,
        "model": reply.model,
        "status": reply.status,
        "body": reply.body,
        "usage": {"input": usage.input, "output": usage.output, "cached": usage.cached},
        "cost_usd": usage.cost_usd,
        "seconds": reply.seconds,
        "created_at": datetime.now(UTC),
    }


def stored_reply(row: Any) -> StoredReply:
    """A row of `replies` as the stages know it."""
    usage = Usage(**row.usage, cost_usd=row.cost_usd)
    return StoredReply(row.fingerprint, row.endpoint, row.model, row.status, row.body, usage, row.seconds)
