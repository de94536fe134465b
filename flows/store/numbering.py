"""How far the numbers came that the database gives to rows: kept apart from the rows, and copied with them.

A record's number names it in exports, also when it is gone: the next one must not get it again.
"""

from sqlalchemy import Connection, Table, func, select, text

from flows.store.tables import metadata


def numbered_tables() -> list[Table]:
    """Those whose rows get a number."""
    return [table for table in metadata.sorted_tables if table.autoincrement_column is not None]


def last_number(connection: Connection, table: Table) -> int:
    """The highest number that the database remembers to have given in a table, or that is there; 0: none."""
    there = connection.scalar(select(func.max(table.c.id))) or 0
    if connection.dialect.name == "postgresql":
        given = connection.scalar(
            text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass)"),
            {"table": table.name},
        )
    else:
        # Without a row of its own where the table's next number is one more than the highest that is there.
        given = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
    return max(there, given or 0)


def go_on_after(connection: Connection, table: Table, number: int) -> None:
    """Lets a table's next row get a higher number than this; without rows, SQLite remembers it of `records` alone."""
    if not number:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :number)"),
            {"table": table.name, "number": number},
        )
    elif table.dialect_options["sqlite"]["autoincrement"]:
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        connection.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"),
            {"table": table.name, "number": number},
        )
