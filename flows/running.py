"""One run: list the objects, skip what is done, take each of the others through the pipeline into the store.

The same coroutine runs directly under the command line and inside the Prefect flow, which hands in a
way to wrap each shard of documents (`flows.extract`). Documents run side by side; what bounds them is
the client's concurrency, and for memory the windows that are drawn and not yet answered.
"""

import asyncio
import logging
import signal
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from extractors import opening, planning
from extractors.documents import Extraction, ObjectRef, Spooled
from extractors.errors import CannotRun, DocumentError, Interrupted, OctavoError, SourceUnavailable
from extractors.pipeline import Journey, extract_document, failed_extraction
from extractors.rendering import RENDER_VERSION
from extractors.vision import VisionClient, open_http
from extractors.workers import Workers
from flows.choosing import choose, local_app_for
from flows.finding import find_schema
from flows.objects import Skipped, list_batches, spool_async
from flows.settings import Settings
from flows.store import Store
from flows.summary import Summary
from flows.views import make_views
from flows.watching import Watch

ONE_BY_ONE = 200
"""Up to so many documents, each is a shard of its own; above, a shard holds as many."""

_SHARDS_AHEAD = 3
"""Shards begun at once: the next one's documents fill in while the slowest of the last still run."""


@dataclass(frozen=True)
class Job:
    """What a person asked for; the settings fill in what is None."""

    sources: tuple[str, ...]
    schema: str
    endpoints: tuple[str, ...] = ()
    base_url: str | None = None
    model: str | None = None
    store: str | None = None
    max_cost: float | None = None
    concurrency: int | None = None
    pages_per_request: int | None = None
    records: str = "one"
    limit: int | None = None
    rerun: str = "changed"


Shard = tuple[ObjectRef, ...]
TakeShard = Callable[[str, Shard], Coroutine[Any, Any, str]]
Wrap = Callable[[TakeShard], TakeShard]


@dataclass
class _Run:
    """What every document of the run shares."""

    job: Job
    run_id: str
    recipe: str
    schema_name: str
    journey: Journey
    store: Store
    vision: VisionClient
    summary: Summary
    watch: Watch
    spool: Path
    places: asyncio.Semaphore
    by_content: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    stopped: OctavoError | None = None


async def run_job(job: Job, settings: Settings, watch: Watch, wrap: Wrap = lambda shard: shard) -> Summary:
    """Runs a job to its end.

    Args:
        job: what is asked for.
        settings: what it does not say.
        watch: who looks on.
        wrap: makes a Prefect task of the coroutine that takes one shard, or leaves it as it is.

    Returns:
        The counts; `exit_code` tells whether all is well.

    Raises:
        CannotRun: configuration, credentials, source or store; nothing else.
    """
    schema = find_schema(job.schema)
    plan = planning.plan(schema, job.records, job.pages_per_request or settings.pages_per_request)
    endpoints = choose(job.endpoints, job.base_url, job.model, settings)
    watch.started(endpoints, schema.name)
    concurrency = job.concurrency or settings.concurrency
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(job.store or settings.store))
        make_views(store, schema)
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octavo-")))
        http = await stack.enter_async_context(open_http(endpoints, local_app=local_app_for(endpoints)))
        memory = opening.Limits().memory_bytes
        workers = await stack.enter_async_context(Workers(settings.render_workers, memory))
        vision = VisionClient(
            endpoints,
            http,
            store.reply_book(),
            concurrency=concurrency,
            max_cost=_budget(job, settings),
            give_up_after=settings.give_up_after,
            timeout=settings.timeout,
            sampling=settings.sampling,
            notice=watch.notice,
        )
        summary = Summary(uuid4().hex, meter=vision.meter)
        ahead = concurrency + 2 * settings.render_workers
        limits = opening.Limits(
            max_bytes=settings.max_bytes, max_pages=settings.max_pages, seconds=settings.document_seconds
        )
        journey = Journey(plan, vision, workers, limits, asyncio.Semaphore(ahead), job.rerun == "failed")
        recipe = planning.recipe(
            plan, model=vision.model, render_version=RENDER_VERSION, sampling=vision.sampling_fingerprint
        )
        run = _Run(
            job, summary.run_id, recipe, schema.name, journey, store, vision, summary, watch, spool,
            asyncio.Semaphore(ahead),
        )  # fmt: skip
        stack.enter_context(_stopping_on_signals(run))
        await store.run(store.start_run, run.run_id, " ".join(job.sources), schema.name, recipe, endpoints[0].name)
        try:
            await _take_all(run, wrap)
        finally:
            summary.stop_clock()
            watch.finished(summary)
            await store.run(store.finish_run, run.run_id, summary.as_json())
    return summary


def _budget(job: Job, settings: Settings) -> float | None:
    if job.max_cost is not None:
        return job.max_cost
    return float(settings.max_cost) if settings.max_cost is not None else None


async def _take_all(run: _Run, wrap: Wrap) -> None:
    """Feeds shards to the pipeline while the listing goes on.

    Raises:
        CannotRun: after what was in flight has ended.
    """

    async def take_shard(name: str, shard: Shard) -> str:
        """Takes a shard's documents through the pipeline; the text is for Prefect's run page."""
        before = run.summary.trouble_count
        await asyncio.gather(*(_take(ref, run) for ref in shard))
        return f"{name}: {len(shard)} documents, {run.summary.trouble_count - before} troubles"

    taken = wrap(take_shard)
    ahead = asyncio.Semaphore(_SHARDS_AHEAD)
    try:
        async with asyncio.TaskGroup() as group:
            number = 0
            async for shard in _shards(_to_do(run)):
                number += 1
                if len(shard) == 1:
                    group.create_task(taken(shard[0].uri, shard))
                    continue
                await ahead.acquire()
                begun = group.create_task(taken(f"shard {number}", shard))
                begun.add_done_callback(lambda _: ahead.release())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    if isinstance(run.stopped, CannotRun):
        raise run.stopped
    run.summary.paused = str(run.stopped) if run.stopped else None


