"""One document's way, in order: open, draw, ask, judge, ground, merge. Nothing else knows the whole journey.

    opening -> rendering -> planning -> vision -> validation (-> repair, once) -> grounding
    -> completeness (-> a page whose table rows are missing, once, alone: rereading) -> merging -> concluding

Grounding is done a window at a time, before merging, so that only values and boxes travel on: a
document's words are never held all at once, and memory does not grow with its pages.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Protocol, TypeVar

from extractors.answers import completeness, contents, grounding, merging, rereading, validation
from extractors.asking import planning
from extractors.concluding import Reading, concluded, ended
from extractors.documents import (
    Document,
    Extraction,
    Fault,
    Issue,
    PageFailure,
    PageImage,
    PageState,
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
    Paused,
    RequestTooBig,
    TruncatedAnswer,
)
from extractors.pages import opening, rendering
from extractors.pages.limits import Limits
from extractors.pages.workers import Workers
from extractors.vision.metering import Meter
from extractors.vocabulary import DocumentStatus, IssueKind, PageStatus, Records
from schemas.habits import PageHabits, habits_of, is_open

_LONG = 16_384
"""Characters of an answer from which it is worked on in a thread: below, that would take longer than the work."""

T = TypeVar("T")
Judge = Callable[[str], validation.Judged]


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
        split: how to ask for each of the schemas that the documents inside a file may have; none: a file is one
            document (`extractors.bundles`).
        vision: the client.
        workers: processes that open and draw.
        limits: what a document may be.
        drawn: bounds the windows that are drawn and not yet answered, over all documents.
        ask_again: a stored reply that fails is asked again (`--rerun failed`).
        passwords: tried on locked PDFs; never shown.
        failed_before: the document's pages that an earlier run under the same recipe could not read.
    """

    plan: planning.Plan
    vision: Asks
    workers: Workers
    limits: Limits
    drawn: asyncio.Semaphore
    ask_again: bool = False
    passwords: tuple[str, ...] = field(default=(), repr=False)
    failed_before: frozenset[int] = frozenset()
    split: tuple[planning.Plan, ...] = ()


async def extract_document(spooled: Spooled, journey: Journey) -> Extraction:
    """Takes one document from bytes to records.

    Never raises for the document's own sake: what is wrong with it is in the extraction's status,
    kind and cause.

    Raises:
        CannotRun: the run itself cannot go on (credentials, configuration).
    """
    started, meter = datetime.now(UTC), Meter()
    try:
        document = await opened(spooled, journey)
    except DocumentError as error:
        return ended(meter, started, status=DocumentStatus.QUARANTINED, kind=error.kind, cause=str(error))
    readings = await read(document, range(1, document.page_count + 1), journey, meter)
    size = sum(len(json.dumps(part.value)) for reading in readings for part in reading.parts)
    return await _aside(size, concluded, document, readings, journey.plan, meter, started)


async def opened(spooled: Spooled, journey: Journey) -> Document:
    """Opens a document in a worker.

    Raises:
        DocumentError: what is wrong with it.
    """
    return await journey.workers.run(
        opening.open_document, spooled, journey.limits, journey.passwords, seconds=journey.limits.seconds
    )


async def read(document: Document, pages: Sequence[int], journey: Journey, meter: Meter) -> list[Reading]:
    """Reads the pages of one document, which may be a part of a file, in windows side by side."""
    size = min(journey.plan.pages_per_request, journey.vision.most_pages)
    groups = [tuple(pages[first : first + size]) for first in range(0, len(pages), size)]
    return await side_by_side([_read(document, group, journey, meter, of=len(pages)) for group in groups])


