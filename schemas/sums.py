"""How the amounts of one document hang together: lines, totals, running balances. Pure; signs as printed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from schemas.checks import NotChecked, exceeds, summed
from schemas.currencies import decimals

_CARRIED = re.compile(
    r"brought forward|carried forward|carry[- ]?over|carried over|balance forward|(opening|previous|starting) balance"
    r"|balance b/f|balance c/f|\bb/fwd\b|\bc/fwd\b|last month'?s balance|sub-? ?total|zwischensumme|übertrag|vortrag"
    r"|alter (konto)?saldo|anfangssaldo|sous-? ?total|à reporter|^report\b|ancien solde|solde (initial|précédent)"
    r"|subtotaal|saldo anterior|suma y sigue|saldo iniziale|riporto|z przeniesienia|前月繰越|繰越|小計",
    re.IGNORECASE,
)
# What some countries round a cash total to.
_ROUNDED_TO = {
    "CHF": "0.05", "MYR": "0.05", "AUD": "0.05", "CAD": "0.05", "SGD": "0.05", "NZD": "0.10", "SEK": "1", "NOK": "1",
    "DKK": "0.50", "CZK": "1", "HUF": "5",
}  # fmt: skip
HIGHEST_RATE = Decimal("0.3")
"""No country taxes sales at a higher standard rate (Hungary: 27 %)."""


@dataclass(frozen=True)
class Row:
    """One row of a table: what it is for, its amount, and the balance after it where the table has one."""

    text: str
    amount: Decimal | None
    balance: Decimal | None = None

    @property
    def carried(self) -> bool:
        """Whether it repeats a sum or balance instead of adding to it."""
        return _CARRIED.search(self.text) is not None


def unit(currency: str | None) -> Decimal:
    """The smallest amount of a currency: 0.01 where it is not known."""
    return Decimal(1).scaleb(-decimals(currency or "EUR"))


def near(found: Decimal, stated: Decimal, currency: str | None, parts: int = 1) -> bool:
    """Whether a sum of `parts` amounts, each rounded by itself, is the stated one."""
    return abs(found - stated) <= unit(currency) * max(1, (parts + 1) // 2)


def near_total(found: Decimal, total: Decimal, currency: str | None, parts: int = 1) -> bool:
    """As `near`, or the total is rounded as cash is in its country."""
    step = Decimal(_ROUNDED_TO.get(currency or "", "0"))
    rounded = bool(step) and total % step == 0 and abs(found - total) <= step / 2
    return rounded or near(found, total, currency, parts)


def with_sign_of(amount: Decimal | None, total: Decimal) -> Decimal:
    """A deduction or addition whose sign some documents print and others do not, with the sign of the total."""
    return abs(amount or Decimal(0)).copy_sign(total)


def line_sums(rows: Sequence[Row]) -> list[Decimal]:
    """What the rows may sum to: without those that repeat a sum, by their words or by their amount, and with them.

    Raises:
        NotChecked: there is no row, or a row has no amount; it names the row.
    """
    if not rows:
        raise NotChecked("there are no lines")
    own = [row for row in rows if not row.carried]
    stopped = next((number for number, row in enumerate(rows, 1) if row.amount is None and not row.carried), None)
    if stopped is not None:
        raise NotChecked(f"line {stopped} ({rows[stopped - 1].text[:40]}) has no amount")
    fresh = list(_without_running_sums(own))
    sums = [summed(row.amount for row in kept)[0] for kept in (own, fresh, rows)]
    return list(dict.fromkeys(sums))


def too_much_already(rows: Sequence[Row], most: Decimal | None) -> Decimal | None:
    """The sum of the rows with an amount, where it exceeds `most` and no row takes anything off."""
    amounts = [row.amount for row in rows if not row.carried]
    return summed(amounts)[0] if most is not None and exceeds(amounts, most) else None


def _without_running_sums(rows: Sequence[Row]) -> Iterator[Row]:
    so_far, before = Decimal(0), 0
    for row in rows:
        if before > 1 and row.amount == so_far:
            continue
        so_far, before = so_far + (row.amount or 0), before + 1
        yield row


def broken_balance(rows: Sequence[Row], opening: Decimal | None, currency: str | None) -> str | None:
    """The first row whose balance is not the one before it and what was booked since, in the better of both orders.

    Raises:
        NotChecked: no row can be told.
    """
    forward = list(_steps(list(enumerate(rows, 1)), opening))
    backward = list(_steps(list(enumerate(rows, 1))[::-1], opening))
    if not forward and not backward:
        raise NotChecked("the rows show no balances to compare")
    wrong = min(
        ([step for step in steps if not near(step[1], step[2], currency)] for steps in (forward, backward)), key=len
    )
    if not wrong:
        return None
    number, found, stated = wrong[0]
    return f"row {number}: the balance should be {found}, but {stated} is printed"


def _steps(rows: Sequence[tuple[int, Row]], opening: Decimal | None) -> Iterator[tuple[int, Decimal, Decimal]]:
    """(row, balance that follows from those before, balance printed) of each row that can be told."""
    known = opening
    for number, row in rows:
        if row.carried:
            known = row.balance if row.balance is not None else known
        elif row.amount is None:
            # What was booked here is not known: the chain starts again.
            known = row.balance
        elif row.balance is None:
            known = None if known is None else known + row.amount
        else:
            if known is not None:
                yield number, known + row.amount, row.balance
            known = row.balance
