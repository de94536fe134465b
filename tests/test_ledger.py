import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import func, select
from stores import NOON, draft, fresh_url, listed, outcome, spooled

from extractors.documents import Extraction, Usage
from flows.ledger import Claim, Known
from flows.querying import quarantined, record_rows
from flows.store import Store
from flows.tables import WITH_RECORDS, documents, extraction_replies, extractions, pages, records
from flows.views import make_views
from schemas.record import schema_of

ROOT = Path(__file__).resolve().parents[1]


class Note(BaseModel):
    """The smallest schema."""

    text: str | None = None


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store that knows the schema `note`."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def _extract(
    store: Store, name: str, content: str, result: Extraction | None = None, *, etag: str = "1", recipe: str = "r1"
) -> int:
    """One document's way through the ledger, as a run takes it; the record says what it was read from."""
    ref = listed(name, etag)
    claim = store.claim(ref, spooled(content), "note", recipe, "run")
    store.finish(claim, ref.uri, result or outcome("complete", draft(text=f"{content} {recipe}")), "run")
    return claim.extraction_id


def _texts(store: Store) -> list[tuple[str, str]]:
    """What the view shows: uri and text of each record."""
    columns, rows = record_rows(store, "note")
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return sorted((str(row["document_uri"]).removeprefix("s3://bucket/"), row["text"]) for row in found)


def _row(store: Store, extraction_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(extractions).where(extractions.c.id == extraction_id)).one()


def _known(store: Store, name: str, recipe: str = "r1") -> Known:
    uri = listed(name).uri
    return store.known([uri], "note", recipe)[uri]


def test_an_object_that_was_never_noted_is_not_known(store: Store) -> None:
    """Only what was listed before is in the answer."""
    store.note_objects([listed("a")])
    assert store.known([listed("a").uri, listed("b").uri], "note", "r1") == {
        listed("a").uri: Known(etag="1", sha256=None, status=None, kind=None)
    }


def test_a_finished_document_is_known_under_its_recipe_and_schema_only(store: Store) -> None:
    """An unchanged, complete document can be skipped without reading it; another recipe or schema is new work."""
    _extract(store, "a", "A")
    assert _known(store, "a") == Known(etag="1", sha256="A", status="complete", kind=None)
    assert _known(store, "a", "r2").status is None
    assert store.known([listed("a").uri], "receipt", "r1")[listed("a").uri].status is None


def test_many_objects_are_noted_and_known(store: Store) -> None:
    """More objects than one statement takes are noted and found again, each once."""
    refs = [listed(f"{number}") for number in range(1203)]
    store.note_objects(refs)
    store.note_objects([*refs, refs[0]])
    assert set(store.known([ref.uri for ref in refs], "note", "r1")) == {ref.uri for ref in refs}
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(documents)) == 1203


def test_a_changed_etag_makes_the_bytes_unknown(store: Store) -> None:
    """Once its etag changed, nothing that was read from the object counts as known."""
    _extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    assert _known(store, "a") == Known(etag="2", sha256=None, status=None, kind=None)
    with store.reading() as connection:
        row = connection.execute(select(documents)).one()
    assert (row.media_type, row.page_count, row.bytes) == (None, None, 100)


def test_names_that_databases_refuse_are_known_all_the_same(store: Store) -> None:
    """An object whose name is no valid text is noted and found under the name it was asked for."""
    ref = listed("caf\udce9\x00.pdf")
    store.note_objects([ref])
    assert set(store.known([ref.uri], "note", "r1")) == {ref.uri}


def test_a_claim_is_pending_until_it_is_finished(store: Store) -> None:
    """A process that dies after claiming leaves a pending extraction, which the next claim goes on with."""
    first = store.claim(listed("a"), spooled("A"), "note", "r1", "run 1")
    assert first == Claim(first.extraction_id, None, "run 1")
    assert _known(store, "a").status == "pending"
    again = store.claim(listed("a"), spooled("A"), "note", "r1", "run 2")
    assert (again.extraction_id, again.status) == (first.extraction_id, None)
    assert _texts(store) == []


