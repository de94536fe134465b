"""What means a day only where its surroundings say so: digits without marks, and day and month without a year."""

import re
from contextlib import suppress
from datetime import date

from schemas.amounts import plain_characters
from schemas.dates import PrintedDate, month_named

_JOINED = re.compile(r"(?<!\d)(\d{2})(\d{2})((?:19|20)\d{2})(?!\d)|(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_NO_YEAR = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})\2?(?![\d]|[./,-]\d)")
_DAY_MONTH = re.compile(r"(?<![\d.,])(\d{1,2})\.?[\s\-]?([^\W\d_]{3,9})\b")
_MONTH_DAY = re.compile(r"\b([^\W\d_]{3,9})\.?\s(\d{1,2})\b(?![.,:]\d)")


def joined_dates(text: str) -> list[PrintedDate]:
    """Eight digits that would be a day of these centuries: 20240331, 31032024."""
    found: list[PrintedDate] = []
    for match in _JOINED.finditer(plain_characters(text)):
        year, month, day = (match[3], match[2], match[1]) if match[1] else (match[4], match[5], match[6])
        found += _one(match, _days(int(year), [(int(month), int(day))]))
    return found


def days_without_year(text: str, year: int, *, day_first: bool | None = None) -> list[PrintedDate]:
    """`02/07` and `3 Jan`, as days of a year.

    Args:
        text: as printed.
        year: which.
        day_first: which comes first where either could; None where that is not known, so that both are values.
    """
    plain = plain_characters(text)
    found: list[PrintedDate] = []
    taken: set[int] = set()
    for match in _DAY_MONTH.finditer(plain):
        days = _days(year, [(month_named(match[2]), int(match[1]))])
        found += _one(match, days)
        taken |= {match.start(1), match.start(2)} if days else set()
    # Looked for apart, for a word before a day is no month mostly: "from 5 March".
    for match in _MONTH_DAY.finditer(plain):
        if taken.isdisjoint({match.start(1), match.start(2)}):
            found += _one(match, _days(year, [(month_named(match[1]), int(match[2]))]))
    for match in _NO_YEAR.finditer(plain):
        first, second = int(match[1]), int(match[3])
        known = True if match[2] == "." else day_first
        days = _days(
            year, [(first, second), (second, first)] if known is False else [(second, first), (first, second)]
        )
        found += _one(match, days if known is None else days[:1])
    return found


def _one(match: re.Match[str], days: list[date]) -> list[PrintedDate]:
    return [PrintedDate(match.start(), match.end(), tuple(dict.fromkeys(days)))] if days else []


def _days(year: int, pairs: list[tuple[int, int]]) -> list[date]:
    """What of some months and days the calendar of a year holds."""
    days = []
    for pair in pairs:
        with suppress(ValueError):
            days.append(date(year, *pair))
    return days
