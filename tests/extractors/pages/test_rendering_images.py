"""Images as the model sees them: every kind, frame and orientation, scaled down, on white; none by half."""

import io
import struct
from pathlib import Path

import pytest
from drawing import HALF_RED, LIMITS, drawn, opened, picture
from PIL import Image, TiffImagePlugin

from extractors.documents import PageFailure
from extractors.errors import Damaged
from extractors.pages.foreseen import page_sizes
from extractors.pages.rendering import render_pages
from extractors.pages.sizes import grid


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("TIFF", "RGB"), ("TIFF", "1"),
     ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"), ("AVIF", "RGB")],
)  # fmt: skip
def test_images_of_many_kinds_come_out_the_same(tmp_path: Path, form: str, mode: str) -> None:
    """8-bit JPEG on the grid, dark where the original is."""
    (page,) = drawn(tmp_path, picture(HALF_RED.convert(mode), form), whole=True)
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
    (page,) = drawn(tmp_path, picture(deep, "TIFF"), whole=True)
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    assert abs(float(image.getpixel((150, 50))) - 78) < 6  # type: ignore[arg-type]
    assert abs(float(image.getpixel((50, 50))) - 233) < 6  # type: ignore[arg-type]


def test_exif_orientation_is_applied_and_small_images_are_not_enlarged(tmp_path: Path) -> None:
    """A phone's photo is upright; a small one keeps its pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = drawn(tmp_path, picture(HALF_RED.resize((300, 200)), "JPEG", exif=exif), whole=True)
    assert (page.width, page.height) == (200, 300)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """A transparent page is white paper, and without ink blank."""
    (page,) = drawn(tmp_path, picture(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG"), whole=True)
    assert page.blank


def test_every_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    """A fax is one TIFF with many frames, and a broken frame costs itself only."""
    frames = [HALF_RED.resize((300, 200)), HALF_RED.resize((310, 210)), HALF_RED.resize((320, 220))]
    content = picture(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert [(page.page, page.width) for page in drawn(tmp_path, content, whole=True)] == [
        (1, 300),
        (2, 310),
        (3, 320),
    ]


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
    (page,) = drawn(tmp_path, buffer.getvalue(), whole=True)
    assert (page.width, page.height) == grid(3000, 2000)


@pytest.mark.parametrize(
    ("form", "options", "size"),
    [
        ("TIFF", {"dpi": (204, 98)}, grid(1728, 2386)),  # a fax of standard resolution
        ("TIFF", {"dpi": (204, 196)}, grid(1728, 1193)),  # and of fine
        ("PNG", {"dpi": (204, 98)}, grid(1728, 2386)),
        ("JPEG", {"dpi": (98, 204)}, grid(3597, 1146)),
        ("TIFF", {"dpi": (300, 300)}, grid(1728, 1146)),
        ("TIFF", {"dpi": (300, 72)}, grid(1728, 1146)),  # nobody scans so
        ("TIFF", {"dpi": (0, 0)}, grid(1728, 1146)),
        ("JPEG", {}, grid(1728, 1146)),
    ],
)
def test_a_picture_has_its_true_shape(
    tmp_path: Path, form: str, options: dict[str, tuple[int, int]], size: tuple[int, int]
) -> None:
    """Pixels that are not square are made so, where the resolutions can be believed; also in estimates."""
    content = picture(HALF_RED.resize((1728, 1146)), form, **options)
    (page,) = drawn(tmp_path, content, whole=True)
    assert (page.width, page.height) == size
    assert page_sizes(opened(tmp_path, content), (1,), LIMITS) == [(size,)]


def test_a_second_picture_is_no_page(tmp_path: Path) -> None:
    """A phone's JPEG may hold a preview or a gain map beside the photo."""
    photo = HALF_RED.resize((300, 200))
    content = picture(photo, "MPO", save_all=True, append_images=[Image.new("L", (300, 200), 40)])
    assert [(page.page, page.width) for page in drawn(tmp_path, content, whole=True)] == [(1, 300)]
    assert not opened(tmp_path, content).animated


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_one_page_and_said_to_be_one(tmp_path: Path, form: str) -> None:
    """Its first frame is read."""
    frames = [HALF_RED.resize((300, 200)), Image.new("RGB", (300, 200), "blue")]
    content = picture(frames[0], form, save_all=True, append_images=frames[1:])
    document = opened(tmp_path, content)
    assert (document.page_count, document.animated) == (1, True)
    (page,) = drawn(tmp_path, content, whole=True)
    left = Image.open(io.BytesIO(page.jpeg)).convert("RGB").getpixel((20, 100))
    assert isinstance(left, tuple)
    assert left[0] > 2 * left[2]


def tiff(*frames: tuple[Image.Image, dict[int, int]]) -> bytes:
    """A TIFF of several frames, each with its own tags."""
    buffer = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, new=True) as file:
        for image, tags in frames:
            image.save(file, "TIFF", tiffinfo=tags)
            file.newFrame()
    return buffer.getvalue()


def test_a_thumbnail_is_no_page_and_the_others_keep_their_frames(tmp_path: Path) -> None:
    """By its tag, the older one too, or small and in the shape of the page; a small receipt is a page."""
    page, other = HALF_RED.resize((1200, 800)), HALF_RED.resize((900, 700))
    small, receipt = HALF_RED.resize((150, 100)), HALF_RED.resize((100, 240))
    content = tiff(
        (small, {}), (page, {}), (page.resize((600, 400)), {254: 1}), (other, {254: 2}), (small, {255: 2}),
        (page.convert("1"), {254: 4}), (receipt, {}),
    )  # fmt: skip
    assert [(each.page, each.width) for each in drawn(tmp_path, content, whole=True)] == [
        (1, 1200),
        (2, 900),
        (3, 100),
    ]


def test_a_tiff_of_thumbnails_alone_is_its_first_frame(tmp_path: Path) -> None:
    """A camera's raw file keeps the picture itself elsewhere: what there is is read."""
    content = tiff((HALF_RED.resize((300, 200)), {254: 1}), (HALF_RED.resize((150, 100)), {254: 1}))
    assert [each.width for each in drawn(tmp_path, content, whole=True)] == [300]
