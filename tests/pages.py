"""Documents made in memory for tests."""

import io
from collections.abc import Sequence

import pymupdf
from PIL import Image, ImageDraw, ImageFont


def digital_pdf(texts: Sequence[str]) -> bytes:
    """A PDF with one A4 page for each text; an empty text is a blank page."""
    with pymupdf.open() as pdf:
        for text in texts:
            page = pdf.new_page(width=595, height=842)
            if text:
                page.insert_text((72, 100), text, fontsize=14)
        return pdf.tobytes(no_new_id=True)


def scan_jpeg(lines: Sequence[str]) -> bytes:
    """A photo of some lines."""
    image = Image.new("RGB", (600, 80 + 50 * len(lines)), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((40, 40 + 50 * number), line, fill="black", font=ImageFont.load_default(28))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def blank_pdf() -> bytes:
    """One page without ink."""
    return digital_pdf([""])


def mixed_pdf() -> bytes:
    """Three pages, the second blank."""
    return digital_pdf(["first", "", "third"])


def encrypted_pdf(password: str) -> bytes:
    """A PDF that needs a password."""
    with pymupdf.open() as pdf:
        pdf.new_page().insert_text((72, 100), "secret")
        return pdf.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw="owner")


def truncated_pdf() -> bytes:
    """A PDF cut off in the middle."""
    whole = digital_pdf(["one", "two", "three"])
    return whole[: len(whole) * 6 // 10]
