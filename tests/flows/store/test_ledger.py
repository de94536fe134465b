import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import wait_for
from sqlalchemy import func, select
from stores import NOON, Note, draft, extract, fresh_url, known, listed, outcome, spooled, stored, texts

from extractors.documents import Usage
from flows.store.claims import Claim
from flows.store.keys import Key
from flows.store.objects import Known
from flows.store.queries import quarantined
from flows.store.store import Store
from flows.store.tables import documents, extraction_replies, pages, records
from flows.store.views import make_views
from schemas.record import schema_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store that knows the schema `note`."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def test_an_object_that_was_never_noted_is_not_known(store: Store) -> None:
    """Only what was listed before is in the answer."""
    store.note_objects([listed("a")])
    assert store.known([listed("a").uri, listed("b").uri], Key(schema_name="note", recipe="r1")) == {
        listed("a").uri: Known(etag="1", sha256=None, status=None, kind=None)
    }


def test_a_finished_document_is_known_under_its_recipe_and_schema_only(store: Store) -> None:
    """An unchanged, complete document can be skipped without reading it; another recipe or schema is new work."""
    extract(store, "a", "A")
    assert known(store, "a") == Known(etag="1", sha256="A", status="complete", kind=None)
    assert known(store, "a", "r2").status is None
    assert store.known([listed("a").uri], Key(schema_name="receipt", recipe="r1"))[listed("a").uri].status is None


def test_many_objects_are_noted_and_known(store: Store) -> None:
    """More objects than one statement takes are noted and found again, each once."""
    refs = [listed(f"{number}") for number in range(1203)]
    store.note_objects(refs)
    store.note_objects([*refs, refs[0]])
    assert set(store.known([ref.uri for ref in refs], Key(schema_name="note", recipe="r1"))) == {
        ref.uri for ref in refs
    }
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(documents)) == 1203


def test_a_changed_etag_makes_the_bytes_unknown(store: Store) -> None:
    """Once its etag changed, nothing that was read from the object counts as known."""
    extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    assert known(store, "a") == Known(etag="2", sha256=None, status=None, kind=None)
    with store.reading() as connection:
        row = connection.execute(select(documents)).one()
    assert (row.media_type, row.page_count, row.bytes) == (None, None, 100)


def test_names_that_databases_refuse_are_known_all_the_same(store: Store) -> None:
    """An object whose name is no valid text is noted and found under the name it was asked for."""
    ref = listed("caf\udce9\x00.pdf")
    store.note_objects([ref])
    assert set(store.known([ref.uri], Key(schema_name="note", recipe="r1"))) == {ref.uri}


def test_a_claim_is_pending_until_it_is_finished(store: Store) -> None:
    """A process that dies after claiming leaves a pending extraction, which the next claim goes on with."""
    first = store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run 1")
    assert first == Claim(first.extraction_id, None, "run 1")
    assert known(store, "a").status == "pending"
    again = store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run 2")
    assert (again.extraction_id, again.status) == (first.extraction_id, None)
    assert texts(store) == []


def test_everything_of_an_outcome_is_written(store: Store) -> None:
    """The extraction, its pages, records, replies and the document's type arrive together."""
    result = outcome(
        "partial",
        draft(text="one"),
        draft(text="two"),
        endpoint="vllm",
        model="m",
        reply_fingerprints=("f1", "f2"),
    )
    done = extract(store, "a", "A", result, usage=Usage(100, 20, 0, 0.5))
    row = stored(store, done)
    assert (row.status, row.kind, row.cause) == ("partial", "invalid_answer", "page 2: no JSON")
    assert (row.endpoint, row.model, row.run_id) == ("vllm", "m", "run")
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (100, 20, 0.5)
    assert (row.started_at, row.finished_at) == (NOON, NOON)
    with store.reading() as connection:
        assert connection.execute(select(pages.c.page, pages.c.status, pages.c.kind)).all() == [
            (1, "read", None),
            (2, "failed", "invalid_answer"),
        ]
        assert connection.execute(select(records.c.ordinal, records.c.data, records.c.pages)).all() == [
            (0, {"text": "one"}, [1]),
            (1, {"text": "two"}, [1]),
        ]
        assert connection.scalars(select(extraction_replies.c.fingerprint)).all() == ["f1", "f2"]
        assert connection.execute(select(documents.c.media_type, documents.c.page_count)).all() == [
            ("application/pdf", 2)
        ]


def test_a_second_outcome_replaces_the_first(store: Store) -> None:
    """A retry leaves one extraction, with the new outcome's parts; tokens and cost add up."""
    first = extract(store, "a", "A", outcome("partial", draft(text="half")), usage=Usage(10, 1, 0, 0.25))
    second = extract(store, "a", "A", outcome("complete", draft(text="whole")), usage=Usage(5, 1, 0, 0.5))
    assert first == second
    assert texts(store) == [("a", "whole")]
    row = stored(store, second)
    assert (row.status, row.kind, row.cause) == ("complete", None, None)
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (15, 2, 0.75)


def test_a_pause_keeps_its_cause_and_no_records(store: Store) -> None:
    """A document that the budget stopped is pending, says why, and shows nothing half done."""
    paused = outcome("pending", draft(text="half"), kind="budget_exhausted", cause="the budget is used up")
    row = stored(store, extract(store, "a", "A", paused))
    assert (row.status, row.kind, row.cause) == ("pending", "budget_exhausted", "the budget is used up")
    assert texts(store) == []


