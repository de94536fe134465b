"""One document's way, in order: open, draw, ask, judge, ground, merge. Nothing else knows the whole journey.

    opening -> rendering -> planning -> vision -> validation (-> repair, once) -> grounding -> merging

Grounding is done a window at a time, before merging, so that only values and boxes travel on: a
document's words are never held all at once, and memory does not grow with its pages.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from extractors import grounding, merging, opening, planning, rendering, validation
from extractors.documents import (
    Document,
    Evidence,
    Extraction,
    Fault,
    Issue,
    PageFailure,
    PageImage,
    PageState,
    RecordDraft,
    Reply,
    Spooled,
    VisionRequest,
    Window,
)
from extractors.errors import (
    AnswerError,
    DocumentError,
    EmptyAnswer,
    InvalidAnswer,
    OctavoError,
    Paused,
    RequestTooBig,
    TruncatedAnswer,
)
from extractors.limits import Limits
from extractors.metering import Meter
from extractors.workers import Workers
from schemas.record import InvalidRecord

_TOLD = 20
"""Pages, or attachments, that one message names."""


class Asks(Protocol):
    """What the pipeline needs of the vision client."""

    async def ask(self, request: VisionRequest, meter: Meter, *, fresh: bool = False, again: bool = False) -> Reply:
        """Sends one question, or finds its stored reply."""

    def judge(self, reply: Reply, *, valid: bool) -> None:
        """Hears whether an answer held."""

    @property
    def most_pages(self) -> int:
        """Images that every endpoint takes in one request."""

    @property
    def most_bytes(self) -> int:
        """Bytes of images that every endpoint takes in one request."""


@dataclass(frozen=True)
class Journey:
    """What every document of a run shares.

    Attributes:
        plan: how to ask.
        vision: the client.
        workers: processes that open and draw.
        limits: what a document may be.
        drawn: bounds the windows that are drawn and not yet answered, over all documents.
        ask_again: a stored reply that fails is asked again (`--rerun failed`).
        passwords: tried on locked PDFs; never shown.
    """

    plan: planning.Plan
    vision: Asks
    workers: Workers
    limits: Limits
    drawn: asyncio.Semaphore
    ask_again: bool = False
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class _Reading:
    """What one group of pages gave."""

    states: tuple[PageState, ...]
    parts: tuple[merging.Part, ...] = ()
    hidden: tuple[Issue, ...] = ()
    paused: Paused | None = None


async def extract_document(spooled: Spooled, journey: Journey) -> Extraction:
    """Takes one document from bytes to records.

    Never raises for the document's own sake: what is wrong with it is in the extraction's status,
    kind and cause.

    Raises:
        CannotRun: the run itself cannot go on (credentials, configuration).
    """
    started, meter = datetime.now(UTC), Meter()
    try:
        document = await journey.workers.run(
            opening.open_document, spooled, journey.limits, journey.passwords, seconds=journey.limits.seconds
        )
    except DocumentError as error:
        return _ended(meter, started, status="quarantined", kind=error.kind, cause=str(error))
    groups = list(planning.page_groups(document.page_count, _group_size(journey)))
    readings = await _all([_read(document, group, journey, meter) for group in groups])
    return _concluded(document, readings, journey.plan, meter, started)


def _group_size(journey: Journey) -> int:
    return min(journey.plan.pages_per_request, journey.vision.most_pages)


async def _all(reads: Sequence[Any]) -> list[_Reading]:
    """Every window side by side. One that cannot go on stops the document, after its neighbours ended."""
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    readings: list[_Reading] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        readings.append(outcome)
    return readings


async def _read(document: Document, pages: tuple[int, ...], journey: Journey, meter: Meter) -> _Reading:
    """Draws some pages and asks for what is on them."""
    async with journey.drawn:
        try:
            drawn = await journey.workers.run(
                rendering.render_pages, document, pages, journey.limits, seconds=journey.limits.seconds
            )
        except DocumentError as error:
            return _Reading(tuple(PageState(page, "failed", error.kind, str(error)) for page in pages))
        images = [page for page in drawn if isinstance(page, PageImage)]
        states = [PageState(p.page, "failed", p.kind, p.cause) for p in drawn if isinstance(p, PageFailure)]
        states += [PageState(page.page, "blank") for page in images if page.blank]
        windows = planning.windows(images, most_pages=journey.vision.most_pages, most_bytes=journey.vision.most_bytes)
        whole = len(windows) == 1 and len(windows[0].pages) == document.page_count - sum(
            state.status == "blank" for state in states
        )
        parts: list[merging.Part] = []
        try:
            for window in windows:
                answered, failed = await _answered(window, journey, meter, whole=whole)
                parts += answered
                states += failed
        except Paused as error:
            return _Reading(tuple(states), tuple(parts), _hidden(images), error)
    states += [PageState(page, "read") for part in parts for page in part.pages]
    return _Reading(tuple(sorted(states, key=lambda state: state.page)), tuple(parts), _hidden(images))


def _hidden(images: Sequence[PageImage]) -> tuple[Issue, ...]:
    return tuple(
        Issue("hidden_text", f"page {image.page}", f"text that a reader cannot see: {image.hidden_text[:200]!r}")
        for image in images
        if image.hidden_text
    )


async def _answered(
    window: Window, journey: Journey, meter: Meter, *, whole: bool
) -> tuple[list[merging.Part], list[PageState]]:
    """One window's value with its evidence; cut in two when the endpoint finds it too much."""
    try:
        value = await _value(planning.request(journey.plan, window, whole=whole), journey, meter, whole=whole)
    except (TruncatedAnswer, RequestTooBig) as error:
        if len(window.pages) == 1:
            return [], _failed(window, error)
        parts, states = [], []
        for half in planning.halves(window):
            answered, failed = await _answered(half, journey, meter, whole=False)
            parts += answered
            states += failed
        return parts, states
    except AnswerError as error:
        return [], _failed(window, error)
    evidence = grounding.ground(value, {page.page: page.words for page in window.pages})
    return [merging.Part(window.numbers, value, evidence)], []