async def _to_do(run: _Run) -> AsyncIterator[ObjectRef]:
    """The objects that are not done under this recipe, in the sources' order; the others are counted."""
    left = run.job.limit
    for source in run.job.sources:
        async for batch in list_batches(source):
            for skipped in (found for found in batch if isinstance(found, Skipped)):
                run.summary.skip_other(skipped.uri, skipped.reason)
            refs = [found for found in batch if isinstance(found, ObjectRef)]
            await run.store.run(run.store.note_objects, refs)
            for ref in await _not_done(refs, run):
                if left is not None and left <= 0:
                    return
                left = left - 1 if left is not None else None
                run.summary.wait()
                yield ref
            run.watch.progressed(run.summary, None)
            if run.stopped:
                return


async def _not_done(refs: Sequence[ObjectRef], run: _Run) -> list[ObjectRef]:
    known = await run.store.run(run.store.known, [ref.uri for ref in refs], run.schema_name, run.recipe)
    waiting = []
    for ref in refs:
        entry = known.get(ref.uri)
        status = entry.status if entry is not None and entry.etag == ref.etag else None
        if _is_done(status, run.job.rerun):
            run.summary.skip_done(str(status))
        else:
            waiting.append(ref)
    return waiting


def _is_done(status: str | None, rerun: str) -> bool:
    """Whether an extraction of this status is left as it is."""
    done = {"changed": {"complete", "partial", "quarantined"}, "failed": {"complete"}, "all": set[str]()}
    return status in done[rerun]


async def _shards(refs: AsyncIterator[ObjectRef]) -> AsyncIterator[Shard]:
    """Single documents while they are few; once they are many, shards of `ONE_BY_ONE`."""
    held: list[ObjectRef] = []
    many = False
    async for ref in refs:
        held.append(ref)
        if len(held) > ONE_BY_ONE or (many and len(held) == ONE_BY_ONE):
            many = True
            yield tuple(held[:ONE_BY_ONE])
            held = held[ONE_BY_ONE:]
    if many and held:
        yield tuple(held)
    else:
        for ref in held:
            yield (ref,)


async def _take(ref: ObjectRef, run: _Run) -> None:
    """One document, from its object to the store. It ends in a state, or stays pending when the run stops."""
    async with run.places:
        if run.stopped:
            return
        try:
            spooled = await spool_async(ref, run.spool, run.journey.limits.max_bytes)
        except DocumentError as error:
            await run.store.run(
                run.store.fail_unread, ref, run.schema_name, run.recipe, error.kind, str(error), run.run_id
            )
            _ended(ref, failed_extraction(error), run)
            return
        except SourceUnavailable as error:
            # It was listed, so the source answers: this object stays pending and the next run takes it.
            run.watch.notice(str(error))
            return
        try:
            async with run.by_content[spooled.sha256]:
                await _extract(ref, spooled, run)
        except CannotRun as error:
            run.stopped = run.stopped or error
        finally:
            spooled.path.unlink(missing_ok=True)


async def _extract(ref: ObjectRef, spooled: Spooled, run: _Run) -> None:
    reason = _no_document(ref, spooled)
    if reason:
        run.summary.no_document(ref.uri, reason)
        run.watch.progressed(run.summary, None)
        return
    claim = await run.store.run(run.store.claim, ref, spooled, run.schema_name, run.recipe, run.run_id)
    if claim.status is not None and (_is_done(claim.status, run.job.rerun) or claim.run_id == run.run_id):
        run.summary.done_meanwhile(claim.status)
        run.watch.progressed(run.summary, None)
        return
    try:
        extraction = await extract_document(spooled, run.journey)
    except CannotRun:
        raise
    except Exception as error:  # a defect of ours must not take the other documents down: it is recorded
        logging.getLogger(__name__).exception("%s: defect while extracting", ref.uri)
        extraction = failed_extraction(error)
    await run.store.run(run.store.finish, claim, ref.uri, extraction, run.run_id)
    if extraction.status == "pending" and run.stopped is None:
        run.stopped = run.vision.stopped
    _ended(ref, extraction, run)


def _no_document(ref: ObjectRef, spooled: Spooled) -> str | None:
    """Why an object that nobody named is passed over: neither its name nor its content is a document's."""
    with spooled.path.open("rb") as file:
        head = file.read(2048)
    if ref.explicit or opening.sniff(head) or _named_like_a_document(ref.uri):
        return None
    return "neither a PDF nor an image, by content"


def _named_like_a_document(uri: str) -> bool:
    return uri.lower().endswith(
        (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".avif", ".heic", ".heif")
    )


def _ended(ref: ObjectRef, extraction: Extraction, run: _Run) -> None:
    run.watch.progressed(run.summary, run.summary.end(ref, extraction))


@contextmanager
def _stopping_on_signals(run: _Run) -> Iterator[None]:
    """Ctrl-C and SIGTERM: what is in flight ends, the rest stays pending. A second one stops at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if run.stopped is not None:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            return
        run.stopped = Interrupted("interrupted: what was in flight was finished, the rest is pending")
        run.vision.drain()
        run.watch.notice("stopping: what is in flight is finished first; once more to stop at once")

    handled = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in handled:
            loop.add_signal_handler(number, stop)
    except (ValueError, RuntimeError):  # not the main thread: whoever runs the thread handles signals
        yield
        return
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
