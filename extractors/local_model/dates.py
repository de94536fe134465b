"""Printed dates -> `date`, by the order of day and month that the whole document uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from schemas.dates import PrintedDate as Reading
from schemas.dates import printed_dates
from schemas.habits import orders_shown
from schemas.partial_dates import days_without_year, joined_dates

_AMERICAN = re.compile(r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\(\d{3}\) ?\d{3}-\d{4}")
_YEARS = range(1950, 2100)
# What two digits stand for, as POSIX has it.
_CENTURY = frozenset(range(1970, 2070))


@dataclass(frozen=True)
class Habits:
    """How a document writes dates: whether the day comes first, and a full date near those without a year."""

    day_first: bool = True
    near: date | None = None


@dataclass(frozen=True)
class PrintedDate:
    """A date found in a text, from `start` to `end`; `sure` unless it is bare digits or lacks the year."""

    value: date
    start: int
    end: int
    sure: bool = True


def dates(text: str, habits: Habits, *, without_year: bool = False) -> list[PrintedDate]:
    """Every date of a text, from left to right.

    Args:
        text: as read.
        habits: of the document.
        without_year: whether `02/07` or `3 Jan` counts; its year is the one nearest to `habits.near`.
    """
    found = [*_kept(_full(text, habits)), *_kept(joined_dates(text), sure=False)]
    if without_year and habits.near:
        found += _yearless(text, habits, habits.near)
    kept: list[PrintedDate] = []
    for one in sorted(found, key=lambda each: (not each.sure, each.start - each.end, each.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda each: each.start)


def without_dates(text: str, habits: Habits) -> str:
    """The text with blanks for its dates: what is left of digits may be amounts."""
    for one in dates(text, habits):
        if one.sure:
            text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    return text


def habits_of(texts: Iterable[str]) -> Habits:
    """How a document writes dates, from all of its text."""
    lines = list(texts)
    orders = orders_shown(word for line in lines for word in line.split())
    if orders["day"] == orders["month"]:
        # A US address or telephone number is what tells 03/04 apart.
        orders["month"] += any(_AMERICAN.search(line) for line in lines)
    habits = Habits(orders["month"] <= orders["day"])
    sure = sorted(one.value for one in _kept(_full("\n".join(lines), habits)))
    return Habits(habits.day_first, sure[len(sure) // 2] if sure else None)


def _full(text: str, habits: Habits) -> list[Reading]:
    return printed_dates(text, "day" if habits.day_first else "month", _CENTURY)


def _yearless(text: str, habits: Habits, near: date) -> list[PrintedDate]:
    """Each in the year that brings it nearest."""
    best: dict[tuple[int, int], PrintedDate] = {}
    for year in (near.year - 1, near.year, near.year + 1):
        for one in _kept(days_without_year(text, year, day_first=habits.day_first), sure=False):
            place = one.start, one.end
            if place not in best or abs(one.value - near) < abs(best[place].value - near):
                best[place] = one
    return list(best.values())


def _kept(found: Iterable[Reading], *, sure: bool = True) -> list[PrintedDate]:
    return [
        PrintedDate(one.values[0], one.start, one.end, sure)
        for one in found
        if one.values and one.values[0].year in _YEARS
    ]
