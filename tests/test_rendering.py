"""Pages as the model sees them: right-sized, upright, 8-bit, on white; blanks found; hidden text apart."""

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from extractors.documents import Document, PageFailure, PageImage, Spooled
from extractors.errors import Damaged, DocumentError, Encrypted, NotADocument, PageTooLarge, TooLarge, TooManyPages
from extractors.limits import Limits
from extractors.opening import open_document, sniff
from extractors.rendering import CELL, _drawn, grid, image_tokens, render_pages
from extractors.scans import scan_of

LIMITS = Limits()


def opened(tmp_path: Path, content: bytes, limits: Limits = LIMITS) -> Document:
    """The document that some bytes are."""
    path = tmp_path / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return open_document(Spooled(path, path.name, len(content)), limits)


def drawn(tmp_path: Path, content: bytes) -> list[PageImage]:
    """All its pages, none of which may fail."""
    document = opened(tmp_path, content)
    pages = render_pages(document, tuple(range(1, document.page_count + 1)), LIMITS)
    assert all(isinstance(page, PageImage) for page in pages), pages
    return [page for page in pages if isinstance(page, PageImage)]


def pdf(width: float = 595, height: float = 842, rotation: int = 0, **text: Any) -> bytes:
    """A page with a line of text near its upper left corner."""
    with pymupdf.open() as made:
        page = made.new_page(width=width, height=height)
        page.insert_text((50, 60), "Hello paper", **{"fontsize": 20, **text})
        page.set_rotation(rotation)
        return made.tobytes(no_new_id=True)


