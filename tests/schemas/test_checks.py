"""Checks hold on true documents, speak of wrong ones, and say what stopped them."""

import importlib.util
import re
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.bank_statement import BankStatement
from schemas.checks import NotChecked, Verdict, check
from schemas.identifiers import wrong_iban, wrong_vat_number
from schemas.invoice import Invoice
from schemas.receipt import Receipt
from schemas.record import Schema, schema_of

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
INVOICE, RECEIPT, STATEMENT = map(schema_of, (Invoice, Receipt, BankStatement))


def lines(*amounts: str | None) -> dict[str, Any]:
    """An invoice's lines with these amounts."""
    return {"line_items": [{"description": f"Item {n}", "amount": amount} for n, amount in enumerate(amounts, 1)]}


def verdicts(schema: Schema, **values: Any) -> dict[str, Verdict]:
    """What each check says of a record with these values."""
    return {said.name: said.verdict for said in schema.verdicts(schema.parse(values))}


@pytest.mark.parametrize(
    "values",
    [
        lines("60", "40") | {"subtotal": "100", "tax": "19", "total": "119"},
        lines("119") | {"subtotal": "100", "tax": "19", "total": "119"},
        lines("60", "40") | {"subtotal": "90", "allowances": "10", "tax": "17.10", "total": "107.10"},
        lines("100") | {"subtotal": "100", "allowances": "-10", "charges": "5", "tax": "18.05", "total": "113.05"},
        lines("-100") | {"subtotal": "-100", "tax": "-19", "total": "-119"},
        lines("100") | {"subtotal": "100", "tax": "8.13", "total": "108.15", "currency": "CHF"},
        {"total": "119", "prepaid_amount": "-19", "rounding_amount": "0.50", "amount_due": "100.50"},
        {"line_items": [{"amount": "60"}, {"amount": "40"}, {"amount": "100"}], "subtotal": "100"},
        {"line_items": [{"description": "Brought forward", "amount": "60"}, {"amount": "40"}], "total": "40"},
        {"line_items": [{"quantity": "500", "unit_price": "12.00", "amount": "60"}]},
        {"line_items": [{"quantity": "5", "unit_price": "4.55", "amount": "-20.48"}]},
        lines("23.80") | {"subtotal": "25.00", "charges": "5.00", "tax": "4.75", "total": "29.75"},
        lines("23.80") | {"subtotal": "20.00", "charges": "5.00", "tax": "4.75", "total": "29.75"},
        lines("100", "9.99") | {"subtotal": "100", "charges": "9.99", "tax": "8.25", "total": "118.24"},
        lines("20") | {"subtotal": "-20", "tax": "-3.80", "total": "-23.80"},
    ],
)
def test_true_invoices_break_no_check(values: dict[str, Any]) -> None:
    """Discounts, charges, prepayments, gross lines, credit notes, cash rounding, carried rows and price bases."""
    assert INVOICE.check(INVOICE.parse(values)) == []


@pytest.mark.parametrize(
    ("check", "values"),
    [
        ("lines_sum_to_subtotal", lines("60", "50") | {"subtotal": "100", "tax": "19", "total": "119"}),
        ("lines_sum_to_subtotal", lines("1000.00", "1163.40") | {"total": "1163.40"}),
        ("lines_sum_to_subtotal", lines("90", None, "60") | {"subtotal": "100"}),
        ("subtotal_plus_tax_is_total", {"subtotal": "100", "tax": "19", "total": "120"}),
        ("total_less_prepaid_is_due", {"total": "119", "prepaid_amount": "19", "amount_due": "110"}),
        ("tax_within_total", {"total": "-80", "tax": "610435072"}),
        ("tax_within_total", {"total": "80", "tax": "-8"}),
        ("quantity_times_price_is_amount", {"line_items": [{"quantity": "2", "unit_price": "5", "amount": "100.1"}]}),
        ("due_not_before_issue", {"issue_date": "2026-02-01", "due_date": "2026-01-01"}),
        ("delivery_near_issue", {"issue_date": "2026-02-01", "delivery_date": "2062-02-01"}),
        ("iban_is_valid", {"iban": "DE136695976"}),
        ("iban_is_valid", {"iban": "DE89370400440532013001"}),
        ("vat_numbers_are_valid", {"seller": {"tax_id": "DE89370400440532013000"}}),
    ],
)
def test_wrong_values_are_told(check: str, values: dict[str, Any]) -> None:
    """Each by the check that is about it."""
    assert verdicts(INVOICE, **values)[check] == Verdict.FAILS
    assert check in dict(INVOICE.check(INVOICE.parse(values)))


def test_a_row_without_an_amount_stops_the_sum_and_is_named() -> None:
    """It is no alarm, and no all-clear either."""
    record = INVOICE.parse(lines("60", None) | {"subtotal": "100"})
    said = {outcome.name: outcome for outcome in INVOICE.verdicts(record)}["lines_sum_to_subtotal"]
    assert said.verdict == Verdict.NOT_CHECKED
    assert "line 2 (Item 2)" in said.why
    assert INVOICE.check(record) == []


