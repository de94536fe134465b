"""Which words of a text layer a reader does not see: judged in the pixels that reach the model.

A cheap look at every word and span tells the few that are suspect; only these are looked at closely.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageDraw

from extractors.documents import Box

_LEGIBLE, _NARROWEST = 4.5, 1.0
"""Pixels of a font's size, and of a letter's width, below which nobody reads it: 2.2 pt on A4 are 4."""

_FAINT = 26
"""Opacity, of 255, below which nothing is told by a letter's own colour."""

_LIGHT = 229
_CONTRAST = 20
"""Levels, of 255, between ink and ground, which print of 8 % opacity has: less is not seen."""

_STEPS = bytes(level // 32 for level in range(256))
"""Levels in steps that are coarse enough for the closer look to find what is hardly seen."""

GRID = (384, 384)
"""Cells of a page on which places are told apart."""

_GROUND = 0.85
"""Share of a word's box in its own colour from which that is the ground."""

_STROKES, _WIDTH, _MOST_INK = 0.75, 0.6, 0.75
"""A drawn word: edges a letter along some row; share of its box that ink spans, and that is ink."""

_STEEP, _BLUR = 0.35, 2
"""Share of a word's contrast that an edge of a stroke has, over so many pixels."""


class Drawn(NamedTuple):
    """A word of the text layer, its box in fractions of the page; `block` counts what the page draws."""

    text: str
    box: Box
    block: int
    line: int


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
    if span["size"] * pixels < _LEGIBLE:
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


def unseen(words: Sequence[Drawn], suspect: Mapping[int, Suspicion], image: Image.Image) -> set[int]:
    """The numbers of those suspect words that the drawn page does not show."""
    hidden = {number for number, why in suspect.items() if why == Suspicion.TINY}
    lines: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for number, why in suspect.items():
        if why == Suspicion.UNDRAWN:
            lines[words[number].block, words[number].line].append(number)
        elif why != Suspicion.TINY and not _shows(words[number], image, light=why == Suspicion.LIGHT):
            hidden.add(number)
    for numbers in lines.values():
        hidden |= _not_drawn([(number, words[number]) for number in sorted(numbers)], image)
    return hidden


def looked_at(words: Sequence[Drawn], image: Image.Image, *, turned: bool) -> tuple[list[int], bool]:
    """A cheap look at all words; where lines are `turned`, some are for a closer one.

    Returns:
        The numbers of those through whose middle hardly anything is drawn, and whether a word stands in the place of
        another, as where something was covered and written anew.
    """
    (across, down), step = image.size, len(image.getbands())
    # One row of pixels in four is enough to meet every word.
    quarter = max(1, down // 4)
    levels, (columns, rows) = image.resize((across, quarter), Image.Resampling.NEAREST).tobytes(), GRID
    taken, last = bytearray(columns * rows), columns * (rows - 1)
    flat, twice = [], False
    for number, (text, (x0, y0, x1, y1), _, _) in enumerate(words):
        if turned and (y1 - y0) * down > (x1 - x0) * across and len(text) > 1:
            # It may run upwards, which a row does not show.
            flat.append(number)
            middle = min(columns - 1, int((x0 + x1) / 2 * columns))
            places = slice(int(y0 * rows + 1) * columns + middle, int(y1 * rows) * columns + middle, columns)
            twice = twice or 1 in taken[places]
            taken[places] = b"\1" * len(taken[places])
            continue
        row = min(quarter - 1, int((0.45 * y0 + 0.55 * y1) * quarter)) * across
        start, end = int(x0 * across), int(x1 * across) + 1
        seen = levels[(row + start) * step + step // 2 : (row + end) * step : step]
        steps = seen.translate(_STEPS)
        if not steps.strip(steps[:1]) or end - start <= len(text):
            flat.append(number)
        first = min(last, int((y0 + y1) / 2 * rows) * columns)
        left, right = first + int(x0 * columns) + 1, first + int(x1 * columns)
        if right > left:
            twice = (
                twice
                or taken.find(1, left, right) >= 0
                or taken.find(1, left + columns, right + columns) >= 0
                or taken.find(1, max(0, left - columns), max(0, right - columns)) >= 0
            )
            taken[left:right] = b"\1" * (right - left)
    return flat, twice


def _cut(box: Box, image: Image.Image, margin: float = 0.0) -> Image.Image:
    """The pixels of a box; without a margin, as a share of its height, where its neighbours' ink may be."""
    across, down = image.size
    x0, y0, x1, y1 = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    spare = margin * min(x1 - x0, y1 - y0)
    left, top = int(max(0, x0 + spare)), int(max(0, y0 + spare))
    right, bottom = round(min(across, x1 - spare)), round(min(down, y1 - spare))
    return image.crop((left, top, max(left + 1, right), max(top + 1, bottom)))


def _shows(word: Drawn, image: Image.Image, *, light: bool) -> bool:
    """Whether a word that is drawn stands out from its ground; a light one, whether that is darker than it."""
    if max(_cut(word.box, image).size) < _NARROWEST * len(word.text):
        return False
    seen = _cut(word.box, image, 0.2 if any(map(str.isalnum, word.text)) else 0.0)
    if _contrast(seen) < _CONTRAST:
        return False
    if not light:
        return True
    counts = seen.convert("L").histogram()
    return sum(counts[_LIGHT:]) < _GROUND * sum(counts)


def _contrast(seen: Image.Image) -> float:
    """Levels between the darkest and the lightest, in the channel that shows most."""
    extrema: Any = seen.getextrema()
    bands = [extrema] if seen.mode == "L" else extrema
    return float(max(top - bottom for bottom, top in bands))


def _not_drawn(line: Sequence[tuple[int, Drawn]], image: Image.Image) -> set[int]:
    """Those words of a line that nothing shows which was drawn in their place."""
    hidden = {number for number, word in line if _contrast(_cut(word.box, image)) < _CONTRAST}
    left = [(number, word) for number, word in line if number not in hidden]
    alike = sum(_is_like(word, image) for _, word in left)
    gaps = [_is_gap(one, other, image) for (_, one), (_, other) in pairwise(left)]
    if 2 * alike < len(left) or (len(gaps) > 1 and 3 * sum(gaps) < len(gaps)):
        hidden |= {number for number, _ in left}
    return hidden


def _is_like(word: Drawn, image: Image.Image) -> bool:
    """Whether the ink in a word's box has about its extent, and strokes as its letters have."""
    seen = _cut(word.box, image).convert("L")
    ways = [seen]
    if seen.height > seen.width and len(word.text) > 1:
        ways.append(seen.transpose(Image.Transpose.ROTATE_90))
    return any(_is_written(way, sum(map(str.isalnum, word.text))) for way in ways)


def _is_written(seen: Image.Image, letters: int) -> bool:
    """Whether a grey picture shows so many letters from left to right."""
    columns = _ink(seen).resize((seen.width, 1), Image.Resampling.BOX).tobytes()
    inked = [number for number, level in enumerate(columns) if level]
    share = sum(columns) / (255 * len(columns))
    if not inked or share > _MOST_INK or inked[-1] - inked[0] + 1 < _WIDTH * seen.width:
        return False
    return _edges(seen) >= _STROKES * letters


def _edges(seen: Image.Image) -> int:
    """The most edges that some row of a grey picture has: a stroke has two, a photo none as sharp."""
    steep = ImageChops.difference(seen, ImageChops.offset(seen, _BLUR, 0)).crop((_BLUR, 0, *seen.size))
    least = _STEEP * _contrast(seen)
    raw, width = steep.point([255 * (level >= least) for level in range(256)]).tobytes(), steep.width
    return max(
        (sum(map(bool, raw[at : at + width].split(b"\0"))) for at in range(0, len(raw), width or 1)), default=0
    )


def _ink(seen: Image.Image) -> Image.Image:
    """255 where a grey picture is far from its ground, which is the level that most of it has."""
    counts = seen.histogram()
    near = [sum(counts[max(0, level - 8) : level + 9]) for level in range(256)]
    ground = max(range(256), key=near.__getitem__)
    dark, bright = seen.getextrema()
    least = max(float(_CONTRAST), 0.35 * max(ground - float(dark), float(bright) - ground))  # type: ignore[arg-type]
    return seen.point([255 * (abs(level - ground) >= least) for level in range(256)])


def _is_gap(one: Drawn, other: Drawn, image: Image.Image) -> bool:
    """Whether nothing is drawn in the middle of what is between two words of a line."""
    x0, x1 = min(one.box[2], other.box[2]), max(one.box[0], other.box[0])
    if x1 <= x0:
        return True
    middle = ((3 * x0 + x1) / 4, min(one.box[1], other.box[1]), (x0 + 3 * x1) / 4, max(one.box[3], other.box[3]))
    words = min(_contrast(_cut(each.box, image)) for each in (one, other))
    return _contrast(_cut(middle, image, 0.2)) < max(_CONTRAST, words / 2)
