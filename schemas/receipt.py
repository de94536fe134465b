"""The till receipt."""

from typing import ClassVar

from schemas.checks import Check, adds_up
from schemas.fields import Currency, Date, Money, Quantity, field
from schemas.record import Record


class ReceiptItem(Record):
    """One thing bought."""

    description: str | None = field("What was bought", labels=["Description", "Item", "Artikel", "Article"])
    quantity: Quantity | None = field("How many", labels=["Qty", "Menge", "Qté"])
    unit_price: Money | None = field("Price of one", labels=["Price", "U.Price", "Unit price", "Preis", "Prix"])
    amount: Money | None = field("Price paid for the line", labels=["Amount", "Total", "Betrag", "Montant"])


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
    tax: Money | None = field(
        "Tax", labels=["Tax", "GST", "VAT", "SST", "MwSt", "USt", "TVA", "BTW", "IVA"], merge="last"
    )
    total: Money | None = field(
        "What had to be paid, tax included and after rounding",
        labels=["Total", "Grand total", "Total amount", "Amount due", "Net total", "Total payable", "Total (RM)",
                "Rounded total", "Amount to be paid", "Summe", "Gesamtbetrag", "Zu zahlen", "Total TTC", "Totaal"],
        merge="last",
    )  # fmt: skip
    payment_method: str | None = field(
        "How it was paid",
        labels=["Payment method", "Paid by", "Zahlungsart", "Mode de paiement"],
        examples=["Cash", "Card", "Visa", "Mastercard", "Bar", "EC-Karte", "Espèces"],
        merge="last",
    )

    checks: ClassVar[tuple[Check, ...]] = (
        adds_up("items_sum_to_subtotal", lambda r: [item.amount for item in r.items], "subtotal"),
    )
