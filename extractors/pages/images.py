"""Image files by way of Pillow: opened without its own size guard, for Octavo's limits speak for themselves."""

import importlib.util
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from extractors.errors import Damaged, Unsupported
from extractors.pages.sizes import CELL, MOST_CELLS

_ORIENTATION, _ON_ITS_SIDE = 0x0112, {5, 6, 7, 8}
"""The EXIF tag, and its values that exchange width and height."""

_RESOLUTIONS = ("dpi", "resolution", "aspect", "jfif_density")
"""What Pillow calls them."""

_HARDLY, _FAR = 1.01, 3.0
"""Times that one resolution of a picture is the other, from which it is stretched, and up to which it is believed."""

_ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}

_SUBFILE, _REDUCED, _MASK = 254, 1, 4
_OLD_SUBFILE, _OLD_REDUCED = 255, 2
_THUMBNAIL, _LESS = 256, 4
"""Pixels of a thumbnail's longer side at most, and how many times that its picture has at least."""


def open_image(path: Path, media_type: str) -> Image.Image:
    """Reads an image's header; nothing is decoded yet.

    Raises:
        Unsupported: no installed library decodes this format.
        Damaged: no decoder recognises the header.
        Exception: whatever a decoder raises over broken bytes; the caller records it.
    """
    Image.MAX_IMAGE_PIXELS = None
    if media_type == "image/heic" and not _teach_heic():
        raise Unsupported("no decoder for image/heic is installed: pip install pillow-heif")
    try:
        return Image.open(path)
    except UnidentifiedImageError:
        raise Damaged("the image's header cannot be read") from None


def _teach_heic() -> bool:
    """HEIC comes with a wheel of its own (`octavo[heic]`)."""
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    import pillow_heif

    pillow_heif.register_heif_opener()
    return True


def true_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of an open image as a reader sees it: upright, and with square pixels.

    A fax of standard resolution has 204 pixels an inch across and 98 down: it is as tall again. Where one of two
    resolutions is less than a third of the other, or they hardly differ, neither is taken at its word.
    """
    width, height = image.size
    across, down = _resolution(image)
    if across > down:
        height = round(height * across / down)
    else:
        width = round(width * down / across)
    return (height, width) if image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE else (width, height)


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Pixels to the same length, across and down, as the file has them; (1, 1) where it says nothing of use."""
    told = next((image.info[key] for key in _RESOLUTIONS if key in image.info), None)
    try:
        across, down = (float(each) for each in told or (1, 1))
        stretch = max(across, down) / min(across, down)
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0, 1.0
    return (across, down) if _HARDLY < stretch <= _FAR else (1.0, 1.0)


def frames_of(image: Image.Image) -> tuple[tuple[int, ...], bool]:
    """The numbers, from 0, of those frames of an open image that are pages, and whether it is an animation.

    Only a TIFF has pages. A photo's second picture (MPO) is its preview or depth, and an animation's frames are one
    picture.

    Raises:
        Exception: whatever a decoder raises over broken bytes.
    """
    count = int(getattr(image, "n_frames", 1))
    if image.format != "TIFF" or count == 1:
        return (0,), count > 1 and image.format in _ANIMATED
    told = []
    for number in range(count):
        image.seek(number)
        told.append((number, _is_thumbnail_by_tag(image), image.size))
    pages = [each for each in told if not each[1]] or told[:1]
    largest = max((size for _, _, size in pages), key=max)
    kept = tuple(number for number, _, size in pages if not _is_thumbnail_by_size(size, largest))
    image.seek(0)
    return kept, False


def _is_thumbnail_by_tag(image: Any) -> bool:
    """Whether a TIFF's frame says that it is a smaller version of another, or a mask."""
    kind, old_kind = image.tag_v2.get(_SUBFILE, 0), image.tag_v2.get(_OLD_SUBFILE, 1)
    return bool(isinstance(kind, int) and kind & (_REDUCED | _MASK)) or old_kind == _OLD_REDUCED


def _is_thumbnail_by_size(size: tuple[int, int], largest: tuple[int, int]) -> bool:
    """Whether a frame is as small as thumbnails are, in the shape of the largest, a quarter of its size or less."""
    alike = abs(size[0] * largest[1] - size[1] * largest[0]) <= max(largest)
    return alike and max(size) <= _THUMBNAIL and _LESS * max(size) <= max(largest)


def upright(image: Image.Image, *, reduced: bool) -> Image.Image:
    """EXIF applied, 8-bit RGB or grey on white; not yet in its true shape (`true_size`).

    Args:
        image: open.
        reduced: not decoded much larger than the model's grid, where its format allows that.
    """
    if reduced and image.format in {"JPEG", "MPO"}:
        image.draft("L" if image.mode == "L" else "RGB", (MOST_CELLS * CELL, MOST_CELLS * CELL))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey scaled down to 8, not clipped as a plain conversion would."""
    deep = image.convert("I") if image.mode != "F" else image
    top: Any = deep.getextrema()[1]
    scale = 255 / 65535 if top > 255 else 1.0  # noqa: PLR2004 - as much as 8 bits hold
    return deep.point(lambda value: value * scale).convert("L")
