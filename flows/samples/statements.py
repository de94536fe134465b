"""A bank statement of an invented bank: its record, and how it looks."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from flows.samples.invoices import Record
from flows.samples.paper import GREY, INK, WHITE, Colour, Face, Paper

_OPENING = "1842.36"
_MOVED = [
    (1, "Standing order Rent Brackwater Lettings", "-780.00"), (1, "Card Grainstore Bakery", "-6.40"),
    (2, "Card Halfmoon Grocers", "-41.87"), (2, "Direct debit Fenland Water", "-28.15"),
    (3, "Card Tollbridge Garage", "-52.10"), (3, "Transfer from M Fairweather", "120.00"),
    (4, "Card Inkwell Books", "-18.99"), (4, "Direct debit Lumen Energy", "-94.60"),
    (5, "Card Halfmoon Grocers", "-37.22"), (5, "Cash machine Market Square", "-60.00"),
    (6, "Card Pavilion Cinema", "-22.50"), (7, "Card The Copper Kettle", "-14.35"),
    (7, "Direct debit Brightline Telecom", "-31.00"), (8, "Card Saddler & Son Shoes", "-85.00"),
    (9, "Card Halfmoon Grocers", "-29.04"), (10, "Refund Saddler & Son Shoes", "85.00"),
    (10, "Card Marsh Railway tickets", "-47.80"), (11, "Card Grainstore Bakery", "-5.90"),
    (12, "Standing order Savings 7731", "-150.00"), (12, "Card Orchard Pharmacy", "-12.49"),
    (13, "Card Halfmoon Grocers", "-44.61"), (14, "Direct debit Fairmile Insurance", "-36.75"),
    (15, "Card Tollbridge Garage", "-48.33"), (16, "Card The Copper Kettle", "-11.20"),
    (17, "Cheque 000231", "-65.00"), (18, "Card Halfmoon Grocers", "-33.58"),
    (19, "Card Beacon Hardware", "-27.45"), (20, "Transfer to J Larkspur", "-40.00"),
    (21, "Card Grainstore Bakery", "-7.10"), (21, "Card Pavilion Cinema", "-19.00"),
    (22, "Card Halfmoon Grocers", "-51.96"), (23, "Card Swift Parcels", "-8.75"),
    (24, "Direct debit Council Tax Brackwater", "-142.00"), (25, "Card Inkwell Books", "-9.99"),
    (26, "Card Halfmoon Grocers", "-38.40"), (27, "Card Tollbridge Garage", "-50.05"),
    (28, "Salary Larkspur Instruments Ltd", "2316.72"), (28, "Transfer to Savings 7731", "-400.00"),
    (29, "Card The Copper Kettle", "-16.80"), (29, "Card Beacon Hardware", "-63.20"),
    (30, "Card Halfmoon Grocers", "-45.17"), (30, "Card Orchard Pharmacy", "-7.35"),
    (31, "Interest paid", "1.94"), (31, "Account fee", "-3.00"),
]  # fmt: skip


def _statement() -> Record:
    balance, transactions = Decimal(_OPENING), []
    for day, description, amount in _MOVED:
        balance += Decimal(amount)
        entry = {"date": f"2025-03-{day:02}", "description": description, "amount": amount, "balance": str(balance)}
        transactions.append(entry)
    return {
        "bank": "Saltmarsh Building Society", "account_holder": "Ms Imogen Fairweather",
        "account_number": "99-47-02 31887025", "period_start": "2025-03-01", "period_end": "2025-03-31",
        "currency": "GBP", "opening_balance": _OPENING, "closing_balance": str(balance), "transactions": transactions,
    }  # fmt: skip


STATEMENT = _statement()
"""A month of 44 movements over two pages, with the balance after each."""

_ACCENT: Colour = (0.05, 0.36, 0.33)
_MARGIN = 56.0
_ROW = 17.0
_FIRST_PAGE = 26
"""Movements on the first page."""


def draw_statement(record: Record) -> bytes:
    """The statement as a PDF of two pages."""
    paper = Paper()
    entries = record["transactions"]
    paper.new_page()
    y = _table_head(paper, _letterhead(paper, record))
    y = _row(paper, y, ("", "Opening balance", "", "", _money(record["opening_balance"])), bold=True)
    y = _movements(paper, y, entries[:_FIRST_PAGE])
    carried = _money(entries[_FIRST_PAGE - 1]["balance"])
    _row(paper, y, ("", "Balance carried forward", "", "", carried), bold=True)
    _footer(paper, record, 1)
    paper.new_page()
    paper.text(_MARGIN, 60, f"{record['bank']}   {record['account_number']}", colour=GREY)
    y = _table_head(paper, 78)
    y = _row(paper, y, ("", "Balance brought forward", "", "", carried), bold=True)
    y = _movements(paper, y, entries[_FIRST_PAGE:])
    _row(paper, y, ("", "Closing balance", "", "", _money(record["closing_balance"])), bold=True)
    _footer(paper, record, 2)
    return paper.pdf("Statement of account")


def _letterhead(paper: Paper, record: Record) -> float:
    right = paper.width - _MARGIN
    paper.fill(0, 0, paper.width, 12, _ACCENT)
    paper.text(_MARGIN, 62, record["bank"], size=17, face="hebo", colour=_ACCENT)
    paper.text(_MARGIN, 78, "Harbour Street 3, Saltmarsh", size=8, colour=GREY)
    paper.text(right, 62, "Statement of account", size=12, align="right")
    period = f"{_day(record['period_start'])} to {_day(record['period_end'])}"
    particulars = [
        ("Account holder", record["account_holder"]), ("Account number", record["account_number"]),
        ("Statement period", period), ("Currency", record["currency"]),
    ]  # fmt: skip
    y = 118.0
    for label, value in particulars:
        paper.text(_MARGIN, y, label, colour=GREY)
        paper.text(_MARGIN + 100, y, value, face="hebo")
        y += 15
    return y + 16


def _table_head(paper: Paper, y: float) -> float:
    paper.fill(_MARGIN, y, paper.width - _MARGIN, y + 18, _ACCENT)
    _cells(paper, y + 12.5, ("Date", "Description", "Paid out", "Paid in", "Balance"), bold=True, colour=WHITE)
    return y + 18


def _movements(paper: Paper, y: float, entries: Sequence[Record]) -> float:
    for entry in entries:
        amount = entry["amount"]
        out, paid_in = (_money(amount[1:]), "") if amount.startswith("-") else ("", _money(amount))
        cells = (_day(entry["date"], "%d %b %Y"), entry["description"], out, paid_in, _money(entry["balance"]))
        y = _row(paper, y, cells)
    return y


def _row(paper: Paper, y: float, cells: tuple[str, ...], *, bold: bool = False) -> float:
    _cells(paper, y + 12, cells, bold=bold)
    paper.rule(_MARGIN, y + _ROW, paper.width - _MARGIN, weight=0.3, colour=(0.8, 0.83, 0.82))
    return y + _ROW


def _cells(paper: Paper, y: float, cells: tuple[str, ...], *, bold: bool = False, colour: Colour = INK) -> None:
    right = paper.width - _MARGIN - 4
    ends = (None, None, right - 140, right - 70, right)
    starts = (_MARGIN + 4, _MARGIN + 74, 0, 0, 0)
    face: Face = "hebo" if bold else "helv"
    for text, start, end in zip(cells, starts, ends, strict=True):
        if text and end:
            paper.text(end, y, text, face=face, align="right", colour=colour)
        elif text:
            paper.text(start, y, text, face=face, colour=colour)


def _footer(paper: Paper, record: Record, page: int) -> None:
    y = paper.height - 50
    paper.rule(_MARGIN, y, paper.width - _MARGIN, colour=_ACCENT)
    paper.text(_MARGIN, y + 13, f"{record['bank']} is invented, and so is everyone named here.", size=7, colour=GREY)
    paper.text(paper.width - _MARGIN, y + 13, f"Page {page} of 2", size=7, align="right", colour=GREY)


def _money(amount: str) -> str:
    return f"{Decimal(amount):,.2f}"


def _day(iso: str, pattern: str = "%d %B %Y") -> str:
    return date.fromisoformat(iso).strftime(pattern)
