"""A till receipt of an invented shop: its record, and how it looks on thermal paper."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from flows.samples.invoices import Record
from flows.samples.paper import Align, Face, Paper

_BOUGHT = [
    ("Sourdough loaf", "1", "7.50"),
    ("Cheddar, aged", "0.412", "31.90"),
    ("Apple cider 1 L", "2", "4.25"),
    ("Eggs, dozen", "1", "6.80"),
    ("Maple butter", "1", "11.95"),
    ("Oat biscuits", "3", "3.40"),
]
_TAX_RATE = "5"


def _receipt() -> Record:
    items: list[Record] = [
        {"description": name, "quantity": quantity, "unit_price": price, "amount": _cents(quantity, price)}
        for name, quantity, price in _BOUGHT
    ]
    subtotal = sum((Decimal(item["amount"]) for item in items), Decimal(0))
    tax = Decimal(_cents(str(subtotal), str(Decimal(_TAX_RATE) / 100)))
    return {
        "merchant": "Fernhollow General Store", "address": "214 Orchard Lane, Fernhollow, AB T9Z 9Z9",
        "number": "0047-11823", "date": "2025-05-17", "currency": "CAD", "items": items, "subtotal": str(subtotal),
        "tax": str(tax), "total": str(subtotal + tax), "payment_method": "Visa",
    }  # fmt: skip


def _cents(quantity: str, price: str) -> str:
    return str((Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"), ROUND_HALF_UP))


RECEIPT = _receipt()
"""Six articles, tax added at the end, paid by card."""

_WIDTH, _MARGIN = 226.0, 14.0  # 80 mm paper
_PLAIN: Face = "cour"
_BOLD: Face = "cobo"


def draw_receipt(record: Record) -> bytes:
    """The receipt as a PDF of one narrow page."""
    items = record["items"]
    paper = Paper((_WIDTH, 250 + 13.0 * len(items)))
    paper.new_page()
    right = _WIDTH - _MARGIN
    _centred(paper, 30, record["merchant"], 12.5, _BOLD)
    y = 44.0
    street, *town = record["address"].split(", ")
    for line in (street, ", ".join(town)):
        _centred(paper, y, line)
        y += 11
    y += 8
    day = date.fromisoformat(record["date"]).strftime("%Y-%m-%d")
    for label, value in (("Receipt No.", record["number"]), ("Date", day)):
        paper.text(_MARGIN, y, label, size=8.5, face=_PLAIN)
        paper.text(right, y, value, size=8.5, face=_PLAIN, align="right")
        y += 11
    y = _rule(paper, y)
    columns: tuple[tuple[float, Align], ...] = (
        (_MARGIN, "left"),
        (134.0, "right"),
        (172.0, "right"),
        (right, "right"),
    )
    rows = [("Item", "Qty", "Price", "Amount")]
    rows += [(item["description"], item["quantity"], item["unit_price"], item["amount"]) for item in items]
    for row in rows:
        for (x, align), text in zip(columns, row, strict=True):
            paper.text(x, y, text, size=8, face=_BOLD if row is rows[0] else _PLAIN, align=align)
        y += 13
    y = _rule(paper, y - 4)
    sums = [
        ("Subtotal", record["subtotal"]),
        (f"GST {_TAX_RATE}%", record["tax"]),
        (f"TOTAL {record['currency']}", record["total"]),
    ]
    for label, amount in sums:
        large = label.startswith("TOTAL")
        size, face = (11.0, _BOLD) if large else (8.5, _PLAIN)
        paper.text(_MARGIN, y, label, size=size, face=face)
        paper.text(right, y, amount, size=size, face=face, align="right")
        y += 14
    y = _rule(paper, y - 4)
    paper.text(_MARGIN, y, record["payment_method"], size=8.5, face=_PLAIN)
    paper.text(right, y, record["total"], size=8.5, face=_PLAIN, align="right")
    _centred(paper, y + 24, "Thank you, see you soon")
    return paper.pdf("Receipt")


def _centred(paper: Paper, y: float, text: str, size: float = 8.5, face: Face = _PLAIN) -> None:
    # Courier's letters are 0.6 of the font size wide.
    paper.text((_WIDTH - len(text) * size * 0.6) / 2, y, text, size=size, face=face)


def _rule(paper: Paper, y: float) -> float:
    paper.text(_MARGIN, y, "-" * 41, size=8, face=_PLAIN)
    return y + 12
