"""How an invoice looks: letterhead, addresses, a table that may run over pages, totals, footer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flows.samples.invoices import Record
from flows.samples.paper import A4, GREY, WHITE, Colour, Face, Paper

_ENGLISH = {
    "title": "INVOICE", "number": "Invoice No.", "issue_date": "Invoice date", "due_date": "Due date",
    "delivery_date": "Delivery date", "order_reference": "Order No.", "buyer": "Invoice to", "currency": "Currency",
    "pos": "No.", "description": "Description", "quantity": "Qty", "unit_price": "Unit price", "tax_rate": "VAT %",
    "amount": "Amount", "carried": "Carried forward", "brought": "Brought forward", "subtotal": "Subtotal",
    "tax": "VAT", "total": "Total", "deposit": "Deposit received", "amount_due": "Amount due", "tax_id": "VAT No.",
    "iban": "IBAN", "page": "Page {} of {}", "thanks": "Thank you for your order. Please quote the invoice number.",
}  # fmt: skip
_GERMAN = {
    "title": "RECHNUNG", "number": "Rechnungsnummer", "issue_date": "Rechnungsdatum", "due_date": "Fällig am",
    "delivery_date": "Lieferdatum", "order_reference": "Bestellnummer", "buyer": "Rechnung an", "currency": "Währung",
    "pos": "Pos.", "description": "Bezeichnung", "quantity": "Menge", "unit_price": "Einzelpreis",
    "tax_rate": "USt %", "amount": "Betrag", "carried": "Übertrag", "brought": "Übertrag",
    "subtotal": "Nettobetrag", "tax": "USt", "total": "Gesamtbetrag", "deposit": "Anzahlung",
    "amount_due": "Zu zahlen", "tax_id": "USt-IdNr.", "iban": "IBAN", "page": "Seite {} von {}",
    "thanks": "Vielen Dank für Ihren Auftrag. Zahlbar ohne Abzug.",
}  # fmt: skip


def english_amount(amount: str) -> str:
    """`1234.5` -> `1,234.50`."""
    return f"{Decimal(amount):,.2f}"


def german_amount(amount: str) -> str:
    """`1234.5` -> `1.234,50`."""
    return english_amount(amount).translate(str.maketrans(",.", ".,"))


@dataclass(frozen=True)
class Look:
    """What makes a company's invoices recognisable.

    Attributes:
        size: of the page, in points.
        accent: the company's colour.
        words: the printed labels.
        amount: prints an amount.
        with_sign: where the currency's sign stands beside the totals.
        dates: `strftime` pattern.
        tax_name: in place of the label for the tax, like `Sales tax`.
        blank_after: a blank page follows this page, counted from 1.
        rows: table rows that the first page, and each further page, hold.
    """

    accent: Colour
    size: tuple[float, float] = A4
    words: dict[str, str] = field(default_factory=lambda: _ENGLISH)
    amount: Callable[[str], str] = english_amount
    with_sign: str = "{}"
    dates: str = "%d %B %Y"
    tax_name: str | None = None
    blank_after: int | None = None
    rows: tuple[int, int] = (22, 30)


ENGLISH = Look((0.07, 0.27, 0.42))
GERMAN = Look((0.45, 0.12, 0.14), words=_GERMAN, amount=german_amount, with_sign="{} €", dates="%d.%m.%Y")

_MARGIN = 56.0
_ROW = 16.0


def draw_invoice(record: Record, look: Look = ENGLISH) -> bytes:
    """The invoice as a PDF."""
    return _Drawing(record, look).pdf()


class _Drawing:
    """One invoice on its way to paper."""

    def __init__(self, record: Record, look: Look) -> None:
        self.record, self.look, self.words = record, look, look.words
        self.paper = Paper(look.size)
        self.right = self.paper.width - _MARGIN
        self.with_rate = record["line_items"][0]["tax_rate"] is not None

    def pdf(self) -> bytes:
        sheets = _split(self.record["line_items"], self.look.rows)
        pages = len(sheets) + (1 if self.look.blank_after else 0)
        page, position, running = 1, 1, Decimal(0)
        for sheet in sheets:
            self.paper.new_page()
            y = self._letterhead() if page == 1 else self._heading()
            y = self._table_head(y)
            if page > 1:
                y = self._carry(y, self.words["brought"], running)
            for item in sheet:
                y = self._row(y, position, item)
                position, running = position + 1, running + Decimal(item["amount"])
            if sheet is sheets[-1]:
                self._totals(y)
            else:
                self._carry(y, self.words["carried"], running)
            self._footer(page, pages)
            if page == self.look.blank_after:
                self.paper.new_page()
                page += 1
            page += 1
        return self.paper.pdf(f"{self.words['title'].title()} {self.record['number']}")

    def _letterhead(self) -> float:
        paper, seller, accent = self.paper, self.record["seller"], self.look.accent
        paper.fill(_MARGIN, 48, _MARGIN + 30, 78, accent)
        initials = "".join(word[0] for word in seller["name"].split() if word[0].isalpha())[:2]
        paper.text(_MARGIN + 5, 68, initials, size=13, face="hebo", colour=WHITE)
        paper.text(_MARGIN + 40, 69, seller["name"], size=15, face="hebo", colour=accent)
        lines = [*seller["address"].split(", "), *self._tax_id(seller)]
        paper.lines(self.right - 120, 58, lines, leading=10.5, size=8, colour=GREY)
        buyer = self.record["buyer"]
        paper.text(_MARGIN, 142, self.words["buyer"], size=8, colour=GREY)
        paper.text(_MARGIN, 156, buyer["name"], size=10, face="hebo")
        paper.lines(_MARGIN, 169, [*buyer["address"].split(", "), *self._tax_id(buyer)], size=10)
        paper.text(_MARGIN, 262, self.words["title"], size=20, face="hebo", colour=accent)
        self._particulars(142)
        return 288

    def _tax_id(self, party: Record) -> list[str]:
        return [f"{self.words['tax_id']} {party['tax_id']}"] if party["tax_id"] else []

    def _particulars(self, y: float) -> None:
        left = self.right - 190
        for name in ("number", "issue_date", "due_date", "delivery_date", "order_reference", "currency"):
            value = self.record[name]
            if value is None:
                continue
            if name.endswith("_date"):
                value = date.fromisoformat(value).strftime(self.look.dates)
            self.paper.text(left, y, self.words[name], size=9, colour=GREY)
            self.paper.text(self.right, y, value, size=9, face="hebo" if name == "number" else "helv", align="right")
            y += 15

    def _heading(self) -> float:
        title = f"{self.words['number']} {self.record['number']}"
        self.paper.text(_MARGIN, 60, self.record["seller"]["name"], face="hebo", colour=self.look.accent)
        self.paper.text(self.right, 60, title, align="right", colour=GREY)
        return 84

    def _columns(self) -> list[tuple[str, float, bool]]:
        """Name, position, and whether the text ends there rather than begins."""
        rate = [("tax_rate", self.right - 78, True)] if self.with_rate else []
        price = self.right - (125 if self.with_rate else 90)
        return [
            ("pos", _MARGIN + 4, False), ("description", _MARGIN + 32, False), ("quantity", price - 75, True),
            ("unit_price", price, True), *rate, ("amount", self.right - 4, True),
        ]  # fmt: skip

    def _table_head(self, y: float) -> float:
        self.paper.fill(_MARGIN, y, self.right, y + 18, self.look.accent)
        for name, x, ends in self._columns():
            self.paper.text(
                x, y + 12.5, self.words[name], face="hebo", align="right" if ends else "left", colour=WHITE
            )
        return y + 18

    def _row(self, y: float, position: int, item: Record) -> float:
        shown = {
            "pos": str(position),
            "description": item["description"],
            "quantity": item["quantity"].replace(".", "," if self.look.amount is german_amount else "."),
            "unit_price": self.look.amount(item["unit_price"]),
            "tax_rate": item["tax_rate"],
            "amount": self.look.amount(item["amount"]),
        }
        for name, x, ends in self._columns():
            self.paper.text(x, y + 11.5, shown[name], align="right" if ends else "left")
        self.paper.rule(_MARGIN, y + _ROW, self.right, weight=0.3, colour=(0.8, 0.8, 0.82))
        return y + _ROW

    def _carry(self, y: float, words: str, running: Decimal) -> float:
        self.paper.text(_MARGIN + 32, y + 11.5, words, face="hebo")
        self.paper.text(self.right - 4, y + 11.5, self.look.amount(str(running)), face="hebo", align="right")
        return y + _ROW

    def _totals(self, y: float) -> None:
        record, words, paper = self.record, self.words, self.paper
        rate = (Decimal(record["tax"]) * 100 / Decimal(record["subtotal"])).quantize(Decimal("0.01")).normalize()
        tax = f"{self.look.tax_name or words['tax']} {rate:f} %"
        rows = [(words["subtotal"], record["subtotal"]), (tax, record["tax"]), (words["total"], record["total"])]
        if record["amount_due"]:
            paid = Decimal(record["amount_due"]) - Decimal(record["total"])
            rows += [(words["deposit"], str(paid)), (words["amount_due"], record["amount_due"])]
        left, y = self.right - 190, y + 24
        for label, amount in rows:
            heavy = label in {words["total"], words["amount_due"]}
            if heavy:
                paper.rule(left, y - 12.5, self.right, weight=0.8, colour=self.look.accent)
            face: Face = "hebo" if heavy else "helv"
            size = 11 if heavy else 9
            paper.text(left, y, label, size=size, face=face)
            printed = self.look.amount(amount)
            printed = self.look.with_sign.format(printed) if heavy else printed
            paper.text(self.right - 4, y, printed, size=size, face=face, align="right")
            y += 18
        paper.text(_MARGIN, y + 18, words["thanks"])
        if record["iban"]:
            iban = " ".join(record["iban"][i : i + 4] for i in range(0, len(record["iban"]), 4))
            paper.text(_MARGIN, y + 32, f"{words['iban']} {iban}")

    def _footer(self, page: int, pages: int) -> None:
        paper, seller, y = self.paper, self.record["seller"], self.paper.height - 66
        paper.rule(_MARGIN, y, self.right, colour=self.look.accent)
        paper.lines(
            _MARGIN, y + 13, [seller["name"], seller["address"].split(", ")[0]], leading=10, size=7, colour=GREY
        )
        paper.text(self.right, y + 13, self.words["page"].format(page, pages), size=7, align="right", colour=GREY)


def _split(items: Sequence[Any], rows: tuple[int, int]) -> list[Sequence[Any]]:
    first, further = rows
    rest = range(first, len(items), further)
    return [items[:first], *(items[start : start + further] for start in rest)]
