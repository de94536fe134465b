"""What an outcome is worth: the best known answer is in the view, whatever happens to documents and recipes."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from stores import NOON, Note, draft, extract, fresh_url, listed, spooled, stored, texts

from extractors.documents import Extraction, Issue, PageState
from extractors.vocabulary import FINAL, WITH_RECORDS
from flows.export.export import export
from flows.store.gone import note_gone
from flows.store.history import history
from flows.store.keys import Key
from flows.store.queries import quarantined, record_rows, whole_records
from flows.store.store import Store
from flows.store.tables import extractions
from flows.store.views import make_views
from schemas.record import schema_of

SCHEMAS = {"r1": "old", "r2": "old", "r3": "new"}
"""Recipe -> its schema's content: `r1` and `r2` differ in another setting."""

PARTS = {"window": ["one", 8], "prompt": "1", "render": "1", "model": "m", "sampling": "s"}
WORSE_AND_BETTER = [("complete", 2), ("partial", 1), ("partial", 0), ("quarantined", 0)]
"""Outcomes, the better first, with the pages that were read."""


def open_store(url: str) -> Store:
    """A store that knows the schema and what the recipes are made of."""
    store = Store.open(url)
    make_views(store, schema_of(Note))
    for recipe, schema in SCHEMAS.items():
        parts = PARTS | {"schema": {"title": schema}}
        store.start_run(run_id=recipe, source="", key=_key(recipe), endpoint=None, parts=parts)
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    with open_store(fresh_url(request.param, tmp_path)) as opened:
        yield opened


def _key(recipe: str) -> Key:
    return Key(schema_name="note", recipe=recipe)


def _ended(status: str, read: int, text: str) -> Extraction:
    """How a PDF of two pages ended."""
    pages = tuple(PageState(page, "read" if page <= read else "failed", None, None) for page in (1, 2))
    kind = None if status == "complete" else "invalid_answer"
    records = (draft(text=text),) if status in WITH_RECORDS else ()
    return Extraction(status, kind, kind, pages=pages, records=records, started_at=NOON, finished_at=NOON)


def take(store: Store, name: str, content: str, recipe: str, ended: Extraction, *, etag: str = "1") -> int:
    """One document's way through a run with `--rerun failed`."""
    claim = store.claim(
        listed(name, etag), spooled(content), key=_key(recipe), run_id=f"{recipe} claims", taken=lambda _: True
    )
    store.finish(claim, ended, run_id=f"run of {recipe}")
    return claim.extraction_id


@pytest.mark.parametrize("recipe", ["r1", "r2"])
@pytest.mark.parametrize("place", range(1, 4))
def test_a_worse_outcome_does_not_displace_a_better_one(store: Store, recipe: str, place: int) -> None:
    """Retried as before or under another setting, what is worth more stays, with its pages; the attempt is noted."""
    better, worse = WORSE_AND_BETTER[place - 1], WORSE_AND_BETTER[place]
    first = take(store, "a", "A", "r1", _ended(*better, "first"))
    take(store, "a", "A", recipe, _ended(*worse, "second"))
    assert texts(store) == ([("a", "first")] if better[0] in WITH_RECORDS else [])
    assert stored(store, first).superseded_by is None
    assert [(each.status, each.shown) for each in history(store, listed("a").uri)] == [
        (better[0], True), (worse[0], False),
    ]  # fmt: skip
    # It is done under this recipe: no run tries it again.
    assert store.known([listed("a").uri], _key(recipe))[listed("a").uri].status is not None
    take(store, "a", "A", recipe, _ended("complete", 2, "third"))
    assert texts(store) == [("a", "third")]


def test_what_is_worth_the_same_counts_when_it_is_newer(store: Store) -> None:
    """Two complete ones: the last; going back to the older setting makes its outcome current again."""
    take(store, "a", "A", "r1", _ended("complete", 2, "first"))
    take(store, "a", "A", "r2", _ended("complete", 2, "second"))
    assert texts(store) == [("a", "second")]
    store.claim(listed("a"), spooled("A"), key=_key("r1"), run_id="back")
    assert texts(store) == [("a", "first")]


def test_an_outcome_under_another_schema_counts_unless_it_is_quarantined(store: Store, tmp_path: Path) -> None:
    """A worse one too; a quarantined one leaves the older record, which says so wherever it is seen."""
    take(store, "a", "A", "r1", _ended("complete", 2, "old"))
    place = str(tmp_path / "out")
    export(store, schema_name="note", place=place, form="jsonl")
    failed = take(store, "a", "A", "r3", _ended("quarantined", 0, ""))
    assert texts(store) == [("a", "old")]
    (whole,) = whole_records(store, "note")
    assert [issue["kind"] for issue in whole["issues"]] == ["older_schema"]
    columns, ((*row,),) = record_rows(store, "note")
    assert dict(zip(columns, row, strict=True))["issue_count"] == 1
    assert [entry.id for entry in quarantined(store)] == [failed]
    done = export(store, schema_name="note", place=place, form="jsonl")
    assert (done.added, done.removed) == (1, 1)
    take(store, "a", "A", "r3", _ended("partial", 1, "new"))
    assert texts(store) == [("a", "new")]
    # Whoever goes back to the older schema sees its record as it was.
    store.claim(listed("a"), spooled("A"), key=_key("r1"), run_id="back")
    (whole,) = whole_records(store, "note")
    assert (whole["text"], whole["issues"]) == ("old", [])


