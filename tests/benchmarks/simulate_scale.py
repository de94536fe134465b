"""What 1 million and 100 million pages take: workers, hours, dollars, database, Prefect; and what breaks first.

    PYTHONPATH=.:tests/support python tests/benchmarks/simulate_scale.py

Two kinds of numbers go in. Measured here and now: bytes and seconds that a document costs the store (the
ledger's own functions, on SQLite in a temporary folder), milliseconds to draw a page, bytes of a shard's
parameters. Taken from elsewhere, each with its source: prices and tokens a page (DESIGN sections 3 and 4),
Prefect's costs (DESIGN section 8), client CPU a call (section 3). The simulation then hands shards to
workers one by one, with lengths that vary, and reports when the last one ends. docs/scale.md holds its output.
"""

import heapq
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pages
from stores import Note, draft, listed, outcome, put_reply, reply, spooled

from flows.store.keys import Key
from flows.store.store import Store
from flows.store.views import make_views
from schemas.record import schema_of

PAGES_A_DOCUMENT = 4
SHARD = 300
"""Documents, as `bulk-extract` cuts them."""

INPUT_TOKENS, OUTPUT_TOKENS = 2_226 + 300, 250
"""A page: its image (DESIGN 4), its share of prompt and schema, and its share of the answer."""

PRICES = {"openrouter": (0.075, 0.20), "mistral": (0.10, 0.30), "modelslab": (0.075, 0.20), "own vLLM": (0.0, 0.0)}
"""USD a million tokens, input and output (DESIGN 3)."""

CALL_CPU = 0.0034
"""Seconds of CPU for sending one page's body through pools of 16 connections (DESIGN 3)."""

SHARD_START = 3.7
"""CPU-seconds for a worker to start a flow run (DESIGN 8)."""

SHARD_POLL = 10.0
"""Seconds until a worker asks for its next run (`PREFECT_WORKER_QUERY_SECONDS`)."""

CALLS_A_SHARD = 40
"""Requests to Prefect's API for one shard's run, states and events together, parent's polls aside: an estimate."""

PREFECT_BYTES_A_SHARD = 16_500 * 3 + SHARD * 160
"""Rows of a run and its states (16.5 KB each for a task run, DESIGN 8; a flow run has about three such), and
its parameters: an object's uri, size and etag."""


@dataclass(frozen=True)
class Measured:
    """What a document or page costs on this machine.

    Attributes:
        store_bytes: of the database, a document with one reply and one record.
        store_seconds: of one connection, likewise.
        draw_seconds: of one core, a page.
    """

    store_bytes: float
    store_seconds: float
    draw_seconds: float


def measure(documents: int = 1_000, drawn: int = 60) -> Measured:
    """Takes the numbers of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "octavo.db"
        with Store.open(f"sqlite:///{path}") as store:
            make_views(store, schema_of(Note))
            before = path.stat().st_size
            began = time.perf_counter()
            for number in range(documents):
                ref, digest = listed(f"2026/01/document-{number:07}.pdf"), f"{number:064x}"
                store.note_objects([ref])
                claim = store.claim(ref, spooled(digest), key=Key(schema_name="note", recipe="r" * 16), run_id="run")
                put_reply(store, reply(f"{number:064x}", json.dumps({"text": "x" * 1_200})))
                store.finish(claim, outcome("complete", draft(text="x" * 600)), run_id="run")
            seconds = (time.perf_counter() - began) / documents
        size = (path.stat().st_size - before) / documents
    return Measured(size, seconds, _draw(drawn))


def _draw(count: int) -> float:
    import pymupdf
    from PIL import Image

    document = pymupdf.open(stream=pages.digital_pdf(["Total 12.00"] * 40), filetype="pdf")
    page = document[0]
    began = time.process_time()
    for _ in range(count):
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(1540 / page.rect.height, 1540 / page.rect.height))
        Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples).tobytes("jpeg", "RGB")
    return (time.process_time() - began) / count


def hours(shards: int, seconds: float, workers: int, seed: int = 7) -> float:
    """When the last shard ends: workers take the next one when they are free; lengths vary by a third."""
    chance = random.Random(seed)
    free = [0.0] * workers
    heapq.heapify(free)
    for _ in range(shards):
        length = SHARD_START + chance.random() * SHARD_POLL + seconds * chance.gauss(1, 0.33).__abs__()
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free) / 3600


def table(total: int, known: Measured) -> None:
    """One size of job."""
    documents, shards = total / PAGES_A_DOCUMENT, round(total / PAGES_A_DOCUMENT / SHARD)
    print(f"\n## {total:,} pages ({documents:,.0f} documents, {shards:,} shards)\n")
    print("| endpoint answers | workers | hours | cores busy with pages | store transactions/s | Prefect calls/s |")
    print("|---|---|---|---|---|---|")
    for rate in (5, 20, 60, 240, 1_000):
        workers = max(1, round(rate / 15))
        took = hours(shards, SHARD * PAGES_A_DOCUMENT / (rate / workers), workers)
        cores = rate * (known.draw_seconds + CALL_CPU) + workers * SHARD_START / (SHARD * PAGES_A_DOCUMENT / 15)
        writes = rate / PAGES_A_DOCUMENT * 4
        calls = shards * CALLS_A_SHARD / (took * 3600)
        print(f"| {rate} pages/s | {workers} | {took:,.1f} | {cores:.1f} | {writes:,.0f} | {calls:.1f} |")
    print("\n| paid to | USD |\n|---|---|")
    for name, (into, out) in PRICES.items():
        print(f"| {name} | {total * (INPUT_TOKENS * into + OUTPUT_TOKENS * out) / 1e6:,.0f} |")
    print(
        f"\nStore: {documents * known.store_bytes / 1e9:,.1f} GB. Prefect's database: "
        f"{shards * PREFECT_BYTES_A_SHARD / 1e9:,.2f} GB (a task run a page would be {total * 16_500 / 1e9:,.0f} GB)."
    )


def main() -> int:
    """Prints docs/scale.md's tables."""
    known = measure()
    print(
        f"Measured here: {known.store_bytes:,.0f} bytes and {known.store_seconds * 1e3:.1f} ms of the store a "
        f"document; {known.draw_seconds * 1e3:.1f} ms to draw a page."
    )
    print(f"\nOne connection to this store ends {1 / known.store_seconds:,.0f} documents/s.")
    for total in (1_000_000, 100_000_000):
        table(total, known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
