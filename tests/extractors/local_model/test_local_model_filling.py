"""What the built-in model makes of lines that were read, for any schema; the lines are given, no image is."""

from typing import Any

import pytest
from monospaced import MONEY, TEXT, page

from extractors.local_model.filling import fill
from schemas.bank_statement import BankStatement
from schemas.invoice import Invoice
from schemas.portable import portable
from schemas.receipt import Receipt
from schemas.record import Record, schema_of


def read(model: type[Record], *pages: str) -> Any:
    """The record that a schema's model gets from pages of text."""
    return fill(portable(schema_of(model).json_schema), [page(text) for text in pages])


def wanted(**properties: dict[str, Any]) -> dict[str, Any]:
    """A strict schema of nullable fields, as a user's own becomes."""
    nullable = {name: {"anyOf": [kind, {"type": "null"}]} for name, kind in properties.items()}
    return {"type": "object", "properties": nullable, "required": list(nullable), "additionalProperties": False}


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("1.234,56 EUR", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56 €", "1234.56"),
        ("CHF 1'234.56", "1234.56"),
        ("-1.234,56", "-1234.56"),
        ("- 1.234,56 €", "-1234.56"),
        ("(1,234.56)", "-1234.56"),
        ("1.234,56-", "-1234.56"),
        ("$-1,234.56", "-1234.56"),
    ],
)
@pytest.mark.parametrize("place", ["Total: {}", "Total      {}", "Total\n{}"])
def test_an_amount_stands_beside_or_below_its_label(printed: str, meant: str, place: str) -> None:
    """Separators, signs and brackets are read alike wherever a value may stand."""
    assert fill(wanted(total=MONEY), [page(place.format(printed))]) == {"total": meant}


def test_a_credit_note_keeps_its_minus() -> None:
    """Printed signs stay, of rows and of sums."""
    record = read(
        Invoice,
        """
Gutschrift GS-88213
Bezeichnung          Menge    Einzelpreis     Betrag
LED-Panel               -4          49,90    -199,60
Kabel                   -2          71,25    -142,50
Nettobetrag                                  -342,10
Umsatzsteuer 19 %                             -65,00
Gutschriftsbetrag                            -407,10 EUR
""",
    )
    assert (record["subtotal"], record["tax"], record["total"]) == ("-342.10", "-65.00", "-407.10")
    assert [line["amount"] for line in record["line_items"]] == ["-199.60", "-142.50"]
    assert [line["quantity"] for line in record["line_items"]] == ["-4", "-2"]


def test_parties_side_by_side_keep_their_own_numbers() -> None:
    """Where seller and buyer share lines, the column tells whose number it is."""
    record = read(
        Invoice,
        """
Factura F2024/0193
Emisor                             Cliente
Azahar S.L.                        Hotel Mirador S.A.
Calle Alfareros 21                 Avda. Marítima 5
46015 Valencia                     35003 Las Palmas
CIF: B96541237                     NIF: A35123987
""",
    )
    assert record["number"] == "F2024/0193"
    assert (record["seller"]["name"], record["seller"]["tax_id"]) == ("Azahar S.L.", "B96541237")
    assert (record["buyer"]["name"], record["buyer"]["tax_id"]) == ("Hotel Mirador S.A.", "A35123987")
    assert record["buyer"]["address"] == "Avda. Marítima 5, 35003 Las Palmas"


def test_an_addressee_under_the_senders_small_line_is_the_buyer() -> None:
    """A letter's window: the small line is the sender's, what follows is the addressee's."""
    record = read(
        Invoice,
        """
Stadtwerke Lindau
Stadtwerke Lindau · Seeweg 1 · 88131 Lindau
Herrn
Thomas Brandl
Rosenweg 14
88131 Lindau


Rechnung Nr. 771
""",
    )
    assert record["seller"] == {"name": "Stadtwerke Lindau", "address": "Seeweg 1, 88131 Lindau", "tax_id": None}
    assert (record["buyer"]["name"], record["buyer"]["address"]) == ("Thomas Brandl", "Rosenweg 14, 88131 Lindau")


def test_a_table_goes_on_after_what_was_carried_forward() -> None:
    """Sums, taxes and carried balances between rows are no rows; a second page continues the first."""
    record = read(
        Invoice,
        """
Bezeichnung          Menge       Preis        Betrag
Schraube                10        0,50          5,00
Report, Endfassung       1       90,00         90,00
Übertrag                                       95,00
""",
        """
Übertrag                                       95,00
Mutter                  20        0,25          5,00
Zwischensumme                                 100,00
MwSt 19 %                                      19,00
Gesamtbetrag                                  119,00
""",
    )
    assert [line["description"] for line in record["line_items"]] == ["Schraube", "Report, Endfassung", "Mutter"]
    assert (record["subtotal"], record["tax"], record["total"]) == ("100.00", "19.00", "119.00")


def test_an_aside_in_a_head_is_no_column() -> None:
    """`Amount (ex GST)` heads one column, of amounts; a head that nobody knows holds the description."""
    record = read(
        Invoice,
        """
Titel                    Qty        Rate     Amount (ex GST)
Water unit                 1    1,890.00            1,890.00
Labour                   4.5      110.00              495.00
Subtotal                                            2,385.00
""",
    )
    assert [tuple(line.values()) for line in record["line_items"]] == [
        ("Water unit", "1", "1890.00", None, "1890.00"),
        ("Labour", "4.5", "110.00", None, "495.00"),
    ]


