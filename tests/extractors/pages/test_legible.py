"""Print that is too small in one picture of its page is sent in parts; where that does not help, it is told."""

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


@pytest.mark.parametrize(("height", "tiles"), [(1500, 0), (2200, 0), (4000, 2), (9000, 4), (14000, 5)])
def test_a_long_till_roll_is_sent_in_parts(tmp_path: Path, height: int, tiles: int) -> None:
    """Shrunk to the model's grid, 9000 pixels of it were a strip of 84; no more parts than its print needs."""
    (page,) = drawn(tmp_path, roll(height))
    assert not page.illegible
    assert len(page.tiles) == tiles
    assert all(max(tile.width, tile.height) <= 1540 for tile in page.tiles)


def test_a_roll_that_eight_parts_do_not_hold_is_told(tmp_path: Path) -> None:
    """More are not sent."""
    (page,) = drawn(tmp_path, roll(30_000, size=14))
    assert page.illegible
    assert len(page.tiles) == 8


@pytest.mark.parametrize(("size", "small", "tiles"), [(3.5, 20, 0), (10, 0, 0), (3.5, 3, 0), (6.8, 20, 0)])
def test_small_print_is_sent_larger_but_for_a_footer(tmp_path: Path, size: float, small: int, tiles: int) -> None:
    """A fifth of the lines, at 3.5 points on A4: without the empty rest of the page, one picture may do."""
    with pymupdf.open() as made:
        page = made.new_page()
        for number in range(20 - small):
            page.insert_text((60, 60 + 20 * number), f"Row {number} at 12.50", fontsize=10)
        for number in range(small):
            page.insert_text((60, 500 + 10 * number), f"Terms and conditions {number} apply", fontsize=size)
        content = made.tobytes(no_new_id=True)
    (page_image,) = drawn(tmp_path, content)
    assert not page_image.illegible
    assert not page_image.tiles
    sent = page_image.pictures[0]
    pixels = size * sent.height / ((sent.box[3] - sent.box[1]) * 842)
    assert pixels == pytest.approx(12, abs=0.5) or small < 4 or pixels > 12


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_real_pages_are_legible(tmp_path: Path) -> None:
    """Scans, receipts and invoices as people send them."""
    for path in sorted(REAL.glob("real/docs/*")):
        document = opened(tmp_path, path.read_bytes())
        for page in render_pages(document, tuple(range(1, min(document.page_count, 4) + 1)), LIMITS):
            assert isinstance(page, PageImage)
            assert not page.illegible, (path.name, page.page)
