"""Which version of the tables a database holds: today's, an older or a newer one, another program's or none."""

from sqlalchemy import Connection, inspect, select

from extractors.errors import StoreUnavailable
from flows.store import call_tables, review_tables  # noqa: F401 - they add their tables to the metadata
from flows.store.dialects import lock_definitions
from flows.store.migrations import REVISIONS
from flows.store.tables import metadata, store_version

_OLDEST_POSTGRESQL = 16
"""The first with `pg_input_is_valid`, without which a view would fail on a value that does not fit its column."""

_OF_THE_FIRST = {"documents", "extractions", "former_contents", "extraction_replies", "schema_views"}
"""Tables that together only an Octavo store has; its first version did not write its number down."""


def make_tables(connection: Connection) -> None:
    """Makes the tables in a database that has none of them; leaves any other as it is."""
    lock_definitions(connection)
    if found_version(connection) is None and not _others(connection):
        metadata.create_all(connection)
        store_version.create(connection)
        connection.execute(store_version.insert().values(version_num=REVISIONS[-1]))


def found_version(connection: Connection) -> str | None:
    """The version's number; None when the database holds no store."""
    there = set(inspect(connection).get_table_names())
    if store_version.name in there:
        return connection.scalar(select(store_version.c.version_num))
    return REVISIONS[0] if there >= _OF_THE_FIRST else None


def check_tables(connection: Connection, shown_url: str) -> None:
    """Sees that the store can be used as it is.

    Args:
        connection: to it.
        shown_url: its URL without secrets.

    Raises:
        StoreUnavailable: it cannot; one line says why and what to do.
    """
    dialect = connection.dialect
    if dialect.name == "postgresql" and int((dialect.server_version_info or (0,))[0]) < _OLDEST_POSTGRESQL:
        raise StoreUnavailable(f"{shown_url} is older than PostgreSQL {_OLDEST_POSTGRESQL}, which a store needs")
    version = found_version(connection)
    if version == REVISIONS[-1]:
        return
    if version in REVISIONS:
        raise StoreUnavailable(
            f"{shown_url} was made by an older Octavo (version {version} of {REVISIONS[-1]}): "
            "back it up, then run octavo db upgrade"
        )
    if version is not None:
        raise StoreUnavailable(
            f"{shown_url} was made by a newer Octavo (version {version}, this one knows {REVISIONS[-1]}): "
            "update Octavo"
        )
    others = _others(connection)
    if others:
        raise StoreUnavailable(
            f"{shown_url} has a table {others[0]!r} that is not Octavo's: it belongs to another program; "
            "give --store another database"
        )
    raise StoreUnavailable(f"{shown_url} holds no Octavo store yet; run octavo extract first")


def _others(connection: Connection) -> list[str]:
    """Tables that another program has under a name that Octavo needs."""
    return sorted(set(inspect(connection).get_table_names()) & {*metadata.tables, store_version.name})
