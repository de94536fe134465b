"""`octavo extract --dry-run`: what a run would take and cost at most; nothing is sent, nothing is written."""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from extractors import opening, planning, rendering
from extractors.documents import Document, ObjectRef, PageImage, Usage, Window
from extractors.endpoints import PROFILES, Endpoint
from extractors.errors import DocumentError
from extractors.vision import VisionClient, estimate, open_http
from extractors.workers import Workers
from flows.addressing import exists
from flows.choosing import choose
from flows.finding import find_schema
from flows.gate import limits_of, passwords_of
from flows.objects import Skipped, list_batches, spool_async
from flows.reasons import Reason, reasons
from flows.running import Job
from flows.settings import Settings
from flows.store import Store

_AT_ONCE = 16
_WORDS = {
    "new": "new", "changed": "changed bytes", "recipe": "done with other settings", "pending": "begun, not finished",
    "failed": "failed before", "again": "done before",
}  # fmt: skip


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
        requests: when no page is blank and nothing fails.
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
    schema = find_schema(job.schema)
    plan = planning.plan(schema, job.records, job.pages_per_request or settings.pages_per_request)
    endpoints = choose(job.endpoints, job.base_url, job.model, settings)
    found, limits = Estimate(), limits_of(settings)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octavo-")))
        http = await stack.enter_async_context(open_http(endpoints))
        workers = await stack.enter_async_context(Workers(settings.render_workers, settings.document_memory))
        url = job.store or settings.store
        store = stack.enter_context(Store.open(url, read_only=True)) if exists(url) else None
        # It sends nothing before it is asked; what it refuses beforehand, the run would refuse.
        vision = VisionClient(
            endpoints, http, _NoReplies(), max_cost=job.max_cost, sampling=settings.sampling, stream=settings.stream
        )
        decides = {
            "model": vision.model, "render_version": rendering.RENDER_VERSION, "sampling": vision.sampling_fingerprint
        }  # fmt: skip
        asked: dict[str, Any] = {
            "schema_name": schema.name, "recipe": planning.recipe(plan, **decides),
            "parts": planning.recipe_parts(plan, **decides), "rerun": job.rerun,
        }  # fmt: skip
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
            _add(found, document, sizes, plan, most_pages=vision.most_pages, endpoints=compared)

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
                await asyncio.gather(*(measure(ref) for ref in taken[:left]))
    return found, endpoints


class _NoReplies:
    """The checkpoint of a client that is never asked."""

    async def get(self, fingerprint: str) -> None:
        """Nothing is stored."""

    async def put(self, reply: Any) -> None:
        """Nothing is kept."""


def _add(
    found: Estimate, document: Document, sizes: list[tuple[int, int]], plan: planning.Plan, *, most_pages: int,
    endpoints: dict[str, Endpoint],
) -> None:  # fmt: skip
    found.pages += document.page_count
    for group in planning.page_groups(document.page_count, min(plan.pages_per_request, most_pages)):
        pages = tuple(PageImage(page, b"", *sizes[page - 1], sha256="") for page in group)
        request = planning.request(plan, Window(pages), whole=len(group) == document.page_count)
        found.requests += 1
        for name, endpoint in endpoints.items():
            found.usage[name] = found.usage.get(name, Usage()) + estimate(request, endpoint)


def show_estimate(found: Estimate, endpoints: list[Endpoint], console: Console) -> None:
    """Tells a person what a run would take, and what it would cost at each endpoint."""
    reasons_told = ", ".join(f"{count} {_WORDS[kind]}" for kind, count in found.to_do.items())
    console.print(f"{found.to_do.total()} documents to do" + (f": {reasons_told}" if reasons_told else ""))
    for detail, count in found.details.items():
        if detail:
            console.print(f"  {count}: {detail}")
    if found.done or found.skipped:
        console.print(f"{found.done} done before, {found.skipped} not documents")
    for kind, count in found.quarantined.items():
        console.print(f"{count} cannot be opened: {kind}")
    if not found.usage:
        return
    tokens = next(iter(found.usage.values()))
    console.print(
        f"{found.pages} pages in {found.requests} requests: {tokens.input:,} tokens in, at most {tokens.output:,} out"
    )
    table = Table(title="Cost at most, if no page is blank and every answer is as long as it may be")
    table.add_column("endpoint")
    table.add_column("USD", justify="right")
    table.add_column("")
    asked = [endpoint.name for endpoint in endpoints]
    known = {endpoint.name: endpoint for endpoint in endpoints}
    for name in sorted(found.usage, key=lambda name: name not in asked):
        priced = known.get(name, PROFILES[name]).price_input is not None
        table.add_row(
            name, f"{found.usage[name].cost_usd:.4f}" if priced else "price unknown", "asked" if name in asked else ""
        )
    console.print(table)
    console.print("Nothing was sent or written.")


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
