"""Makes a drawn page look as if it came from a scanner: grey paper, noise, a sheet laid in not quite straight."""

import io
import random

import pymupdf
from PIL import Image, ImageChops, ImageFilter, ImageOps

_INK, _PAPER = 38, 242
"""The greys, 0 to 255, that black and white turn into."""

_NOISE = 14
"""The span of the noise, in greys."""


def scan(pdf: bytes, *, dpi: int = 200, tilt: float = 0.0, seed: int = 1) -> Image.Image:
    """The first page of a PDF as a scanner would deliver it.

    Args:
        pdf: the drawn page.
        dpi: of the scan.
        tilt: degrees by which the sheet lies askew, counter-clockwise.
        seed: of the noise; the same seed makes the same pixels.

    Returns:
        A grey image.
    """
    with pymupdf.open(stream=pdf, filetype="pdf") as opened:
        pixels = opened[0].get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    sharp = Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)
    inked = sharp.point([_INK + (_PAPER - _INK) * grey // 255 for grey in range(256)])
    laid = inked.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=_PAPER)
    return _noisy(laid.filter(ImageFilter.GaussianBlur(0.6)), seed)


def jpeg(image: Image.Image, *, dpi: int = 200, quality: int = 72) -> bytes:
    """The image as a JPEG file that knows its resolution."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, dpi=(dpi, dpi))
    return file.getvalue()


def on_till_paper(grey: Image.Image) -> Image.Image:
    """The same image in the colours of thermal paper."""
    return ImageOps.colorize(grey, black="#26262c", white="#fffdf6")


def _noisy(image: Image.Image, seed: int) -> Image.Image:
    grain = random.Random(seed).randbytes(image.width * image.height)  # noqa: S311 - the same noise each time
    noise = Image.frombytes("L", image.size, grain).point([grey * _NOISE // 255 for grey in range(256)])
    # The light falls off a little towards the bottom, as it does under a lid.
    shade = Image.linear_gradient("L").resize(image.size).point([grey * 12 // 255 for grey in range(256)])
    return ImageChops.subtract(ImageChops.add(image, noise, offset=-_NOISE // 2), shade)
