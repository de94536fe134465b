"""Invoices whose values' places are known: drawn by a seed in many layouts, languages and habits of print.

Values come to stand in several places, as on real ones: a quantity of one, a price that is the amount, a total that
is due as it is, a city of both parties, days that fall together.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pymupdf

from extractors.documents import Box

_LABELS = {
    "number": ("Invoice No.", "Rechnungsnummer", "Facture n°"),
    "issue_date": ("Invoice date", "Rechnungsdatum", "Date de facture"),
    "due_date": ("Due date", "Zahlbar bis", "Date d'échéance"),
    "delivery_date": ("Delivery date", "Lieferdatum", "Date de livraison"),
    "order_reference": ("Order No.", "Bestellnummer", "N° de commande"),
    "description": ("Description", "Bezeichnung", "Désignation"),
    "quantity": ("Qty", "Menge", "Quantité"),
    "unit_price": ("Unit price", "Einzelpreis", "Prix unitaire"),
    "tax_rate": ("VAT %", "MwSt", "TVA"),
    "amount": ("Amount", "Betrag", "Montant HT"),
    "subtotal": ("Subtotal", "Nettobetrag", "Total HT"),
    "tax": ("VAT", "Mehrwertsteuer", "Total TVA"),
    "total": ("Total", "Gesamtbetrag", "Total TTC"),
    "amount_due": ("Amount due", "Zahlbetrag", "Net à payer"),
}
_GOODS = (
    "Oak table", "Steel shelf", "Paper A4 80 g", "Consulting", "Desk lamp", "USB cable 2 m", "Cleaning", "Ink, black",
    "Chair with armrests", "Delivery", "Whiteboard 90 x 60", "Licence, one year",
)  # fmt: skip
_CITIES = ("Berlin", "Leeds", "Lyon", "Bremen", "Nantes", "York")
_NAMES = ("Oak Tools Ltd", "Muster GmbH", "Au bon moulin", "North & Sons", "Lieferant AG", "Atelier Blanc")
_SIZES = {"A4": (595.0, 842.0)}
_COLUMNS = ("description", "quantity", "unit_price", "tax_rate", "amount")


@dataclass
class Known:
    """A document with its true record and the box of each value.

    Attributes:
        pdf: its bytes.
        record: as the built-in invoice has it.
        boxes: leaf path -> page and box, as fractions of the page.
    """

    pdf: bytes
    record: dict[str, Any]
    boxes: dict[str, tuple[int, Box]]


@dataclass
class _Sheet:
    """A document that is being drawn."""

    dice: random.Random
    language: int
    made: pymupdf.Document
    size: float = 9.0
    boxes: dict[str, tuple[int, Box]] = field(default_factory=dict)

    def put(self, x: float, y: float, text: str, path: str = "", *, right: bool = False, bold: bool = False) -> float:
        """Draws a text with its left, or right, edge at x; returns its other edge."""
        page, font = self.made[-1], "hebo" if bold else "helv"
        width = pymupdf.get_text_length(text, fontname=font, fontsize=self.size)
        left = x - width if right else x
        page.insert_text((left, y), text, fontname=font, fontsize=self.size)
        if path:
            rect = page.rect
            box = (left, y - 1.08 * self.size, left + width, y + 0.3 * self.size)
            self.boxes[path] = (
                len(self.made),
                (box[0] / rect.width, box[1] / rect.height, box[2] / rect.width, box[3] / rect.height),
            )
        return left if right else left + width

    def label(self, name: str) -> str:
        """What the document calls a field."""
        return _LABELS[name][self.language]

    def amount(self, value: Decimal) -> str:
        """As its language prints it."""
        text = f"{value:,.2f}"
        if self.language == 1:
            return text.translate(str.maketrans(",.", ".,"))
        return text.replace(",", " ").replace(".", ",") if self.language else text

    def day(self, day: date) -> str:
        """As its language prints it."""
        return (
            f"{day:%d %B %Y}" if not self.language else f"{day:%d.%m.%Y}" if self.language == 1 else f"{day:%d/%m/%Y}"
        )


def invoice(seed: int) -> Known:
    """An invoice with one to 40 lines."""
    dice = random.Random(seed)
    with pymupdf.open() as made:
        made.new_page(width=_SIZES["A4"][0], height=_SIZES["A4"][1])
        sheet = _Sheet(dice, dice.randrange(3), made, dice.choice((8.0, 9.0, 10.5)))
        record = _record(dice)
        parts: list[Callable[[_Sheet, dict[str, Any], float], float]] = [_parties, _head]
        dice.shuffle(parts)
        y = 60.0
        for part in parts:
            y = part(sheet, record, y) + 20
        y = _table(sheet, record, y)
        _totals(sheet, record, y + 10)
        return Known(made.tobytes(no_new_id=True), record, sheet.boxes)


def _record(dice: random.Random) -> dict[str, Any]:
    day = date(2024, dice.randint(1, 12), dice.randint(1, 28))
    lines, rate = [], Decimal(dice.choice((7, 19, 20)))
    for _ in range(dice.choice((1, 2, 3, 5, 8, 40))):
        quantity = Decimal(dice.choice((1, 1, 1, 2, 3, 5, 10)))
        price = Decimal(dice.choice((500, 1000, 1250, dice.randint(100, 90000)))) / 100
        lines.append({
            "description": dice.choice(_GOODS), "quantity": str(quantity), "unit_price": str(price),
            "tax_rate": str(rate), "amount": str(quantity * price),
        })  # fmt: skip
    net = sum(Decimal(line["amount"]) for line in lines)
    tax = (net * rate / 100).quantize(Decimal("0.01"))
    city = dice.choice(_CITIES)
    seller, buyer = dice.sample(_NAMES, 2)
    return {
        "number": f"{dice.choice(('RE-', 'F', '2024-', ''))}{dice.randint(1000, 99999)}",
        "issue_date": day.isoformat(),
        "due_date": (day + timedelta(dice.choice((0, 14, 30)))).isoformat(),
        "delivery_date": (day - timedelta(dice.choice((0, 0, 3)))).isoformat(),
        "order_reference": str(dice.randint(1000, 99999)),
        "seller": {"name": seller, "address": f"{dice.randint(1, 99)} High Street, {city}"},
        "buyer": {"name": buyer, "address": f"{dice.randint(1, 99)} Mill Lane, {dice.choice((city, *_CITIES))}"},
        "line_items": lines,
        "subtotal": str(net), "tax": str(tax), "total": str(net + tax), "amount_due": str(net + tax),
    }  # fmt: skip


def _parties(sheet: _Sheet, record: dict[str, Any], y: float) -> float:
    beside = sheet.dice.random() < 0.5
    for number, name in enumerate(("seller", "buyer")):
        x, top = (60 + 250 * number, y) if beside else (60, y + 45 * number)
        sheet.put(x, top, record[name]["name"], f"{name}.name", bold=True)
        sheet.put(x, top + 13, record[name]["address"], f"{name}.address")
    return y + (13 if beside else 58)


def _head(sheet: _Sheet, record: dict[str, Any], y: float) -> float:
    names = ["number", "issue_date", "due_date", "delivery_date", "order_reference"]
    sheet.dice.shuffle(names)
    above = sheet.dice.random() < 0.4
    for number, name in enumerate(names):
        text = sheet.day(date.fromisoformat(record[name])) if name.endswith("date") else record[name]
        if above:
            sheet.put(60 + 98 * number, y, sheet.label(name))
            sheet.put(60 + 98 * number, y + 13, text, name)
        else:
            sheet.put(330, y + 14 * number, f"{sheet.label(name)}:")
            sheet.put(440, y + 14 * number, text, name)
    return y + (13 if above else 14 * len(names))


def _table(sheet: _Sheet, record: dict[str, Any], y: float) -> float:
    rest = list(_COLUMNS[1:])
    sheet.dice.shuffle(rest)
    names = [_COLUMNS[0], *rest]
    rights = [90.0, 330.0, 400.0, 470.0, 540.0]
    numbered = sheet.dice.random() < 0.5

    def heads(y: float) -> None:
        for name, x in zip(names, rights, strict=True):
            sheet.put(x, y, sheet.label(name), right=x > rights[0], bold=True)

    heads(y)
    for number, line in enumerate(record["line_items"]):
        y += 15
        if y > 780:
            sheet.made.new_page(width=_SIZES["A4"][0], height=_SIZES["A4"][1])
            heads(60)
            y = 75
        if numbered:
            sheet.put(60, y, str(number + 1))
        for name, x in zip(names, rights, strict=True):
            text = line[name]
            if name in {"unit_price", "amount"}:
                text = sheet.amount(Decimal(text))
            sheet.put(x, y, text, f"line_items.{number}.{name}", right=x > rights[0])
    return y + 15


def _totals(sheet: _Sheet, record: dict[str, Any], y: float) -> None:
    if y > 700:
        sheet.made.new_page(width=_SIZES["A4"][0], height=_SIZES["A4"][1])
        y = 60
    for number, name in enumerate(("subtotal", "tax", "total", "amount_due")):
        sheet.put(330, y + 15 * number, sheet.label(name))
        edge = sheet.put(540, y + 15 * number, sheet.amount(Decimal(record[name])), name, right=True)
        if sheet.dice.random() < 0.3:
            sheet.put(edge - 4, y + 15 * number, "EUR", right=True)
