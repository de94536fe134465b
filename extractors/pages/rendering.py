"""Page -> PageImage, right-sized for the model: upright, 8-bit, on white, JPEG, grey where there is no colour.

Runs in a worker.
"""

import io
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PIL import Image

from extractors.documents import Document, PageFailure, PageImage
from extractors.errors import Damaged, DocumentError
from extractors.pages import damage
from extractors.pages.images import open_image, true_size, upright
from extractors.pages.kept_open import KEPT, one_line
from extractors.pages.legible import enlargement, measured_size
from extractors.pages.limits import Limits, check_image, check_page
from extractors.pages.prints import is_told_by_picture, more_to_see, size_in, sure_turn
from extractors.pages.scans import is_scanned, scan_of, sharpness
from extractors.pages.sheets import WORTH, Sheet, encoded, page_image
from extractors.pages.sizes import grid, sent_size, small_size
from extractors.pages.text import Seen, show_all, visible_words
from extractors.pages.turned import turned

RENDER_VERSION = "jpeg90-85-28x55-10"
"""Names the settings that decide pixels; part of the recipe."""
_QUALITY, _DRAWN_QUALITY = 90, 85
"""JPEG quality of pages with pictures (a scan is one), and of those that are text and lines alone: with the first,
scans reach the model no worse than as 300-dpi PNG; drawn pages do with the second (`bench_render.py`)."""

_FALLBACK = (612.0, 792.0)
"""What MuPDF shows of a page whose crop box holds nothing of it; other readers then show the whole page."""

_COLOUR = 0.02
"""By how much the channels of a colour differ, of 1: less is grey, such as black in a printer's inks."""


def render_pages(
    document: Document, pages: tuple[int, ...], limits: Limits, *, whole: bool = False
) -> list[PageImage | PageFailure]:
    """Draws some pages.

    Args:
        document: opened before.
        pages: numbers from 1, in order.
        limits: for the size of each page and of the images in it.
        whole: with their margins, and never in parts: as a person looks at them.

    Returns:
        An image for each page, or why it cannot be drawn; the others are drawn all the same.

    Raises:
        Damaged: the document cannot be opened any more.
    """
    if document.media_type == "application/pdf":
        return _pdf_pages(document, pages, limits, whole=whole)
    return _image_pages(document, pages, limits, whole=whole)


def render_small_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    """The same pages at the size that tells what they are, for few tokens (`sizes.SMALL_CELLS`).

    Drawn as large as for reading first: whether a page is blank must not depend on the size.

    Raises:
        Damaged: as `render_pages`.
    """
    drawn = render_pages(document, pages, limits, whole=True)
    return [_small(page) if isinstance(page, PageImage) else page for page in drawn]


