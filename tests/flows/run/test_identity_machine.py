"""Runs in any order: nothing stored is paid for again, and the best known answer is in the view.

Between them schemas, validators, models, endpoints and documents change, runs are killed, and replies are purged.

`python tests/flows/run/test_identity_machine.py [EXAMPLES]` does more of them, a fifth as many on PostgreSQL.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings, stateful
from hypothesis import strategies as st

HERE = Path(__file__).resolve()
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[3]), str(HERE.parents[2] / "support")]

from identities import ENDPOINTS, QUALITIES, READINGS, InProcess, Question, Said, Wish, World  # noqa: E402
from stores import fresh_url  # noqa: E402

from extractors.asking import planning  # noqa: E402 - after the path
from extractors.errors import CannotRun  # noqa: E402 - likewise
from flows.run import job  # noqa: E402 - likewise
from flows.run.rerun import Rerun  # noqa: E402 - likewise
from flows.store.purge import purge_replies  # noqa: E402 - likewise
from flows.store.store import Store  # noqa: E402 - likewise

Row = tuple[str, str | None, bool]
CONTENTS, NAMES = range(4), ("a", "b", "c")
ORDERS = [("custom",), ("vllm",), ("custom", "vllm"), ("vllm", "custom")]
WISHES = st.builds(
    Wish, st.sampled_from(["one", "two"]), st.sampled_from(READINGS), st.sampled_from(ORDERS),
    st.sampled_from(["", "Reads well."]),
)  # fmt: skip
RERUNS = st.sampled_from([Rerun.CHANGED, Rerun.CHANGED, *Rerun])
_QUARANTINED, _PARTIAL, _COMPLETE = range(3)


@dataclass(frozen=True)
class Outcome:
    """What some bytes came to under a recipe: how much it is worth, and the row that it shows."""

    recipe: tuple[str, str, str]
    rank: int
    row: Row | None
    age: int
    stand_in: bool
    version: str

    @property
    def schema(self) -> tuple[str, str]:
        """The content of its schema."""
        return self.recipe[0], self.recipe[2]


def read(said: Said, reading: str) -> tuple[int, Row | None]:
    """What an answer comes to in a reading."""
    if said.quality == "none":
        return _QUARANTINED, None
    content = said.to.content
    code = {"upper": f"{content}AB", "lower": f"{content}ab", "strict": f"{content}Ab"}[reading]
    refused = reading == "strict" and content % 2 == 1
    row = (said.who, None if refused else code, said.quality == "good")
    return (_PARTIAL if refused or said.quality == "part" else _COMPLETE), row


@dataclass(frozen=True)
class Plan:
    """What a run has to do about some bytes: nothing, to keep what there is, or to read what `whom` says or said.

    `asks`: it is not stored, or does not count.
    """

    whom: Question | None = None
    asks: bool = False
    instead: Outcome | None = None
    kept: bool = False


class Identity(stateful.RuleBasedStateMachine):
    """One store, and runs over it."""

    database = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(job, "Workers", InProcess)
        self.folder = tempfile.TemporaryDirectory(prefix="octavo-identity-")
        folder = Path(self.folder.name)
        self.world = World(folder, fresh_url(self.database, folder))
        self.wish = Wish()
        self.version = planning.PROMPT_VERSION
        self.outcomes: dict[int, dict[tuple[str, str, str], Outcome]] = {each: {} for each in CONTENTS}
        self.ages = self.runs = 0
        self.world.put("a", 0)

    def teardown(self) -> None:
        """Ends the server."""
        self.world.close()
        self.patched.undo()
        self.folder.cleanup()

    @stateful.rule(name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS))
    def put(self, name: str, content: int) -> None:
        """A document is added, or overwritten."""
        self.world.put(name, content)

    @stateful.precondition(lambda self: len(self.world.files) > 1)
    @stateful.rule(data=st.data())
    def take_away(self, data: Any) -> None:
        """A document is deleted."""
        self.world.take_away(data.draw(st.sampled_from(sorted(self.world.files))))

    @stateful.rule(model=st.sampled_from([None, *ENDPOINTS.values()]))
    def is_down(self, model: str | None) -> None:
        """One server refuses everybody, or none."""
        self.world.down = {model} - {None}

    @stateful.rule(
        content=st.sampled_from(CONTENTS), model=st.sampled_from(list(ENDPOINTS.values())),
        quality=st.sampled_from(QUALITIES),
    )  # fmt: skip
    def answers_otherwise(self, content: int, model: str, quality: str) -> None:
        """From now on, a model's answers about a content are better or worse."""
        self.world.quality[content, model] = quality

    @stateful.rule()
    def upgrade(self) -> None:
        """A new version of Octavo has another prompt."""
        self.version = f"{self.version}+"
        self.patched.setattr(planning, "PROMPT_VERSION", self.version)

    @stateful.rule(data=st.data())
    def purge(self, data: Any) -> None:
        """Raw replies are removed: all, or a document's."""
        known = [None, *(uri for (uri,) in self.world.rows("select uri from documents"))]
        self.purge_of(data.draw(st.sampled_from(known)))

    def purge_of(self, uri: str | None) -> None:
        """Removes raw replies of a document, or all."""
        with Store.open(self.world.url) as store:
            store.transact(purge_replies, None, uri)

    @stateful.rule(wish=WISHES, rerun=RERUNS)
    def run(self, wish: Wish, rerun: Rerun) -> None:
        """A run to its end, with some description, validator, comment, and order of endpoints."""
        self.wish = wish
        self._run(rerun)

    @stateful.rule(rerun=RERUNS)
    def run_again(self, rerun: Rerun) -> None:
        """The same command again, but for what is taken."""
        self._run(rerun)

    @stateful.rule(wish=WISHES)
    def run_afresh(self, wish: Wish) -> None:
        """Everything is asked anew."""
        self.wish = wish
        self._run(Rerun.ALL, fresh=True)

    @stateful.rule(wish=WISHES, rerun=RERUNS, call=st.none() | st.integers(0, 3), outcome=st.integers(0, 2))
    def run_killed(self, wish: Wish, rerun: Rerun, call: int | None, outcome: int) -> None:
        """A run that ends at a call, or before it writes an outcome."""
        self.wish = wish
        self._run(rerun, kill=call, finish=outcome if call is None else None)

    def _run(self, rerun: Rerun, *, fresh: bool = False, **killed: int | None) -> None:
        self.runs += 1
        run_id = f"run {self.runs}"
        there = sorted(set(self.world.files.values()))
        before, ids = self.world.stored(), self.world.stored_ids()
        plans = {content: self._planned(content, rerun, before, fresh=fresh) for content in there}
        try:
            summary = self.world.run(self.wish, run_id=run_id, rerun=rerun, fresh=fresh, **killed)
        except CannotRun:
            assert set(self.wish.models) <= self.world.down, "it could have run"
            summary = None
        self._nothing_stored_was_paid(ids, rerun, fresh=fresh)
        expected = {plan.whom for plan in plans.values() if plan.asks}
        asked = {to for to, name in self.world.asked if name in self.world.said}
        if summary is None:
            assert asked <= expected
            done = {self.world.files[name] for name in self.world.finished(run_id) if name in self.world.files}
            under = self._under(run_id)
            there = [each for each in there if each in (under if plans[each].kept else done)]
        else:
            assert asked == expected
        now = self.world.stored()
        for content in there:
            self._noted(content, plans[content], now)
        if summary is not None:
            self._shows_the_best(there)

    def _planned(self, content: int, rerun: Rerun, stored: dict[Question, Said], *, fresh: bool) -> Plan:
        wish, known = self.wish, self.outcomes[content]
        alike = sorted((each for each in known.values() if each.recipe[:2] == wish.recipe[:2]), key=lambda o: o.age)
        done = known.get(wish.recipe) or next(reversed(alike), None)
        if done is not None and not self._taken(done, rerun):
            if done.recipe == wish.recipe:
                return Plan(instead=done)
            said = self._first_of(content, wish.models, stored)
            return Plan(kept=True, instead=done) if said is None else Plan(said.to, instead=done)
        first_is_up = wish.models[0] not in self.world.down
        models = wish.models[:1] if rerun == Rerun.WEAKER and first_is_up else wish.models
        found = None if fresh else self._first_of(content, models, stored)
        if found is not None and not (rerun == Rerun.FAILED and read(found, wish.reading)[0] != _COMPLETE):
            return Plan(found.to, instead=done)
        up = [model for model in wish.models if model not in self.world.down]
        return Plan(Question(content, wish.asking, up[0]), asks=True, instead=done) if up else Plan(instead=done)

    def _first_of(self, content: int, models: tuple[str, ...], stored: dict[Question, Said]) -> Said | None:
        asked = (Question(content, self.wish.asking, model) for model in models)
        return next((stored[each] for each in asked if each in stored), None)

    def _taken(self, done: Outcome, rerun: Rerun) -> bool:
        return {
            Rerun.CHANGED: False, Rerun.FAILED: done.rank == _QUARANTINED, Rerun.WEAKER: done.stand_in,
            Rerun.OUTDATED: done.version != self.version, Rerun.ALL: True,
        }[rerun]  # fmt: skip

    def _noted(self, content: int, plan: Plan, stored: dict[Question, Said]) -> None:
        """Notes what a plan came to."""
        wish, known = self.wish, self.outcomes[content]
        self.ages += 1
        if plan.instead is not None and plan.instead.recipe != wish.recipe:
            del known[plan.instead.recipe]
            known[wish.recipe] = replace(plan.instead, recipe=wish.recipe)
        if plan.whom is None:
            return
        rank, row = read(stored[plan.whom], wish.reading)
        then = known.get(wish.recipe)
        worse = _QUARANTINED if plan.instead is not None and plan.instead.recipe != wish.recipe else rank
        if then is not None and (then.rank > rank if worse else rank == _QUARANTINED and then.rank > rank):
            return
        stand_in = plan.whom.model != wish.models[0]
        known[wish.recipe] = Outcome(wish.recipe, rank, row, self.ages, stand_in, self.version)

    def _under(self, run_id: str) -> set[int]:
        """Contents that have an outcome under a run's recipe."""
        found = self.world.rows(
            "select d.uri from documents d join extractions e on e.sha256 = d.sha256"
            " join runs r on r.recipe = e.recipe where r.id = ? and e.status <> 'pending'", run_id,
        )  # fmt: skip
        return {self.world.files[Path(uri).stem] for (uri,) in found if Path(uri).stem in self.world.files}

    def _nothing_stored_was_paid(self, ids: set[str], rerun: Rerun, *, fresh: bool) -> None:
        """But for what is asked anew by wish: everything, or what failed."""
        for _, name in self.world.asked if not fresh else ():
            said = self.world.said.get(name)
            holds = said is not None and read(said, self.wish.reading)[0] == _COMPLETE
            assert name not in ids or (rerun == Rerun.FAILED and not holds), f"{said} was paid for again"

    def _shows_the_best(self, there: list[int]) -> None:
        shown = self.world.shown()
        for content in there:
            known = self.outcomes[content]
            asked = known[self.wish.recipe]
            same = [each for each in known.values() if each.schema == asked.schema]
            best = max(same, key=lambda each: (each.rank, each is asked, each.age))
            others = [each.row for each in known.values() if each not in same and each.row is not None]
            rows = shown.get(content, [])
            if best.row is not None:
                assert rows == [best.row], f"{best} should show, not {rows}"
            elif others:
                assert len(rows) == 1
                assert rows[0] in others, "an older one should show"
            else:
                assert rows == []


