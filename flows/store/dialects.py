"""Where SQLite and PostgreSQL differ, and nowhere else: connections, upserts, and JSON read in views."""

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Engine,
    FromClause,
    Numeric,
    Table,
    Text,
    TextClause,
    bindparam,
    case,
    cast,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB

from flows.store.types import Moment

SUPPORTED = ("sqlite", "postgresql")

_BUSY_SECONDS = 30
"""How long a SQLite connection waits for another one's write."""

_LIBPQ = {"postgresql+psycopg", "postgresql+psycopg2"}
_AWAY: dict[str, Any] = {
    "connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
"""Seconds (the last: ms) after which a machine that is gone without a word counts as away; by themselves, libpq and
the system wait for a quarter of an hour, or for ever. The URL's query wins."""

_LOOK_AGAIN = 0.02
"""Seconds between two attempts at what SQLite does not wait for."""

_DEFINING = 0x0C7A70
"""Any number, the same in every process: PostgreSQL's advisory lock for changing definitions."""

_READS = "octavo_reads"
"""Marks SQLite transactions that write nothing, and so need not wait for the write lock."""

Sql = ColumnElement[Any]


def json_text(value: Any) -> str:
    """JSON as it is stored: UTF-8 unescaped, since SQLite compares keys as they are written."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def connect(url: URL, *, read_only: bool) -> Engine:
    """The engine for a store's URL; the first connection is made by whoever uses it.

    Args:
        url: of a SQLite file (absolute path) or a PostgreSQL database.
        read_only: nothing can be written through it, and a missing SQLite file is not created.

    Raises:
        ImportError: the database's driver is not installed.
        sqlalchemy.exc.ArgumentError: no such driver, or a query parameter that it does not know.
    """
    if url.get_backend_name() != "sqlite":
        options: dict[str, Any] = {"postgresql_readonly": True} if read_only else {}
        return create_engine(
            url, json_serializer=json_text, pool_pre_ping=True, execution_options=options,
            connect_args=connecting(url),
        )  # fmt: skip
    if read_only:
        url = url.set(database=f"file:{quote(url.database or '')}").update_query_dict({"mode": "ro", "uri": "true"})
    engine = create_engine(url, json_serializer=json_text, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver would begin transactions on its own, and only at the first write: too late to wait for others.
        connection.isolation_level = None
        if not read_only:
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = read_only or connection.get_execution_options().get(_READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def connecting(url: URL) -> dict[str, Any]:
    """What a server's driver is told beside its URL: when it counts as away."""
    libpq = url.drivername in _LIBPQ
    return {name: value for name, value in _AWAY.items() if libpq and name not in url.query}


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Sets a SQLite file to write-ahead logging, which waits for no lock by itself, whatever the time-out.

    Source: sqlite3_busy_handler's documentation: no handler is called where waiting could be a deadlock.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 255 != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_LOOK_AGAIN)
        else:
            return


def reading_options(engine: Engine) -> dict[str, Any]:
    """What makes a transaction see one state from its start to its end."""
    return {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {_READS: True}


def erase_deleted(connection: Connection) -> None:
    """Lets what is deleted be overwritten, where the database would leave it in its file; SQLite's business."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def empty_log(engine: Engine) -> bool:
    """Brings all that is committed into the database's file; False when somebody reads, so that the log stays.

    PostgreSQL's log and dead rows are its administrator's: it recycles the one, and vacuums the other.
    """
    if engine.dialect.name != "sqlite":
        return True
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (busy, *_) = cursor.fetchone() or (1,)
        cursor.close()
    return not busy


def lock_definitions(connection: Connection) -> None:
    """Lets one process at a time create tables and views; SQLite's write lock does already."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_DEFINING)))


def moment(connection: Connection, ahead: float = 0.0) -> ColumnElement[datetime]:
    """Now, or so many seconds later, by the database's clock: those of several machines may differ."""
    if connection.dialect.name == "postgresql":
        return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, ahead)
    return literal(datetime.now(UTC) + timedelta(seconds=ahead), Moment())


def day_of(connection: Connection, column: ColumnElement[datetime]) -> ColumnElement[Any]:
    """The day of a moment in UTC, as ISO text."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")
    return func.date(column)


def insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that can say what to do on a conflict, which both dialects write alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


@cache
def upsert(
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    *,
    replaces: bool = False,
    adds: str | None = None,
    returning: str | None = None,
) -> TextClause:
    """An INSERT that replaces the row of the same key, or leaves it; for what every call or document needs.

    Both dialects write it alike. SQLAlchemy's own statements with ON CONFLICT are made and compiled anew at each
    use, which takes longer than the database does: it caches none of them (`inherit_cache` is not set there).

    Args:
        table: where to.
        columns: those that are given, as parameters of the same names; no default of the table's is filled in.
        key: columns of a unique key.
        replaces: the row that is there gets the new values; otherwise it stays as it is.
        adds: a column of the row that is there, to which the value is added.
        returning: a column to give back, of a row that was written.
    """
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    if adds is not None:
        changed = f"{adds} = {table.name}.{adds} + excluded.{adds}"
    asked = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)}) "  # noqa: S608 - names of ours
        f"ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {changed}' if replaces or adds else 'NOTHING'}"
        f"{f' RETURNING {returning}' if returning else ''}"
    )
    return text(asked).bindparams(*(bindparam(name, type_=table.c[name].type) for name in columns))


class Elements(NamedTuple):
    """A list inside a record as rows.

    Attributes:
        source: to join the record with.
        ordinal: place in the list, from 0.
        object: the element as JSON, when it is an object.
        value: the element itself, as `value_at` gives one.
    """

    source: FromClause
    ordinal: Sql
    object: Sql
    value: Sql


class JsonReader(Protocol):
    """How a view reads JSON. No stored value makes a view fail: what does not fit its column is NULL."""

    def value_at(self, document: Sql, path: Sequence[str]) -> Sql:
        """The value at a path of keys."""

    def elements(self, document: Sql, path: Sequence[str]) -> Elements:
        """The elements of the list at a path; none when there is no list."""

    def length(self, array: Sql) -> Sql:
        """How many elements a JSON list has."""

    def typed(self, value: Sql, kind: str) -> Sql:
        """The value as `text`, `numeric`, `boolean`, `date` or `timestamp`."""


class _Sqlite:
    """`json_extract` and its kin; SQLite's value_at gives numbers as numbers and containers as JSON text.

    NUMERIC is an 8-byte float once it has a fraction: sums, and a number in a text column, are good to about 15
    digits, and the exact decimal stays in `records.data`. Dates are ISO text.
    """

    def value_at(self, document: Sql, path: Sequence[str]) -> Sql:
        if all(_plain(key) for key in path):
            return func.json_extract(document, _json_path(path))
        *parents, last = path
        member = func.json_each(self._container(document, parents, "object")).table_valued("key", "value")
        return select(member.c.value).where(member.c.key == last).scalar_subquery()

    def elements(self, document: Sql, path: Sequence[str]) -> Elements:
        item = func.json_each(self._container(document, path, "array")).table_valued(
            "key", "value", "type", name="item"
        )
        only_object = case((item.c.type == "object", item.c.value))
        return Elements(item, item.c.key, only_object, item.c.value)

    def length(self, array: Sql) -> Sql:
        return func.json_array_length(array)

    def typed(self, value: Sql, kind: str) -> Sql:
        if kind == "numeric":
            number = cast(value, Numeric)
            # Comparing with a NUMERIC converts a text only when all of it is a number: '1.234,56' stays unequal.
            return case((value == number, number))
        if kind == "boolean":
            return case((value.in_([0, 1]), value))
        return cast(value, Text)

    def _container(self, document: Sql, path: Sequence[str], kind: str) -> Sql:
        """The object or list at a path as JSON text, else NULL: json_each fails on anything else."""
        if not path:
            return document
        if all(_plain(key) for key in path):
            where = _json_path(path)
            return case((func.json_type(document, where) == kind, func.json_extract(document, where)))
        *parents, last = path
        member = func.json_each(self._container(document, parents, "object")).table_valued("key", "value", "type")
        value = case((member.c.type == kind, member.c.value))
        return select(value).where(member.c.key == last).scalar_subquery()


_POSTGRES_TYPES: dict[str, tuple[str, Any]] = {
    "numeric": ("numeric", Numeric()),
    "boolean": ("boolean", Boolean()),
    "date": ("date", Date()),
    "timestamp": ("timestamptz", DateTime(timezone=True)),
}


class _Postgres:
    """JSONB functions; decimals are exact, dates are dates. `pg_input_is_valid` asks for PostgreSQL 16."""

    def value_at(self, document: Sql, path: Sequence[str]) -> Sql:
        return func.jsonb_extract_path_text(document, *path)

    def elements(self, document: Sql, path: Sequence[str]) -> Elements:
        found = func.jsonb_extract_path(document, *path) if path else document
        empty = cast(literal_column("'[]'"), JSONB)
        array = case((func.jsonb_typeof(found) == "array", found), else_=empty)
        rows = func.jsonb_array_elements(array).table_valued("value", with_ordinality="position")
        item = rows.render_derived(name="item")
        return Elements(item, item.c.position - 1, item.c.value, item.c.value.op("#>>")(literal_column("'{}'")))

    def length(self, array: Sql) -> Sql:
        return func.jsonb_array_length(array)

    def typed(self, value: Sql, kind: str) -> Sql:
        if kind not in _POSTGRES_TYPES:
            return value
        name, column_type = _POSTGRES_TYPES[kind]
        return case((func.pg_input_is_valid(value, name), cast(value, column_type)))


def json_reader(connection: Connection) -> JsonReader:
    """The reader for views of this database."""
    return _Postgres() if connection.dialect.name == "postgresql" else _Sqlite()


def _plain(key: str) -> bool:
    """Whether a quoted step of a JSON path can name the key in every SQLite from 3.38 on."""
    return bool(key) and not any(character in '"\\' or character < " " for character in key)


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in path)
