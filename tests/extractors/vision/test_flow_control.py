"""Whom to ask, how much at once, and when to stop: fail-over, limits, budget and signals through whole runs."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fakes import Answer, Asked, model_server, says, streams
from pages import fill
from runs import TOTAL, rows, run, states

PRICED = "[endpoint.custom]\nprice_input = 1.0\nprice_output = 1.0\n"
"""A call of 1000 tokens in and 100 out costs $0.0011."""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder; calls have a price."""
    Path("octavo.toml").write_text(PRICED, "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_stream_cut_in_the_middle_of_an_event_is_a_runaway(inbox: Path) -> None:
    """The rest of the last event is not taken for an error: one call more, and that without the grammar."""
    Path("octavo.toml").write_text('stream = "always"\n' + PRICED, "utf-8")
    fill(inbox, 1)
    whole = b"".join(streams('{"merchant": ' + " " * 40_000).pieces or ())
    ragged = Answer(pieces=[whole[at : at + 5001] for at in range(0, len(whole), 5001)])
    ragged.headers["Content-Type"] = "text/event-stream"
    with model_server(
        lambda asked: ragged if "response_format" in asked.body else streams(json.dumps(TOTAL))
    ) as server:
        summary = run(inbox, server.base_url)
    assert (summary.meter.calls, summary.meter.runaways) == (2, 1)
    assert states() == {"000.pdf": ("complete", None)}


def test_one_document_fails_over_to_the_next_endpoint(inbox: Path) -> None:
    """After two failures the other is asked: a single document does not wait for the breaker."""
    fill(inbox, 1)
    with model_server(lambda _: Answer(status=500)) as ill, model_server(lambda _: says(TOTAL)) as well:
        with Path("octavo.toml").open("a", encoding="utf-8") as file:
            file.write(f'[endpoint.vllm]\nbase_url = "{well.base_url}"\n')
        summary = run(inbox, ill.base_url, endpoints=("custom", "vllm"))
    assert (len(ill.asked), len(well.asked)) == (2, 1)
    assert summary.exit_code == 0
    assert states() == {"000.pdf": ("complete", None)}


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_an_endpoint_that_is_out_is_asked_once(status: int, inbox: Path) -> None:
    """Key, credit or model: the run goes on with the next one at once."""
    fill(inbox, 3)
    with model_server(lambda _: Answer(status=status)) as out, model_server(lambda _: says(TOTAL)) as well:
        with Path("octavo.toml").open("a", encoding="utf-8") as file:
            file.write(f'[endpoint.vllm]\nbase_url = "{well.base_url}"\n')
        summary = run(inbox, out.base_url, endpoints=("custom", "vllm"), concurrency=1)
    assert (summary.exit_code, len(out.asked), len(well.asked)) == (0, 1, 3)


def test_the_breaker_spares_an_endpoint_that_is_ill(inbox: Path) -> None:
    """After eight failures in a row the others are asked; a probe now and then is all that it gets."""
    fill(inbox, 30)
    with model_server(lambda _: Answer(status=500)) as ill, model_server(lambda _: says(TOTAL)) as well:
        with Path("octavo.toml").open("a", encoding="utf-8") as file:
            file.write(f'[endpoint.vllm]\nbase_url = "{well.base_url}"\n')
        run(inbox, ill.base_url, endpoints=("custom", "vllm"), concurrency=4)
    assert {status for status, _ in states().values()} == {"complete"}
    assert 8 <= len(ill.asked) < 20
    assert len(well.asked) == 30


def test_an_endpoint_that_breaks_the_schema_is_demoted(inbox: Path) -> None:
    """Ten invalid answers, and the next endpoint is asked first."""
    fill(inbox, 20)
    with model_server(lambda _: Answer(text="no JSON")) as wordy, model_server(lambda _: says(TOTAL)) as well:
        with Path("octavo.toml").open("a", encoding="utf-8") as file:
            file.write(f'[endpoint.vllm]\nbase_url = "{well.base_url}"\n')
        run(inbox, wordy.base_url, endpoints=("custom", "vllm"), concurrency=1)
    assert 10 <= len(wordy.asked) < 20
    assert len(well.asked) >= 10


def test_an_overloaded_endpoint_is_asked_less_at_once(inbox: Path) -> None:
    """AIMD over all documents: four at once are served, more are refused; in the end everything is read."""
    fill(inbox, 40)
    inside, lock = [0], threading.Lock()

    def script(_: Asked) -> Answer:
        with lock:
            inside[0] += 1
            full = inside[0] > 4
        try:
            threading.Event().wait(0.02 if full else 0.1)
            return Answer(status=429) if full else says(TOTAL)
        finally:
            with lock:
                inside[0] -= 1

    with model_server(script) as server:
        summary = run(inbox, server.base_url, concurrency=32)
    assert summary.documents["complete"] == 40
    assert len(server.asked) < 3 * 40


def test_announced_limits_are_kept(inbox: Path) -> None:
    """A server that says how much is left is never asked for more."""
    fill(inbox, 6)
    level, at = 3.0, time.monotonic()

    def script(_: Asked) -> Answer:
        nonlocal level, at
        now = time.monotonic()
        level, at = min(3.0, level + 3 * (now - at)) - 1, now
        headers = {
            "x-ratelimit-limit-requests": "3",
            "x-ratelimit-remaining-requests": str(int(max(0, level))),
            "x-ratelimit-reset-requests": f"{(3 - max(0, level)) / 3:.3f}s",
        }
        return Answer(text=json.dumps(TOTAL), headers=headers) if level >= 0 else Answer(status=429)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, concurrency=1)
    assert (summary.documents["complete"], len(server.asked)) == (6, 6)


