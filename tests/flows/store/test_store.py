import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import as_nobody, folder_for_all
from sqlalchemy import select
from stores import fresh_url, get_reply, put_reply, reply

from extractors.documents import StoredReply
from extractors.errors import StoreUnavailable
from extractors.ledger import Ended, Planned
from flows.store.book import CallBook
from flows.store.keys import Key
from flows.store.queries import run_summaries
from flows.store.store import Store
from flows.store.tables import metadata, replies

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with folder_for_all() as made:
        yield made


def test_a_store_is_made_on_opening_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative SQLite URL is a file in the working directory; opening it again keeps what it holds."""
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///octavo.db") as store:
        put_reply(store, reply("a"))
    assert (tmp_path / "octavo.db").is_file()
    with Store.open("sqlite:///octavo.db", read_only=True) as store:
        assert get_reply(store, "a") == reply("a")


def test_a_relative_store_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later change of the working directory does not lead to another file."""
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///octavo.db") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        with store.writing():
            get_reply(store, "a")  # a second connection beside the first
    assert not (tmp_path / "elsewhere" / "octavo.db").exists()


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    """Readers do not block the writer (WAL), foreign keys hold, and a busy store is waited for."""
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as store, store.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}


def test_every_table_of_the_contract_is_there(store: Store) -> None:
    """The tables and columns that DESIGN section 7 promises exist."""
    promised = {
        "documents": "id uri sha256 bytes media_type page_count etag seen_at",
        "extractions": "id sha256 schema_name recipe status kind cause endpoint model input_tokens output_tokens "
        "cost_usd started_at finished_at superseded_by run_id",
        "pages": "extraction_id page status kind",
        "replies": "fingerprint endpoint model status body usage cost_usd created_at",
        "records": "id extraction_id ordinal data issues evidence grounded created_at",
        "runs": "id source schema_name recipe endpoint started_at finished_at summary",
    }
    with store.reading() as connection:
        for name, columns in promised.items():
            found = connection.execute(select(metadata.tables[name])).keys()
            assert set(columns.split()) <= set(found)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("octavo.db", "write it like sqlite:///octavo.db"),
        ("postgresql://u:p@host:port/db", "write it like sqlite:///octavo.db"),
        ("mysql://u:p@host/db", "kept in SQLite or PostgreSQL, not in 'mysql'"),
        ("postgresql+nosuch://u:p@host/db", "no database driver 'postgresql+nosuch'"),
        ("postgresql+pg8000://u:p@host/db", "pip install pg8000"),
        ("sqlite://", "a SQLite store is a file"),
        ("sqlite:///:memory:", "a SQLite store is a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "a SQLite store is a file"),
        ("sqlite:////no/such/folder/octavo.db", "there is no folder /no/such/folder; create it"),
        ("sqlite:////usr", "check its path and permissions"),
        ("sqlite:////tmp/octavo.db?timeout=soon", "the store's URL is not understood"),
    ],
)
def test_a_url_that_cannot_be_opened_says_what_to_do(url: str, told: str) -> None:
    """Each way to get a store's URL wrong is one line that tells what to change."""
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(url)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+pg8000://octavo:s3cret@127.0.0.1:1/db",
        "postgresql://octavo:s3cret@127.0.0.1:1/db?sslpassword=s3cret&connect_timeout=1",
        "postgresql+nosuch://octavo:s3cret@host/db",
        "mysql://octavo:s3cret@host/db",
        "postgresql://octavo:s3cret@host:s3cret/db",
        "sqlite:////tmp/octavo.db?timeout=s3cret",
    ],
)
def test_no_error_tells_a_password(url: str) -> None:
    """What cannot be opened is named without the secrets of its URL, in the whole chain of errors."""
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """Another file under that name is refused, and keeps its bytes."""
    other = tmp_path / "notes.txt"
    other.write_text("buy milk\n" * 200)
    for read_only in (True, False):
        with pytest.raises(StoreUnavailable, match="is no SQLite database; give --store another file"):
            Store.open(f"sqlite:///{other}", read_only=read_only)
    assert other.read_text() == "buy milk\n" * 200


def test_another_programs_tables_are_not_written_to(tmp_path: Path) -> None:
    """A table of our name with other columns is refused before anything is stored."""
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE documents (id INTEGER, title TEXT)")
    connection.close()
    with pytest.raises(
        StoreUnavailable, match="table 'documents' that is not Octavo's: it belongs to another program"
    ):
        Store.open(f"sqlite:///{tmp_path / 'other.db'}")


def test_looking_into_a_store_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    """Query commands on a missing file say that nothing was extracted, and leave no empty file behind."""
    with pytest.raises(StoreUnavailable, match=r"nothing has been extracted yet into .*; run octavo extract"):
        Store.open(f"sqlite:///{tmp_path / 'octavo.db'}", read_only=True)
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreUnavailable, match="holds no Octavo store yet; run octavo extract"):
        Store.open(f"sqlite:///{tmp_path / 'empty.db'}", read_only=True)


def test_a_store_opened_for_looking_is_not_written(store: Store, tmp_path: Path) -> None:
    """Whoever opens a store read-only cannot write to it by mistake."""
    url = store._url.render_as_string(hide_password=False)
    with Store.open(url, read_only=True) as looking, pytest.raises(StoreUnavailable, match="cannot be written"):
        put_reply(looking, reply("a"))
    assert get_reply(store, "a") is None


