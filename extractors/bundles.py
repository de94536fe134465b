"""A file of several documents: look at all its pages small, find the parts, take each part its own way.

opening -> rendering (small) -> splitting -> vision -> validation -> splitting: the parts
-> for each part, what `pipeline` does for a document, with the part's own schema -> the file's state
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from extractors.answering import valid_answer
from extractors.answers import validation
from extractors.asking import planning, splitting
from extractors.concluding import concluded, ended, of_no_ink
from extractors.documents import Document, Extraction, PageFailure, PageImage, PageState, Spooled, Window
from extractors.errors import (
    AnswerError,
    DocumentError,
    FitsNone,
    Paused,
    PromptCut,
    RequestTooBig,
    TruncatedAnswer,
)
from extractors.fitting import room_of
from extractors.journey import Journey
from extractors.pages import rendering
from extractors.pages.sizes import SMALL_VERSION
from extractors.pipeline import opened, read
from extractors.side_by_side import side_by_side
from extractors.vision.metering import Meter
from extractors.vocabulary import WITH_RECORDS, DocumentStatus, PageStatus

_TOLD = 3
"""Different causes that a file's own names; its pages have theirs."""


@dataclass(frozen=True)
class _Look:
    """What looking at some pages gave: their kinds, and the states of those that need no reading."""

    kinds: tuple[splitting.PageKind, ...] = ()
    states: tuple[PageState, ...] = ()
    paused: Paused | None = None


SPLIT_VERSIONS = {"split": splitting.SPLIT_PROMPT_VERSION, "small": SMALL_VERSION}
"""Of what looks at a file before it is split."""


async def extract_bundle(spooled: Spooled, journey: Journey) -> Extraction:
    """Takes a file of several documents from bytes to records, a part at a time (`journey.split` has the schemas).

    Never raises for the file's own sake, as `extract_document`.

    Raises:
        CannotRun: the run itself cannot go on.
    """
    started, meter = datetime.now(UTC), Meter(work=journey.work)
    try:
        document = await opened(spooled, journey)
    except DocumentError as error:
        failed: dict[str, Any] = {"status": DocumentStatus.QUARANTINED, "kind": error.kind, "cause": str(error)}
        nothing = {plan.schema.name: ended(Meter(), started, **failed) for plan in journey.split}
        return ended(meter, started, **failed, by_schema=nothing)
    groups = look_groups(document.page_count, look_pages(journey.look_tokens, journey.vision.most_pictures))
    looks = await side_by_side([_looked(document, group, journey, meter) for group in groups])
    paused = next((look.paused for look in looks if look.paused), None)
    if paused is not None:
        return ended(
            meter, started, status=DocumentStatus.PENDING, kind=paused.kind, cause=str(paused),
            media_type=document.media_type, page_count=document.page_count,
        )  # fmt: skip
    schemas = [plan.schema.name for plan in journey.split]
    kinds = [kind for look in looks for kind in look.kinds]
    parts = splitting.parts(kinds)
    read_parts = await side_by_side([_part(document, part, journey, started, meter) for part in parts])
    unread = [*(state for look in looks for state in look.states), *splitting.fitting_none(kinds, schemas)]
    taken = [(part.schema, extraction) for part, extraction in zip(parts, read_parts, strict=True)]
    return _whole(document, taken, unread, schemas, partial(ended, meter, started))


@dataclass(frozen=True)
class LookGroup:
    """The pages that are looked at in one request.

    Attributes:
        pages: whose kinds are asked for.
        before: the page before them, if any: it tells whether they go on with its document.
    """

    pages: tuple[int, ...]
    before: tuple[int, ...] = ()


def look_pages(look_tokens: tuple[int, ...], most_pictures: int) -> int:
    """Pages in one look at most."""
    return min(len(look_tokens) or splitting.MOST_PAGES, most_pictures)


def look_groups(page_count: int, most_pages: int) -> list[LookGroup]:
    """As many pages in each request as it takes; every page is in one group."""
    most = min(most_pages, splitting.MOST_PAGES)
    groups, first = [LookGroup(tuple(range(1, min(most, page_count) + 1)))], most + 1
    own = max(1, most - 1)
    while first <= page_count:
        before = (first - 1,) if most > 1 else ()
        groups.append(LookGroup(tuple(range(first, min(first + own, page_count + 1))), before))
        first += own
    return groups


async def _looked(document: Document, group: LookGroup, journey: Journey, meter: Meter) -> _Look:
    """Draws some pages small and asks what they are."""
    own = group.pages
    async with journey.drawn:
        try:
            drawn = await journey.workers.run(
                rendering.render_small_pages, document, (*group.before, *own), journey.limits,
                seconds=journey.limits.seconds,
            )  # fmt: skip
        except DocumentError as error:
            return _Look(states=tuple(PageState(page, PageStatus.FAILED, error.kind, str(error)) for page in own))
        images = [page for page in drawn if isinstance(page, PageImage)]
        states = [PageState(p.page, PageStatus.FAILED, p.kind, p.cause) for p in drawn if isinstance(p, PageFailure)]
        states += [PageState(page.page, PageStatus.BLANK) for page in images if page.blank]
        kinds: list[splitting.PageKind] = []
        try:
            for window in planning.windows(images, room_of(journey.look_tokens, journey.vision)):
                told, failed = await _kinds(window, journey, meter)
                kinds += told
                states += failed
        except Paused as error:
            return _Look(paused=error)
    return _Look(
        tuple(kind for kind in kinds if kind.page in own), tuple(state for state in states if state.page in own)
    )


