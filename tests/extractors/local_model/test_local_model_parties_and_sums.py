"""What the built-in model makes of a shop's or company's lines, of sums, and of the lines under a row."""

from typing import Any

import pytest
from monospaced import page

from extractors.local_model.filling import fill
from extractors.pages.lines import Segment, grouped
from schemas.invoice import Invoice
from schemas.portable import portable
from schemas.receipt import Receipt
from schemas.record import Record, schema_of


def read(model: type[Record], text: str) -> Any:
    """The record that a schema's model gets from a page of text."""
    return fill(portable(schema_of(model).json_schema), [page(text)])


def test_a_shops_address_follows_its_name_up_to_another_line() -> None:
    """A registration under the name is none of it, the region after the town is; a telephone ends it."""
    record = read(
        Receipt,
        """
HARBOUR TEA HOUSE SDN. BHD
(412345-W)
GST Reg No 000312345678
No. 7-2, Lorong Kenari 4/2,
Taman Kenari
41200 Klang,
Selangor D.E.
03-5551 2345
TAX INVOICE
2 x Tea                  9.00
Total                    9.00
""",
    )
    assert record["merchant"] == "HARBOUR TEA HOUSE SDN. BHD"
    assert record["address"] == "No. 7-2, Lorong Kenari 4/2, Taman Kenari, 41200 Klang, Selangor D.E."


def test_a_street_beside_the_letterhead_is_no_name() -> None:
    """An address may stand beside the name, and a little higher: its street and its town are passed over."""
    record = read(
        Invoice,
        """
                                        Weaver Row 12
HT  Heron & Thistle Weavers             Port Merrow
                                        K67 AB3D
                                        Ireland
INVOICE 4411
Total                                   90.00
""",
    )
    assert record["seller"]["name"] == "Heron & Thistle Weavers"


def test_boxes_under_each_other_are_two_lines_however_close() -> None:
    """A detector's boxes overlap where lines are set close; a third box beside both must not make them one line."""
    town, beside, code = (
        Segment("Port Merrow", 17, 249, 110, 280),
        Segment("Delivery date", 554, 260, 680, 291),
        Segment("K67 AB3D", 16, 270, 105, 300),
    )
    assert [line.text for line in grouped([town, beside, code])] == ["Port Merrow Delivery date", "K67 AB3D"]


@pytest.mark.parametrize(
    "name",
    ["NORDHOF TRADING (SOUTH) SDN BHD", "Hall Book Co. (N) Bhd", "Sun Trading Centre Pte. Ltd", "ACME TOOLS LTD"],
)
def test_a_company_goes_on_to_its_last_legal_form(name: str) -> None:
    """A legal form amid a name does not end it, nor does a place in brackets; dots may be missing."""
    assert read(Receipt, f"CASH BILL\n{name} (88123-K)\n12 Mill Lane\nTotal   4.00\n")["merchant"] == name


def test_the_tax_is_what_leads_from_net_to_total() -> None:
    """Of several taxes the one is meant that net and total leave over, whatever it is called."""
    record = read(
        Invoice,
        """
Subtotal                  300.00
All of them                45.00
VAT 7 %                     7.00
VAT 19 %                   38.00
Total                     345.00
""",
    )
    assert (record["subtotal"], record["tax"], record["total"]) == ("300.00", "45.00", "345.00")


def test_a_tax_by_another_name_leads_to_the_total_too() -> None:
    """Without a label for the sum before tax, any amount above may be it."""
    record = read(Invoice, "Beitrag     100,00 EUR\nFeuerschutzsteuer   22,00 EUR\nRechnungsbetrag  122,00 EUR\n")
    assert (record["tax"], record["total"]) == ("22.00", "122.00")


@pytest.mark.parametrize(("paid", "due"), [("", "80.00"), ("Amount paid      30.00", None)])
def test_a_total_on_which_nothing_was_paid_is_due(paid: str, due: str | None) -> None:
    """What is due after a payment must be printed."""
    assert read(Invoice, f"Total            80.00\n{paid}\n")["amount_due"] == due


def test_what_is_labelled_under_an_entry_is_not_its_text() -> None:
    """Text goes on below, over the other columns too; a labelled number or day ends it, a code above it is none."""
    record = read(
        Invoice,
        """
Description          Qty      Price       Amount
Garden table           2      10.00        20.00
of oak wood that has been planed
GTIN: 4001234567890
four legs
BX-104                 1       5.00         5.00
Rope, green
Total                                      25.00
""",
    )
    told = [line["description"] for line in record["line_items"]]
    assert told == ["Garden table of oak wood that has been planed", "Rope, green"]


@pytest.mark.parametrize("above", ["Welcome to", "*** DUPLICATE ***\nTAX INVOICE / RECEIPT", "CASH SALES"])
def test_a_greeting_or_a_title_is_no_shop(above: str) -> None:
    """The shop stands under them; a labelled line is no part of its address."""
    record = read(
        Receipt, f"{above}\nThe Corner Bakery\nBranch : West\n3 Mill Lane,\nOld Town\nTill : 2\nTotal    4.00\n"
    )
    assert (record["merchant"], record["address"]) == ("The Corner Bakery", "3 Mill Lane, Old Town")


def test_what_was_paid_is_not_what_is_to_be_paid() -> None:
    """A name of the total is none of a payment made before."""
    record = read(Invoice, "Total TTC      240,00 €\nAcompte versé   40,00 €\nReste à payer  200,00 €\n")
    assert (record["total"], record["prepaid_amount"], record["amount_due"]) == ("240.00", "40.00", "200.00")
