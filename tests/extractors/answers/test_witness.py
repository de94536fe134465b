"""A record is held against its e-invoice's own data by meaning; the data is told of and changes nothing."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.answers.witness import compared
from extractors.einvoice import EInvoice, EInvoiceLine
from extractors.pages.einvoices import attached_einvoice
from extractors.vocabulary import IssueKind
from schemas.invoice import Invoice
from schemas.leaves import Leaves, leaves_of
from schemas.record import schema_of

ZUGFERD = Path(__file__).resolve().parents[4] / "shared/data/hostile/files" / (
    "h23_ZUGFeRD_1p0_COMFORT_SEPA_Prenotification.pdf"
)  # fmt: skip
INVOICE = schema_of(Invoice).leaves
SAYS = EInvoice(
    file="factur-x.xml", number="RE-2024/17", issue_date=date(2024, 3, 5), due_date=date(2024, 4, 4), currency="EUR",
    seller_names=("Lieferant GmbH", "Lieferando"), seller_tax_ids=("DE123456789", "201/113/40209"),
    buyer_names=("Kunden AG Mitte",), ibans=("DE89370400440532013000",), line_total=Decimal("483.00"),
    allowances=Decimal("10.00"), tax_basis=Decimal("473.00"), tax=Decimal("56.87"), total=Decimal("529.87"),
    prepaid=Decimal("100.00"), due=Decimal("429.87"),
    lines=(
        EInvoiceLine(("Trennblätter A4", "A4"), Decimal("20.0000"), (Decimal("9.9000"),), Decimal(19), Decimal(198)),
        EInvoiceLine(("Joghurt Banane",), Decimal(3), (Decimal("3.3333"),), Decimal(7), Decimal("285.00")),
    ),
)  # fmt: skip
RECORD: dict[str, Any] = {
    "number": "RE-2024 / 17", "issue_date": "2024-03-05", "due_date": "2024-04-04", "currency": "EUR",
    "seller": {"name": "LIEFERANT, GmbH.", "tax_id": "DE 123 456 789"}, "buyer": {"name": "Kunden AG Mitte"},
    "iban": "DE89 3704 0044 0532 0130 00", "subtotal": "483.00", "allowances": "-10.00", "tax": "56.87",
    "total": "529.87", "prepaid_amount": "100.00", "amount_due": "429.87",
    "line_items": [
        {"description": "trennblätter a4", "quantity": "20", "unit_price": "9.9", "tax_rate": "19", "amount": "198"},
        {"description": "Joghurt Banane", "quantity": "3", "unit_price": "3.33", "tax_rate": "7", "amount": "285.00"},
    ],
}  # fmt: skip


def told(changes: dict[str, Any], says: EInvoice = SAYS, leaves: Leaves = INVOICE) -> dict[str, str]:
    """Path -> message of each difference, of the record with some values changed."""
    record = deepcopy(RECORD)
    for path, value in changes.items():
        node: Any = record
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        for step in steps:
            node = node[step]
        node[last] = value
    issues = compared(record, leaves, says, alone=True).issues
    assert {issue.kind for issue in issues} <= {IssueKind.XML_DIFFERS}
    return {issue.path: issue.message for issue in issues}


def test_the_same_in_another_spelling_agrees() -> None:
    """Numbers as numbers, days as days, identifiers without spaces, names without case and punctuation."""
    found = compared(RECORD, INVOICE, SAYS, alone=True)
    assert found.issues == ()
    values = {name for name, value in RECORD.items() if isinstance(value, str)}
    rows = {f"line_items.{n}.{name}" for n, row in enumerate(RECORD["line_items"]) for name in row}
    assert found.agreed == values | rows | {"seller.name", "seller.tax_id", "buyer.name"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("total", "52987.00", "529.87"), ("total", "-529.87", "529.87"), ("total", "530", "529.87"),
        ("issue_date", "2024-05-03", "2024-03-05"), ("number", "RE-2024/71", "RE-2024/17"),
        ("seller.name", "Kunden AG Mitte", "Lieferant GmbH"), ("seller.tax_id", "DE123456780", "DE123456789"),
        ("iban", "DE89370400440532013001", "DE89370400440532013000"), ("currency", "USD", "EUR"),
        ("line_items.1.unit_price", "3.30", "3.3333"), ("line_items.0.description", "Joghurt", "Trennblätter A4"),
        ("line_items.0.amount", "1980.00", "198"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_both_values(path: str, value: str, said: str) -> None:
    """At the value's path, and at no other."""
    assert told({path: value}) == {path: f"factur-x.xml says {said!r}, the record {value!r}"}


def test_what_is_true_in_two_ways_agrees_in_both() -> None:
    """A trading name, a tax number, the sum after allowances, a price printed with its tax."""
    both = {"seller.name": "Lieferando", "seller.tax_id": "201/113/40209", "subtotal": "473.00",
            "line_items.0.unit_price": "11.78", "line_items.0.amount": "235.62"}  # fmt: skip
    assert told(both) == {}


def test_parts_and_silence_say_nothing() -> None:
    """A name inside a longer one, a field that one of both lacks, a judgement: neither agreed nor different."""
    part = {"seller.name": "Lieferant GmbH, Filiale Nord", "due_date": None, "delivery_date": "2024-01-01"}
    assert told(part) == {}
    record = {**RECORD, "seller": {"name": "Lieferant GmbH, Filiale Nord"}, "due_date": None}
    agreed = compared(record, INVOICE, SAYS, alone=True).agreed
    assert agreed.isdisjoint({"seller.name", "due_date", "delivery_date"})


