"""What endpoints told of earlier calls: what estimates learn from."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Select, func, select

from extractors.documents import Usage
from extractors.vision.endpoints import Endpoint
from extractors.vision.learning import Seen
from flows.store.call_tables import calls
from flows.store.tables import extractions

_LAST = 200
"""Calls that are looked at."""


def seen_calls(connection: Connection, endpoints: Sequence[Endpoint]) -> dict[str, list[Seen]]:
    """The last answered calls of each endpoint under its model, the oldest first."""
    return {
        each.name: _seen(connection, _of(each).order_by(calls.c.sent_at.desc()).limit(_LAST))[::-1]
        for each in endpoints
    }


def seen_answers(connection: Connection, endpoint: Endpoint, schema_name: str) -> list[Seen]:
    """The last answers that an endpoint gave to questions of a schema."""
    of_schema = (
        _of(endpoint)
        .join(extractions, extractions.c.id == calls.c.extraction_id)
        .where(calls.c.outcome == "answer", extractions.c.schema_name == schema_name)
    )
    return _seen(connection, of_schema.order_by(calls.c.sent_at.desc()).limit(_LAST))


def sent_lately(connection: Connection, endpoints: Sequence[Endpoint]) -> dict[str, list[float]]:
    """Seconds since each of the last minute's calls, of the endpoints that grant only so many a minute."""
    limited = [each.name for each in endpoints if each.requests_per_minute is not None]
    if not limited:
        return {}
    now = datetime.now(UTC)
    lately = select(calls.c.endpoint, calls.c.sent_at).where(
        calls.c.endpoint.in_(limited), calls.c.sent_at >= now - timedelta(minutes=1)
    )
    ages: dict[str, list[float]] = {name: [] for name in limited}
    for row in connection.execute(lately):
        ages[row.endpoint].append((now - row.sent_at).total_seconds())
    return ages


def sent_today(connection: Connection, endpoint: str) -> int:
    """Requests that were sent to an endpoint today (UTC), or are about to be."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = select(func.count()).where(calls.c.endpoint == endpoint, calls.c.sent_at >= midnight)
    return connection.execute(counted).scalar_one()


def _of(endpoint: Endpoint) -> Select[tuple[int, int, int, int, int, float]]:
    columns = (
        calls.c.reserved_input, calls.c.reserved_output, calls.c.input_tokens, calls.c.output_tokens,
        calls.c.cached_tokens, calls.c.cost_usd,
    )  # fmt: skip
    good = (calls.c.settled, calls.c.status == 200)  # noqa: PLR2004 - HTTP's success
    return select(*columns).where(*good, calls.c.endpoint == endpoint.name, calls.c.model == endpoint.model)


def _seen(connection: Connection, asked: Select[tuple[int, int, int, int, int, float]]) -> list[Seen]:
    return [
        Seen(
            Usage(row.reserved_input, row.reserved_output),
            Usage(row.input_tokens, row.output_tokens, row.cached_tokens, float(row.cost_usd or 0.0)),
        )
        for row in connection.execute(asked)
    ]
