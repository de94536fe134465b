"""One run: list the objects, skip what is done, take each of the others through the pipeline into the store.

The same coroutine runs directly under the command line and inside the Prefect flow, which hands in a
way to wrap each shard of documents (`flows.prefect.extract`). Documents run side by side; what bounds them is
the client's concurrency, and for memory the windows that are drawn and not yet answered.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from extractors.documents import ObjectRef
from extractors.errors import CannotRun, Interrupted, SourceDown, SourceUnavailable, StoreUnavailable
from extractors.journey import Journey
from extractors.pages.workers import Workers
from extractors.vision import VisionClient, open_http
from extractors.vision.connections import Connections
from extractors.vision.contexts import with_told_contexts
from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import Ground, Stored
from flows.background import alongside, first_signal
from flows.observe.summary import Summary
from flows.observe.telemetry import measured_book
from flows.observe.watch import Watch
from flows.run.asked import Asked, asked_for, fitting, key_of
from flows.run.deleted import Listing
from flows.run.document import Run, holding_claims, not_done, take, take_held_back
from flows.run.endpoints import choose, local_app_for, unused_settings
from flows.run.ocr import words_reader
from flows.run.parameters import Job
from flows.run.rerun import stored_of
from flows.run.source import Source
from flows.settings import Settings, limits_of, passwords_of
from flows.storage.s3 import Found, Skipped, list_batches
from flows.storage.spools import spool_folder
from flows.store.book import CallBook
from flows.store.observed import seen_calls, sent_lately
from flows.store.opening import open_when_back
from flows.store.served import served_in
from flows.store.store import Store
from flows.store.views import make_views

_SOURCES_TOLD = 20
"""Sources that a run's row names: a retry may have thousands."""


@dataclass(frozen=True)
class Cut:
    """How documents are cut into shards.

    Attributes:
        documents: in a shard at most.
        size: bytes in a shard, unless one document alone is larger.
        one_by_one: while there are no more documents than one shard holds, each is a shard of its own.
        at_once: shards begun at once: the next one's documents fill in while the slowest of the last still run.
    """

    documents: int = 200
    size: int = 2_000_000_000
    one_by_one: bool = True
    at_once: int = 3


Shard = tuple[ObjectRef, ...]
TakeShard = Callable[[str, Shard], Coroutine[Any, Any, str]]
Wrap = Callable[[TakeShard], TakeShard]
HandOut = Callable[[str, Shard, Run], Coroutine[Any, Any, str]]