def test_a_pause_takes_no_earlier_outcome_away(store: Store) -> None:
    """Doing everything again and running out of budget leaves the old record, and counts the money."""
    done = extract(store, "a", "A")
    extract(store, "a", "A", outcome("pending", kind="budget_exhausted"), usage=Usage(7, 0, 0, 0.125))
    assert texts(store) == [("a", "A r1")]
    row = stored(store, done)
    assert (row.status, row.input_tokens, row.cost_usd) == ("complete", 7, 0.125)


def test_the_same_bytes_under_another_name_are_not_work(store: Store) -> None:
    """A copy is recognised at its claim; the record is shown once, under the smallest uri."""
    extract(store, "b", "A")
    copy = store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run 2")
    assert (copy.status, copy.run_id) == ("complete", "run")
    assert texts(store) == [("a", "A r1")]
    with store.reading() as connection:
        assert set(connection.scalars(select(documents.c.page_count))) == {2}


def test_an_object_that_cannot_be_read_is_quarantined(store: Store) -> None:
    """It is listed with its uri and cause, and left alone until its etag changes."""
    store.note_objects([listed("a")])
    number = store.fail_unread(
        listed("a"),
        key=Key(schema_name="note", recipe="r1"),
        kind="source_unavailable",
        cause="no such key",
        run_id="run",
    )
    assert (
        store.fail_unread(
            listed("a"),
            key=Key(schema_name="note", recipe="r1"),
            kind="source_unavailable",
            cause="gone",
            run_id="run",
        )
        == number
    )
    (entry,) = quarantined(store)
    assert (entry.id, entry.uris, entry.kind, entry.cause) == (
        number,
        (listed("a").uri,),
        "source_unavailable",
        "gone",
    )
    assert known(store, "a") == Known("1", None, "quarantined", "source_unavailable")
    store.note_objects([listed("a", "2")])
    assert known(store, "a").status is None


def test_an_object_that_can_be_read_at_last_leaves_the_quarantine(store: Store) -> None:
    """The entry of an unreadable object is superseded by the next one, and by its extraction."""
    store.fail_unread(listed("a"), key=Key(schema_name="note", recipe="r1"), kind="gone", cause="gone", run_id="run")
    last = store.fail_unread(
        listed("a", "2"), key=Key(schema_name="note", recipe="r1"), kind="gone", cause="gone", run_id="run"
    )
    assert [entry.id for entry in quarantined(store)] == [last]
    extract(store, "a", "A", etag="2")
    assert quarantined(store) == []
    assert texts(store) == [("a", "A r1")]


def test_an_object_that_cannot_be_read_keeps_its_old_record(store: Store) -> None:
    """A failed read says nothing about the record; when it succeeds again, nothing is paid for."""
    extract(store, "a", "A")
    store.fail_unread(listed("a"), key=Key(schema_name="note", recipe="r1"), kind="gone", cause="gone", run_id="run")
    extract(store, "b", "B")
    assert texts(store) == [("a", "A r1"), ("b", "B r1")]
    assert (
        store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run").status
        == "complete"
    )
    assert quarantined(store) == []


_EXTRACT_ALL = """
import sys
from flows.store.keys import Key
from flows.store.store import Store
from flows.store.views import make_views
from schemas.record import schema_of
from stores import Note, draft, listed, outcome, spooled
with Store.open(sys.argv[1]) as store:
    make_views(store, schema_of(Note))
    refs = [listed(f"{number}") for number in range(20)]
    store.note_objects(refs)
    for ref in refs:
        claim = store.claim(ref, spooled(ref.uri), key=Key(schema_name="note", recipe="r1"), run_id=sys.argv[2])
        if claim.mine:
            assert store.finish(claim, outcome("complete", draft(text=ref.uri)), run_id=sys.argv[2])
            print(ref.uri)
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_several_processes_share_a_store(database: str, tmp_path: Path) -> None:
    """Processes that make, fill and finish the same new store at once all succeed, and each does other documents."""
    url = fresh_url(database, tmp_path)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    command = [sys.executable, "-W", "error", "-c", _EXTRACT_ALL, url]
    runs = [
        subprocess.Popen([*command, f"run {number}"], env=environment, stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    done = [line for run in runs for line in run.communicate(timeout=120)[0].split()]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sorted(done) == sorted(listed(f"{number}").uri for number in range(20))
    with Store.open(url) as store:
        assert sorted(text for _, text in texts(store)) == sorted(done)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_who_could_not_let_go_is_not_waited_for(database: str, tmp_path: Path) -> None:
    """A disk that is full keeps a run from giving its lease up: once it is closed, others take its documents."""
    url, key = fresh_url(database, tmp_path), Key(schema_name="note", recipe="r1")
    with Store.open(url) as first:
        assert first.claim(listed("a"), spooled("A"), key=key, run_id="first").mine
        with Store.open(url) as second:
            assert second.claim(listed("a"), spooled("A"), key=key, run_id="second").elsewhere
    with Store.open(url) as second:
        # PostgreSQL ends a closed connection's session in its own time.
        wait_for(lambda: second.claim(listed("a"), spooled("A"), key=key, run_id="second").mine)


def test_an_outcome_whose_commit_was_not_heard_of_is_written_once(store: Store) -> None:
    """Done again after the connection broke at the commit, it is the same outcome, not a claim that was lost."""
    key = Key(schema_name="note", recipe="r1")
    claim = store.claim(listed("a"), spooled("A"), key=key, run_id="run")
    done = outcome("complete", draft(text="once"))
    assert store.finish(claim, done, run_id="run")
    assert store.finish(claim, done, run_id="run")
    assert not store.finish(claim, outcome("complete", draft(text="of another run")), run_id="other")
    assert texts(store) == [("a", "once")]
