"""Whether a text layer says all that its page shows, in the letters that are drawn."""

import re
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from extractors.documents import Box
from extractors.pages import fonts
from extractors.pages.unseen import Drawn

_PICTURE = 0.1
"""Share of the page that pictures take from which they may hold what the layer does not say: a logo takes less."""

_EDGE = 48
"""Levels between two neighbouring pixels: print has such edges, photos hardly."""

_PRINT = 28
"""Mean of 8x8 pixels of which 255 are such edges, from which they are print: a tenth."""

_UNSAID, _LEAST = 0.15, 40
"""Share of a page's print outside of its words, and cells of 8x8 pixels, from which the layer does not say all."""

_STRANGE, _ENOUGH = 0.1, 10
"""Share of the letters that are none, and how many, from which a layer is garbage."""

_NO_LETTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
"""Control, private and replacement characters."""

_FILLING = re.compile(r"[._\-=*\u2026\u00b7\u2500-\u259f]+")
_UNREADABLE = re.compile(r"[\W_]+")
_SOME, _READABLE = 4, 0.4
"""Characters but for those that fill lines, and share of letters and digits in them below which none can be read."""

_LONGEST, _GLUED = 40, 0.5
"""Letters of a word, and share of the letters in longer ones, from which its blanks are lost."""


def says_all(page: Any, words: Sequence[Drawn], pictures: Sequence[Box], image: Image.Image) -> bool:
    """Whether the words are all that a reader sees.

    Not so where pictures take a good part of the page and show print outside of the words (a scan with a stamped
    header), or where the letters are not those that are drawn. What cannot be told is taken for whole.

    Args:
        page: a page of PyMuPDF's.
        words: that are seen.
        pictures: the page's, in fractions of it.
        image: the page, drawn.
    """
    return not words or not (_is_garbage(words) or fonts.lie(page) or _show_more(words, pictures, image))


def _is_garbage(words: Sequence[Drawn]) -> bool:
    """Whether the layer's letters are private, control or replacement characters, or its blanks are lost."""
    # A bullet of a symbol font is one such character, alone.
    texts = [word.text for word in words if len(word.text) > 1]
    text = "".join(texts)
    strange = 0 if text.isascii() and text.isprintable() else len(_NO_LETTER.findall(text))
    if strange >= _ENOUGH and strange >= _STRANGE * len(text):
        return True
    letters = _FILLING.sub("", text)
    if len(letters) >= _SOME and len(_UNREADABLE.sub("", letters)) < _READABLE * len(letters):
        return True
    glued = sum(len(each) for each in texts if len(each) > _LONGEST and each.isalpha() and each.isascii())
    return glued > _GLUED * len(text)


def _show_more(words: Sequence[Drawn], pictures: Sequence[Box], image: Image.Image) -> bool:
    """Whether the pictures hold print outside of the words."""
    if sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in pictures) < _PICTURE:
        return False
    printed = _print(image)
    across, down = printed.size
    outside = Image.new("L", printed.size)
    brush = ImageDraw.Draw(outside)
    for x0, y0, x1, y1 in pictures:
        brush.rectangle((int(x0 * across), int(y0 * down), int(x1 * across), int(y1 * down)), fill=255)
    for word in words:
        x0, y0, x1, y1 = word.box
        brush.rectangle((int(x0 * across) - 1, int(y0 * down) - 1, int(x1 * across) + 1, int(y1 * down) + 1), fill=0)
    unsaid = ImageChops.darker(printed, outside).histogram()[255]
    return unsaid >= _LEAST and unsaid >= _UNSAID * printed.histogram()[255]


def _print(image: Image.Image) -> Image.Image:
    """255 for each 8x8 pixels that look like print: strong edges side by side, as strokes of letters have them."""
    # Every other row is enough: strokes stand upright.
    half = image.resize((image.width, max(1, image.height // 2)), Image.Resampling.NEAREST)
    grey = half if half.mode == "L" else half.getchannel("G")
    edges = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))
    dense = edges.point([255 * (level >= _EDGE) for level in range(256)]).reduce((8, 4))
    cells = dense.point([255 * (level >= _PRINT) for level in range(256)])
    # A line of a table has its edges in one column; letters have neighbours.
    return ImageChops.darker(cells, ImageChops.offset(cells, 1, 0))
