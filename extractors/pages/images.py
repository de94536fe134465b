"""Image files by way of Pillow: opened without its own size guard, for Octavo's limits speak for themselves."""

import importlib.util
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from extractors.errors import Damaged, Unsupported


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