async def _kinds(window: Window, journey: Journey, meter: Meter) -> tuple[list[splitting.PageKind], list[PageState]]:
    """What the pages of one window are; cut in two when the endpoint finds it too much."""
    wire = splitting.wire_schema([plan.schema for plan in journey.split])
    judge = partial(validation.judge, schema=splitting.answer_schema(wire, window.numbers))
    try:
        value = await valid_answer(splitting.request(wire, window), judge, journey, meter)
    except (TruncatedAnswer, PromptCut, RequestTooBig) as error:
        if len(window.pages) == 1:
            return [], _not_told(window, error)
        halves = [await _kinds(half, journey, meter) for half in planning.halves(window)]
        return [kind for told, _ in halves for kind in told], [state for _, failed in halves for state in failed]
    except AnswerError as error:
        return [], _not_told(window, error)
    return splitting.page_kinds(value), []


def _not_told(window: Window, error: AnswerError) -> list[PageState]:
    return [
        PageState(page, PageStatus.FAILED, error.kind, f"what the page is was not told: {error}")
        for page in window.numbers
    ]


async def _part(
    document: Document, part: splitting.Part, journey: Journey, started: datetime, meter: Meter
) -> Extraction:
    plan = next(plan for plan in journey.split if plan.schema.name == part.schema)
    readings = await read(document, part.pages, replace(journey, plan=plan), meter)
    # What it cost is the file's, told once: a part has a meter that counts nothing.
    return concluded(document, readings, plan, Meter(), started)


def _whole(
    document: Document, taken: Sequence[tuple[str, Extraction]], unread: Sequence[PageState], schemas: Sequence[str],
    end: Callable[..., Extraction],
) -> Extraction:  # fmt: skip
    """The file's state, from its parts' and from the pages that belong to none.

    Args:
        document: the file.
        taken: schema's name and extraction of each part.
        unread: the states of the pages that belong to none.
        schemas: all that were asked for.
        end: makes an extraction that ends now, with what the file cost.
    """
    about: dict[str, Any] = {"media_type": document.media_type, "page_count": document.page_count}
    states = _in_order([*unread, *(state for _, part in taken for state in part.pages)])
    paused = next((part for _, part in taken if part.status == DocumentStatus.PENDING), None)
    if paused is not None:
        return end(status=DocumentStatus.PENDING, kind=paused.kind, cause=paused.cause, pages=states, **about)
    by_schema = {}
    for name in schemas:
        own = [part for schema, part in taken if schema == name]
        # A page whose kind was not told might be of any schema: then none is complete for having no pages.
        lost = [] if own else [state for state in unread if state.kind != FitsNone.kind]
        by_schema[name] = Extraction(
            **_outcome(own, lost), **about, pages=_in_order(state for part in own for state in part.pages),
            records=tuple(record for part in own for record in part.records),
            issues=tuple(issue for part in own for issue in part.issues),
        )  # fmt: skip
    all_blank = all(state.status == PageStatus.BLANK for state in states)
    how = of_no_ink() if all_blank else _outcome([part for _, part in taken], unread)
    file = end(**how, **about, pages=states)
    names = ("endpoint", "model", "started_at", "finished_at")
    same: dict[str, Any] = {name: getattr(file, name) for name in names}
    return replace(file, by_schema={name: replace(each, **same) for name, each in by_schema.items()})


def _in_order(states: Iterable[PageState]) -> tuple[PageState, ...]:
    return tuple(sorted(states, key=lambda state: state.page))


def _outcome(parts: Sequence[Extraction], unread: Sequence[PageState]) -> dict[str, Any]:
    """Status, kind and cause of some parts and pages together."""
    failed = [state for state in unread if state.status == PageStatus.FAILED]
    bad = [part for part in parts if part.status != DocumentStatus.COMPLETE]
    if not failed and not bad:
        return {"status": DocumentStatus.COMPLETE}
    causes = [str(part.cause) for part in bad]
    for cause in dict.fromkeys(state.cause for state in failed):
        pages = ", ".join(str(state.page) for state in failed if state.cause == cause)
        causes.append(f"page {pages}: {cause}")
    more = f" (and {len(causes) - _TOLD} more)" if len(causes) > _TOLD else ""
    nothing = not any(part.status in WITH_RECORDS for part in parts)
    return {
        "status": DocumentStatus.QUARANTINED if nothing else DocumentStatus.PARTIAL,
        "kind": bad[0].kind if bad else failed[0].kind,
        "cause": "; ".join(causes[:_TOLD]) + more,
    }
