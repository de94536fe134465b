"""A page in parts: each line of text is whole in one of them, none is shown twice where a blank parts them."""

import io
from pathlib import Path

import pymupdf
import pytest
from drawing import LIMITS, drawn, opened
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from extractors.documents import PageImage, PageWords, Picture, Word
from extractors.pages.foreseen import page_sizes
from extractors.pages.ocr_words import on_page
from extractors.pages.tiles import MOST, boxes, layout

A3 = (1190, 842)


def plan(size: float = 5) -> bytes:
    """An A3 sheet of small print, in four columns of ruled tables."""
    with pymupdf.open() as made:
        page = made.new_page(width=A3[0], height=A3[1])
        for column in range(4):
            for row in range(60):
                page.insert_text(
                    (60 + 280 * column, 50 + 12.5 * row),
                    f"{column}{row:02d} bolt M8 x 40  12.{row:02d}",
                    fontsize=size,
                )
        page.draw_line((330, 30), (330, 820))
        return made.tobytes(no_new_id=True)


def parts_of(page: PageImage, box: tuple[float, float, float, float]) -> list[Picture]:
    """Those parts that show all of a box."""
    return [
        tile
        for tile in page.tiles
        if tile.box[0] <= box[0] and tile.box[1] <= box[1] and tile.box[2] >= box[2] and tile.box[3] >= box[3]
    ]


def test_each_word_is_whole_in_a_part_and_large_enough(tmp_path: Path) -> None:
    """5 points on A3 are 6 pixels in one picture of it."""
    (page,) = drawn(tmp_path, plan())
    assert 2 <= len(page.tiles) <= MOST
    assert not page.illegible
    for word in page.words:
        assert parts_of(page, word.box), word
    for tile in page.tiles:
        assert max(tile.width, tile.height) <= 1540
        assert tile.width % 28 == tile.height % 28 == 0
        # A point in the part, times five.
        assert 5 * tile.height / ((tile.box[3] - tile.box[1]) * A3[1]) >= 11.5
    assert sum(len(parts_of(page, word.box)) > 1 for word in page.words) == 0


def test_a_part_shows_what_it_says(tmp_path: Path) -> None:
    """Its box is a part of the page: a word that stands there has ink there, and only there."""
    (page,) = drawn(tmp_path, plan())
    for word in page.words[::29]:
        (tile,) = parts_of(page, word.box)
        left, top, right, bottom = tile.box
        across, down = tile.width / (right - left), tile.height / (bottom - top)
        x0, y0, x1, y1 = word.box
        at = ((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down)
        shown = Image.open(io.BytesIO(tile.jpeg)).convert("L").crop(tuple(map(round, at)))  # type: ignore[arg-type]
        assert shown.getextrema()[0] < 128, word


def test_parts_are_priced_beforehand(tmp_path: Path) -> None:
    """`--dry-run` counts as many, none smaller."""
    content = plan()
    (page,) = drawn(tmp_path, content)
    (sizes,) = page_sizes(opened(tmp_path, content), (1,), LIMITS)
    assert len(sizes) == len(page.tiles)
    for tile, (width, height) in zip(page.tiles, sizes, strict=True):
        assert tile.width <= width
        assert tile.height <= height


@given(size=st.tuples(st.integers(28, 1540), st.integers(28, 1540)), wanted=st.floats(1.1, 40))
def test_as_few_parts_as_are_needed(size: tuple[int, int], wanted: float) -> None:
    """Eight at most; what they show is as large as is wished for, or fills all eight as well as may be."""
    cut = layout(size, wanted)
    assert 1 <= cut.columns * cut.rows <= MOST
    assert 1.0 <= cut.scale <= wanted
    grids = [(across, down) for across in range(1, MOST + 1) for down in range(1, MOST // across + 1)]
    reached = {
        parts: min(wanted, *((1540 * n - 112 * (n - 1)) / side for n, side in zip(parts, size, strict=True)))
        for parts in grids
    }
    good = [across * down for (across, down), scale in reached.items() if scale >= 0.97 * max(reached.values())]
    assert cut.columns * cut.rows == min(good)
    shown = (round(size[0] * cut.scale), round(size[1] * cut.scale))
    assert shown[0] <= 1540 * cut.columns
    assert shown[1] <= 1540 * cut.rows


@pytest.mark.parametrize("pitch", [9, 24, 61])
def test_a_cut_goes_between_two_lines(pitch: int) -> None:
    """Whatever their distance; a rule along the whole side does not hide the blank."""
    paper = Image.new("L", (900, 4000), 255)
    draw = ImageDraw.Draw(paper)
    tops = range(40, 3950, pitch)
    for top in tops:
        draw.rectangle((50, top, 800, top + pitch // 2), fill=0)
    draw.line((850, 0, 850, 4000), fill=0, width=3)
    parts = list(boxes(paper, 1, 3))
    for top in tops:
        whole = [part for part in parts if part[1] <= top and part[3] >= top + pitch // 2]
        touched = [part for part in parts if part[1] < top + pitch // 2 and part[3] > top]
        assert len(whole) == len(touched) == 1


def test_where_nothing_parts_the_lines_the_parts_overlap() -> None:
    """So that each line is whole in one of them."""
    first, second = boxes(Image.linear_gradient("L").resize((900, 2900)), 1, 2)
    assert first[3] - second[1] >= 100


def test_words_of_parts_stand_on_the_page_once() -> None:
    """OCR reads a line in both of two parts that overlap: it is taken from where it is farther from the edge."""
    upper, lower = Picture(b"", 100, 100, "", (0, 0, 1, 0.6)), Picture(b"", 100, 100, "", (0, 0.4, 1, 1))

    def said(*words: tuple[str, float]) -> PageWords:
        return PageWords([Word(text, (0.1, y - 0.01, 0.3, y + 0.01)) for text, y in words], by_ocr=True)

    found = on_page([
        (upper, said(("a", 0.1), ("b", 0.45 / 0.6), ("cu", 0.58 / 0.6))),
        (lower, said(("b", 0.05 / 0.6), ("cut", 0.18 / 0.6), ("d", 0.9))),
    ])  # fmt: skip
    assert [word.text for word in found.words] == ["a", "b", "cut", "d"]
    assert found.words[2].box[1] == pytest.approx(0.4 + 0.6 * (0.18 / 0.6 - 0.01))