async def run_job(
    job: Job,
    settings: Settings,
    watch: Watch,
    wrap: Wrap = lambda shard: shard,
    *,
    objects: Shard = (),
    ask_again: bool = False,
    run_id: str | None = None,
    job_id: str | None = None,
    stopping: asyncio.Event | None = None,
    cut: Cut = Cut(),
    hand_out: HandOut | None = None,
) -> Summary:
    """Runs a job to its end.

    Args:
        job: what is asked for.
        settings: what it does not say.
        watch: who looks on.
        wrap: makes a Prefect task of the coroutine that takes one shard, or leaves it as it is.
        objects: taken beside the sources: whoever heard of them or listed them names them already.
        ask_again: a stored reply that fails is asked again, as with `--rerun failed`.
        run_id: under which the store knows the run; None: a new one.
        job_id: the run that it is a part of, and whose budget it draws from; None: itself.
        stopping: ends the run as a first signal would; for who handles signals itself. None: this run does.
        cut: how documents are cut into shards.
        hand_out: lets others take a shard (`flows.prefect.bulk`); None: it is taken here.

    Returns:
        The counts; `exit_code` tells whether all is well.

    Raises:
        CannotRun: configuration, credentials, source or store; nothing else.
    """
    asked = asked_for(job, settings)
    endpoints = choose(job.endpoints or (), job.base_url, job.model, settings)
    _tell_start(watch, endpoints, asked, settings)
    concurrency = job.concurrency or settings.concurrency
    async with AsyncExitStack() as stack:
        store = stack.enter_context(await _opened(job, settings, watch, waits=job_id is not None))
        if stopping is not None and job_id is None and hand_out is None:
            # A service waits for as long as it is wanted: what it paid for is kept until then.
            store.patience = math.inf
        for plan in asked.plans:
            await store.run(make_views, store, plan.schema)
        spool = stack.enter_context(spool_folder())
        http, endpoints = await _connected(endpoints, stack)
        workers = await stack.enter_async_context(Workers(settings.render_workers, settings.document_memory))
        run_id = run_id or uuid4().hex
        max_cost, a_day = _budget(job, settings), settings.max_cost_per_day
        book = CallBook(
            store, run_id, job_id=job_id, max_cost=max_cost, max_cost_per_day=None if a_day is None else float(a_day)
        )
        vision = VisionClient(
            endpoints,
            http,
            measured_book(book),
            concurrency=concurrency,
            limited=max_cost is not None or a_day is not None,
            give_up_after=settings.give_up_after,
            timeout=settings.timeout,
            sampling=settings.sampling,
            stream=settings.stream,
            notice=watch.notice,
            most_bytes=settings.max_answer_bytes,
            seen=await store.run(store.transact, seen_calls, endpoints),
            lately=await store.run(store.transact, sent_lately, endpoints),
        )
        fit, ground = await fitting(asked, vision), job.ground or settings.ground
        read_words = None
        if ground == Ground.OCR:
            read_words = await words_reader(stack, store, settings, watch.notice, lambda: vision.stopped)
        summary = Summary(run_id, meter=vision.meter, fail_over=job.fail_over)
        # Half as many again: an answered window keeps its place while its answer is stored, checked and grounded.
        ahead = concurrency + concurrency // 2 + 2 * settings.render_workers
        limits, drawn, passwords = limits_of(settings), asyncio.Semaphore(ahead), passwords_of(settings)
        journey = Journey(
            fit.plans[0], vision, workers, limits, drawn,
            Stored.GOOD if ask_again else stored_of(job.rerun, fresh=job.fresh), passwords,
            split=fit.plans if fit.split else (), look_tokens=fit.look_tokens, ground=ground,
        )  # fmt: skip
        recipe = asked.recipe(vision.whom)
        key = key_of(asked.name, recipe)
        run = Run(
            summary.run_id, job.rerun, key, journey, store, vision, summary, watch,
            Source(settings.give_up_after, watch.notice), spool, asyncio.Semaphore(ahead), read_words=read_words,
        )  # fmt: skip
        run.source.stopped = lambda: run.stopped is not None
        if stopping is None:
            stack.enter_context(first_signal(lambda: _stop_on_signal(run)))
        else:
            await stack.enter_async_context(alongside(_drain_on(stopping, run, settings.give_up_after)))
        await store.run(
            store.start_run, run_id=run.run_id, source=" ".join(job.sources), key=key, endpoint=endpoints[0].name,
            parts=recipe.parts,
        )  # fmt: skip
        try:
            async with holding_claims(run):
                listing = Listing()
                found = _found(job.sources, objects, listing, run)
                if await _take_all(found, job.limit, run, wrap, cut, hand_out):
                    await listing.conclude(run, job.deleted)
        except StoreUnavailable as error:
            summary.pause(error, _without_store(error))
        finally:
            await _conclude(run, book, job_id or run_id)
    return summary


async def _opened(job: Job, settings: Settings, watch: Watch, *, waits: bool) -> Store:
    """The run's store, which waits from here on; only a part of a job under way waits for one that is away already.

    At the start of all, a mistake in its URL is more likely than an outage.
    """
    patience = settings.give_up_after if waits else 0.0
    store = await open_when_back(job.store or settings.store, patience=patience, notice=watch.notice)
    store.patience = settings.give_up_after
    return store


async def _conclude(run: Run, book: CallBook, job_id: str) -> None:
    """Counts what the ledger says, and tells it; without the store the run's own counts stand, and it is paused."""
    store, summary = run.store, run.summary
    try:
        await book.close()
        summary.booked = await store.run(store.booked, job_id, run.run_id)
        summary.served = await store.run(served_in, store, job_id, run.run_id)
        summary.stop_clock()
        await store.run(store.finish_run, run.run_id, summary.as_json())
    except StoreUnavailable as error:
        if summary.paused is None:
            summary.pause(error, _without_store(error))
    finally:
        summary.stop_clock()
        run.watch.finished(summary)


def _without_store(error: StoreUnavailable) -> str:
    return f"{error}; run the same command again when it is back"


def _tell_start(watch: Watch, endpoints: Sequence[Endpoint], asked: Asked, settings: Settings) -> None:
    watch.started(endpoints, asked.name)
    if unused := unused_settings(endpoints, settings):
        watch.notice(unused)


async def _connected(endpoints: Sequence[Endpoint], stack: AsyncExitStack) -> tuple[Connections, list[Endpoint]]:
    """The run's connections, and its endpoints with the contexts that they state."""
    http = await stack.enter_async_context(open_http(endpoints, local_app=local_app_for(endpoints)))
    return http, await with_told_contexts(endpoints, http)


