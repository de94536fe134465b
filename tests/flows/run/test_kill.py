"""A run killed with SIGKILL in the middle, and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server
from kills import kill_at_random, make_inbox
from runs import TOTAL, rows, run, states
from stores import fresh_url

DOCUMENTS = 30


def answer(asked: Asked) -> Answer:
    """A receipt whose number is the page's own fingerprint, after a moment."""
    return Answer(text=json.dumps({**TOTAL, "number": asked.fingerprint[:8]}), delay=0.15)


def records(store: str = "octavo.db") -> list[tuple[str]]:
    """What the view shows, in an order of its own."""
    return sorted(rows("select document_uri, number, total from receipt", store=store))


def test_killed_in_the_middle_and_run_again_is_as_if_undisturbed(tmp_path: Path) -> None:
    """The same records, none twice, and no call repeated whose reply was stored."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(DOCUMENTS):
        (inbox / f"{number:02}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}", "Total 12.00"]))
    with model_server(answer) as server:
        undisturbed = run(inbox, server.base_url, store="sqlite:///undisturbed.db", concurrency=4)
        server.asked.clear()
        command = [
            sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt",
            "--base-url", server.base_url, "--model", "test-model", "--concurrency", "4",
        ]  # fmt: skip
        root = str(Path(__file__).resolve().parents[3])
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(server.asked) < DOCUMENTS // 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        stored = rows("select count(*) from replies")[0][0]
        asked_before = len(server.asked)
        again = run(inbox, server.base_url, concurrency=4)
    assert 0 < stored < DOCUMENTS
    assert undisturbed.exit_code == again.exit_code == 0
    assert len(server.asked) - asked_before == DOCUMENTS - stored
    assert records() == records("undisturbed.db")
    assert set(states().values()) == {("complete", None)}


def test_interrupted_once_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """Ctrl-C: exit code 4, what was asked is stored, the next run takes the rest."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(DOCUMENTS):
        (inbox / f"{number:02}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}"]))
    with model_server(answer) as server:
        command = [
            sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--json",
            "--base-url", server.base_url, "--model", "test-model", "--concurrency", "4",
        ]  # fmt: skip
        root = str(Path(__file__).resolve().parents[3])
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while len(server.asked) < DOCUMENTS // 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
        counts = json.loads(printed.splitlines()[-1])["documents"]
        assert process.returncode == 4
        assert counts["complete"] == len(server.asked) == rows("select count(*) from replies")[0][0]
        assert counts["pending"] == DOCUMENTS - counts["complete"]
        assert run(inbox, server.base_url, concurrency=4).exit_code == 0
    assert len(server.asked) == DOCUMENTS


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_random_moments_every_document_is_there_once(database: str, tmp_path: Path) -> None:
    """No document is lost, no record is there twice, no stored reply is asked again (more: benchmarks/kills.py)."""
    inbox = make_inbox(tmp_path / "inbox", 24)
    killed = kill_at_random(inbox, fresh_url(database, tmp_path), kills=2, seed=5)
    assert killed.documents == killed.complete == killed.records == killed.replies == 24
    assert killed.asked_again == 0