def test_everything_of_an_outcome_is_written(store: Store) -> None:
    """The extraction, its pages, records, replies and the document's type arrive together."""
    result = outcome(
        "partial",
        draft(text="one"),
        draft(text="two"),
        usage=Usage(100, 20, 0, 0.5),
        endpoint="vllm",
        model="m",
        reply_fingerprints=("f1", "f2"),
    )
    done = _extract(store, "a", "A", result)
    row = _row(store, done)
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
    first = _extract(store, "a", "A", outcome("partial", draft(text="half"), usage=Usage(10, 1, 0, 0.25)))
    second = _extract(store, "a", "A", outcome("complete", draft(text="whole"), usage=Usage(5, 1, 0, 0.5)))
    assert first == second
    assert _texts(store) == [("a", "whole")]
    row = _row(store, second)
    assert (row.status, row.kind, row.cause) == ("complete", None, None)
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (15, 2, 0.75)


def test_a_pause_keeps_its_cause_and_no_records(store: Store) -> None:
    """A document that the budget stopped is pending, says why, and shows nothing half done."""
    paused = outcome("pending", draft(text="half"), kind="budget_exhausted", cause="the budget is used up")
    row = _row(store, _extract(store, "a", "A", paused))
    assert (row.status, row.kind, row.cause) == ("pending", "budget_exhausted", "the budget is used up")
    assert _texts(store) == []


def test_a_pause_takes_no_earlier_outcome_away(store: Store) -> None:
    """Doing everything again and running out of budget leaves the old record, and counts the money."""
    done = _extract(store, "a", "A")
    _extract(store, "a", "A", outcome("pending", kind="budget_exhausted", usage=Usage(7, 0, 0, 0.125)))
    assert _texts(store) == [("a", "A r1")]
    row = _row(store, done)
    assert (row.status, row.input_tokens, row.cost_usd) == ("complete", 7, 0.125)


def test_the_same_bytes_under_another_name_are_not_work(store: Store) -> None:
    """A copy is recognised at its claim; the record is shown once, under the smallest uri."""
    _extract(store, "b", "A")
    copy = store.claim(listed("a"), spooled("A"), "note", "r1", "run 2")
    assert (copy.status, copy.run_id) == ("complete", "run")
    assert _texts(store) == [("a", "A r1")]
    with store.reading() as connection:
        assert set(connection.scalars(select(documents.c.page_count))) == {2}


def test_new_bytes_supersede_the_old_record(store: Store) -> None:
    """An object that was overwritten shows its new record; the old one stays, marked superseded."""
    old = _extract(store, "a", "A")
    new = _extract(store, "a", "B", etag="2")
    assert _texts(store) == [("a", "B r1")]
    assert _row(store, old).superseded_by == new


def test_new_bytes_supersede_the_old_record_whatever_became_of_them(store: Store) -> None:
    """A record of bytes that are gone is not current, even when the new bytes are quarantined."""
    old = _extract(store, "a", "A")
    new = _extract(store, "a", "B", outcome("quarantined"), etag="2")
    assert _texts(store) == []
    assert _row(store, old).superseded_by == new


def test_the_old_record_is_shown_until_the_new_bytes_have_an_outcome(store: Store) -> None:
    """Listing, claiming and pausing take nothing out of the view: that happens with the outcome."""
    _extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    assert _texts(store) == [("a", "A r1")]
    claim = store.claim(listed("a", "2"), spooled("B"), "note", "r1", "run")
    assert _texts(store) == [("a", "A r1")]
    store.finish(claim, listed("a").uri, outcome("pending", kind="endpoint_down"), "run")
    assert _texts(store) == [("a", "A r1")]
    store.finish(claim, listed("a").uri, outcome("complete", draft(text="new")), "run")
    assert _texts(store) == [("a", "new")]