def test_receipts_add_up() -> None:
    """Items with discount and tax lead to the total, and what was paid less the change is the total."""
    true = {"items": [{"amount": "8"}, {"amount": "4"}], "discount": "2", "total": "10", "paid": "20", "change": "10"}
    assert RECEIPT.check(RECEIPT.parse(true)) == []
    assert verdicts(RECEIPT, **true | {"change": "5"})["paid_less_change_is_total"] == Verdict.FAILS
    assert verdicts(RECEIPT, **true | {"total": "100"})["items_sum_to_subtotal"] == Verdict.FAILS


def test_statements_add_up_in_either_order() -> None:
    """The movements lead to the closing balance, and each balance to the next, oldest or newest first."""
    rows = [
        {"description": "Balance brought forward", "balance": "100"},
        {"amount": "-50", "balance": "50"},
        {"amount": "70", "balance": "120"},
    ]
    true = {"opening_balance": "100", "closing_balance": "120", "transactions": rows}
    assert STATEMENT.check(STATEMENT.parse(true)) == []
    assert STATEMENT.check(STATEMENT.parse(true | {"transactions": rows[:0:-1]})) == []
    wrong = verdicts(
        STATEMENT, **true | {"closing_balance": "620", "transactions": [*rows[:2], rows[2] | {"balance": "620"}]}
    )
    assert wrong["movements_lead_to_closing_balance"] == wrong["running_balance_fits"] == Verdict.FAILS


@pytest.mark.parametrize("number", ["DE136695976", "FR60421938861", "NL810433941B01", "ATU13585627", "PL8567346215"])
def test_vat_numbers_with_right_check_digits(number: str) -> None:
    """They pass; with the last digit of the number changed most do not."""
    assert wrong_vat_number(number) is None


def test_other_numbers_and_examples_are_not_judged() -> None:
    """A local tax or account number has no rule here, and 123456789 is nobody's."""
    for number in ("201/113/40209", "DE123456789"):
        with pytest.raises(NotChecked):
            wrong_vat_number(number)
    for account in ("12345678", "DE75123456780000001234"):
        with pytest.raises(NotChecked):
            wrong_iban(account)


def test_a_check_of_ones_own_is_one_decorated_method(tmp_path: Path) -> None:
    """The example of docs/schemas.md, as it stands there."""
    text = (ROOT / "docs" / "schemas.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(# deliveries\.py\n.*?)```", text, re.DOTALL)
    path = tmp_path / "deliveries.py"
    path.write_text(example, encoding="utf-8")
    schema = schema_of(loaded(path).Delivery)
    assert verdicts(schema, ordered="3", delivered="3") == {"no_more_than_ordered": Verdict.HOLDS}
    assert verdicts(schema, ordered="3") == {"no_more_than_ordered": Verdict.NOT_CHECKED}
    assert schema.check(schema.parse({"ordered": "3", "delivered": "4"})) == [
        ("no_more_than_ordered", "4 delivered, but 3 ordered")
    ]


@pytest.mark.skipif(not REAL.exists(), reason="no labelled documents beside the repository")
def test_no_false_alarm_on_real_documents_and_most_changes_noticed() -> None:
    """The two rates of tests/benchmarks/bench_checks.py."""
    bench = loaded(ROOT / "tests" / "benchmarks" / "bench_checks.py")
    truths = bench.true_records(REAL)
    assert bench.false_alarms(truths) == 0
    assert bench.noticed(truths, 20) >= bench.GOAL


def loaded(path: Path) -> ModuleType:
    """A module from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class Position(BaseModel):
    """A row with a rule of its own."""

    count: int
    price: Decimal
    amount: Decimal | None = None

    @check
    def product(self) -> str | None:
        """Count times price is the amount."""
        if self.amount is None:
            raise NotChecked("amount is missing")
        return None if self.count * self.price == self.amount else f"{self.count} x {self.price} is not {self.amount}"


class Order(BaseModel):
    """A record of rows, with a rule that fails by itself."""

    rows: list[Position] = []
    one: Position | None = None

    @check
    def broken(self) -> str | None:
        """A mistake of the schema's author."""
        return str(1 / len(self.rows)) if not self.rows else None


def test_a_row_s_own_check_names_the_row() -> None:
    """A decorated method counts on any model of the schema, not only on the outermost."""
    schema = schema_of(Order)
    right, wrong = {"count": 2, "price": "5", "amount": "10"}, {"count": 2, "price": "5", "amount": "11"}
    assert schema.check(schema.parse({"rows": [right, right], "one": right})) == []
    assert schema.check(schema.parse({"rows": [right, wrong, wrong]})) == [("rows.product", "row 2: 2 x 5 is not 11")]
    assert schema.check(schema.parse({"rows": [right], "one": wrong})) == [("one.product", "2 x 5 is not 11")]
    (_, said) = schema.verdicts(schema.parse({"rows": [right, {"count": 1, "price": "1"}]}))
    assert (said.verdict, said.why) == (Verdict.NOT_CHECKED, "row 2: amount is missing")


def test_a_check_that_raises_is_an_issue_of_the_record() -> None:
    """A person's own mistake costs no document."""
    schema = schema_of(Order)
    ((name, why),) = schema.check(schema.parse({}))
    assert name == "broken"
    assert "ZeroDivisionError" in why
