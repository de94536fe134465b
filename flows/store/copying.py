"""A whole store in another database: how one moves from SQLite to PostgreSQL (or back), and is backed up."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, bindparam, func, inspect, select

from extractors.errors import StoreUnavailable
from flows.store import inbox, notices
from flows.store.dialects import lock_definitions
from flows.store.leases import standing
from flows.store.numbering import go_on_after, last_number, numbered_tables
from flows.store.store import Store
from flows.store.tables import leases, metadata, schema_views
from flows.store.views import remake_views

_BATCH = 200
"""Rows in memory at once: a reply or a record's evidence may be long."""

_MADE_WHERE_NEEDED = {
    inbox.arrivals: inbox.make_table,
    notices.notices: notices.make_tables,
    notices.notices_looked: notices.make_tables,
}
"""Tables that not every store has, and what makes them."""


def copy_store(
    source: Store, target: Store, *, in_use: bool = False, progressed: Callable[[int, int], None] = lambda *_: None
) -> dict[str, int]:
    """Copies everything but leases, as it is at one moment, in one transaction of the target.

    Numbers of rows, moments, JSON and amounts are the same afterwards; views are made anew, under their names. What
    was under way in the source is nobody's in the target: it is taken up there by whoever runs next.

    Args:
        source: open for reading.
        target: open for writing, without a single row.
        in_use: copies also while others work on the source: what they write from then on is not in the copy.
        progressed: hears of the rows that are copied, and how many there are.

    Returns:
        Rows by table.

    Raises:
        StoreUnavailable: somebody works on the source, the target is not empty, or one of both is away. The target
            is as it was then, as it is when this process dies.
    """
    with source.reading() as read, target.writing() as written:
        # Whoever opens the target meanwhile waits.
        lock_definitions(written)
        with source.telling("read"):
            if not in_use:
                _refuse_users(read, source.shown_url)
            tables = _tables(read)
            totals = {table.name: read.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
        _refuse_rows(written, target.shown_url)
        _make_missing(written, tables)
        copied = 0
        for table in tables:
            for rows in _batches(source, read, table):
                written.execute(table.insert(), rows)
                copied += len(rows)
                progressed(copied, sum(totals.values()))
        for table in tables:
            for column in _to_itself(table):
                for rows in _links(source, read, column):
                    _link(written, column, rows)
        for table in numbered_tables():
            with source.telling("read"):
                number = last_number(read, table)
            go_on_after(written, table, number)
        remake_views(written)
        if not in_use:
            # Who began meanwhile.
            with source.reading() as now:
                _refuse_users(now, source.shown_url)
    return totals


def _tables(connection: Connection) -> list[Table]:
    """What is copied, each after those it refers to: leases are of processes, which do not move."""
    tables = [table for table in metadata.sorted_tables if table is not leases]
    there = inspect(connection)
    return [*tables, *(table for table in _MADE_WHERE_NEEDED if there.has_table(table.name))]


def _make_missing(target: Connection, tables: list[Table]) -> None:
    for table in tables:
        if make := _MADE_WHERE_NEEDED.get(table):
            make(target)


def _refuse_users(source: Connection, shown_url: str) -> None:
    users = standing(source)
    if users:
        raise StoreUnavailable(
            f"{shown_url} is in use ({', '.join(users)}): what is written from now on would not be in the copy; "
            "end it first (a lease of another machine's dead process runs out within a minute), or copy for a backup "
            "with --in-use"
        )


def _refuse_rows(target: Connection, shown_url: str) -> None:
    for table in [leases, *_tables(target)]:
        if target.execute(select(table).limit(1)).first() is not None:
            raise StoreUnavailable(
                f"{shown_url} is not empty: its table {table.name} has rows; name a new file or an empty database"
            )


def _batches(source: Store, connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, but for links to rows that may not be there yet; of views, what they are called."""
    without: dict[str, Any] = {column.name: None for column in _to_itself(table)}
    if table is schema_views:
        without = {"definition": ""}  # it is this database's own way to write it
    for rows in _found(source, connection, select(table).order_by(*table.primary_key)):
        yield [{**row, **without} for row in rows]


def _links(source: Store, connection: Connection, column: Column[Any]) -> Iterator[list[dict[str, Any]]]:
    """Which row of a table refers to which."""
    key = column.table.c.id
    asked = select(key.label("this"), column.label("that")).where(column.is_not(None)).order_by(key)
    return _found(source, connection, asked)


def _found(source: Store, connection: Connection, asked: Select[Any]) -> Iterator[list[dict[str, Any]]]:
    with source.telling("read"), connection.execute(asked, execution_options={"yield_per": _BATCH}) as found:
        for rows in found.mappings().partitions():
            yield [dict(row) for row in rows]


def _to_itself(table: Table) -> list[Column[Any]]:
    """Columns that refer to rows of the same table."""
    return [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]


def _link(target: Connection, column: Column[Any], rows: list[dict[str, Any]]) -> None:
    """Fills in links between rows that are all there by now."""
    this = column.table.c.id == bindparam("this")
    target.execute(column.table.update().where(this).values({column.name: bindparam("that")}), rows)
