"""What reading a document may take at most, and what it usually takes: the journey's calls, counted beforehand.

At most means: every answer is cut off or runs away, is asked again with more room, stays against the schema and is
repaired, after answers of nothing; every window is then cut in halves, down to single pages, and each page is looked
at once more for its rows. A wide schema is so many questions as it has groups, and each of them is cut once more.
What nobody answers (time-outs, lost connections) comes on top.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

from extractors import bundles
from extractors.asking import planning, splitting, wide
from extractors.documents import PageImage, Picture, VisionRequest, Window
from extractors.fitting import room_of
from extractors.journey import Asks
from extractors.pages.sizes import small_size
from extractors.vision.estimating import Size, size_of
from flows.run.asked import Asked

Sizes = Sequence[Sequence[tuple[int, int]]]
"""Of the pictures that each page is sent as."""

_TRIES = 4
"""Calls for one answer that may be billed: two of nothing, one that nobody can read, and the answer."""

_FAULTS = 15_000
"""Tokens of what a repair round says about the first answer, at most; the answer itself comes beside it."""


@dataclass(frozen=True)
class Asking:
    """One question of the journey.

    Attributes:
        size: of the question, of its forms the largest.
        usual: how often it is asked when all goes well: 1, or 0 for what only goes wrong.
        repaired: whether a refused answer is sent back.
        times: how often it may be asked at most.
    """

    size: Size
    usual: int
    repaired: bool = True
    times: int = 1


def limits_of(answer: int, most: int | None) -> list[int]:
    """The limits under which an answer is asked for: doubled as `VisionClient.ask` does, the last one twice."""
    most = answer * 2 if most is None else most
    limits = [min(answer, most)]
    while limits[-1] < most:
        limits.append(min(most, limits[-1] * 2))
    return [*limits, limits[-1]]


def worst(asking: Asking, sent: int, limits: Sequence[int]) -> tuple[int, int, int]:
    """Calls, input and output tokens of a question at most; `sent` is its input at the endpoint."""
    rounds = 2 if asking.repaired else 1
    calls = asking.times * _TRIES * len(limits)
    repair = sent + limits[-1] + _FAULTS if asking.repaired else 0
    return calls * rounds, calls * (sent + repair), asking.times * _TRIES * rounds * sum(limits)


def askings(wanted: Asked, sizes: Sizes, vision: Asks) -> Iterator[Asking]:
    """The questions about one document, under plans that fit."""
    if wanted.split:
        yield from _split(wanted, sizes, vision.most_pictures)
        return
    (plan,) = wanted.plans
    room = room_of(plan.picture_tokens, vision)
    for group in planning.page_groups(len(sizes), min(plan.pages_per_request, vision.most_pictures)):
        sent = [planning.sendable(page, room) for page in _window(group, sizes).pages]
        for window in planning.windows(sent, room):
            yield from _halved(window.numbers, partial(_questions, plan, sizes))
        for page in group:
            yield from (Asking(size, 0, repaired=False) for size in _row_look(plan, page, sizes))
        if group[-1] < len(sizes):
            # A row that is torn between two windows: both pages alone.
            for asking in _questions(plan, sizes, (group[-1], group[-1] + 1)):
                yield replace(asking, usual=0, repaired=False)


def _split(wanted: Asked, sizes: Sizes, most_pictures: int) -> Iterator[Asking]:
    """Those of a file that is split: the looks, then each page a document of its own under the dearest schema."""
    wire = splitting.wire_schema([plan.schema for plan in wanted.plans])
    small = [[small_size(max(parts, default=(0, 0)))] for parts in sizes]
    for look in bundles.look_groups(len(sizes), bundles.look_pages(wanted.look_tokens, most_pictures)):
        yield from _halved(
            (*look.before, *look.pages),
            lambda pages: [Asking(size_of(splitting.request(wire, _window(pages, small))), 1)],
        )
    # A page may be in a window of each size that halving leaves.
    most = max(min(plan.pages_per_request, most_pictures) for plan in wanted.plans)
    levels = (most - 1).bit_length() + 1
    for page in range(1, len(sizes) + 1):
        for each in zip_longest(*(_questions(plan, sizes, (page,)) for plan in wanted.plans)):
            told = [asking for asking in each if asking is not None]
            usual = max(asking.usual for asking in told)
            yield Asking(_joined([asking.size for asking in told]), usual, times=levels)
        for looks in zip_longest(*(_row_look(plan, page, sizes) for plan in wanted.plans)):
            yield Asking(_joined([size for size in looks if size is not None]), 0, repaired=False)


def _halved(
    pages: tuple[int, ...], questions: Callable[[tuple[int, ...]], list[Asking]], *, usual: bool = True
) -> Iterator[Asking]:
    yield from (asking if usual else replace(asking, usual=0) for asking in questions(pages))
    if len(pages) > 1:
        middle = len(pages) // 2
        yield from _halved(pages[:middle], questions, usual=False)
        yield from _halved(pages[middle:], questions, usual=False)


def _questions(plan: planning.Plan, sizes: Sizes, pages: tuple[int, ...]) -> list[Asking]:
    """A window's questions as a whole document's and as a part's: which it is shows when blank pages are known."""
    window = _window(pages, sizes)
    forms = [planning.request(plan, window, whole=whole) for whole in (True, False)]
    asked = [wide.in_groups(form) for form in forms]
    cut = [_smaller(form, groups) for form, groups in zip(forms, asked, strict=True)]
    return [
        *(Asking(_joined([size_of(form) for form in each]), 1) for each in zip(*asked, strict=True)),
        *(Asking(_joined([size_of(form) for form in each]), 0) for each in zip(*cut, strict=True)),
    ]


def _smaller(question: VisionRequest, asked: Sequence[VisionRequest]) -> list[VisionRequest]:
    """What is asked when answers are cut off: a wide question's groups are cut once, another one on a single page."""
    if len(asked) > 1:
        return [smaller for each in asked for smaller in wide.smaller(each)]
    if len(question.pages) > 1:
        return []
    return wide.smaller(question)


def _row_look(plan: planning.Plan, page: int, sizes: Sizes) -> list[Size]:
    asked = wide.in_groups(planning.ask_for_rows(plan, _window((page,), sizes).pages[0], 999))
    if len(asked) > 1:
        asked = wide.about_rows(plan, asked)
        asked += [smaller for each in asked for smaller in wide.smaller(each)]
    return [size_of(each) for each in asked]


def _joined(sizes: Sequence[Size]) -> Size:
    return Size(
        max(each.prompt for each in sizes), max(each.schema for each in sizes), max(each.answer for each in sizes),
        max(each.usual for each in sizes),
    )  # fmt: skip


def _window(pages: Sequence[int], sizes: Sizes) -> Window:
    return Window(tuple(_page(page, sizes[page - 1]) for page in pages))


def _page(number: int, sizes: Sequence[tuple[int, int]]) -> PageImage:
    width, height = max(sizes, default=(0, 0))
    parts = tuple(Picture(b"", *size, sha256="") for size in sizes) if len(sizes) > 1 else ()
    return PageImage(number, b"", width, height, "", tiles=parts, blank=not sizes)
