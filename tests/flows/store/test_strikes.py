"""What speaks against a question that is not answered, over all runs, on both databases."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import fresh_url

from extractors.documents import Usage
from extractors.ledger import Ended, Planned
from flows.store.book import CallBook
from flows.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        yield opened


def call(store: Store, run_id: str, outcome: str, *, blamed: bool = False, fingerprint: str = "q") -> tuple[int, int]:
    """One call in a run, and what speaks against its question then."""

    async def made() -> tuple[int, int]:
        book = CallBook(store, run_id)
        planned = Planned(fingerprint, "vllm", "m", Usage(1, 1, 0, 0.0), priced=True, work=None)
        name = await book.reserve(planned)
        await book.settle(name, Ended(outcome, 0, None, 1.0, blamed=blamed), None)
        found = await book.strikes("q")
        await book.close()
        return found

    return asyncio.run(made())


def test_calls_and_runs_count_until_the_next_answer(store: Store) -> None:
    """Those that count against it, and the runs with an unanswered one; of that question only."""
    assert call(store, "r1", "unanswered", blamed=True) == (1, 1)
    assert call(store, "r1", "unanswered") == (1, 1)
    assert call(store, "r2", "overloaded") == (1, 1)
    assert call(store, "r2", "unanswered", blamed=True) == (2, 2)
    assert call(store, "r3", "unanswered", blamed=True, fingerprint="other") == (2, 2)
    assert call(store, "r3", "answer") == (0, 0)
    assert call(store, "r4", "unanswered") == (0, 1)
