"""Two rates of the invoice checks: alarms on true values, and wrong values noticed.

    python tests/benchmarks/bench_checks.py [--labels ../shared/data/real] [--rounds 200]

(a) Every labelled invoice with its true values: a failing check is a false alarm; goal 0. (b) Of the invoices
with complete values, one amount is changed at random (a digit, a decimal shift, the sign, swapped with another):
the share of changes of which a check speaks; goal 60 %.
"""

import argparse
import json
import random
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from schemas.invoice import Invoice
from schemas.record import Schema, schema_of

GOAL = 0.6
INVOICE = schema_of(Invoice)
# Printed on the pages, and in no label: (allowances, charges).
READ_BY_EYE = {
    "docs/inv_005.pdf": ("14.73", "5.80"),
    "docs/inv_007.pdf": ("21.55", "15.00"),
    "docs/inv_011.pdf": ("21.25", "30.00"),
}
_SAME_NAMES = ("issue_date", "due_date", "delivery_date", "currency", "iban")
_NAMES = {
    "number": ("invoice_number",),
    "total": ("grand_total", "amount", "total_amount"),
    "issue_date": ("date",),
    "due_date": ("date_due",),
    "prepaid_amount": ("prepaid",),
    "amount_due": ("due_payable",),
    "tax": ("tax_total",),
    "subtotal": ("tax_basis_total", "amount_untaxed"),
}


def main() -> None:
    """Prints both rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/real"), help="folder with labels.jsonl")
    parser.add_argument("--rounds", type=int, default=200, help="changes tried on each document")
    options = parser.parse_args()
    truths = true_records(options.labels)
    for name, record in truths.items():
        for check, why in INVOICE.check(record):
            print(f"{name}: {check}: {why}")
    print(f"false alarms: {false_alarms(truths)} of {len(truths)} documents")
    print(
        f"changes noticed: {noticed(truths, options.rounds):.1%} (goal {GOAL:.0%}), {len(complete(truths))} documents"
    )


def true_records(folder: Path) -> dict[str, dict[str, Any]]:
    """File -> its true values as a record of the built-in invoice, of every labelled invoice."""
    lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {
        label["file"]: _record(label["file"], label["expected"])
        for label in found
        if label["doc_type"] in {"invoice", "credit_note"} and label["expected"]
    }


def _record(file: str, label: dict[str, Any]) -> dict[str, Any]:
    values = {name: label.get(name) for name in _SAME_NAMES}
    for name, others in _NAMES.items():
        values[name] = next((label[other] for other in others if label.get(other) is not None), values.get(name))
    if "tax_total" not in label and label.get("tax_breakdown"):
        values["tax"] = str(sum(Decimal(str(part["tax"])) for part in label["tax_breakdown"]))
    values["allowances"], values["charges"] = READ_BY_EYE.get(file, (None, None))
    if file in READ_BY_EYE:
        values["subtotal"] = label["line_total"]
    for name in ("seller", "buyer"):
        tax_id = (label.get(name) or {}).get("vat_id")
        values[name] = {"tax_id": tax_id} if tax_id else None
    values["line_items"] = [
        {
            "description": line.get("description") or line.get("desc") or line.get("name"),
            "quantity": line.get("quantity"),
            "unit_price": line.get("unit_price_net") or line.get("unit_price"),
            "tax_rate": line.get("vat_rate"),
            "amount": line.get("line_total") or line.get("amount"),
        }
        for line in label.get("lines") or label.get("line_items") or []
    ]
    try:
        return INVOICE.parse(values)
    except ValueError:
        # A date in an order that only its page settles: no check of amounts needs it.
        return INVOICE.parse(values | dict.fromkeys(("issue_date", "due_date", "delivery_date")))


def complete(truths: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with lines, each with an amount, and the three totals."""
    return [
        record
        for record in truths.values()
        if record["line_items"]
        and all(line["amount"] for line in record["line_items"])
        and all(record[name] is not None for name in ("subtotal", "tax", "total"))
    ]


def false_alarms(truths: dict[str, dict[str, Any]], schema: Schema = INVOICE) -> int:
    """How many true records a check speaks of."""
    return sum(bool(schema.check(record)) for record in truths.values())


def noticed(truths: dict[str, dict[str, Any]], rounds: int, seed: int = 5) -> float:
    """The share of random changes of one amount of which a check speaks."""
    chance = random.Random(seed)
    tried = [_changed(record, chance) for record in complete(truths) for _ in range(rounds)]
    told = [bool(INVOICE.check(wrong)) for wrong in tried if wrong is not None]
    return sum(told) / max(1, len(told))


def _changed(record: dict[str, Any], chance: random.Random) -> dict[str, Any] | None:
    """The record with one amount another; None where the change left the same value."""
    wrong = deepcopy(record)
    places = list(_amounts(wrong))
    at = chance.randrange(len(places))
    holder, name = places[at]
    value = Decimal(holder[name])
    way = chance.choice(("digit", "shift", "sign", "swap"))
    if way == "swap":
        other, other_name = places[at - 1]
        holder[name], other[other_name] = other[other_name], holder[name]
        return None if Decimal(holder[name]) == value else wrong
    if way == "digit":
        text = str(holder[name])
        digits = [place for place, character in enumerate(text) if character.isdigit()]
        place = chance.choice(digits)
        text = text[:place] + chance.choice("0123456789") + text[place + 1 :]
        holder[name] = str(Decimal(text))
    else:
        holder[name] = str(-value if way == "sign" else value * Decimal(chance.choice(("0.1", "0.01", "10", "100"))))
    return None if Decimal(holder[name]) == value else wrong


def _amounts(record: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for line in record["line_items"]:
        yield from ((line, name) for name in ("unit_price", "amount") if line[name] is not None)
    for name in ("subtotal", "allowances", "charges", "tax", "total", "prepaid_amount", "amount_due"):
        if record[name] is not None:
            yield record, name


if __name__ == "__main__":
    main()
