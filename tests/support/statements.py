"""A made-up bank statement of many pages, and a model that reads it."""

import re
from collections.abc import Sequence
from typing import Any

from fakes import Answer, Asked, says

from flows.samples.paper import A4, Paper

ROWS_A_PAGE = 20


def transactions(count: int) -> list[dict[str, str]]:
    """Rows that are told apart by number, amount and balance."""
    rows, balance = [], 500_000
    for number in range(1, count + 1):
        cents = (number * 7919) % 20_000 + 101
        balance += cents
        day = f"2025-{1 + (number - 1) * 12 // count:02}-{1 + number % 28:02}"
        rows.append({
            "date": day, "description": f"Card payment No {number:05}", "amount": f"{cents / 100:.2f}",
            "balance": f"{balance / 100:.2f}",
        })  # fmt: skip
    return rows


def statement_pdf(rows: Sequence[dict[str, str]]) -> bytes:
    """The rows, 20 a page, flush right as banks print them."""
    paper = Paper(A4)
    for first in range(0, len(rows), ROWS_A_PAGE):
        paper.new_page()
        paper.lines(60, 60, ["Larch & Lime Bank", "Account GB00 0000 1234"], leading=16, size=11)
        for number, row in enumerate(rows[first : first + ROWS_A_PAGE]):
            y = 130 + 30 * number
            paper.text(60, y, row["date"])
            paper.text(140, y, row["description"])
            paper.text(420, y, f"{float(row['amount']):,.2f}", align="right")
            paper.text(520, y, f"{float(row['balance']):,.2f}", align="right")
    return paper.pdf("Statement")


def pages_asked(asked: Asked) -> list[int]:
    """The numbers of the pages that a request shows."""
    return [int(number) for number in re.findall(r"^Page (\d+):$", asked.text, re.MULTILINE)]


def reads(rows: Sequence[dict[str, str]], asked: Asked, left_out: Sequence[int] = ()) -> Answer:
    """The right answer for the pages shown, without the rows of some of them."""
    shown = [
        row
        for page in pages_asked(asked)
        if page not in left_out
        for row in rows[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    ]
    head: dict[str, Any] = dict.fromkeys(("bank", "account_holder", "account_number", "period_start", "period_end",
                                          "currency", "opening_balance", "closing_balance"))  # fmt: skip
    head["bank"] = "Larch & Lime Bank"
    head["closing_balance"] = shown[-1]["balance"] if shown else None
    return says({**head, "transactions": shown})
