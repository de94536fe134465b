"""How fast the store is: skipping what is known, its queries at 10^5 and 10^6 documents, and writing records.

    python tests/benchmarks/bench_store.py [--known 100000] [--large 1000000] [--database sqlite|postgresql]

Every figure stands beside what it is compared with, measured in the same minute: a ratio, not a time.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from sqlalchemy import Table, select
from stores import fresh_url, listed, spooled

from extractors.documents import Evidence, Extraction, ObjectRef, PageState, RecordDraft
from extractors.vocabulary import EvidenceState
from flows.observe.summary import Summary
from flows.run.document import not_done
from flows.run.reasons import reasons
from flows.schema_lookup import find_schema
from flows.storage.s3 import list_batches
from flows.store.keys import Key
from flows.store.queries import quarantined
from flows.store.store import Store
from flows.store.tables import documents, extractions, pages, records
from flows.store.views import make_views

RECIPE, SCHEMA = "0123456789abcdef", "invoice"
ROWS = 20_000
"""Rows of one insert while a store is filled."""


def main() -> None:
    """All of it, on the databases asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    wished = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        files = _files(folder / "inbox", wished.known)
        for database in wished.database or ("sqlite", "postgresql"):
            place = folder / database
            place.mkdir()
            print(f"\n{database}")
            with Store.open(fresh_url(database, place)) as store:
                make_views(store, find_schema(SCHEMA))
                _skipping(store, files, wished.known)
            _growth(database, place, wished.known, wished.large)
            _writing(database, place)


def _files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:07}.pdf").touch()
    return folder


