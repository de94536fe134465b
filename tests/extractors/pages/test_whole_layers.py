"""Whether a page's text layer says all that the page shows: only then can a value be told to stand nowhere on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pages
import pymupdf
import pytest
from drawing import drawn, picture
from hiding import Place
from PIL import Image, ImageDraw, ImageFont

LINES = [f"Oak Tools Ltd, item {number:02}, oiled, {17 * number % 90 + 9}.50 GBP" for number in range(1, 25)]
FONT = ImageFont.load_default(46)


def scan(lines: Sequence[str] = LINES) -> Image.Image:
    """A page as a scanner makes it, 300 dpi."""
    image = Image.new("L", (2480, 3508), 242)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((250, 300 + 110 * number), line, fill=40, font=FONT)
    return image


def layer(page: Any, lines: Sequence[str]) -> None:
    """What OCR writes over that scan: the same words, about where they are drawn."""
    for number, line in enumerate(lines):
        wide, size = FONT.getlength(line) * 0.24, 46 * 0.24
        size *= wide / pymupdf.get_text_length(line, fontsize=size)
        page.insert_text((60, 82.5 + 26.4 * number), line, fontsize=size, render_mode=3)


def whole(tmp_path: Path, made: Any) -> bool:
    """Whether its first page's words are all that a reader sees; they are words that he does see."""
    page = drawn(tmp_path, made.tobytes())[0]
    assert page.words
    assert page.hidden_text == ""
    return page.text_layer.whole


def scanned() -> tuple[Any, Any]:
    """A PDF of one scan without text."""
    made = pymupdf.open()
    page = made.new_page(width=595.2, height=841.9)
    page.insert_image(page.rect, stream=picture(scan(), "JPEG", quality=85), keep_proportion=False)
    return made, page


def test_a_digital_page_says_all(tmp_path: Path) -> None:
    """Lines, tables and shaded heads are no words."""
    page = drawn(tmp_path, pages.invoice_pdf())[0]
    assert page.text_layer.whole


def test_an_ocred_scan_says_all_when_its_words_cover_the_print(tmp_path: Path) -> None:
    """And one of which a part was not read does not."""
    made, page = scanned()
    layer(page, LINES)
    assert whole(tmp_path, made)
    made, page = scanned()
    layer(page, LINES[:16])
    assert not whole(tmp_path, made)


def test_a_scan_with_a_stamped_header_says_little(tmp_path: Path) -> None:
    """What a fax machine or an archive printed on it is not what stands there."""
    made, page = scanned()
    page.insert_text((60, 30), "Received 2025-03-14 10:22 page 1 of 1", fontsize=9)
    assert not whole(tmp_path, made)


def test_a_logo_or_a_photo_takes_nothing_from_a_letter(tmp_path: Path) -> None:
    """A small picture may say a name, and one without print says nothing."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_text((60, 300), "\n".join(LINES), fontsize=11)
        logo = Image.new("L", (400, 120), 255)
        ImageDraw.Draw(logo).text((20, 30), "OAK TOOLS", fill=0, font=ImageFont.load_default(60))
        page.insert_image((60, 30, 260, 90), stream=picture(logo, "PNG"))
        photo = Image.radial_gradient("L").resize((600, 500))
        page.insert_image((300, 30, 560, 280), stream=picture(photo, "JPEG"), keep_proportion=False)
        assert whole(tmp_path, made)


def test_a_letterhead_in_a_picture_is_not_said(tmp_path: Path) -> None:
    """Paper with the sender's name and address, as a picture under the text."""
    with pymupdf.open() as made:
        page = made.new_page(width=595.2, height=841.9)
        paper = scan(LINES[:6])
        page.insert_image(page.rect, stream=picture(paper, "PNG"), keep_proportion=False)
        page.insert_text((60, 320), "\n".join(LINES[6:]), fontsize=11)
        assert not whole(tmp_path, made)


@pytest.mark.parametrize(
    "lines",
    [['"7+%-  #$!& +*/(){}', "&%$ )(!"] * 3, ["oaktoolsltditemoiledwithlinseedoilandwaxedtwicebyhand"] * 20],
    ids=["no letters", "no blanks"],
)
def test_garbage_is_not_what_is_drawn(tmp_path: Path, lines: list[str]) -> None:
    """Signs in the place of letters, or words without end."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_text((40, 60), "\n".join(lines), fontsize=11)
        assert not whole(tmp_path, made)


def renamed(shift: int) -> Any:
    """A page whose font says other letters than it draws: each is so many further in Unicode."""
    made = pymupdf.open()
    page = made.new_page()
    page.insert_text((60, 100), "Total 1234.56 for Oak Tools Ltd")
    number, names = page.get_fonts()[0][0], made.get_new_xref()
    codes = [code for code in range(0x30, 0x7B) if chr(code).isalnum()]
    pairs = "".join(f"<{code:02x}> <{code + shift:04x}>\n" for code in codes)
    made.update_object(names, "<<>>")
    made.update_stream(
        names, f"1 beginbfrange <20> <20> <0020> endbfrange {len(codes)} beginbfchar\n{pairs}endbfchar".encode()
    )
    made.xref_set_key(number, "ToUnicode", f"{names} 0 R")
    return made


@pytest.mark.parametrize("shift", [1, 9, 0xE000])
def test_a_font_that_names_other_letters_than_it_draws_is_found_out(tmp_path: Path, shift: int) -> None:
    """Amounts in the layer are then not those on the page; and letters of Unicode's private area are none."""
    assert whole(tmp_path, renamed(0))
    assert not whole(tmp_path, renamed(shift))


def test_small_print_of_a_small_page_is_read(tmp_path: Path) -> None:
    """A receipt of 58 units in print of one unit is as large as any other page when it is drawn."""
    with pymupdf.open() as made:
        page = made.new_page(width=58, height=82)
        Place(page, 2, 2, 0.1).write("TOTAL 12.50", size=10)
        assert whole(tmp_path, made)
