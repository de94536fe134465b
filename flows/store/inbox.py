"""Uploads that were accepted and not yet read, kept in the store: what a 202 promises survives a kill.

One row for each object and schema, however often it is announced. Announced again while it is worked
on, its generation grows, so that the outcome of the older bytes does not settle the newer ones. Each
function is one transaction's work; who takes rows holds them by its lease (`flows.store.leases`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    case,
    func,
    inspect,
    or_,
    select,
    update,
)  # fmt: skip

from flows.store.dialects import insert, lock_definitions
from flows.store.leases import holds
from flows.store.types import CleanText, Moment

# Apart from the store's own tables: only who listens or consumes has need of it.
_metadata = MetaData()

arrivals = Table(
    "arrivals",
    _metadata,
    Column("uri", CleanText, primary_key=True),
    Column("schema_name", String, primary_key=True),
    Column("otherwise", CleanText),
    # waiting, done, gone (not there), failed (given up), poison (a message, not an object), refused
    Column("state", String, nullable=False, index=True),
    Column("cause", CleanText),
    Column("attempts", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("held_by", String),
)


@dataclass(frozen=True)
class Arrival:
    """An object that was uploaded.

    Attributes:
        uri: `s3://bucket/key`.
        otherwise: the key as it was sent, when decoding changed it: Ceph does not encode keys, AWS does.
    """

    uri: str
    otherwise: str | None = None


MOST_ATTEMPTS = 8
"""Times an object that cannot be fetched is tried before it is given up, visibly."""

_BACKOFF = timedelta(seconds=5)
"""Before the second attempt; each further one waits twice as long: 10 minutes in all."""


@dataclass(frozen=True)
class Taken:
    """An arrival that is to be read now.

    Attributes:
        arrival: which object.
        generation: how often it was announced by then.
        attempts: how often it was tried in vain.
    """

    arrival: Arrival
    generation: int
    attempts: int


def make_table(connection: Connection) -> None:
    """Makes the table where it is missing."""
    lock_definitions(connection)
    _metadata.create_all(connection)


def accept(connection: Connection, schema_name: str, arrived: Sequence[Arrival]) -> None:
    """Notes uploads as waiting, each once."""
    now = datetime.now(UTC)
    fresh = {"state": "waiting", "cause": None, "attempts": 0, "not_before": now, "settled_at": None}
    rows = [
        {"uri": uri, "schema_name": schema_name, "otherwise": otherwise, "generation": 1, "accepted_at": now, **fresh}
        for uri, otherwise in {each.uri: each.otherwise for each in arrived}.items()
    ]
    upsert = insert(connection, arrivals)
    again = {
        **fresh,
        "otherwise": upsert.excluded.otherwise,
        "generation": arrivals.c.generation + 1,
        # The oldest announcement that nobody has answered: the queue's age.
        "accepted_at": case(
            (arrivals.c.state == "waiting", arrivals.c.accepted_at), else_=upsert.excluded.accepted_at
        ),
    }
    if rows:
        connection.execute(upsert.on_conflict_do_update(index_elements=["uri", "schema_name"], set_=again), rows)


def begin(connection: Connection, *, schema_name: str, arrived: Sequence[Arrival], holder: str) -> list[Taken]:
    """Notes uploads as waiting and held: whoever heard of them reads them at once."""
    accept(connection, schema_name, arrived)
    named = and_(arrivals.c.schema_name == schema_name, arrivals.c.uri.in_([each.uri for each in arrived]))
    connection.execute(update(arrivals).where(named).values(held_by=holder))
    rows = connection.execute(select(arrivals).where(named)).all()
    return [Taken(Arrival(row.uri, row.otherwise), row.generation, row.attempts) for row in rows]


def take(
    connection: Connection, *, schema_name: str, holder: str, most: int, besides: Collection[str] = ()
) -> list[Taken]:
    """Some waiting arrivals, the oldest first, held from here on; what a dead process held is taken over.

    Those of the uris `besides` are not among them: the holder itself is at work on them.
    """
    waiting = and_(arrivals.c.schema_name == schema_name, arrivals.c.state == "waiting")
    holders = connection.scalars(
        select(arrivals.c.held_by).where(waiting, arrivals.c.held_by.is_not(None)).distinct()
    )
    others = [other for other in holders if other != holder and holds(connection, other)]
    free = or_(arrivals.c.held_by.is_(None), arrivals.c.held_by.not_in(others))
    rows = connection.execute(
        select(arrivals)
        .where(waiting, free, arrivals.c.uri.not_in(besides), arrivals.c.not_before <= datetime.now(UTC))
        .order_by(arrivals.c.accepted_at, arrivals.c.uri)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        mine = and_(arrivals.c.schema_name == schema_name, arrivals.c.uri.in_([row.uri for row in rows]))
        connection.execute(update(arrivals).where(mine).values(held_by=holder))
    return [Taken(Arrival(row.uri, row.otherwise), row.generation, row.attempts) for row in rows]


def settle(connection: Connection, schema_name: str, taken: Taken, *, state: str, cause: str | None) -> None:
    """Notes how an arrival ended; one that was announced again meanwhile goes on waiting."""
    now = datetime.now(UTC)
    this = and_(arrivals.c.schema_name == schema_name, arrivals.c.uri == taken.arrival.uri)
    connection.execute(update(arrivals).where(this).values(held_by=None))
    same = arrivals.c.generation == taken.generation
    connection.execute(update(arrivals).where(this, same).values(state=state, cause=cause, settled_at=now))


def put_back(connection: Connection, schema_name: str, taken: Taken, cause: str | None) -> None:
    """Lets an arrival wait for its next attempt.

    Args:
        connection: to the store.
        schema_name: whose arrivals these are.
        taken: the one.
        cause: why this object could not be read; None when it was not tried: that is no attempt.
    """
    attempts = taken.attempts + (cause is not None)
    if attempts >= MOST_ATTEMPTS:
        settle(connection, schema_name, taken, state="failed", cause=cause)
        return
    later = datetime.now(UTC) + (_BACKOFF * 2 ** (attempts - 1) if cause else timedelta())
    this = and_(arrivals.c.schema_name == schema_name, arrivals.c.uri == taken.arrival.uri)
    connection.execute(
        update(arrivals).where(this).values(held_by=None, attempts=attempts, cause=cause, not_before=later)
    )


def settle_all(
    connection: Connection, schema_name: str, taken: Sequence[Taken], how: Mapping[str, tuple[str, str | None]]
) -> None:
    """Notes how uploads ended, by uri: state and cause; those that wait are put back."""
    for each in taken:
        state, cause = how[each.arrival.uri]
        if state == "waiting":
            put_back(connection, schema_name, each, cause)
        else:
            settle(connection, schema_name, each, state=state, cause=cause)


def note_all(
    connection: Connection, schema_name: str, state: str, told: Mapping[str, tuple[str, str | None]]
) -> None:
    """Notes what is not read: by name, why, and what a message (`poison`) says, which a later version may understand.

    What else is noted is `refused`: an object that may not be announced. What waits or was read is left as it is: it
    came in by another service's settings.
    """
    now, ours = datetime.now(UTC), arrivals.c.state.not_in(("waiting", "done"))
    for name, (cause, body) in told.items():
        said = {
            "state": state, "cause": cause, "otherwise": body, "settled_at": now, "attempts": 0, "not_before": now,
        }  # fmt: skip
        connection.execute(
            insert(connection, arrivals)
            .values(uri=name, schema_name=schema_name, generation=1, accepted_at=now, **said)
            .on_conflict_do_update(index_elements=["uri", "schema_name"], set_=said, where=ours)
        )


def counted(connection: Connection, schema_name: str | None = None) -> dict[str, int]:
    """How many arrivals are in each state that some are in; of one schema where it is given."""
    if not inspect(connection).has_table(arrivals.name):
        return {}  # nobody listened or consumed yet
    asked = select(arrivals.c.state, func.count()).group_by(arrivals.c.state)
    if schema_name is not None:
        asked = asked.where(arrivals.c.schema_name == schema_name)
    return {row.state: row[1] for row in connection.execute(asked)}


TROUBLED = ("gone", "failed", "poison")
"""States in which an arrival stays until a person has it tried again, or it is announced again."""


@dataclass(frozen=True)
class Noted:
    """An arrival as a person looks at it.

    Attributes:
        name: the object's uri, or `sqs:ID` of a message that nobody can read.
        schema_name: whose arrival it is.
        state: `waiting`, `done`, `gone`, `failed`, `poison` or `refused`.
        cause: why.
        accepted_at: when it was first heard of.
        body: of a message that nobody can read.
    """

    name: str
    schema_name: str
    state: str
    cause: str | None
    accepted_at: datetime
    body: str | None


def noted(
    connection: Connection,
    states: Sequence[str],
    schema_name: str | None = None,
    names: Sequence[str] = (),
    since: datetime | None = None,
) -> list[Noted]:
    """Arrivals in some states, the oldest first; of a schema, some names, settled since, where these are given."""
    if not inspect(connection).has_table(arrivals.name):
        return []  # nobody listened or consumed yet
    asked = select(arrivals).where(arrivals.c.state.in_(states)).order_by(arrivals.c.accepted_at, arrivals.c.uri)
    if schema_name is not None:
        asked = asked.where(arrivals.c.schema_name == schema_name)
    if names:
        asked = asked.where(arrivals.c.uri.in_(names))
    if since is not None:
        asked = asked.where(arrivals.c.settled_at >= since)
    return [
        Noted(
            row.uri, row.schema_name, row.state, row.cause, row.accepted_at,
            row.otherwise if row.state == "poison" else None,
        )
        for row in connection.execute(asked)
    ]  # fmt: skip


def try_again(connection: Connection, which: Noted) -> None:
    """Lets an object that is gone or failed wait once more; one that was announced meanwhile is left alone."""
    this = and_(arrivals.c.schema_name == which.schema_name, arrivals.c.uri == which.name)
    fresh = {"state": "waiting", "attempts": 0, "not_before": datetime.now(UTC), "settled_at": None, "held_by": None}
    connection.execute(update(arrivals).where(this, arrivals.c.state == which.state).values(**fresh))


def understood(connection: Connection, which: Noted, arrived: Sequence[Arrival]) -> None:
    """A message that nobody could read names these uploads after all: they wait, and it is done with."""
    accept(connection, which.schema_name, arrived)
    this = and_(arrivals.c.schema_name == which.schema_name, arrivals.c.uri == which.name)
    connection.execute(update(arrivals).where(this).values(state="done", settled_at=datetime.now(UTC)))


def waiting(connection: Connection, schema_name: str) -> tuple[int, float]:
    """How many arrivals wait, and for how many seconds the oldest does."""
    asked = select(func.count(), func.min(arrivals.c.accepted_at)).where(
        arrivals.c.schema_name == schema_name, arrivals.c.state == "waiting"
    )
    count, oldest = connection.execute(asked).one()
    return count, (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
