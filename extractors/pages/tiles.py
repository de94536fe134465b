"""A page whose print is too small in one picture, cut into as few parts as its text needs. Lengths are in pixels.

Parts overlap: in the blank between two lines or columns where there is one, so that no line stands in two parts, and
otherwise by some lines, so that each is whole in one of them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from PIL import Image

from extractors.pages.margins import ink_of
from extractors.pages.sizes import CELL, MOST_CELLS

MOST = 8
"""Parts of one page."""

_SIDE = MOST_CELLS * CELL
_OVERLAP = 112
_ENOUGH = 0.97
"""Of the size that is wished for: to reach the rest, no further part is cut."""

_BLANK = 3
"""Pixels of a blank that parts two lines."""


class Layout(NamedTuple):
    """How a page is cut: how many times larger than it was drawn, in how many columns and rows of parts."""

    scale: float
    columns: int
    rows: int


def layout(size: tuple[int, int], wanted: float) -> Layout:
    """As few parts as show a picture so many times larger, or, where eight do not, as large as eight can.

    Of as many parts those are taken that cut fewer lines of text.
    """
    found = [
        Layout(min(wanted, _room(columns) / size[0], _room(rows) / size[1]), columns, rows)
        for columns in range(1, MOST + 1)
        for rows in range(1, MOST // columns + 1)
    ]
    best = max(each.scale for each in found)
    good = [each for each in found if each.scale >= _ENOUGH * best]
    return min(good, key=lambda each: (each.columns * each.rows, each.columns))


def _room(parts: int) -> int:
    return parts * _SIDE - (parts - 1) * _OVERLAP


def part_sizes(size: tuple[int, int], cut: Layout) -> tuple[tuple[int, int], ...]:
    """Width and height of the parts of a picture of this size, at most."""
    parts = zip(size, (cut.columns, cut.rows), strict=True)
    width, height = (
        -(-int((side * cut.scale + (count - 1) * _OVERLAP) / count) // CELL) * CELL for side, count in parts
    )
    return ((width, height),) * (cut.columns * cut.rows)


def boxes(picture: Image.Image, columns: int, rows: int) -> Iterator[tuple[int, int, int, int]]:
    """The parts' boxes, line by line."""
    far = ink_of(picture.convert("L"))
    across = _spans(far.resize((picture.width, 1), Image.Resampling.BOX).tobytes(), columns)
    down = _spans(far.resize((1, picture.height), Image.Resampling.BOX).tobytes(), rows)
    for top, bottom in down:
        for left, right in across:
            yield left, top, right, bottom


def filled_up(part: Image.Image) -> Image.Image:
    """A part on paper of whole cells of the model's grid: a server would stretch it to them."""
    width, height = (-(-side // CELL) * CELL for side in part.size)
    if part.size == (width, height):
        return part
    paper = Image.new(part.mode, (width, height), "white")
    paper.paste(part)
    return paper


def _spans(inked: bytes, count: int) -> list[tuple[int, int]]:
    """The stretches of a side that the parts show, from how much ink there is at each pixel of it."""
    length = len(inked)
    step = (length + (count - 1) * _OVERLAP) / count
    edges = [(0, 0)]
    for number in range(1, count):
        end = round(number * (step - _OVERLAP)) + _OVERLAP
        edges.append(_blank(inked, end - _OVERLAP, end))
    edges.append((length, length))
    return [(one[0], other[1]) for one, other in pairwise(edges)]


def _blank(inked: bytes, start: int, end: int) -> tuple[int, int]:
    """The widest blank in a stretch, else all of it."""
    # What runs along all of the side, such as a table's rule, parts nothing.
    least = min(inked) + 1
    best, at = (start, start), start
    while at < end:
        stop = next((place for place in range(at, end) if inked[place] > least), end)
        if stop - at > best[1] - best[0]:
            best = (at, stop)
        at = stop + 1
    return best if best[1] - best[0] >= _BLANK else (start, end)