async def side_by_side(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Everything at once. One that cannot go on stops the document, after its neighbours ended."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    done: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        done.append(outcome)
    return done


async def _read(document: Document, pages: tuple[int, ...], journey: Journey, meter: Meter, *, of: int) -> Reading:
    """Draws some of a document's pages, which are `of`, and asks for what is on them."""
    async with journey.drawn:
        try:
            drawn = await journey.workers.run(
                rendering.render_pages, document, pages, journey.limits, seconds=journey.limits.seconds
            )
        except DocumentError as error:
            return Reading(tuple(PageState(page, PageStatus.FAILED, error.kind, str(error)) for page in pages))
        images = [page for page in drawn if isinstance(page, PageImage)]
        states = [PageState(p.page, PageStatus.FAILED, p.kind, p.cause) for p in drawn if isinstance(p, PageFailure)]
        states += [PageState(page.page, PageStatus.BLANK) for page in images if page.blank]
        windows = planning.windows(images, most_pages=journey.vision.most_pages, most_bytes=journey.vision.most_bytes)
        whole = len(windows) == 1 and len(windows[0].pages) == of - sum(
            state.status == PageStatus.BLANK for state in states
        )
        parts: list[merging.Part] = []
        unread: dict[int, completeness.Unread] = {}
        try:
            for window in windows:
                answered, failed = await _answered(window, journey, meter, whole=whole)
                states += failed
                parts += [await _completed(part, window, journey, meter, unread) for part in answered]
        except Paused as error:
            return Reading(tuple(states), tuple(parts), _hidden(images), unread, error)
    states += [PageState(page, PageStatus.READ) for part in parts for page in part.pages]
    return Reading(tuple(sorted(states, key=lambda state: state.page)), tuple(parts), _hidden(images), unread)


def _hidden(images: Sequence[PageImage]) -> tuple[Issue, ...]:
    return tuple(
        Issue(
            IssueKind.HIDDEN_TEXT, f"page {image.page}", f"text that a reader cannot see: {image.hidden_text[:200]!r}"
        )
        for image in images
        if image.hidden_text
    )


async def _answered(
    window: Window, journey: Journey, meter: Meter, *, whole: bool
) -> tuple[list[merging.Part], list[PageState]]:
    """One window's value with its evidence; cut in two when the endpoint finds it too much.

    A window that was cut before, and of which one part failed, is cut at once: the other parts' replies
    are in the store, and only the failed part is asked again.
    """
    failed_before = journey.failed_before & set(window.numbers)
    if failed_before and failed_before != set(window.numbers):
        return await _in_halves(window, journey, meter)
    try:
        question = planning.request(journey.plan, window, whole=whole)
        habits = cache(partial(_habits, window.pages))
        kept = await _kept_answer(question, window, habits, journey, meter, whole=whole)
    except (TruncatedAnswer, RequestTooBig) as error:
        if len(window.pages) == 1:
            return [], _failed(window, error)
        return await _in_halves(window, journey, meter)
    except EmptyAnswer as error:
        # Of a longer document, pages without any of it are read, and that is said; a whole one is not.
        nothing = merging.Part(window.numbers, _nothing(journey), nothing_found=True)
        return ([], _failed(window, error)) if whole else ([nothing], [])
    except AnswerError as error:
        return [], _failed(window, error)
    words = {page.page: page.words for page in window.pages}
    evidence = await _aside(len(json.dumps(kept.value)), grounding.ground, kept.value, words)
    known = habits() if is_open(kept.value) else PageHabits()
    return [merging.Part(window.numbers, kept.value, evidence, known, kept.refused)], []


def _nothing(journey: Journey) -> dict[str, Any]:
    return {"records": []} if journey.plan.records == Records.MANY else {}


async def _in_halves(window: Window, journey: Journey, meter: Meter) -> tuple[list[merging.Part], list[PageState]]:
    parts, states = [], []
    for half in planning.halves(window):
        answered, failed = await _answered(half, journey, meter, whole=False)
        parts += answered
        states += failed
    return parts, states


async def _completed(
    part: merging.Part, window: Window, journey: Journey, meter: Meter, unread: dict[int, completeness.Unread]
) -> merging.Part:
    """The part, with the rows of pages that were read again alone; what is missing still goes into `unread`."""
    pages = {page.page: page for page in window.pages if page.page in part.pages}
    fields = journey.plan.row_fields
    lacking = _unread(part, pages, fields)
    for number in lacking:
        alone = await _page_again(pages[number], lacking[number].rows, journey, meter)
        if alone is None:
            continue
        better = rereading.with_page_again(part, number, alone, fields, journey.plan.schema)
        before, after = _unread(part, pages, fields).get(number), _unread(better, pages, fields).get(number)
        if after is None or (before is not None and after.missing < before.missing):
            part = better
    unread.update(_unread(part, pages, fields) if lacking else {})
    return part


def _unread(
    part: merging.Part, pages: Mapping[int, PageImage], fields: Sequence[str]
) -> dict[int, completeness.Unread]:
    return completeness.unread_rows(part.value, {number: page.words for number, page in pages.items()}, fields)


async def _page_again(page: PageImage, rows: int, journey: Journey, meter: Meter) -> merging.Part | None:
    """One page alone, asked for all its rows; None where that gives no valid answer: the first one stands."""
    try:
        question = planning.ask_for_rows(journey.plan, page, rows)
        habits = cache(partial(_habits, [page]))
        _, judged = await _asked(question, _judge(journey, habits, whole=False), journey, meter)
    except AnswerError:
        return None
    if judged.value is None:
        return None
    evidence = grounding.ground(judged.value, {page.page: page.words})
    known = habits() if is_open(judged.value) else PageHabits()
    return merging.Part((page.page,), judged.value, evidence, known)


def _failed(window: Window, error: AnswerError) -> list[PageState]:
    return [PageState(page, PageStatus.FAILED, error.kind, str(error)) for page in window.numbers]


def _habits(pages: Sequence[PageImage]) -> PageHabits:
    return habits_of(text for page in pages for text in page.text_layer.texts)


def _judge(
    journey: Journey, habits: validation.Habits, *, whole: bool, may_be_empty: Callable[[], bool] = bool
) -> Judge:
    many = journey.plan.records == Records.MANY
    return partial(
        validation.judge, schema=journey.plan.schema, many=many, whole=whole, habits=habits, may_be_empty=may_be_empty
    )


async def _kept_answer(
    request: VisionRequest,
    window: Window,
    habits: validation.Habits,
    journey: Journey,
    meter: Meter,
    *,
    whole: bool,
) -> validation.Kept:
    """A window's valid answer; where there is none after the repair round, what is good in what was answered.

    Raises:
        AnswerError: nothing is.
        Paused: the run stops early.
    """
    texts: list[str] = []

    def may_be_empty() -> bool:
        labels = contents.labels_of(journey.plan.schema.json_schema)
        return not whole and contents.shows_content([page.words for page in window.pages], labels) is False

    judge = _judge(journey, habits, whole=whole, may_be_empty=may_be_empty)
    try:
        return validation.Kept(await valid_answer(request, judge, journey, meter, texts), ())
    except EmptyAnswer:
        raise
    except AnswerError:
        many = journey.plan.records == Records.MANY
        size = sum(map(len, texts))
        kept = await _aside(size, partial(validation.keep, many=many, habits=habits), texts, journey.plan.schema)
        if kept is None:
            raise
        return kept


async def valid_answer(
    request: VisionRequest, judge: Judge, journey: Journey, meter: Meter, texts: list[str] | None = None
) -> dict[str, Any]:
    """Asks, judges, and asks once more with the faults.

    Args:
        request: the question.
        judge: of its answer.
        journey: whom to ask.
        meter: counts the calls.
        texts: filled with what was answered, round by round.

    Raises:
        AnswerError: no valid answer after the repair round.
        Paused: the run stops early.
    """
    answered = texts if texts is not None else []
    text, judged = await _asked(request, judge, journey, meter)
    answered.append(text)
    if judged.faults:
        repair = planning.repair(request, text, judged.faults)
        text, judged = await _asked(repair, judge, journey, meter)
        answered.append(text)
    if judged.value is None:
        raise _refusal(judged.faults)
    return judged.value


async def _asked(
    request: VisionRequest, judge: Judge, journey: Journey, meter: Meter
) -> tuple[str, validation.Judged]:
    reply = await journey.vision.ask(request, meter, again=journey.ask_again)
    judged = await _aside(len(reply.text), judge, reply.text)
    if judged.faults and reply.reused and journey.ask_again:
        reply = await journey.vision.ask(request, meter, fresh=True)
        judged = await _aside(len(reply.text), judge, reply.text)
    if not reply.reused:
        journey.vision.judge(reply, valid=not judged.faults)
    meter.endpoint, meter.model = reply.endpoint, reply.model
    return reply.text, judged


async def _aside(size: int, work: Callable[..., T], *given: Any) -> T:
    """Work on answers of so many characters; what takes long does not hold up the other documents."""
    return work(*given) if size < _LONG else await asyncio.to_thread(work, *given)


def _refusal(faults: Sequence[Fault]) -> AnswerError:
    told = "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults[:3])
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""  # noqa: PLR2004 - as many as are told
    if all(fault.kind == EmptyAnswer.kind for fault in faults):
        return EmptyAnswer("the model read nothing on pages that are not blank, twice")
    return InvalidAnswer(f"the answer stays invalid after one repair round: {told}{more}")