def test_the_old_bytes_are_remembered_over_a_crash_and_another_change(store: Store) -> None:
    """A process that died after its claim loses no supersession, also when the bytes change once more."""
    old = _extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    lost = store.claim(listed("a", "2"), spooled("B"), "note", "r1", "killed")
    store.note_objects([listed("a", "3")])
    new = _extract(store, "a", "C", etag="3")
    assert _texts(store) == [("a", "C r1")]
    assert _row(store, old).superseded_by == _row(store, lost.extraction_id).superseded_by == new


def test_old_bytes_that_another_object_still_shows_stay_current(store: Store) -> None:
    """Only when the last object has moved on is a content's record superseded."""
    _extract(store, "a", "A")
    store.claim(listed("b"), spooled("A"), "note", "r1", "run")
    _extract(store, "a", "B", etag="2")
    assert _texts(store) == [("a", "B r1"), ("b", "A r1")]
    store.note_objects([listed("b", "2")])
    assert _texts(store) == [("a", "B r1"), ("b", "A r1")]
    _extract(store, "b", "C", etag="2")
    assert _texts(store) == [("a", "B r1"), ("b", "C r1")]


def test_an_object_that_changes_to_known_bytes_supersedes_without_work(store: Store) -> None:
    """A file overwritten with a copy of another one needs no extraction, and shows its old record no more."""
    _extract(store, "a", "A")
    _extract(store, "b", "B")
    assert store.claim(listed("a", "2"), spooled("B"), "note", "r1", "run").status == "complete"
    assert _texts(store) == [("a", "B r1")]


def test_bytes_that_come_back_are_current_again_without_work(store: Store) -> None:
    """Restoring a file's earlier version brings its record back at the claim."""
    _extract(store, "a", "A")
    _extract(store, "a", "B", etag="2")
    assert store.claim(listed("a", "3"), spooled("A"), "note", "r1", "run").status == "complete"
    assert _texts(store) == [("a", "A r1")]


def test_each_schema_supersedes_its_own(store: Store) -> None:
    """New bytes read under one schema leave the other schema's record until that is extracted too."""
    _extract(store, "a", "A")
    other = store.claim(listed("a"), spooled("A"), "receipt", "r1", "run")
    store.finish(other, listed("a").uri, outcome("complete", draft()), "run")
    _extract(store, "a", "B", etag="2")
    assert _row(store, other.extraction_id).superseded_by is None
    newer = store.claim(listed("a", "2"), spooled("B"), "receipt", "r1", "run")
    store.finish(newer, listed("a").uri, outcome("complete", draft()), "run")
    assert _row(store, other.extraction_id).superseded_by == newer.extraction_id


@pytest.mark.parametrize("status", WITH_RECORDS)
def test_another_recipe_supersedes_once_it_has_records(store: Store, status: str) -> None:
    """A new schema, prompt or model replaces the old record of the same bytes."""
    old = _extract(store, "a", "A")
    new = _extract(store, "a", "A", outcome(status, draft(text="new")), recipe="r2")
    assert _texts(store) == [("a", "new")]
    assert _row(store, old).superseded_by == new


@pytest.mark.parametrize("status", ["quarantined", "pending"])
def test_another_recipe_without_records_takes_none_away(store: Store, status: str) -> None:
    """What the new recipe could not read is still shown as the old one read it."""
    _extract(store, "a", "A")
    _extract(store, "a", "A", outcome(status), recipe="r2")
    assert _texts(store) == [("a", "A r1")]


def test_a_document_is_quarantined_once(store: Store) -> None:
    """A document that fails under one recipe after the other is listed under the last."""
    _extract(store, "a", "A", outcome("quarantined"))
    last = _extract(store, "a", "A", outcome("quarantined"), recipe="r2")
    assert [entry.id for entry in quarantined(store)] == [last]


