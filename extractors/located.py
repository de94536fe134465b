"""Where the values of a window stand on its pages, by the words of the text layer or of the picture."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from extractors.answers import grounding, merging, validation
from extractors.aside import aside
from extractors.asking import planning
from extractors.documents import Evidence, PageImage, PageWords, Window
from extractors.journey import Journey
from extractors.vocabulary import Ground, Records
from schemas.habits import PageHabits, is_open
from schemas.salvage import as_read

Words = Mapping[int, Awaitable[PageWords]]
"""Of the pages whose text layer does not say all: their words, being read from their pictures."""


@asynccontextmanager
async def being_read(window: Window, journey: Journey) -> AsyncIterator[Words]:
    """Reads what the text layer does not say from the pictures, while the model's answer is awaited."""
    tasks: dict[int, asyncio.Future[PageWords]] = {}
    if journey.read_words is not None:
        unsaid = [page for page in window.pages if not (page.text_layer.texts and page.text_layer.whole)]
        tasks = {page.page: asyncio.ensure_future(journey.read_words(page)) for page in unsaid}
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def grounded(
    value: dict[str, Any], pages: Sequence[PageImage], words: Words, habits: validation.Habits, journey: Journey
) -> merging.Part:
    """What some pages gave, with the places where it stands on them, unless nobody wants to know."""
    known = habits() if is_open(value) else PageHabits()
    evidence: tuple[Evidence, ...] = ()
    if journey.ground != Ground.OFF:
        seen = {page.page: await page_words(page, words) for page in pages}
        evidence = await located(value, seen, known, journey)
    return merging.Part(tuple(page.page for page in pages), value, evidence, known)


async def located(
    value: dict[str, Any], seen: Mapping[int, PageWords], habits: PageHabits, journey: Journey
) -> tuple[Evidence, ...]:
    """The places of a window's values, given the words of its pages; off the event loop where there are many."""
    return await aside(len(json.dumps(value)), _evidence, value, seen, habits, journey.plan)


def _evidence(
    value: dict[str, Any], seen: Mapping[int, PageWords], habits: PageHabits, plan: planning.Plan
) -> tuple[Evidence, ...]:
    """Where the values stand that the records will hold."""
    many, schema = plan.records == Records.MANY, plan.schema
    if many:
        value = {"records": [as_read(record, schema, habits) for record in value["records"]]}
    else:
        value = as_read(value, schema, habits)
    return grounding.ground(value, seen, schema.leaves, many=many)


async def page_words(page: PageImage, words: Words) -> PageWords:
    """The words of a page: those that are read from its picture, else its text layer's."""
    return await words[page.page] if page.page in words else PageWords(page.words, page.text_layer.whole)
