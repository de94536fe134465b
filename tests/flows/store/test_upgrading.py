"""A store of an older version is refused with what to do, and upgraded with everything it holds."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select
from stores import Note, draft, extract, fresh_url, outcome, texts

from extractors.errors import StoreUnavailable
from flows.cli.parser import main
from flows.store.migrations import REVISIONS
from flows.store.store import Store
from flows.store.tables import metadata, store_version
from flows.store.upgrade import upgrade
from flows.store.views import make_views
from schemas.record import schema_of


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return fresh_url(request.param, tmp_path)


def _of_the_first_version(url: str) -> None:
    """A store as the first version left it: its tables, one document waiting, and no version number."""
    Path("octavo.db").touch()
    with Store.open(url, any_version=True) as store, store.writing() as connection:
        config = Config()
        config.set_main_option("script_location", "flows.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, REVISIONS[0])
        connection.exec_driver_sql(f"DROP TABLE {store_version.name}")
        connection.exec_driver_sql(
            "INSERT INTO documents (uri, sha256, bytes, etag, seen_at)"
            " VALUES ('s3://bucket/old', 'OLD', 1, '1', '2026-01-31 12:00:00')"
        )


def test_an_older_store_is_refused_with_what_to_do(url: str) -> None:
    """Neither writing nor reading begins; one line names the command."""
    _of_the_first_version(url)
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable, match=r"older Octavo \(version 0001 of .*run octavo db upgrade"):
            Store.open(url, read_only=read_only)


def test_an_upgraded_store_is_one_of_today(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every table, column, index and type is what a new store has, and what it held is there."""
    _of_the_first_version(url)
    assert main(["db", "upgrade", "--store", url]) == 0
    assert f"version 0001 to {REVISIONS[-1]}" in capsys.readouterr().out
    with Store.open(url) as store:
        with store.reading() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": store_version.name})
            assert compare_metadata(context, metadata) == []
            assert connection.execute(select(metadata.tables["documents"].c.uri)).all() == [("s3://bucket/old",)]
        make_views(store, schema_of(Note))
        extract(store, "a", "A", outcome("complete", draft(text="after")))
        assert texts(store) == [("a", "after")]
    assert main(["db", "upgrade", "--store", url]) == 0
    assert "up to date" in capsys.readouterr().out


def test_an_upgrade_is_whole_or_nothing(url: str) -> None:
    """One that fails in the middle leaves the older store as it was."""
    _of_the_first_version(url)
    with Store.open(url, any_version=True) as store:
        with store.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE exports (in_the_way INTEGER)")
        with pytest.raises(Exception, match="exports"):
            upgrade(store)
        with store.reading() as connection:
            assert "leases" not in inspect(connection).get_table_names()
            assert "held_by" not in {column["name"] for column in inspect(connection).get_columns("extractions")}


def test_a_newer_store_is_refused(url: str) -> None:
    """What a later version wrote is not touched, by no command."""
    with Store.open(url) as store, store.writing() as connection:
        connection.execute(store_version.update().values(version_num="9999"))
    for open_it in (lambda: Store.open(url), lambda: main(["db", "upgrade", "--store", url])):
        try:
            assert open_it() == 1
        except StoreUnavailable as error:
            assert "newer Octavo (version 9999" in str(error)  # noqa: PT017 - one of two ways to be told


def test_there_is_nothing_to_upgrade_where_nothing_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file is not made, and an empty database is told apart from an old one."""
    assert main(["db", "upgrade", "--store", f"sqlite:///{tmp_path / 'missing.db'}"]) == 1
    assert not (tmp_path / "missing.db").exists()
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    assert main(["db", "upgrade", "--store", f"sqlite:///{tmp_path / 'empty.db'}"]) == 1
    assert "holds no Octavo store yet" in capsys.readouterr().err


def test_the_scripts_are_the_versions(tmp_path: Path) -> None:
    """The list that commands look at without importing Alembic is the one that Alembic runs."""
    config = Config()
    config.set_main_option("script_location", "flows.store:migrations")
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == REVISIONS
