"""Which words of a text layer a reader does not see: judged in the pixels that reach the model.

A cheap look at every word and span tells the few that are suspect; only these are looked at closely.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import IntEnum
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from extractors.documents import Box
from extractors.pages.likeness import LEAST_CONTRAST, contrast, cut, is_gap, is_like

LEGIBLE, _NARROWEST = 4.5, 1.0
"""Pixels of a font's size, and of a letter's width, below which nobody reads it: 2.2 pt on A4 are 4."""

_FAINT = 26
"""Opacity, of 255, below which nothing is told by a letter's own colour."""

_LIGHT = 229
_STEPS = bytes(level // 32 for level in range(256))
"""Levels in steps that are coarse enough for the closer look to find what is hardly seen."""

_HEIGHTS, _SHORT = (0.55, 0.4, 0.7), 2
"""Of a word's box, where a row of pixels meets its strokes; letters of a word that is no wider than high."""

_RUN = 1.2
"""Widths of an em over which a line shows nothing, from which its words are looked at: a gap takes less."""

GRID = (384, 384)
"""Cells of a page on which places are told apart."""

_GROUND = 0.85
"""Share of a word's box in its own colour from which that is the ground."""

_SAMPLE, _LOOKS = 24, 3
"""Words of a layer, and of a line, that are looked at closely."""

_LAYER, _FITS, _STAIN = 10, 0.8, 2
"""An OCR layer: words, the share of them that are drawn there; words of a line, and letters, that may be none."""


class Drawn(NamedTuple):
    """A word of the text layer, its box in fractions of the page; `block` counts what the page draws."""

    text: str
    box: Box
    block: int
    line: int


class Line(NamedTuple):
    """A line of the text layer, its box in fractions of the page; `em` is its font's size in pixels."""

    box: Box
    em: float
    turned: bool


class Cover(NamedTuple):
    """Something that is drawn over what stands there before it, its box in fractions of the page."""

    box: Box
    block: int


class Suspicion(IntEnum):
    """Why a word may not be seen; the greater is looked at more strictly."""

    FLAT = 1
    """The page hardly shows anything there."""
    LIGHT = 2
    """It is as light as paper."""
    UNDRAWN = 3
    """It is invisible or hardly opaque, or something was drawn over it: another may show the same word there."""
    TINY = 4
    """Too small to be read."""


class Suspect(NamedTuple):
    """A stretch of text that may not be seen, its box in fractions of the page."""

    box: Box
    suspicion: Suspicion


def suspicion_of(span: Mapping[str, Any], pixels: float) -> Suspicion | None:
    """What is suspect about a span of MuPDF's (`extractDICT`) by itself; a unit is drawn as so many pixels."""
    if span["size"] * pixels < LEGIBLE:
        return Suspicion.TINY
    if span["alpha"] < _FAINT:  # also in the invisible mode
        return Suspicion.UNDRAWN
    colour = span["color"]
    light = colour >= _LIGHT << 16 and min(colour >> 8 & 255, colour & 255) >= _LIGHT
    return Suspicion.LIGHT if light else None


def suspicions(
    words: Sequence[Drawn], spans: Sequence[Suspect], pictures: Sequence[Cover], flat: Sequence[int]
) -> dict[int, Suspicion]:
    """Word's number -> why it may not be seen.

    Args:
        words: of the page.
        spans: those that are suspect.
        pictures: that the page shows.
        flat: numbers of the words where it hardly shows anything.
    """
    found = dict.fromkeys(flat, Suspicion.FLAT)
    found |= dict.fromkeys(under(words, pictures), Suspicion.UNDRAWN)
    if spans:
        places = _painted([(each.box, each.suspicion) for each in sorted(spans, key=_suspicion)])
        found |= {
            number: Suspicion(why)
            for number, word in enumerate(words)
            if (why := places(word.box)) > found.get(number, 0)
        }
    return found


def _suspicion(suspect: Suspect) -> Suspicion:
    return suspect.suspicion


def under(words: Sequence[Drawn], covers: Sequence[Cover]) -> list[int]:
    """The numbers of the words that something is drawn over."""
    if not covers:
        return []
    last = _painted([(cover.box, cover.block + 1) for cover in covers])
    return [number for number, word in enumerate(words) if last(word.box) > word.block + 1]


def overwritten(words: Sequence[Drawn]) -> bool:
    """Whether another word is drawn in the place of one."""
    owner = _painted([(word.box, number) for number, word in enumerate(words)])
    return any(words[owner(word.box)].text != word.text for word in words)


def _painted(boxes: Sequence[tuple[Box, int]]) -> Callable[[Box], int]:
    """What tells the number of the last box that holds the middle of another, 0 for none; in linear time."""
    places = Image.new("I", GRID)
    brush, (across, down) = ImageDraw.Draw(places), GRID
    for (x0, y0, x1, y1), number in boxes:
        brush.rectangle(
            (int(x0 * across), int(y0 * down), max(int(x0 * across), math.ceil(x1 * across) - 1),
             max(int(y0 * down), math.ceil(y1 * down) - 1)),
            fill=number,
        )  # fmt: skip
    pixels: Any = places.load()

    def last(box: Box) -> int:
        x, y = int((box[0] + box[2]) / 2 * across), int((box[1] + box[3]) / 2 * down)
        return int(pixels[min(x, across - 1), min(y, down - 1)])

    return last


def unseen(
    words: Sequence[Drawn], suspect: Mapping[int, Suspicion], flat: Sequence[int], image: Image.Image
) -> set[int]:
    """The numbers of those suspect words that the drawn page does not show; where `flat`, hardly anything is."""
    hidden = {number for number, why in suspect.items() if why == Suspicion.TINY}
    undrawn = {number: words[number] for number, why in suspect.items() if why == Suspicion.UNDRAWN}
    for number, why in suspect.items():
        light = why == Suspicion.LIGHT
        if number not in hidden and number not in undrawn and not _shows(words[number], image, light=light):
            hidden.add(number)
    return hidden | _not_drawn(undrawn, undrawn.keys() & set(flat), image)


def looked_at(lines: Sequence[Line], words: Sequence[Drawn], image: Image.Image) -> tuple[list[int], bool]:
    """A cheap look at all lines, and at the words of those where hardly anything is drawn over a word's width.

    Returns:
        The numbers of the words to look at closely, and whether a line stands in the place of another, as where
        something was covered and written anew.
    """
    # One row of pixels in four, and one column in two, are enough to meet every letter.
    across, down, step = max(1, image.width // 2), max(1, image.height // 4), len(image.getbands())
    levels = image.resize((across, down), Image.Resampling.NEAREST).tobytes()

    def steps(box: Box, height: float = 0.55) -> bytes:
        x0, y0, x1, y1 = box
        row = min(down - 1, int((y0 + height * (y1 - y0)) * down)) * across
        first, last = max(0, int(x0 * across)), min(across, int(x1 * across) + 1)
        return levels[(row + first) * step + step // 2 : (row + last) * step : step].translate(_STEPS)

    bare = [line for line in lines if line.turned or _has_run(steps(line.box), int(_RUN / 2 * line.em) + 1)]
    flat: list[int] = []
    if bare:
        holds = _painted([(line.box, 1) for line in bare])
        heights = {height for line in bare for height in range(int(line.box[1] * down), int(line.box[3] * down) + 1)}
        for number, (text, box, _, _) in enumerate(words):
            x0, y0, x1, y1 = box
            if int((y0 + y1) / 2 * down) in heights and holds(box):
                # What runs upwards, a row does not show; of a short word one row may meet no stroke.
                tall = len(text) > _SHORT and (y1 - y0) * image.height > (x1 - x0) * image.width
                if tall or not any(seen.strip(seen[:1]) for seen in (steps(box, height) for height in _HEIGHTS)):
                    flat.append(number)
    return flat, _stand_in_one_place(lines)


def _has_run(steps: bytes, length: int) -> bool:
    """Whether a row of pixels is even over so many, or as a whole."""
    if len(steps) <= length:
        return True
    a, b, c, d, e, f, g, h = _runs(length)
    # The lightest first: that is paper.
    return (
        h in steps or a in steps or b in steps or c in steps or d in steps or e in steps or f in steps or g in steps
    )


@lru_cache(maxsize=256)
def _runs(length: int) -> tuple[bytes, ...]:
    return tuple(bytes([step]) * length for step in range(8))


def _stand_in_one_place(lines: Sequence[Line]) -> bool:
    columns, rows = GRID
    level: dict[int, list[tuple[int, int]]] = defaultdict(list)
    upright: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (x0, y0, x1, y1), _, turned in lines:
        if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            continue
        along, across, taken = ((y0, y1), (x0, x1), upright) if turned else ((x0, x1), (y0, y1), level)
        # A part of its height, so that neighbours do not meet.
        middle, spare = int(sum(across) / 2 * rows), int((across[1] - across[0]) / 6 * rows)
        stretch = int(along[0] * columns) + 1, int(along[1] * columns)
        if stretch[0] >= stretch[1]:
            continue
        if _meets(taken[middle], stretch):
            return True
        for row in range(max(0, middle - spare), min(rows, middle + spare + 1)):
            insort(taken[row], stretch)
    return False


def _meets(taken: Sequence[tuple[int, int]], stretch: tuple[int, int]) -> bool:
    """Whether a stretch shares some of its length with one of those that are taken, which are in order."""
    at = bisect_left(taken, stretch)
    return any(one[0] < stretch[1] and stretch[0] < one[1] for one in taken[max(0, at - 2) : at + 2])


def _shows(word: Drawn, image: Image.Image, *, light: bool) -> bool:
    """Whether a word that is drawn stands out from its ground; a light one, whether that is darker than it."""
    if max(cut(word.box, image).size) < _NARROWEST * len(word.text):
        return False
    seen = cut(word.box, image, 0.2 if any(map(str.isalnum, word.text)) else 0.0)
    if contrast(seen) < LEAST_CONTRAST:
        return False
    if not light:
        return True
    counts = seen.convert("L").histogram()
    return sum(counts[_LIGHT:]) < _GROUND * sum(counts)


def _not_drawn(undrawn: Mapping[int, Drawn], bare: AbstractSet[int], image: Image.Image) -> set[int]:
    """Those of some words that nothing shows which was drawn in their place: an OCRed scan shows all but a few.

    In the layer of one, a word or two that do not fit are what OCR made of a stain; more are not.

    Args:
        undrawn: the words.
        bare: those in whose place hardly anything is drawn.
        image: the page.
    """
    bare = {number for number in bare if contrast(cut(undrawn[number].box, image)) < LEAST_CONTRAST}
    lines: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for number in sorted(undrawn.keys() - bare):
        lines[undrawn[number].block, undrawn[number].line].append(number)
    like = cache(lambda number: is_like(undrawn[number].text, undrawn[number].box, image))
    sample = sorted(undrawn)[:: max(1, len(undrawn) // _SAMPLE)]
    fit = sum(number not in bare and like(number) for number in sample)
    of_ocr = len(undrawn) >= _LAYER and fit >= _FITS * len(sample)
    hidden = {number for number in bare if not of_ocr or len(undrawn[number].text) > _STAIN}
    for line in lines.values():
        some = sorted(line, key=lambda number: -len(undrawn[number].text))[:_LOOKS]
        if of_ocr and (len(line) <= _STAIN or like(some[0])):
            continue
        gaps = [is_gap(undrawn[one].box, undrawn[other].box, image) for one, other in list(pairwise(line))[:_LOOKS]]
        if 2 * sum(map(like, some)) < len(some) or (len(gaps) > 1 and 3 * sum(gaps) < len(gaps)):
            hidden.update(line)
    return hidden