def _failed(window: Window, error: AnswerError) -> list[PageState]:
    return [PageState(page, "failed", error.kind, str(error)) for page in window.numbers]


async def _value(request: VisionRequest, journey: Journey, meter: Meter, *, whole: bool) -> dict[str, Any]:
    """Asks, judges, and asks once more with the faults.

    Raises:
        AnswerError: no valid answer after the repair round.
        Paused: the run stops early.
    """
    text, judged = await _asked(request, journey, meter, whole=whole)
    if judged.faults:
        repair = planning.repair(request, text, judged.faults)
        _, judged = await _asked(repair, journey, meter, whole=whole)
    if judged.value is None:
        raise _refusal(judged.faults)
    return judged.value


async def _asked(
    request: VisionRequest, journey: Journey, meter: Meter, *, whole: bool
) -> tuple[str, validation.Judged]:
    many, schema = journey.plan.records == "many", journey.plan.schema
    reply = await journey.vision.ask(request, meter, again=journey.ask_again)
    judged = validation.judge(reply.text, schema, many=many, whole=whole)
    if judged.faults and reply.reused and journey.ask_again:
        reply = await journey.vision.ask(request, meter, fresh=True)
        judged = validation.judge(reply.text, schema, many=many, whole=whole)
    if not reply.reused:
        journey.vision.judge(reply, valid=not judged.faults)
    return reply.text, judged


def _refusal(faults: Sequence[Fault]) -> AnswerError:
    told = "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults[:3])
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""  # noqa: PLR2004 - as many as are told
    if all(fault.kind == EmptyAnswer.kind for fault in faults):
        return EmptyAnswer("the model read nothing on pages that are not blank, twice")
    return InvalidAnswer(f"the answer stays invalid after one repair round: {told}{more}")


def _concluded(
    document: Document, readings: Sequence[_Reading], plan: planning.Plan, meter: Meter, started: datetime
) -> Extraction:
    """The document's state, from its pages' states and what was read."""
    states = tuple(state for reading in readings for state in reading.states)
    known = {"media_type": document.media_type, "page_count": document.page_count, "pages": states}
    paused = next((reading.paused for reading in readings if reading.paused), None)
    if paused is not None:
        return _ended(meter, started, status="pending", kind=paused.kind, cause=str(paused), **known)
    failed = [state for state in states if state.status == "failed"]
    parts = [part for reading in readings for part in reading.parts]
    if failed and not parts:
        return _ended(meter, started, status="quarantined", kind=failed[0].kind, cause=_cause(failed), **known)
    issues = [issue for reading in readings for issue in reading.hidden]
    issues += _about_the_file(document)
    if failed:
        missing = ", ".join(str(state.page) for state in failed)
        issues.append(Issue("missing_pages", "", f"not read: page {missing}"))
    try:
        records = _records(parts, plan, issues)
    except InvalidRecord as error:
        cause = f"the windows' answers make no valid record together: {error}"
        return _ended(meter, started, status="quarantined", kind=InvalidAnswer.kind, cause=cause, **known)
    if failed:
        return _ended(
            meter, started, status="partial", kind=failed[0].kind, cause=_cause(failed), records=records, **known
        )
    return _ended(meter, started, status="complete", records=records, **known)


