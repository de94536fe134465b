"""Opening is a gate: limits, passwords, attachments; any bytes end in a document or in an error of the tree."""

from pathlib import Path

import pymupdf
import pytest
from drawing import HALF_RED, LIMITS, opened, pdf, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors.documents import PageFailure, PageImage, Spooled
from extractors.errors import Damaged, DocumentError, Encrypted, NotADocument, PageTooLarge, TooLarge, TooManyPages
from extractors.pages.limits import Limits
from extractors.pages.opening import open_document, sniff
from extractors.pages.rendering import render_pages


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


@settings(deadline=None)
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
