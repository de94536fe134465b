"""Blank or faint: writing is sent however faint it is, and what a scanner and a punch leave is no writing."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from drawing import drawn, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from extractors.pages.ink import is_blank

A4 = (1092, 1540)
MANY = pytest.mark.parametrize("seed", range(12))

Made = Callable[[random.Random], Image.Image]


def paper(chance: random.Random) -> Image.Image:
    """A scanned sheet: nearly white, with a grain, darker towards one end."""
    grain = chance.choice([0, 3, 6, 10])
    noise = Image.frombytes("L", A4, chance.randbytes(A4[0] * A4[1])).point(
        [level * grain // 255 for level in range(256)]
    )
    sheet = ImageChops.subtract(Image.new("L", A4, 255), noise)
    shade = chance.choice([0, 8, 20])
    return ImageChops.subtract(
        sheet, Image.linear_gradient("L").resize(A4).point([v * shade // 255 for v in range(256)])
    )


def written(chance: random.Random, darker: int, size: int) -> Image.Image:
    """A sheet with a few words, so many levels darker than the paper."""
    layer = Image.new("L", A4, 0)
    for _ in range(chance.randint(1, 3)):
        word = chance.choice(["Total 12.50", "Notes", "Pagado", "see page two", "Quittung"])
        place = chance.randint(60, 700), chance.randint(60, 1400)
        ImageDraw.Draw(layer).text(place, word, fill=darker, font=ImageFont.load_default(size=size))
    return ImageChops.subtract(paper(chance), layer.filter(ImageFilter.GaussianBlur(0.6)))


def signed(chance: random.Random) -> Image.Image:
    """A sheet with one line of handwriting in pencil."""
    layer = Image.new("L", A4, 0)
    x, y = chance.randint(150, 600), chance.randint(200, 1200)
    line = [(x, y)]
    for _ in range(50):
        x, y = x + chance.randint(-2, 9), y + chance.randint(-12, 12)
        line.append((x, y))
    ImageDraw.Draw(layer).line(line, fill=14, width=2)
    return ImageChops.subtract(paper(chance), layer.filter(ImageFilter.GaussianBlur(0.6)))


def dusty(chance: random.Random, sheet: Image.Image | None = None) -> Image.Image:
    """Specks, up to 50 of them."""
    sheet = sheet or paper(chance)
    for _ in range(chance.randint(1, 50)):
        x, y, across = chance.randint(0, 1090), chance.randint(0, 1538), chance.randint(1, 3)
        ImageDraw.Draw(sheet).ellipse((x, y, x + across, y + across), fill=chance.randint(0, 180))
    return sheet


def punched(chance: random.Random, sheet: Image.Image | None = None) -> Image.Image:
    """Two or four holes in the left margin, as dark as the scanner's lid is."""
    sheet, fill, shift = sheet or paper(chance), chance.choice([0, 40, 120, 200]), chance.randint(-10, 10)
    for y in [500, 1000, 250, 1250][: chance.choice([2, 4])]:
        across = chance.randint(26, 34)
        ImageDraw.Draw(sheet).ellipse((40 + shift, y, 40 + shift + across, y + across), fill=fill)
    return sheet


def edged(chance: random.Random, sheet: Image.Image | None = None) -> Image.Image:
    """A crooked dark strip along one side, and maybe one at the foot."""
    sheet, wide = sheet or paper(chance), chance.randint(4, 30)
    fill = chance.choice([0, 60, 150])
    ImageDraw.Draw(sheet).polygon([(0, 0), (wide, 0), (chance.randint(2, wide), 1540), (0, 1540)], fill=fill)
    if chance.random() < 0.5:
        ImageDraw.Draw(sheet).rectangle((0, 1530, 1092, 1540), fill=30)
    return sheet


def streaked(chance: random.Random) -> Image.Image:
    """A line over the whole sheet, of dirt on the glass."""
    sheet, x = paper(chance), chance.randint(100, 1000)
    ImageDraw.Draw(sheet).line([(x, 0), (x, 1540)], fill=120, width=2)
    return sheet


def scanned(sheet: Image.Image) -> Image.Image:
    """As it comes out of a JPEG."""
    return Image.open(io.BytesIO(picture(sheet, "JPEG", quality=85)))


@MANY
@pytest.mark.parametrize(
    "made",
    [
        lambda chance: written(chance, 14, chance.randint(20, 40)),
        lambda chance: written(chance, 120, 12),
        signed,
        lambda chance: dusty(chance, signed(chance)),
        lambda chance: edged(chance, punched(chance, written(chance, 14, 24))),
    ],
    ids=["pencil", "small print", "handwriting", "handwriting and dust", "pencil, holes and edges"],
)
def test_faint_writing_is_not_taken_for_blank(made: Made, seed: int) -> None:
    """Pencil of 14 levels under white, one word of it, in grain and shade; between holes and edges too."""
    assert not is_blank(scanned(made(random.Random(seed))))


@MANY
@pytest.mark.parametrize(
    "made",
    [
        paper, dusty, punched, edged, streaked,
        lambda chance: edged(chance, punched(chance, dusty(chance))),
    ],
    ids=["paper", "dust", "holes", "edges", "streaks", "all of it"],
)  # fmt: skip
def test_what_is_left_behind_is_not_taken_for_writing(made: Made, seed: int) -> None:
    """Dust, punch holes, dark edges, streaks: nobody writes so."""
    assert is_blank(scanned(made(random.Random(seed))))


@pytest.mark.parametrize("colour", [(255, 255, 190), (255, 250, 205), (255, 255, 215), (225, 255, 255)])
def test_pale_print_is_not_taken_for_blank(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    """Yellow is hardly darker than white, but in the blue channel."""
    sheet = Image.new("RGB", A4, "white")
    ImageDraw.Draw(sheet).text((200, 300), "Total 12.50 EUR", fill=colour, font=ImageFont.load_default(size=24))
    (page,) = drawn(tmp_path, picture(sheet, "PNG"))
    assert not page.blank


def test_a_dark_page_is_never_blank() -> None:
    """A photo at night, a page in negative: where unsure, it is sent."""
    assert not is_blank(Image.new("L", A4, 90))


@settings(max_examples=40, deadline=None)
@given(raw=st.binary(min_size=300, max_size=300), across=st.integers(2, 700))
def test_any_picture_has_an_answer(raw: bytes, across: int) -> None:
    """Noise of any shape and size: the answer comes, and what is full of ink is not blank."""
    image = Image.frombytes("L", (20, 15), raw).resize((across, 400), Image.Resampling.NEAREST)
    assert isinstance(is_blank(image), bool)
