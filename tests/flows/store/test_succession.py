import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from stores import Note, draft, extract, fresh_url, known, listed, outcome, spooled, stored, texts

from extractors.vocabulary import WITH_RECORDS
from flows.store.claims import Claim
from flows.store.keys import Key
from flows.store.queries import quarantined, record_rows
from flows.store.store import Store
from flows.store.tables import extractions
from flows.store.views import make_views
from schemas.record import schema_of


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store that knows the schema `note`."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, schema_of(Note))
        yield opened


def test_new_bytes_supersede_the_old_record(store: Store) -> None:
    """An object that was overwritten shows its new record; the old one stays, marked superseded."""
    old = extract(store, "a", "A")
    new = extract(store, "a", "B", etag="2")
    assert texts(store) == [("a", "B r1")]
    assert stored(store, old).superseded_by == new


def test_new_bytes_supersede_the_old_record_whatever_became_of_them(store: Store) -> None:
    """A record of bytes that are gone is not current, even when the new bytes are quarantined."""
    old = extract(store, "a", "A")
    new = extract(store, "a", "B", outcome("quarantined"), etag="2")
    assert texts(store) == []
    assert stored(store, old).superseded_by == new


def test_the_old_record_is_shown_until_the_new_bytes_have_an_outcome(store: Store) -> None:
    """Listing, claiming and pausing take nothing out of the view: that happens with the outcome."""
    extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    assert texts(store) == [("a", "A r1")]
    claim = store.claim(listed("a", "2"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="run")
    assert texts(store) == [("a", "A r1")]
    store.finish(claim, outcome("pending", kind="endpoint_down"), run_id="run")
    assert texts(store) == [("a", "A r1")]
    again = store.claim(listed("a", "2"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="run")
    store.finish(again, outcome("complete", draft(text="new")), run_id="run")
    assert texts(store) == [("a", "new")]


def test_the_old_bytes_are_remembered_over_a_crash_and_another_change(store: Store) -> None:
    """A process that died after its claim loses no supersession, also when the bytes change once more."""
    old = extract(store, "a", "A")
    store.note_objects([listed("a", "2")])
    lost = store.claim(listed("a", "2"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="killed")
    store.note_objects([listed("a", "3")])
    new = extract(store, "a", "C", etag="3")
    assert texts(store) == [("a", "C r1")]
    assert stored(store, old).superseded_by == stored(store, lost.extraction_id).superseded_by == new


def test_old_bytes_that_another_object_still_shows_stay_current(store: Store) -> None:
    """Only when the last object has moved on is a content's record superseded."""
    extract(store, "a", "A")
    store.claim(listed("b"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run")
    extract(store, "a", "B", etag="2")
    assert texts(store) == [("a", "B r1"), ("b", "A r1")]
    store.note_objects([listed("b", "2")])
    assert texts(store) == [("a", "B r1"), ("b", "A r1")]
    extract(store, "b", "C", etag="2")
    assert texts(store) == [("a", "B r1"), ("b", "C r1")]


def test_an_object_that_changes_to_known_bytes_supersedes_without_work(store: Store) -> None:
    """A file overwritten with a copy of another one needs no extraction, and shows its old record no more."""
    extract(store, "a", "A")
    extract(store, "b", "B")
    assert (
        store.claim(listed("a", "2"), spooled("B"), key=Key(schema_name="note", recipe="r1"), run_id="run").status
        == "complete"
    )
    assert texts(store) == [("a", "B r1")]


def test_an_outcome_counts_for_every_object_that_shows_the_bytes(store: Store) -> None:
    """A file overwritten with a copy that waits for the budget is done, old record and all, with the other copy."""
    old = extract(store, "y", "B")
    extract(store, "y", "A", outcome("pending"), etag="2")
    new = extract(store, "x", "A")
    assert texts(store) == [("x", "A r1")]
    assert stored(store, old).superseded_by == new
    assert known(store, "y").status == "complete"


def test_bytes_that_come_back_are_current_again_without_work(store: Store) -> None:
    """Restoring a file's earlier version brings its record back at the claim."""
    extract(store, "a", "A")
    extract(store, "a", "B", etag="2")
    assert (
        store.claim(listed("a", "3"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run").status
        == "complete"
    )
    assert texts(store) == [("a", "A r1")]


def test_each_schema_supersedes_its_own(store: Store) -> None:
    """New bytes read under one schema leave the other schema's record until that is extracted too."""
    extract(store, "a", "A")
    other = store.claim(listed("a"), spooled("A"), key=Key(schema_name="receipt", recipe="r1"), run_id="run")
    store.finish(other, outcome("complete", draft()), run_id="run")
    extract(store, "a", "B", etag="2")
    assert stored(store, other.extraction_id).superseded_by is None
    newer = store.claim(listed("a", "2"), spooled("B"), key=Key(schema_name="receipt", recipe="r1"), run_id="run")
    store.finish(newer, outcome("complete", draft()), run_id="run")
    assert stored(store, other.extraction_id).superseded_by == newer.extraction_id


@pytest.mark.parametrize("status", WITH_RECORDS)
def test_another_recipe_supersedes_once_it_has_records(store: Store, status: str) -> None:
    """A new schema, prompt or model replaces the old record of the same bytes."""
    old = extract(store, "a", "A")
    new = extract(store, "a", "A", outcome(status, draft(text="new")), recipe="r2")
    assert texts(store) == [("a", "new")]
    assert stored(store, old).superseded_by == new


@pytest.mark.parametrize("status", ["quarantined", "pending"])
def test_another_recipe_without_records_takes_none_away(store: Store, status: str) -> None:
    """What the new recipe could not read is still shown as the old one read it."""
    extract(store, "a", "A")
    extract(store, "a", "A", outcome(status), recipe="r2")
    assert texts(store) == [("a", "A r1")]


def test_a_document_is_quarantined_once(store: Store) -> None:
    """A document that fails under one recipe after the other is listed under the last."""
    extract(store, "a", "A", outcome("quarantined"))
    last = extract(store, "a", "A", outcome("quarantined"), recipe="r2")
    assert [entry.id for entry in quarantined(store)] == [last]


def test_going_back_to_an_older_recipe_costs_nothing(store: Store) -> None:
    """The older recipe's record is not known as done, but current again from its claim on."""
    old = extract(store, "a", "A")
    new = extract(store, "a", "A", recipe="r2")
    assert known(store, "a").status is None
    assert store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run") == Claim(
        old, "complete", "run", mine=False
    )
    assert texts(store) == [("a", "A r1")]
    assert stored(store, new).superseded_by == old


def test_going_back_to_a_recipe_that_worked_ends_the_others_failure(store: Store) -> None:
    """A failure under a recipe that was given up does not stay in quarantine for ever."""
    extract(store, "a", "A")
    extract(store, "a", "A", outcome("quarantined"), recipe="r2")
    assert len(quarantined(store)) == 1
    assert (known(store, "a").status, known(store, "a", "r2").status) == (None, "quarantined")
    assert (
        store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="run").status
        == "complete"
    )
    assert quarantined(store) == []
    assert known(store, "a").status == "complete"


def test_a_late_outcome_of_old_bytes_does_not_come_back(store: Store) -> None:
    """When an object was overwritten and read again meanwhile, the older extraction ends superseded."""
    late = store.claim(listed("a"), spooled("A"), key=Key(schema_name="note", recipe="r1"), run_id="slow")
    new = extract(store, "a", "B", etag="2")
    store.finish(late, outcome("complete", draft(text="late")), run_id="slow")
    assert texts(store) == [("a", "B r1")]
    assert stored(store, late.extraction_id).superseded_by == new


URIS, CONTENTS, RECIPES = ("x", "y", "z"), ("A", "B", "C"), ("r1", "r2")
_statuses = st.sampled_from(["complete", "complete", "partial", "quarantined", "pending", "unread", "killed"])
_steps = st.one_of(
    st.tuples(st.just("bytes"), st.sampled_from(URIS), st.sampled_from(CONTENTS)),
    st.tuples(st.just("run"), st.sampled_from(RECIPES), st.lists(_statuses, min_size=3, max_size=3)),
)


class _World:
    """A bucket of three objects and runs over it, as `flows.run.job` makes them with `--rerun failed`."""

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
        known = self.store.known([ref.uri for ref in refs.values()], Key(schema_name="note", recipe=recipe))
        for (name, ref), status in zip(refs.items(), statuses, strict=True):
            if known[ref.uri].status == "complete":
                continue
            if status == "unread":
                self.store.fail_unread(
                    ref, key=Key(schema_name="note", recipe=recipe), kind="gone", cause="gone", run_id="run"
                )
                continue
            claim = self.store.claim(
                ref,
                spooled(self.shown[name]),
                key=Key(schema_name="note", recipe=recipe),
                run_id="claiming",
                taken=lambda _: True,
            )
            if status == "killed":
                return
            if claim.status != "complete":
                drafts = (draft(text=f"{self.shown[name]} {recipe}"),) if status in WITH_RECORDS else ()
                self.store.finish(claim, outcome(status, *drafts), run_id="run")
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
        assert texts(self.store) == sorted((name, f"{content} {recipe}") for content, name in smallest.items())
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
