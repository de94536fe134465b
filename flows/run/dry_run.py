"""`octavo extract --dry-run`: what a run would take and cost at most; nothing is sent, nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from extractors import bundles
from extractors.asking import planning, splitting
from extractors.documents import Document, ObjectRef, PageImage, StoredReply, Usage, VisionRequest, Window
from extractors.errors import DocumentError
from extractors.pages import opening, rendering
from extractors.pages.workers import Workers
from extractors.vision import VisionClient, estimate, open_http
from extractors.vision.endpoints import PROFILES, Endpoint
from flows.run.asked import Asked, asked_for, key_of
from flows.run.endpoints import choose
from flows.run.parameters import Job
from flows.run.reasons import Reason, reasons
from flows.settings import Settings, limits_of, passwords_of
from flows.storage.s3 import Skipped, list_batches, spool_async
from flows.storage.spools import spool_folder
from flows.store.store import Store
from flows.store.url import exists

_AT_ONCE = 16


@dataclass
class Estimate:
    """What a run would take.

    Attributes:
        to_do: documents, by why they are to be done.
        details: what has changed since they were done, with how many documents it concerns.
        done: documents that are left as they are.
        skipped: objects that are no documents.
        quarantined: documents that cannot be opened, by kind.
        pages: of the documents to do; blank ones among them are not sent.
        requests: when no page is blank and nothing fails; of files that are split, as if each page were a document.
        usage: by endpoint, at most: tokens and cost, or None where its price is not known.
    """

    to_do: Counter[str] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    done: int = 0
    skipped: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    requests: int = 0
    usage: dict[str, Usage] = field(default_factory=dict)


async def estimate_job(job: Job, settings: Settings) -> tuple[Estimate, list[Endpoint]]:
    """Lists, opens and measures what `run_job` would take.

    Returns:
        The estimate, and the endpoints that the run would ask.

    Raises:
        CannotRun: as `run_job`.
    """
    wanted = asked_for(job, settings)
    endpoints = choose(job.endpoints or (), job.base_url, job.model, settings)
    found, limits = Estimate(), limits_of(settings)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(spool_folder())
        http = await stack.enter_async_context(open_http(endpoints))
        workers = await stack.enter_async_context(Workers(settings.render_workers, settings.document_memory))
        url = job.store or settings.store
        store = stack.enter_context(Store.open(url, read_only=True)) if exists(url) else None
        # It sends nothing before it is asked; what it refuses beforehand, the run would refuse.
        vision = VisionClient(
            endpoints,
            http,
            _NoCalls(),
            limited=job.max_cost is not None,
            sampling=settings.sampling,
            stream=settings.stream,
        )
        recipe = wanted.recipe(vision.whom)
        asked: dict[str, Any] = {"key": key_of(wanted.name, recipe), "parts": recipe.parts, "rerun": job.rerun}
        others = {name: each for name, each in PROFILES.items() if each.model and each.price_input is not None}
        compared = {**others, **{endpoint.name: endpoint for endpoint in endpoints}}
        places = asyncio.Semaphore(_AT_ONCE)

        async def measure(ref: ObjectRef) -> None:
            async with places:
                try:
                    spooled = await spool_async(ref, folder, limits.max_bytes)
                    try:
                        document = await workers.run(
                            opening.open_document, spooled, limits, passwords_of(settings), seconds=limits.seconds
                        )
                        sizes = await workers.run(rendering.page_sizes, document, seconds=limits.seconds)
                    finally:
                        spooled.path.unlink(missing_ok=True)
                except DocumentError as error:
                    found.quarantined[error.kind] += 1
                    return
            ask = _split_requests if wanted.split else _requests
            _add(found, document, list(ask(wanted, sizes, vision.most_pages)), compared)

        for source in job.sources:
            async for batch in list_batches(source):
                found.skipped += sum(isinstance(each, Skipped) for each in batch)
                refs = [each for each in batch if isinstance(each, ObjectRef)]
                why = reasons(store, refs, **asked) if store else dict.fromkeys((r.uri for r in refs), Reason("new"))
                taken = [ref for ref in refs if why[ref.uri] is not None]
                left = None if job.limit is None else max(0, job.limit - found.to_do.total())
                for ref in taken[:left]:
                    reason = why[ref.uri] or Reason("new")
                    found.to_do[reason.kind] += 1
                    found.details[reason.detail] += bool(reason.detail)
                found.done += len(refs) - len(taken)
                # What is only read again is asked nothing.
                asks = [ref for ref in taken[:left] if (why[ref.uri] or Reason("")).kind != "reread"]
                await asyncio.gather(*(measure(ref) for ref in asks))
    return found, endpoints


class _NoCalls:
    """The ledger of a client that is never asked."""

    async def get(self, _fingerprints: Sequence[str]) -> Sequence[StoredReply]:
        """Nothing is stored."""
        return ()

    async def reserve(self, call: Any) -> str:
        """Nothing is sent."""
        raise NotImplementedError

    async def settle(self, call: str, ended: Any, reply: Any) -> None:
        """Nothing is kept."""

    async def strikes(self, fingerprint: str) -> tuple[int, int]:  # noqa: ARG002 - the protocol's
        """Nothing was asked."""
        return 0, 0


def _add(
    found: Estimate, document: Document, requests: list[list[VisionRequest]], endpoints: dict[str, Endpoint]
) -> None:
    """Counts a document in; of each request the dearest of its forms."""
    found.pages += document.page_count
    found.requests += len(requests)
    for forms in requests:
        for name, endpoint in endpoints.items():
            dearest = max(
                (estimate(form, endpoint) for form in forms), key=lambda usage: (usage.cost_usd, usage.output)
            )
            found.usage[name] = found.usage.get(name, Usage()) + dearest


def _requests(wanted: Asked, sizes: Sequence[tuple[int, int]], most_pages: int) -> Iterator[list[VisionRequest]]:
    """The requests of one document."""
    (plan,) = wanted.plans
    for group in planning.page_groups(len(sizes), min(plan.pages_per_request, most_pages)):
        yield [planning.request(plan, _window(group, sizes), whole=len(group) == len(sizes))]


def _split_requests(
    wanted: Asked, sizes: Sequence[tuple[int, int]], most_pages: int
) -> Iterator[list[VisionRequest]]:
    """Those of a file that is split: the looks, then at most one for each page, under any of the schemas."""
    wire = splitting.wire_schema([plan.schema for plan in wanted.plans])
    small = [rendering.small_size(size) for size in sizes]
    for look in bundles.look_groups(len(sizes), most_pages):
        yield [splitting.request(wire, _window((*look.before, *look.pages), small))]
    for page in range(1, len(sizes) + 1):
        yield [planning.request(plan, _window((page,), sizes), whole=True) for plan in wanted.plans]


def _window(pages: Sequence[int], sizes: Sequence[tuple[int, int]]) -> Window:
    return Window(tuple(PageImage(page, b"", *sizes[page - 1], sha256="") for page in pages))


def as_json(found: Estimate) -> dict[str, Any]:
    """The estimate for programs."""
    return {
        "documents": {
            "to_do": dict(found.to_do), "done": found.done, "skipped": found.skipped,
            "quarantined": dict(found.quarantined),
        },
        "pages": found.pages,
        "requests": found.requests,
        "endpoints": {
            name: {
                "input_tokens": usage.input,
                "output_tokens_at_most": usage.output,
                "cost_usd_at_most": usage.cost_usd,
            }
            for name, usage in found.usage.items()
        },
    }  # fmt: skip
