"""The edge between two windows between which a row is torn: its two pages are asked alone, once."""

from dataclasses import replace
from functools import cache, partial
from itertools import pairwise

from extractors.answering import asked, judge_of, shown_habits
from extractors.answers import completeness, merging, rereading
from extractors.asking import planning
from extractors.concluding import Reading
from extractors.documents import Document, PageImage, VisionRequest
from extractors.errors import AnswerError, DocumentError, Paused
from extractors.fitting import room_of
from extractors.grouping import is_wide, value_of_rows
from extractors.journey import Journey
from extractors.located import Words, being_read, grounded
from extractors.pages import rendering
from extractors.vision.metering import Meter
from extractors.vocabulary import IssueKind


async def with_seams_again(
    readings: list[Reading], document: Document, journey: Journey, meter: Meter
) -> list[Reading]:
    """The readings; where a row is torn between two, with what the pages at their edge gave, asked alone, once."""
    if any(reading.paused for reading in readings):
        return readings
    fields, schema = journey.plan.row_fields, journey.plan.schema
    for at, (one, other) in enumerate(pairwise(readings)):
        one = readings[at]  # noqa: PLW2901 - its other edge may have been asked about
        if not one.parts or not other.parts or not rereading.is_torn_between(one.parts[-1], other.parts[0], fields):
            continue
        both = await _pages_alone(document, (one.parts[-1].pages[-1], other.parts[0].pages[0]), journey, meter)
        if both is None:
            continue
        first, rows, last = rereading.with_seam_again(one.parts[-1], other.parts[0], both, fields)
        better = [*readings]
        better[at] = replace(one, parts=(*one.parts[:-1], first, rows))
        better[at + 1] = replace(other, parts=(last, *other.parts[1:]))
        before, after = (
            merging.merge([part for reading in told for part in reading.parts], schema.json_schema)
            for told in (readings, better)
        )
        if _is_better(before, after, journey):
            readings = better
    return readings


def _is_better(before: merging.Merged, after: merging.Merged, journey: Journey) -> bool:
    """Whether no row is torn any more that was, none stands twice or nowhere that did not, and no check fails."""
    torn = [sum(issue.kind == IssueKind.CONFLICT for issue in told.issues) for told in (before, after)]
    fields, schema = journey.plan.row_fields, journey.plan.schema
    odd = [completeness.odd_rows(told.value, tuple(told.evidence), fields) for told in (before, after)]
    broken = [completeness.broken_checks(told.value, schema, told.habits) for told in (before, after)]
    return torn[1] < torn[0] and odd[1] <= odd[0] and broken[1] <= broken[0]


async def _pages_alone(
    document: Document, pages: tuple[int, int], journey: Journey, meter: Meter
) -> merging.Part | None:
    """What two pages that follow each other give; None where that is no valid answer: the first ones stand."""
    draw = partial(rendering.render_pages, whole=journey.whole_pages)
    async with journey.drawn:
        try:
            drawn = await journey.workers.run(draw, document, pages, journey.limits, seconds=journey.limits.seconds)
            room = room_of(journey.plan.picture_tokens, journey.vision)
            images = [planning.sendable(page, room) for page in drawn if isinstance(page, PageImage)]
            windows = planning.windows(images, room)
            if len(windows) != 1:
                return None  # the endpoint does not take both at once
            async with being_read(windows[0], journey) as words:
                question = planning.request(journey.plan, windows[0], whole=False)
                return await answer_alone(question, words, journey, meter)
        except (DocumentError, Paused):
            return None


async def answer_alone(question: VisionRequest, words: Words, journey: Journey, meter: Meter) -> merging.Part | None:
    """What a second question about some pages gives, judged once; None where that is no valid answer.

    Raises:
        Paused: the run stops early.
    """
    habits = cache(partial(shown_habits, question.pages))
    judge = judge_of(journey, habits, whole=False)
    try:
        if is_wide(question):
            value = await value_of_rows(question, judge, journey, meter)
        else:
            value = (await asked(question, judge, journey, meter))[1].value
    except AnswerError:
        return None
    return None if value is None else await grounded(value, question.pages, words, habits, journey)
