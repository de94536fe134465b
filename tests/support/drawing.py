"""Opens and draws small documents, for the tests of what a page looks like."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image

from extractors.documents import Document, PageImage, Spooled
from extractors.pages.limits import Limits
from extractors.pages.opening import open_document
from extractors.pages.rendering import render_pages

LIMITS = Limits()


def opened(tmp_path: Path, content: bytes, limits: Limits = LIMITS) -> Document:
    """The document that some bytes are."""
    path = tmp_path / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return open_document(Spooled(path, path.name, len(content)), limits)


def drawn(tmp_path: Path, content: bytes, *, whole: bool = False) -> list[PageImage]:
    """All its pages, none of which may fail; `whole` with their margins."""
    document = opened(tmp_path, content)
    pages = render_pages(document, tuple(range(1, document.page_count + 1)), LIMITS, whole=whole)
    assert all(isinstance(page, PageImage) for page in pages), pages
    return [page for page in pages if isinstance(page, PageImage)]


def pdf(width: float = 595, height: float = 842, rotation: int = 0, **text: Any) -> bytes:
    """A page with a line of text near its upper left corner."""
    with pymupdf.open() as made:
        page = made.new_page(width=width, height=height)
        page.insert_text((50, 60), "Hello paper", **{"fontsize": 20, **text})
        page.set_rotation(rotation)
        return made.tobytes(no_new_id=True)


def picture(image: Image.Image, form: str, **options: Any) -> bytes:
    """An image file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


HALF_RED = Image.new("RGB", (3000, 2000), "white")
HALF_RED.paste((200, 0, 0), (0, 0, 1500, 2000))
"""A picture, red on its left half."""
