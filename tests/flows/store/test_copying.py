"""`octavo db copy`: a store in another database is the same store: for people, for the next run, row for row."""

import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says
from hypothesis import HealthCheck, given, settings
from pages import digital_pdf
from random_rows import filled_tables, stored_rows
from runs import TOTAL
from sqlalchemy import func, select
from stores import Note, draft, extract, fresh_url, outcome, texts

from extractors.errors import StoreUnavailable
from flows.cli.parser import main
from flows.store import inbox, notices
from flows.store.copying import copy_store
from flows.store.store import Store
from flows.store.tables import documents, extractions, metadata, records, store_version
from flows.store.views import make_views
from schemas.record import schema_of

DATABASES = ["sqlite", "postgresql"]
WAYS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite")]


def _two_urls(tmp_path: Path, source: str, target: str) -> tuple[str, str]:
    folders = [tmp_path / name for name in ("source", "target")]
    for each in folders:
        each.mkdir()
    return fresh_url(source, folders[0]), fresh_url(target, folders[1])


def _filled(url: str) -> None:
    """Two documents, one of them read anew, so that a row refers to a later one."""
    with Store.open(url) as store:
        make_views(store, schema_of(Note))
        extract(store, "a", "A")
        extract(store, "a", "A2", etag="2")
        extract(store, "b", "B", outcome("partial", draft(text="half")))
        store.release()


def _copied(source: str, target: str, **how: Any) -> dict[str, int]:
    with Store.open(source, read_only=True) as read, Store.open(target) as written:
        return copy_store(read, written, **how)


@pytest.mark.parametrize(("source", "target"), [WAYS[0], WAYS[1]])
def test_the_next_run_on_the_copy_pays_nothing_again(
    source: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Records, costs and histories are printed as before; what was pending is read there, all else is done."""
    here, there = _two_urls(tmp_path, source, target)
    inbox_folder = tmp_path / "inbox"
    inbox_folder.mkdir()
    for number in range(3):
        (inbox_folder / f"{number}.pdf").write_bytes(digital_pdf([f"Corner Shop {number}", "Total 12.00"]))
    (inbox_folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")

    def answer(asked: Asked) -> Answer:
        return says({**TOTAL, "merchant": f"Shop \u00e9 {asked.fingerprint[:4]}"})

    def told(*command: str, store: str) -> str:
        assert main([*command, "--store", store]) == 0
        return capsys.readouterr().out

    looks = [
        ("cost", "--by", "document"), ("cost", "--by", "run"), ("history", f"file://{inbox_folder}/0.pdf"),
        ("history", f"file://{inbox_folder}/broken.pdf"),
    ]  # fmt: skip
    # Not as text: PostgreSQL's JSON has its keys in an order of its own.
    whole = ("records", "receipt", "--format", "json")
    with model_server(answer) as model:
        run = ["extract", str(inbox_folder), "--schema", "receipt", "--base-url", model.base_url, "--model", "m"]
        assert main([*run, "--store", here]) == 3  # one is broken
        paid = len(model.asked)
        capsys.readouterr()
        assert main(["db", "copy", "--store", here, "--to", there]) == 0
        table = capsys.readouterr().out
        assert all(f"{name} " in table for name in ("documents", "calls", "replies", "records"))
        for each in looks:
            assert told(*each, store=there) == told(*each, store=here)
        assert json.loads(told(*whole, store=there)) == json.loads(told(*whole, store=here))
        assert main([*run, "--store", there]) == 0  # nothing is left to do
        assert len(model.asked) == paid
        (inbox_folder / "new.pdf").write_bytes(digital_pdf(["Corner Shop, new", "Total 12.00"]))
        assert main([*run, "--store", there]) == 0
        assert len(model.asked) == paid + 1
        capsys.readouterr()
        assert len(json.loads(told(*whole, store=there))) == 4


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One PostgreSQL store for all examples."""
    with Store.open(fresh_url("postgresql", tmp_path_factory.mktemp("between"))) as store:
        store.transact(inbox.make_table)
        store.transact(notices.make_tables)
        yield store


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=stored_rows())
def test_there_and_back_every_row_is_the_same(
    between: Store, tmp_path_factory: pytest.TempPathFactory, rows: dict[str, list[dict[str, Any]]]
) -> None:
    """Whatever the columns hold: moments to the microsecond, floats to the bit, JSON number for number."""
    folder = tmp_path_factory.mktemp("copies")
    with between.writing() as connection:
        names = ", ".join({table.name: None for table in [*metadata.sorted_tables, *filled_tables()]})
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    with (
        Store.open(f"sqlite:///{folder / 'first.db'}") as first,
        Store.open(f"sqlite:///{folder / 'last.db'}") as last,
    ):
        first.transact(inbox.make_table)
        first.transact(notices.make_tables)
        with first.writing() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in filled_tables():
                if rows[table.name]:
                    connection.execute(table.insert(), rows[table.name])
        copied = copy_store(first, between)
        assert copy_store(between, last) == copied
        assert {name: len(each) for name, each in rows.items()} == {name: copied[name] for name in rows}
        for store in (between, last):
            assert _rows(store) == _rows(first)