def picture(image: Image.Image, form: str, **options: Any) -> bytes:
    """An image file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


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


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_applied_to_page_and_words(tmp_path: Path, rotation: int) -> None:
    """A box lies where the word is seen."""
    (page,) = drawn(tmp_path, pdf(rotation=rotation))
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
    (page,) = drawn(tmp_path, content)
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
        difference = ImageChops.difference(decoded, whole_page).resize((100, 141), Image.Resampling.BOX)
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


HALF_RED = Image.new("RGB", (3000, 2000), "white")
HALF_RED.paste((200, 0, 0), (0, 0, 1500, 2000))


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("TIFF", "RGB"), ("TIFF", "1"),
     ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"), ("AVIF", "RGB")],
)  # fmt: skip
def test_images_of_many_kinds_come_out_the_same(tmp_path: Path, form: str, mode: str) -> None:
    """8-bit JPEG on the grid, dark where the original is."""
    (page,) = drawn(tmp_path, picture(HALF_RED.convert(mode), form))
    assert (page.width, page.height) == grid(3000, 2000)
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    left, right = image.getpixel((100, 500)), image.getpixel((page.width - 100, 500))
    assert isinstance(left, int | float)
    assert isinstance(right, int | float)
    assert right > 240 > left + 60


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    """A medical or scientific scan in 16 bits keeps its greys."""
    row = struct.pack("<200H", *([60_000] * 100 + [20_000] * 100))
    deep = Image.frombytes("I;16", (200, 100), row * 100)
    (page,) = drawn(tmp_path, picture(deep, "TIFF"))
    image = Image.open(io.BytesIO(page.jpeg)).convert("L")
    assert abs(float(image.getpixel((150, 50))) - 78) < 6  # type: ignore[arg-type]
    assert abs(float(image.getpixel((50, 50))) - 233) < 6  # type: ignore[arg-type]


def test_exif_orientation_is_applied_and_small_images_are_not_enlarged(tmp_path: Path) -> None:
    """A phone's photo is upright; a small one keeps its pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = drawn(tmp_path, picture(HALF_RED.resize((300, 200)), "JPEG", exif=exif))
    assert (page.width, page.height) == (200, 300)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """A transparent page is white paper, and without ink blank."""
    (page,) = drawn(tmp_path, picture(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG"))
    assert page.blank


def test_every_frame_is_a_page(tmp_path: Path) -> None:
    """A fax is one TIFF with many frames, and a broken frame costs itself only."""
    frames = [HALF_RED.resize((300, 200)), HALF_RED.resize((310, 210)), HALF_RED.resize((320, 220))]
    content = picture(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert [(page.page, page.width) for page in drawn(tmp_path, content)] == [(1, 300), (2, 310), (3, 320)]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
def test_a_cut_off_image_is_never_half_a_picture(tmp_path: Path, form: str) -> None:
    """What the decoder had to guess is not shown to a model."""
    whole = picture(Image.effect_noise((400, 400), 90).convert("RGB"), form)
    try:
        document = opened(tmp_path, whole[: len(whole) // 2])
    except Damaged:
        return
    (page,) = render_pages(document, (1,), LIMITS)
    assert isinstance(page, PageFailure)
    assert page.kind == "damaged"


def test_limits_name_themselves_and_what_was_found(tmp_path: Path) -> None:
    """Bytes, pages and pixels; nothing is decoded to find out."""
    with pymupdf.open() as made:
        for _ in range(3):
            made.new_page()
        three = made.tobytes()
    with pytest.raises(TooManyPages, match="3 pages, over the limit of 2"):
        opened(tmp_path, three, Limits(max_pages=2))
    with pytest.raises(TooLarge, match="over the limit of 10"):
        opened(tmp_path, three, Limits(max_bytes=10))
    with pytest.raises(PageTooLarge, match=r"400 x 300 = 120,000 pixels, .* 100,000 \(max_page_pixels\)"):
        opened(tmp_path, picture(Image.new("1", (400, 300)), "PNG"), Limits(max_page_pixels=100_000))


def test_an_image_inside_a_page_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """The page that holds it fails by its declared size, undecoded; its neighbour is drawn."""
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_image(page.rect, stream=picture(Image.new("L", (400, 300)), "PNG"))
        made.new_page().insert_text((50, 50), "neighbour")
        content = made.tobytes()
    failed, neighbour = render_pages(opened(tmp_path, content), (1, 2), Limits(max_image_pixels=100_000))
    assert isinstance(failed, PageFailure)
    assert failed.kind == "image_too_large"
    assert "400 x 300 = 120,000 pixels, over the limit of 100,000 (max_image_pixels)" in failed.cause
    assert isinstance(neighbour, PageImage)
    (page_failed,) = render_pages(opened(tmp_path, pdf()), (1,), Limits(max_page_pixels=100_000))
    assert isinstance(page_failed, PageFailure)
    assert page_failed.kind == "page_too_large"


@pytest.mark.parametrize("password", ["user, long", "owner"])
def test_a_locked_pdf_opens_with_either_password(tmp_path: Path, password: str) -> None:
    """The one that fits is found among others, draws the pages, and is not shown with the document."""
    content = pymupdf.open(stream=pdf()).tobytes(
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="user, long", owner_pw="owner"
    )
    path = tmp_path / "locked"
    path.write_bytes(content)
    spooled = Spooled(path, "0" * 64, len(content))
    with pytest.raises(Encrypted, match="none of the 2 given opens it"):
        open_document(spooled, LIMITS, ("guess", "other"))
    document = open_document(spooled, LIMITS, ("guess", password))
    (page,) = render_pages(document, (1,), LIMITS)
    assert isinstance(page, PageImage)
    assert [word.text for word in page.words] == ["Hello", "paper"]
    assert password not in repr(document)


def test_a_portfolio_lists_its_attachments(tmp_path: Path) -> None:
    """They are named, and none is opened."""
    with pymupdf.open(stream=pdf()) as made:
        made.embfile_add("inner.pdf", pdf(), filename="inner.pdf")
        made.embfile_add("notes.txt", b"x")
        content = made.tobytes()
    document = opened(tmp_path, content)
    assert document.attachments == ("inner.pdf", "notes.txt")
    assert document.page_count == 1


def test_heic_opens_where_its_wheel_is_installed(tmp_path: Path) -> None:
    """A phone's photo."""
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(HALF_RED).save(buffer)
    (page,) = drawn(tmp_path, buffer.getvalue())
    assert (page.width, page.height) == grid(3000, 2000)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """Locked, cut off, empty, or something else altogether."""
    with pymupdf.open() as made:
        made.new_page().insert_text((50, 50), "x")
        locked = made.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="u", owner_pw="o")
        owned = made.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="", owner_pw="o")
        plain = made.tobytes()
    with pytest.raises(Encrypted, match="password"):
        opened(tmp_path, locked)
    assert opened(tmp_path, owned).page_count == 1
    with pytest.raises(Damaged):
        opened(tmp_path, plain[: len(plain) * 6 // 10])
    with pytest.raises(Damaged, match="empty"):
        opened(tmp_path, b"")
    for other in (b"hello", b"PK\x03\x04" + bytes(200), b"{}"):
        with pytest.raises(NotADocument):
            opened(tmp_path, other)


@given(st.binary(max_size=300))
def test_any_bytes_are_sniffed(head: bytes) -> None:
    """A type, or none."""
    assert sniff(head) is None or "/" in str(sniff(head))


SEEDS = [pdf(), picture(HALF_RED.resize((60, 40)), "PNG"), picture(HALF_RED.resize((60, 40)), "TIFF")]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8))
def test_bit_flips_end_in_a_document_or_an_error_of_the_tree(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, flips: list[tuple[int, int]]
) -> None:
    """A mutated file is drawn, fails by page, or is refused: nothing else."""
    content = bytearray(seed)
    for place, value in flips:
        content[place % len(content)] = value
    folder = tmp_path_factory.mktemp("flips")
    try:
        document = opened(folder, bytes(content), Limits(max_page_pixels=4_000_000, max_pages=20))
        pages = render_pages(document, (1,), LIMITS)
    except DocumentError:
        return
    assert len(pages) == 1
