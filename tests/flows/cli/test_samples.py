"""The sample documents say what their truth says, look like the real thing, and never change."""

import io
import re
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pages
import pymupdf
import pytest
from PIL import Image, ImageSequence

from flows.samples import DAMAGED, PASSWORD, TRUTH, make_samples
from flows.samples.invoice_layout import german_amount
from schemas.builtin import BUILTIN
from schemas.record import schema_of

SCHEMAS = {"invoices": "invoice", "receipts": "receipt", "statements": "bank_statement"}
SCANS = {"invoices/rotated_scan.pdf", "receipts/till.jpg"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples."""
    made = tmp_path_factory.mktemp("samples")
    make_samples(made)
    return made


def text_of(path: Path) -> str:
    """What stands on the pages, in one line."""
    with pymupdf.open(path) as opened:
        text = " ".join(page.get_text() for page in opened)
    return unicodedata.normalize("NFKC", " ".join(text.split()))


def printed(name: str, value: str) -> set[str]:
    """The ways in which a document may print a value of the truth."""
    ways = {value, value.removeprefix("-")}
    if name.endswith(("date", "period_start", "period_end")):
        day = date.fromisoformat(value)
        ways |= {day.strftime(pattern) for pattern in ("%d %B %Y", "%d.%m.%Y", "%d %b %Y")}
    elif name == "iban":
        ways.add(" ".join(value[i : i + 4] for i in range(0, len(value), 4)))
    elif name == "address":
        ways.add(value.replace(",", ""))
    elif re.fullmatch(r"-?\d+(\.\d+)?", value):
        amount = f"{abs(Decimal(value)):,.2f}"
        ways |= {amount, german_amount(value), value.replace(".", ",")}
    return ways


def leaves(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Every (field name, text) of a record."""
    if isinstance(value, dict):
        return [leaf for key, child in value.items() for leaf in leaves(child, key)]
    if isinstance(value, list):
        return [leaf for child in value for leaf in leaves(child, name)]
    return [] if value is None else [(name, value)]


def test_there_is_a_document_for_each_truth_and_each_kind_of_damage(folder: Path, tmp_path: Path) -> None:
    """The paths are those of the constants; making them again in another place makes the same bytes."""
    again = make_samples(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in again] == sorted([*TRUTH, *DAMAGED])
    for path in again:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_samples_that_are_there_are_left_alone_and_broken_ones_made_again(folder: Path) -> None:
    """Neither the bytes nor the time of a good file changes."""
    paths = make_samples(folder)
    before = [path.stat().st_mtime_ns for path in paths]
    content = paths[0].read_bytes()
    paths[0].write_bytes(b"broken")
    make_samples(folder)
    assert paths[0].read_bytes() == content
    assert [path.stat().st_mtime_ns for path in paths[1:]] == before[1:]


@pytest.mark.parametrize("name", TRUTH)
def test_each_truth_is_a_good_record_in_which_all_adds_up(name: str) -> None:
    """Valid under its schema, unchanged by it, and no check is broken."""
    schema = schema_of(BUILTIN[SCHEMAS[name.partition("/")[0]]])
    record = schema.parse(TRUTH[name])
    assert leaves(record) == leaves(TRUTH[name])
    assert schema.check(record) == []


def test_the_totals_are_what_a_person_would_add_up() -> None:
    """By other means than the schema's checks: sums of the lines, tax, deposit, balance."""
    for name in (name for name in TRUTH if name.startswith("invoices/")):
        record = TRUTH[name]
        lines = record["line_items"]
        assert all(
            abs(Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["amount"])) <= Decimal("0.005")
            for line in lines
        )
        assert sum(Decimal(line["amount"]) for line in lines) == Decimal(record["subtotal"])
        assert Decimal(record["subtotal"]) + Decimal(record["tax"]) == Decimal(record["total"])
    assert len(TRUTH["invoices/three_pages.pdf"]["line_items"]) == 60
    assert TRUTH["statements/two_pages.pdf"]["transactions"][-1]["balance"] == "1678.92"


@pytest.mark.parametrize("name", [name for name in TRUTH if name not in SCANS])
def test_every_value_of_the_truth_stands_on_the_page(folder: Path, name: str) -> None:
    """In one of the spellings in which a document prints it."""
    text = text_of(folder / name)
    missing = [leaf for leaf in leaves(TRUTH[name]) if not any(way in text for way in printed(*leaf))]
    assert missing == []


@pytest.mark.parametrize("iban", [record["iban"] for record in TRUTH.values() if record.get("iban")])
def test_ibans_have_a_right_checksum(iban: str) -> None:
    """ISO 7064 MOD 97-10: moved to its end and spelt in digits, the number leaves 1."""
    digits = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
    assert int(digits) % 97 == 1


