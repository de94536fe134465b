"""What a person is to be told and has not been told yet: kept until a receiver took it, over kills and restarts.

Each function is one transaction's work. A run that is under way keeps a draft here, which is due only once nobody has
renewed it for a while: when its process was killed, whoever delivers next tells what it had found.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, delete, select, update

from flows.store import inbox
from flows.store.dialects import insert, lock_definitions
from flows.store.types import CleanText, Moment

# Apart from the store's own tables: only who is told has need of them.
_metadata = MetaData()

notices = Table(
    "notices",
    _metadata,
    Column("id", String, primary_key=True),
    Column("body", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
)
notices_looked = Table(
    "notices_looked",
    _metadata,
    Column("schema_name", String, primary_key=True),
    Column("until", Moment, nullable=False),
)

DRAFT = timedelta(seconds=60)
"""After which a draft that nobody renews is due: its process is dead."""

_HELD = timedelta(seconds=30)
"""For which whoever takes a notice has it alone; longer than one attempt takes."""

_SHORTEST, _LONGEST = timedelta(seconds=0.5), timedelta(minutes=10)
"""Between two attempts; each further one waits twice as long."""

_KEPT = timedelta(days=7)
"""For which a receiver may be away."""


@dataclass(frozen=True)
class Taken:
    """A notice that is to be sent now, for the `attempts`th time."""

    id: str
    body: str
    attempts: int


def make_tables(connection: Connection) -> None:
    """Makes the tables where they are missing."""
    lock_definitions(connection)
    _metadata.create_all(connection)


def keep(
    connection: Connection, final: Mapping[str, str], drafts: Mapping[str, str], over: Collection[str] = ()
) -> None:
    """Keeps notices, their bodies by their ids: final ones are due at once, drafts once they are not renewed.

    Drafts whose runs are `over` go in the same transaction. One that was taken for a dead process's is delivered by
    now: the final notice has an id of its own, so that no receiver drops it as a double.
    """
    now = datetime.now(UTC)
    if over:
        connection.execute(delete(notices).where(notices.c.id.in_(over)))
    for name, body in {**drafts, **final}.items():
        not_before = now if name in final else now + DRAFT
        said = {"body": body, "not_before": not_before, "attempts": 0}
        connection.execute(
            insert(connection, notices)
            .values(id=name, created_at=now, **said)
            .on_conflict_do_update(index_elements=["id"], set_=said)
        )


def take(connection: Connection) -> Taken | None:
    """The next notice that is due, held for a while: the least often tried first; None when none is."""
    now = datetime.now(UTC)
    row = connection.execute(
        select(notices)
        .where(notices.c.not_before <= now)
        .order_by(notices.c.attempts, notices.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    held = {"not_before": now + _HELD, "attempts": row.attempts + 1}
    connection.execute(update(notices).where(notices.c.id == row.id).values(held))
    return Taken(row.id, row.body, row.attempts + 1)


def delivered(connection: Connection, name: str) -> None:
    """A receiver took it."""
    connection.execute(delete(notices).where(notices.c.id == name))


def postpone(connection: Connection, taken: Taken) -> None:
    """It is tried again, later each time."""
    later = datetime.now(UTC) + min(_LONGEST, _SHORTEST * 2 ** min(taken.attempts - 1, 20))
    connection.execute(update(notices).where(notices.c.id == taken.id).values(not_before=later))


def left(connection: Connection, names: Collection[str]) -> set[str]:
    """Those of some notices that nobody took yet."""
    return set(connection.scalars(select(notices.c.id).where(notices.c.id.in_(names))))


def give_up(connection: Connection) -> list[str]:
    """Drops what no receiver took for a week; their bodies."""
    old = notices.c.created_at < datetime.now(UTC) - _KEPT
    bodies = list(connection.scalars(select(notices.c.body).where(old)))
    if bodies:
        connection.execute(delete(notices).where(old))
    return bodies


def note_arrivals(
    connection: Connection, schema_name: str, notice_of: Callable[[Sequence[inbox.Noted]], tuple[str, str]]
) -> None:
    """Keeps one notice of a schema's arrivals that came to grief since this was last done, by whichever process.

    The first time only notes from when on. `notice_of` gives a notice's id and body.
    """
    now, looked = datetime.now(UTC), notices_looked
    asked = select(looked.c.until).where(looked.c.schema_name == schema_name).with_for_update()
    since = connection.scalar(asked)
    connection.execute(
        insert(connection, looked)
        .values(schema_name=schema_name, until=now)
        .on_conflict_do_update(index_elements=["schema_name"], set_={"until": now})
    )
    found = [] if since is None else inbox.noted(connection, inbox.TROUBLED, schema_name, since=since)
    if found:
        keep(connection, dict([notice_of(found)]), {})
