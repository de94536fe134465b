"""What an e-invoice says of itself is read, whatever its syntax; broken or hostile data never costs the document."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pymupdf
import pytest
from drawing import opened, pdf
from einvoices import LINES, factur_x, with_attached, xrechnung, zugferd_1
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.einvoice import EInvoice, EInvoiceLine, UnreadEInvoice
from extractors.pages import einvoices
from extractors.pages.einvoices import attached_einvoice

pytest.importorskip("facturx")
ZUGFERD = Path(__file__).resolve().parents[4] / "shared/data/hostile/files" / (
    "h23_ZUGFeRD_1p0_COMFORT_SEPA_Prenotification.pdf"
)  # fmt: skip


def read(xml: bytes, name: str = "factur-x.xml") -> EInvoice | UnreadEInvoice | None:
    """What a PDF with this attachment says."""
    with pymupdf.open(stream=with_attached(pdf(), xml, name)) as made:
        return attached_einvoice(made)


@pytest.mark.parametrize(
    ("make", "name"),
    [(factur_x, "factur-x.xml"), (factur_x, "ZUGFeRD-invoice.xml"), (zugferd_1, "zugferd-invoice.xml"),
     (xrechnung, "xrechnung.xml")],
)  # fmt: skip
def test_each_syntax_says_the_same(make: Callable[[], bytes], name: str) -> None:
    """UN/CEFACT, UBL, and the older names of ZUGFeRD 1: head, parties, sums and lines."""
    lines = tuple(
        EInvoiceLine((what,), Decimal(quantity), (Decimal(price),), Decimal(rate), Decimal(amount))
        for what, quantity, price, rate, amount in LINES
    )
    assert read(make(), name) == EInvoice(
        file=name, number="RE-2024/17", issue_date=date(2024, 3, 5), due_date=date(2024, 4, 4), currency="EUR",
        seller_names=("Lieferant GmbH",), seller_tax_ids=("DE123456789",), buyer_names=("Kunden AG Mitte",),
        ibans=("DE89370400440532013000",), line_total=Decimal("473.00"), tax_basis=Decimal("473.00"),
        tax=Decimal("56.87"), total=Decimal("529.87"), prepaid=Decimal("0.00"), due=Decimal("529.87"), lines=lines,
    )  # fmt: skip


def test_a_real_invoice_is_read() -> None:
    """The sample of ZUGFeRD 1.0 COMFORT; skipped where ../shared is absent."""
    if not ZUGFERD.exists():
        pytest.skip("../shared is absent")
    with pymupdf.open(ZUGFERD) as document:
        found = attached_einvoice(document)
    assert isinstance(found, EInvoice)
    assert (found.number, found.total, found.seller_tax_ids) == (
        "471102", Decimal("529.87"), ("DE123456789", "201/113/40209"),
    )  # fmt: skip
    assert [line.description for line in found.lines] == [("Trennblätter A4",), ("Joghurt Banane",)]


def test_profiles_without_lines_have_none() -> None:
    """MINIMUM and BASIC WL say sums alone; of very many lines none is read."""
    for lines in ((), LINES * 600):
        found = read(factur_x(lines))
        assert isinstance(found, EInvoice)
        assert (found.total, found.lines) == (Decimal("529.87"), ())


def test_only_what_is_called_so_is_read_and_only_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another attachment is another attachment; without the extra nothing is read, and nothing is wrong."""
    assert read(factur_x(), "terms.xml") is None
    monkeypatch.setattr(einvoices, "can_be_read", lambda: False)
    assert read(factur_x()) is None
    assert read(b"broken") is None


def test_a_store_of_files_is_no_e_invoice() -> None:
    """A PDF with very many attachments is not searched."""
    with pymupdf.open(stream=pdf()) as made:
        for number in range(1001):
            made.embfile_add(f"{number:04}.txt", b"x")
        content = made.tobytes()
    with pymupdf.open(stream=with_attached(content, factur_x())) as made:
        assert attached_einvoice(made) is None


HOSTILE = {
    "no XML": b"%PDF-1.7",
    "cut off": factur_x()[:-200],
    "nothing": b"",
    "another kind": b"<?xml version='1.0'?><html><body>hello</body></html>",
    "no invoice": factur_x(number=" "),
    "entities that grow": b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><a>&j;</a>",
    "a file of the machine": b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    "a schema elsewhere": b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'><a/>",
    "deep": b"<a>" * 100_000,
    "many elements": factur_x().replace(b"<ram:ApplicableHeaderTradeDelivery/>", b"<ram:Note/>" * 60_000),
    "long": factur_x() + b" " * 10_000_000,
    "a small file that unpacks to more": factur_x() + b" " * 120_000_000,
    "a path in place of a currency": factur_x(currency="']|//*//*//*["),
    "a date that is none": factur_x().replace(b"20240305", b"20249999"),
}


@pytest.mark.parametrize("xml", HOSTILE.values(), ids=HOSTILE)
def test_hostile_data_is_told_and_costs_nothing_else(tmp_path: Path, xml: bytes) -> None:
    """No entity is expanded, nothing is fetched, size and depth are bounded; the document opens."""
    document = opened(tmp_path, with_attached(pdf(), xml))
    assert document.page_count == 1
    assert isinstance(document.einvoice, UnreadEInvoice)
    assert document.einvoice.file == "factur-x.xml"
    assert document.einvoice.why
    assert "root:" not in document.einvoice.why
    assert "\n" not in document.einvoice.why


SEEDS = (factur_x(), xrechnung(), zugferd_1())


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 6000), st.binary(min_size=1, max_size=6)), max_size=6)
)
def test_any_bytes_end_in_data_or_in_why_not(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    """Nothing is raised, and a number that is read is a finite one."""
    xml = bytearray(seed)
    for place, piece in changes:
        xml[place : place + len(piece)] = piece
    found = read(bytes(xml))
    assert isinstance(found, EInvoice | UnreadEInvoice)
    if isinstance(found, EInvoice):
        assert all(each is None or each.is_finite() for each in (found.total, found.tax, found.due))
