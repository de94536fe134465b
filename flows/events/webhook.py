"""`octavo listen`: bucket webhooks in, 202 once the upload is noted in the store, records out.

The receiver only notes (`flows.store.inbox`); beside it one loop takes what waits, in micro-batches, so
that a burst is a few runs and a kill at any point loses nothing: what waits is there at the next start.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.status import HTTP_200_OK

from extractors.errors import BadNotification, CannotRun, StoreUnavailable
from flows.events.batch import MOST_AT_ONCE, SIDE_BY_SIDE, Batch, Ended, TakeUploads, held_up, job_beside
from flows.events.bearer import bears
from flows.events.callers import MOST_BYTES, Locks, Unfinished, whole_body
from flows.events.holding import holding
from flows.events.notifications import OutsidePrefixes, arrivals_in, let_in
from flows.events.permitted import permitted
from flows.observe import telemetry
from flows.observe.logs import tell
from flows.run.parameters import Job
from flows.store import inbox
from flows.store.inbox import Taken
from flows.store.store import Store

_LOOK_EVERY = 1.0
"""Seconds between two looks for what other receivers of the same store accepted, or what is due again."""

_GATHER = 0.1
"""Seconds that a first upload waits for others, so that a burst becomes one run."""

REST = 15.0
"""Seconds before the next run after one that could not go on (endpoint down, credit gone, store away)."""

_LONGEST_REST = 300.0
"""After runs that could not begin, again and again: each rest is twice the last one, unless something arrives."""


@dataclass
class Listener:
    """What the receiver and the loop share.

    Attributes:
        store: open, with the table `arrivals` made.
        schema_name: whose records the uploads become.
        job: schema, endpoints and store of every run.
        take: reads a micro-batch (`flows.events.batch.take_uploads`, directly or as a Prefect flow run).
        locks: what a caller must know.
        concurrency: calls in flight, of all micro-batches together.
        prefixes: what may be announced, as `s3://bucket/prefix`; none: everything.
        metrics_token: that whoever asks for `/metrics` sends; None: none is asked for.
        rest: seconds before the next run after one that could not go on.
        beside: entered on the receiver's loop, for as long as it lasts.
        stopping: no further run is begun, and those under way end early.
        failed: why the loop ended before it was told to.
        stuck: why the last run could not be begun, or did not come to its end; None when it did.
        away: why the store could not be asked last time; None when it could.
        in_vain: runs that could not be begun, since the last that could.
        due: before when no run is begun, whatever arrives; and if nothing does (monotonic).
        under_way: what is being read, by its uri.
    """

    store: Store
    schema_name: str
    job: Job
    take: TakeUploads
    locks: Locks
    concurrency: int
    prefixes: tuple[str, ...] = ()
    metrics_token: SecretStr | None = None
    rest: float = REST
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    failed: BaseException | None = None
    stuck: str | None = None
    away: str | None = None
    in_vain: int = 0
    due: tuple[float, float] = (0.0, 0.0)
    under_way: set[str] = field(default_factory=set)

    @property
    def trouble(self) -> str | None:
        """What keeps the service from its work now; None for nothing."""
        return f"the loop has ended: {type(self.failed).__name__}" if self.failed else self.away or self.stuck

    def rests(self) -> None:
        """Nothing could be done: the next run begins a little later."""
        now, most = time.monotonic(), self.rest * 2 ** max(0, self.in_vain - 1)
        self.due = (now + self.rest, now + max(self.rest, min(_LONGEST_REST, most)))


def create_app(listener: Listener) -> Starlette:
    """The receiver: `POST /` (any bucket's shape), `GET /healthz`, `/readyz`, `/metrics`."""

    async def notify(request: Request) -> Response:
        return await _notify(request, listener)

    async def healthy(_: Request) -> Response:
        alive = listener.failed is None
        return JSONResponse({"status": "ok" if alive else "the loop has ended"}, 200 if alive else 503)

    async def ready(request: Request) -> Response:
        answer = await _ready(listener)
        if _may_look(request, listener):
            return answer
        # A probe knows no token: it is told whether, not why.
        return JSONResponse(
            {"status": "ok" if answer.status_code == HTTP_200_OK else "not ready"}, answer.status_code
        )

    async def metrics(request: Request) -> Response:
        if not _may_look(request, listener):
            return _refuse(401, "send the bearer token", {"WWW-Authenticate": "Bearer"})
        if not listener.away:
            with suppress(StoreUnavailable):  # which the gauges say
                await _waiting(listener)
        text, media_type = telemetry.page()
        return Response(text, media_type=media_type)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with listener.beside():
            working = asyncio.create_task(work(listener))
            yield
            listener.stopping.set()
            listener.news.set()
            await working

    return Starlette(
        routes=[
            Route("/", notify, methods=["POST"]),
            Route("/healthz", healthy),
            Route("/readyz", ready),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
    )


def _may_look(request: Request, listener: Listener) -> bool:
    return listener.metrics_token is None or bears(request.headers.get("Authorization"), listener.metrics_token)


async def _notify(request: Request, listener: Listener) -> Response:
    """401 unknown caller, 408 not finished, 413 too large; else as `_accept`."""
    may_yet = listener.locks.may_yet(request)
    try:
        body = await whole_body(request, kept=may_yet)
    except Unfinished as error:
        return _refuse(408, str(error), {"Connection": "close"})
    if body is None and may_yet:
        return _refuse(413, f"at most {MOST_BYTES} bytes")
    if body is None or not listener.locks.may(request, body):
        return _refuse(401, "send the bearer token, or sign the body", {"WWW-Authenticate": "Bearer"})
    return await _accept(body, listener)


async def _accept(body: bytes, listener: Listener) -> Response:
    """403 not to be announced here, 422 means nothing, 503 not accepted (send it again), 202 accepted."""
    try:
        arrived, kept_out = let_in(arrivals_in(body), listener.prefixes)
    except OutsidePrefixes as error:
        telemetry.uploads("refused", 1)
        tell(f"refused a notification: {error}", level=logging.WARNING)
        return _refuse(403, str(error))
    except BadNotification as error:
        tell(f"refused a notification: {error}", level=logging.WARNING)
        return _refuse(422, str(error))
    for each in kept_out:
        tell(f"refused, outside OCTAVO_LISTEN_PREFIXES: {each.uri}", level=logging.WARNING)
    try:
        await listener.store.run(listener.store.transact, inbox.accept, listener.schema_name, arrived)
    except StoreUnavailable as error:
        tell(str(error), level=logging.ERROR)
        return _refuse(503, "the store cannot be written now: send it again", {"Retry-After": "10"})
    telemetry.uploads("refused", len(kept_out))
    telemetry.uploads("accepted", len(arrived))
    listener.news.set()
    return JSONResponse({"accepted": len(arrived), **({"refused": len(kept_out)} if kept_out else {})}, 202)


def _refuse(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error}, status, headers)


async def _ready(listener: Listener) -> Response:
    if listener.stopping.is_set() or listener.failed:
        return _refuse(503, "stopping")
    try:
        count, age = await _waiting(listener)
    except StoreUnavailable as error:
        return _refuse(503, str(error))
    # Uploads are taken all the same: who is stuck stays in rotation.
    status = f"stuck: {listener.stuck}" if listener.stuck else "ok"
    return JSONResponse({"status": status, "waiting": count, "oldest_seconds": round(age, 1)})


async def _waiting(listener: Listener) -> tuple[int, float]:
    try:
        count, age = await listener.store.run(listener.store.transact, inbox.waiting, listener.schema_name)
    except StoreUnavailable as error:
        listener.away = str(error)
        raise
    listener.away = None
    telemetry.queue(count, age)
    return count, age


async def work(listener: Listener) -> None:
    """Takes what waits, batch by batch, until told to stop; what is in flight then ends first."""
    batches: set[asyncio.Task[None]] = set()
    try:
        async with holding(listener.store), asyncio.TaskGroup() as group:
            while not listener.stopping.is_set():
                await _rested(listener)
                listener.news.clear()
                taken = await _taken(listener)
                if not taken:
                    await _rest(listener.news, _LOOK_EVERY)
                    await asyncio.sleep(_GATHER)
                    continue
                batch = group.create_task(_take(taken, listener))
                await asyncio.wait({batch}, timeout=held_up(len(listener.under_way), listener.concurrency))
                batches = {each for each in (*batches, batch) if not each.done()}
                if len(batches) >= SIDE_BY_SIDE:
                    _, batches = await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
    except BaseException as error:
        listener.failed = error
        raise


async def _taken(listener: Listener) -> list[Taken]:
    """What is to be read next; nothing while the store is away, which is told."""
    store = listener.store
    try:
        taken = await store.run(
            store.transact, inbox.take, schema_name=listener.schema_name, holder=store.holder.id, most=MOST_AT_ONCE,
            besides=listener.under_way,
        )  # fmt: skip
        taken = await permitted(taken, store, listener.schema_name, listener.prefixes)
        if not taken:
            await _waiting(listener)
    except StoreUnavailable as error:
        tell(str(error), level=logging.ERROR)
        listener.away = str(error)
        listener.rests()
        return []
    listener.under_way |= {each.arrival.uri for each in taken}
    return taken


async def _take(taken: list[Taken], listener: Listener) -> None:
    """One batch, to its end."""
    store = listener.store
    try:
        batch = await _read(taken, listener)
        how = {uri: (each.state, each.cause) for uri, each in batch.ended.items()}
        await store.run(store.transact, inbox.settle_all, listener.schema_name, taken, how)
        await _waiting(listener)
    except StoreUnavailable as error:
        # What was taken stays held by this process, which takes it again.
        tell(str(error), level=logging.ERROR)
        listener.rests()
    finally:
        listener.under_way -= {each.arrival.uri for each in taken}


async def _read(taken: list[Taken], listener: Listener) -> Batch:
    """The batch's outcome; when nothing could be run, all of it waits."""
    try:
        job = job_beside(listener.job, len(listener.under_way) - len(taken), listener.concurrency)
        batch = await listener.take([each.arrival for each in taken], job, listener.stopping)
    except StoreUnavailable:
        raise
    except CannotRun as error:
        listener.stuck, listener.in_vain = f"{error.kind}: {error}", listener.in_vain + 1
        tell(listener.stuck, level=logging.ERROR)
        listener.rests()
        return Batch({each.arrival.uri: Ended("waiting") for each in taken}, None)
    for state in ("done", "gone", "waiting"):
        telemetry.uploads(state, sum(ended.state == state for ended in batch.ended.values()))
    listener.stuck, listener.in_vain = f"paused: {batch.paused}" if batch.paused else None, 0
    if batch.paused and not listener.stopping.is_set():
        tell(f"paused: {batch.paused}", level=logging.WARNING)
        listener.rests()
    return batch


async def _rested(listener: Listener) -> None:
    """Until the next batch is due: a long rest is cut short by what arrives meanwhile."""
    least, most = listener.due
    await _rest(listener.stopping, least - time.monotonic())
    await _rest(listener.news, most - time.monotonic())


async def _rest(event: asyncio.Event, seconds: float) -> None:
    """Until something happens, or so long."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