def test_a_run_does_not_try_again_what_it_has_just_failed_to_better(store: Store) -> None:
    """Two names, one content: the second claim of the same run finds it tried, though the older outcome counts."""
    take(store, "a", "A", "r1", _ended("partial", 1, "first"))
    again = store.claim(listed("a"), spooled("A"), key=_key("r1"), run_id="retry", taken=lambda _: True)
    store.finish(again, _ended("quarantined", 0, ""), run_id="retry")
    assert not store.claim(listed("b"), spooled("A"), key=_key("r1"), run_id="retry", taken=lambda _: True).mine


def test_issues_without_a_record_are_kept(store: Store) -> None:
    """What is known of a document without a record is with its extraction."""
    issue = Issue("all_blank", "", "no page has ink")
    blank = Extraction("complete", issues=(issue,), started_at=NOON, finished_at=NOON)
    assert stored(store, take(store, "a", "A", "r1", blank)).issues == [vars(issue)]


# The state machine: a plain model beside the store.

URIS, CONTENTS = ("x", "y"), ("A", "B")
_outcomes = st.sampled_from([*WORSE_AND_BETTER, ("complete", 2), ("pending", 0)])
_steps = st.one_of(
    st.tuples(st.just("take"), st.sampled_from(URIS), st.sampled_from(sorted(SCHEMAS)), _outcomes),
    st.tuples(st.just("take"), st.sampled_from(URIS), st.sampled_from(sorted(SCHEMAS)), _outcomes),
    st.tuples(st.just("bytes"), st.sampled_from(URIS), st.sampled_from(CONTENTS), st.none()),
    st.tuples(st.just("delete"), st.sampled_from(URIS), st.booleans(), st.none()),
)


@dataclass
class _Row:
    """The best outcome of a content under a recipe."""

    recipe: str
    worth: tuple[int, int]
    text: str
    age: int


@dataclass
class _Content:
    """What is known of some bytes: the best outcome of each recipe, and the recipes whose outcomes are current."""

    rows: dict[str, _Row] = field(default_factory=dict)
    current: list[str] = field(default_factory=list)

    def ask(self, recipe: str) -> None:
        """The rule of the issue, in words of Python."""
        same = [row for row in self.rows.values() if SCHEMAS[row.recipe] == SCHEMAS[recipe]]
        best = max(same, key=lambda row: (row.worth, row.recipe == recipe, row.age))
        others = [row for row in self.rows.values() if row not in same and row.worth[0] > 1]
        if best.worth[0] > 1 or not others:
            self.current = [best.recipe]
            return
        shown = [row for row in others if row.recipe in self.current] or [max(others, key=lambda row: row.age)]
        alike = [row for row in others if SCHEMAS[row.recipe] == SCHEMAS[shown[0].recipe]]
        older = max(alike, key=lambda row: (row.worth, row is shown[0], row.age))
        self.current = [best.recipe, older.recipe]

    @property
    def shown(self) -> str | None:
        """The text in the view."""
        return next((self.rows[name].text for name in self.current if self.rows[name].worth[0] > 1), None)


