"""What a document may be and take, and the checks that opening and drawing share."""

from dataclasses import dataclass

from extractors.errors import ImageTooLarge, PageTooLarge


@dataclass(frozen=True)
class Limits:
    """What a document may be. Each limit has an error, and so a quarantine kind, of its own.

    Attributes:
        max_bytes: of the file (`too_large`).
        max_pages: pages of a PDF, frames of a TIFF (`too_many_pages`).
        max_page_pixels: of an image file's frame as its header declares them, of a PDF's page at 72 dpi
            (`page_too_large`).
        max_image_pixels: of one image inside a PDF's page, as it declares them (`image_too_large`).
        seconds: for opening a document, or for drawing one window of it (`render_timeout`).
        memory_bytes: address space of a worker beyond what it starts with (`render_memory`).
    """

    max_bytes: int = 500_000_000
    max_pages: int = 5_000
    max_page_pixels: int = 300_000_000
    max_image_pixels: int = 300_000_000
    seconds: float = 60.0
    memory_bytes: int = 2 << 30


def check_page(width: float, height: float, limits: Limits) -> None:
    """Refuses a page by its declared size, before anything is decoded.

    Raises:
        PageTooLarge: over `max_page_pixels`.
    """
    if width * height > limits.max_page_pixels:
        told = _told(width, height)
        raise PageTooLarge(f"a page of {told}, over the limit of {limits.max_page_pixels:,} (max_page_pixels)")


def check_image(width: float, height: float, limits: Limits) -> None:
    """Refuses an image inside a page by its declared size.

    Raises:
        ImageTooLarge: over `max_image_pixels`.
    """
    if width * height > limits.max_image_pixels:
        told = _told(width, height)
        raise ImageTooLarge(f"an image of {told}, over the limit of {limits.max_image_pixels:,} (max_image_pixels)")


def _told(width: float, height: float) -> str:
    return f"{width:.0f} x {height:.0f} = {width * height:,.0f} pixels"
