"""A model server that keeps the true bill, and runs that are held against it.

`python tests/support/billing.py [RUNS] [SEED] [STORE_URL]` does 200 and prints what they came to; `test_billing` does
some in every test run. The server bills what it begins to work on, whether or not its answer ever arrives.
"""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from pages import fill  # noqa: E402 - after the path
from sqlalchemy import create_engine, inspect, text  # noqa: E402 - likewise

IN, OUT = 1000.0, 10_000.0
"""USD for a million tokens: high enough that sums show."""

_TIMEOUT, _GIVE_UP_AFTER, _CONCURRENCY = 0.6, 2.5, 6
_RECORD = {"merchant": "Corner Shop", "total": "12.00", "currency": "EUR"}
_FAULTS = (
    "down", "busy", "hang", "drip", "reset before", "reset after", "cut", "late", "invalid", "refused", "truncated",
    "hollow", "stream", "stream cut", "not json",
)  # fmt: skip


@dataclass
class Bill:
    """What the server charges.

    Attributes:
        usd: in all.
        dearest: the dearest call.
        calls: that it began to work on.
        unheard: of these, how many whose answer did not arrive whole.
    """

    usd: float = 0.0
    dearest: float = 0.0
    calls: int = 0
    unheard: int = 0
    faults: Counter[str] = field(default_factory=Counter)


