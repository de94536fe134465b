"""A PostgreSQL that takes connections and answers nothing, right at a commit; and one that is only long about it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gates import Gate, How, gate
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from stores import Note, draft, fresh_url, listed, outcome, reply, spooled, texts

from extractors.documents import Usage
from extractors.errors import StoreUnavailable
from extractors.ledger import Ended, Planned
from flows.store import calls, finishing, hanging
from flows.store.book import CallBook
from flows.store.call_tables import attempts, budgets
from flows.store.call_tables import calls as ledger
from flows.store.keys import Key
from flows.store.store import Store
from flows.store.tables import records, replies
from flows.store.views import make_views
from schemas.record import schema_of

KEY = Key(schema_name="note", recipe="r1")
COST = Usage(1000, 50, 0, 0.25)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Gate, Store]]:
    """A gate, and the store behind it, which is asked after a second's silence whether it is there."""
    monkeypatch.setattr(hanging, "SILENCE", 1.0)
    url = make_url(fresh_url("postgresql", tmp_path))
    with gate(str(url.query["host"]) + "/.s.PGSQL.5432") as made:
        query = {"sslmode": "disable", "connect_timeout": "2"}  # s: the least that libpq knows
        through = url.set(host="127.0.0.1", port=made.port, query=query)
        with Store.open(through.render_as_string(hide_password=False)) as store:
            make_views(store, schema_of(Note))
            yield made, store


def _shut_once(made: Gate, how: How, work: Callable[..., Any], stack: ExitStack) -> Callable[..., Any]:
    """The work; the first time, all that follows it (the commit) meets a gate that is shut, until it was noticed."""
    shut = threading.Event()

    def then_silence(*args: Any, **kwargs: Any) -> Any:
        done = work(*args, **kwargs)
        if not shut.is_set():
            shut.set()
            stack.enter_context(made.shut(how))
        return done

    return then_silence


@pytest.mark.parametrize("how", ["hang", "mute"])
def test_a_commit_that_nobody_heard_of_counts_once(
    how: How, door: tuple[Gate, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came late, or its answer was lost: the call is settled and paid once, the document has one record."""
    made, store = door
    told: list[str] = []

    async def work() -> None:
        claim = store.claim(listed("a"), spooled("A"), key=KEY, run_id="run")
        book = CallBook(store, "run")
        planned = Planned("asked", "vllm", "m", COST, priced=True, work=claim.extraction_id)
        with ExitStack() as stack:
            store.patience = 60.0
            # As soon as it is told that the store is away, it is there again.
            store.notice = lambda line: (told.append(line), stack.close())[0]
            name = await book.reserve(planned)
            monkeypatch.setattr(calls, "enter", _shut_once(made, how, calls.enter, stack))
            await book.settle(name, Ended("answer", 200, COST, 1.0), reply("asked"))
            monkeypatch.setattr(finishing, "finish", _shut_once(made, how, finishing.finish, stack))
            assert await store.run(store.finish, claim, outcome("complete", draft(text="once")), run_id="run")

    asyncio.run(work())
    assert len(told) == 2
    assert all("cannot be written" in line for line in told)
    with store.reading() as connection:
        for table in (ledger, replies, attempts, records):
            assert connection.scalar(select(func.count()).select_from(table)) == 1, table.name
        assert connection.scalar(select(ledger.c.settled))
        assert set(connection.scalars(select(budgets.c.booked_usd))) == {0.25}
    assert texts(store) == [("a", "once")]


def test_silence_that_lasts_ends_as_a_store_that_is_away(door: tuple[Gate, Store]) -> None:
    """After the patience it is an error like any other outage; then the store is as before."""
    made, store = door
    store.patience = 1.0
    with made.shut("hang"), pytest.raises(StoreUnavailable):
        asyncio.run(store.run(store.booked, "run", "run"))
    assert asyncio.run(store.run(store.booked, "run", "run")).calls == 0


def test_a_long_statement_is_not_cut_off(door: tuple[Gate, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """The server lets others in meanwhile: so it is at work."""
    _, store = door
    monkeypatch.setattr(hanging, "SILENCE", 0.2)

    def long() -> int:
        with store.reading() as connection:
            return int(connection.scalar(text("select 1 from pg_sleep(2)")) or 0)

    assert asyncio.run(store.run(long)) == 1
