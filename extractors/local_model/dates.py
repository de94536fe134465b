"""Printed dates -> `date`, by the order of day and month that the whole document uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from schemas.dates import month_named

_ISO = re.compile(r"(?<![\d/.-])(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d.,/])(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?=\D|\d{1,2}:\d{2}|$)")
_DAY_FIRST_NAME = re.compile(
    r"(?<![\d.,])(\d{1,2})(?:st|nd|rd|th|er|ste|de|º|°)?\.?[\s\-/]{0,2}(?:de |of |day of )?([^\W\d_]{3,10})\.?"
    r"[\s\-/,.]{0,3}(?:del? )?(\d{4}|\d{2})(?!\d)"
)
_MONTH_FIRST_NAME = re.compile(r"\b([^\W\d_]{3,10})\.?[\s\-]{0,2}(\d{1,2})(?:st|nd|rd|th)?\s?[,\s\-]\s?(\d{4})(?!\d)")
_DIGITS = re.compile(r"(?<!\d)(\d{2})(\d{2})((?:19|20)\d{2})(?!\d)|(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_NO_YEAR = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})\2?(?![\d]|[./,-]\d)")
_NO_YEAR_NAME = re.compile(
    r"(?<![\d.,])(\d{1,2})\.?[\s\-]?([^\W\d_]{3,9})\b|\b([^\W\d_]{3,9})\.?\s(\d{1,2})\b(?![.,:]\d)"
)
_EARLIEST, _LATEST = 1950, 2099


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
    found = [*_full(text, habits), *_bare_digits(text)]
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
    whole = "\n".join(texts)
    day_first = month_first = 0
    for match in _NUMERIC.finditer(whole):
        first, second = int(match[1]), int(match[3])
        day_first += first > 12 >= second  # noqa: PLR2004 - months of a year
        month_first += second > 12 >= first  # noqa: PLR2004
    if day_first == month_first:
        # A US address or telephone number is what tells 03/04 apart.
        month_first += bool(re.search(r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\(\d{3}\) ?\d{3}-\d{4}", whole))
    habits = Habits(month_first <= day_first)
    sure = [one.value for one in _full(whole, habits)]
    return Habits(habits.day_first, sorted(sure)[len(sure) // 2] if sure else None)


def _full(text: str, habits: Habits) -> list[PrintedDate]:
    found: list[PrintedDate] = []
    for match in _ISO.finditer(text):
        _add(found, match, int(match[1]), int(match[3]), int(match[4]))
    for match in _NUMERIC.finditer(text):
        day, month = int(match[1]), int(match[3])
        if month > 12 or (not habits.day_first and day <= 12 and match[2] != "."):  # noqa: PLR2004 - months of a year
            day, month = month, day
        _add(found, match, _year(match[4]), month, day)
    for match in _DAY_FIRST_NAME.finditer(text):
        _add(found, match, _year(match[3]), month_named(match[2]), int(match[1]))
    for match in _MONTH_FIRST_NAME.finditer(text):
        _add(found, match, _year(match[3]), month_named(match[1]), int(match[2]))
    return found


def _bare_digits(text: str) -> list[PrintedDate]:
    found: list[PrintedDate] = []
    for match in _DIGITS.finditer(text):
        if match[1]:
            _add(found, match, int(match[3]), int(match[2]), int(match[1]), sure=False)
        else:
            _add(found, match, int(match[4]), int(match[5]), int(match[6]), sure=False)
    return found


def _yearless(text: str, habits: Habits, near: date) -> list[PrintedDate]:
    found: list[PrintedDate] = []
    pairs = [
        (match, int(match[1] or match[4]), month_named(match[2] or match[3]))
        for match in _NO_YEAR_NAME.finditer(text)
    ]
    for match in _NO_YEAR.finditer(text):
        day, month = int(match[1]), int(match[3])
        if month > 12 or (not habits.day_first and day <= 12 and match[2] != "."):  # noqa: PLR2004 - months of a year
            day, month = month, day
        pairs.append((match, day, month))
    for match, day, month in pairs:
        years = [year for year in (near.year - 1, near.year, near.year + 1) if _real(year, month, day)]
        if years:
            best = min(years, key=lambda year: abs(date(year, month, day) - near))
            _add(found, match, best, month, day, sure=False)
    return found


def _add(
    found: list[PrintedDate], match: re.Match[str], year: int, month: int, day: int, *, sure: bool = True
) -> None:
    if _real(year, month, day):
        found.append(PrintedDate(date(year, month, day), match.start(), match.end(), sure))


def _real(year: int, month: int, day: int) -> bool:
    if not (_EARLIEST <= year <= _LATEST and 1 <= month <= 12 and 1 <= day <= 31):  # noqa: PLR2004 - the calendar
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:  # noqa: PLR2004 - written in full
        return year
    return 2000 + year if year < 70 else 1900 + year  # noqa: PLR2004 - POSIX: 69 and above is the last century
