from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stores import NOON, Note, draft, extract, fresh_url, listed, outcome, put_reply, reply, spooled

from extractors.documents import PageState
from extractors.errors import BadConfiguration
from flows.store.keys import Key
from flows.store.queries import (
    known_schemas,
    quarantine_details,
    quarantined,
    record_rows,
    run_summaries,
    whole_records,
)
from flows.store.store import Store
from flows.store.views import make_views
from schemas.invoice import Invoice
from schemas.receipt import Receipt
from schemas.record import schema_of


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store that knows the schema `note`."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def test_an_empty_store_answers(store: Store) -> None:
    """Before the first record there are columns without rows, and nothing is quarantined."""
    columns, rows = record_rows(store, "note")
    assert columns == ("record_id", "document_uri", "text", "extraction_id", "status", "grounded", "issue_count")
    assert rows == []
    assert quarantined(store) == []
    assert run_summaries(store) == []


def test_records_come_in_the_order_they_were_written(store: Store) -> None:
    """Rows are plain tuples in the order of their ids, complete and partial ones alike."""
    extract(store, "b", "B", outcome("partial", draft(text="first"), draft(text="second")))
    extract(store, "a", "A", outcome("complete", draft(text="third")))
    columns, rows = record_rows(store, "note")
    text, status = columns.index("text"), columns.index("status")
    assert [(row[text], row[status]) for row in rows] == [
        ("first", "partial"),
        ("second", "partial"),
        ("third", "complete"),
    ]


def test_whole_records_hold_their_lists_and_issues(store: Store) -> None:
    """For programs a record comes with the rows of every list, in order, and with what is doubtful about it."""
    make_views(store, schema_of(Receipt))
    receipt = draft(
        total="3.50", items=[{"description": "Tea", "amount": "2.00"}, {"description": "Bun", "amount": "1.50"}]
    )
    claim = store.claim(listed("r"), spooled("R"), key=Key(schema_name="receipt", recipe="r1"), run_id="run")
    store.finish(claim, outcome("complete", receipt), run_id="run")
    (record,) = whole_records(store, "receipt")
    assert float(record["total"]) == 3.5
    assert [(item["description"], float(item["amount"])) for item in record["items"]] == [("Tea", 2.0), ("Bun", 1.5)]
    assert record["issues"] == []
    assert record["document_uri"].endswith("r")


def test_a_schema_is_known_by_its_views(store: Store) -> None:
    """The schemas of a store are named, views of lists are not among them; an unknown one is an error."""
    make_views(store, schema_of(Invoice))
    assert known_schemas(store) == ["invoice", "note"]
    for name in ("receipt", "invoice_line_items", "records"):
        with pytest.raises(BadConfiguration, match=f"nothing was extracted with a schema '{name}'"):
            record_rows(store, name)


def test_the_quarantine_lists_what_needs_a_person(store: Store) -> None:
    """Quarantined and partial documents are listed with every object that shows them, and their failed pages."""
    extract(store, "fine", "F")
    bad = extract(store, "b", "A", outcome("quarantined", kind="encrypted", cause="a password is needed"))
    store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run")
    half = extract(store, "c", "C", outcome("partial", draft(text="half")))
    extract(store, "d", "D", outcome("pending", kind="endpoint_down"))
    first, second = quarantined(store)
    assert (first.id, first.uris) == (bad, (listed("a").uri, listed("b").uri))
    assert (first.status, first.kind, first.cause) == ("quarantined", "encrypted", "a password is needed")
    assert (first.schema_name, first.failed_pages, first.finished_at) == ("note", (2,), NOON)
    assert (second.id, second.status, second.kind) == (half, "partial", "invalid_answer")


def test_an_entry_keeps_its_uri_until_the_object_was_read_again(store: Store) -> None:
    """An object that changed is still named beside the failure it had, until its new bytes have an outcome."""
    extract(store, "a", "A", outcome("quarantined"))
    store.note_objects([listed("a", "2")])
    assert [entry.uris for entry in quarantined(store)] == [(listed("a").uri,)]
    extract(store, "a", "B", etag="2")
    assert quarantined(store) == []


def test_the_details_hold_the_raw_replies(store: Store) -> None:
    """One entry tells every page and what the model wrote, in the order in which it was read."""
    answers = [reply("f2", "first"), reply("f1", "second")]
    for answer in answers:
        put_reply(store, answer)
    unfinished = outcome("quarantined", endpoint="vllm", model="m", reply_fingerprints=("f2", "f1", "lost"))
    number = extract(store, "a", "A", unfinished)
    details = quarantine_details(store, number)
    assert details is not None
    assert details.replies == tuple(answers)
    assert details.pages == (PageState(1, "read"), PageState(2, "failed", "invalid_answer", "no JSON"))
    assert (details.recipe, details.endpoint, details.model) == ("r1", "vllm", "m")
    (entry,) = quarantined(store)
    assert (details.uris, details.failed_pages, details.cause) == (entry.uris, entry.failed_pages, entry.cause)


def test_there_are_no_details_of_what_is_not_quarantined(store: Store) -> None:
    """An id that does not exist, or is of a complete document, has none; a superseded failure still has."""
    fine = extract(store, "a", "A")
    assert quarantine_details(store, fine) is None
    assert quarantine_details(store, 4711) is None
    failed = extract(store, "b", "B", outcome("quarantined"))
    extract(store, "b", "C", etag="2")
    details = quarantine_details(store, failed)
    assert details is not None
    assert (details.id, details.uris) == (failed, ())


def test_the_latest_run_is_first(store: Store) -> None:
    """Runs come latest first; one that never ended has no summary."""
    store.start_run(
        run_id="r1", source="s3://bucket/in", key=Key(schema_name="note", recipe="recipe 1"), endpoint="vllm"
    )
    store.finish_run("r1", {"documents": {"seen": 2}})
    store.start_run(run_id="r2", source="@list.txt", key=Key(schema_name="note", recipe="recipe 2"), endpoint=None)
    last, first = run_summaries(store)
    assert (first.id, first.source, first.recipe, first.summary) == (
        "r1",
        "s3://bucket/in",
        "recipe 1",
        {"documents": {"seen": 2}},
    )
    assert replace(last, started_at=NOON).__dict__ == {
        "id": "r2",
        "source": "@list.txt",
        "schema_name": "note",
        "recipe": "recipe 2",
        "endpoint": None,
        "started_at": NOON,
        "finished_at": None,
        "summary": None,
    }


def test_a_store_that_is_only_looked_at_answers_while_it_is_written(store: Store) -> None:
    """Query commands work beside a run: they see what was committed."""
    with Store.open(store._url.render_as_string(hide_password=False), read_only=True) as looking:
        with store.writing():
            assert record_rows(looking, "note")[1] == []
        extract(store, "a", "A")
        assert len(record_rows(looking, "note")[1]) == 1