@contextmanager
def _timed(told: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    told[name] = time.perf_counter() - began


def _skipping(store: Store, folder: Path, count: int) -> None:
    """A run's listing over a folder of known objects, beside the bare listing."""

    async def bare() -> list[ObjectRef]:
        return [ref async for batch in list_batches(str(folder)) for ref in batch if isinstance(ref, ObjectRef)]

    async def skip() -> int:
        summary = Summary("run")
        key = Key(schema_name=SCHEMA, recipe=RECIPE)
        run: Any = SimpleNamespace(store=store, summary=summary, key=key, rerun="changed")
        async for batch in list_batches(str(folder)):
            assert not await not_done([ref for ref in batch if isinstance(ref, ObjectRef)], run)
        return summary.documents["skipped"]

    refs = asyncio.run(bare())
    with store.writing() as connection:
        _fill(connection, refs)
    _analyze(store)
    told: dict[str, float] = {}
    for _ in range(3):
        with _timed(told, "bare"):
            asyncio.run(bare())
        with _timed(told, "skip"):
            assert asyncio.run(skip()) == count
        print(
            f"  {count:,} known objects of a folder: listed in {told['bare']:.2f} s, listed and skipped in "
            f"{told['skip']:.2f} s: {told['skip'] / told['bare']:.1f} times"
        )


def _fill(connection: Any, refs: list[ObjectRef], quarantined_every: int = 1000) -> None:
    """Documents as a finished run leaves them, by bulk inserts."""
    now = datetime.now(UTC)
    for first in range(0, len(refs), ROWS):
        some = refs[first : first + ROWS]
        digests = [f"{first + place:064x}" for place in range(len(some))]
        connection.execute(
            documents.insert(),
            [
                {"uri": ref.uri, "sha256": digest, "bytes": 1, "etag": ref.etag, "seen_at": now, "page_count": 1}
                for ref, digest in zip(some, digests, strict=True)
            ],
        )
        connection.execute(
            extractions.insert(),
            [
                {
                    "sha256": digest, "schema_name": SCHEMA, "recipe": RECIPE, "finished_at": now, "run_id": "r",
                    "status": "quarantined" if (first + place) % quarantined_every == 0 else "complete",
                    "kind": "damaged" if (first + place) % quarantined_every == 0 else None,
                }
                for place, digest in enumerate(digests)
            ],
        )  # fmt: skip


def _analyze(store: Store) -> None:
    """What PostgreSQL's own housekeeping does sooner or later; SQLite has none."""
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")


def _growth(database: str, place: Path, small: int, large: int) -> None:
    """The same queries over a store of one size and of ten times that."""
    found: dict[int, dict[str, float]] = {}
    for count in (small, large):
        folder = place / str(count)
        folder.mkdir()
        with Store.open(fresh_url(database, folder)) as store:
            make_views(store, find_schema(SCHEMA))
            refs = [listed(f"{number:08}", "e") for number in range(count)]
            with store.writing() as connection:
                _fill(connection, refs, quarantined_every=count // 100)
            _analyze(store)
            found[count] = _query_times(store, refs)
            if count == large:
                _show_plans(store, refs)
    print(f"  {'milliseconds for':42}{small:>12,}{large:>12,}   growth")
    for name, before in found[small].items():
        after = found[large][name]
        print(f"  {name:42}{before * 1000:12.2f}{after * 1000:12.2f}{after / before:8.1f}x")


def _query_times(store: Store, refs: list[ObjectRef]) -> dict[str, float]:
    step = max(1, len(refs) // 500)
    some = refs[::step][:500]
    uris = [ref.uri for ref in some]
    number = 0

    def one_document() -> None:
        nonlocal number
        number += 1
        ref = listed(f"new-{number}", "e")
        store.note_objects([ref])
        claim = store.claim(ref, spooled(f"new {number}"), key=Key(schema_name=SCHEMA, recipe=RECIPE), run_id="run")
        store.finish(claim, _extraction(), run_id="run")

    queries: dict[str, Callable[[], object]] = {
        "what is known of 500 objects": lambda: store.known(uris, Key(schema_name=SCHEMA, recipe=RECIPE)),
        "what is known, under another recipe": lambda: store.known(uris, Key(schema_name=SCHEMA, recipe="other")),
        "why 500 objects are to be done": lambda: reasons(
            store, some, key=Key(schema_name=SCHEMA, recipe="other"), parts={}, rerun="changed"
        ),
        "noting 500 objects": lambda: store.note_objects(some),
        "a document: noted, claimed, finished": one_document,
        "the quarantine's list (100 entries)": lambda: quarantined(store),
    }
    return {name: _best(query) for name, query in queries.items()}


def _best(query: Callable[[], object]) -> float:
    """The median of some calls, in seconds."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        query()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


def _show_plans(store: Store, refs: list[ObjectRef]) -> None:
    """How the database finds what is known of some objects, and the current records."""
    from sqlalchemy import event

    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    store.known([ref.uri for ref in refs[:3]], Key(schema_name=SCHEMA, recipe=RECIPE))
    event.remove(store._engine, "before_cursor_execute", note)
    statement, parameters = seen[-1]
    explain = "EXPLAIN QUERY PLAN " if store._engine.dialect.name == "sqlite" else "EXPLAIN "
    with store.reading() as connection:
        plan = connection.exec_driver_sql(explain + statement, parameters).all()
    print("  the plan of: what is known of some objects")
    for row in plan:
        print(f"    {row[-1]}")


def _extraction() -> Extraction:
    """An invoice of ten lines on two pages, with its evidence."""
    lines = [{"description": f"item {number}", "quantity": "2", "amount": "1.50"} for number in range(10)]
    data = {"number": "R-1", "issue_date": "2026-01-31", "total": "15.00", "line_items": lines}
    leaves = [f"line_items.{number}.{name}" for number in range(10) for name in lines[0]]
    evidence = tuple(Evidence(leaf, EvidenceState.FOUND, 1, (0.1, 0.2, 0.3, 0.4), "text") for leaf in leaves)
    now = datetime.now(UTC)
    return Extraction(
        "complete",
        media_type="application/pdf",
        page_count=2,
        pages=(PageState(1, "read"), PageState(2, "read")),
        records=(RecordDraft(data, (), evidence, 1.0, (1, 2)),),
        reply_fingerprints=("f",),
        started_at=now,
        finished_at=now,
    )


def _writing(database: str, place: Path, count: int = 1000) -> None:
    """Whole documents through the ledger, beside the same record rows through the bare driver, one commit each."""
    told: dict[str, float] = {}
    (place / "writing").mkdir()
    with Store.open(fresh_url(database, place / "writing")) as store:
        make_views(store, find_schema(SCHEMA))
        refs = [listed(f"{number}") for number in range(count)]
        with _timed(told, "ledger"):
            store.note_objects(refs)
            for number, ref in enumerate(refs):
                claim = store.claim(
                    ref, spooled(f"{number}"), key=Key(schema_name=SCHEMA, recipe=RECIPE), run_id="run"
                )
                store.finish(claim, _extraction(), run_id="run")
        with _timed(told, "run"):
            asyncio.run(_as_a_run(store, count))
        with _timed(told, "driver"):
            _bare(store, records, pages, count)
        with store.reading() as connection:
            assert len(connection.execute(select(records.c.id)).all()) == 3 * count
    print(
        f"  {count} documents of one record, a second: {count / told['ledger']:.0f} through the ledger one by one, "
        f"{count / told['run']:.0f} as a run does; their record and page rows alone, through the bare driver: "
        f"{count / told['driver']:.0f}: {told['ledger'] / told['driver']:.1f} and "
        f"{told['run'] / told['driver']:.1f} times"
    )


async def _as_a_run(store: Store, count: int) -> None:
    """As many again, from asyncio, 64 at once."""
    places = asyncio.Semaphore(64)

    async def one(number: int) -> None:
        async with places:
            ref = listed(f"run-{number}")
            claim = await store.run(
                store.claim, ref, spooled(f"run {number}"), key=Key(schema_name=SCHEMA, recipe=RECIPE), run_id="run"
            )
            await store.run(store.finish, claim, _extraction(), run_id="run")

    await asyncio.gather(*(one(number) for number in range(count)))


def _bare(store: Store, record_table: Table, page_table: Table, count: int) -> None:
    """The rows of the records and pages, one transaction a document, with no SQLAlchemy between."""
    extraction = _extraction()
    draft = extraction.records[0]
    values = [
        json.dumps(draft.data), "[]", json.dumps([vars(each) for each in draft.evidence]), "[1, 2]", 1.0,
        datetime.now(UTC).isoformat(),
    ]  # fmt: skip
    mark = "?" if store._engine.dialect.name == "sqlite" else "%s"
    record = (
        f"INSERT INTO {record_table.name} (extraction_id, ordinal, data, issues, evidence, pages, grounded,"
        f" created_at) VALUES ({', '.join([mark] * 8)})"
    )
    page = f"INSERT INTO {page_table.name} (extraction_id, page, status) VALUES ({mark}, {mark}, 'read')"
    connection = store._engine.raw_connection()
    cursor = connection.cursor()
    for number in range(count):
        if mark == "?":
            cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(record, [number + 1, 1, *values])
        cursor.executemany(page, [(number + 1, 3), (number + 1, 4)])
        connection.commit()
    cursor.close()
    connection.close()


if __name__ == "__main__":
    main()
