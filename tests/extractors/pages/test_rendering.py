"""Pages as the model sees them: right-sized, upright, 8-bit, on white; blanks found; hidden text apart."""

import io
from pathlib import Path

import pymupdf
import pytest
from drawing import HALF_RED, drawn, pdf, picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFont

from extractors.pages.rendering import _drawn
from extractors.pages.scans import scan_of
from extractors.pages.sizes import CELL, grid, image_tokens


@pytest.mark.parametrize(
    ("page", "size", "tokens"),
    [
        ((595, 842), (1092, 1540), 2200),
        ((612, 792), (1148, 1484), 2226),
        ((842, 595), (1540, 1092), 2184),
        ((2480, 3508), (1092, 1540), 2200),
    ],
)
def test_pages_are_drawn_straight_to_the_models_grid(
    page: tuple[int, int], size: tuple[int, int], tokens: int
) -> None:
    """Sizes and tokens as a real server counted them."""
    assert grid(*page) == size
    assert image_tokens(*size) == tokens


@given(st.floats(1, 20_000), st.floats(1, 20_000))
def test_any_page_fits_the_grid(width: float, height: float) -> None:
    """Multiples of 28, none over 1540, and hardly stretched unless the page is a ribbon."""
    columns, rows = grid(width, height)
    assert columns % CELL == rows % CELL == 0
    assert CELL <= min(columns, rows) <= max(columns, rows) == max(columns, rows) <= 1540
    if 0.2 < width / height < 5:
        assert abs(columns / rows / (width / height) - 1) < 0.05


def test_a_page_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    """Fingerprints of requests hang on it: a resumed run finds its stored replies."""
    assert drawn(tmp_path, pdf())[0].sha256 == drawn(tmp_path, pdf())[0].sha256


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (pdf(), "L"),
        (pdf(color=(0.4, 0.4, 0.4)), "L"),
        (pdf(color=(0, 0, 0, 0.8)), "L"),
        (pdf(color=(0.5, 0, 0)), "RGB"),
        (pdf(color=(0, 0.2, 0, 0.6)), "RGB"),
        (picture(Image.linear_gradient("L"), "PNG"), "L"),
        (picture(Image.linear_gradient("L").convert("1"), "TIFF"), "L"),
        (picture(HALF_RED.resize((300, 200)), "PNG"), "RGB"),
    ],
)
def test_pages_without_colour_are_grey_and_those_with_a_little_are_not(
    tmp_path: Path, content: bytes, mode: str
) -> None:
    """One channel costs half of three; whatever is red on paper is red to the model."""
    (page,) = drawn(tmp_path, content)
    assert Image.open(io.BytesIO(page.jpeg)).mode == mode


def test_a_coloured_hairline_makes_a_page_coloured(tmp_path: Path) -> None:
    """However little of it there is; and a grey page shows what the same page in colour would."""
    with pymupdf.open(stream=pdf()) as made:
        made[0].draw_line((100, 200), (101, 200), color=(0, 0, 1), width=0.1)
        (coloured,) = drawn(tmp_path, made.tobytes())
    (grey,) = drawn(tmp_path, pdf())
    both = [Image.open(io.BytesIO(page.jpeg)) for page in (coloured, grey)]
    assert [image.mode for image in both] == ["RGB", "L"]
    black, told = [image.convert("L").reduce(4) for image in both]
    assert ImageChops.difference(black.crop((0, 0, 273, 80)), told.crop((0, 0, 273, 80))).getextrema()[1] < 12


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_applied_to_page_and_words(tmp_path: Path, rotation: int) -> None:
    """A box lies where the word is seen."""
    (page,) = drawn(tmp_path, pdf(rotation=rotation), whole=True)
    assert (page.width > page.height) == (rotation in {90, 270})
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    for word in page.words:
        x0, y0, x1, y1 = word.box
        across, down = page.width, page.height
        seen = image.crop((int(x0 * across), int(y0 * down), int(x1 * across), int(y1 * down)))
        assert seen.getextrema()[0] < 100, (word, rotation)
    assert [word.text for word in page.words] == ["Hello", "paper"]


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("crop", ["[0 0 0 0]", "[600 800 1000 1000]"])
def test_a_crop_box_that_holds_nothing_does_not_hide_the_page(tmp_path: Path, crop: str, rotation: int) -> None:
    """The whole page is drawn, as other readers do: it would pass for blank otherwise."""
    with pymupdf.open(stream=pdf(width=600, height=800, rotation=rotation)) as made:
        made.xref_set_key(made[0].xref, "CropBox", crop)
        content = made.tobytes()
    (page,) = drawn(tmp_path, content)
    assert not page.blank
    assert [word.text for word in page.words] == ["Hello", "paper"]


def test_a_crop_box_is_what_is_drawn(tmp_path: Path) -> None:
    """Letter cut out of a larger sheet: what lies outside is not on the page."""
    with pymupdf.open(stream=pdf(width=1000, height=1000)) as made:
        made[0].insert_text((700, 900), "outside")
        made.xref_set_key(made[0].xref, "CropBox", "[10 208 622 1000]")
        content = made.tobytes()
    (page,) = drawn(tmp_path, content, whole=True)
    assert (page.width, page.height) == grid(612, 792)
    assert [word.text for word in page.words] == ["Hello", "paper"]


