"""Records whose values are looked for once more, in SQLite and in PostgreSQL alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from stores import Note, draft, extract, fresh_url, outcome

from extractors.documents import Evidence, PageState, RecordDraft
from extractors.vocabulary import EvidenceState, WordsFrom
from flows.store.regrounding import Regrounded, Uncheckable, count_uncheckable, put_evidence, uncheckable
from flows.store.store import Store
from flows.store.tables import pages, records
from flows.store.views import make_views
from schemas.record import schema_of

UNKNOWN = Evidence("text", EvidenceState.NOT_CHECKABLE)
FOUND = Evidence("text", EvidenceState.FOUND, 1, (0.1, 0.1, 0.2, 0.2), "A", 0.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def unread(text: str) -> RecordDraft:
    """A record of a scan."""
    return replace(draft(text=text), evidence=(UNKNOWN,), grounded=None)


def listed(store: Store, schema_name: str | None = None) -> list[Uncheckable]:
    """What is to be looked at."""
    found = store.transact(uncheckable, schema_name, 0, 10)
    assert store.transact(count_uncheckable, schema_name) == len(found)
    return found


def known(found: Uncheckable, *evidence: Evidence) -> list[Regrounded]:
    """Each of its records with this evidence."""
    return [Regrounded(record.id, evidence, 1.0, ()) for record in found.records]


def test_only_what_could_not_be_looked_for_is_listed_and_only_once(store: Store) -> None:
    """Where all words of the pages are known there is nothing to look for; what counts no more is left alone."""
    extract(store, "scan", "SCAN", outcome("complete", unread("A"), unread("B")))
    said = tuple(PageState(page, "read", words=WordsFrom.LAYER) for page in (1, 2))
    extract(store, "digital", "DIGITAL", outcome("complete", unread("C"), pages=said))
    extract(store, "found", "FOUND", outcome("complete", replace(draft(text="D"), evidence=(FOUND,))))
    extract(store, "old", "OLD", outcome("complete", unread("E")))
    extract(store, "old", "NEW", outcome("complete", draft(text="F")), etag="2")
    (found,) = listed(store)
    assert (found.sha256, found.uris) == ("SCAN", ("s3://bucket/scan",))
    assert [record.data for record in found.records] == [{"text": "A"}, {"text": "B"}]
    assert listed(store, "note") == [found]
    assert listed(store, "invoice") == []
    words = {1: WordsFrom.OCR, 2: WordsFrom.OCR}
    assert store.transact(put_evidence, found, known(found, FOUND), words)
    assert listed(store) == []
    with store.reading() as connection:
        ids = [record.id for record in found.records]
        kept = connection.execute(select(records).where(records.c.extraction_id == found.id)).all()
        assert [(row.ordinal, row.data["text"], row.grounded) for row in kept] == [(0, "A", 1.0), (1, "B", 1.0)]
        assert not {row.id for row in kept} & set(ids)
        assert kept[0].evidence[0]["box"] == [0.1, 0.1, 0.2, 0.2]
        states = connection.scalars(select(pages.c.words).where(pages.c.extraction_id == found.id)).all()
        assert states == ["ocr", "ocr"]


def test_a_record_of_which_nothing_new_is_known_stays_the_same(store: Store) -> None:
    """No export brings it again; its pages are known, and it is not looked at again."""
    extract(store, "scan", "SCAN", outcome("complete", unread("A")))
    (found,) = listed(store)
    anew = [Regrounded(found.records[0].id, (UNKNOWN,), None, ())]
    assert store.transact(put_evidence, found, anew, {1: WordsFrom.OCR, 2: WordsFrom.OCR})
    assert listed(store) == []
    with store.reading() as connection:
        assert connection.scalars(select(records.c.id)).all() == [found.records[0].id]


def test_what_was_read_again_meanwhile_is_left_alone(store: Store) -> None:
    """The new record has evidence of its own."""
    extract(store, "scan", "SCAN", outcome("complete", unread("A")))
    (found,) = listed(store)
    extract(store, "scan", "SCAN", outcome("complete", unread("B")))
    assert not store.transact(put_evidence, found, known(found, FOUND), {1: WordsFrom.OCR})
    (left,) = listed(store)
    assert left.records[0].data == {"text": "B"}
    assert left.records[0].evidence == (UNKNOWN,)


def test_a_page_that_could_not_be_read_is_tried_again(store: Store) -> None:
    """Its words stay unknown."""
    extract(store, "scan", "SCAN", outcome("complete", unread("A")))
    (found,) = listed(store)
    assert store.transact(put_evidence, found, known(found, UNKNOWN), {1: WordsFrom.OCR, 2: None})
    assert [each.id for each in listed(store)] == [found.id]
