"""Numbers as pages print them: in cells, beside rates, in columns of what goes out, in groups, in brackets."""

from decimal import Decimal

import pytest
from celled import Line, page

from extractors.answers.grounding import ground
from extractors.documents import Evidence
from schemas.amounts import read
from schemas.bank_statement import BankStatement
from schemas.invoice import Invoice
from schemas.leaves import Leaves, leaves_of
from schemas.record import schema_of

INVOICE, STATEMENT = schema_of(Invoice).leaves, schema_of(BankStatement).leaves


def number(name: str) -> Leaves:
    """The leaves of a schema with one decimal."""
    return leaves_of({"type": "object", "properties": {name: {"type": "string", "format": "decimal"}}})


def found(value: str, *lines: Line, name: str = "value") -> str | None:
    """What one amount was found on."""
    (evidence,) = ground({name: value}, {1: page(*lines)}, number(name))
    return evidence.text if evidence.state == "found" else None


def by_path(record: dict[str, object], leaves: Leaves, *lines: Line) -> dict[str, Evidence]:
    """The evidence of a record's values."""
    return {each.path: each for each in ground(record, {1: page(*lines)}, leaves)}


@pytest.mark.parametrize(
    ("value", "line", "text"),
    [
        ("450.50", [(0.05, "Salary"), (0.5, "+450.50"), (0.8, "980.00")], "+450.50"),
        ("980.00", [(0.05, "Salary"), (0.5, "+450.50"), (0.8, "980.00")], "980.00"),
        ("-1234", [(0.05, "Loss"), (0.5, "(1234)"), (0.7, "98765")], "(1234)"),
        ("98765", [(0.05, "Loss"), (0.5, "(1234)"), (0.7, "98765")], "98765"),
        ("4930", [(0.05, "Call +49 30 1234567")], None),
        ("1234.56", [(0.05, "Total 1 234,56 \u20ac")], "1 234,56"),
        ("234.56", [(0.05, "Total 1 234,56 \u20ac")], None),
        ("123", [(0.05, "Total 123 456,00")], None),
        ("567.89", [(0.05, "Total 1 234 567,89")], None),
        ("500.00", [(0.05, "2"), (0.1, "500,00")], "500,00"),
        ("160.50", [(0.05, "2x160.50")], "2x160.50"),
        ("2160.50", [(0.05, "2x160.50")], None),
        ("1500", [(0.05, "$1,500/month")], "$1,500/month"),
        ("-1234", [(0.05, "$ (1,234 )")], "(1,234"),
        ("1234", [(0.05, "$ (1,234 )")], None),
        ("5000", [(0.05, "\u5408\u8a08 \uffe55,000-")], "\uffe55,000-"),
    ],
)
def test_a_number_is_all_of_what_is_printed(value: str, line: list[tuple[float, str]], text: str | None) -> None:
    """No telephone runs over cells; a group is none of its number; a count is no thousand; brackets part."""
    assert found(value, line) == text


def test_groups_that_a_mark_parts_are_not_parted_by_blanks() -> None:
    """Where "1,234.50" is printed, "2 500.00" is a count and a price; and with a dot before cents in any case."""
    assert found("500.00", "2 500.00", "Total 1,234.50") == "500.00"
    assert found("119.00", "Lamp 1 119.00 119.00 19 %", name="unit_price") == "119.00"


def test_a_yen_amount_may_end_in_a_dash() -> None:
    """It stands where sen would: there is no minus behind a yen."""
    assert read("\uffe51,005,000-").values == (Decimal(1005000),)
    assert read("1,005,000-").values == (Decimal(-1005000),)


@pytest.mark.parametrize("heads", [("VAT", "Amount"), ("Tax", "Amount"), ("MwSt", "Betrag"), ("Net", "Amount")])
def test_heads_of_two_columns_are_two_labels(heads: tuple[str, str]) -> None:
    """Read as one they would name another field, and price and amount of a row would change places."""
    edges = (0.05, 0.4, 0.5, 0.65, 0.75)
    rows = [
        ("Lamp", "1", "20.00", "19", "20.00"),
        ("Desk", "1", "45.00", "19", "45.00"),
        ("Rug", "2", "9.00", "19", "18.00"),
    ]
    head = list(zip(edges, ("Description", "Qty", "Unit price", *heads), strict=True))
    items = [
        {"description": name, "quantity": count, "unit_price": price, "amount": amount}
        for name, count, price, _, amount in rows
    ]
    shown = by_path({"line_items": items}, INVOICE, head, *(list(zip(edges, row, strict=True)) for row in rows))
    boxes = {path: each.box for path, each in shown.items() if each.box is not None and not each.doubt}
    for number in range(len(rows)):
        assert boxes[f"line_items.{number}.unit_price"][0] < 0.55 < boxes[f"line_items.{number}.amount"][0]


def test_an_amount_stands_on_no_rate_of_the_same_digits() -> None:
    """A rate stands on it, also where its percent sign is a word of its own, and where it is told as a share."""
    lines = [[(0.5, "VAT 7%"), (0.85, "7.00")], [(0.5, "Rate 19 %"), (0.85, "950.00")]]
    assert by_path({"tax": "7.00"}, INVOICE, *lines)["tax"].text == "7.00"
    (evidence,) = ground({"rate": "0.19"}, {1: page(*lines)}, number("rate"))
    assert evidence.text == "19"


def test_a_rate_between_a_label_and_its_amount_parts_nothing() -> None:
    """The total is not what stands on the tax's line."""
    lines = [
        [(0.5, "Subtotal"), (0.85, "1,818.63")],
        [(0.5, "VAT 19%"), (0.85, "345.54")],
        [(0.5, "Total"), (0.85, "2,164.17")],
    ]
    right = by_path({"tax": "345.54", "total": "2164.17"}, INVOICE, *lines)
    assert {each.doubt for each in right.values()} == {None}
    assert by_path({"total": "345.54"}, INVOICE, *lines)["total"].doubt


def test_a_column_of_what_goes_out_needs_no_minus() -> None:
    """The schema says that what is spent is negative; a short statement prints it under "Debit"."""
    lines = [
        [(0.05, "Date"), (0.55, "Debit"), (0.7, "Credit"), (0.88, "Balance")],
        [(0.05, "05.03.2024"), (0.55, "12.50"), (0.88, "987.50")],
        [(0.05, "06.03.2024"), (0.7, "80.00"), (0.88, "1067.50")],
    ]
    rows = [{"amount": "-12.50", "balance": "987.50"}, {"amount": "80.00", "balance": "1067.50"}]
    shown = by_path({"transactions": rows}, STATEMENT, *lines)
    assert {each.state for each in shown.values()} == {"found"}
    rows[1]["amount"] = "-80.00"
    assert by_path({"transactions": rows}, STATEMENT, *lines)["transactions.1.amount"].state == "not_found"


@pytest.mark.parametrize(("printed", "answered"), [("", "-"), ("-", "")])
def test_a_short_credit_note_may_have_the_other_sign(printed: str, answered: str) -> None:
    """All of its sums have; where one alone has, it is wrong."""
    sums = {"subtotal": "100.00", "tax": "19.00", "total": "119.00"}
    lines = [
        [(0.5, name), (0.8, printed + value)]
        for name, value in zip(("Net", "VAT", "Total"), sums.values(), strict=True)
    ]
    turned = by_path({name: answered + value for name, value in sums.items()}, INVOICE, *lines)
    assert {each.state for each in turned.values()} == {"found"}
    one = {name: (answered if name == "total" else printed) + value for name, value in sums.items()}
    assert by_path(one, INVOICE, *lines)["total"].state == "not_found"
