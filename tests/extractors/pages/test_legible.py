"""Print that is too small in the picture that is sent is told, for the model guesses at it."""

from pathlib import Path

import pymupdf
import pytest
from drawing import LIMITS, drawn, opened, picture
from PIL import Image, ImageDraw, ImageFont

from extractors.documents import PageImage
from extractors.pages.rendering import render_pages

REAL = Path(__file__).parents[4] / "shared" / "data"


def roll(height: int, size: int = 24) -> bytes:
    """A till roll of 600 pixels across."""
    paper = Image.new("L", (600, height), 255)
    for number, y in enumerate(range(30, height - 40, size + 12)):
        text = f"{number:03d} widget  2 x 1.25   2.50"
        ImageDraw.Draw(paper).text((40, y), text, fill=0, font=ImageFont.load_default(size=size))
    return picture(paper, "PNG")


@pytest.mark.parametrize(("height", "illegible"), [(1500, False), (2200, False), (9000, True), (14000, True)])
def test_a_long_till_roll_is_told(tmp_path: Path, height: int, illegible: bool) -> None:  # noqa: FBT001 - a table
    """Shrunk to the model's grid, 9000 pixels of it are a strip of 84."""
    (page,) = drawn(tmp_path, roll(height))
    assert page.illegible is illegible


@pytest.mark.parametrize(
    ("size", "small", "illegible"), [(3.5, 20, True), (10, 0, False), (3.5, 3, False), (5.5, 20, False)]
)
def test_small_print_is_told_but_for_a_footer(tmp_path: Path, size: float, small: int, illegible: bool) -> None:  # noqa: FBT001
    """A fifth of the lines, at 3.5 points on A4."""
    with pymupdf.open() as made:
        page = made.new_page()
        for number in range(20 - small):
            page.insert_text((60, 60 + 20 * number), f"Row {number} at 12.50", fontsize=10)
        for number in range(small):
            page.insert_text((60, 500 + 10 * number), f"Terms and conditions {number} apply", fontsize=size)
        content = made.tobytes(no_new_id=True)
    (page_image,) = drawn(tmp_path, content)
    assert page_image.illegible is illegible


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_real_pages_are_legible(tmp_path: Path) -> None:
    """Scans, receipts and invoices as people send them."""
    for path in sorted(REAL.glob("real/docs/*")):
        document = opened(tmp_path, path.read_bytes())
        for page in render_pages(document, tuple(range(1, min(document.page_count, 4) + 1)), LIMITS):
            assert isinstance(page, PageImage)
            assert not page.illegible, (path.name, page.page)
