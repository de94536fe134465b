"""What is purged is gone, from the tables and from the file; what others need stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from stores import (
    Note,
    call,
    draft,
    extract,
    fresh_url,
    get_reply,
    known,
    listed,
    outcome,
    put_reply,
    reply,
    spooled,
    texts,
)  # fmt: skip

from extractors.documents import Usage
from flows.cli.parser import main
from flows.export.export import export
from flows.store.call_tables import attempts, calls
from flows.store.keys import Key
from flows.store.page_words import note_picture
from flows.store.purge import Purged, purge_document, purge_old, purge_replies
from flows.store.review_tables import corrections, page_words, reviews
from flows.store.store import Store
from flows.store.tables import documents, extractions, metadata, records, replies
from flows.store.views import make_views
from schemas.record import schema_of

MARK = "Erika-Mustermann-7f3a"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return fresh_url(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store that knows the schema `note`."""
    with Store.open(url) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def _extract(store: Store, name: str, content: str, text: str, *fingerprints: str, etag: str = "1") -> int:
    for fingerprint in fingerprints:
        put_reply(store, reply(fingerprint, text))
    done = outcome("complete", draft(text=text), reply_fingerprints=fingerprints)
    return extract(store, name, content, done, etag=etag)


def _count(store: Store, name: str) -> int:
    with store.reading() as connection:
        return connection.scalar(select(func.count()).select_from(metadata.tables[name])) or 0


