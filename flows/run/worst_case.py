"""What reading a document may take at most, and what it usually takes: the journey's calls, counted beforehand.

At most means: every answer is cut off or runs away, is asked again with more room, stays against the schema and is
repaired, after answers of nothing; every window is then cut in halves, down to single pages, and each page is looked
at once more for its rows. What nobody answers (time-outs, lost connections) comes on top.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from extractors import bundles
from extractors.asking import planning, splitting
from extractors.capacity import Capacity, Form
from extractors.documents import PageImage, Picture, Window
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


def askings(wanted: Asked, sizes: Sizes, capacity_of: Callable[[Form], Capacity]) -> Iterator[Asking]:
    """The questions about one document; `capacity_of` says what one request takes (`VisionClient.capacity`)."""
    if wanted.split:
        yield from _split(wanted, sizes, capacity_of)
        return
    (plan,) = wanted.plans
    capacity = capacity_of(plan.form)
    for group in planning.page_groups(len(sizes), capacity.pages):
        sent = [planning.sendable(page, capacity) for page in _window(group, sizes).pages]
        for window in planning.windows(sent, capacity):
            yield from _halved(window.numbers, partial(_largest, plan, sizes))
        yield from (Asking(_row_look(plan, page, sizes), 0, repaired=False) for page in group)
        if group[-1] < len(sizes):
            # A row that is torn between two windows: both pages alone.
            yield Asking(_largest(plan, sizes, (group[-1], group[-1] + 1)), 0, repaired=False)


def _split(wanted: Asked, sizes: Sizes, capacity_of: Callable[[Form], Capacity]) -> Iterator[Asking]:
    """Those of a file that is split: the looks, then each page a document of its own under the dearest schema."""
    wire = splitting.wire_schema([plan.schema for plan in wanted.plans])
    small = [[small_size(max(parts, default=(0, 0)))] for parts in sizes]
    for look in bundles.look_groups(len(sizes), capacity_of(splitting.form(wire)).pages):
        yield from _halved(
            (*look.before, *look.pages), lambda pages: size_of(splitting.request(wire, _window(pages, small)))
        )
    # A page may be in a window of each size that halving leaves.
    most = max(capacity_of(plan.form).pages for plan in wanted.plans)
    levels = (most - 1).bit_length() + 1
    for page in range(1, len(sizes) + 1):
        yield Asking(_joined([_largest(plan, sizes, (page,)) for plan in wanted.plans]), 1, times=levels)
        yield Asking(_joined([_row_look(plan, page, sizes) for plan in wanted.plans]), 0, repaired=False)


def _halved(pages: tuple[int, ...], size: Callable[[tuple[int, ...]], Size], *, usual: int = 1) -> Iterator[Asking]:
    yield Asking(size(pages), usual)
    if len(pages) > 1:
        middle = len(pages) // 2
        yield from _halved(pages[:middle], size, usual=0)
        yield from _halved(pages[middle:], size, usual=0)


def _largest(plan: planning.Plan, sizes: Sizes, pages: tuple[int, ...]) -> Size:
    """A window's question as a whole document's and as a part's: which it is shows when blank pages are known."""
    window = _window(pages, sizes)
    return _joined([size_of(planning.request(plan, window, whole=whole)) for whole in (True, False)])


def _row_look(plan: planning.Plan, page: int, sizes: Sizes) -> Size:
    return size_of(planning.ask_for_rows(plan, _window((page,), sizes).pages[0], 999))


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