def test_a_read_only_file_is_refused_for_writing(folder: Path) -> None:
    """A store that this user may only read is refused at once, not at the first reply that was paid for."""
    Store.open(f"sqlite:///{folder / 'octavo.db'}").close()
    (folder / "octavo.db").chmod(0o444)
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(StoreUnavailable, match=r"cannot be written .*; check its path and permissions"):
        Store.open(f"sqlite:///{folder / 'octavo.db'}")


def test_a_read_only_folder_is_refused_for_a_new_store(folder: Path) -> None:
    """A store cannot be made where this user may not write."""
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(StoreUnavailable, match=r"cannot be written .*; check its path and permissions"):
        Store.open(f"sqlite:///{folder / 'octavo.db'}")


def test_a_store_in_a_read_only_folder_asks_to_be_copied(folder: Path) -> None:
    """SQLite cannot even read a store where it may not write its index beside it: the error says what helps."""
    url = f"sqlite:///{folder / 'octavo.db'}"
    Store.open(url).close()
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(StoreUnavailable, match="copy it to a folder of yours"):
        Store.open(url, read_only=True)
    folder.chmod(0o700)
    with as_nobody(), pytest.raises(StoreUnavailable, match="cannot be reached: Permission denied"):
        Store.open(url, read_only=True)


def test_a_store_that_is_held_for_too_long_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write waits for other processes, but not for ever, and then says what is wrong."""
    monkeypatch.setattr("flows.store.dialects._BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'octavo.db'}"
    with Store.open(url) as first, Store.open(url) as second:
        with first.writing(), pytest.raises(StoreUnavailable, match="held by another process for too long"):
            put_reply(second, reply("a"))
        put_reply(second, reply("a"))


def test_a_reply_comes_back_as_it_was_put(store: Store) -> None:
    """A reply is kept whole under its fingerprint; a later one of the same fingerprint takes its place."""
    assert get_reply(store, "a") is None
    put_reply(store, reply("a", "first"))
    put_reply(store, reply("a", "first"))
    assert get_reply(store, "a") == reply("a", "first")
    again = replace(reply("a", "second"), endpoint="openrouter", status=503)
    put_reply(store, again)
    assert get_reply(store, "a") == again


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'octavo.db'}") as opened:
        yield opened


@given(st.text(st.characters(codec=None), max_size=50))
def test_any_reply_can_be_kept(shared: Store, body: str) -> None:
    """Whatever a server sends is stored; only NUL and lone surrogates, which databases refuse, are replaced."""
    put_reply(shared, reply("hostile", body))
    kept = get_reply(shared, "hostile")
    assert kept is not None
    clean = "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in body)
    paired = body.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")
    assert kept.body in {clean, paired}


def test_runs_are_noted_with_their_counts(store: Store) -> None:
    """A run begins once, whoever else takes part in it, and ends with its summary; times are UTC."""
    before = datetime.now(UTC)
    store.start_run(
        run_id="r1", source="s3://bucket/in", key=Key(schema_name="invoice", recipe="recipe"), endpoint="vllm"
    )
    store.start_run(
        run_id="r1", source="s3://bucket/in", key=Key(schema_name="invoice", recipe="recipe"), endpoint="openrouter"
    )
    assert [(run.id, run.endpoint, run.finished_at, run.summary) for run in run_summaries(store)] == [
        ("r1", "vllm", None, None)
    ]
    store.finish_run("r1", {"records": 3})
    (run,) = run_summaries(store)
    assert run.summary == {"records": 3}
    assert run.finished_at is not None
    assert before <= run.started_at <= run.finished_at <= datetime.now(UTC)


async def _answered(book: CallBook, said: StoredReply) -> None:
    planned = Planned(said.fingerprint, said.endpoint, said.model, said.usage, priced=True, work=None)
    await book.settle(await book.reserve(planned), Ended("answer", 200, said.usage, 1.0), said)


def test_the_event_loop_is_never_blocked(store: Store) -> None:
    """Calls from asyncio run in the store's own threads (one in SQLite), errors come back to the caller."""

    async def calls() -> set[str]:
        book = CallBook(store, "run")
        await asyncio.gather(*(_answered(book, reply(f"{number}")) for number in range(20)))
        assert await book.get(["none", "7", "3"]) == [reply("7"), reply("3")]
        with pytest.raises(ZeroDivisionError):
            await store.run(lambda: 1 / 0)
        return set(await asyncio.gather(*(store.run(lambda: threading.current_thread().name) for _ in range(5))))

    names = asyncio.run(calls())
    few = 1 if store.shown_url.startswith("sqlite") else 4
    assert names <= {f"octavo-store_{number}" for number in range(few)}


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    """What is written before an error in the same transaction is undone."""

    def half() -> None:
        with store.writing() as connection:
            connection.execute(replies.delete())
            raise KeyError("stop")

    put_reply(store, reply("a"))
    with pytest.raises(KeyError):
        half()
    assert get_reply(store, "a") == reply("a")


_PUTS_UNTIL_KILLED = """
import sys
from flows.store.store import Store
from stores import put_reply, reply
store = Store.open(sys.argv[1])
for number in range(1_000_000):
    put_reply(store, reply(f"{number}", "x" * 3000))
    print(number, flush=True)
"""


def _python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """After SIGKILL in the middle of writing, every reply that was put is there, and the store is sound."""
    url = f"sqlite:///{tmp_path / 'octavo.db'}"
    with _python(_PUTS_UNTIL_KILLED, url) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(150)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split()
    assert len(acknowledged) >= 150
    with Store.open(url) as store:
        assert all(get_reply(store, number) is not None for number in acknowledged)
        with store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