def test_half_a_budget_stops_in_time_and_the_rest_is_done_later_without_a_repeated_call(inbox: Path) -> None:
    """What is spent never crosses the limit; the second run asks only what was not asked before."""
    fill(inbox, 300)
    faults = random.Random(3)

    def script(_: Asked) -> Answer:
        return Answer(status=503, body=b"down") if faults.random() < 0.2 else says(TOTAL)

    whole = 300 * 0.0011
    with model_server(script) as server:
        first = run(inbox, server.base_url, max_cost=whole / 2, concurrency=4)
        spent = first.meter.usage.cost_usd
        second = run(inbox, server.base_url, max_cost=whole * 2)
    assert first.exit_code == 4
    assert first.documents["pending"] > 0
    assert 0 < spent <= whole / 2
    assert "--max-cost" in str(first.paused)
    assert second.exit_code == 0
    assert spent + second.meter.usage.cost_usd == pytest.approx(whole)
    assert rows("select count(*) from receipt") == [(300,)]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_the_run(stop: signal.Signals, inbox: Path) -> None:
    """What is in flight is finished, the rest is pending, exit code 4; resumed, nothing is asked twice."""
    fill(inbox, 12)
    begun = threading.Event()

    def script(_: Asked) -> Answer:
        begun.set()
        return Answer(text=json.dumps(TOTAL), delay=1.0)

    with model_server(script) as server:
        command = [sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--json"]
        command += ["--base-url", server.base_url, "--model", "test-model", "--concurrency", "2"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
        octavo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        assert begun.wait(30)
        octavo.send_signal(stop)
        told, _ = octavo.communicate(timeout=60)
        counts = json.loads(told.splitlines()[-1])
        assert octavo.returncode == 4
        assert counts["documents"]["complete"] == counts["model_calls"] == len(server.asked) <= 4
        assert counts["documents"]["pending"] == 12 - counts["documents"]["complete"]
        server.script = lambda _: says(TOTAL)
        assert run(inbox, server.base_url).exit_code == 0
    assert len({asked.fingerprint for asked in server.asked}) == len(server.asked) == 12


def test_a_second_signal_stops_at_once(inbox: Path) -> None:
    """Nobody waits for a minute's answer against his will; nothing is lost, and what has no reply is asked again."""
    fill(inbox, 3)
    begun, asleep = threading.Event(), threading.Event()

    def script(_: Asked) -> Answer:
        begun.set()
        asleep.wait(60)
        return says(TOTAL)

    with model_server(script) as server:
        command = [sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt"]
        command += ["--base-url", server.base_url, "--model", "test-model"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
        octavo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
        assert begun.wait(30)
        for _ in range(2):
            octavo.send_signal(signal.SIGINT)
            time.sleep(0.5)
        printed, told = octavo.communicate(timeout=30)
        asleep.set()
        assert octavo.returncode == 4, told
        assert "Traceback" not in printed + told
        assert "interrupted at once" in " ".join(told.split())
        server.script = lambda _: says(TOTAL)
        assert run(inbox, server.base_url).exit_code == 0
    assert rows("select count(*) from receipt") == [(3,)]


def test_three_hundred_documents_against_an_endpoint_that_fails_every_fifth_call(inbox: Path) -> None:
    """Every document is complete, with at most half as many calls again as there are documents.

    Only calls fail here: an answer that is bad twice ends its page by design, however it came about.
    """
    fill(inbox, 300)
    chance = random.Random(11)
    faults = (
        Answer(status=429), Answer(status=500), Answer(status=503), Answer(body=b"<html>"), Answer(body=b""),
        Answer(text=json.dumps(TOTAL), cut=True), Answer(body=b'{"error": {"code": 502, "message": "x"}}'),
        Answer(body=b'{"choices": null}'),
    )  # fmt: skip

    def script(_: Asked) -> Answer:
        return chance.choice(faults) if chance.random() < 0.2 else says(TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert summary.documents["complete"] == 300
    assert len(server.asked) <= 450
