"""`octavo extract --dry-run`: what a run would take and cost at most; nothing is sent, nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from extractors.asking import groups, planning
from extractors.documents import ObjectRef, StoredReply, Usage
from extractors.errors import DocumentError
from extractors.pages import foreseen, opening
from extractors.pages.workers import Workers
from extractors.vision import VisionClient, open_http
from extractors.vision.contexts import with_told_contexts
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vision.learning import Learned, Seen
from extractors.vision.sampling import sampling_of, tokens_beside
from extractors.vision.wire import cost
from extractors.vocabulary import UNREACHABLE
from flows.run import worst_case
from flows.run.asked import asked_for, fitting, key_of
from flows.run.endpoints import choose
from flows.run.parameters import Job
from flows.run.reasons import Reason, reasons
from flows.settings import Settings, limits_of, passwords_of
from flows.storage.s3 import Skipped, list_batches, spool_async
from flows.storage.spools import spool_folder
from flows.store.observed import seen_answers, seen_calls
from flows.store.store import Store
from flows.store.url import exists

_AT_ONCE, _PAGES_AT_ONCE = 16, 100

_ENOUGH, _USUAL_ANSWER = 5, 0.125
"""Earlier answers that make a usual figure; without them, the share of its limit that an answer is taken to fill."""


@dataclass
class Estimate:
    """What a run would take.

    Attributes:
        to_do: documents, by why they are to be done.
        details: what has changed since they were done, with how many documents it concerns.
        done: documents that are left as they are.
        skipped: objects that are no documents.
        unreachable: files and folders that may not be read.
        quarantined: documents that cannot be opened, by kind.
        pages: of the documents to do; blank ones among them are not sent.
        requests: when no page is blank and nothing fails; of files that are split, as if each page were a document.
        figures: by endpoint.
        groups: by schema: of those that are asked in groups of fields, leaves and groups.
        notices: what the run would say of its endpoints before it asks them anything.
    """

    to_do: Counter[str] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    done: int = 0
    skipped: int = 0
    unreachable: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    requests: int = 0
    figures: dict[str, "Figures"] = field(default_factory=dict)
    groups: dict[str, tuple[int, int]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


async def estimate_job(job: Job, settings: Settings) -> tuple[Estimate, list[Endpoint]]:
    """Lists, opens and measures what `run_job` would take.

    Returns:
        The estimate, and the endpoints that the run would ask.

    Raises:
        CannotRun: as `run_job`.
    """
    wanted = asked_for(job, settings)
    endpoints = choose(job.endpoints or (), job.base_url, job.model, settings)
    found, limits = Estimate(groups=_groups(wanted.plans)), limits_of(settings)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(spool_folder())
        http = await stack.enter_async_context(open_http(endpoints))
        workers = await stack.enter_async_context(Workers(settings.render_workers, settings.document_memory))
        url = job.store or settings.store
        store = stack.enter_context(Store.open(url, read_only=True)) if exists(url) else None
        # What a server lists is no question, and decides how many pages a request has.
        endpoints = await with_told_contexts(endpoints, http)
        # It sends nothing before it is asked; what it refuses beforehand, the run would refuse.
        vision = VisionClient(
            endpoints,
            http,
            _NoCalls(),
            limited=job.max_cost is not None,
            sampling=settings.sampling,
            stream=settings.stream,
            notice=found.notices.append,
        )
        recipe, fit = wanted.recipe(vision.whom), await fitting(wanted, vision)
        asked: dict[str, Any] = {"key": key_of(wanted.name, recipe), "parts": recipe.parts, "rerun": job.rerun}
        others = {name: each for name, each in PROFILES.items() if each.model and each.price_input is not None}
        compared = {**others, **{endpoint.name: endpoint for endpoint in endpoints}}
        seen, answers = _seen(store, list(compared.values()), wanted.name)
        sampling = sampling_of(settings.sampling)
        most, beside = sampling.get("max_completion_tokens"), tokens_beside(sampling)
        found.figures = {
            name: Figures(each, Learned(each, seen.get(name, ())), answers.get(name, []), most)
            for name, each in compared.items()
        }
        places = asyncio.Semaphore(_AT_ONCE)

        async def measure(ref: ObjectRef) -> None:
            async with places:
                try:
                    spooled = await spool_async(ref, folder, limits.max_bytes)
                    try:
                        document = await workers.run(
                            opening.open_document, spooled, limits, passwords_of(settings), seconds=limits.seconds
                        )
                        parts = planning.page_groups(document.page_count, _PAGES_AT_ONCE)
                        sizes = [
                            size
                            for part in parts
                            for size in await workers.run(
                                foreseen.page_sizes, document, part, limits, seconds=limits.seconds
                            )
                        ]
                    finally:
                        spooled.path.unlink(missing_ok=True)
                except DocumentError as error:
                    found.quarantined[error.kind] += 1
                    return
            found.pages += document.page_count
            for asking in worst_case.askings(fit, sizes, vision):
                found.requests += asking.usual
                for figures in found.figures.values():
                    figures.add(replace(asking, size=asking.size.plus(beside)))

        for source in job.sources:
            async for batch in list_batches(source):
                passed = [each for each in batch if isinstance(each, Skipped)]
                found.unreachable += sum(each.unreachable for each in passed)
                found.skipped += sum(not each.unreachable for each in passed)
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


def _groups(plans: Sequence[planning.Plan]) -> dict[str, tuple[int, int]]:
    leaves = {plan.schema.name: len(groups.leaf_paths(plan.wire_schema)) for plan in plans}
    return {
        plan.schema.name: (leaves[plan.schema.name], len(groups.cut(plan.wire_schema)))
        for plan in plans
        if leaves[plan.schema.name] > groups.AT_ONCE
    }


def _seen(
    store: Store | None, endpoints: Sequence[Endpoint], schema_name: str
) -> tuple[dict[str, list[Seen]], dict[str, list[Seen]]]:
    """Earlier calls, and earlier answers to questions of the schema, by endpoint."""
    if store is None:
        return {}, {}
    with store.reading() as connection:
        answers = {each.name: seen_answers(connection, each, schema_name) for each in endpoints}
        return seen_calls(connection, endpoints), answers


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

    async def sent_today(self, endpoint: str) -> int:  # noqa: ARG002 - the protocol's
        """Nothing was."""
        return 0

    async def strikes(self, fingerprint: str) -> tuple[int, int]:  # noqa: ARG002 - the protocol's
        """Nothing was asked."""
        return 0, 0


@dataclass
class Figures:
    """What a run would take at one endpoint: as it usually goes, and at most when every call is answered.

    Attributes:
        endpoint: which; costs are None where its price is not known.
        learned: from earlier calls.
        seen: earlier answers to questions of the schema, of which usual figures are made; few: none.
        most: the sampling's limit of an answer, or None.
    """

    endpoint: Endpoint
    learned: Learned
    seen: list[Seen]
    most: int | None
    input: int = 0
    output: int = 0
    calls_at_most: int = 0
    input_at_most: int = 0
    output_at_most: int = 0

    def add(self, asking: worst_case.Asking) -> None:
        """Counts a question in."""
        sent = asking.size.input_for(self.endpoint)
        limits = worst_case.limits_of(asking.size.answer, self.most)
        calls, most_sent, most_answered = worst_case.worst(asking, sent, limits)
        self.calls_at_most += calls
        self.input_at_most += most_sent
        self.output_at_most += most_answered
        usual, answered = float(asking.size.usual), limits[0] * _USUAL_ANSWER
        if self.is_measured:
            usual = sent * self._told.input / self._estimated.input
            answered = limits[0] * self._told.output / self._estimated.output
        self.input += asking.usual * round(usual)
        self.output += asking.usual * round(answered)

    @property
    def is_measured(self) -> bool:
        """Whether usual figures are the mean of earlier answers; else they are assumed."""
        return len(self.seen) >= _ENOUGH

    @property
    def cost(self) -> float | None:
        """USD as it usually goes."""
        listed = cost(self.endpoint, self.input, self.output)
        before = cost(self.endpoint, self._told.input, self._told.output, self._told.cached)
        paid = self._told.cost_usd
        return (listed * (paid / before if self.is_measured and before else 1.0)) if self._priced else None

    @property
    def cost_at_most(self) -> float | None:
        """USD at most."""
        return self.learned.cost(self.input_at_most, self.output_at_most) if self._priced else None

    @property
    def _priced(self) -> bool:
        return None not in {self.endpoint.price_input, self.endpoint.price_output}

    @cached_property
    def _told(self) -> Usage:
        return sum((each.told for each in self.seen), Usage())

    @cached_property
    def _estimated(self) -> Usage:
        return sum((each.estimated for each in self.seen), Usage())


def as_json(found: Estimate) -> dict[str, Any]:
    """The estimate for programs; a cost that is not known is None."""
    return {
        "documents": {
            "to_do": dict(found.to_do), "done": found.done, "skipped": found.skipped,
            "quarantined": dict(found.quarantined),
            **({UNREACHABLE: found.unreachable} if found.unreachable else {}),
        },
        "pages": found.pages,
        "requests": found.requests,
        **({"groups": {name: made for name, (_, made) in found.groups.items()}} if found.groups else {}),
        "endpoints": {
            name: {
                "input_tokens": each.input,
                "output_tokens": each.output,
                "cost_usd": each.cost,
                "measured": each.is_measured,
                "calls_at_most": each.calls_at_most,
                "input_tokens_at_most": each.input_at_most,
                "output_tokens_at_most": each.output_at_most,
                "cost_usd_at_most": each.cost_at_most,
            }
            for name, each in found.figures.items()
        },
    }  # fmt: skip
