"""Pages made small for a person to look at, beside what was read from them. Runs in a worker."""

import io
from dataclasses import replace

from PIL import Image

from extractors.documents import Document, PageFailure, PageImage, TextLayer
from extractors.pages.limits import Limits
from extractors.pages.rendering import render_pages

LONGEST, QUALITY = 1100, 60
"""Pixels of the longer side, at which body text is still read, and JPEG quality: about 60 to 130 KB a page."""


def preview_pages(document: Document, pages: tuple[int, ...], limits: Limits) -> list[PageImage | PageFailure]:
    """Draws some pages whole, then smaller.

    Args:
        document: opened before.
        pages: numbers from 1, in order.
        limits: as for `rendering.render_pages`.

    Raises:
        Damaged: the document cannot be opened any more.
    """
    drawn = render_pages(document, pages, limits, whole=True)
    return [_smaller(page) if isinstance(page, PageImage) else page for page in drawn]


def _smaller(page: PageImage) -> PageImage:
    """`page` with a small image; its words are left behind, for nobody looks for them here."""
    if page.blank:
        return page
    with Image.open(io.BytesIO(page.jpeg)) as image:
        image.thumbnail((LONGEST, LONGEST))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=QUALITY)
    return replace(page, jpeg=buffer.getvalue(), width=image.width, height=image.height, text_layer=TextLayer())
