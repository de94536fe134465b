"""Several processes run over one prefix and one store: each document is done once, and a dead one's work goes on."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer

import pages
import pytest
from fakes import Answer, Asked, ModelServer, model_server
from runs import TOTAL, run
from sqlalchemy import func, select
from stores import Note, draft, fresh_url, listed, outcome, spooled, texts

from flows.run import document
from flows.store import leases
from flows.store.claims import Claim
from flows.store.keys import Key
from flows.store.queries import record_rows
from flows.store.store import Store
from flows.store.tables import extractions, records
from flows.store.tables import leases as leases_table
from flows.store.views import make_views
from schemas.record import schema_of

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = 24


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return fresh_url(request.param, tmp_path)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder of receipts."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(DOCUMENTS):
        (folder / f"{number:02}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}", "Total 12.00"]))
    return folder


def _answer(asked: Asked) -> Answer:
    return Answer(text=json.dumps({**TOTAL, "number": asked.fingerprint[:8]}), delay=0.1)


@contextmanager
def _running(inbox: Path, url: str, server: ModelServer, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own."""
    command = [
        sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--store", url, "--json",
        "--base-url", server.base_url, "--model", "test-model", "--concurrency", "4", *more,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OCTAVO_RENDER_WORKERS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _counts(process: "subprocess.Popen[str]") -> dict[str, int]:
    """What a run counted."""
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    counts: dict[str, int] = json.loads(printed.splitlines()[-1])["documents"]
    return counts


def _wait_for(server: ModelServer, calls: int) -> None:
    deadline = time.monotonic() + 60
    while len(server.asked) < calls:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_runs_at_once_do_each_document_once(inbox: Path, url: str) -> None:
    """No question is asked twice, no record is there twice, and both end well with every document."""
    with (
        model_server(_answer) as server,
        _running(inbox, url, server) as first,
        _running(inbox, url, server) as second,
    ):
        counts = [_counts(first), _counts(second)]
    assert Counter(asked.fingerprint for asked in server.asked).most_common(1)[0][1] == 1
    assert len(server.asked) == DOCUMENTS
    assert [count["complete"] + count["skipped"] for count in counts] == [DOCUMENTS, DOCUMENTS]
    assert sum(count["complete"] for count in counts) == DOCUMENTS
    with Store.open(url) as store, store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(records)) == DOCUMENTS
        assert connection.scalar(select(func.count()).select_from(leases_table)) == 0


def test_a_new_store_that_another_process_is_writing_just_now_is_waited_for(tmp_path: Path) -> None:
    """Two first runs begin at once: SQLite by itself fails the later one at once, without waiting."""
    with closing(sqlite3.connect(tmp_path / "octavo.db", isolation_level=None, check_same_thread=False)) as first:
        first.execute("BEGIN IMMEDIATE")
        first.execute("create table another (a)")
        ending = Timer(0.5, first.execute, ["COMMIT"])
        ending.start()
        with Store.open(f"sqlite:///{tmp_path}/octavo.db") as store:
            store.note_objects([listed("a")])
        ending.join()


def test_a_run_takes_over_from_one_that_was_killed(inbox: Path, url: str) -> None:
    """While both run, one dies: the other waits for nothing but does all, and asks only what has no reply."""
    with model_server(_answer) as server, _running(inbox, url, server) as killed:
        _wait_for(server, DOCUMENTS // 3)
        with _running(inbox, url, server) as other:
            _wait_for(server, DOCUMENTS // 2)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            counts = _counts(other)
    assert counts["complete"] + counts["skipped"] == DOCUMENTS
    asked_twice = sum(count - 1 for count in Counter(asked.fingerprint for asked in server.asked).values())
    assert asked_twice <= 4  # what was in flight
    with Store.open(url) as store:
        assert len(record_rows(store, "receipt")[1]) == DOCUMENTS


def _claim(store: Store, run: str = "run") -> Claim:
    return store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id=run)


def test_what_another_store_holds_cannot_be_claimed(url: str) -> None:
    """The second is told so, and gets it when the first lets go."""
    with Store.open(url) as first, Store.open(url) as second:
        mine = _claim(first)
        assert mine.mine
        theirs = _claim(second)
        assert (theirs.extraction_id, theirs.mine, theirs.elsewhere) == (mine.extraction_id, False, True)
        held_by = second.known([listed("a").uri], Key(schema_name="note", recipe="r1"))[listed("a").uri].held_by
        assert (second.is_held(held_by), first.is_held(held_by)) == (True, False)
        first.release()
        assert _claim(second).mine


def test_a_finished_claim_is_free(url: str) -> None:
    """An outcome ends the claim, also that of an attempt that was paused."""
    with Store.open(url) as first, Store.open(url) as second:
        assert first.finish(_claim(first), outcome("pending", kind="endpoint_down"), run_id="run")
        assert second.finish(_claim(second), outcome("complete", draft(text="done")), run_id="run")
        assert _claim(first) == Claim(1, "complete", "run", mine=False)


def test_a_lease_that_is_not_renewed_expires(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that is out of reach loses its claims in the end; its late outcome does not count, its cost does."""
    with Store.open(url) as lost, Store.open(url) as other:
        make_views(other, schema_of(Note))
        monkeypatch.setattr(leases, "LEASE_SECONDS", -1.0)
        claim = _claim(lost)
        monkeypatch.undo()
        assert _claim(other).mine
        assert not lost.finish(claim, outcome("complete", draft(text="late")), run_id="run")
        assert other.finish(claim, outcome("complete", draft(text="in time")), run_id="run")
        assert texts(other) == [("a", "in time")]


def test_a_renewed_lease_stands(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewing makes an expired lease stand again, for everything that nobody else has taken."""
    with Store.open(url) as first, Store.open(url) as second:
        monkeypatch.setattr(leases, "LEASE_SECONDS", -1.0)
        _claim(first)
        monkeypatch.undo()
        first.renew()
        assert _claim(second).elsewhere


def test_a_run_renews_its_lease(inbox: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that takes longer than a lease stays its run's own."""
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(document, "RENEWED_EVERY", 0.2)
    with (
        model_server(lambda _: Answer(text=json.dumps(TOTAL), delay=4.0)) as server,
        Store.open(url) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        running = thread.submit(run, inbox / "00.pdf", server.base_url, store=url)
        _wait_for(server, 1)
        time.sleep(2.0)
        with other.reading() as connection:
            (held_by,) = connection.scalars(select(extractions.c.held_by)).all()
        assert other.is_held(held_by)
        assert running.result().documents["complete"] == 1
        assert not other.is_held(held_by)


_CLAIMS_AND_WAITS = """
import sys
from flows.store.keys import Key
from flows.store.store import Store
from stores import listed, spooled
store = Store.open(sys.argv[1])
key = Key(schema_name="note", recipe="r1")
print(store.claim(listed("a"), spooled("A"), key=key, run_id="killed").mine, flush=True)
sys.stdin.read()
"""


def test_a_holder_killed_on_this_machine_is_not_waited_for(url: str) -> None:
    """Its lock went with it, so the claim is free long before the lease expires."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    command = [sys.executable, "-c", _CLAIMS_AND_WAITS, url]
    with (
        Store.open(url) as store,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert _claim(store).elsewhere
        holder.kill()
        holder.wait()
        # A lock may outlive its process by a moment; the lease, by a minute.
        until = time.monotonic() + leases.LEASE_SECONDS / 4
        while not _claim(store).mine:
            assert time.monotonic() < until
            time.sleep(0.05)
        with store.reading() as connection:
            assert connection.scalar(select(extractions.c.held_by)) == store.holder.id