def test_a_credit_note_may_be_printed_with_a_minus() -> None:
    """Its amounts are positive in the data."""
    minus = {"total": "-529.87", "tax": "-56.87"}
    assert told(minus).keys() == {"total", "tax"}
    assert told(minus, replace(SAYS, credit_note=True)) == {}


def test_lines_are_held_in_order_or_counted_once() -> None:
    """Where one has more of them, that is told and no line is; a profile without lines has nothing to count."""
    row = RECORD["line_items"][0]
    assert told({"line_items": [row]}) == {"line_items": "factur-x.xml has 2 lines, the record 1"}
    assert told({"line_items": []}) == {"line_items": "factur-x.xml has 2 lines, the record 0"}
    assert told({"line_items": [row]}, replace(SAYS, lines=())) == {}
    assert set(told({"line_items": RECORD["line_items"][::-1]})) >= {"line_items.0.amount", "line_items.1.amount"}


def test_of_several_records_the_one_with_the_number_is_meant() -> None:
    """A file of several invoices has the data of one."""
    other = {**RECORD, "number": "RE-2024/99", "total": "1.00"}
    assert compared(other, INVOICE, SAYS, alone=False).issues == ()
    assert compared({**RECORD, "total": "1.00"}, INVOICE, SAYS, alone=False).issues != ()
    assert {issue.path for issue in compared(other, INVOICE, SAYS, alone=True).issues} == {"number", "total"}


def test_a_schema_of_ones_own_is_held_as_far_as_its_names_say() -> None:
    """A field of another name, or of no meaning, is left alone; its list is found by its columns."""
    number = {"type": "string", "format": "decimal"}
    rows = {"type": "array", "items": {"type": "object", "properties": {"menge": number, "einzelpreis": number}}}
    properties = {"rechnungsnummer": {"type": "string"}, "betrag_x": number, "summe": number, "posten": rows}
    leaves = leaves_of({"type": "object", "properties": properties})
    record = {"rechnungsnummer": "RE-2024/17", "betrag_x": "1", "summe": "5298.70",
              "posten": [{"menge": "20", "einzelpreis": "9.90"}, {"menge": "5", "einzelpreis": "3.33"}]}  # fmt: skip
    found = compared(record, leaves, SAYS, alone=True)
    assert found.agreed == {"rechnungsnummer", "posten.0.menge", "posten.0.einzelpreis", "posten.1.einzelpreis"}
    assert [issue.path for issue in found.issues] == ["summe", "posten.1.menge"]


def test_very_many_differences_are_counted() -> None:
    """The first hundred are told one by one."""
    rows = [{"amount": "1"}] * 150
    says = replace(SAYS, lines=(EInvoiceLine(amount=Decimal(2)),) * 150)
    issues = compared({"number": "RE-2024/17", "line_items": rows}, INVOICE, says, alone=True).issues
    assert len(issues) == 101
    assert issues[-1].message == "50 more values are others in factur-x.xml"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("1e999999")
ODD = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["name", "tax_id"]), SCALARS)
ROWS = st.lists(SCALARS | st.dictionaries(st.sampled_from(["amount", "description"]), ODD), min_size=2, max_size=2)


@given(st.dictionaries(st.sampled_from(["number", "total", "seller", "issue_date", "currency"]), ODD), ODD | ROWS)
def test_no_record_is_too_odd(data: dict[str, Any], rows: Any) -> None:
    """Whatever stands there, something or nothing is said of it."""
    found = compared({**data, "line_items": rows}, INVOICE, SAYS, alone=True)
    assert all(issue.path in found.agreed or issue.message for issue in found.issues)
    assert found.agreed.isdisjoint({issue.path for issue in found.issues})


def test_a_true_reading_of_a_real_invoice_differs_where_its_data_errs() -> None:
    """The sample of ZUGFeRD 1.0 prints 05.03.2014 as day of service, and says 2013 in its data; all else agrees."""
    pytest.importorskip("facturx")
    if not ZUGFERD.exists():
        pytest.skip("../shared is absent")
    with pymupdf.open(ZUGFERD) as document:
        says = attached_einvoice(document)
    assert isinstance(says, EInvoice)
    truth = {
        "number": "471102", "issue_date": "2014-03-05", "due_date": "2014-03-20", "delivery_date": "2014-03-05",
        "seller": {"name": "Lieferant GmbH", "tax_id": "DE123456789"}, "buyer": {"name": "Kunden AG Mitte"},
        "currency": "EUR", "subtotal": "473.00", "tax": "56.87", "total": "529.87",
        "line_items": [
            {"description": "Trennblätter A4 GTIN: 4012345001235", "quantity": "20", "unit_price": "9.90",
             "tax_rate": "19", "amount": "198.00"},
            {"description": "Joghurt Banane", "quantity": "50", "unit_price": "5.50", "tax_rate": "7",
             "amount": "275.00"},
        ],
    }  # fmt: skip
    found = compared(truth, INVOICE, says, alone=True)
    assert [(issue.path, issue.message) for issue in found.issues] == [
        ("delivery_date", "ZUGFeRD-invoice.xml says '2013-03-05', the record '2014-03-05'")
    ]
    assert len(found.agreed) == 19
