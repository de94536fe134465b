"""One question until its answer holds: asked, judged, asked once more with the faults; what is good of it is kept."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from extractors.answers import contents, validation
from extractors.aside import aside
from extractors.asking import planning
from extractors.documents import Fault, PageImage, Reply, VisionRequest, Window
from extractors.errors import AnswerError, EmptyAnswer, InvalidAnswer
from extractors.journey import Journey
from extractors.vision.metering import Meter
from extractors.vocabulary import Records, Stored
from schemas.habits import PageHabits, habits_of_pages

Judge = Callable[[str], validation.Judged]


def shown_habits(pages: Sequence[PageImage]) -> PageHabits:
    """How some pages print numbers and dates, by their words."""
    return habits_of_pages(page.text_layer.texts for page in pages)


def judge_of(
    journey: Journey, habits: validation.Habits, *, whole: bool, may_be_empty: Callable[[], bool] = bool
) -> Judge:
    """What judges an answer of the journey's schema (`validation.judge`)."""
    many = journey.plan.records == Records.MANY
    return partial(
        validation.judge, schema=journey.plan.schema, many=many, whole=whole, habits=habits, may_be_empty=may_be_empty
    )


def may_say_nothing(window: Window, journey: Journey, *, whole: bool) -> Callable[[], bool]:
    """Tells whether a window is a part of its document that shows nothing of the schema."""

    def tells() -> bool:
        labels = contents.labels_of(journey.plan.schema.json_schema)
        return not whole and contents.shows_content([page.words for page in window.pages], labels) is False

    return tells


async def kept_answer(
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
    judge = judge_of(journey, habits, whole=whole, may_be_empty=may_say_nothing(window, journey, whole=whole))
    try:
        return validation.Kept(await valid_answer(request, judge, journey, meter, texts))
    except EmptyAnswer:
        raise
    except AnswerError:
        many = journey.plan.records == Records.MANY
        size = sum(map(len, texts))
        kept = await aside(size, partial(validation.keep, many=many, habits=habits), texts, journey.plan.schema)
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
    text, judged = await asked(request, judge, journey, meter)
    answered.append(text)
    if judged.faults:
        repair = planning.repair(request, text, judged.faults)
        text, judged = await asked(repair, judge, journey, meter)
        answered.append(text)
    if judged.value is None:
        raise refusal(judged.faults)
    return judged.value


async def asked(
    request: VisionRequest, judge: Judge, journey: Journey, meter: Meter
) -> tuple[str, validation.Judged]:
    """One answer with its verdict. A stored one that is refused is asked again where the journey says so.

    Raises:
        AnswerError: there is none.
        Paused: the run stops early.
    """
    reply = await journey.vision.ask(request, meter, journey.stored)
    judged = await aside(len(reply.text), judge, reply.text)
    if judged.faults and reply.reused and journey.stored == Stored.GOOD:
        reply = await journey.vision.ask(request, meter, Stored.NONE)
        judged = await aside(len(reply.text), judge, reply.text)
    if not reply.reused:
        journey.vision.judge(reply, valid=not any(fault.structural for fault in judged.faults))
    note(reply, meter)
    return reply.text, judged


def note(reply: Reply, meter: Meter) -> None:
    """Notes who answered."""
    meter.endpoint, meter.model, meter.provider = reply.endpoint, reply.model, reply.provider
    meter.stand_in = meter.stand_in or reply.stand_in


def refusal(faults: Sequence[Fault]) -> AnswerError:
    """Why an answer is none after its repair round."""
    told = "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults[:3])
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""  # noqa: PLR2004 - as many as are told
    if all(fault.kind == EmptyAnswer.kind for fault in faults):
        return EmptyAnswer("the model read nothing on pages that are not blank, twice")
    return InvalidAnswer(f"the answer stays invalid after one repair round: {told}{more}")
