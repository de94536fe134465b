"""Tables of every kind with their true rows, and answers that lose some of them or repeat one.

The words of the pages are made here, without drawing: where they stand is what counts.
"""

import random
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from extractors.documents import PageWords, Word

_GOODS = (
    "Oak table", "Steel shelf", "Paper", "Consulting fee", "Desk lamp 40 W", "USB cable", "Window cleaning", "Ink",
    "Chair with armrests", "Whiteboard 90 x 60", "Licence", "Storage box, large", "Coffee beans", "Van hire",
)  # fmt: skip
_LIKE_SUMS = (
    "Transport to York",
    "Annual report",
    "Net curtain",
    "Tax consulting",
    "Balance bike",
    "Opening hours sign",
)
_WIDTHS = {"pos": 0.05, "date": 0.1, "description": 0.34, "quantity": 0.08, "price": 0.11, "rate": 0.07,
           "amount": 0.12, "balance": 0.13}  # fmt: skip
_LETTER, _LINE, _SIZE = 0.0085, 0.018, 0.012
LOSSES = ("head", "middle", "tail", "every second", "one")


@dataclass
class Table:
    """A document with a table.

    Attributes:
        kind: how it is unlike a plain one.
        record: the true one: `items`, and a total.
        pages: the words.
        columns: of the table, from left to right.
    """

    kind: str
    record: dict[str, Any]
    pages: dict[int, PageWords]
    columns: tuple[str, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """What is asked for."""
        numbers = {"pos", "quantity", "price", "rate", "amount", "balance"}
        cells = {name: {"type": "number" if name in numbers else "string"} for name in self.columns if name != "pos"}
        items = {"type": "array", "items": {"type": "object", "properties": cells}}
        number, total = {"type": "string"}, {"type": "number"}
        return {"type": "object", "properties": {"number": number, "items": items, "total": total}}


@dataclass
class _Paper:
    """Pages that words are put on, line by line."""

    lines: int
    pages: list[list[Word]] = field(default_factory=lambda: [[]])
    line: int = 0

    def put(self, x: float, text: str, *, right: bool = False) -> None:
        """Puts words on the current line, the first at x, or the last's right edge there."""
        if right:
            x -= len(text) * _LETTER
        top = 0.05 + self.line * _LINE
        for word in text.split(" "):
            self.pages[-1].append(Word(word, (x, top, x + len(word) * _LETTER, top + _SIZE)))
            x += (len(word) + 1) * _LETTER

    def next(self) -> bool:
        """Goes to the next line; True where that is on a new page."""
        self.line += 1
        if self.line < self.lines:
            return False
        self.page()
        return True

    def page(self) -> None:
        """Begins a page."""
        self.pages.append([])
        self.line = 0


KINDS = (
    "plain", "round", "repeated", "multi-line", "carried", "subtotals", "copies", "annex", "two tables", "statement",
    "few columns", "receipt", "summary below", "currency behind", "named like sums", "three lines", "once a day",
)  # fmt: skip


def table(seed: int) -> Table:
    """A table by its seed: of 6 to 1,200 rows, on one page or up to 60."""
    dice = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    count = dice.choice(
        (6, 7, 8, 10, 12, 15, 20, 30, 45, 90, 200, 1200) if seed % 97 == 0 else (6, 7, 8, 12, 20, 45, 90)
    )
    columns = _columns(kind, dice)
    items = [_row(number, kind, columns, dice) for number in range(count)]
    if kind == "statement":
        balance = 1000.0
        for item in items:
            balance = round(balance + item["amount"], 2)
            item["balance"] = balance
    paper = _Paper(dice.randint(24, 46))
    record = {"number": f"R-{seed}", "items": items, "total": round(sum(item["amount"] for item in items), 2)}
    for copy in range(dice.choice((2, 3)) if kind == "copies" else 1):
        if copy:
            paper.page()
        _draw(paper, record, kind, columns, dice=random.Random(seed))
    if kind == "annex":
        _annex(paper, dice)
    pages = {number: PageWords(words) for number, words in enumerate(paper.pages, start=1) if words}
    return Table(kind, record, pages, columns)


def _columns(kind: str, dice: random.Random) -> tuple[str, ...]:
    if kind == "statement":
        return ("date", "description", "amount", "balance")
    if kind == "once a day":
        return ("date", "description", "amount")
    if kind in {"few columns", "receipt"}:
        return ("description", "amount")
    before = ("pos",) if dice.random() < 0.4 else ()
    middle = [name for name in ("quantity", "price", "rate") if name == "quantity" or dice.random() < 0.7]
    return (*before, "description", *middle, "amount")


def _row(number: int, kind: str, columns: tuple[str, ...], dice: random.Random) -> dict[str, Any]:
    quantity = 1 if kind == "round" else dice.choice((1, 1, 2, 3, 10))
    price = (
        100.0
        if kind == "round"
        else dice.choice((5.0, 10.0, 12.5))
        if kind == "repeated"
        else dice.randint(100, 99999) / 100
    )
    named = _LIKE_SUMS if kind == "named like sums" else _GOODS
    goods = named[number % 3] if kind == "repeated" else dice.choice(named)
    made = {"description": goods if kind in {"repeated", "round"} else f"{goods} {dice.randint(10, 999)}"}
    cells = {
        "date": f"{dice.randint(1, 28):02}.0{dice.randint(1, 9)}.2025", "quantity": quantity, "price": price,
        "rate": dice.choice((7, 19)), "amount": round(quantity * price, 2), "balance": 0.0,
    }  # fmt: skip
    if kind == "once a day":
        cells["date"] = f"{number // 3 % 28 + 1:02}.{number // 84 % 12 + 1:02}.2025"
    if kind == "statement" and dice.random() < 0.5:
        cells["amount"] = -cells["amount"]
    return made | {name: cells[name] for name in columns if name in cells}


def _draw(paper: _Paper, record: dict[str, Any], kind: str, columns: tuple[str, ...], dice: random.Random) -> None:
    for text in ("Oak Tools Ltd", "12 High Street", f"Invoice No. {record['number']}", ""):
        paper.put(0.08, text) if text else None
        paper.next()
    edges = _edges(columns)
    _heads(paper, columns, edges)
    sum_of, every = 0.0, dice.randint(4, 9)
    for number, item in enumerate(record["items"]):
        _cells(paper, record["items"], number, kind, edges)
        sum_of += item["amount"]
        if kind == "multi-line" and number % 2:
            paper.next()
            paper.put(edges["description"][0], f"Serial {dice.randint(1000, 9999)}")
        new = paper.next()
        if kind == "subtotals" and number % every == every - 1:
            _sum(paper, "Subtotal", sum_of, edges)
        if new:
            if kind == "carried":
                _sum(paper, "Brought forward", sum_of, edges)
            _heads(paper, columns, edges)
    for name, value in (
        ("Subtotal", record["total"]),
        ("VAT 19 %", record["total"] * 0.19),
        ("Total", record["total"]),
    ):
        _sum(paper, name, value, edges)
    _below(paper, kind, edges)


def _cells(
    paper: _Paper, items: list[dict[str, Any]], number: int, kind: str, edges: dict[str, tuple[float, bool]]
) -> None:
    """One row."""
    for name, (x, right) in edges.items():
        text = str(number + 1) if name == "pos" else _printed(items[number][name], name)
        if kind == "currency behind" and name in {"price", "amount"}:
            text += " EUR"
        if kind == "three lines" and name == "quantity":
            # The numbers stand in the middle of three lines.
            paper.next()
            paper.put(edges["description"][0], "with all its parts")
        if kind != "once a day" or name != "date" or not number or items[number - 1]["date"] != text:
            paper.put(x, text, right=right)
    if kind == "three lines":
        paper.next()
        paper.put(edges["description"][0], "made to order")


def _below(paper: _Paper, kind: str, edges: dict[str, tuple[float, bool]]) -> None:
    """What stands under the total in the table's columns, and is no row."""
    if kind == "receipt":
        for name, text in (("Till", "12"), ("Date", "14.03.2025"), ("Time", "12:55"), ("Terminal", "60012345")):
            paper.put(edges["description"][0], name)
            paper.put(edges["amount"][0], text, right=True)
            paper.next()
    if kind == "summary below":
        for name, rate in (("Reduced", 7), ("Standard", 19), ("Exempt", 0)):
            cells = {
                "description": name,
                "quantity": str(rate),
                "price": "12.50",
                "rate": str(rate),
                "amount": "2.40",
            }
            for column, (x, right) in edges.items():
                paper.put(x, cells.get(column, "1"), right=right)
            paper.next()


def _edges(columns: tuple[str, ...]) -> dict[str, tuple[float, bool]]:
    """Where each column stands: its left edge, or its right one where it is flush right."""
    found, x = {}, 0.08
    for name in columns:
        flush = name not in {"pos", "date", "description"}
        found[name] = (x + _WIDTHS[name] - 0.01, True) if flush else (x, False)
        x += _WIDTHS[name]
    return found


def _heads(paper: _Paper, columns: tuple[str, ...], edges: dict[str, tuple[float, bool]]) -> None:
    for name in columns:
        x, right = edges[name]
        paper.put(x, name.capitalize(), right=right)
    paper.next()


def _sum(paper: _Paper, name: str, value: float, edges: dict[str, tuple[float, bool]]) -> None:
    paper.put(edges["description"][0], name)
    paper.put(edges["amount"][0], f"{value:,.2f}", right=True)
    paper.next()


def _annex(paper: _Paper, dice: random.Random) -> None:
    """Calls, of which nobody asked."""
    paper.page()
    paper.put(0.08, "Annex: calls")
    paper.next()
    for _ in range(dice.randint(10, 30)):
        paper.put(0.1, f"{dice.randint(1, 28):02}.05.2025")
        paper.put(0.3, f"{dice.randint(8, 20):02}:{dice.randint(10, 59)}")
        paper.put(0.62, f"{dice.randint(1, 59)}:{dice.randint(10, 59)}", right=True)
        paper.put(0.8, f"0.{dice.randint(10, 99)}", right=True)
        paper.next()


def _printed(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    return str(value) if name in {"quantity", "rate"} else f"{value:,.2f}"


def lose(record: dict[str, Any], how: str, count: int, dice: random.Random) -> dict[str, Any]:
    """The record without some rows.

    Args:
        record: the true one.
        how: of `LOSSES`; "every second" loses half of them, "one" loses one.
        count: how many at most.
        dice: where.
    """
    items = list(record["items"])
    count = 1 if how == "one" else min(count, len(items) - 2)
    if how == "every second":
        kept = items[::2]
    else:
        start = {"head": 0, "tail": len(items) - count}.get(how, dice.randint(1, max(1, len(items) - count - 1)))
        kept = items[:start] + items[start + count :]
    return {**deepcopy(record), "items": kept}


def repeat(record: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The record with one of its rows twice."""
    items = list(record["items"])
    at = dice.randrange(len(items))
    return {**deepcopy(record), "items": [*items[: at + 1], items[at], *items[at + 1 :]]}
