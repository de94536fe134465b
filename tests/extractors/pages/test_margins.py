"""Margins without ink are not sent; whatever has ink is, however faint, and boxes stay fractions of the page."""

import io
from pathlib import Path

import pymupdf
import pytest
from drawing import LIMITS, drawn, opened, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from extractors.documents import PageImage
from extractors.pages.foreseen import page_sizes
from extractors.pages.margins import inked_box
from extractors.pages.rendering import render_pages
from extractors.pages.sizes import CELL, image_tokens

REAL = Path(__file__).parents[4] / "shared" / "data"


def page_with(*texts: tuple[float, float, str], size: float = 11) -> bytes:
    """An A4 page with some words, each at its point."""
    with pymupdf.open() as made:
        page = made.new_page()
        for x, y, text in texts:
            page.insert_text((x, y), text, fontsize=size)
        return made.tobytes(no_new_id=True)


def seen(page: PageImage) -> Image.Image:
    """The picture in grey."""
    return Image.open(io.BytesIO(page.jpeg)).convert("L")


def test_the_print_is_as_large_as_on_the_whole_page(tmp_path: Path) -> None:
    """What is sent is a part of the page's picture, in whole cells, and says which."""
    content = page_with((200, 300, "Total"), (330, 420, "12.50"))
    (page,), (whole,) = drawn(tmp_path, content), drawn(tmp_path, content, whole=True)
    left, top = (round(page.box[side] * (whole.width, whole.height)[side]) for side in (0, 1))
    assert page.width % CELL == page.height % CELL == 0
    assert page.box[2] == pytest.approx((left + page.width) / whole.width)
    shown = seen(whole).crop((left, top, left + page.width, top + page.height))
    assert ImageChops.difference(shown, seen(page)).getextrema()[1] < 60
    assert image_tokens(page.width, page.height) < image_tokens(whole.width, whole.height) / 4


def test_words_stand_where_they_stand_on_the_page(tmp_path: Path) -> None:
    """Evidence does not move because a margin is left out."""
    content = page_with((200, 300, "Total"), (330, 420, "12.50"))
    (page,), (whole,) = drawn(tmp_path, content), drawn(tmp_path, content, whole=True)
    assert page.words == whole.words
    for word in page.words:
        x0, y0, x1, y1 = page.box
        assert x0 < word.box[0] < word.box[2] < x1
        assert y0 < word.box[1] < word.box[3] < y1


@settings(max_examples=40, deadline=None)
@given(
    at=st.tuples(st.integers(0, 1085), st.integers(0, 1530)),
    level=st.integers(0, 225),
    ground=st.integers(235, 255),
    colour=st.booleans(),
)
def test_no_ink_is_cut_off(at: tuple[int, int], level: int, ground: int, colour: bool) -> None:  # noqa: FBT001
    """A small mark anywhere, dark or pale, on white or grey paper; yellow is seen in the blue channel."""
    paper = Image.new("RGB", (1092, 1540), (ground,) * 3)
    ImageDraw.Draw(paper).text((500, 700), "Total 12.50", fill=(0, 0, 0))
    ImageDraw.Draw(paper).rectangle((*at, at[0] + 5, at[1] + 5), fill=(255, 255, 150) if colour else (level,) * 3)
    x0, y0, x1, y1 = inked_box(paper)
    assert x0 <= at[0]
    assert y0 <= at[1]
    assert min(1092, at[0] + 5) <= x1
    assert min(1540, at[1] + 5) <= y1


def test_a_scan_with_a_grain_is_sent_whole(tmp_path: Path) -> None:
    """Where margins cannot be told from faint print, they stay."""
    grain = Image.effect_noise((1092, 1540), 60).point(lambda level: 215 + level // 8)
    ImageDraw.Draw(grain).text((500, 700), "Total 12.50", fill=0)
    (page,) = drawn(tmp_path, picture(grain, "PNG"))
    assert (page.width, page.height, page.box) == (1092, 1540, (0.0, 0.0, 1.0, 1.0))


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_a_page_takes_no_more_than_was_foreseen(tmp_path: Path) -> None:
    """Real pages: as many tokens as `--dry-run` says at most; 15 % fewer than with their margins, or better."""
    before = after = 0
    for path in sorted(REAL.glob("real/docs/*")):
        document = opened(tmp_path, path.read_bytes())
        numbers = tuple(range(1, min(document.page_count, 3) + 1))
        for page, sizes in zip(
            render_pages(document, numbers, LIMITS), page_sizes(document, numbers, LIMITS), strict=True
        ):
            assert isinstance(page, PageImage)
            if page.blank:
                continue
            tokens = sum(image_tokens(each.width, each.height) for each in page.pictures)
            assert tokens <= sum(image_tokens(*size) for size in sizes), (path.name, page.page)
            after += tokens
        before += sum(
            image_tokens(page.width, page.height)
            for page in render_pages(document, numbers, LIMITS, whole=True)
            if isinstance(page, PageImage) and not page.blank
        )
    assert after <= 0.85 * before
