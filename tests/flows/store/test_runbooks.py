"""The runbooks, each tried with the commands of its page: docs/runbooks.md."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import NEW_KEY, ROOT, Desk, blocks, desk, rows
from s3_servers import free_ports
from services import wait_for
from sqlalchemy.engine import make_url
from stores import fresh_url

from flows.store import inbox
from flows.store.migrations import REVISIONS
from flows.store.store import Store


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    """A desk with three documents."""
    with desk(tmp_path / "desk") as made:
        yield made


def _postgresql(folder: Path) -> str:
    """The URL of an empty database, as PostgreSQL's own tools take it too."""
    return (
        make_url(fresh_url("postgresql", folder)).set(drivername="postgresql").render_as_string(hide_password=False)
    )


def test_back_up_and_restore_sqlite(at: Desk) -> None:
    """What was done before the backup is not asked again; what came after it is."""
    assert at.extract() == 3
    at.run(blocks("Back up")[0])
    at.add("later")
    assert at.extract() == 1
    (at.folder / "octavo.db").write_bytes(b"overwritten by mistake")
    at.run(blocks("Restore")[0])
    assert at.extract() == 1
    assert at.extract() == 0
    assert len(rows(at.folder / "octavo.db", "select * from receipt")) == 4


def test_back_up_and_restore_postgresql(at: Desk) -> None:
    """The same with PostgreSQL's own tools, into a database beside the old one."""
    url = _postgresql(at.folder)
    at.environment["OCTAVO_STORE"] = url
    assert at.extract() == 3
    at.run(blocks("Back up")[1])
    at.add("later")
    assert at.extract() == 1
    name = make_url(url).database
    restored = url.replace(f"/{name}", f"/{name}_restored")
    script = blocks("Restore")[1].replace("octavo_restored", f"{name}_restored")
    at.run(script, RESTORED=restored)
    assert at.extract(OCTAVO_STORE=restored) == 1
    assert at.extract(OCTAVO_STORE=restored) == 0


def test_from_sqlite_to_postgresql(at: Desk) -> None:
    """All that is done stays done."""
    assert at.extract() == 3
    url = _postgresql(at.folder)
    told = at.run(blocks("From SQLite to PostgreSQL")[0], NEW_STORE=url)
    assert "records" in told
    assert at.extract(OCTAVO_STORE=url) == 0


def test_an_endpoint_s_key_is_changed(at: Desk) -> None:
    """Revoked too early, the old one stops the run; with the new one the same command goes on."""
    at.keys.clear()
    at.keys.add(NEW_KEY)
    assert at.extract(1) > 0
    at.run(blocks("A key is changed")[0], NEW_KEY=NEW_KEY)
    assert rows(at.folder / "octavo.db", "select status, count(*) from extractions group by 1") == [("complete", 3)]


def test_the_token_of_listen_is_changed(at: Desk) -> None:
    """While both are known, no sender is turned away."""
    (port,) = free_ports(1)
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    tokens = {"OLD_TOKEN": "known-to-the-senders", "NEW_TOKEN": "will-be-known-to-them"}
    at.run(blocks("A key is changed")[1], PORT=str(port), **away, **tokens)
    told = rows(at.folder / "octavo.db", "select uri, state from arrivals order by uri")
    assert told == [("s3://docs/new.pdf", "waiting"), ("s3://docs/old.pdf", "waiting")]


def test_dead_letters_wait_once_more(at: Desk) -> None:
    """What failed waits; what is no notification stays, and the list tells it."""
    with Store.open("sqlite:///octavo.db") as store:
        store.transact(inbox.make_table)
        store.transact(inbox.note_all, "receipt", "failed", {"s3://docs/a.pdf": ("HTTP 503", None)})
        store.transact(inbox.note_all, "receipt", "poison", {"sqs:1": ("the body is not JSON", "hello")})
    told = at.run(blocks("Dead letters")[0])
    assert "2 arrivals were not read" in told
    assert "1 arrivals were not read" in told
    assert rows(at.folder / "octavo.db", "select uri, state from arrivals order by uri") == [
        ("s3://docs/a.pdf", "waiting"), ("sqs:1", "poison"),
    ]  # fmt: skip


def test_upgrade_and_back(at: Desk) -> None:
    """The backup of an older store is that store again: only its own version reads it."""
    dump = (ROOT / "tests" / "support" / "store_0002.sql").read_text("utf-8").replace("@FOLDER@", str(at.folder))
    subprocess.run(["sqlite3", "octavo.db"], input=dump, text=True, check=True)
    store, version = at.folder / "octavo.db", "select version_num from octavo_version"
    as_it_was = rows(store, "select * from extractions")
    backup, upgrade, back = blocks("Upgrade, and back")
    at.run(backup)
    assert f"0002 to {REVISIONS[-1]}" in at.run(upgrade)
    assert rows(store, version) == [(REVISIONS[-1],)]
    at.run(back)
    assert (rows(store, version), rows(store, "select * from extractions")) == ([("0002",)], as_it_was)
    assert "older Octavo" in at.run("octavo cost", 1)


def test_the_bill_runs_away(tmp_path: Path) -> None:
    """Stopped between calls, told what was paid, and held to a limit."""
    _, stop, look, limit = blocks("The bill runs away")
    with desk(tmp_path / "desk", delay=0.3) as at:
        for name in range(3):
            at.add(f"more{name}")
        (at.folder / "octavo.toml").write_text("[endpoint.custom]\nprice_input = 1000\nprice_output = 1000\n")
        command = [str(at.folder / "bin" / "octavo"), "extract", "inbox/", "--schema", "receipt"]
        with subprocess.Popen(command, cwd=at.folder, env=at.environment, stdout=subprocess.DEVNULL) as run:
            wait_for(lambda: len(at.model.asked) >= 2)
            at.run(stop, PID=str(run.pid))
            assert run.wait(60) == 4
        paid = len(at.model.asked)
        assert 2 <= paid < 6
        told = at.run(look)
        assert "a.pdf" in told
        assert "custom m" in told
        assert "raise OCTAVO_MAX_COST_PER_DAY" in at.run(limit)
        assert len(at.model.asked) == paid