def test_money_that_leaves_is_negative() -> None:
    """Debit columns are negative; balances are no movements; a row without a day has that of the row above."""
    record = read(
        BankStatement,
        """
Northgate Bank
Account name   Daniel Osei
Statement period   1 May 2024 to 31 May 2024
Date     Description                   Paid out    Paid in     Balance
1 May    Balance brought forward                                742.10
2 May    Card payment                     38.16                 703.94
15 May   Salary                                   2,104.77    2,808.71
         Transfer                        500.00               2,308.71
31 May   Closing balance                                      2,308.71
""",
    )
    assert record["account_holder"] == "Daniel Osei"
    assert (record["period_start"], record["period_end"]) == ("2024-05-01", "2024-05-31")
    assert (record["opening_balance"], record["closing_balance"]) == ("742.10", "2308.71")
    assert [(entry["date"], entry["amount"]) for entry in record["transactions"]] == [
        ("2024-05-02", "-38.16"),
        ("2024-05-15", "2104.77"),
        ("2024-05-15", "-500.00"),
    ]


def test_a_marked_row_leaves_too() -> None:
    """`Af` and `Bij` beside unsigned amounts say which way the money went."""
    record = read(
        BankStatement,
        """
IBAN   NL02 ABNA 0123 4567 89
Periode   01-02-2024 t/m 29-02-2024
Datum         Omschrijving        Af/Bij        Bedrag
01-02-2024    Huur                Af            650,00
09-02-2024    Donatie             Bij           250,00
""",
    )
    assert record["account_number"] == "NL02ABNA0123456789"
    assert (record["period_start"], record["period_end"]) == ("2024-02-01", "2024-02-29")
    assert [entry["amount"] for entry in record["transactions"]] == ["-650.00", "250.00"]


def test_a_receipt_needs_no_head() -> None:
    """Entries are the lines over the sum, amounts in its column; counts stand before, inside or on their own line."""
    record = read(
        Receipt,
        """
THE COPPER KETTLE
22 Market Place, Wells BA5 2RF
Receipt No. 20318
2 Soup of the day          13.00
Fishcake  2 x 5.50         11.00
3 @ 4.25
Sandpaper                  12.75
Saving                     -1.00
SUBTOTAL                   35.75
TOTAL                     £35.75
CASH                       40.00
CHANGE                      4.25
""",
    )
    assert [tuple(item.values()) for item in record["items"]] == [
        ("Soup of the day", "2", None, "13.00"),
        ("Fishcake", "2", "5.50", "11.00"),
        ("Sandpaper", "3", "4.25", "12.75"),
        ("Saving", None, None, "-1.00"),
    ]
    assert (record["merchant"], record["number"], record["total"]) == ("THE COPPER KETTLE", "20318", "35.75")
    assert record["currency"] == "GBP"


def test_letters_inside_words_are_no_currency() -> None:
    """`RM` in `TERMS` is no ringgit; without any sign the currency is null."""
    schema = wanted(currency={"type": "string", "description": "ISO 4217 code"})
    assert fill(schema, [page("TERMS  INTERMARCHE\nTotal  12.00")]) == {"currency": None}
    assert fill(schema, [page("Total  RM12.00")]) == {"currency": "MYR"}


def test_a_number_is_not_its_own_label() -> None:
    """`PO-7781` under `YOUR PO` is the value, though it begins like the label; N° before a value is no part of it."""
    assert read(Invoice, "YOUR PO\nPO-7781")["order_reference"] == "PO-7781"
    assert read(Invoice, "FACTURA    Nº F2024/0193")["number"] == "F2024/0193"


def test_a_plain_schema_of_ones_own() -> None:
    """Names alone are enough, for texts, numbers, yes and no, choices and lists; what is not printed is null."""
    schema = wanted(
        vendor_name=TEXT,
        po_number=TEXT,
        is_paid={"type": "boolean"},
        priority={"type": "string", "enum": ["low", "high"]},
        units={"type": "integer"},
        weight={"type": "number"},
        tracking_number=TEXT,
    )
    schema["properties"]["colours"] = {"type": "array", "items": TEXT}
    text = """
Vendor name: Bramble Tools
PO number: 4711-A
Paid: yes
Priority: high
Units: 12
Weight: 3.5 kg
Colours: red, green
"""
    assert fill(schema, [page(text)]) == {
        "vendor_name": "Bramble Tools",
        "po_number": "4711-A",
        "is_paid": True,
        "priority": "high",
        "units": 12,
        "weight": 3.5,
        "tracking_number": None,
        "colours": ["red", "green"],
    }


def test_a_list_of_records_holds_one_or_none() -> None:
    """`records` is what many records in one document come in: what was found, or an empty list."""
    schema = {"type": "object", "properties": {"records": {"type": "array", "items": wanted(total=MONEY)}}}
    assert fill(schema, [page("Total: 12.00")]) == {"records": [{"total": "12.00"}]}
    assert fill(schema, [page("Nothing here")]) == {"records": []}


def test_no_pages_and_empty_pages_are_null() -> None:
    """What is not there is null, in every field of every built-in schema."""
    for model in (Invoice, Receipt, BankStatement):
        for record in (read(model), read(model, "")):
            assert all(value in ({}, [], None) or set(value.values()) == {None} for value in record.values())