def _budget(job: Job, settings: Settings) -> float | None:
    if job.max_cost is not None:
        return job.max_cost
    return float(settings.max_cost) if settings.max_cost is not None else None


async def _take_all(  # noqa: PLR0917 - one caller, types that cannot be swapped
    found: AsyncIterator[Sequence[Found]], limit: int | None, run: Run, wrap: Wrap, cut: Cut, hand_out: HandOut | None
) -> bool:
    """Feeds shards to the pipeline while the listing goes on.

    Returns:
        Whether it came to the listing's end, and all that was listed was taken.

    Raises:
        CannotRun: after what was in flight has ended.
    """

    async def take_shard(name: str, shard: Shard) -> str:
        """Takes a shard's documents through the pipeline; the text is for Prefect's run page."""
        if hand_out is not None:
            return await hand_out(name, shard, run)
        before = run.summary.trouble_count
        await asyncio.gather(*(take(ref, run) for ref in shard))
        return f"{name}: {len(shard)} documents, {run.summary.trouble_count - before} troubles"

    whole = asyncio.Event()
    taken = wrap(take_shard)
    ahead = asyncio.Semaphore(cut.at_once)
    try:
        async with asyncio.TaskGroup() as group:
            number = 0
            async for shard in _shards(_to_do(found, limit, run, whole), cut):
                number += 1
                if len(shard) == 1 and cut.one_by_one:
                    group.create_task(taken(shard[0].uri, shard))
                    continue
                await ahead.acquire()
                begun = group.create_task(taken(f"shard {number}", shard))
                begun.add_done_callback(lambda _: ahead.release())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    await take_held_back(run)
    if isinstance(run.stopped, CannotRun):
        raise run.stopped
    run.summary.pause(run.stopped)
    return whole.is_set() and not run.stopped


async def _found(
    sources: Sequence[str], objects: Shard, listing: Listing, run: Run
) -> AsyncIterator[Sequence[Found]]:
    """What there is to look at, in batches; where it cannot be listed any further, what was found is all there is."""
    if objects:
        yield objects
    for source in sources:
        try:
            async for batch in list_batches(source, listing.whole.append, run.source.again):
                for each in batch:
                    listing.add(each.uri)
                yield batch
        except (SourceUnavailable, SourceDown) as error:
            run.stopped = run.stopped or error
            return


async def _to_do(
    found: AsyncIterator[Sequence[Found]], limit: int | None, run: Run, whole: asyncio.Event
) -> AsyncIterator[ObjectRef]:
    """The objects that are not done under this recipe, in the sources' order; the others are counted.

    `whole` is set once all have been looked at.
    """
    left = limit
    async for batch in found:
        for skipped in (each for each in batch if isinstance(each, Skipped)):
            tell = run.summary.miss if skipped.unreachable else run.summary.skip_other
            tell(skipped.uri, skipped.reason)
        refs = [each for each in batch if isinstance(each, ObjectRef)]
        for ref in await not_done(refs, run):
            if left is not None and left <= 0:
                return
            left = left - 1 if left is not None else None
            run.summary.wait()
            yield ref
        run.watch.progressed(run.summary, None)
        if run.stopped:
            return
    whole.set()


async def _shards(refs: AsyncIterator[ObjectRef], cut: Cut) -> AsyncIterator[Shard]:
    """Shards as they fill; single documents while they are few, where that is wanted."""
    held: list[ObjectRef] = []
    size = 0
    few = cut.one_by_one
    async for ref in refs:
        if held and (len(held) == cut.documents or size + ref.size > cut.size):
            yield tuple(held)
            held, size, few = [], 0, False
        held.append(ref)
        size += ref.size
    if few:
        for ref in held:
            yield (ref,)
    elif held:
        yield tuple(held)


def _stop_on_signal(run: Run) -> bool:
    """What is in flight ends, the rest stays pending; False when it was ending already."""
    if run.stopped is not None:
        return False
    _drain(run)
    run.watch.notice("stopping: what is in flight is finished first; once more to stop at once")
    return True


async def _drain_on(stopping: asyncio.Event, run: Run, patience: float) -> None:
    await stopping.wait()
    run.store.patience = patience
    _drain(run)


def _drain(run: Run) -> None:
    run.stopped = run.stopped or Interrupted("interrupted: what was in flight was finished, the rest is pending")
    run.vision.drain()