def test_going_back_to_an_older_recipe_costs_nothing(store: Store) -> None:
    """The older recipe's record is not known as done, but current again from its claim on."""
    old = _extract(store, "a", "A")
    new = _extract(store, "a", "A", recipe="r2")
    assert _known(store, "a").status is None
    assert store.claim(listed("a"), spooled("A"), "note", "r1", "run") == Claim(old, "complete", "run")
    assert _texts(store) == [("a", "A r1")]
    assert _row(store, new).superseded_by == old


def test_going_back_to_a_recipe_that_worked_ends_the_others_failure(store: Store) -> None:
    """A failure under a recipe that was given up does not stay in quarantine for ever."""
    _extract(store, "a", "A")
    _extract(store, "a", "A", outcome("quarantined"), recipe="r2")
    assert len(quarantined(store)) == 1
    assert (_known(store, "a").status, _known(store, "a", "r2").status) == (None, "quarantined")
    assert store.claim(listed("a"), spooled("A"), "note", "r1", "run").status == "complete"
    assert quarantined(store) == []
    assert _known(store, "a").status == "complete"


def test_a_late_outcome_of_old_bytes_does_not_come_back(store: Store) -> None:
    """When an object was overwritten and read again meanwhile, the older extraction ends superseded."""
    late = store.claim(listed("a"), spooled("A"), "note", "r1", "slow")
    new = _extract(store, "a", "B", etag="2")
    store.finish(late, listed("a").uri, outcome("complete", draft(text="late")), "slow")
    assert _texts(store) == [("a", "B r1")]
    assert _row(store, late.extraction_id).superseded_by == new


def test_an_object_that_cannot_be_read_is_quarantined(store: Store) -> None:
    """It is listed with its uri and cause, and left alone until its etag changes."""
    store.note_objects([listed("a")])
    number = store.fail_unread(listed("a"), "note", "r1", "source_unavailable", "no such key", "run")
    assert store.fail_unread(listed("a"), "note", "r1", "source_unavailable", "gone", "run") == number
    (entry,) = quarantined(store)
    assert (entry.id, entry.uris, entry.kind, entry.cause) == (
        number,
        (listed("a").uri,),
        "source_unavailable",
        "gone",
    )
    assert _known(store, "a") == Known("1", None, "quarantined", "source_unavailable")
    store.note_objects([listed("a", "2")])
    assert _known(store, "a").status is None


def test_an_object_that_can_be_read_at_last_leaves_the_quarantine(store: Store) -> None:
    """The entry of an unreadable object is superseded by the next one, and by its extraction."""
    store.fail_unread(listed("a"), "note", "r1", "gone", "gone", "run")
    last = store.fail_unread(listed("a", "2"), "note", "r1", "gone", "gone", "run")
    assert [entry.id for entry in quarantined(store)] == [last]
    _extract(store, "a", "A", etag="2")
    assert quarantined(store) == []
    assert _texts(store) == [("a", "A r1")]


def test_an_object_that_cannot_be_read_keeps_its_old_record(store: Store) -> None:
    """A failed read says nothing about the record; when it succeeds again, nothing is paid for."""
    _extract(store, "a", "A")
    store.fail_unread(listed("a"), "note", "r1", "gone", "gone", "run")
    _extract(store, "b", "B")
    assert _texts(store) == [("a", "A r1"), ("b", "B r1")]
    assert store.claim(listed("a"), spooled("A"), "note", "r1", "run").status == "complete"
    assert quarantined(store) == []


_EXTRACT_ALL = """
import sys
from flows.store import Store
from flows.views import make_views
from schemas.record import schema_of
from stores import draft, listed, outcome, spooled
from test_ledger import Note
with Store.open(sys.argv[1]) as store:
    make_views(store, schema_of(Note))
    refs = [listed(f"{number}") for number in range(20)]
    store.note_objects(refs)
    for ref in refs:
        claim = store.claim(ref, spooled(ref.uri), "note", "r1", sys.argv[2])
        store.finish(claim, ref.uri, outcome("complete", draft(text=ref.uri)), sys.argv[2])
"""


