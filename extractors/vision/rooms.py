"""How many pages' pictures one request of a run may hold: as many as every endpoint that is left takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from extractors.documents import VisionRequest
from extractors.errors import BadConfiguration
from extractors.vision.contexts import Ask, needed, no_room, picture_tokens
from extractors.vision.estimating import text_tokens
from extractors.vision.flow import Flow


@dataclass(frozen=True)
class Wanted:
    """What is wanted of every endpoint.

    Attributes:
        ask: the questions about so many pages, without their pictures.
        most: pages that are wanted in one request.
        page: tokens of a usual one.
        what: is asked for, in words.
        answer: tokens that no answer may exceed; None: as the questions say.
        beside: tokens that a person's parameters put into every prompt.
    """

    ask: Ask
    most: int
    page: int
    what: str
    answer: int | None
    beside: int

    def questions(self, pages: int) -> list[VisionRequest]:
        """About so many pages, their answers as long as they may be."""
        asked, most = self.ask(pages), self.answer
        if most is None:
            return list(asked)
        return [replace(each, answer_tokens=min(each.answer_tokens, most)) for each in asked]


async def rooms_of(flows: Sequence[Flow], wanted: Wanted, notice: Callable[[str], None]) -> tuple[int, ...]:
    """What every endpoint's context leaves for the pictures of 1, 2, ... pages (`contexts.picture_tokens`).

    An endpoint that cannot hold one usual page is out before it is asked anything; `notice` hears of it.

    Raises:
        BadConfiguration: none can.
    """
    flows = [flow for flow in flows if flow.out is None]
    rooms = {flow: await _room(flow, wanted) for flow in flows}
    left = [flow for flow in flows if flow.out is None]
    told = [flow.out for flow in flows if flow.out is not None]
    if not left:
        raise BadConfiguration("; ".join(told))
    for each in told:
        notice(f"{each}; going on with {', '.join(flow.endpoint.name for flow in left)}")
    pages = min(len(rooms[flow]) for flow in left)
    if pages < wanted.most:
        tight = next(flow.endpoint for flow in left if len(rooms[flow]) == pages)
        holds = f"{tight.name}'s context of {tight.context:,} tokens holds {pages} page{'s' * (pages > 1)}"
        notice(f"{wanted.what}: {holds} a request, instead of {wanted.most}")
    return tuple(min(rooms[flow][number] for flow in left) for number in range(pages))


async def _room(flow: Flow, wanted: Wanted) -> tuple[int, ...]:
    # Two at least: where a row is torn between two windows, their pages are asked together.
    most = max(2, wanted.most)
    room, count = await picture_tokens(flow.endpoint, wanted.questions, most, wanted.page, wanted.beside)
    if count is not text_tokens:
        flow.count = count  # for all that is asked of it, whichever plan it mattered for
    if not room:
        tokens = max(needed(flow.endpoint, each, 1, count) for each in wanted.questions(1))
        flow.out = no_room(flow.endpoint, tokens + wanted.beside, wanted.page, wanted.what)
    return room
