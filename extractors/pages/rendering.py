"""Page -> PageImage, right-sized for the model: upright, 8-bit, on white, JPEG, grey where there is no colour.

Runs in a worker.
"""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from PIL import Image

from extractors.documents import Document, PageFailure, PageImage, TextLayer
from extractors.errors import Damaged, DocumentError
from extractors.pages import damage
from extractors.pages.images import open_image, true_size, upright
from extractors.pages.ink import is_blank
from extractors.pages.kept_open import KEPT, one_line
from extractors.pages.limits import Limits, check_image, check_page
from extractors.pages.scans import scan_of
from extractors.pages.sizes import grid, sent_size, small_size
from extractors.pages.text import Seen, show_all, visible_words

RENDER_VERSION = "jpeg90-85-28x55-8"
"""Names the settings that decide pixels; part of the recipe."""

_QUALITY, _DRAWN_QUALITY = 90, 85
"""JPEG quality of pages with pictures (a scan is one), and of those that are text and lines alone: with the first,
scans reach the model no worse than as 300-dpi PNG; drawn pages do with the second (`bench_render.py`)."""

_FALLBACK = (612.0, 792.0)
"""What MuPDF shows of a page whose crop box holds nothing of it; other readers then show the whole page."""

_COLOUR = 0.02
"""By how much the channels of a colour differ, of 1: less is grey, such as black in a printer's inks."""

_NO_TEXT = TextLayer()


def page_sizes(document: Document) -> list[tuple[int, int]]:
    """The pixels that each page would be drawn at, without drawing any.

    Raises:
        Damaged: the document cannot be opened.
    """
    import pymupdf

    try:
        if document.media_type == "application/pdf":
            with pymupdf.open(document.path, filetype="pdf") as pdf:
                if document.password is not None:
                    pdf.authenticate(document.password)
                rects = [pdf[number].rect for number in range(document.page_count)]
                return [grid(*(_FALLBACK if rect.is_empty else _sides(rect))) for rect in rects]
        with open_image(document.path, document.media_type) as image:
            size = sent_size(*true_size(image))
            return [size] * document.page_count
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: each is recorded
        raise Damaged(f"the document cannot be opened: {one_line(error)}") from None


def render_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    """Draws some pages.

    Args:
        document: opened before.
        pages: numbers from 1, in order.
        limits: for the size of each page and of the images in it.

    Returns:
        An image for each page, or why it cannot be drawn; the others are drawn all the same.

    Raises:
        Damaged: the document cannot be opened any more.
    """
    if document.media_type == "application/pdf":
        return _pdf_pages(document, pages, limits)
    return _image_pages(document, pages, limits)


def render_small_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    """The same pages at the size that tells what they are, for few tokens (`sizes.SMALL_CELLS`).

    Drawn as large as for reading first: whether a page is blank must not depend on the size.

    Raises:
        Damaged: as `render_pages`.
    """
    return [_small(page) if isinstance(page, PageImage) else page for page in render_pages(document, pages, limits)]


def _small(page: PageImage) -> PageImage:
    if page.blank:
        return page
    with Image.open(io.BytesIO(page.jpeg)) as image:
        return _inked(page.page, image.resize(small_size(image.size), Image.Resampling.LANCZOS, reducing_gap=2.0))


def _pdf_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only way
    pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003 - likewise
    drawn: list[PageImage | PageFailure] = []
    try:
        pdf = KEPT.opened(document, len(pages))
        for number in pages:
            try:
                damage.listen()
                drawn.append(_pdf_page(pdf[number - 1], number, limits))
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


def _pdf_page(page: Any, number: int, limits: Limits) -> PageImage:
    if _sides(page.rect) == _FALLBACK != _sides(page.cropbox):
        page.set_cropbox(page.mediabox)
    rect = page.rect
    if rect.is_empty or rect.is_infinite:
        raise ValueError("the page has no area")
    check_page(rect.width, rect.height, limits)
    images = page.get_images()
    for _, _, across, down, *_ in images:
        check_image(across, down, limits)
    # Once, and not before the drawing: a bomb runs into the time limit there, and is not called damaged here.
    contents = cache(page.read_contents)
    image, seen = _seen(page, images, contents)
    if seen.turn:
        before = page.rotation
        page.set_rotation((before + seen.turn) % 360)
        try:
            image, seen = _seen(page, images, contents)
        finally:
            page.set_rotation(before)  # the document stays open, and is drawn again
    KEPT.stores(sum(4 * across * down for _, _, across, down, *_ in images))
    doubt = damage.heard()
    damage.check_end(contents())
    damage.check_placeholder(seen.layer.texts)
    drawn = _page_image(number, image, seen.layer, seen.hidden, _QUALITY if images else _DRAWN_QUALITY)
    return replace(drawn, doubt=doubt, illegible=seen.too_small)


def _seen(page: Any, images: list[tuple[Any, ...]], contents: Callable[[], bytes]) -> tuple[Image.Image, Seen]:
    """A page as it stands: drawn, and what its text layer says."""
    width, height = grid(page.rect.width, page.rect.height)
    # Drawing and text are both taken from one list, so that the page's content is gone through once.
    drawing = page.get_displaylist()
    image = scan_of(page, images, (width, height)) or _drawn(page, drawing, width, height)
    return image, visible_words(page, drawing, image, contents, pictured=bool(images))


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


def _sides(rect: Any) -> tuple[float, float]:
    return min(rect.width, rect.height), max(rect.width, rect.height)


def _image_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    drawn: list[PageImage | PageFailure] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in pages:
            try:
                with open_image(document.path, document.media_type) as image:
                    frame = document.frames[number - 1]
                    if frame:
                        image.seek(frame)
                    check_page(image.width, image.height, limits)
                    picture, too_small = upright(image)
                    drawn.append(replace(_page_image(number, picture), illegible=too_small))
            except MemoryError:
                raise
            except DocumentError as error:
                drawn.append(PageFailure(number, error.kind, str(error)))
            except Exception as error:  # noqa: BLE001 - likewise
                drawn.append(PageFailure(number, Damaged.kind, f"the image cannot be decoded: {one_line(error)}"))
    return drawn


def _page_image(
    number: int, image: Image.Image, text_layer: TextLayer = _NO_TEXT, hidden_text: str = "", quality: int = _QUALITY
) -> PageImage:
    if not text_layer.texts and is_blank(image):
        nothing = hashlib.sha256(b"").hexdigest()
        return PageImage(number, b"", image.width, image.height, nothing, blank=True, hidden_text=hidden_text)
    return _inked(number, image, text_layer, hidden_text, quality)


def _inked(
    number: int, image: Image.Image, text_layer: TextLayer = _NO_TEXT, hidden_text: str = "", quality: int = _QUALITY
) -> PageImage:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    jpeg = buffer.getvalue()
    digest = hashlib.sha256(jpeg).hexdigest()
    return PageImage(number, jpeg, image.width, image.height, digest, text_layer=text_layer, hidden_text=hidden_text)
