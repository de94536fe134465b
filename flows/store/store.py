"""The store: one SQLite file or PostgreSQL database that holds what was read, paid for and extracted."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
)

from extractors.documents import Extraction, ObjectRef, Spooled, StoredReply
from extractors.errors import StoreUnavailable
from extractors.ledger import Booked
from flows.store import calls, claims, finishing, gone, leases, objects, replies, strikes
from flows.store.claims import Claim
from flows.store.dialects import connect, empty_log, reading_options
from flows.store.hanging import Watch
from flows.store.keys import Key
from flows.store.leases import Holder
from flows.store.objects import Before, Known
from flows.store.url import advice, parsed_url, shown_url
from flows.store.versions import check_tables, make_tables

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
"""Transactions at once in PostgreSQL: most of one is waiting for the server. SQLite takes one at a time."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two attempts at a database that is away."""

_ATTEMPTS = 10
_CONTENDED = {"40001", "40P01"}
"""PostgreSQL's codes (Appendix A of its manual) of a serialization failure and a deadlock: try again."""


class _Contended(StoreUnavailable):
    """The database ended this transaction in favour of another."""


class Store:
    """An open store. Its methods block; `run` calls them from asyncio, off the event loop.

    What a run does with documents, claims, replies and its own row is a method here. Everything else (arrivals,
    exports, purges, what people look at) is a function of its module, given a transaction or the store.

    Every method raises `StoreUnavailable` when the database cannot be reached, read or written.
    Several processes may write to the same store: writes wait for each other, up to 30 s in SQLite.

    Attributes:
        shown_url: its URL without secrets, for people.
        patience: seconds for which `run` waits for a database that is away.
        notice: hears once that it is waited for.
    """

    def __init__(self, engine: Engine, url: URL) -> None:
        self.shown_url = shown_url(url)
        self._url = url
        self._engine = engine
        self._watch = Watch(engine)
        self._reads = engine.execution_options(**reading_options(engine))
        self._holder: Holder | None = None
        self.patience = 0.0
        self.notice: Callable[[str], None] | None = None
        self._away_since: float | None = None
        threads = _THREADS if engine.dialect.name == "postgresql" else 1
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="octavo-store")

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, any_version: bool = False) -> Self:
        """Opens a store, and makes its tables in a new database. One of another version is refused.

        Args:
            url: SQLAlchemy URL: `sqlite:///octavo.db` (relative), `sqlite:////var/octavo.db`, `postgresql://...`.
            read_only: for commands that only look; nothing is created then.
            any_version: for the upgrade; the tables are taken as they are.

        Raises:
            StoreUnavailable: the message says what to do, and holds no password.
        """
        parsed = parsed_url(url, read_only=read_only or any_version)
        store = cls(_engine(parsed, read_only=read_only), parsed)
        try:
            if not any_version:
                store._prepare(read_only=read_only)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Ends the store's threads after what they were given, and its connections."""
        self._threads.shutdown()
        self._engine.dispose()
        if self._holder is not None:
            self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def run(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a method of this store in a thread of its own: `await store.run(store.claim, ...)`.

        A database that is locked, away or silent is waited for as long as `patience` says: what was paid for is not
        lost. Work on it is done again then, also where its commit went through and was not heard of.
        The seconds are an outage's, not a call's: when they are over, what comes next is tried once.
        """
        loop, began = asyncio.get_running_loop(), time.monotonic()
        pause = _SHORTEST_PAUSE
        while True:
            try:
                working = loop.run_in_executor(self._threads, partial(method, *args, **kwargs))
                done = await self._watch.result(working, self.patience)
            except StoreUnavailable as error:
                told, now = self._away_since is not None, time.monotonic()
                self._away_since = self._away_since or now
                left = self.patience - (now - min(began, self._away_since))
                if left <= 0:
                    raise
                if self.notice is not None and not told:
                    self.notice(f"{error}; trying" + (f" for {left:.0f} s more" if left < math.inf else " again"))
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            else:
                self._away_since = None
                return done

    def empty_log(self) -> bool:
        """Leaves nothing that was deleted in SQLite's log; False when another process reads just now."""
        with self.telling("written"):
            return empty_log(self._engine)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; committed at the end, or not at all."""
        with self.telling("written"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store and writes nothing."""
        with self.telling("read"), self._reads.connect() as connection, connection.begin():
            yield connection

    def transact(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One transaction's work; done again when PostgreSQL ended it because two waited for each other."""
        for _ in range(_ATTEMPTS - 1):
            try:
                with self.writing() as connection:
                    return work(connection, *args, **kwargs)
            except _Contended:
                continue
        with self.writing() as connection:
            return work(connection, *args, **kwargs)

    def start_run(
        self, *, run_id: str, source: str, key: Key, endpoint: str | None, parts: dict[str, Any] | None = None
    ) -> None:
        """Notes that a run began, and what its recipe is made of; a run that several processes share begins once."""
        run = {
            "id": run_id, "source": source, "endpoint": endpoint,
            "schema_name": key.schema_name, "recipe": key.recipe,
        }  # fmt: skip
        self.transact(replies.start_run, run, parts, key)

    def finish_run(self, run_id: str, summary: dict[str, Any]) -> None:
        """Notes that a run ended, and its counts."""
        self.transact(replies.finish_run, run_id, summary)

    def note_objects(self, refs: Sequence[ObjectRef]) -> None:
        """Notes objects as listed. One whose etag changed shows unknown bytes until it is read again."""
        for batch in objects.batches(refs):
            self.transact(objects.note_objects, batch)

    def note_back(self, uris: Sequence[str]) -> None:
        """Notes that objects that were gone are there again, with the bytes that they had."""
        for batch in objects.batches(uris):
            self.transact(gone.note_back, batch)

    def known(self, uris: Sequence[str], key: Key) -> dict[str, Known]:
        """What is known of each uri that was noted before; one query for every few hundred."""
        found: dict[str, Known] = {}
        for batch in objects.batches(uris):
            with self.reading() as connection:
                found.update(objects.known(connection, batch, key))
        return found

    def before(self, uris: Sequence[str], schema_name: str) -> dict[str, Before]:
        """What became of each uri under another recipe or with other bytes."""
        found: dict[str, Before] = {}
        for batch in objects.batches(uris):
            with self.reading() as connection:
                found.update(objects.before(connection, batch, schema_name))
        return found

    def claim(
        self,
        ref: ObjectRef,
        spooled: Spooled,
        *,
        key: Key,
        run_id: str,
        taken: Callable[[Any], bool] = lambda _: False,
    ) -> Claim:
        """Says which bytes an object shows, and claims their extraction for this store (`claims.claim`)."""
        if self._holder is None:
            self.renew(run_id)
        return self.transact(claims.claim, ref, spooled, key=key, run_id=run_id, holder=self.holder.id, taken=taken)

    def finish(self, claim: Claim, extraction: Extraction, *, run_id: str) -> bool:
        """Writes a claim's outcome in one transaction (`finishing.finish`); False when the claim was lost."""
        return self.transact(
            finishing.finish, claim.extraction_id, extraction, run_id=run_id, holder=self.holder.id, key=claim.key
        )

    def keep(self, claim: Claim, key: Key) -> None:
        """Leaves a claim's outcome as it is, under another way to read it (`finishing.keep`)."""
        self.transact(finishing.keep, claim.extraction_id, key)

    @property
    def holder(self) -> Holder:
        """Who this open store is to others that claim."""
        if self._holder is None:
            self._holder = Holder()
        return self._holder

    def renew(self, run_id: str | None = None) -> None:
        """Keeps what this store has claimed for another `leases.LEASE_SECONDS`."""
        self.transact(leases.renew, holder=self.holder.id, run_id=run_id)
        self.holder.holds = True

    def release(self) -> None:
        """Lets go of what this store has claimed and not finished: others need not wait for the lease's end."""
        self.transact(leases.release, self.holder.id)
        self.holder.holds = False

    def is_held(self, holder: str | None) -> bool:
        """Whether another store's lease stands."""
        if holder is None or holder == self.holder.id:
            return False
        with self.reading() as connection:
            return leases.holds(connection, holder)

    def fail_unread(self, ref: ObjectRef, *, key: Key, kind: str, cause: str, run_id: str) -> int:
        """Quarantines an object whose bytes never arrived (`claims.fail_unread`); returns the extraction's id."""
        return self.transact(claims.fail_unread, ref, key=key, kind=kind, cause=cause, run_id=run_id)

    def alive(self, run_ids: Sequence[str]) -> set[str]:
        """Those runs whose process renews its lease, on whatever machine."""
        return self.transact(leases.alive, run_ids)

    def summaries(self, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The counts of those runs that have ended."""
        return self.transact(replies.summaries, run_ids)

    def failed_pages(self, claim: Claim) -> frozenset[int]:
        """The pages that an earlier run could not read; none when the extraction is new."""
        with self.reading() as connection:
            return finishing.failed_pages(connection, claim.extraction_id)

    def booked(self, job_id: str, run_id: str) -> Booked:
        """What a run's calls are booked at; where it is a whole job, those of its shards too."""
        with self.reading() as connection:
            return calls.spent_by(connection, job_id, run_id)

    def get_replies(self, fingerprints: Sequence[str]) -> list[StoredReply]:
        """The replies kept under some fingerprints, in their order; those that are not there are left out."""
        with self.reading() as connection:
            return replies.get_replies(connection, fingerprints)

    def strikes(self, fingerprint: str) -> tuple[int, int]:
        """What speaks against a question that is not answered (`strikes.strikes`)."""
        with self.reading() as connection:
            return strikes.strikes(connection, fingerprint)

    def _prepare(self, *, read_only: bool) -> None:
        """Makes the tables in a new database, and sees that those which are there are this version's.

        Raises:
            StoreUnavailable: it cannot be opened, is of another version, or its tables are another program's.
        """
        if not read_only:
            self.transact(make_tables)
        with self.reading() as connection:
            check_tables(connection, self.shown_url)

    @contextmanager
    def telling(self, done: str) -> Iterator[None]:
        """Turns the database's own errors into one line for a person; those that are our defects stay.

        Args:
            done: what could not be done with it: "read" or "written".

        Raises:
            StoreUnavailable: that line.
        """
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise
        except DatabaseError as error:
            if getattr(error.orig, "sqlstate", None) in _CONTENDED:
                raise _Contended(advice(error, self._url, done=done)) from None
            raise StoreUnavailable(advice(error, self._url, done=done)) from None


def _engine(url: URL, *, read_only: bool) -> Engine:
    try:
        return connect(url, read_only=read_only)
    except ImportError as error:
        raise StoreUnavailable(
            f"the driver for {url.drivername} is not installed: pip install {error.name or 'psycopg[binary]'}"
        ) from None
    except NoSuchModuleError:
        raise StoreUnavailable(f"there is no database driver {url.drivername!r}; try postgresql+psycopg") from None
    except (SQLAlchemyError, TypeError, ValueError):
        raise StoreUnavailable(f"the store's URL is not understood: {shown_url(url)}") from None
