"""A run that is killed at random moments again and again, then left to end: what must hold, as counts."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pages
from fakes import Answer, Asked, ModelServer, model_server
from runs import TOTAL
from sqlalchemy import ColumnElement, Table, func, select

from flows.store.store import Store
from flows.store.tables import documents, extractions, records, replies

CONCURRENCY = 8


@dataclass(frozen=True)
class Killed:
    """What was there after the last resume.

    Attributes:
        documents: known to the store.
        complete: current extractions that are complete.
        records: stored.
        replies: stored.
        calls: that the model server answered.
        asked_again: questions asked although a reply to them was stored when they were asked.
        asked_twice: questions asked more than once: their first answer was lost in flight.
        stored_at_kills: replies that were stored when each kill came.
    """

    documents: int
    complete: int
    records: int
    replies: int
    calls: int
    asked_again: int
    asked_twice: int
    stored_at_kills: tuple[int, ...]


def make_inbox(folder: Path, count: int) -> Path:
    """A folder of so many different receipts."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}", "Total 12.00"]))
    return folder


def kill_at_random(inbox: Path, url: str, *, kills: int, seed: int) -> Killed:
    """Runs, kills with SIGKILL at random moments, runs to the end, and counts.

    The moments lie between two calls to the model, spread over the work that is left each time.
    """
    chance = random.Random(seed)
    total = sum(1 for _ in inbox.iterdir())
    stored: list[int] = []

    def answer(asked: Asked) -> Answer:
        return Answer(text=json.dumps({**TOTAL, "number": asked.fingerprint[:8]}), delay=chance.uniform(0.0, 0.1))

    asked: list[str] = []
    again = 0
    with model_server(answer) as server:
        for left in range(kills, -1, -1):
            begun, answered = len(server.asked), replies_stored(url)
            process = _start(inbox, url, server)
            if left:
                share = (total - len(answered)) / (left + 1)
                _wait(server, begun + round(chance.uniform(0.0, 2.0 * share)), process)
                threading.Event().wait(chance.uniform(0.0, 0.2))
                process.send_signal(signal.SIGKILL)
                process.wait()
                stored.append(len(replies_stored(url)))
            else:
                assert process.wait(600) == 0
            batch = [each.fingerprint for each in server.asked[begun:]]
            again += sum(fingerprint[:8] in answered for fingerprint in batch)
            asked += batch
    complete = extractions.c.superseded_by.is_(None), extractions.c.status == "complete"
    return Killed(
        documents=_count(url, documents),
        complete=_count(url, extractions, *complete),
        records=_count(url, records),
        replies=_count(url, replies),
        calls=len(asked),
        asked_again=again,
        asked_twice=len(asked) - len(set(asked)),
        stored_at_kills=tuple(stored),
    )


def replies_stored(url: str) -> set[str]:
    """The questions whose replies are stored, by what the server answered: the start of their fingerprints."""
    with Store.open(url) as store, store.reading() as connection:
        bodies = connection.scalars(select(replies.c.body)).all()
    texts = (json.loads(body)["choices"][0]["message"]["content"] for body in bodies)
    return {json.loads(text)["number"] for text in texts}


def _start(inbox: Path, url: str, server: ModelServer) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--store", url,
        "--base-url", server.base_url, "--model", "test-model", "--concurrency", str(CONCURRENCY),
    ]  # fmt: skip
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OCTAVO_RENDER_WORKERS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(server: ModelServer, calls: int, process: "subprocess.Popen[bytes]") -> None:
    while len(server.asked) < calls and process.poll() is None:
        threading.Event().wait(0.005)


def _count(url: str, table: Table, *which: ColumnElement[bool]) -> int:
    with Store.open(url) as store, store.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*which)) or 0