class OnPostgreSQL(Identity):
    """The same, on the other database."""

    database = "postgresql"


def _settings(examples: int, steps: int = 20) -> settings:
    # Not made smaller: each step towards a smaller one is a dozen runs.
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )  # fmt: skip


def test_nothing_stored_is_paid_for_again_and_the_best_known_answer_shows() -> None:
    """Whatever is changed, killed, purged, overwritten or deleted between runs, and in whichever order."""
    stateful.run_state_machine_as_test(Identity, settings=_settings(12))
    stateful.run_state_machine_as_test(OnPostgreSQL, settings=_settings(3, steps=12))


@pytest.fixture
def identity() -> Iterator[Identity]:
    """One document, and two endpoints."""
    state = Identity()
    yield state
    state.teardown()


def test_the_first_choice_asked_in_vain_does_not_pay_the_stand_in_again(identity: Identity) -> None:
    """`--rerun weaker` while the first endpoint is still down: what the other said is stored, and stands."""
    identity.is_down("first")
    identity.run(Wish(), Rerun.CHANGED)
    identity.run_again(Rerun.WEAKER)
    assert identity.world.asked == []
    identity.is_down(None)
    identity.run_again(Rerun.WEAKER)
    assert [to.model for to, _ in identity.world.asked] == ["first"]


def test_a_purged_reply_is_not_asked_again_when_only_the_reading_changes(identity: Identity) -> None:
    """Not after another question in between either, nor after an attempt that never ended."""
    identity.run_killed(Wish(reading="lower"), Rerun.CHANGED, 0, 0)
    for wish in (Wish(), Wish("two")):
        identity.run(wish, Rerun.CHANGED)
    identity.purge_of(None)
    for reading in ("lower", "strict"):
        identity.run(Wish(reading=reading), Rerun.CHANGED)
        assert identity.world.asked == []


if __name__ == "__main__":
    wished = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    stateful.run_state_machine_as_test(Identity, settings=_settings(wished))
    stateful.run_state_machine_as_test(OnPostgreSQL, settings=_settings(max(1, wished // 5)))
