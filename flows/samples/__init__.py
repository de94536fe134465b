"""`octavo samples DIR`: documents of invented people and companies, a folder for each kind, and their truth.

The documents are drawn from the records in `TRUTH`, so the two cannot differ. The same bytes come out
each time, so that a second `octavo extract` over them has nothing to do.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pymupdf
from PIL import Image

from flows.samples.invoice_layout import ENGLISH, GERMAN, draw_invoice
from flows.samples.invoices import BLANK_INSIDE, DIGITAL, SCANNED, THREE_PAGES, Record
from flows.samples.invoices import GERMAN as GERMAN_INVOICE
from flows.samples.locking import lock
from flows.samples.paper import LETTER, Paper
from flows.samples.receipts import RECEIPT, draw_receipt
from flows.samples.scanning import jpeg, on_till_paper, scan
from flows.samples.statements import STATEMENT, draw_statement

TRUTH: dict[str, Record] = {
    "invoices/digital.pdf": DIGITAL,
    "invoices/three_pages.pdf": THREE_PAGES,
    "invoices/german.pdf": GERMAN_INVOICE,
    "invoices/rotated_scan.pdf": SCANNED,
    "invoices/blank_page_inside.pdf": BLANK_INSIDE,
    "receipts/till.jpg": RECEIPT,
    "statements/two_pages.pdf": STATEMENT,
}
"""Path below the samples' folder -> the record that a perfect reader would make of the document."""

DAMAGED: dict[str, str] = {"damaged/encrypted.pdf": "encrypted", "damaged/truncated.pdf": "damaged"}
"""Path below the samples' folder -> the kind under which the document must be quarantined."""

PASSWORD = "octavo"  # noqa: S105 - it locks a sample
"""Opens `damaged/encrypted.pdf`."""


def make_samples(folder: Path) -> list[Path]:
    """Makes the sample documents; a file that is there already with the same bytes is left alone.

    Returns:
        Their paths, sorted.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = []
    for name, draw in sorted(_DRAWN.items()):
        path, content = folder / name, draw()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.is_file() and path.read_bytes() == content):
            path.write_bytes(content)
        paths.append(path)
    return paths


def turned_scan(pdf: bytes) -> bytes:
    """The first page of a PDF as a scan that lies on its side in the file; its `/Rotate` sets it upright."""
    image = scan(pdf, tilt=-0.4, seed=3)
    with pymupdf.open(stream=pdf, filetype="pdf") as opened:
        width, height = opened[0].rect.width, opened[0].rect.height
    lying = Paper((height, width))
    lying.new_page()
    lying.picture(jpeg(image.transpose(Image.Transpose.ROTATE_90)), rotate=90)
    return lying.pdf("Scan")


def cut_off(pdf: bytes) -> bytes:
    """The first 60 % of a PDF, as a broken download leaves it: its page tree stands behind the cut."""
    return pdf[: len(pdf) * 6 // 10]


def _locked_letter() -> bytes:
    """A short letter in a base-14 font, which keeps it free of strings outside its streams."""
    with pymupdf.open() as letter:
        page = letter.new_page()
        lines = ["Confidential", "", "Salary slip, March 2025", "Larkspur Instruments Ltd", "Net pay 2,316.72 GBP"]
        page.insert_text((72, 96), lines, fontname="helv", fontsize=12)
        return lock(letter.tobytes(garbage=3, deflate=True, no_new_id=True), PASSWORD)


_DRAWN: dict[str, Callable[[], bytes]] = {
    "invoices/digital.pdf": lambda: draw_invoice(DIGITAL, replace(ENGLISH, with_sign="£{}")),
    "invoices/three_pages.pdf": lambda: draw_invoice(
        THREE_PAGES, replace(ENGLISH, accent=(0.2, 0.33, 0.2), with_sign="€{}")
    ),
    "invoices/german.pdf": lambda: draw_invoice(GERMAN_INVOICE, GERMAN),
    "invoices/rotated_scan.pdf": lambda: turned_scan(
        draw_invoice(
            SCANNED, replace(ENGLISH, size=LETTER, accent=(0.15, 0.15, 0.2), with_sign="${}", tax_name="Sales tax")
        )
    ),
    "invoices/blank_page_inside.pdf": lambda: draw_invoice(
        BLANK_INSIDE, replace(ENGLISH, accent=(0.68, 0.42, 0.05), with_sign="€{}", blank_after=1, rows=(6, 30))
    ),
    "receipts/till.jpg": lambda: jpeg(on_till_paper(scan(draw_receipt(RECEIPT), tilt=0.7, seed=5)), quality=80),
    "statements/two_pages.pdf": lambda: draw_statement(STATEMENT),
    "damaged/encrypted.pdf": _locked_letter,
    "damaged/truncated.pdf": lambda: cut_off(draw_invoice(DIGITAL)),
}