def test_blank_pages_are_found_and_faint_ones_are_not_taken_for_blank(tmp_path: Path) -> None:
    """A blank page is not sent, so in doubt it is not blank."""
    with pymupdf.open() as made:
        made.new_page()
        made.new_page().insert_text((100, 100), ".", fontsize=8)
        made.new_page().insert_text((100, 100), "pencil", fontsize=9, color=(0.85, 0.85, 0.85))
        black = made.new_page()
        black.draw_rect(black.rect, fill=(0, 0, 0))
        content = made.tobytes()
    blank, dot, faint, dark = drawn(tmp_path, content)
    assert blank.blank
    assert blank.jpeg == b""
    assert not faint.blank
    assert not dark.blank
    assert dot.page == 2


def test_hidden_text_is_set_apart(tmp_path: Path) -> None:
    """White on white, invisible, tiny or off the page: reported, and no evidence for any value."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_text((72, 100), "seen")
        page.insert_text((72, 150), "white", color=(1, 1, 1))
        page.insert_text((72, 200), "unseen", render_mode=3)
        page.insert_text((72, 250), "tiny", fontsize=1)
        page.insert_text((72, 5000), "outside")
        page.draw_rect((60, 280, 300, 320), fill=(0, 0, 0))
        page.insert_text((72, 300), "headline", color=(1, 1, 1))
        content = made.tobytes()
    (page,) = drawn(tmp_path, content)
    assert [word.text for word in page.words] == ["seen", "headline"]
    assert set(page.hidden_text.split()) == {"white", "unseen", "tiny", "outside"}


def test_an_ocr_layer_over_a_scan_is_text(tmp_path: Path) -> None:
    """Invisible text over an image is what OCR tools write."""
    scan = picture(Image.effect_noise((600, 800), 80).convert("RGB"), "JPEG")
    with pymupdf.open() as made:
        page = made.new_page(width=300, height=400)
        page.insert_image(page.rect, stream=scan)
        page.insert_text((50, 60), "scanned", render_mode=3)
        content = made.tobytes()
    (page,) = drawn(tmp_path, content)
    assert [word.text for word in page.words] == ["scanned"]
    assert page.hidden_text == ""


GREY_SCAN = Image.linear_gradient("L").resize((2480, 3508)).rotate(30, fillcolor=255)
# What its invisible text says, or nobody would see that there.
ImageDraw.Draw(GREY_SCAN).text((208, 205), "scanned", fill=0, font=ImageFont.load_default(46))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_scan_is_decoded_at_reduced_scale_and_looks_as_it_was_drawn(tmp_path: Path, mode: str) -> None:
    """A page that is one JPEG, with OCR text or without, does not need the renderer: the pixels hardly differ."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_image(page.rect, stream=picture(GREY_SCAN.convert(mode), "JPEG"), keep_proportion=False)
        page.insert_text((50, 60), "scanned", render_mode=3)
        size = grid(page.rect.width, page.rect.height)
        whole = made.tobytes()
        page.insert_text((50, 400), "stamped", fontsize=40)
        stamped = made.tobytes()
    with pymupdf.open(stream=whole) as pdf:
        decoded = scan_of(pdf[0], pdf[0].get_images(), size)
        assert decoded is not None
        assert decoded.size == size
        whole_page = _drawn(pdf[0], pdf[0].get_displaylist(), *size)
        assert decoded.mode == whole_page.mode == mode
        # In RGB both times, so that there are bands to go through.
        both = decoded.convert("RGB"), whole_page.convert("RGB")
        difference = ImageChops.difference(*both).resize((100, 141), Image.Resampling.BOX)
        assert max(top for _, top in difference.getextrema()) < 12  # type: ignore[misc]
    with pymupdf.open(stream=stamped) as pdf:
        assert scan_of(pdf[0], pdf[0].get_images(), size) is None
    assert [word.text for word in drawn(tmp_path, whole)[0].words] == ["scanned"]


@pytest.mark.parametrize("way", ["rotated", "half the page", "masked", "inverted", "annotated", "CMYK", "small"])
def test_what_is_not_just_an_upright_scan_is_drawn(way: str) -> None:
    """Only the plainest page is taken by the short way."""
    image = GREY_SCAN.convert("CMYK" if way == "CMYK" else "RGB").resize(
        (600, 800) if way == "small" else (2480, 3508)
    )
    with pymupdf.open() as pdf:
        page = pdf.new_page()
        area = pymupdf.Rect(0, 0, 595, 421) if way == "half the page" else page.rect
        mask = picture(Image.new("L", image.size, 99), "PNG") if way == "masked" else None
        page.insert_image(area, stream=picture(image, "JPEG"), keep_proportion=False, mask=mask)
        if way == "rotated":
            page.set_rotation(90)
        if way == "inverted":
            pdf.xref_set_key(page.get_images()[0][0], "Decode", "[1 0 1 0 1 0]")
        if way == "annotated":
            page.add_highlight_annot(pymupdf.Rect(50, 50, 100, 100))
        assert scan_of(page, page.get_images(), grid(page.rect.width, page.rect.height)) is None


def test_form_values_and_annotations_are_drawn(tmp_path: Path) -> None:
    """What a person typed into a form is on the page."""
    with pymupdf.open() as made:
        page = made.new_page()
        widget = pymupdf.Widget()
        widget.field_name, widget.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT
        widget.rect, widget.field_value = pymupdf.Rect(50, 50, 300, 80), "typed in"
        page.add_widget(widget)
        content = made.tobytes()
    (page,) = drawn(tmp_path, content)
    assert not page.blank
