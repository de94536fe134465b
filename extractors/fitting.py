"""Plans that fit: as many pages in one request as every endpoint's context holds beside prompt and answer."""

from collections.abc import Sequence
from dataclasses import replace

from extractors.asking import planning, splitting, wide
from extractors.documents import PageImage, VisionRequest, Window
from extractors.journey import Asks
from extractors.pages.sizes import small_size
from extractors.vision import VisionClient
from extractors.vision.estimating import page_tokens

_A4 = (1092, 1540)
"""Pixels of a usual page as it is drawn."""


async def fitted(plan: planning.Plan, vision: VisionClient) -> planning.Plan:
    """A plan with so many pages a request as every endpoint of the run takes.

    Raises:
        BadConfiguration: no endpoint holds a single page under its schema, or a prefill fits some of its questions.
    """
    forms = [wide.in_groups(planning.request(plan, Window(()), whole=whole)) for whole in (True, False)]
    groups = [group for form in forms for group in form]
    if len(forms[0]) > 1:
        name = plan.schema.name
        vision.refuse_a_field_begun(f"{name}, whose fields are asked for in {len(forms[0])} groups")

    def ask(pages: int) -> list[VisionRequest]:
        return [replace(group, answer_tokens=planning.answer_tokens(group.schema, pages)) for group in groups]

    page = _tokens_of(_A4)
    rooms = await vision.room_for(ask, plan.pages_per_request, page, plan.schema.name)
    return replace(plan, pages_per_request=min(len(rooms), plan.pages_per_request), picture_tokens=rooms)


async def room_for_looks(plans: Sequence[planning.Plan], vision: VisionClient) -> tuple[int, ...]:
    """What one look at the pages of a file may hold: tokens of 1, 2, ... pages' pictures.

    Raises:
        BadConfiguration: no endpoint holds a single page, or a prefill does not fit.
    """
    vision.refuse_a_field_begun("the look at a file's pages (--split)")
    wire = splitting.wire_schema([plan.schema for plan in plans])

    def ask(pages: int) -> list[VisionRequest]:
        question = splitting.request(wire, Window(()))
        return [replace(question, answer_tokens=splitting.answer_tokens(pages))]

    page = _tokens_of(small_size(_A4))
    return await vision.room_for(ask, splitting.MOST_PAGES, page, "the look at a file's pages")


def _tokens_of(size: tuple[int, int]) -> int:
    return page_tokens(PageImage(1, b"", *size, ""))


def room_of(picture_tokens: tuple[int, ...], vision: Asks) -> planning.Room:
    """What one request may hold, of every endpoint."""
    return planning.Room(vision.most_pictures, vision.most_bytes, picture_tokens, page_tokens)
