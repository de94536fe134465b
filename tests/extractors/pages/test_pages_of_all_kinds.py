"""Pages of kinds that are rare and sound: rolls, forms, plans of outlines, stamped scans, print without extent."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import killers
import pymupdf
import pytest
from drawing import LIMITS, drawn, opened, picture
from PIL import Image, ImageDraw, ImageFont

from extractors.documents import PageFailure
from extractors.errors import Kind
from extractors.pages.foreseen import page_sizes
from extractors.pages.legible import measured_size
from extractors.pages.rendering import render_pages

A4 = (2480, 3508)
FONT = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
NO_EXTENT = {
    "size 0": b"/F1 0 Tf 1 0 0 1 60 300 Tm",
    "no width": b"/F1 11 Tf 0 Tz 1 0 0 1 60 300 Tm",
    "no matrix": b"/F1 11 Tf 0 0 0 0 60 300 Tm",
    "a flat matrix": b"/F1 11 Tf 1 0 0 0 60 300 Tm",
    "an upright one": b"/F1 11 Tf 0 0 0 1 60 300 Tm",
}


def font(size: int) -> Any:
    """Pillow's own."""
    return ImageFont.load_default(size=size)


def pdf_of(draw: Callable[[Any], object], width: float = 595, height: float = 842) -> bytes:
    """A page that something is drawn on."""
    with pymupdf.open() as made:
        draw(made.new_page(width=width, height=height))
        return made.tobytes(no_new_id=True)


def filled(image: bytes) -> Callable[[Any], object]:
    """Draws an image over a whole page."""
    return lambda page: page.insert_image(page.rect, stream=image, keep_proportion=False)


def outlined(content: bytes) -> bytes:
    """A PDF's first page with its letters as outlines."""
    with pymupdf.open(stream=content) as made:
        drawing = made[0].get_svg_image(text_as_path=True).encode()
    with pymupdf.open(stream=drawing, filetype="svg") as svg:
        return bytes(svg.convert_to_pdf())


def lines(size: tuple[int, int], print_size: int, pitch: int) -> Image.Image:
    """A scan full of lines of print."""
    paper = Image.new("L", size, 255)
    for number, y in enumerate(range(60, size[1] - 60, pitch)):
        text = f"Position {number} Oak table number {7 * number} costs {number}.50 EUR gross"
        ImageDraw.Draw(paper).text((90, y), text, fill=0, font=font(print_size))
    return paper


@pytest.mark.parametrize("way", NO_EXTENT.values(), ids=NO_EXTENT.keys())
def test_text_without_extent_does_not_break_its_page(tmp_path: Path, way: bytes) -> None:
    """Nobody sees it, and it is in no layer; the rest is read."""
    content = b"BT /F1 11 Tf 1 0 0 1 60 700 Tm (Total 12.50) Tj " + way + b" (Sesame) Tj ET"
    (page,) = drawn(tmp_path, killers.pdf_of(killers.page_with(killers.stream(content), resources=FONT)))
    assert [word.text for word in page.words] == ["Total", "12.50"]