def test_old_replies_go_and_records_stay(store: Store) -> None:
    """Only what came before the moment; the records keep their evidence."""
    _extract(store, "a", "A", "first", "f1")
    with store.writing() as connection:
        connection.execute(replies.update().values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    _extract(store, "b", "B", "second", "f2")
    with store.reading() as connection:
        evidence = connection.scalars(select(records.c.evidence)).all()
    assert store.transact(purge_replies, datetime(2026, 1, 2, tzinfo=UTC), None) == Purged(replies=1)
    assert (get_reply(store, "f1"), get_reply(store, "f2") is not None) == (None, True)
    assert texts(store) == [("a", "first"), ("b", "second")]
    with store.reading() as connection:
        assert connection.scalars(select(records.c.evidence)).all() == evidence


def test_a_document_goes_with_all_it_ever_showed(store: Store) -> None:
    """Its row, both contents, their records, pages and replies; the next listing finds it new."""
    _extract(store, "a", "A", "old", "f1")
    _extract(store, "a", "B", "new", "f2", "shared", etag="2")
    _extract(store, "b", "C", "other", "f3", "shared")
    assert store.transact(purge_document, listed("a").uri, None) == Purged(1, 2, 2, 2, attempts=2)
    assert texts(store) == [("b", "other")]
    counts = {name: _count(store, name) for name in ("documents", "extractions", "pages", "former_contents")}
    assert counts == {"documents": 1, "extractions": 1, "pages": 2, "former_contents": 0}
    assert [get_reply(store, each) is not None for each in ("f1", "f2", "f3", "shared")] == [False, False, True, True]
    assert store.known([listed("a").uri], Key(schema_name="note", recipe="r1")) == {}
    assert store.claim(listed("a"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="run").mine


def test_bytes_that_another_document_shows_stay(store: Store) -> None:
    """A copy keeps the record; only the one object is forgotten."""
    _extract(store, "a", "A", "same", "f1")
    extract(store, "b", "A")
    done = store.transact(purge_document, listed("a").uri, None)
    assert (done.documents, done.extractions, done.records) == (1, 0, 0)
    assert [uri for uri, _ in texts(store)] == ["b"]


def test_what_a_purged_one_replaced_does_not_come_back(store: Store) -> None:
    """An extraction whose successor is gone stays superseded."""
    with store.writing() as connection:
        connection.execute(
            extractions.insert().values(sha256="X", schema_name="note", recipe="r0", status="complete")
        )
    _extract(store, "a", "A", "text")
    with store.writing() as connection:
        connection.execute(extractions.update().where(extractions.c.sha256 == "X").values(superseded_by=2))
    store.transact(purge_document, listed("a").uri, None)
    with store.reading() as connection:
        assert connection.execute(select(extractions.c.sha256, extractions.c.superseded_by)).all() == [("X", 1)]


def test_a_document_that_is_newer_or_worked_on_stays(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """`--before` and `--document` together mean both; a live claim is respected."""
    _extract(store, "a", "A", "text")
    assert store.transact(purge_document, listed("a").uri, datetime(2020, 1, 1, tzinfo=UTC)) == Purged()
    store.claim(listed("b"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="run")
    url = store._url.render_as_string(hide_password=False)
    assert main(["purge", "--document", listed("b").uri, "--store", url]) == 1
    assert "a run is working on" in capsys.readouterr().err
    assert known(store, "b").status == "pending"


def test_the_next_export_takes_a_purged_record_away(store: Store, tmp_path: Path) -> None:
    """What went out is called back."""
    _extract(store, "a", "A", "text")
    export(store, schema_name="note", place=str(tmp_path / "out"), form="jsonl")
    store.transact(purge_document, listed("a").uri, None)
    done = export(store, schema_name="note", place=str(tmp_path / "out"), form="jsonl")
    assert (done.added, done.removed) == (0, 1)


def test_nothing_is_left_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the command, no byte of a purged document is in SQLite's file or its log."""
    with Store.open("sqlite:///octavo.db") as store:
        make_views(store, schema_of(Note))
        _extract(store, "a", "A", f"{MARK} " * 500, "f1")
        _extract(store, "b", "B", "other", "f2")
    assert MARK.encode() in b"".join(path.read_bytes() for path in tmp_path.glob("octavo.db*"))
    assert main(["purge", "--document", listed("a").uri]) == 0
    assert "removed: 1 documents, 1 extractions, 1 records, 1 replies, 1 attempts" in capsys.readouterr().out
    assert MARK.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("octavo.db*"))
    with Store.open("sqlite:///octavo.db") as store, store.reading() as connection:
        assert connection.scalars(select(documents.c.uri)).all() == [listed("b").uri]


def test_the_command_wants_to_know_what(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a choice nothing is removed; dates are dates; an unknown document is told."""
    Store.open(url).close()
    assert main(["purge", "--store", url]) == 1
    assert "say what to remove" in capsys.readouterr().err
    assert main(["purge", "--document", "s3://nowhere", "--store", url]) == 1
    assert "knows no document s3://nowhere" in capsys.readouterr().err
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert main(["purge", "--before", tomorrow, "--replies", "--store", url]) == 0
    assert "removed: nothing" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["purge", "--before", "soon", "--store", url])


def test_a_purge_reaches_what_people_decided_and_leaves_the_bill(store: Store) -> None:
    """Attempts, OCR words, reviews and corrections go; its calls stay at their cost and forget the document."""
    gone, kept = extract(store, "a", "A"), extract(store, "b", "B")
    call(store, gone, Usage(100, 10, 0, 0.5))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with store.writing() as connection:
        connection.execute(page_words.insert().values(picture="p", reader="r", words=[], created_at=now))
        for digest in ("A", "B"):
            about = {"sha256": digest, "schema_name": "note"}
            connection.execute(reviews.insert().values(**about, state="reviewed", version=1))
            connection.execute(
                corrections.insert().values(**about, ordinal=0, path="text", made_by="she", made_at=now)
            )
    done = store.transact(purge_document, listed("a").uri, None)
    assert (done.attempts, done.corrections, done.reviews, done.ocr_pages) == (1, 1, 1, 1)
    with store.reading() as connection:
        assert connection.execute(select(calls.c.extraction_id, calls.c.fingerprint, calls.c.cost_usd)).all() == [
            (None, "", 0.5)
        ]
        assert connection.scalars(select(attempts.c.extraction_id)).all() == [kept]
        for table in (reviews, corrections):
            assert connection.scalars(select(table.c.sha256)).all() == ["B"]


def test_words_of_a_page_that_another_document_shows_too_stay(store: Store) -> None:
    """Of a purged document go the words of its own pages, and those of which it is not known whose they are."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    extract(store, "a", "A")
    extract(store, "b", "B")
    for name, picture in (("a", "own"), ("a", "shared"), ("b", "shared"), ("b", "another's"), ("a", "own")):
        store.transact(note_picture, listed(name).uri, picture)
    with store.writing() as connection:
        for picture in ("own", "shared", "another's", "of old"):
            connection.execute(page_words.insert().values(picture=picture, reader="r", words=[], created_at=now))
    assert store.transact(purge_document, listed("a").uri, None).ocr_pages == 2
    with store.reading() as connection:
        assert set(connection.scalars(select(page_words.c.picture))) == {"another's", "shared"}
    assert store.transact(purge_document, listed("b").uri, None).ocr_pages == 2


def test_what_is_old_goes_and_what_counts_stays(store: Store) -> None:
    """`--before` removes OCR words and attempts that did not count; records, attempts that count and calls stay."""
    extract(store, "a", "A")
    extract(store, "a", "A", outcome("quarantined"))
    with store.writing() as connection:
        now = datetime.now(UTC)
        connection.execute(page_words.insert().values(picture="p", reader="r", words=[], created_at=now))
    assert store.transact(purge_old, datetime(2020, 1, 1, tzinfo=UTC)) == Purged()
    assert store.transact(purge_old, datetime(2099, 1, 1, tzinfo=UTC)) == Purged(attempts=1, ocr_pages=1)
    assert texts(store) == [("a", "A r1")]
