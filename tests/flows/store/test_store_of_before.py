"""A store that the version before wrote, upgraded: everything is there, and nothing is to be paid again.

`tests/support/store_0002.sql` is SQLite's dump of one: two readable PDFs and a broken one, read under two recipes of
the schema `ticket`, and one CSV export.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, text
from stores import fresh_url

from flows.cli.parser import main
from flows.export.export import export
from flows.store.history import history
from flows.store.queries import quarantined, record_rows
from flows.store.store import Store
from flows.store.tables import extractions, schema_views

DUMP = Path(__file__).parents[2] / "support" / "store_0002.sql"
RECORDS = [("first.pdf", "T-1001", 12.5), ("second.pdf", "T-1002", 7.0)]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The store of before, in either database."""
    made = fresh_url(request.param, tmp_path)
    dump = DUMP.read_text(encoding="utf-8").replace("@FOLDER@", str(tmp_path))
    kept = tmp_path / ("octavo.db" if request.param == "sqlite" else "dump.db")
    with closing(sqlite3.connect(kept)) as connection:
        connection.executescript(dump)
    if request.param == "postgresql":
        _copied(f"sqlite:///{kept}", made)
    return made


def _copied(dumped: str, url: str) -> None:
    """Another database's rows, in tables as the version before made them; its views are SQLite's and stay there."""
    with Store.open(dumped, any_version=True) as source, Store.open(url, any_version=True) as target:
        with target.writing() as connection:
            config = Config()
            config.set_main_option("script_location", "flows.store:migrations")
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
        source_tables, tables = MetaData(), MetaData()
        with source.reading() as read, target.writing() as write:
            source_tables.reflect(read)
            tables.reflect(write)
            write.execute(text("SET session_replication_role = replica"))  # rows may come before what they refer to
            for table in source_tables.sorted_tables:
                rows = [_in_utc(dict(row)) for row in read.execute(table.select()).mappings()]
                if rows and table.name not in {"octavo_version", schema_views.name}:
                    write.execute(tables.tables[table.name].insert(), rows)


def _in_utc(row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps moments without a zone."""
    return {key: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for key, value in row.items()}


def test_everything_is_there_after_the_upgrade(url: str, tmp_path: Path) -> None:
    """Records, quarantine, attempts, costs and what was exported; the views are this version's."""
    assert main(["db", "upgrade", "--store", url]) == 0
    with Store.open(url) as store:
        columns, rows = record_rows(store, "ticket")
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        assert (
            sorted(
                (row["document_uri"].rsplit("/", 1)[-1], row["ticket_number"], float(row["total"])) for row in found
            )
            == RECORDS
        )
        (broken,) = quarantined(store)
        assert (broken.kind, broken.uris[0].rsplit("/", 1)[-1]) == ("damaged", "broken.pdf")
        tried = history(store, f"file://{tmp_path}/d/first.pdf")
        assert [(each.status, each.records, each.counts, each.shown) for each in tried] == [
            ("complete", 1, True, False), ("complete", 1, True, True),
        ]  # fmt: skip
        with store.reading() as connection:
            made = connection.execute(schema_views.select()).all()
            assert {row.name for row in made} == {"ticket", "ticket_issues"}
            assert all("retired_at" in row.definition for row in made)
            spent = connection.execute(text("SELECT sum(input_tokens) FROM calls")).scalar()
            assert spent == connection.execute(text("SELECT sum(input_tokens) FROM extractions")).scalar() > 0
            assert connection.execute(extractions.select()).all()[0].issues is None
        done = export(store, schema_name="ticket", place=str(tmp_path / "out"), form="csv")
        # Its files are not in the dump: everything goes there anew.
        assert (done.added, done.anew) == (2, True)
