"""One document's way, in order: open, draw, ask, judge, ground, merge. Nothing else knows the whole journey.

    opening -> rendering -> planning -> vision -> validation (-> repair, once) -> grounding
    -> completeness (-> a page whose table rows are missing, once, alone: rereading)
    -> (-> two pages between which a row is torn, once, alone) -> merging -> concluding

Grounding is done a window at a time, before merging, so that only values and boxes travel on: a
document's words are never held all at once, and memory does not grow with its pages.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from extractors.answering import shown_habits
from extractors.answers import completeness, kinds, merging, rereading
from extractors.answers.table_rows import adds_under_total
from extractors.aside import aside
from extractors.asking import planning
from extractors.concluding import Reading, concluded, ended
from extractors.documents import (
    Document,
    Extraction,
    Issue,
    PageFailure,
    PageImage,
    PageState,
    PageWords,
    Spooled,
    Window,
)
from extractors.errors import (
    AnswerError,
    DocumentError,
    EmptyAnswer,
    Paused,
    PromptCut,
    RequestTooBig,
    TruncatedAnswer,
)
from extractors.fitting import room_of
from extractors.grouping import kept_answer_of
from extractors.journey import Journey
from extractors.located import Words, being_read, grounded, located, page_words
from extractors.pages import opening, rendering
from extractors.seaming import answer_alone, with_seams_again
from extractors.side_by_side import side_by_side
from extractors.vision.metering import Meter
from extractors.vocabulary import DocumentStatus, Ground, IssueKind, PageStatus, Records, WordsFrom

_Unread = dict[int, completeness.Unread]


async def extract_document(spooled: Spooled, journey: Journey) -> Extraction:
    """Takes one document from bytes to records.

    Never raises for the document's own sake: what is wrong with it is in the extraction's status,
    kind and cause.

    Raises:
        CannotRun: the run itself cannot go on (credentials, configuration).
    """
    started, meter = datetime.now(UTC), Meter(work=journey.work)
    try:
        document = await opened(spooled, journey)
    except DocumentError as error:
        return ended(meter, started, status=DocumentStatus.QUARANTINED, kind=error.kind, cause=str(error))
    readings = await read(document, range(1, document.page_count + 1), journey, meter)
    size = sum(len(json.dumps(part.value)) for reading in readings for part in reading.parts)
    return await aside(size, concluded, document, readings, journey.plan, meter, started)


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
    size = min(journey.plan.pages_per_request, journey.vision.most_pictures)
    groups = [tuple(pages[first : first + size]) for first in range(0, len(pages), size)]
    readings = await side_by_side([_read(document, group, journey, meter, of=len(pages)) for group in groups])
    return await with_seams_again(readings, document, journey, meter)


async def _read(document: Document, pages: tuple[int, ...], journey: Journey, meter: Meter, *, of: int) -> Reading:
    """Draws some of a document's pages, which are `of`, and asks for what is on them."""
    async with journey.drawn:
        try:
            draw = partial(rendering.render_pages, whole=journey.whole_pages)
            drawn = await journey.workers.run(draw, document, pages, journey.limits, seconds=journey.limits.seconds)
        except DocumentError as error:
            return Reading(tuple(PageState(page, PageStatus.FAILED, error.kind, str(error)) for page in pages))
        room = room_of(journey.plan.picture_tokens, journey.vision)
        images = [planning.sendable(page, room) for page in drawn if isinstance(page, PageImage)]
        states = [PageState(p.page, PageStatus.FAILED, p.kind, p.cause) for p in drawn if isinstance(p, PageFailure)]
        states += [PageState(page.page, PageStatus.BLANK) for page in images if page.blank]
        windows = planning.windows(images, room)
        whole = len(windows) == 1 and len(windows[0].pages) == of - sum(
            state.status == PageStatus.BLANK for state in states
        )
        parts: list[merging.Part] = []
        unread: dict[int, completeness.Unread] = {}
        known: dict[int, WordsFrom | None] = {}
        try:
            for window in windows:
                async with being_read(window, journey) as words:
                    answered, failed = await _answered(window, words, journey, meter, whole=whole)
                    states += failed
                    parts += [await _completed(part, window, words, journey, meter, unread) for part in answered]
                    done = {number for part in answered for number in part.pages}
                    known |= {p.page: (await page_words(p, words)).source for p in window.pages if p.page in done}
        except Paused as error:
            return Reading(tuple(states), tuple(parts), _of_pages(images), unread, error)
    states += [PageState(page, PageStatus.READ, words=known[page]) for part in parts for page in part.pages]
    return Reading(tuple(sorted(states, key=lambda state: state.page)), tuple(parts), _of_pages(images), unread)


def _of_pages(images: Sequence[PageImage]) -> tuple[Issue, ...]:
    """What a person should know of the pages as they are drawn."""
    found: list[Issue] = []
    for image in images:
        where = f"page {image.page}"
        if image.hidden_text:
            told = f"text that a reader cannot see: {image.hidden_text[:200]!r}"
            found.append(Issue(IssueKind.HIDDEN_TEXT, where, told))
        if image.illegible:
            told = "its print is too small in what was sent: scan it larger, or check what was read"
            found.append(Issue(IssueKind.ILLEGIBLE, where, told))
        if image.doubt:
            told = f"some of its data is broken, it may look otherwise than it was made: {image.doubt}"
            found.append(Issue(IssueKind.DAMAGED_PAGE, where, told))
    return tuple(found)


