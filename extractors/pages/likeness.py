"""What the drawn page shows in a box: whether anything, and whether it is like a word."""

from functools import lru_cache
from typing import Any

from PIL import Image, ImageChops

from extractors.documents import Box

LEAST_CONTRAST = 20
"""Levels, of 255, between ink and ground, which print of 8 % opacity has: less is not seen."""

_STROKES, _WIDTH, _MOST_INK = 0.75, 0.6, 0.75
"""A drawn word: edges a letter along some row; share of its box that ink spans, and that is ink."""

_STEPS = bytes(level // 32 for level in range(256))

_STEEP, _BLUR = 0.35, 2
"""Share of a word's contrast that an edge of a stroke has, over so many pixels."""


def cut(box: Box, image: Image.Image, margin: float = 0.0) -> Image.Image:
    """The pixels of a box; without a margin, as a share of its height, where its neighbours' ink may be."""
    across, down = image.size
    x0, y0, x1, y1 = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    spare = margin * min(x1 - x0, y1 - y0)
    left, top = int(max(0, x0 + spare)), int(max(0, y0 + spare))
    right, bottom = round(min(across, x1 - spare)), round(min(down, y1 - spare))
    return image.crop((left, top, max(left + 1, right), max(top + 1, bottom)))


def contrast(seen: Image.Image) -> float:
    """Levels between the darkest and the lightest, in the channel that shows most."""
    extrema: Any = seen.getextrema()
    bands = [extrema] if seen.mode == "L" else extrema
    return float(max(top - bottom for bottom, top in bands))


def is_like(text: str, box: Box, image: Image.Image) -> bool:
    """Whether the ink in a word's box has about its extent, and strokes as its letters have."""
    seen = cut(box, image).convert("L")
    ways = [seen]
    if seen.height > seen.width and len(text) > 1:
        ways.append(seen.transpose(Image.Transpose.ROTATE_90))
    return any(_is_written(way, sum(map(str.isalnum, text))) for way in ways)


def _is_written(seen: Image.Image, letters: int) -> bool:
    """Whether a grey picture shows so many letters from left to right."""
    ink, wide = _ink(seen), seen.width
    if not wide or ink.count(1) > _MOST_INK * len(ink):
        return False
    below = 0
    for at in range(0, len(ink), wide):
        below |= int.from_bytes(ink[at : at + wide], "big")
    columns = below.to_bytes(wide, "big")
    if len(columns.strip(b"\0")) < _WIDTH * wide:
        return False
    return _edges(seen) >= _STROKES * letters


def _edges(seen: Image.Image) -> int:
    """The most edges that some row of a grey picture has: a stroke has two, a photo none as sharp."""
    steep = ImageChops.difference(seen, ImageChops.offset(seen, _BLUR, 0)).crop((_BLUR, 0, *seen.size))
    raw, width = steep.tobytes().translate(_far(0, int(_STEEP * contrast(seen)) + 1)), steep.width
    return max((_runs(raw[at : at + width]) for at in range(0, len(raw), width or 1)), default=0)


def _runs(row: bytes) -> int:
    """How often a row goes from 0 to 1."""
    return row.count(b"\0\1") + row.startswith(b"\1")


def _ink(seen: Image.Image) -> bytes:
    """1 for each pixel of a grey picture that is far from its ground, which is the level that most of it has."""
    levels = seen.tobytes()
    steps = levels.translate(_STEPS)
    ground = 16 + 32 * max(range(8), key=steps.count)
    dark, bright = min(levels), max(levels)
    return levels.translate(_far(ground, int(max(LEAST_CONTRAST, 0.35 * max(ground - dark, bright - ground)))))


@lru_cache(maxsize=1024)
def _far(ground: int, least: int) -> bytes:
    """1 for each level that is so far from one."""
    return bytes(abs(level - ground) >= least for level in range(256))


def is_gap(one: Box, other: Box, image: Image.Image) -> bool:
    """Whether nothing is drawn in the middle of what is between two words of a line."""
    x0, x1 = min(one[2], other[2]), max(one[0], other[0])
    if x1 <= x0:
        return True
    middle = ((3 * x0 + x1) / 4, min(one[1], other[1]), (x0 + 3 * x1) / 4, max(one[3], other[3]))
    words = min(contrast(cut(each, image)) for each in (one, other))
    return contrast(cut(middle, image, 0.2)) < max(LEAST_CONTRAST, words / 2)
