"""A drawn page -> what is sent of it: without empty margins, and in parts where its print would be too small."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from extractors.documents import WHOLE, Box, PageImage, Picture, TextLayer
from extractors.pages.ink import is_blank
from extractors.pages.legible import enlargement, is_too_small
from extractors.pages.margins import in_cells, inked_box
from extractors.pages.tiles import Layout, boxes, filled_up, layout

WORTH = 1.1
"""Times larger, from which it is worth to send a page so."""

_AS_DRAWN = Layout(1.0, 1, 1)
_NO_TEXT = TextLayer()


@dataclass(frozen=True)
class Sheet:
    """A page as it was drawn.

    Attributes:
        picture: upright, at the size of the model's grid.
        larger: draws it at another width and height.
        quality: of its JPEG.
        size: of its print in the picture (`legible.print_size`); None where that is not known.
        sharper: how many times larger there is more to be seen of it.
        margins: where they have no ink they need not be sent. On a photo or a fax they may hold what is hardly seen,
            of a form they say where its empty fields are, and of a page that was turned nobody knows.
    """

    picture: Image.Image
    larger: Callable[[tuple[int, int]], Image.Image]
    quality: int
    size: float | None = None
    sharper: float = 1.0
    margins: bool = False


def page_image(
    number: int, sheet: Sheet, layer: TextLayer = _NO_TEXT, hidden: str = "", *, whole: bool = False
) -> PageImage:
    """What is sent of a page.

    Args:
        number: the page's.
        sheet: as drawn.
        layer: its words.
        hidden: what its text layer says where a reader sees nothing.
        whole: with its margins, in one piece.
    """
    picture = sheet.picture
    if not layer.texts and is_blank(picture):
        nothing = hashlib.sha256(b"").hexdigest()
        return PageImage(number, b"", picture.width, picture.height, nothing, blank=True, hidden_text=hidden)
    tiles: list[Picture] = []
    if whole:
        sent, cut = encoded(picture, sheet.quality), _AS_DRAWN
    else:
        inked = inked_box(picture) if sheet.margins else (0, 0, *picture.size)
        cut = cut_of((inked[2] - inked[0], inked[3] - inked[1]), min(enlargement(sheet.size), sheet.sharper))
        parted = cut.columns * cut.rows > 1
        sent = _part(picture, inked, sheet) if parted or cut == _AS_DRAWN else _enlarged(inked, sheet, cut)
        tiles = _tiles(inked, sheet, cut) if parted else []
    return PageImage(
        number, sent.jpeg, sent.width, sent.height, sent.sha256, sent.box, tuple(tiles), text_layer=layer,
        hidden_text=hidden, illegible=not whole and is_too_small(sheet.size, cut.scale),
    )  # fmt: skip


def cut_of(size: tuple[int, int], wanted: float) -> Layout:
    """How what is inked of a page is sent, its print so many times larger than it was drawn."""
    return layout(size, wanted) if wanted >= WORTH else _AS_DRAWN


def encoded(picture: Image.Image, quality: int, box: Box = WHOLE) -> Picture:
    """A picture as JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    jpeg = buffer.getvalue()
    return Picture(jpeg, picture.width, picture.height, hashlib.sha256(jpeg).hexdigest(), box)


def _part(picture: Image.Image, box: tuple[int, int, int, int], sheet: Sheet) -> Picture:
    if box == (0, 0, *picture.size):
        return encoded(picture, sheet.quality)
    shown = filled_up(picture.crop(box))
    return encoded(shown, sheet.quality, _fractions(box, shown, picture))


def _enlarged(inked: tuple[int, int, int, int], sheet: Sheet, cut: Layout) -> Picture:
    picture, (x0, y0, x1, y1) = _at(inked, sheet, cut.scale)
    left, right = in_cells(x0, x1 - 1, picture.width)
    top, bottom = in_cells(y0, y1 - 1, picture.height)
    return _part(picture, (left, top, right, bottom), sheet)


def _tiles(inked: tuple[int, int, int, int], sheet: Sheet, cut: Layout) -> list[Picture]:
    picture, (x0, y0, x1, y1) = _at(inked, sheet, cut.scale)
    parts = boxes(picture.crop((x0, y0, x1, y1)), cut.columns, cut.rows)
    return [
        _part(picture, (x0 + left, y0 + top, x0 + right, y0 + bottom), sheet) for left, top, right, bottom in parts
    ]


def _at(
    inked: tuple[int, int, int, int], sheet: Sheet, scale: float
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The page so many times larger, and where its ink is then."""
    picture = sheet.larger((round(sheet.picture.width * scale), round(sheet.picture.height * scale)))
    x0, y0, x1, y1 = (int(side * scale) for side in inked)
    return picture, (x0, y0, min(x1, picture.width), min(y1, picture.height))


def _fractions(box: tuple[int, int, int, int], shown: Image.Image, picture: Image.Image) -> Box:
    left, top, *_ = box
    width, height = picture.size
    return left / width, top / height, (left + shown.width) / width, (top + shown.height) / height