async def _answered(
    window: Window, words: Words, journey: Journey, meter: Meter, *, whole: bool
) -> tuple[list[merging.Part], list[PageState]]:
    """One window's value with its evidence; cut in two when the endpoint finds it too much.

    A window that was cut before, and of which one part failed, is cut at once: the other parts' replies
    are in the store, and only the failed part is asked again.
    """
    failed_before = journey.failed_before & set(window.numbers)
    if failed_before and failed_before != set(window.numbers):
        return await _in_halves(window, words, journey, meter)
    try:
        question = planning.request(journey.plan, window, whole=whole)
        habits = cache(partial(shown_habits, window.pages))
        kept = await kept_answer_of(question, window, habits, journey, meter, whole=whole)
    except (TruncatedAnswer, PromptCut, RequestTooBig) as error:
        if len(window.pages) == 1:
            return [], _failed(window, error)
        return await _in_halves(window, words, journey, meter)
    except EmptyAnswer as error:
        # Of a longer document, pages without any of it are read, and that is said; a whole one is not.
        nothing = merging.Part(window.numbers, _nothing(journey), nothing_found=True)
        return ([], _failed(window, error)) if whole else ([nothing], [])
    except AnswerError as error:
        return [], _failed(window, error)
    part = await grounded(kept.value, window.pages, words, habits, journey)
    own = {page.page: page.words for page in window.pages}
    labelled = kinds.labelled(own, journey.plan.schema) if journey.ground != Ground.OFF else None
    told = replace(part, refused=kept.refused, put_together=kept.put_together, unread=kept.unread)
    return [replace(told, labelled=labelled)], []


def _nothing(journey: Journey) -> dict[str, Any]:
    return {"records": []} if journey.plan.records == Records.MANY else {}


async def _in_halves(
    window: Window, words: Words, journey: Journey, meter: Meter
) -> tuple[list[merging.Part], list[PageState]]:
    parts, states = [], []
    for half in planning.halves(window):
        answered, failed = await _answered(half, words, journey, meter, whole=False)
        parts += answered
        states += failed
    return parts, states


async def _completed(  # noqa: PLR0917 - one caller, types that cannot be swapped
    part: merging.Part,
    window: Window,
    words: Words,
    journey: Journey,
    meter: Meter,
    unread: dict[int, completeness.Unread],
) -> merging.Part:
    """The part, with the rows of pages that were read again alone; what is missing still goes into `unread`.

    A second answer's rows are taken where the page then lacks fewer, no row is there twice that was not, none stands
    nowhere that did not, and no check fails that held; nor rows under the table's total, unless a check holds then
    that failed.
    """
    if not journey.plan.row_fields:
        return part
    pages = {page.page: page for page in window.pages if page.page in part.pages}
    seen = {number: await page_words(page, words) for number, page in pages.items()}
    off = journey.ground == Ground.OFF
    if off:
        # Which rows are a page's own is known by where they stand.
        part = replace(part, evidence=await located(part.value, seen, part.habits, journey))
    lacking = left = await _unread(part, seen, journey)
    for number in lacking:
        question = planning.ask_for_rows(journey.plan, pages[number], lacking[number].rows)
        alone = await answer_alone(question, words, journey, meter)
        if alone is None:
            continue
        better = rereading.with_page_again(part, number, alone, journey.plan.row_fields, journey.plan.schema)
        after = await _unread(better, seen, journey)
        if _lacks_less(left, after, number) and _is_no_worse(part, better, seen, journey):
            part, left = better, after
    unread.update(left)
    return replace(part, evidence=()) if off else part


def _lacks_less(before: _Unread, after: _Unread, page: int) -> bool:
    fewer = page not in after or (page in before and after[page].missing < before[page].missing)
    worse = any(
        each.missing > (before[at].missing if at in before else 0) for at, each in after.items() if at != page
    )
    return fewer and not worse


def _is_no_worse(part: merging.Part, better: merging.Part, seen: Mapping[int, PageWords], journey: Journey) -> bool:
    fields = journey.plan.row_fields
    odd = [completeness.odd_rows(each.value, each.evidence, fields) for each in (part, better)]
    broken = [completeness.broken_checks(each.value, journey.plan.schema, each.habits) for each in (part, better)]
    if odd[1] > odd[0] or not broken[1] <= broken[0]:
        return False
    words = {number: each.words for number, each in seen.items()}
    return broken[1] < broken[0] or not adds_under_total(part.evidence, better.evidence, words, fields)


async def _unread(part: merging.Part, seen: Mapping[int, PageWords], journey: Journey) -> _Unread:
    words = {number: each.words for number, each in seen.items()}
    letters = sum(len(text) for each in words.values() for text, _ in each)
    return await aside(letters, completeness.unread_rows, part.value, part.evidence, words, journey.plan.row_fields)


def _failed(window: Window, error: AnswerError) -> list[PageState]:
    return [PageState(page, PageStatus.FAILED, error.kind, str(error)) for page in window.numbers]
