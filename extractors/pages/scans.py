"""A page that is one JPEG and nothing else: decoded at reduced scale, faster than the page can be drawn."""

import io
from typing import Any

from PIL import Image

_SPARE = 0.5
"""Points by which a scan may miss the page's edge."""

_MOST = 0.8
"""Of a page, from which an image on it is a scan of it."""

_LOGO = 0.1
"""Of a page, that images on it take at most where it is no scan, nor a part of one."""

_PLAIN = {"DeviceGray": "L", "DeviceRGB": "RGB", "ICCBased": "RGB"}


def scan_of(page: Any, images: list[tuple[Any, ...]], size: tuple[int, int]) -> Image.Image | None:
    """The page's only content, a JPEG of twice the wanted size or more, at that size; None for any other page.

    A JPEG decodes to a half, a quarter or an eighth at a fraction of the cost (libjpeg's scaled transform),
    which is also a better filter than none; the rest is a bicubic resize.

    Args:
        page: a page of PyMuPDF's.
        images: the page's images, as `page.get_images()` lists them.
        size: wanted width and height, in pixels.
    """
    if len(images) != 1 or page.rotation or page.first_annot or page.first_widget:
        return None
    xref, mask, width, height, bits, colours, _, _, coding, *_ = images[0]
    plain = coding == "DCTDecode" and bits == 8 and not mask and colours in _PLAIN  # noqa: PLR2004 - 8-bit samples
    if not plain or width < 2 * size[0] or height < 2 * size[1] or not _fills(page):
        return None
    keys = page.parent.xref_get_keys(xref)
    if "Decode" in keys or "Mask" in keys or "DecodeParms" in keys:
        return None
    image = Image.open(io.BytesIO(page.parent.xref_stream_raw(xref)))
    if image.format != "JPEG" or image.mode not in {"L", "RGB"} or image.size != (width, height):
        return None
    image.draft(image.mode, size)
    return image.resize(size, Image.Resampling.BICUBIC)


def sharpness(images: list[tuple[Any, ...]], size: tuple[int, int]) -> float:
    """How many times more pixels a side than a picture of this size a page's largest image has; 1 at least."""
    pixels: list[tuple[int, int]] = [(across, down) for _, _, across, down, *_ in images]
    return max([1.0, *(max(across / size[0], down / size[1]) for across, down in pixels)])


def is_scanned(page: Any) -> bool:
    """Whether one image covers most of a page."""
    area = _MOST * page.rect.width * page.rect.height
    boxes = (each["bbox"] for each in page.get_image_info())
    return any((x1 - x0) * (y1 - y0) >= area for x0, y0, x1, y1 in boxes)


def is_drawn(page: Any) -> bool:
    """Whether a page is lines and letters, with no more of images than a logo."""
    boxes = (each["bbox"] for each in page.get_image_info())
    taken = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes)
    return bool(taken <= _LOGO * page.rect.width * page.rect.height)


def _fills(page: Any) -> bool:
    """Whether one upright image over the whole page is all that a reader sees."""
    seen = [kind for kind, _ in page.get_bboxlog() if kind != "ignore-text"]
    if seen != ["fill-image"]:
        return False
    (across, skew, lean, down, x, y) = page.get_image_info()[0]["transform"]
    rect = page.rect
    misses = (x - rect.x0, y - rect.y0, x + across - rect.x1, y + down - rect.y1)
    return skew == lean == 0 and across > 0 and down > 0 and all(abs(miss) <= _SPARE for miss in misses)
