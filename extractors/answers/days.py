"""Where a day is printed on a page, in any of the forms that documents use, by the page's own habits. Pure."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache

from extractors.answers.numbers import as_digits
from extractors.answers.page_text import PageText, Place
from schemas.amounts import plain_characters
from schemas.dates import PrintedDate, day_spelled, order_shown, printed_dates
from schemas.months import ROMAN_MONTHS, month_named
from schemas.partial_dates import days_without_year, joined_dates

_NEAR = 32
"""Characters between a date's day and its month at most."""
_WORD, _ORDINAL = re.compile(r"[^\W\d_]+"), re.compile(r"^(?:st|nd|rd|th|er)(?=[^\W\d_])")
_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]\d|\d)")
_MONTH_FIRST = re.compile(
    r"(?<![A-Z])(?:US\$|\$|USD|USA|U\.S\.|LLC|Inc\.|United States|Delaware|New York|California|Texas)(?![A-Z])"
)
_DAY_FIRST = re.compile(
    r"[€£]|(?<![A-Z])(?:EUR|GBP|CHF|MYR|RM|SGD|AUD|NZD|INR|GST|VAT|IBAN)(?![A-Z])|[ßäöüéèñçøåąęłčř]"
)
_TO = r"\s?(?:-|–|to|au|bis|al|tot|t/m|until|through|и|до)\s?\Z"
_SPAN = re.compile(r"(?<![\d.,])(\d{1,2})(?:\.|er|st|nd|rd|th|º|°)?" + _TO)
_SPAN_OF_MONTHS = re.compile(r"(?<![\d.,/])(\d{1,2})([./])(\d{1,2})\.?" + _TO)
"""The first day of a span that names its year once: "01/03-31/03/2024"."""
_KANJI_SPAN = re.compile(
    r"(\d{4})\s?年\s?(\d{1,2})\s?月\s?\d{1,2}\s?日\s?[~〜～–-]\s?(?:(\d{1,2})\s?月\s?)?(\d{1,2})\s?日"
)
_MONTH_SPAN = re.compile(
    r"\b([^\W\d_]{3,9})\.?\s\d{1,2}(?:st|nd|rd|th)?\s?(?:-|–|to|through)\s?(\d{1,2})(?:st|nd|rd|th)?,?\s((?:19|20)\d\d)\b"
)
"""The last day of a span whose month comes first: "March 5 - 12, 2024"."""
_SPACED = re.compile(r"(?<![\d.,/-])(?<!\d\s)(\d{2})\s(\d{2})\s((?:19|20)\d\d)(?![.,/-]?\d|\s\d)")
"""A form's boxes: "05 03 2024"."""
_EACH = re.compile(r"(?<![\d.,/-])(?<!\d\s)(?:\d\s){4}(?:1\s9|2\s0)\s\d\s\d(?![.,/-]?\d|\s\d)")
"""Boxes for each digit."""
_CLEARLY = 4


