"""What the whole document tells about single values: its decimal mark, its order of day and month, its currency."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from extractors.local_model.amounts import Amount, amounts, currency, decimal_mark
from extractors.pages.lines import Line, ReadPage
from schemas.dates import PrintedDate as Reading
from schemas.dates import printed_dates
from schemas.habits import orders_shown
from schemas.partial_dates import days_without_year, joined_dates

_AMERICAN = re.compile(r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\(\d{3}\) ?\d{3}-\d{4}")
_YEARS = range(1950, 2100)
# What two digits stand for, as POSIX has it.
_CENTURY = frozenset(range(1970, 2070))


@dataclass(frozen=True)
class PrintedDate:
    """A date found in a text, from `start` to `end`; `sure` unless it is bare digits or lacks the year."""

    value: date
    start: int
    end: int
    sure: bool = True


@dataclass(frozen=True)
class Evidence:
    """The habits of one document.

    Attributes:
        mark: its decimal mark, or None.
        currency: the currency its amounts are in, or None.
        day_first: whether its dates begin with the day.
        near: a full date near those without a year, or None.
    """

    mark: str | None
    currency: str | None
    day_first: bool = True
    near: date | None = None

    def amounts(self, text: str) -> list[Amount]:
        """The numbers of a text that are no part of a date."""
        return amounts(self.without_dates(text), self.mark)

    def dates(self, text: str, *, without_year: bool = False) -> list[PrintedDate]:
        """Every date of a text, from left to right; `without_year` also `3 Jan`, in the year nearest to `near`."""
        found = _kept(printed_dates(text, "day" if self.day_first else "month", _CENTURY))
        found += _kept(joined_dates(text), sure=False)
        if without_year and self.near:
            found += self._yearless(text, self.near)
        kept: list[PrintedDate] = []
        for one in sorted(found, key=lambda each: (not each.sure, each.start - each.end, each.start)):
            if all(one.end <= other.start or one.start >= other.end for other in kept):
                kept.append(one)
        return sorted(kept, key=lambda each: each.start)

    def without_dates(self, text: str) -> str:
        """The text with blanks for its dates: what is left of digits may be amounts."""
        for one in self.dates(text):
            if one.sure:
                text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
        return text

    def _yearless(self, text: str, near: date) -> list[PrintedDate]:
        """Each in the year that brings it nearest: of those at one place the nearest stands first."""
        years = (near.year - 1, near.year, near.year + 1)
        found = [
            one
            for year in years
            for one in _kept(days_without_year(text, year, day_first=self.day_first), sure=False)
        ]
        return sorted(found, key=lambda one: abs(one.value - near))


def evidence_of(pages: Sequence[ReadPage]) -> Evidence:
    """The habits of a document, from every line of its pages."""
    texts = [segment.text for page in pages for line in page.lines for segment in line.segments]
    orders = orders_shown(word for text in texts for word in text.split())
    if orders["day"] == orders["month"]:
        # A US address or telephone number is what tells 03/04 apart.
        orders["month"] += any(map(_AMERICAN.search, texts))
    found = Evidence(decimal_mark(texts), currency(texts), orders["month"] <= orders["day"])
    days = sorted(one.value for one in found.dates("\n".join(texts)) if one.sure)
    return replace(found, near=days[len(days) // 2]) if days else found


def all_lines(pages: Sequence[ReadPage]) -> list[Line]:
    """Every line of the document, in reading order."""
    return [line for page in pages for line in page.lines]


def _kept(found: Iterable[Reading], *, sure: bool = True) -> list[PrintedDate]:
    return [
        PrintedDate(one.values[0], one.start, one.end, sure)
        for one in found
        if one.values and one.values[0].year in _YEARS
    ]
