"""A schema of more fields than a model answers at once: asked in groups of them, which together are one answer.

What the groups say is put together first, and judged as if one answer had said it: what holds for a narrow schema
holds here. A fault goes back to the group that it belongs to, once; a group that gets no usable answer leaves its
fields null, and that is told. Where a window's pages may be too many, an error goes on to the window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from extractors.answering import Judge, judge_of, kept_answer, may_say_nothing, note
from extractors.answers import validation
from extractors.aside import aside
from extractors.asking import planning, wide
from extractors.documents import VisionRequest, Window
from extractors.errors import AnswerError, Kind, NotStored, PromptCut, RequestTooBig, TruncatedAnswer
from extractors.group_round import Group, Round, error_of, together, told
from extractors.journey import Journey
from extractors.side_by_side import side_by_side
from extractors.vision.metering import Meter
from extractors.vocabulary import Records, Stored

_TOO_MUCH = (TruncatedAnswer, PromptCut, RequestTooBig)
"""What fewer pages may help against."""


async def kept_answer_of(
    question: VisionRequest,
    window: Window,
    habits: validation.Habits,
    journey: Journey,
    meter: Meter,
    *,
    whole: bool,
) -> validation.Kept:
    """A window's answer, as far as it is good, however many questions it takes (`answering.kept_answer`).

    Raises:
        AnswerError: there is none, or the window is too large for it.
        Paused: the run stops early.
    """
    questions = wide.in_groups(question)
    if len(questions) > 1:
        asked = await _ask_all(questions, journey, meter)
    else:
        try:
            return await kept_answer(question, window, habits, journey, meter, whole=whole)
        except TruncatedAnswer as cut:
            if len(window.pages) > 1:
                raise
            asked = await _smaller(Group(question, error=cut), journey, meter)
    judge = judge_of(journey, habits, whole=whole, may_be_empty=may_say_nothing(window, journey, whole=whole))
    rounds = [await _judged(question, asked, judge, journey, meter)]
    if rounds[0].faults:
        rounds.append(await _repaired(question, rounds[0], judge, journey, meter))
    best = min(rounds, key=lambda each: each.badness)
    if best.judged.value is not None and best.answers:
        return told(best, validation.Kept(best.judged.value))
    error = error_of(rounds[-1])
    kept = None
    if rounds[-1].answers and error.kind != Kind.EMPTY_ANSWER:
        texts, many = [each.text for each in rounds], journey.plan.records == Records.MANY
        keep = partial(validation.keep, many=many, habits=habits)
        kept = await aside(sum(map(len, texts)), keep, texts, journey.plan.schema)
    if kept is None:
        raise error
    return told(rounds[-1], kept)


def is_wide(question: VisionRequest) -> bool:
    """Whether a question is asked in groups."""
    return len(wide.in_groups(question)) > 1


async def value_of_rows(
    question: VisionRequest, judge: Judge, journey: Journey, meter: Meter
) -> dict[str, Any] | None:
    """What a second question about a wide schema gives where only rows count; None where that is not all valid.

    Raises:
        AnswerError: a smaller window may be answered.
        Paused: the run stops early.
    """
    asked = await _ask_all(wide.about_rows(journey.plan, wide.in_groups(question)), journey, meter)
    found = await _judged(question, asked, judge, journey, meter)
    return None if found.faults or any(found.badness) else found.judged.value


async def _ask_all(questions: Sequence[VisionRequest], journey: Journey, meter: Meter) -> list[Group]:
    """The first alone, so that prompt caches hold the pages for the others, and what is too large is sent once."""
    first = await _ask(questions[0], journey, meter)
    others = await side_by_side([_ask(each, journey, meter) for each in questions[1:]])
    return [*first, *(group for each in others for group in each)]


async def _ask(question: VisionRequest, journey: Journey, meter: Meter) -> list[Group]:
    """One group; of one whose answer is cut off the smaller ones, once."""
    found = await _answered(question, journey.stored, journey, meter)
    if isinstance(found.error, TruncatedAnswer):
        return await _smaller(found, journey, meter)
    return [_standing(found)]


async def _smaller(cut: Group, journey: Journey, meter: Meter) -> list[Group]:
    """The groups that one is asked as whose answer was cut off; itself where there are none, or nothing is asked."""
    questions = wide.smaller(cut.question)
    found = await side_by_side([_answered(each, journey.stored, journey, meter) for each in questions])
    if all(isinstance(each.error, NotStored) for each in found):
        found = [cut]
    return [_standing(each) for each in found]


async def _answered(question: VisionRequest, stored: Stored, journey: Journey, meter: Meter) -> Group:
    try:
        reply = await journey.vision.ask(question, meter, stored)
    except AnswerError as error:
        return Group(question, error=error)
    note(reply, meter)
    return Group(question, reply)


def _standing(group: Group) -> Group:
    """A group of which it is known what it gave, if anything.

    Raises:
        AnswerError: a smaller window may be answered, or the reply is not stored any more.
    """
    error = group.error
    if isinstance(error, NotStored) or (isinstance(error, _TOO_MUCH) and len(group.question.pages) > 1):
        raise error
    return group


async def _judged(
    question: VisionRequest, asked: Sequence[Group], judge: Judge, journey: Journey, meter: Meter
) -> Round:
    """The verdict on what the groups say together. A stored answer that is refused is asked again where that counts.

    Args:
        question: about all fields.
        asked: the groups.
        judge: of an answer to all of it.
        journey: whom to ask.
        meter: counts the calls.
    """
    size = sum(len(each.text) for each in asked)
    found: Round = await aside(size, together, question, asked, judge, journey.plan)
    if journey.stored == Stored.GOOD:
        old = [number for number in found.faults if (reply := asked[number].reply) and reply.reused]
        anew = await side_by_side([_answered(asked[n].question, Stored.NONE, journey, meter) for n in old])
        if anew:
            asked = _with(asked, dict(zip(old, anew, strict=True)))
            found = await aside(size, together, question, asked, judge, journey.plan)
    for number, group in enumerate(asked):
        if group.reply and not group.reply.reused and not group.heard:
            structural = any(fault.structural for fault in found.faults.get(number, ()))
            journey.vision.judge(group.reply, valid=not structural)
    return found


async def _repaired(question: VisionRequest, first: Round, judge: Judge, journey: Journey, meter: Meter) -> Round:
    """The second round: what is wrong goes back to the groups that said it; who does not answer stays as it was."""
    repairs = {
        number: planning.repair(first.asked[number].question, first.asked[number].text, faults)
        for number, faults in first.faults.items()
    }
    again = await side_by_side([_answered(each, journey.stored, journey, meter) for each in repairs.values()])
    before = [replace(each, heard=True) for each in first.asked]
    asked = _with(before, dict(zip(repairs, again, strict=True)))
    second = await _judged(question, asked, judge, journey, meter)
    spoilt = {number: before[number] for number in second.broken if number in first.answers}
    if not spoilt:
        return second
    asked = _with([replace(each, heard=True) for each in second.asked], spoilt)
    return await _judged(question, asked, judge, journey, meter)


def _with(asked: Sequence[Group], again: Mapping[int, Group]) -> list[Group]:
    """The groups, some of which were asked again and answered."""
    return [again[n] if n in again and again[n].reply else group for n, group in enumerate(asked)]
