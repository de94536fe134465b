"""Whether print is too small to be read in the picture that is sent."""

import statistics
from collections.abc import Sequence

from PIL import Image

_LEAST = 7.0
"""Pixels of a font's size, or of a line of print, below which a model guesses."""

_SHARE = 0.2
"""Of a page's lines, from which it is not only a footer that is too small."""

_SHRUNK = 0.6
"""Of a picture's size, from which its print is measured: in less shrunk ones it is what its maker made it."""

_DARKER, _LINES = 4, 5
"""Levels by which a row of pixels with print is darker than paper; lines of print that tell their height."""


def is_too_small(sizes: Sequence[float]) -> bool:
    """Whether a page's print is too small, from the font's size in pixels of each of its lines."""
    return bool(sizes) and sum(size < _LEAST for size in sizes) >= _SHARE * len(sizes)


def shrinks_too_much(picture: Image.Image, size: tuple[int, int]) -> bool:
    """Whether a picture's lines are too small once it is sent at a size; not where no lines can be told apart.

    Args:
        picture: upright, before it is shrunk.
        size: pixels that it is sent at.
    """
    scale = size[1] / picture.height
    if scale > _SHRUNK:
        return False
    rows = picture.convert("L").resize((1, picture.height), Image.Resampling.BOX).tobytes()
    paper = statistics.mode(rows)
    printed = bytes(level <= paper - _DARKER for level in rows)
    heights = [len(run) for run in printed.split(b"\0") if run]
    return len(heights) >= _LINES and statistics.median(heights) * scale < _LEAST
