"""One listed object, taken through the pipeline into the store: skipped, claimed, extracted, finished."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from extractors.bundles import extract_bundle
from extractors.concluding import failed_extraction
from extractors.documents import Extraction, ObjectRef, Spooled
from extractors.errors import (
    CannotRun,
    DocumentError,
    HeldBack,
    Kind,
    OctavoError,
    SourceDown,
    SourceUnavailable,
    StoreUnavailable,
)
from extractors.journey import Journey
from extractors.pages import opening
from extractors.pages.rendering import RENDER_VERSION
from extractors.pipeline import extract_document
from extractors.vision import VisionClient
from extractors.vocabulary import DocumentStatus, Stored
from flows.background import alongside, every
from flows.observe import telemetry
from flows.observe.summary import Summary
from flows.observe.watch import Watch
from flows.run.ocr import ReadWords
from flows.run.rerun import Rerun, is_done
from flows.run.source import Source
from flows.store.claims import Claim
from flows.store.keys import Key
from flows.store.leases import RENEWED_EVERY
from flows.store.objects import Known
from flows.store.store import Store

_LOOK_AGAIN = 1.0
"""Seconds between two looks at a document that another process works on."""


@dataclass
class Run:
    """What every document of a run shares.

    `read_words` reads scans, where values are looked for in them; `rerun` is the job's; `stopped` says why no further
    one is taken; `held_back` are those that were refused while it was not known whose fault that is.
    """

    run_id: str
    rerun: Rerun
    key: Key
    journey: Journey
    store: Store
    vision: VisionClient
    summary: Summary
    watch: Watch
    source: Source
    spool: Path
    places: asyncio.Semaphore
    by_content: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    stopped: OctavoError | None = None
    held_back: list[ObjectRef] = field(default_factory=list)
    read_words: ReadWords | None = None


async def not_done(refs: Sequence[ObjectRef], run: Run) -> list[ObjectRef]:
    """Those of some listed objects that are not done under the run's recipe; the others are counted.

    One query for every few hundred; only what is new or changed is written.
    """
    known = await run.store.run(run.store.known, [ref.uri for ref in refs], run.key)
    etags = {uri: entry.etag for uri, entry in known.items()}
    await run.store.run(run.store.note_objects, [ref for ref in refs if etags.get(ref.uri) != ref.etag])
    back = [ref.uri for ref in refs if etags.get(ref.uri) == ref.etag and known[ref.uri].gone]
    if back:
        await run.store.run(run.store.note_back, back)
    waiting = []
    for ref in refs:
        entry = _outcome(ref, known.get(ref.uri))
        if entry is not None and is_done(entry, run.rerun, run.key.versions):
            run.summary.skip_done(str(entry.status))
        else:
            waiting.append(ref)
    return waiting


def _outcome(ref: ObjectRef, entry: Known | None) -> Known | None:
    """What was reached for these very bytes."""
    return entry if entry is not None and entry.etag == ref.etag else None


async def take(ref: ObjectRef, run: Run) -> None:
    """One document, from its object to the store. It ends in a state, or stays pending when the run stops.

    While another process works on it, it is waited for: what that one leaves unfinished is taken over.
    """
    while not await _settled(ref, run):  # noqa: ASYNC110 - what is awaited happens in another process
        await asyncio.sleep(_LOOK_AGAIN)


async def take_held_back(run: Run) -> None:
    """When all others have ended: those that were refused are taken again, and now it is known whose fault it is.

    The endpoint's that has answered nothing, then it is asked no more; theirs, then they need not be asked again.
    """
    if not run.held_back or run.stopped is not None:
        return
    try:
        run.vision.conclude()
    except CannotRun as error:
        run.stopped = error
        return
    again, run.held_back = run.held_back, []
    await asyncio.gather(*(take(ref, run) for ref in again))


async def _settled(ref: ObjectRef, run: Run) -> bool:
    """Takes the document, unless another process has it: then False."""
    async with run.places:
        if run.stopped:
            return True
        known = await run.store.run(run.store.known, [ref.uri], run.key)
        entry = known.get(ref.uri)
        if entry is not None and await run.store.run(run.store.is_held, entry.held_by):
            return False
        reached = _outcome(ref, entry)
        if reached is not None and is_done(reached, run.rerun, run.key.versions):
            # Another process did it since it was listed: its bytes are not fetched.
            _done_meanwhile(str(reached.status), run)
            return True
        return await _fetched(ref, run)


async def _fetched(ref: ObjectRef, run: Run) -> bool:
    """Fetches the document's bytes and extracts them, unless another process has it: then False."""
    try:
        spooled = await run.source.spool(ref, run.spool, run.journey.limits.max_bytes)
    except DocumentError as error:
        await run.store.run(
            run.store.fail_unread, ref, key=run.key, kind=error.kind, cause=str(error), run_id=run.run_id
        )
        _ended(ref, failed_extraction(error), run)
        return True
    except SourceDown as error:
        run.stopped = run.stopped or error
        return True
    except SourceUnavailable as error:
        # It was listed, so the source answers: this object stays pending and the next run takes it.
        run.watch.notice(str(error))
        return True
    try:
        async with run.by_content.setdefault(spooled.sha256, asyncio.Lock()):
            return await _extract(ref, spooled, run)
    except CannotRun as error:
        run.stopped = run.stopped or error
        return True
    finally:
        spooled.path.unlink(missing_ok=True)


