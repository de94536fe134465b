"""Words read from pictures: what a reader sees, at its place."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from extractors.documents import Box, PageWords
from extractors.pages.ocr_words import read_words, reader_name

PLACES = {"Corner": (60, 40), "Shop": (220, 40), "Total": (60, 160), "12.50": (300, 160)}
"""Words by the upper left corner of what is drawn, in pixels."""


def paper(tilt: float = 0.0) -> Image.Image:
    """A slip with those words, which may have been laid askew on the scanner."""
    page = Image.new("L", (560, 260), "white")
    pen = ImageDraw.Draw(page)
    for text, place in PLACES.items():
        pen.text(place, text, fill=0, font=FONT)
    return page.rotate(tilt, fillcolor=255, resample=Image.Resampling.BICUBIC)


FONT = ImageFont.load_default(40)


def jpeg(image: Image.Image) -> bytes:
    """The picture as it is sent."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def ink(text: str) -> Box:
    """Where a word is drawn, as fractions."""
    x0, y0, x1, y1 = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(PLACES[text], text, font=FONT)
    return x0 / 560, y0 / 260, x1 / 560, y1 / 260


def overlap(one: Box, other: Box) -> float:
    """Of two boxes, what both cover of what either covers."""
    across, down = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, across) * max(0.0, down)
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other)]
    return both / (sum(areas) - both)


@pytest.fixture(scope="module")
def level() -> PageWords:
    """The slip, read once."""
    return read_words(jpeg(paper()))


def test_words_stand_where_they_are_drawn_in_reading_order(level: PageWords) -> None:
    """Each word has a box of its own, in fractions of the picture."""
    assert [word.text for word in level.words] == list(PLACES)
    assert all(overlap(word.box, ink(word.text)) > 0.5 for word in level.words)
    assert level.by_ocr
    assert level.whole


def test_a_tilted_scan_keeps_its_order_and_its_places() -> None:
    """Lines are told by where they would stand on a level page; boxes are where the words are drawn on this one."""
    read = read_words(jpeg(paper(tilt=-3.0)))
    assert [word.text for word in read.words] == list(PLACES)
    total, amount = read.words[2].box, read.words[3].box
    assert amount[1] - total[1] > 0.02


def test_a_picture_without_text_has_no_words_and_says_nothing_of_what_is_there() -> None:
    """Where nothing is read, nothing can be told to be missing."""
    read = read_words(jpeg(Image.linear_gradient("L").resize((300, 300))))
    assert read == PageWords((), whole=False, by_ocr=True)


def test_text_that_stands_upright_is_known_to_be_there() -> None:
    """A page that lies on its side is not said to have no other words than those that were read."""
    assert not read_words(jpeg(paper().rotate(90, expand=True))).whole


def test_the_reader_is_named_with_its_versions() -> None:
    """Another model, or another way to take its words, is another reader."""
    assert reader_name().startswith("rapidocr ")
    assert "_rec_" in reader_name()