class BillingServer(ThreadingHTTPServer):
    """Answers receipts; `share` of its answers are faults of every kind."""

    daemon_threads = True

    def __init__(self, seed: int, share: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bill, self.lock = Bill(), threading.Lock()
        self.dice, self.share = random.Random(seed), share
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        """For Octavo."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def begins(self, most: int) -> tuple[str, dict[str, int]]:
        """Begins to work on a question, and charges for it at once; says what becomes of it."""
        with self.lock:
            fault = self.dice.choice(_FAULTS) if self.dice.random() < self.share else "none"
            self.bill.faults[fault] += 1
            usage = {
                "prompt_tokens": self.dice.randint(800, 2000),
                "completion_tokens": most if fault == "truncated" else self.dice.randint(20, min(400, most)),
            }
            if fault not in {"down", "busy", "reset before"}:
                cost = (usage["prompt_tokens"] * IN + usage["completion_tokens"] * OUT) / 1e6
                self.bill.usd += cost
                self.bill.calls += 1
                self.bill.dearest = max(self.bill.dearest, cost)
                self.bill.unheard += fault in {"hang", "drip", "reset after", "cut", "late", "stream cut"}
            return fault, usage

    def handle_error(self, *_: Any) -> None:
        """A client that is gone is nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BillingServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault, usage = self.server.begins(int(asked["max_tokens"]))
        with suppress(OSError):
            getattr(self, f"_{fault.replace(' ', '_')}", self._whole)(fault, usage)

    def _whole(self, fault: str, usage: dict[str, int]) -> None:
        content = {
            "invalid": '{"merchant": 5, "unknown": []}', "refused": json.dumps({**_RECORD, "total": "PAID"}),
            "not json": "I am sorry.", "hollow": None, "truncated": '{"merchant": "Corner',
        }.get(fault, json.dumps(_RECORD))  # fmt: skip
        reason = "length" if fault == "truncated" else "stop"
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": reason}
        self._send(200, json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode())

    def _send(
        self, status: int, body: bytes, *, as_long_as: int | None = None, kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(as_long_as or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _down(self, *_: Any) -> None:
        self._send(503, b'{"error": {"message": "down"}}')

    def _busy(self, *_: Any) -> None:
        self._send(429, b'{"error": {"message": "slow down"}}')

    def _late(self, *_: Any) -> None:
        self._send(504, b"upstream timed out")

    def _hang(self, *_: Any) -> None:
        self.server.ending.wait(_TIMEOUT * 3)
        self.close_connection = True

    def _drip(self, *_: Any) -> None:
        self._send(200, b"{", as_long_as=10_000)
        for _ in range(20):
            if self.server.ending.wait(_TIMEOUT / 5):
                break
            self.wfile.write(b" ")
            self.wfile.flush()
        self.close_connection = True

    def _reset_after(self, *_: Any) -> None:
        # Closed with unread data pending, a socket sends a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    _reset_before = _reset_after

    def _cut(self, *_: Any) -> None:
        self._send(200, b'{"object": "chat.completion", "choices": [', as_long_as=5000)
        self.close_connection = True

    def _stream(self, fault: str, usage: dict[str, int]) -> None:
        delta = {"choices": [{"index": 0, "delta": {"content": json.dumps(_RECORD)}, "finish_reason": None}]}
        events = [delta, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
        events += [{"choices": [], "usage": usage}] if fault == "stream" else []
        events = events if fault == "stream" else [
            {"choices": [{"index": 0, "delta": {"content": '{"merch'}, "finish_reason": None}]}
        ]  # fmt: skip
        body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
        whole = fault == "stream"
        body += b"data: [DONE]\n\n" if whole else b""
        self._send(200, body, as_long_as=None if whole else 5000, kind="text/event-stream")
        self.close_connection = not whole

    _stream_cut = _stream

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@contextmanager
def billing_server(seed: int, share: float) -> Iterator[BillingServer]:
    """The running server."""
    server = BillingServer(seed, share)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Booked:
    """What the ledger says: USD settled and not, calls that are not settled, and the sum of the documents."""

    settled: float
    unsettled: float
    open: int
    of_documents: float


def booked(store: str) -> Booked:
    """Reads the tables as anybody would."""
    engine = create_engine(store)
    try:
        if not inspect(engine).has_table("calls"):
            return Booked(0.0, 0.0, 0, 0.0)  # killed before there was a store
        with engine.connect() as connection:
            settled, unsettled, calls = connection.execute(text(
                "select coalesce(sum(case when settled then cost_usd else 0 end), 0),"
                " coalesce(sum(case when settled then 0 else reserved_usd end), 0),"
                " coalesce(sum(case when settled then 0 else 1 end), 0) from calls"
            )).one()  # fmt: skip
            documents = connection.scalar(text("select coalesce(sum(cost_usd), 0) from extractions"))
    finally:
        engine.dispose()
    return Booked(float(settled), float(unsettled), int(calls), float(documents or 0))


@dataclass(frozen=True)
class Trial:
    """One store, some runs over it with faults and kills, and what was found wrong; nothing is well."""

    wrong: tuple[str, ...]
    bill: Bill
    booked: Booked
    how: str


def trial(seed: int, folder: Path, store: str) -> Trial:
    """Some runs with faults, limits and kills over one store, then one that ends what is left.

    After each: settled <= bill <= settled + unsettled, and equal where nothing is unsettled; and the bill of a run
    with a limit is at most that, and what was in flight.
    """
    dice, wrong = random.Random(seed), []
    inbox = folder / "inbox"
    inbox.mkdir()
    fill(inbox, dice.randint(4, 14))
    how = []
    with billing_server(seed, dice.choice((0.0, 0.2, 0.5))) as server:
        for number in range(dice.randint(1, 3)):
            before = server.bill.usd
            limit = dice.choice((None, 0.0, 20.0, 60.0, 200.0))
            end = dice.choice(("", "", "kill", "stop", "interrupt"))
            printed = _run(folder, inbox, server.url, store, limit, end, dice)
            how.append(f"run {number}: limit {limit} {end}")
            wrong += _held(server.bill, store, printed, end)
            if limit is not None and server.bill.usd - before > limit + _CONCURRENCY * server.bill.dearest:
                wrong.append(f"{server.bill.usd - before:.2f} billed with a limit of {limit}")
        server.share = 0.0
        printed = _run(folder, inbox, server.url, store, None, "", dice)
        wrong += _held(server.bill, store, printed, "")
        found = booked(store)
        if abs(found.of_documents - found.settled - found.unsettled) > 1e-6:
            wrong.append(f"documents {found.of_documents:.4f}, calls {found.settled + found.unsettled:.4f}")
        return Trial(tuple(wrong), server.bill, found, "; ".join(how))


def _held(bill: Bill, store: str, printed: dict[str, Any] | None, end: str) -> list[str]:
    found, wrong = booked(store), []
    if not found.settled - 1e-6 <= bill.usd <= found.settled + found.unsettled + 1e-6:
        wrong.append(f"bill {bill.usd:.4f}, settled {found.settled:.4f}, unsettled {found.unsettled:.4f}")
    if found.open == 0 and abs(bill.usd - found.settled) > 1e-6:
        wrong.append(f"nothing is unsettled, but the bill is {bill.usd:.4f} and not {found.settled:.4f}")
    # Interrupted before it has begun, a run has nothing to tell.
    if end not in {"kill", "interrupt"} and printed is None:
        wrong.append("no --json line")
    if printed is not None and printed["cost_usd"] + 1e-5 < printed["cost_unsettled_usd"]:
        wrong.append(f"cost {printed['cost_usd']} is less than its unsettled part {printed['cost_unsettled_usd']}")
    return wrong


def _run(
    folder: Path, inbox: Path, url: str, store: str, limit: float | None, end: str, dice: random.Random
) -> dict[str, Any] | None:
    """`octavo extract` in a process of its own; its last line, where it has one."""
    (folder / "octavo.toml").write_text(f"[endpoint.custom]\nprice_input = {IN}\nprice_output = {OUT}\n", "utf-8")
    settings = {
        "OCTAVO_TIMEOUT": _TIMEOUT, "OCTAVO_GIVE_UP_AFTER": _GIVE_UP_AFTER, "OCTAVO_STORE": store,
        "OCTAVO_RENDER_WORKERS": 1, "OCTAVO_CONCURRENCY": _CONCURRENCY, "PYTHONPATH": HERE.parents[1],
        "OCTAVO_STREAM": dice.choice(("auto", "always", "never")),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--base-url", url,
        "--model", "m", "--json", "--rerun", dice.choice(("changed", "failed")),
        *(() if limit is None else ("--max-cost", str(limit))),
    ]  # fmt: skip
    environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:  # fmt: skip
        if end:
            with suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(0.9, 2.5))
            if process.poll() is None and end == "stop":
                process.send_signal(signal.SIGSTOP)
                time.sleep(_TIMEOUT * 1.5)
                process.send_signal(signal.SIGCONT)
            elif process.poll() is None:
                process.send_signal(signal.SIGKILL if end == "kill" else signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    lines = out.splitlines()
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None


def main() -> int:
    """Prints what the trials came to; 1 when an invariant did not hold."""
    runs, seed = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, 200), (2, 1)))
    failed, faults, billed, settled, unsettled = 0, Counter[str](), 0.0, 0.0, 0.0
    for number in range(seed, seed + runs):
        with tempfile.TemporaryDirectory(prefix="octavo-billing-") as name:
            store = sys.argv[3] if len(sys.argv) > 3 else f"sqlite:///{name}/octavo.db"
            found = trial(number, Path(name), store)
        faults += found.bill.faults
        billed, settled = billed + found.bill.usd, settled + found.booked.settled
        unsettled += found.booked.unsettled
        if found.wrong:
            failed += 1
            print(f"trial {number}: {'; '.join(found.wrong)} ({found.how})")
    print(f"{runs} trials: bill ${billed:.2f}, settled ${settled:.2f}, unsettled at most ${unsettled:.2f}")
    print(", ".join(f"{count} {fault}" for fault, count in faults.most_common()))
    print(f"{failed} trials with a broken invariant")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