@dataclass
class Days:
    """The dates of one page.

    Attributes:
        text: the page's.
        wanted: the years of all days that are looked for: what a year of two digits may be.
        order: which comes first in the numeric dates of the document, "day" or "month"; None where that is not known.
        years: full years that the document prints; without any, a date that has none may be of any.
    """

    text: PageText
    wanted: frozenset[int]
    order: str | None = None
    years: frozenset[int] = frozenset()
    _no_year: dict[int, dict[date, list[Place]]] = field(default_factory=dict)

    def places(self, day: date, *, without_year: bool = False) -> list[Place]:
        """Where a date means the day; one without a year where none is printed with it.

        Args:
            day: to be looked for.
            without_year: those that have none are wanted in any case, as a table's rows print them.
        """
        if not self._may_print(day):
            return []
        full = self._with_year.get(day) or self._joined.get(day) or []
        if full and not without_year:
            return full
        if day.year not in self._no_year:
            self._no_year[day.year] = self._placed(self._without_year(day.year))
        return [*full, *self._no_year[day.year].get(day, ())]

    @cached_property
    def _letters(self) -> str:
        if not self.text.by_ocr:
            return self.text.plain
        return " ".join([as_digits(plain_characters(word.text)) for word in self.text.words])

    @cached_property
    def _hyphened(self) -> str:
        """The page's words in lower case, a hyphen between them: "twenty first" as "twenty-first"."""
        return self._letters.casefold().replace(" ", "-")

    def _may_print(self, day: date) -> bool:
        """Whether a day's number stands near its month, or all digits together: most are told so at a glance."""
        plain = self._letters
        if any(form in plain for form in _joined_forms(day)):
            return True
        if _EACH.search(plain) or day_spelled(day.day) in self._hyphened:
            return True
        month = re.compile(rf"(?<!\d)0?{day.month}(?!\d)")
        for found in re.finditer(rf"(?<!\d)0?{day.day}(?!\d)", plain):
            around = plain[max(0, found.start() - _NEAR) : found.start()], plain[found.end() : found.end() + _NEAR]
            if any(month.search(side) or _names_month(side, day.month) for side in around):
                return True
        return False

    @cached_property
    def _dates(self) -> list[PrintedDate]:
        # Years that end alike are read one after the other: together neither would be meant by two digits.
        found: list[PrintedDate] = []
        left = set(self.wanted)
        while left:
            years = frozenset({year % 100: year for year in left}.values())
            found += printed_dates(self._letters, self.order, years)
            left -= years
        return found

    @cached_property
    def _with_year(self) -> dict[date, list[Place]]:
        return self._placed([*self._dates, *self._first_days, *self._last_days, *self._in_boxes])

    @cached_property
    def _last_days(self) -> list[PrintedDate]:
        """The last days of spans that name their month first, or their year."""
        spans = [(span, span[3], month_named(span[1]), span[2]) for span in _MONTH_SPAN.finditer(self._letters)]
        if "年" in self._letters:
            spans += [(s, s[1], int(s[3] or s[2]), s[4]) for s in _KANJI_SPAN.finditer(self._letters)]
        found = []
        for span, year, month, day in spans:
            with suppress(ValueError):
                found.append(PrintedDate(*span.span(), (date(int(year), month, int(day)),)))
        return found

    @cached_property
    def _in_boxes(self) -> list[PrintedDate]:
        """Days of digits in boxes, by the page's order; day first where it shows none."""
        found = []
        for form in (_SPACED, _EACH):
            for match in form.finditer(self._letters):
                digits = "".join(match[0].split())
                first, second = int(digits[:2]), int(digits[2:4])
                month, day = (first, second) if self.order == "month" else (second, first)
                with suppress(ValueError):
                    found.append(PrintedDate(*match.span(), (date(int(digits[4:]), month, day),)))
        return found

    @cached_property
    def _first_days(self) -> list[PrintedDate]:
        """The first days of spans that name month and year once: "1er au 31 Juillet 2015"; or only the year."""
        found = []
        for one in self._dates:
            before = max(0, one.start - _NEAR)
            if begun := _SPAN_OF_MONTHS.search(self._letters, before, one.start):
                first, second = int(begun[1]), int(begun[3])
                pairs = [(second, first)] if begun[2] == "." or self.order == "day" else [(first, second)]
                pairs += [(second, first)] if self.order is None else []
                days = [day for last in one.values for pair in pairs if (day := _of_year(last, *pair)) and day < last]
            elif begun := _SPAN.search(self._letters, before, one.start):
                days = [last.replace(day=int(begun[1])) for last in one.values if 1 <= int(begun[1]) < last.day]
            else:
                continue
            found.append(PrintedDate(begun.start(), one.end, tuple(dict.fromkeys(days))))
        return found

    @cached_property
    def _joined(self) -> dict[date, list[Place]]:
        return self._placed(joined_dates(self._letters))

    def _without_year(self, year: int) -> list[PrintedDate]:
        if self.years and year not in self.years:
            return []
        day_first = None if self.order is None else self.order == "day"
        found = days_without_year(self._letters, year, day_first=day_first)
        full = [(one.start, one.end) for one in self._dates]
        return [one for one in found if not any(one.start < end and start < one.end for start, end in full)]

    def _placed(self, dates: Iterable[PrintedDate]) -> dict[date, list[Place]]:
        places: dict[date, list[Place]] = defaultdict(list)
        for one in dates:
            first = bisect_right(self.text.starts, one.start) - 1
            last = bisect_right(self.text.starts, one.end - 1) - 1
            for value in one.values:
                places[value].append(self.text.run(first, last))
        return places


def order_of(texts: Sequence[PageText]) -> str | None:
    """Which comes first in the numeric dates of pages: as their unambiguous ones show, or as their land has it.

    Returns:
        "day" or "month"; None where neither shows.
    """
    shown = Counter(order for text in texts for word in text.words if (order := _order_of(word.text)))
    for one, other in (("day", "month"), ("month", "day")):
        if shown[one] and shown[one] >= _CLEARLY * shown[other]:
            return one
    if shown:
        return None
    day_first = any(_DAY_FIRST.search(text.printed) for text in texts)
    month_first = any(_MONTH_FIRST.search(text.printed) for text in texts)
    return None if day_first == month_first else "day" if day_first else "month"


@lru_cache(maxsize=16384)
def _order_of(word: str) -> str | None:
    return order_shown(word) if "/" in word or "-" in word or "." in word else None


def years_of(texts: Sequence[PageText]) -> frozenset[int]:
    """The full years that some pages print."""
    return frozenset(int(year) for text in texts for year in _YEAR.findall(text.plain))


def _joined_forms(day: date) -> Iterator[str]:
    return (day.strftime(form) for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y"))


def _names_month(text: str, month: int) -> bool:
    return any(_names(word, month) for word in _WORD.findall(text))


@lru_cache(maxsize=8192)
def _names(word: str, month: int) -> bool:
    """Whether a word names a month, or holds letters of a script that runs words together."""
    if word == ROMAN_MONTHS[month - 1]:
        return True
    return month in {month_named(word), month_named(_ORDINAL.sub("", word))} or not word.isascii()


def _of_year(last: date, month: int, day: int) -> date | None:
    with suppress(ValueError):
        return last.replace(month=month, day=day)
    return None