class _World:
    """Two objects, and runs over one at a time."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, 0
        self.shows = dict(zip(URIS, CONTENTS, strict=True))
        self.versions = dict.fromkeys(URIS, 0)
        self.contents = {content: _Content() for content in CONTENTS}
        self.taken: dict[str, str] = {}
        self.former: dict[str, str] = {}
        self.gone: set[str] = set()
        self.retired: set[str] = set()

    def take(self, name: str, recipe: str, ended: tuple[str, int]) -> None:
        """A run with `--rerun failed` that meets one object."""
        self.clock += 1
        ref, content = listed(name, str(self.versions[name])), self.shows[name]
        self.store.note_objects([ref])
        model = self.contents[content]
        claim = self.store.claim(
            ref, spooled(content), key=_key(recipe), run_id=f"{self.clock}", taken=lambda _: True
        )
        text = f"{content} {recipe} {self.clock}"
        outcome = _ended(*ended, text) if ended[0] != "pending" else Extraction("pending", kind="paused")
        self.store.finish(claim, outcome, run_id=f"{self.clock}")
        if self.taken.get(name, content) != content:
            # What it showed before stays until its new bytes have an outcome.
            self.former[name] = self.taken[name]
        self.taken[name] = content
        self.gone.discard(name)
        self.retired -= {content, self.former.get(name)}
        if ended[0] != "pending":
            rank = {"complete": 3, "partial": 2, "quarantined": 1}[ended[0]]
            worth = (rank, ended[1] if ended[0] == "partial" else 0)
            before = model.rows.get(recipe)
            if before is None or before.worth <= worth:
                model.rows[recipe] = _Row(recipe, worth, text, self.clock)
        done = {content for content, known in self.contents.items() if known.rows}
        self.former = {each: was for each, was in self.former.items() if self.taken[each] not in done}
        if recipe in model.rows:
            model.ask(recipe)
            # Whether it counts or not, it is done: the next run leaves it alone.
            assert self.store.known([ref.uri], _key(recipe))[ref.uri].status in FINAL

    def overwrite(self, name: str, content: str) -> None:
        self.shows[name] = content
        self.versions[name] += 1

    def delete(self, name: str, *, retire: bool) -> None:
        """A whole listing without it."""
        self.gone |= {name} & self.taken.keys()
        self.store.transact(
            note_gone, "s3://bucket/", lambda uri: uri.rpartition("/")[2] not in self.gone,
            since=NOON.replace(year=9999), retire=retire,
        )  # fmt: skip
        if retire:
            live = {shows[each] for shows in (self.taken, self.former) for each in shows.keys() - self.gone}
            stood_for = {shows[each] for shows in (self.taken, self.former) for each in shows.keys() & self.gone}
            self.retired |= stood_for - live

    def check(self) -> None:
        """The best known answer of what each object shows is in the view, once, under a name that is there."""
        found = {text: name for name, text in texts(self.store)}
        for content in {*self.taken.values(), *self.former.values()}:
            best = self.contents[content].shown
            if best is None:
                continue
            if content in self.retired:
                assert best not in found
                continue
            assert best in found, (best, found)
            # What shows these bytes goes before what showed them and waits to be read again.
            stand = next(names for shows in (self.taken, self.former) if (names := _names(shows, content)))
            live = [each for each in stand if each not in self.gone]
            assert found[best] in (live[:1] or stand)
        with self.store.reading() as connection:
            current = connection.execute(
                select(extractions.c.sha256).where(
                    extractions.c.superseded_by.is_(None), extractions.c.status.in_(WITH_RECORDS)
                )
            ).all()
        assert len(current) == len(set(current))


def _names(shows: dict[str, str], content: str) -> list[str]:
    return sorted(name for name, shown in shows.items() if shown == content)


def _played(store: Store, steps: list[Any]) -> None:
    world = _World(store)
    for step, name, what, how in steps:
        if step == "take":
            world.take(name, what, how)
        elif step == "bytes":
            world.overwrite(name, what)
        else:
            world.delete(name, retire=what)
        world.check()


@settings(max_examples=40, deadline=None)
@example([
    ("bytes", "x", "B", None), ("take", "x", "r1", ("complete", 2)), ("take", "y", "r1", ("complete", 2)),
    ("bytes", "x", "A", None), ("take", "x", "r1", ("pending", 0)), ("delete", "y", True, None),
])  # fmt: skip
@example([
    ("bytes", "x", "B", None), ("take", "x", "r1", ("complete", 2)), ("take", "y", "r1", ("complete", 2)),
    ("bytes", "x", "A", None), ("delete", "y", False, None), ("take", "x", "r1", ("complete", 2)),
    ("delete", "x", True, None), ("take", "x", "r1", ("complete", 2)),
])  # fmt: skip
@given(st.lists(_steps, max_size=14))
def test_the_best_known_answer_is_in_the_view(steps: list[Any]) -> None:
    """Random outcomes under changing recipes, schemas and bytes, with deletions, against the model above."""
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/octavo.db") as store:
        _played(store, steps)


@settings(max_examples=4, deadline=None)
@given(st.lists(_steps, min_size=6, max_size=10))
def test_the_best_known_answer_is_in_the_view_of_postgresql(steps: list[Any]) -> None:
    """The same there."""
    with open_store(fresh_url("postgresql", Path())) as store:
        _played(store, steps)


def test_bytes_that_are_shown_again_show_what_is_known_of_them(store: Store) -> None:
    """Also while a run under another recipe has only begun with them: what was read before is in the view."""
    extract(store, "y", "B")
    extract(store, "y", "A", etag="2")
    assert texts(store) == [("y", "A r1")]
    claim = store.claim(listed("x"), spooled("B"), key=_key("r2"), run_id="next")
    assert texts(store) == [("x", "B r1"), ("y", "A r1")]
    store.finish(claim, Extraction("pending", kind="paused"), run_id="next")
    assert texts(store) == [("x", "B r1"), ("y", "A r1")]
