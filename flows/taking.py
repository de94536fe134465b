"""One listed object, taken through the pipeline into the store: skipped, claimed, extracted, finished."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from extractors import opening
from extractors.documents import Extraction, ObjectRef, Spooled
from extractors.errors import CannotRun, DocumentError, OctavoError, SourceUnavailable
from extractors.pipeline import Journey, extract_document, failed_extraction
from extractors.vision import VisionClient
from flows.objects import spool_async
from flows.store import Store
from flows.summary import Summary
from flows.watching import Watch


@dataclass
class Run:
    """What every document of a run shares. `rerun` is the job's; `stopped` says why no further one is taken."""

    run_id: str
    rerun: str
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


async def not_done(refs: Sequence[ObjectRef], run: Run) -> list[ObjectRef]:
    """Those of some listed objects that are not done under the run's recipe; the others are counted."""
    known = await run.store.run(run.store.known, [ref.uri for ref in refs], run.schema_name, run.recipe)
    waiting = []
    for ref in refs:
        entry = known.get(ref.uri)
        status = entry.status if entry is not None and entry.etag == ref.etag else None
        if is_done(status, run.rerun):
            run.summary.skip_done(str(status))
        else:
            waiting.append(ref)
    return waiting


def is_done(status: str | None, rerun: str) -> bool:
    """Whether an extraction of this status is left as it is."""
    done = {"changed": {"complete", "partial", "quarantined"}, "failed": {"complete"}, "all": set[str]()}
    return status in done[rerun]


async def take(ref: ObjectRef, run: Run) -> None:
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


async def _extract(ref: ObjectRef, spooled: Spooled, run: Run) -> None:
    reason = _no_document(ref, spooled)
    if reason:
        run.summary.no_document(ref.uri, reason)
        run.watch.progressed(run.summary, None)
        return
    claim = await run.store.run(run.store.claim, ref, spooled, run.schema_name, run.recipe, run.run_id)
    if claim.status is not None and (is_done(claim.status, run.rerun) or claim.run_id == run.run_id):
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


def _ended(ref: ObjectRef, extraction: Extraction, run: Run) -> None:
    run.watch.progressed(run.summary, run.summary.end(ref, extraction))
