"""Rules that a schema declares over its own fields. A broken rule is an issue on the record, never a refusal."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

CENTS = Decimal("0.02")


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        name: what must hold, in snake case; it becomes the issue's path in the tables.
        broken: what is wrong with this record in one line, or None when the rule holds or cannot be told.
    """

    name: str
    broken: Callable[[Any], str | None]


def adds_up(name: str, parts: Callable[[Any], Iterable[Decimal | None]], total: str) -> Check:
    """A check that the parts sum to the field `total`, to the cent; silent when any of them is missing."""

    def broken(record: Any) -> str | None:
        stated, printed = getattr(record, total), list(parts(record))
        amounts = [amount for amount in printed if amount is not None]
        if stated is None or not printed or len(amounts) < len(printed):
            return None
        found: Decimal = sum(amounts, Decimal(0))
        # Each line may be rounded by itself, so the tolerance grows with the lines.
        if abs(found - stated) <= CENTS * max(1, len(amounts) // 4):
            return None
        return f"the parts add up to {found}, but {total} is {stated}"

    return Check(name, broken)


def in_order(name: str, earlier: str, later: str) -> Check:
    """A check that the date `later` is not before the date `earlier`."""

    def broken(record: Any) -> str | None:
        first: date | None = getattr(record, earlier)
        second: date | None = getattr(record, later)
        if first is None or second is None or second >= first:
            return None
        return f"{later} {second} is before {earlier} {first}"

    return Check(name, broken)