def _rows(store: Store) -> dict[str, list[dict[str, Any]]]:
    """All that is there, JSON as text that tells 1 from true, with exact numbers."""
    with store.reading() as connection:
        return {
            table.name: sorted(
                ({name: _exact(value) for name, value in row.items()}
                 for row in connection.execute(select(table)).mappings()), key=repr
            )
            for table in filled_tables()
        }  # fmt: skip


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _exact(child)) for key, child in value.items())
    if isinstance(value, list):
        return [_exact(child) for child in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (type(value).__name__, value)
    return ("number", Decimal(repr(value)) + 0)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_numbers_go_on_and_none_is_given_twice(source: str, target: str, tmp_path: Path) -> None:
    """The next row has the next number; a record that is gone leaves its own to nobody, there as here."""
    here, there = _two_urls(tmp_path, source, target)
    _filled(here)
    with Store.open(here) as store, store.writing() as connection:
        gone = connection.scalar(select(func.max(records.c.id)))
        connection.execute(records.delete().where(records.c.id == gone))
    _copied(here, there)
    with Store.open(there) as store:
        work = extract(store, "c", "C")
        with store.reading() as connection:
            assert connection.scalar(select(records.c.id).where(records.c.extraction_id == work)) > gone
            superseded = select(extractions.c.id, extractions.c.superseded_by).where(
                extractions.c.superseded_by.is_not(None)
            )
            assert connection.execute(superseded).all() == [(1, 2)]
        assert texts(store) == [("a", "A2 r1"), ("c", "C r1")]


def test_a_target_with_rows_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is mixed, and nothing is overwritten: the same file, too."""
    here, there = _two_urls(tmp_path, "sqlite", "sqlite")
    _filled(here)
    _filled(there)
    assert main(["db", "copy", "--store", here, "--to", there]) == 1
    assert "is not empty: its table" in capsys.readouterr().err
    assert main(["db", "copy", "--store", here, "--to", here]) == 1
    assert main(["db", "copy", "--store", f"sqlite:///{tmp_path / 'none.db'}", "--to", there]) == 1
    assert not (tmp_path / "none.db").exists()


def test_a_store_of_another_version_is_not_copied(tmp_path: Path) -> None:
    """Neither from nor to: `octavo db upgrade` comes first."""
    here, there = _two_urls(tmp_path, "sqlite", "sqlite")
    with Store.open(here) as store, store.writing() as connection:
        connection.execute(store_version.update().values(version_num="0002"))
    for source, target in ((here, there), (there, here)):
        Store.open(there).close()
        with pytest.raises(StoreUnavailable, match="older Octavo"):
            _copied(source, target)


@pytest.mark.parametrize("database", DATABASES)
def test_a_store_in_use_is_copied_only_as_a_backup(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The copy is of one moment; what was in hand then is nobody's in the copy, and is taken up there."""
    here, there = _two_urls(tmp_path, database, "sqlite")
    _filled(here)
    with Store.open(here) as running:
        running.renew("run-of-the-night")
        assert main(["db", "copy", "--store", here, "--to", there]) == 1
        assert "is in use (run-of-the-night)" in capsys.readouterr().err

        def meanwhile(done: int, total: int) -> None:
            if done == total:
                extract(running, "later", "L")

        if database == "postgresql":
            _copied(here, there, in_use=True, progressed=meanwhile)
            assert ("later", "L r1") in texts(running)
        else:
            assert main(["db", "copy", "--in-use", "--store", here, "--to", there]) == 0
        running.release()
    with Store.open(there) as store:
        assert texts(store) == [("a", "A2 r1"), ("b", "half")]
        extract(store, "later", "L")


@pytest.mark.parametrize("database", DATABASES)
def test_a_killed_copy_leaves_an_empty_target(database: str, tmp_path: Path) -> None:
    """Killed with -9 amid the rows: the same command once more is all there is to do."""
    here, there = _two_urls(tmp_path, "sqlite", database)
    _filled(here)
    with Store.open(there):
        pass
    dies = (
        "import os, sys\n"
        "from flows.store.copying import copy_store\n"
        "from flows.store.store import Store\n"
        "with Store.open(sys.argv[1], read_only=True) as read, Store.open(sys.argv[2]) as written:\n"
        "    copy_store(read, written, progressed=lambda done, _: done > 5 and os.kill(os.getpid(), 9))\n"
    )
    killed = subprocess.run([sys.executable, "-c", dies, here, there], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Store.open(there, read_only=True) as store, store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(documents)) == 0
    assert main(["db", "copy", "--store", here, "--to", there]) == 0
