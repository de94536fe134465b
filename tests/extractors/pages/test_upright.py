"""Pages that are not upright are turned before they are sent, by the way that their text runs."""

import io
from pathlib import Path

import pymupdf
import pytest
from drawing import LIMITS, drawn, opened
from PIL import Image, ImageChops, ImageStat

from extractors.pages.rendering import render_pages
from extractors.pages.sizes import grid

REAL = Path(__file__).parents[4] / "shared" / "data"

LINES = [f"Row {number} widget number {number * 37} at 12.{number:02d}" for number in range(20)]
UPRIGHT = (842, 595)


def landscape(turned: int, rotation: int = 0) -> bytes:
    """A table that runs so many degrees counter-clockwise on its page, which has this /Rotate."""
    with pymupdf.open() as flat, pymupdf.open() as made:
        table = flat.new_page(width=UPRIGHT[0], height=UPRIGHT[1])
        for number, line in enumerate(LINES):
            table.insert_text((60, 60 + 20 * number), line, fontsize=11)
        across, down = UPRIGHT if turned % 180 == 0 else UPRIGHT[::-1]
        page = made.new_page(width=across, height=down)
        page.show_pdf_page(page.rect, flat, 0, rotate=turned)
        page.set_rotation(rotation)
        return made.tobytes(no_new_id=True)


def grey(jpeg: bytes) -> Image.Image:
    """The picture that is sent."""
    return Image.open(io.BytesIO(jpeg)).convert("L")


@pytest.mark.parametrize(
    ("turned", "rotation"),
    [(0, 0), (90, 0), (180, 0), (270, 0), (90, 90), (270, 90), (0, 180), (0, 90)],
)
def test_a_page_is_turned_upright_with_its_words(tmp_path: Path, turned: int, rotation: int) -> None:
    """Whatever way its text runs, and whatever its /Rotate says: the same picture, words and boxes."""
    (expected,) = drawn(tmp_path, landscape(0), whole=True)
    content = landscape(turned, rotation)
    (page,) = drawn(tmp_path, content, whole=True)
    assert (page.width, page.height) == grid(*UPRIGHT)
    assert ImageStat.Stat(ImageChops.difference(grey(page.jpeg), grey(expected.jpeg))).mean[0] < 4
    assert [word.text for word in page.words] == [word.text for word in expected.words]
    for word, other in zip(page.words, expected.words, strict=True):
        assert word.box == pytest.approx(other.box, abs=0.01)


def test_a_turned_page_is_the_same_when_it_is_drawn_again(tmp_path: Path) -> None:
    """The document stays open between windows, and no page is turned twice."""
    document = opened(tmp_path, landscape(90))
    assert render_pages(document, (1,), LIMITS) == render_pages(document, (1,), LIMITS)


def test_a_margin_note_turns_no_page(tmp_path: Path) -> None:
    """A line that runs upwards beside the text, or alone on a page of pictures: where unsure, it stays as it is."""
    with pymupdf.open() as made:
        page = made.new_page()
        for number, line in enumerate(LINES):
            page.insert_text((100, 60 + 20 * number), line, fontsize=11)
        page.insert_text((40, 700), "Form 2026-11 registered at Berlin, HRB 12345", rotate=90, fontsize=8)
        made.new_page().insert_text((40, 700), "Form 2026-11", rotate=90)
        content = made.tobytes(no_new_id=True)
    for page_image in drawn(tmp_path, content, whole=True):
        assert page_image.height > page_image.width


def test_text_that_nobody_sees_turns_no_page(tmp_path: Path) -> None:
    """Else it could make a page illegible."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_text((100, 100), "Total 12.50", fontsize=11)
        for number, line in enumerate(LINES):
            page.insert_text((40 + 20 * number, 700), line, rotate=90, fontsize=11, color=(1, 1, 1))
        content = made.tobytes(no_new_id=True)
    (page_image,) = drawn(tmp_path, content, whole=True)
    assert page_image.height > page_image.width
    assert page_image.hidden_text


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_no_real_page_is_turned_that_was_upright(tmp_path: Path) -> None:
    """All of them are, with /Rotate applied."""
    for path in sorted([*REAL.glob("real/docs/*.pdf"), *REAL.glob("answers/documents/*.pdf")]):
        document = opened(tmp_path, path.read_bytes())
        with pymupdf.open(path) as pdf:
            for number in range(min(document.page_count, 5)):
                (page,) = render_pages(document, (number + 1,), LIMITS, whole=True)
                rect = pdf[number].rect
                assert (page.width, page.height) == grid(rect.width, rect.height), (path.name, number)  # type: ignore[union-attr]