def test_the_long_invoice_carries_its_sum_over_pages(folder: Path) -> None:
    """Three pages; totals only on the last; the next page begins with what the last one ended with."""
    with pymupdf.open(folder / "invoices/three_pages.pdf") as opened:
        first, second, third = (page.get_text() for page in opened)
    assert "Amount due" in third
    assert "Amount due" not in first + second
    for page, following in ((first, second), (second, third)):
        carried = page.split("Carried forward\n")[1].split("\n")[0]
        assert f"Brought forward\n{carried}\n" in following


def test_the_scan_lies_on_its_side_and_is_shown_upright(folder: Path) -> None:
    """No text layer; the image is landscape, the page portrait once `/Rotate` is applied."""
    with pymupdf.open(folder / "invoices/rotated_scan.pdf") as opened:
        (page,) = opened
        assert (page.rotation, page.get_text()) == (90, "")
        assert page.rect.height > page.rect.width
        ((_, _, width, height, *_),) = page.get_images()
        assert (width, height) == (2200, 1700)
        drawn = page.get_pixmap(dpi=50, colorspace=pymupdf.csGRAY)
    grey = Image.frombytes("L", (drawn.width, drawn.height), drawn.samples)
    top, bottom = (grey.crop((0, y, grey.width, y + grey.height // 3)) for y in (0, 2 * grey.height // 3))
    dark = [sum(band.histogram()[:128]) for band in (top, bottom)]
    assert dark[0] > 5 * dark[1]


def test_the_blank_page_is_blank(folder: Path) -> None:
    """Page 2 of 3 has nothing to draw."""
    with pymupdf.open(folder / "invoices/blank_page_inside.pdf") as opened:
        assert [bool(page.get_text().strip()) for page in opened] == [True, False, True]
        assert set(opened[1].get_pixmap().samples) == {255}


def test_the_receipt_is_a_narrow_grey_photograph(folder: Path) -> None:
    """A JPEG of 80 mm paper at 200 dpi, the paper off-white."""
    with Image.open(folder / "receipts/till.jpg") as image:
        assert image.format == "JPEG"
        assert image.info["dpi"] == (200, 200)
        assert image.width < image.height
        greys = image.convert("L").histogram()
    assert 215 < greys.index(max(greys)) < 250


def test_the_locked_sample_opens_with_its_password_only(folder: Path) -> None:
    """MuPDF needs no repair to read it, and finds the text once it is unlocked."""
    with pymupdf.open(folder / "damaged/encrypted.pdf") as opened:
        assert opened.needs_pass
        assert not opened.authenticate("")
        assert not opened.authenticate("wrong")
        assert opened.authenticate(PASSWORD)
        assert not opened.is_repaired
        assert "Net pay 2,316.72 GBP" in opened[0].get_text()


def test_the_cut_off_sample_has_no_page_left(folder: Path) -> None:
    """It still begins as a PDF."""
    path = folder / "damaged/truncated.pdf"
    assert path.read_bytes().startswith(b"%PDF-")
    with pymupdf.open(path) as opened:
        assert opened.page_count == 0


def test_the_documents_of_other_tests_are_what_they_say() -> None:
    """Pages, blanks, frames, password, cut: as their names promise, and the same bytes at each call."""
    with pymupdf.open(stream=pages.digital_pdf(["one\ntwo", "drei €"])) as opened:
        assert [page.get_text().split() for page in opened] == [["one", "two"], ["drei", "€"]]
    with pymupdf.open(stream=pages.digital_pdf(3)) as opened:
        assert opened.page_count == 3
    with pymupdf.open(stream=pages.mixed_pdf()) as opened:
        assert [bool(page.get_text()) for page in opened] == [True, False, True]
    with pymupdf.open(stream=pages.blank_pdf()) as opened:
        assert [page.get_text() for page in opened] == [""]
    with pymupdf.open(stream=pages.encrypted_pdf("secret")) as opened:
        assert opened.needs_pass
        assert opened.authenticate("secret")
    with pymupdf.open(stream=pages.truncated_pdf(), filetype="pdf") as opened:
        assert opened.page_count == 0
    with pymupdf.open(stream=pages.invoice_pdf("X-1", [("Line", "1", "2.00")] * 60)) as opened:
        assert opened.page_count == 3
        assert "X-1" in opened[0].get_text()
    with Image.open(io.BytesIO(pages.multiframe_tiff(3))) as tiff:
        assert len(ImageSequence.all_frames(tiff)) == 3
    with Image.open(io.BytesIO(pages.scan_jpeg(["Corner Shop", "12.00"]))) as scanned:
        assert scanned.mode == "L"
    assert pages.digital_pdf(2) == pages.digital_pdf(2)
    assert pages.scan_jpeg(["a"]) == pages.scan_jpeg(["a"])