def test_several_processes_share_a_store(tmp_path: Path) -> None:
    """Processes that make, fill and finish the same new store at once all succeed, and each record is there once."""
    url = f"sqlite:///{tmp_path / 'octavo.db'}"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-W", "error", "-c", _EXTRACT_ALL, url]
    runs = [subprocess.Popen([*command, f"run {number}"], env=environment) for number in range(3)]
    assert [run.wait(120) for run in runs] == [0, 0, 0]
    with Store.open(url) as store:
        assert sorted(text for _, text in _texts(store)) == sorted(listed(f"{number}").uri for number in range(20))


URIS, CONTENTS, RECIPES = ("x", "y", "z"), ("A", "B", "C"), ("r1", "r2")
_statuses = st.sampled_from(["complete", "complete", "partial", "quarantined", "pending", "unread", "killed"])
_steps = st.one_of(
    st.tuples(st.just("bytes"), st.sampled_from(URIS), st.sampled_from(CONTENTS)),
    st.tuples(st.just("run"), st.sampled_from(RECIPES), st.lists(_statuses, min_size=3, max_size=3)),
)


class _World:
    """A bucket of three objects and runs over it, as `flows.running` makes them with `--rerun failed`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.shown = dict(zip(URIS, CONTENTS, strict=True))
        self.versions = dict.fromkeys(URIS, 0)

    def overwrite(self, name: str, content: str) -> None:
        self.shown[name] = content
        self.versions[name] += 1

    def run(self, recipe: str, statuses: list[str]) -> None:
        refs = {name: listed(name, str(version)) for name, version in self.versions.items()}
        self.store.note_objects(list(refs.values()))
        known = self.store.known([ref.uri for ref in refs.values()], "note", recipe)
        for (name, ref), status in zip(refs.items(), statuses, strict=True):
            if known[ref.uri].status == "complete":
                continue
            if status == "unread":
                self.store.fail_unread(ref, "note", recipe, "gone", "gone", "run")
                continue
            claim = self.store.claim(ref, spooled(self.shown[name]), "note", recipe, "run")
            if status == "killed":
                return
            if claim.status != "complete":
                drafts = (draft(text=f"{self.shown[name]} {recipe}"),) if status in WITH_RECORDS else ()
                self.store.finish(claim, ref.uri, outcome(status, *drafts), "run")
            self.check_always()

    def check_always(self) -> None:
        """Whatever happens: one current record per content, shown once, with a uri."""
        current = select(extractions.c.sha256).where(
            extractions.c.superseded_by.is_(None), extractions.c.status.in_(WITH_RECORDS)
        )
        with self.store.reading() as connection:
            contents = list(connection.scalars(current))
        assert len(contents) == len(set(contents))
        columns, rows = record_rows(self.store, "note")
        assert len({row[0] for row in rows}) == len(rows) == len(contents)
        assert all(dict(zip(columns, row, strict=True))["document_uri"] for row in rows)

    def check_after_a_whole_run(self, recipe: str) -> None:
        """Once every object has its record under a recipe, the view shows exactly what the bucket holds."""
        smallest = {content: min(n for n in URIS if self.shown[n] == content) for content in self.shown.values()}
        assert _texts(self.store) == sorted((name, f"{content} {recipe}") for content, name in smallest.items())
        assert all(entry.status == "partial" for entry in quarantined(self.store))


@settings(max_examples=40, deadline=None)
@given(st.lists(_steps, max_size=12), st.sampled_from(RECIPES), st.sampled_from(WITH_RECORDS))
def test_any_history_ends_with_each_record_once(steps: list[Any], recipe: str, last: str) -> None:
    """New bytes, new recipes, failures, kills and reruns in any order leave one current record per content."""
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/octavo.db") as store:
        make_views(store, schema_of(Note))
        world = _World(store)
        for step, what, how in steps:
            if step == "bytes":
                world.overwrite(what, how)
            else:
                world.run(what, how)
            world.check_always()
        world.run(recipe, [last] * 3)
        world.check_after_a_whole_run(recipe)
