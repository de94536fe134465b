"""What means a day only where its surroundings say so: digits without marks, and day and month without a year."""

import re
from contextlib import suppress
from datetime import date

from schemas.amounts import plain_characters
from schemas.dates import PrintedDate
from schemas.months import folded, month_named

_JOINED = re.compile(r"(?<!\d)(\d{2})(\d{2})((?:19|20)\d{2})(?!\d)|(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_NO_YEAR = re.compile(r"(?<![A-Za-z\d.,/-])(\d{1,2})([./-])(\d{1,2})(\2?)(?!\d|\s?%|[./,-]\d)")
_DAY_MONTH = re.compile(r"(?<![\d.,])(\d{1,2})(\.?[\s\-/]?)([^\W\d_]{3,9})\b(?!-[^\W\d_])(\.?)")
_MONTH_DAY = re.compile(r"\b([^\W\d_]{3,9})\.?\s(\d{1,2})\b(?![.,:]\d)")
_MONEY = r"(?:[$€£¥₹]|\b(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|JPY|INR)\b)"
# A sign behind a number is that number's: "4.50 EUR 05.12 Tea" goes on in the next row, as "05.12 EUR 4.50" does.
_BEHIND_MONEY = re.compile(rf"(?<!\d)(?<!\d\s)(?:{_MONEY}|§)\s?\Z")
_BEFORE_MONEY = re.compile(rf"\s?{_MONEY}(?!\s?[+-]?\d[\d.,]*[.,]\d\d(?!\d))")
_LONGEST_SIGN = 6
_ENGLISH = frozenset({"may", "march"})
_ALSO_WORDS = _ENGLISH | {"set", "out", "ago", "sub", "lip", "gen", "mag", "noi", "sty"}
"""Names of months that are other words too: "1 set of tools", "2 out of 5", "may 12 times"."""


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
        days = _days(year, [(month_named(match[3]), int(match[1]))])
        if days and _means_month(match):
            found += _one(match, days)
            taken |= {match.start(1), match.start(3)}
    # Looked for apart, for a word before a day is no month mostly: "from 5 March".
    for match in _MONTH_DAY.finditer(plain):
        if taken.isdisjoint({match.start(1), match.start(2)}) and _may_stand_first(match[1]):
            found += _one(match, _days(year, [(month_named(match[1]), int(match[2]))]))
    for match in _NO_YEAR.finditer(plain):
        if _is_number(match, plain):
            continue
        first, second = int(match[1]), int(match[3])
        known = True if match[2] == "." else day_first
        days = _days(
            year, [(first, second), (second, first)] if known is False else [(second, first), (first, second)]
        )
        found += _one(match, days if known is None else days[:1])
    return found


def _means_month(match: re.Match[str]) -> bool:
    """Whether the word behind a day is written as a month: "05 set", "5-set", "12 Set", "5 May"."""
    day, joint, word, dot = match.groups()
    if folded(word) not in _ALSO_WORDS or dot or joint in {"-", "/"} or day.startswith("0"):
        return True
    return word[0].isupper() and (folded(word) in _ENGLISH or len(day) > 1)


def _may_stand_first(word: str) -> bool:
    """Whether a month may be meant by a word before a number: "May 12", "SET 12"."""
    if folded(word) not in _ALSO_WORDS:
        return True
    return word.isupper() or (word[0].isupper() and folded(word) in _ENGLISH)


def _is_number(match: re.Match[str], plain: str) -> bool:
    """Whether digits with a mark are an amount, a version or a clause ("$5.12", "5.12%"), not "05.12" or "5.12."."""
    first, mark, second, end = match.groups()
    if mark == "/":
        return False
    if not end and not len(first) == len(second) == 2:  # noqa: PLR2004 - digits of a day and of a month
        return True
    before = _BEHIND_MONEY.search(plain, max(0, match.start() - _LONGEST_SIGN), match.start())
    return before is not None or _BEFORE_MONEY.match(plain, match.end()) is not None


def _one(match: re.Match[str], days: list[date]) -> list[PrintedDate]:
    return [PrintedDate(match.start(), match.end(), tuple(dict.fromkeys(days)))] if days else []


def _days(year: int, pairs: list[tuple[int, int]]) -> list[date]:
    """What of some months and days the calendar of a year holds."""
    days = []
    for pair in pairs:
        with suppress(ValueError):
            days.append(date(year, *pair))
    return days