def test_a_scan_that_cannot_be_decoded_is_damaged_and_not_blank(tmp_path: Path) -> None:
    """MuPDF draws nothing of a cut JPEG 2000, nor of an image in no colour space, and goes on."""
    whole = picture(lines((620, 877), 18, 30), "JPEG2000")
    for stream, space in (
        (whole[: len(whole) * 9 // 10], "/DeviceGray"),
        (whole[:40], "/DeviceGray"),
        (b"", "/None"),
    ):
        with pymupdf.open(stream=pdf_of(filled(picture(lines((620, 877), 18, 30), "JPEG")))) as made:
            (xref, *_) = made[0].get_images()[0]
            made.update_stream(xref, stream, compress=False)
            made.xref_set_key(xref, "Filter", "/JPXDecode" if stream else "null")
            made.xref_set_key(xref, "ColorSpace", space)
            content = made.tobytes()
        (page,) = render_pages(opened(tmp_path, content), (1,), LIMITS)
        assert isinstance(page, PageFailure), space
        assert page.kind == Kind.DAMAGED


def test_a_page_that_draws_nothing_but_what_is_missing_is_damaged(tmp_path: Path) -> None:
    """A form that is not there leaves it empty; a missing graphics state takes nothing from a blank page."""
    lost, sound = (killers.pdf_of(killers.page_with(killers.stream(content))) for content in (b"/Fm7 Do", b"/G7 gs"))
    (page,) = render_pages(opened(tmp_path, lost), (1,), LIMITS)
    assert isinstance(page, PageFailure)
    (blank,) = drawn(tmp_path, sound)
    assert blank.blank
    assert blank.doubt


@pytest.mark.parametrize(("width", "height", "pitch"), [(600, 8000, 38), (600, 9000, 48), (600, 9000, 58)])
def test_a_long_roll_stays_upright(tmp_path: Path, width: int, height: int, pitch: int) -> None:
    """Its print is four pixels high in one picture, where what looks like letters is none."""
    roll = Image.new("L", (width, height), 255)
    for number, y in enumerate(range(40, height - 60, pitch)):
        ImageDraw.Draw(roll).text((30, y), f"{number:03d} widget {number}.50", fill=0, font=font(26))
    for content in (picture(roll, "PNG"), pdf_of(filled(picture(roll, "JPEG")), width / 3, height / 3)):
        (page,) = drawn(tmp_path, content, whole=True)
        assert page.height > page.width


def form(rule: int, filled_in: int = 6) -> Image.Image:
    """A ruled table at 300 dpi, some of its rows filled in with print of 10 points."""
    paper = Image.new("L", A4, 255)
    pen = ImageDraw.Draw(paper)
    for row in range(31):
        pen.line((150, 500 + 80 * row, 2300, 500 + 80 * row), fill=0, width=rule)
    for x in (150, 1200, 1600, 2300):
        pen.line((x, 500, x, 2900), fill=0, width=rule)
    for row in range(filled_in):
        pen.text((170, 510 + 80 * row), f"Oak table {row}", fill=0, font=font(42))
        pen.text((1650, 510 + 80 * row), f"{row}12.50", fill=0, font=font(42))
    return paper


@pytest.mark.parametrize("rule", [2, 3, 4, 6])
def test_rules_are_no_print(tmp_path: Path, rule: int) -> None:
    """A form whose print is 18 pixels high is sent in one picture."""
    (page,) = drawn(tmp_path, picture(form(rule), "PNG"))
    assert not page.tiles
    assert not page.illegible


@pytest.mark.parametrize("step", [24, 59])
def test_a_note_on_ruled_or_squared_paper_is_large(tmp_path: Path, step: int) -> None:
    """Its print is, and its paper's rules are none."""
    paper = lines(A4, 70, 140)
    pen = ImageDraw.Draw(paper)
    for y in range(0, A4[1], step):
        pen.line((0, y, A4[0], y), fill=190, width=3)
    for x in range(0, A4[0] if step < 30 else 0, step):
        pen.line((x, 0, x, A4[1]), fill=190, width=3)
    (page,) = drawn(tmp_path, picture(paper, "JPEG"))
    assert not page.tiles
    assert not page.illegible


def test_rules_alone_have_no_size() -> None:
    """Nor those of an empty form, whose ends are in the strips that are looked at."""
    assert measured_size(form(4, filled_in=0)) is None


def bolts(page: Any) -> None:
    """Print of 8 points, all over a large sheet."""
    for column in range(4):
        for row in range(60):
            page.insert_text((40 + 560 * column, 40 + 55 * row), f"bolt{column}-{row} 12.50", fontsize=8)


def test_a_plan_of_outlines_is_sent_larger(tmp_path: Path) -> None:
    """Its print is as small as letters of a layer would be: so many parts, and so many priced beforehand."""
    content = outlined(pdf_of(bolts, 2384, 3370))
    (page,) = drawn(tmp_path, content)
    assert not page.words
    for tile in page.tiles:
        assert 8 * tile.height / ((tile.box[3] - tile.box[1]) * 3370) > 9
    assert len(page.tiles) > 1
    assert page_sizes(opened(tmp_path, content), (1,), LIMITS) == [
        tuple((tile.width, tile.height) for tile in page.tiles)
    ]


def test_an_outlined_letter_is_sent_in_one_picture(tmp_path: Path) -> None:
    """Its print is large enough."""
    rows = [f"Oak table {number}, oiled, {number}.50 EUR" for number in range(40)]
    (page,) = drawn(tmp_path, outlined(pdf_of(lambda page: page.insert_text((60, 60), rows, fontsize=9))))
    assert not page.tiles
    assert not page.illegible


def stamped(scan: Image.Image, *, width: float = 595, height: float = 842) -> bytes:
    """A scan with a line in the layer."""

    def draw(page: Any) -> None:
        filled(picture(scan, "JPEG", quality=90))(page)
        page.insert_text((360, 30), "Received 2025-03-03 ACME-000123", fontsize=10)

    return pdf_of(draw, width, height)


def test_a_stamp_does_not_hide_that_a_scan_is_small(tmp_path: Path) -> None:
    """What it says is three words of hundreds."""
    (page,) = drawn(tmp_path, stamped(lines((4960, 7016), 34, 61)))
    assert page.tiles
    assert not page.illegible
    assert len(page.words) == 3


def test_a_stamped_scan_is_put_upright_with_its_stamp(tmp_path: Path) -> None:
    """The words' boxes are turned with the page, and show where they stand."""
    sideways = lines((1240, 1754), 28, 40).rotate(90, expand=True)
    (page,) = drawn(tmp_path, stamped(sideways, width=842, height=595), whole=True)
    assert page.height > page.width
    shown = Image.open(io.BytesIO(page.jpeg)).convert("L")
    for word in page.words:
        x0, y0, x1, y1 = word.box
        assert x1 - x0 < y1 - y0
        box = (int(x0 * page.width), int(y0 * page.height), int(x1 * page.width), int(y1 * page.height))
        assert shown.crop(box).getextrema()[0] < 128  # type: ignore[operator]


LONG = {
    "a roll in grey": (200, 4000, 7, 11, 1),
    "a strip": (3000, 60, 6, 10, 49),
    "a huge sheet": (5000, 7000, 9, 70, 10),
}


@pytest.mark.parametrize(("width", "height", "size", "pitch", "columns"), LONG.values(), ids=LONG.keys())
def test_print_is_not_hidden_by_a_small_picture(
    tmp_path: Path, width: int, height: int, size: int, pitch: int, columns: int
) -> None:
    """On paper it is read; it is looked for where it is sent larger. White print stays hidden there."""

    def draw(page: Any) -> None:
        for column in range(columns):
            for row in range((height - 20) // pitch - 1):
                at = 5 + column * (width - 10) // columns, 20 + pitch * row
                page.insert_text(at, f"it{row} {column}.50", fontsize=size, color=(0.45,) * 3)
        page.insert_text((width / 2, height - 10), "Sesame", fontsize=size, color=(1, 1, 1))

    (page,) = drawn(tmp_path, pdf_of(draw, width, height))
    assert page.hidden_text == "Sesame"
    assert len(page.words) == 2 * columns * ((height - 20) // pitch - 1)