def _small(page: PageImage) -> PageImage:
    if page.blank:
        return page
    with Image.open(io.BytesIO(page.jpeg)) as image:
        small = image.resize(small_size(image.size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    made = encoded(small, _QUALITY)
    return PageImage(page.page, made.jpeg, made.width, made.height, made.sha256)


def _pdf_pages(
    document: Document, pages: tuple[int, ...], limits: Limits, *, whole: bool
) -> list[PageImage | PageFailure]:
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only way
    pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003 - likewise
    drawn: list[PageImage | PageFailure] = []
    try:
        pdf = KEPT.opened(document, len(pages))
        for number in pages:
            try:
                damage.listen()
                drawn.append(_pdf_page(pdf[number - 1], number, limits, whole=whole))
            except MemoryError:
                raise
            except DocumentError as error:
                drawn.append(PageFailure(number, error.kind, str(error)))
            except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes: recorded as this page's
                drawn.append(PageFailure(number, Damaged.kind, f"the page cannot be drawn: {one_line(error)}"))
    except MemoryError:
        KEPT.let_go()
        raise
    return drawn


def _pdf_page(page: Any, number: int, limits: Limits, *, whole: bool) -> PageImage:
    show_something(page)
    rect = page.rect
    if rect.is_empty or rect.is_infinite:
        raise ValueError("the page has no area")
    check_page(rect.width, rect.height, limits)
    images = page.get_images()
    for _, _, across, down, *_ in images:
        check_image(across, down, limits)
    before = page.rotation
    try:
        image, seen = _seen(page, images)
        if seen.turn:
            page.set_rotation((before + seen.turn) % 360)
            image, seen = _seen(page, images)
        KEPT.stores(sum(4 * across * down for _, _, across, down, *_ in images))
        doubt = damage.heard()
        # Not before the drawing: a bomb runs into the time limit there, and is not called damaged here.
        damage.check_end(page)
        damage.check_placeholder(seen.layer.texts)
        turn = 0
        if is_told_by_picture(page, seen.layer):
            larger = partial(_pictured, page, images)
            sharper = more_to_see(page, images, image.size)
            turn = sure_turn(image, sharper, larger)
            if turn and seen.layer.texts:
                # A stamp's words are turned with the page; where there are none, the picture alone is.
                page.set_rotation((page.rotation + turn) % 360)
                (image, seen), turn = _seen(page, images), 0
            size = None if whole else size_in(image, page, turn, sharper, larger)
        else:
            size, sharper = seen.size, _sharpness(page, images, image, seen.size)
        quality = _QUALITY if images else _DRAWN_QUALITY
        margins = page.rotation == before and not turn and not has_fields(page)
        as_turned = partial(_turned_to, turn, partial(_pictured, page, images))
        sheet = Sheet(turned(image, turn), as_turned, quality, size, sharper, margins)
        drawn = page_image(number, sheet, seen.layer, seen.hidden, whole=whole)
    finally:
        if page.rotation != before:
            page.set_rotation(before)  # the document stays open, and is drawn again
    if drawn.blank:
        damage.check_blank(doubt)
    return replace(drawn, doubt=doubt)


def _sharpness(page: Any, images: list[tuple[Any, ...]], image: Image.Image, size: float | None) -> float:
    """How many times larger a page whose print is in its layer shows more than pixels."""
    scanned = images and enlargement(size) > 1.0 and is_scanned(page)
    return sharpness(images, image.size) if scanned else math.inf


def _seen(page: Any, images: list[tuple[Any, ...]]) -> tuple[Image.Image, Seen]:
    """A page as it stands: drawn, and what its text layer says."""
    width, height = page_size(page)
    # Drawing and text are both taken from one list, so that the page's content is gone through once.
    drawing = page.get_displaylist()
    image = scan_of(page, images, (width, height)) or _drawn(page, drawing, width, height)
    return image, visible_words(page, drawing, image, partial(_pictured, page, images), pictured=bool(images))


def _pictured(page: Any, images: list[tuple[Any, ...]], size: tuple[int, int]) -> Image.Image:
    """The page at another size."""
    return scan_of(page, images, size) or _drawn(page, page.get_displaylist(), *size)


def _drawn(page: Any, drawing: Any, width: int, height: int) -> Image.Image:
    import pymupdf

    matrix = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
    mode, space = ("RGB", pymupdf.csRGB) if _has_colour(drawing) else ("L", pymupdf.csGRAY)
    pixels = drawing.get_pixmap(matrix=matrix, colorspace=space, alpha=False)
    return Image.frombytes(mode, (pixels.width, pixels.height), pixels.samples_mv)


def _has_colour(drawing: Any) -> bool:
    """Whether a page is more than black, grey and white: told by MuPDF's test device, without drawing.

    A picture or a shading that is not stored as grey counts as coloured, whatever it shows. A grey page is drawn
    and encoded in one channel, at about half the cost.
    """
    from pymupdf import mupdf

    told = mupdf.ll_fz_new_test_device_outparams()
    show_all(drawing, mupdf.FzDevice(mupdf.ll_fz_new_test_device_outparams_fn(_COLOUR, 0, None, told)))
    return bool(told.is_color)


def page_size(page: Any) -> tuple[int, int]:
    """The pixels that a page is drawn at."""
    return grid(page.rect.width, page.rect.height)


def has_fields(page: Any) -> bool:
    """Whether a page is a form to be filled in."""
    return page.first_widget is not None


def show_something(page: Any) -> None:
    """Shows the whole page where its crop box holds nothing of it."""
    if _sides(page.rect) == _FALLBACK != _sides(page.cropbox):
        page.set_cropbox(page.mediabox)


def _sides(rect: Any) -> tuple[float, float]:
    return min(rect.width, rect.height), max(rect.width, rect.height)


def _image_pages(
    document: Document, pages: tuple[int, ...], limits: Limits, *, whole: bool
) -> list[PageImage | PageFailure]:
    drawn: list[PageImage | PageFailure] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in pages:
            try:
                frame = document.frames[number - 1]
                picture, shape = _decoded(document, frame, limits, reduced=True)
                size = sent_size(*shape)
                shown = _resized(picture, size)
                sharper = max(shape[0] / size[0], shape[1] / size[1])
                turn = sure_turn(shown, sharper, partial(_resized, picture))
                shown, picture = turned(shown, turn), turned(picture, turn)
                measured = measured_size(picture) if sharper >= WORTH else None
                sheet = Sheet(
                    shown, partial(_turned_to, turn, partial(_larger, document, frame, limits)), _QUALITY,
                    None if measured is None else measured * shown.height / picture.height, sharper,
                )  # fmt: skip
                drawn.append(page_image(number, sheet, whole=whole))
            except MemoryError:
                raise
            except DocumentError as error:
                drawn.append(PageFailure(number, error.kind, str(error)))
            except Exception as error:  # noqa: BLE001 - likewise
                drawn.append(PageFailure(number, Damaged.kind, f"the image cannot be decoded: {one_line(error)}"))
    return drawn


def _decoded(document: Document, frame: int, limits: Limits, *, reduced: bool) -> tuple[Image.Image, tuple[int, int]]:
    """A frame's picture, and the shape that it truly has."""
    with open_image(document.path, document.media_type) as image:
        if frame:
            image.seek(frame)
        check_page(image.width, image.height, limits)
        shape = true_size(image)
        return upright(image, reduced=reduced), shape


def _larger(document: Document, frame: int, limits: Limits, size: tuple[int, int]) -> Image.Image:
    return _resized(_decoded(document, frame, limits, reduced=False)[0], size)


def _turned_to(turn: int, draw: Callable[[tuple[int, int]], Image.Image], size: tuple[int, int]) -> Image.Image:
    """A page at the size that it has once it is turned."""
    return turned(draw(size if turn % 180 == 0 else size[::-1]), turn)


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
