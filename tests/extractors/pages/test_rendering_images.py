"""Images as the model sees them: every kind, frame and orientation, scaled down, on white; none by half."""

import io
import struct
from pathlib import Path

import pytest
from drawing import HALF_RED, LIMITS, drawn, opened, picture
from PIL import Image

from extractors.documents import PageFailure
from extractors.errors import Damaged
from extractors.pages.rendering import grid, render_pages


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("TIFF", "RGB"), ("TIFF", "1"),
     ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"), ("AVIF", "RGB")],
)  # fmt: skip
def test_images_of_many_kinds_come_out_the_same(tmp_path: Path, form: str, mode: str) -> None:
    """8-bit JPEG on the grid, dark where the original is."""
    (page,) = drawn(tmp_path, picture(HALF_RED.convert(mode), form))
    assert (page.width, page.height) == grid(3000, 2000)
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    left, right = image.getpixel((100, 500)), image.getpixel((page.width - 100, 500))
    assert isinstance(left, int | float)
    assert isinstance(right, int | float)
    assert right > 240 > left + 60


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    """A medical or scientific scan in 16 bits keeps its greys."""
    row = struct.pack("<200H", *([60_000] * 100 + [20_000] * 100))
    deep = Image.frombytes("I;16", (200, 100), row * 100)
    (page,) = drawn(tmp_path, picture(deep, "TIFF"))
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    assert abs(float(image.getpixel((150, 50))) - 78) < 6  # type: ignore[arg-type]
    assert abs(float(image.getpixel((50, 50))) - 233) < 6  # type: ignore[arg-type]


def test_exif_orientation_is_applied_and_small_images_are_not_enlarged(tmp_path: Path) -> None:
    """A phone's photo is upright; a small one keeps its pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = drawn(tmp_path, picture(HALF_RED.resize((300, 200)), "JPEG", exif=exif))
    assert (page.width, page.height) == (200, 300)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """A transparent page is white paper, and without ink blank."""
    (page,) = drawn(tmp_path, picture(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG"))
    assert page.blank


def test_every_frame_is_a_page(tmp_path: Path) -> None:
    """A fax is one TIFF with many frames, and a broken frame costs itself only."""
    frames = [HALF_RED.resize((300, 200)), HALF_RED.resize((310, 210)), HALF_RED.resize((320, 220))]
    content = picture(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert [(page.page, page.width) for page in drawn(tmp_path, content)] == [(1, 300), (2, 310), (3, 320)]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
def test_a_cut_off_image_is_never_half_a_picture(tmp_path: Path, form: str) -> None:
    """What the decoder had to guess is not shown to a model."""
    whole = picture(Image.effect_noise((400, 400), 90).convert("RGB"), form)
    try:
        document = opened(tmp_path, whole[: len(whole) // 2])
    except Damaged:
        return
    (page,) = render_pages(document, (1,), LIMITS)
    assert isinstance(page, PageFailure)
    assert page.kind == "damaged"


def test_heic_opens_where_its_wheel_is_installed(tmp_path: Path) -> None:
    """A phone's photo."""
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(HALF_RED).save(buffer)
    (page,) = drawn(tmp_path, buffer.getvalue())
    assert (page.width, page.height) == grid(3000, 2000)
