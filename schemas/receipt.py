"""The till receipt."""

from decimal import Decimal
from typing import Any, ClassVar

from schemas.checks import Check, NotChecked
from schemas.fields import Currency, Date, Money, Quantity, field
from schemas.invoice_checks import line_product
from schemas.record import Record
from schemas.sums import HIGHEST_RATE, Row, line_sums, near, near_total, too_much_already, unit


class ReceiptItem(Record):
    """One thing bought."""

    description: str | None = field("What was bought", labels=["Description", "Item", "Artikel", "Article"])
    quantity: Quantity | None = field("How many", labels=["Qty", "Menge", "Qté"])
    unit_price: Money | None = field("Price of one", labels=["Price", "U.Price", "Unit price", "Preis", "Prix"])
    amount: Money | None = field("Price paid for the line", labels=["Amount", "Total", "Betrag", "Montant"])


def _items(receipt: Any) -> str | None:
    """Items lead to the subtotal or the total, before or after discount, tax and rounding."""
    rows = [Row(item.description or "", item.amount) for item in receipt.items]
    targets = [amount for amount in (receipt.subtotal, receipt.total) if amount is not None]
    if not targets:
        raise NotChecked("subtotal and total are missing")
    discount, tax = abs(receipt.discount or Decimal(0)), receipt.tax or Decimal(0)
    try:
        sums = line_sums(rows)
    except NotChecked:
        found = too_much_already(rows, max(targets) + discount + unit(receipt.currency) * len(rows))
        if found is None or receipt.discount is None:
            raise
        return f"the items with an amount sum to {found} already, more than the {max(targets)} of all"
    ways = [one - less + more for one in sums for less in (Decimal(0), discount) for more in (Decimal(0), tax)]
    if any(near_total(way, target, receipt.currency, len(rows)) for way in ways for target in targets):
        return None
    missing = [name for name in ("discount", "tax") if getattr(receipt, name) is None]
    if missing and receipt.subtotal is None and _between(sums[0], receipt.total):
        raise NotChecked(
            f"items of {sums[0]} lead to {receipt.total} with a discount or tax; {missing[0]} is missing"
        )
    return f"the items sum to {sums[0]}, but {'total' if receipt.subtotal is None else 'subtotal'} is {targets[0]}"


def _between(items: Decimal, total: Decimal) -> bool:
    """Whether a discount or tax that is not in the record may explain the difference."""
    return items > 0 and items / 2 <= total <= items * (1 + HIGHEST_RATE)


def _total(receipt: Any) -> str | None:
    if receipt.subtotal is None or receipt.total is None:
        raise NotChecked("subtotal or total is missing")
    discount, tax = abs(receipt.discount or Decimal(0)), receipt.tax or Decimal(0)
    rounding = receipt.rounding_amount or Decimal(0)
    ways = [
        receipt.subtotal - less + more + extra
        for less in (Decimal(0), discount)
        for more in (Decimal(0), tax)
        for extra in (Decimal(0), rounding)
    ]
    if any(near_total(way, receipt.total, receipt.currency, 2) for way in ways):
        return None
    missing = [name for name in ("discount", "tax") if getattr(receipt, name) is None]
    if missing and _between(receipt.subtotal, receipt.total):
        raise NotChecked(f"{missing[0]} is missing")
    return f"subtotal {receipt.subtotal} and tax {tax} do not lead to total {receipt.total}"


def _tax_within_total(receipt: Any) -> str | None:
    if receipt.tax is None or receipt.total is None:
        raise NotChecked("tax or total is missing")
    return f"tax {receipt.tax} is more than total {receipt.total}" if abs(receipt.tax) > abs(receipt.total) else None


def _change(receipt: Any) -> str | None:
    if receipt.paid is None or receipt.change is None or receipt.total is None:
        raise NotChecked("paid, change or total is missing")
    left = receipt.paid - abs(receipt.change)
    if near_total(left, receipt.total, receipt.currency) or near(receipt.total, left, receipt.currency):
        return None
    return f"paid {receipt.paid} less change {receipt.change} is {left}, but total is {receipt.total}"


class Receipt(Record):
    """A till receipt."""

    merchant: str | None = field("Name of the shop or company, as printed at the top")
    address: str | None = field("The shop's postal address in one line")
    number: str | None = field(
        "The receipt's own number",
        labels=[
            "Receipt No.",
            "Invoice No.",
            "Bill No.",
            "Bon-Nr.",
            "Beleg-Nr.",
            "Ticket",
            "Doc No.",
            "Trans No.",
        ],
    )
    date: Date | None = field("Day of the purchase", labels=["Date", "Datum", "Invoice date", "Fecha", "Data"])
    currency: Currency | None = field("Currency of the amounts", labels=["Currency", "Währung", "Devise"])
    items: list[ReceiptItem] = field("Everything bought, in order", default=[])
    subtotal: Money | None = field(
        "Sum before tax and rounding",
        labels=["Subtotal", "Sub total", "Net", "Netto", "Total HT"],
        merge="last",
    )
    discount: Money | None = field(
        "Discount on the whole receipt", labels=["Discount", "Rabatt", "Remise"], merge="last"
    )
    tax: Money | None = field(
        "Tax", labels=["Tax", "GST", "VAT", "SST", "MwSt", "USt", "TVA", "BTW", "IVA"], merge="last"
    )
    total: Money | None = field(
        "What had to be paid, tax included and after rounding",
        labels=["Total", "Grand total", "Total amount", "Amount due", "Net total", "Total payable", "Total (RM)",
                "Rounded total", "Amount to be paid", "Summe", "Gesamtbetrag", "Zu zahlen", "Total TTC", "Totaal"],
        merge="last",
    )  # fmt: skip
    rounding_amount: Money | None = field(
        "What rounding adds to the total", labels=["Rounding", "Rounding adjustment", "Rundung"], merge="last"
    )
    paid: Money | None = field(
        "What the customer handed over", labels=["Cash", "Amount tendered", "Gegeben"], merge="last"
    )
    change: Money | None = field("Change given back", labels=["Change", "Rückgeld", "Monnaie rendue"], merge="last")
    payment_method: str | None = field(
        "How it was paid",
        labels=["Payment method", "Paid by", "Zahlungsart", "Mode de paiement"],
        examples=["Cash", "Card", "Visa", "Mastercard", "Bar", "EC-Karte", "Espèces"],
        merge="last",
    )

    checks: ClassVar[tuple[Check, ...]] = (
        Check("items_sum_to_subtotal", _items),
        Check("subtotal_plus_tax_is_total", _total),
        Check("tax_within_total", _tax_within_total),
        Check("paid_less_change_is_total", _change),
        Check("quantity_times_price_is_amount", lambda r: line_product(r.items, r.currency, lambda _item: None)),
    )