async def _extract(ref: ObjectRef, spooled: Spooled, run: Run) -> bool:
    """Claims, extracts, finishes. False when another process has the claim, or took it over."""
    reason = _no_document(ref, spooled)
    if reason:
        run.summary.no_document(ref.uri, reason)
        run.watch.progressed(run.summary, None)
        return True
    claim = await run.store.run(
        run.store.claim, ref, spooled, key=run.key, run_id=run.run_id,
        taken=lambda row: not is_done(row, run.rerun, run.key.versions),
    )  # fmt: skip
    if claim.elsewhere:
        return False
    if not claim.mine:
        _done_meanwhile(str(claim.status), run)
        return True
    if _goes_on(claim, run):
        claim = _as_begun(claim)
    extraction = await _extracted(ref, spooled, claim, run)
    if claim.reread and any(page.kind == Kind.NOT_STORED for page in extraction.pages):
        # What it was read from is purged: its outcome stands, and is not asked for again for that.
        await run.store.run(run.store.keep, claim, run.key)
        _done_meanwhile(str(claim.status), run)
        return True
    if not await run.store.run(run.store.finish, claim, extraction, run_id=run.run_id):
        return False
    _ended(ref, extraction, run)
    return True


def _goes_on(claim: Claim, run: Run) -> bool:
    """Whether what an earlier version drew, and paid for, is gone on with: as it drew pages then, whole."""
    anew = run.journey.stored == Stored.NONE or run.rerun in {Rerun.OUTDATED, Rerun.ALL}
    return claim.versions is not None and claim.versions.get("render") != RENDER_VERSION and not anew


def _as_begun(claim: Claim) -> Claim:
    """The claim under the version that its pages were drawn by."""
    if claim.key is None or claim.versions is None:
        return claim
    drawn = {"render": str(claim.versions.get("render"))}
    return replace(claim, key=replace(claim.key, versions={**claim.key.versions, **drawn}))


async def _extracted(ref: ObjectRef, spooled: Spooled, claim: Claim, run: Run) -> Extraction:
    """What a claimed document's bytes hold, as the run asks for it; a defect of ours is an outcome too.

    Raises:
        CannotRun: the run itself cannot go on.
    """
    try:
        again = run.rerun != Rerun.CHANGED
        failed = await run.store.run(run.store.failed_pages, claim) if again else frozenset[int]()
        only_read = claim.reread and run.journey.stored != Stored.NONE
        journey = replace(
            run.journey, failed_before=failed, work=claim.extraction_id,
            stored=Stored.ONLY if only_read else run.journey.stored,
            read_words=None if run.read_words is None else partial(run.read_words, ref.uri),
            whole_pages=_goes_on(claim, run),
        )  # fmt: skip
        with telemetry.span("document", uri=ref.uri, run=run.run_id):
            extract = extract_bundle if run.journey.split else extract_document
            return await extract(spooled, journey)
    except CannotRun:
        raise
    except Exception as error:  # a defect of ours must not take the other documents down: it is recorded
        logging.getLogger(__name__).exception("%s: defect while extracting", ref.uri)
        return failed_extraction(error)


@asynccontextmanager
async def holding_claims(run: Run) -> AsyncIterator[None]:
    """Keeps what the run claims for as long as it lasts, and lets go of the rest at its end."""

    async def renew() -> None:
        try:
            await run.store.run(run.store.renew, run.run_id)
        except CannotRun as error:
            run.stopped = run.stopped or error

    await renew()
    try:
        async with alongside(every(RENEWED_EVERY, renew)):
            yield
    finally:
        with suppress(StoreUnavailable):  # then the lease ends by itself
            await run.store.run(run.store.release)


def _done_meanwhile(status: str, run: Run) -> None:
    run.summary.done_meanwhile(status)
    run.watch.progressed(run.summary, None)


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
    """Counts how a document ended, unless it is held back: then it is taken again (`take_held_back`)."""
    if extraction.status == DocumentStatus.PENDING and run.stopped is None:
        run.stopped = run.vision.stopped
        if run.stopped is None and extraction.kind == HeldBack.kind:
            run.held_back.append(ref)
            return
    run.watch.progressed(run.summary, run.summary.end(ref, extraction))
