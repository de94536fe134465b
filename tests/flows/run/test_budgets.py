"""Limits hold over processes, restarts and days; a reply that is paid for survives a store that is away."""

import asyncio
import json
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from fakes import Answer, Asked, model_server, says
from pages import fill
from runs import TOTAL, rows, run, states

from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings
from flows.store import dialects

CALL = 0.002
"""USD of a call, as the server tells its usage."""


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder beside a store; a token costs 1/1,000,000 USD in, ten times that out."""
    monkeypatch.chdir(tmp_path)
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1.0\nprice_output = 10.0\n", "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_limit_a_day_holds_over_runs(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run draws from the day's sum; what is left over pauses with what to do."""
    fill(inbox, 20)
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, limit=5)
        spent = rows("select sum(cost_usd) from calls")[0][0]
        assert spent == pytest.approx(5 * CALL)
        monkeypatch.setenv("OCTAVO_MAX_COST_PER_DAY", str(spent))
        summary = run(inbox, server.base_url)
        assert summary.exit_code == 4
        assert "OCTAVO_MAX_COST_PER_DAY" in str(summary.paused)
        assert len(server.asked) == 5
        monkeypatch.setenv("OCTAVO_MAX_COST_PER_DAY", "5")
        assert run(inbox, server.base_url).exit_code == 0
    assert rows("select id like 'day:%', sum(booked_usd) from budgets group by 1 order by 1") == [
        (0, pytest.approx(20 * CALL)), (1, pytest.approx(20 * CALL)),
    ]  # fmt: skip


def test_the_runs_of_one_job_share_its_budget(inbox: Path) -> None:
    """Shards that go on at once, or are handed out anew, spend no more together than the job may."""
    fill(inbox, 60)
    with model_server(lambda _: says(TOTAL)) as server:
        whole = Job(sources=(str(inbox),), schema_name="receipt", base_url=server.base_url, model="m", concurrency=4)

        async def shards() -> None:
            shard = whole.model_copy(update={"max_cost": 0.5, "limit": 30})
            one = run_job(shard, read_settings(), Silent(), job_id="whole")
            two = run_job(shard, read_settings(), Silent(), job_id="whole")
            await asyncio.gather(one, two)

        asyncio.run(shards())
        first = len(server.asked)
        dearest = rows("select max(reserved_usd) from calls")[0][0]
        assert sum(row[0] for row in rows("select cost_usd from calls where job_id = 'whole'")) <= 0.5
        assert first * CALL <= 0.5
        # What was paid for is paid for: a shard that begins anew finds the budget as the first one left it.
        again = whole.model_copy(update={"max_cost": first * CALL + dearest / 2})
        summary = asyncio.run(run_job(again, read_settings(), Silent(), job_id="whole"))
        assert (summary.paused is not None) == (first < 60)


def test_what_is_paid_for_while_the_store_is_locked_is_kept(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds SQLite's lock for longer than a write waits: the run waits, and asks nothing twice."""
    monkeypatch.setattr(dialects, "_BUSY_SECONDS", 0.2)
    fill(inbox, 6)
    locked, released = threading.Event(), threading.Event()

    def lock() -> None:
        with sqlite3.connect("octavo.db", isolation_level=None, timeout=5) as connection:
            connection.execute("BEGIN IMMEDIATE")
            locked.set()
            time.sleep(1.5)
            connection.execute("ROLLBACK")
        released.set()

    def script(_: Asked) -> Answer:
        if not locked.is_set():
            threading.Thread(target=lock).start()
            locked.wait(5)
        return says(TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert released.wait(5)
    assert summary.exit_code == 0
    assert len(server.asked) == 6
    assert set(states().values()) == {("complete", None)}


def test_a_killed_runs_money_belongs_to_its_document(inbox: Path) -> None:
    """A reply that an earlier, cancelled run paid for is reused, and the document says what it cost."""
    fill(inbox, 3)
    repairs = threading.Barrier(4)

    def script(question: Asked) -> Answer:
        if not question.is_repair:
            return Answer(text="[1]")
        repairs.wait(10)
        return Answer(text="[2]", delay=5)

    async def killed(url: str) -> None:
        job = Job(sources=(str(inbox),), schema_name="receipt", base_url=url, model="test-model")
        running = asyncio.create_task(run_job(job, read_settings(), Silent()))
        await asyncio.to_thread(repairs.wait, 10)
        running.cancel()
        await asyncio.wait([running])

    with model_server(script) as server:
        asyncio.run(killed(server.base_url))
        server.script = lambda _: says(TOTAL)
        summary = run(inbox, server.base_url)
    assert summary.exit_code == 0
    settled, unsettled = rows("select sum(settled), sum(not settled) from calls")[0]
    assert (settled, unsettled) == (6, 3)
    paid = rows("select sum(cost_usd), sum(cost_unsettled_usd) from extractions")[0]
    booked = rows("select sum(case when settled then cost_usd else reserved_usd end) from calls")[0][0]
    assert paid[0] == pytest.approx(booked)
    assert paid[1] == pytest.approx(rows("select sum(reserved_usd) from calls where not settled")[0][0])


def test_an_endpoint_that_bills_beyond_its_estimate_is_reserved_at_what_it_bills(inbox: Path) -> None:
    """12,000 tokens where a fourth was estimated: no more is overspent than calls in flight, and later runs know."""
    fill(inbox, 40)
    bill = {"prompt_tokens": 30_000, "completion_tokens": 100}
    with model_server(lambda _: Answer(text=json.dumps(TOTAL), usage=bill)) as server:
        job = Job(sources=(str(inbox),), schema_name="receipt", base_url=server.base_url, model="m", concurrency=1)
        limited = job.model_copy(update={"max_cost": 0.3})
        asyncio.run(run_job(limited, read_settings(), Silent()))
        first = rows("select sum(cost_usd) from calls")[0][0]
        assert first <= 0.3 + 0.031
        asyncio.run(run_job(limited, read_settings(), Silent()))
        assert rows("select sum(cost_usd) from calls")[0][0] - first <= 0.3
