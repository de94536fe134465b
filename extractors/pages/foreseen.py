"""The pixels that pages will be sent at, told without drawing most of them. Runs in a worker."""

import math
from typing import Any

from extractors.documents import Document, PageFailure
from extractors.errors import Damaged
from extractors.pages.images import open_image, true_size
from extractors.pages.kept_open import one_line
from extractors.pages.legible import enlargement
from extractors.pages.limits import Limits
from extractors.pages.margins import around
from extractors.pages.prints import FAR, STAMP
from extractors.pages.rendering import has_fields, page_size, render_pages, show_something
from extractors.pages.scans import is_scanned, sharpness
from extractors.pages.sheets import cut_of
from extractors.pages.sizes import sent_size
from extractors.pages.text import print_of, show_all
from extractors.pages.tiles import part_sizes

_BLURRED = 6
"""Pixels by which ink may reach beyond what is drawn."""

Sizes = tuple[tuple[int, int], ...]
"""Of the pictures that a page is sent as."""


def page_sizes(document: Document, pages: tuple[int, ...], limits: Limits) -> list[Sizes]:
    """The pixels of the pictures of some pages, at most.

    Scans are taken to need one picture each, and all of it, but for those of far more pixels than that has: these are
    drawn, as are pages that have neither words nor images.

    Args:
        document: opened before.
        pages: numbers from 1, in order.
        limits: as for `rendering.render_pages`.

    Raises:
        Damaged: the document cannot be opened.
    """
    import pymupdf

    try:
        if document.media_type == "application/pdf":
            with pymupdf.open(document.path, filetype="pdf") as pdf:
                if document.password is not None:
                    pdf.authenticate(document.password)
                found = [_of_page(pdf[number - 1]) for number in pages]
        else:
            with open_image(document.path, document.media_type) as image:
                shape = true_size(image)
                size = sent_size(*shape)
                found = [None if shape[0] >= FAR * size[0] else (size,)] * len(pages)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: each is recorded
        raise Damaged(f"the document cannot be opened: {one_line(error)}") from None
    return [
        _drawn(document, number, limits) if sizes is None else sizes
        for number, sizes in zip(pages, found, strict=True)
    ]


def _drawn(document: Document, number: int, limits: Limits) -> Sizes:
    (page,) = render_pages(document, (number,), limits)
    if isinstance(page, PageFailure) or page.blank:
        return ()
    return tuple((picture.width, picture.height) for picture in page.pictures)


def _of_page(page: Any) -> Sizes | None:
    """The sizes of a page of a PDF; None where it has to be drawn."""
    show_something(page)
    width, height = page_size(page)
    drawing = page.get_displaylist()
    size, upright, words = print_of(drawing, height / (drawing.rect.height or 1))
    images = page.get_images()
    sharper = sharpness(images, (width, height))
    if (sharper >= FAR and words <= STAMP) or not (words or images):
        return None
    needed = enlargement(size)
    if needed > 1.0 and images and is_scanned(page):
        needed = min(needed, sharper)
    inked = (width, height)
    if upright and not has_fields(page):
        x0, y0, x1, y1 = _inked(drawing, width, height)
        inked = (x1 - x0, y1 - y0)
    return part_sizes(inked, cut_of(inked, needed))


def _inked(drawing: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """What is drawn on a page, in the pixels of its picture."""
    from pymupdf import mupdf

    box, rect = mupdf.FzRect(), drawing.rect
    show_all(drawing, mupdf.fz_new_bbox_device(box))
    across, down = width / (rect.width or 1), height / (rect.height or 1)
    x0, x1 = (box.x0 - rect.x0) * across - _BLURRED, (box.x1 - rect.x0) * across + _BLURRED
    y0, y1 = (box.y0 - rect.y0) * down - _BLURRED, (box.y1 - rect.y0) * down + _BLURRED
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x0 >= x1 or y0 >= y1:
        return 0, 0, width, height
    return around((max(0.0, x0), max(0.0, y0), min(width, x1), min(height, y1)), (width, height))
