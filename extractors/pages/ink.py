"""Whether a page that shows no words is blank: by the structure of what is on it, not by how dark that is.

Writing is strokes that stand in lines, also where pencil is hardly darker than its paper. Dust is specks, a punch
hole a disc at the edge, a scan's dark edge lies along it. A blank page is not sent: where unsure, it is not blank.
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from PIL import Image, ImageChops, ImageFilter

_LIGHT = 200
"""Level of the ground below which a page is dark, and never blank."""

_DARK, _DARK_SHARE = 64, 0.015
"""Levels from the ground, and share of a page's inner part that is so far from it, from which it is not blank."""

_SMALL, _EVEN, _PIXELS = 200, 16, 10
"""Pixels of a side below which there is no structure to see: there so many pixels of that contrast are ink."""

_LEAST, _NOISE, _GRAINY = 7, 6, 5
"""Levels from the ground around them that marks have at least, and times the usual distance: paper has a grain, of no
more levels than the last."""

_EDGE, _HOLES = 0.05, 0.13
"""Share of a page's side, from its edge, in which shadows lie, and holes are punched."""

_SPECK, _STROKE = 4, 7
"""Pixels of a mark's longer side, two of the page to one, from which it may be a letter, and from which it is ink."""

_HOLE, _ROUND, _SOLID = (0.008, 0.05), 1.5, 0.6
"""Of the page's longer side; width to height or its inverse; ink of its box: a punch hole."""

_STREAK = 0.5
"""Of the page's side, from which a line of a pixel or two is dirt on the scanner's glass."""

_IN_LINE, _LOOSE, _NEAR = 3, 12, 5
"""Marks in a line, or anywhere, that are writing; times its height that a mark stands from the next in its line."""

_MOST_RUNS = 20_000


class _Mark(NamedTuple):
    """Pixels that hang together: their box, and how many they are."""

    x0: int
    y0: int
    x1: int
    y1: int
    area: int

    @property
    def longer(self) -> int:
        return max(self.x1 - self.x0, self.y1 - self.y0)


def is_blank(image: Image.Image) -> bool:
    """Whether a drawn page has nothing that could be read."""
    if min(image.size) < _SMALL:
        return _is_even(_darkest(image))
    if _shows_much(image):
        return False
    grey = _darkest(image)
    ground = _ground(grey)
    if ground < _LIGHT or _shows_much(grey):
        return False
    marks = _marks(grey.reduce(2))
    return marks is not None and not _is_writing([mark for mark in marks if mark.longer >= _SPECK])


def _darkest(image: Image.Image) -> Image.Image:
    """The darkest of a picture's channels: pale yellow print is seen in the blue one."""
    if image.mode == "L":
        return image
    red, green, blue = image.convert("RGB").split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)


def _ground(grey: Image.Image) -> int:
    counts = grey.histogram()
    return max(range(256), key=counts.__getitem__)


def _is_even(grey: Image.Image) -> bool:
    counts, ground = grey.histogram(), _ground(grey)
    inked = sum(count for level, count in enumerate(counts) if abs(level - ground) > _EVEN)
    return ground >= _LIGHT and inked < _PIXELS


def _shows_much(image: Image.Image) -> bool:
    """Whether the inner part of a page has so much ink that one pixel in 64 is enough to see it."""
    across, down = image.width // 8, image.height // 8
    sample = image.resize((across, down), Image.Resampling.NEAREST).convert("L")
    spare_x, spare_y = int(across * _HOLES), int(down * _HOLES)
    counts = sample.crop((spare_x, spare_y, across - spare_x, down - spare_y)).histogram()
    ground = max(range(256), key=counts.__getitem__)
    return sum(counts[: max(0, ground - _DARK)]) >= _DARK_SHARE * sum(counts)


