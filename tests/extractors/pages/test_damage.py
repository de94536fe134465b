"""Damage is heard: a page of which something is lost is not read as a whole one; a sound one raises no alarm."""

import io
import random
import zlib
from pathlib import Path

import killers
import pymupdf
import pytest
from drawing import LIMITS, opened
from PIL import Image

from extractors.documents import PageFailure, PageImage
from extractors.errors import Kind
from extractors.pages.rendering import render_pages

REAL = Path(__file__).parents[4] / "shared" / "data"

LINES = b"BT /F1 9 Tf " + b"".join(
    b"1 0 0 1 50 %d Tm (Row %d widget %d 12.%02d) Tj " % (800 - 12 * n, n, n * 37, n) for n in range(60)
) + b"ET"  # fmt: skip
FONT = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"


def page_of(content: bytes, *entries: str) -> bytes:
    """A PDF of one page that draws this."""
    return killers.pdf_of(killers.page_with(killers.stream(content, *entries), resources=FONT))


def drawn(tmp_path: Path, content: bytes) -> PageImage | PageFailure:
    """Its first page."""
    (page,) = render_pages(opened(tmp_path, content), (1,), LIMITS)
    return page


def garbled(content: bytes, count: int, seed: int) -> bytes:
    """With so many bytes changed."""
    chance, changed = random.Random(seed), bytearray(content)
    for _ in range(count):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


PACKED = zlib.compress(LINES)
FLATE = "/Filter /FlateDecode"
LOST = {
    "cut at half": page_of(PACKED[: len(PACKED) // 2], FLATE),
    "not packed, cut at half": page_of(LINES[: len(LINES) // 2]),
    "the rest is zeros": page_of(PACKED[: len(PACKED) // 2].ljust(len(PACKED), b"\0"), FLATE),
    "200 bytes changed": page_of(garbled(PACKED, 200, 1), FLATE),
    "200 bytes changed, not packed": page_of(garbled(LINES, 200, 2)),
    "no packed data at all": page_of(random.Random(3).randbytes(500), FLATE),
    "broken LZW": page_of(random.Random(4).randbytes(2000), "/Filter /LZWDecode"),
}


@pytest.mark.parametrize("content", LOST.values(), ids=LOST.keys())
def test_a_page_of_which_something_is_lost_is_damaged(tmp_path: Path, content: bytes) -> None:
    """MuPDF draws a half of it, or nothing, and says so: neither a page nor a blank one."""
    page = drawn(tmp_path, content)
    assert isinstance(page, PageFailure), page
    assert page.kind == Kind.DAMAGED
    assert "\n" not in page.cause


def test_a_picture_that_breaks_off_is_damage(tmp_path: Path) -> None:
    """A JPEG inside a page, garbled behind its head."""
    buffer = io.BytesIO()
    Image.effect_noise((400, 400), 80).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    with pymupdf.open() as made:
        made.new_page().insert_image((50, 200, 400, 500), stream=jpeg)
        whole = made.tobytes(no_new_id=True)
    assert isinstance(drawn(tmp_path, whole), PageImage)
    page = drawn(tmp_path, whole.replace(jpeg, jpeg[:20] + bytes(len(jpeg) - 20)))
    assert isinstance(page, PageFailure)


def test_neighbours_of_a_damaged_page_are_drawn_and_not_blamed(tmp_path: Path) -> None:
    """Warnings are the page's own."""
    with pymupdf.open(stream=LOST["cut at half"]) as broken, pymupdf.open(stream=page_of(PACKED, FLATE)) as sound:
        broken.insert_pdf(sound)
        content = broken.tobytes(no_new_id=True)
    first, second = render_pages(opened(tmp_path, content), (1, 2), LIMITS)
    assert isinstance(first, PageFailure)
    assert isinstance(second, PageImage)
    assert second.doubt == ""


DOUBTFUL = {
    "an unknown word": page_of(LINES.replace(b"ET", b"ET 1 2 xyzzy q Q")),
    "a form that is not there": page_of(LINES + b" /Fm7 Do"),
    "a wrong checksum": page_of(PACKED[:-4] + b"\1\2\3\4", FLATE),
}


@pytest.mark.parametrize("content", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_broken_data_of_which_nothing_is_known_to_be_lost_are_doubtful(tmp_path: Path, content: bytes) -> None:
    """The page is sent, and that is said."""
    page = drawn(tmp_path, content)
    assert isinstance(page, PageImage)
    assert page.doubt


SOUND = {
    "packed": page_of(PACKED, FLATE),
    "too many ends of graphics states": page_of(LINES + b" Q Q Q"),
    "states that are not ended": page_of(b"q q " + LINES),
    "a comment at the end": page_of(LINES + b"\n% end of page"),
    "white space at the end": page_of(LINES + b" \n\0\n"),
    "nothing": page_of(b""),
    "a path": page_of(b"0 0 100 100 re f*"),
}


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND.keys())
def test_a_sound_page_raises_no_alarm(tmp_path: Path, content: bytes) -> None:
    """Careless producers write what is of no account."""
    page = drawn(tmp_path, content)
    assert isinstance(page, PageImage)
    assert page.doubt == ""


@pytest.mark.parametrize(
    "text",
    [
        "Please wait... If this message is not eventually replaced by the proper contents of the document, ...",
        "The document you are trying to load requires Adobe Reader 8 or higher.",
    ],
)
def test_a_placeholder_of_a_form_is_not_read_as_the_form(tmp_path: Path, text: str) -> None:
    """Its fields are drawn by Adobe Reader alone: the model would read a notice."""
    with pymupdf.open() as made:
        made.new_page().insert_textbox((50, 50, 500, 300), text)
        content = made.tobytes(no_new_id=True)
    page = drawn(tmp_path, content)
    assert isinstance(page, PageFailure)
    assert page.kind == Kind.UNSUPPORTED
    assert "print it to a PDF" in page.cause


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_real_documents_raise_no_alarm(tmp_path: Path) -> None:
    """Every page of every real PDF is drawn without doubt."""
    for path in sorted([*REAL.glob("real/docs/*.pdf"), *REAL.glob("answers/documents/*.pdf")]):
        document = opened(tmp_path, path.read_bytes())
        for page in render_pages(document, tuple(range(1, min(document.page_count, 5) + 1)), LIMITS):
            assert isinstance(page, PageImage), (path.name, page)
            assert page.doubt == "", (path.name, page.page, page.doubt)