def _about_the_file(document: Document) -> list[Issue]:
    issues = []
    if document.repaired:
        issues.append(
            Issue("repaired", "", "the file's structure was broken and rebuilt; check that no page is missing")
        )
    if document.attachments:
        named = ", ".join(document.attachments[:_TOLD]) + (" ..." if len(document.attachments) > _TOLD else "")
        issues.append(
            Issue("attachments", "", f"not read: {len(document.attachments)} files inside the PDF: {named}")
        )
    return issues


def _cause(failed: Sequence[PageState]) -> str:
    pages = ", ".join(str(state.page) for state in failed[:_TOLD]) + (" ..." if len(failed) > _TOLD else "")
    return f"page {pages}: {failed[0].cause}"


def _records(parts: Sequence[merging.Part], plan: planning.Plan, issues: Sequence[Issue]) -> tuple[RecordDraft, ...]:
    """The records, parsed in full.

    Raises:
        InvalidRecord: the merged value lacks what the schema demands.
    """
    if not parts:
        return ()
    if plan.records == "per-page":
        return tuple(
            _record(merging.merge([part], plan.schema.json_schema), part.pages, plan, issues) for part in parts
        )
    pages = tuple(page for part in parts for page in part.pages)
    if plan.records == "one":
        return (_record(merging.merge(parts, plan.schema.json_schema), pages, plan, issues),)
    merged = merging.merge(parts, {})
    return tuple(
        _record(_nth(merged, number), _stands_on(_nth(merged, number).evidence) or pages, plan, issues)
        for number in range(len(merged.value["records"]))
    )


def _nth(merged: merging.Merged, number: int) -> merging.Merged:
    """One record of `{"records": [...]}`, its paths starting at itself."""
    prefix = f"records.{number}."
    evidence = [
        Evidence(item.path.removeprefix(prefix), item.page, item.box, item.text)
        for item in merged.evidence
        if item.path.startswith(prefix)
    ]
    return merging.Merged(merged.value["records"][number], evidence, [])


def _stands_on(evidence: Sequence[Evidence]) -> tuple[int, ...]:
    return tuple(sorted({item.page for item in evidence if item.page is not None}))


def _record(
    merged: merging.Merged, pages: tuple[int, ...], plan: planning.Plan, issues: Sequence[Issue]
) -> RecordDraft:
    data = plan.schema.parse(merged.value)
    broken = [Issue("check_failed", name, message) for name, message in plan.schema.check(data)]
    return RecordDraft(
        data=data,
        issues=(*merged.issues, *broken, *issues),
        evidence=tuple(merged.evidence),
        grounded=grounding.share_grounded(merged.evidence),
        pages=pages,
    )


def _ended(meter: Meter, started: datetime, *, status: str, **known: Any) -> Extraction:
    return Extraction(
        status=status,
        usage=meter.usage,
        model_calls=meter.calls,
        replies_reused=meter.reused,
        reply_fingerprints=tuple(dict.fromkeys(meter.fingerprints)),
        started_at=started,
        finished_at=datetime.now(UTC),
        **known,
    )


def failed_extraction(error: Exception) -> Extraction:
    """The extraction of a document that an error ended before its pages had states.

    An error from outside the tree is a defect of Octavo's: its kind is `defect`.
    """
    now = datetime.now(UTC)
    status = "pending" if isinstance(error, Paused) else "quarantined"
    kind = error.kind if isinstance(error, OctavoError) else "defect"
    cause = str(error) if isinstance(error, OctavoError) else f"{type(error).__name__}: {error}"
    return Extraction(status=status, kind=kind, cause=cause, started_at=now, finished_at=now)