def _marks(grey: Image.Image) -> list[_Mark] | None:
    """What stands out from the paper around it, but for what a scanner and a punch leave; None for too much."""
    width, height = grey.size
    paper = grey.resize((max(3, width // 16), max(3, height // 16)), Image.Resampling.BOX)
    paper = paper.filter(ImageFilter.MaxFilter(5)).resize(grey.size, Image.Resampling.BILINEAR)
    far = ImageChops.difference(grey, paper)
    usual = _median(far.histogram())
    if usual > _GRAINY:
        return None
    least = max(_LEAST, _NOISE * usual)
    mask = far.point([255 * (level >= least) for level in range(256)]).tobytes()
    found = _connected(mask, width, height)
    return None if found is None else [mark for mark in found if not _is_left_behind(mark, width, height)]


def _median(counts: list[int]) -> int:
    half, sum_so_far = sum(counts) / 2, 0
    for level, count in enumerate(counts):
        sum_so_far += count
        if sum_so_far >= half:
            return level
    return 255


def _runs(mask: bytes, width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Row, first and last column (behind it) of each run of 255 in a mask; shadows along the edges are left out."""
    at_side, above, below = _EDGE * width, _EDGE * height, (1 - _EDGE) * height
    for y in range(height):
        row = mask[y * width : (y + 1) * width]
        x = row.find(255)
        while x >= 0:
            end = row.find(0, x)
            end = width if end < 0 else end
            beside = (x == 0 or end == width) and end - x <= at_side
            across = not above <= y < below and end - x >= _STREAK * width
            if not beside and not across:
                yield y, x, end
            x = row.find(255, end)


def _connected(mask: bytes, width: int, height: int) -> list[_Mark] | None:
    """The marks of a mask, joined over corners too; None where they are too many to be told apart."""
    runs = list(islice(_runs(mask, width, height), _MOST_RUNS + 1))
    if len(runs) > _MOST_RUNS:
        return None
    owner = list(range(len(runs)))
    place = 0
    for number, (y, x0, x1) in enumerate(runs):
        # Runs stand in order: those that end before this one begins, in the row above it, are done with.
        while runs[place][0] < y - 1 or (runs[place][0] == y - 1 and runs[place][2] < x0):
            place += 1
        at = place
        while runs[at][0] < y and runs[at][1] <= x1:
            owner[_root(owner, number)] = _root(owner, at)
            at += 1
    marks: dict[int, _Mark] = {}
    for number, (y, x0, x1) in enumerate(runs):
        top = _root(owner, number)
        known = marks.get(top, _Mark(x0, y, x1, y + 1, 0))
        marks[top] = _Mark(
            min(known.x0, x0), known.y0, max(known.x1, x1), y + 1, known.area + x1 - x0
        )  # fmt: skip
    return list(marks.values())


def _root(owner: list[int], number: int) -> int:
    while owner[number] != number:
        owner[number] = owner[owner[number]]
        number = owner[number]
    return number


def _is_left_behind(mark: _Mark, width: int, height: int) -> bool:
    """Whether a mark is a shadow along the edge, a punch hole, or a streak from dirt on the glass."""
    across, down = mark.x1 - mark.x0, mark.y1 - mark.y0
    nearest = min(mark.x1 / width, mark.y1 / height, 1 - mark.x0 / width, 1 - mark.y0 / height)
    touches = mark.x0 == 0 or mark.y0 == 0 or mark.x1 == width or mark.y1 == height
    if nearest <= _EDGE and touches:
        return True
    if (across <= 2 * _SPECK and down >= _STREAK * height) or (down <= 2 * _SPECK and across >= _STREAK * width):
        return True
    least, most = (share * max(width, height) for share in _HOLE)
    near_edge = nearest - max(across / width, down / height) / 2 <= _HOLES
    is_round = max(across, down) <= _ROUND * min(across, down) and mark.area >= _SOLID * across * down
    return near_edge and is_round and least <= mark.longer <= most


def _is_writing(marks: list[_Mark]) -> bool:
    """Whether marks are strokes, or stand in a line."""
    if len(marks) >= _LOOSE or any(mark.longer >= _STROKE for mark in marks):
        return True
    in_row = sorted(marks)
    for first in in_row:
        line = [mark for mark in in_row if mark.y0 < first.y1 and first.y0 < mark.y1]
        run = 1
        for left, right in pairwise(line):
            near = right.x0 - left.x1 <= _NEAR * max(left.y1 - left.y0, right.y1 - right.y0)
            run = run + 1 if near else 1
            if run >= _IN_LINE:
                return True
    return False
