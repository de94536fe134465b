"""Documents in memory, for the tests of every stage. The same call makes the same bytes, `encrypted_pdf` apart."""

import io
from collections.abc import Sequence
from pathlib import Path

import pymupdf
from PIL import Image

from flows.samples import cut_off
from flows.samples.invoice_layout import draw_invoice
from flows.samples.invoices import invoice, party
from flows.samples.paper import A4, Paper
from flows.samples.scanning import jpeg, scan


def digital_pdf(pages: Sequence[str] | int = 1, *, size: tuple[float, float] = A4) -> bytes:
    """A PDF with a text layer.

    Args:
        pages: the text of each page, `""` for a blank one; or how many pages to fill with a line each.
        size: of the pages, in points.
    """
    texts = [f"This is page {number}" for number in range(1, pages + 1)] if isinstance(pages, int) else pages
    paper = Paper(size)
    for text in texts:
        paper.new_page()
        paper.lines(72, 96, [line for line in text.split("\n") if line], leading=20, size=14)
    return paper.pdf("Test")


def fill(inbox: Path, count: int) -> None:
    """Documents of one page, no two alike."""
    for number in range(count):
        (inbox / f"{number:03}.pdf").write_bytes(digital_pdf([f"Corner Shop {number}"]))


def blank_pdf() -> bytes:
    """One page with nothing on it."""
    return digital_pdf([""])


def mixed_pdf() -> bytes:
    """Three pages; the second is blank."""
    return digital_pdf(["This page has ink", "", "So has this one"])


def invoice_pdf(
    number: str = "2025-0001",
    lines: Sequence[tuple[str, str, str]] = (("Walnut shelf", "2", "49.50"), ("Fitting", "1.5", "60.00")),
) -> bytes:
    """An invoice that adds up, drawn like the samples.

    Args:
        number: of the invoice.
        lines: description, quantity and unit price of each line; many of them run over pages.
    """
    record = invoice(
        lines,
        tax_rate="20",
        number=number,
        issue_date="2025-03-14",
        due_date="2025-04-13",
        seller=party("Larch & Lime Joinery", "Sawmill Road 5, Netherby", "GB 999 1234 56"),
        buyer=party("Wren Cottage Tea Rooms", "Church Lane 1, Netherby"),
        currency="GBP",
    )
    return draw_invoice(record)


def scan_jpeg(lines: Sequence[str]) -> bytes:
    """Text as a scanner delivers it: grey paper, noise, no text layer."""
    return jpeg(scan(digital_pdf(["\n".join(lines)], size=(320, 90 + 24 * max(4, len(lines)))), tilt=0.3))


def encrypted_pdf(password: str) -> bytes:
    """A page that opens with the password only (AES-256); other bytes at each call."""
    with pymupdf.open(stream=digital_pdf(["Locked"]), filetype="pdf") as opened:
        aes_256 = pymupdf.mupdf.PDF_ENCRYPT_AES_256
        locked: bytes = opened.tobytes(encryption=aes_256, user_pw=password, owner_pw=f"{password}, owner")
    return locked


def truncated_pdf() -> bytes:
    """The beginning of a PDF, as a broken download leaves it; no page can be found in it."""
    return cut_off(digital_pdf(["Cut off", "before its end"]))


def multiframe_tiff(frames: int) -> bytes:
    """A grey TIFF of small pages, each with its number on it."""
    images = []
    for number in range(1, frames + 1):
        page = digital_pdf([f"Frame {number}"], size=(300, 200))
        images.append(scan(page, dpi=100, seed=number))
    file = io.BytesIO()
    first, *rest = images or [Image.new("L", (300, 200), 255)]
    first.save(file, "TIFF", save_all=True, append_images=rest, compression="tiff_lzw")
    return file.getvalue()
