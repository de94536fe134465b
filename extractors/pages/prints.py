"""What a page's text layer does not tell, and its picture shows: how the page lies, and how large its print is."""

import math
from collections.abc import Callable
from typing import Any

from PIL import Image

from extractors.documents import TextLayer
from extractors.pages.legible import measured_size
from extractors.pages.scans import is_drawn, is_scanned, sharpness
from extractors.pages.sheets import WORTH
from extractors.pages.turned import turn_of, turned

FAR = 3.0
"""Times that a scan has more pixels a side than its picture, from which its print may be too small to be measured in
that."""

LARGE = 1000.0
"""Points of a page's longer side, from which the same may be so of print that is drawn as lines: A3 has 1190."""

_SURE = 2.0
"""Times larger that a page is looked at again before it is turned, where there is so much more to be seen of it."""

STAMP = 40
"""Words at most that were stamped on a scan: a header, a Bates number."""

Larger = Callable[[tuple[int, int]], Image.Image]
"""Draws the page at another width and height."""


def is_told_by_picture(page: Any, layer: TextLayer) -> bool:
    """Whether a page's print is in its picture: its layer is empty, or no more than a stamp on a scan."""
    return not layer.texts or (not layer.whole and len(layer.texts) <= STAMP and is_scanned(page))


def more_to_see(page: Any, images: list[tuple[Any, ...]], size: tuple[int, int]) -> float:
    """How many times larger than a picture of this size a page shows more: any times where it is drawn as lines."""
    sharper = sharpness(images, size)
    return math.inf if sharper < WORTH and is_drawn(page) else sharper


def sure_turn(picture: Image.Image, sharper: float, larger: Larger) -> int:
    """By how many degrees, clockwise, a page is to be turned (`turn_of`), where a larger picture says the same.

    A till roll's print is three pixels high: any turn may be read out of that.
    """
    turn = turn_of(picture)
    if turn and sharper >= _SURE and turn_of(larger(_times(picture, _SURE))) != turn:
        return 0
    return turn


def size_in(picture: Image.Image, page: Any, turn: int, sharper: float, larger: Larger) -> float | None:
    """The size of a page's print in its picture (`legible.print_size`); None where larger ones show no more.

    Args:
        picture: the page, drawn.
        page: a page of PyMuPDF's.
        turn: what turns the picture upright.
        sharper: as `more_to_see` says.
        larger: draws it at another size.
    """
    if sharper < WORTH:
        return None
    is_far = max(page.rect.width, page.rect.height) >= LARGE if sharper == math.inf else sharper >= FAR
    shown, scale = (larger(_times(picture, FAR)), FAR) if is_far else (picture, 1.0)
    size = measured_size(turned(shown, turn))
    return None if size is None else size / scale


def _times(picture: Image.Image, scale: float) -> tuple[int, int]:
    return int(picture.width * scale), int(picture.height * scale)
