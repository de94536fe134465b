"""Where something is printed on a page: a text, an amount, a day, a currency. Pure.

A page's words are indexed once and looked up often: spelling, case, accents, line breaks, and the ways of
writing numbers and dates do not matter.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import accumulate

from extractors.documents import Box, Word
from schemas.amounts import plain_characters, read
from schemas.currencies import SIGNS, currencies_of
from schemas.dates import PrintedDate, month_named, printed_dates
from schemas.partial_dates import days_without_year, joined_dates
from schemas.printed_numbers import numbers_within, printed_numbers

_DIGIT = re.compile(r"\d")
TOKEN = re.compile(r"[^\W_]+")
_NEAR = 32
"""Characters between a date's day and its month at most."""
_WORD, _ORDINAL = re.compile(r"[^\W\d_]+"), re.compile(r"^(?:st|nd|rd|th|er)(?=[^\W\d_])")
_WIDEST_NUMBER, _GROUP = 4, 3
_BESIDE_A_SIGN = " 0123456789.,:;'’()+-−–/*\u00a0\u202f"


_Dates = Callable[[str, int], list[PrintedDate]]


@dataclass(frozen=True)
class Place:
    """Words on one page, by their positions; mostly a run."""

    page: int
    words: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first word's position."""
        return self.words[0]


@dataclass
class PageText:
    """One page's words, indexed for looking up.

    Attributes:
        page: its number.
        words: what a reader sees, in reading order.
        printed: the words' texts, a line each.
        tokens: letters and digits that stand together, folded.
        owners: the word of each token.
        offsets: where each token begins in `letters`, and its end at last.
        letters: all tokens without anything between them.
    """

    page: int
    words: Sequence[Word]
    printed: str
    tokens: list[str]
    owners: list[int]
    offsets: list[int]
    letters: str

    @cached_property
    def number_places(self) -> dict[Decimal, list[Place]]:
        """What a number can mean, without its sign -> the words that print it, and no other number."""
        places: dict[Decimal, list[Place]] = defaultdict(list)
        for first, word in enumerate(self.words):
            if word.text.isalpha() or not _DIGIT.search(word.text):
                continue
            for value in _only(word.text):
                places[value].append(Place(self.page, (first,)))
            for last in _last_words(self.words, first):
                for value in _grouped(" ".join([word.text for word in self.words[first : last + 1]])):
                    places[value].append(_run(self.page, first, last))
        return places

    @cached_property
    def inner_places(self) -> dict[Decimal, list[Place]]:
        """The same for numbers that stand in a word with others, or with letters: 2013-471102, 20Stk."""
        places: dict[Decimal, list[Place]] = defaultdict(list)
        for number, word in enumerate(self.words):
            if not _DIGIT.search(word.text) or _only(word.text):
                continue
            for one in numbers_within(word.text):
                for value in one.reading.values:
                    places[abs(value)].append(Place(self.page, (number,)))
        return places

    @cached_property
    def _plain(self) -> str:
        return plain_characters(self.printed)

    @cached_property
    def _days(self) -> dict[tuple[_Dates, int], dict[date, list[Place]]]:
        return {}

    def may_print(self, day: date) -> bool:
        """Whether a day's number stands near its month, or all digits together: most are told so at a glance."""
        plain = self._plain
        if any(form in plain for form in _joined_forms(day)):
            return True
        month = re.compile(rf"(?<!\d)0?{day.month}(?!\d)")
        for found in re.finditer(rf"(?<!\d)0?{day.day}(?!\d)", plain):
            around = plain[max(0, found.start() - _NEAR) : found.start()], plain[found.end() : found.end() + _NEAR]
            if any(month.search(side) or _names_month(side, day.month) for side in around):
                return True
        return False

    def day_places(self, day: date, dates: _Dates) -> list[Place]:
        """Where one of some dates can mean the day.

        Args:
            day: to be looked for.
            dates: finds dates in a text, given the year that those of two digits or none are in.
        """
        key = dates, day.year
        if key not in self._days:
            self._days[key] = self._placed(dates(self._plain, day.year))
        return self._days[key].get(day, [])

    def _placed(self, dates: Iterable[PrintedDate]) -> dict[date, list[Place]]:
        places: dict[date, list[Place]] = defaultdict(list)
        starts: list[int] = []
        for one in dates:
            starts = starts or list(accumulate((len(word.text) + 1 for word in self.words), initial=0))
            first, last = bisect_right(starts, one.start) - 1, bisect_right(starts, one.end - 1) - 1
            for value in one.values:
                places[value].append(_run(self.page, first, last))
        return places


def indexed(page: int, words: Sequence[Word]) -> PageText:
    """A page's words, ready to be looked up."""
    tokens: list[str] = []
    owners: list[int] = []
    printed = "\n".join([word.text.replace("\n", " ") for word in words])
    for number, text in enumerate(_folded(printed).split("\n")):
        found = TOKEN.findall(text)
        tokens += found
        owners += [number] * len(found)
    offsets = list(accumulate(map(len, tokens), initial=0))
    return PageText(page, words, printed, tokens, owners, offsets, "".join(tokens))


def text_places(value: str, text: PageText) -> list[Place]:
    """Words whose letters and digits are the value's, over line breaks and inside split words too."""
    needle = "".join(TOKEN.findall(_folded(value)))
    places = []
    at = text.letters.find(needle) if needle else -1
    while at >= 0:
        first, after = bisect_left(text.offsets, at), bisect_left(text.offsets, at + len(needle))
        if text.offsets[first] == at and text.offsets[after] == at + len(needle):
            places.append(_run(text.page, text.owners[first], text.owners[after - 1]))
        at = text.letters.find(needle, at + 1)
    return places


def amount_places(amount: Decimal, text: PageText) -> list[Place]:
    """Where a printed number means the amount.

    "2013-471102" is not the number 471102, unless that stands nowhere by itself.
    """
    value = abs(amount)
    return text.number_places.get(value) or text.inner_places.get(value, [])


def sign_places(currency: str, text: PageText) -> list[Place]:
    """Words that hold a sign of the currency, an ISO 4217 code."""
    signs = [sign for sign in _signs_of(currency) if sign in text.printed]
    if not signs:
        return []
    return [
        Place(text.page, (number,))
        for number, word in enumerate(text.words)
        if any(sign in word.text for sign in signs) and currency in currencies_of(word.text.strip(_BESIDE_A_SIGN))
    ]


@lru_cache(maxsize=256)
def _signs_of(currency: str) -> tuple[str, ...]:
    return tuple(sign for sign, codes in SIGNS.items() if currency in codes)


def date_places(day: date, text: PageText) -> list[Place]:
    """Where a date means the day, in any of the forms that documents use; without a year where none is printed."""
    if not text.may_print(day):
        return []
    for dates in (_dates, _joined_dates, _dates_without_year):
        places = text.day_places(day, dates)
        if places:
            return places
    return []


def _joined_forms(day: date) -> tuple[str, ...]:
    return tuple(day.strftime(form) for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%m%d%y"))


def _names_month(text: str, month: int) -> bool:
    return any(_names(word, month) for word in _WORD.findall(text))


@lru_cache(maxsize=8192)
def _names(word: str, month: int) -> bool:
    """Whether a word names a month, or holds letters of a script that runs words together."""
    return month in {month_named(word), month_named(_ORDINAL.sub("", word))} or not word.isascii()


def _dates(printed: str, year: int) -> list[PrintedDate]:
    # Most pages print few years: no search for one whose last digits are not there. An era's are others.
    if f"{year % 100:02}" not in printed and "年" not in printed:
        return []
    return printed_dates(printed, years=frozenset({year}))


def _joined_dates(printed: str, _year: int) -> list[PrintedDate]:
    return joined_dates(printed)


def _dates_without_year(printed: str, year: int) -> list[PrintedDate]:
    return days_without_year(printed, year)


def _last_words(words: Sequence[Word], first: int) -> Iterator[int]:
    """Where a number may end that begins at a word: after the groups of three digits that follow it on its line."""
    if not words[first].text[-1:].isdecimal():
        return
    for last in range(first + 1, min(first + _WIDEST_NUMBER, len(words))):
        group = words[last].text[:_GROUP]
        if len(group) < _GROUP or not group.isdecimal() or not _same_line(words[first].box, words[last].box):
            return
        yield last


@lru_cache(maxsize=8192)
def _only(printed: str) -> tuple[Decimal, ...]:
    """What the one number of a word can mean, without its sign; nothing for several."""
    values = read(printed).values
    if not values:
        numbers = printed_numbers(printed)
        values = numbers[0].reading.values if len(numbers) == 1 else ()
    return tuple([abs(value) for value in values])


@lru_cache(maxsize=4096)
def _grouped(printed: str) -> tuple[Decimal, ...]:
    """What the one number can mean that begins in the first word of a text and ends in its last."""
    numbers = printed_numbers(printed)
    if len(numbers) != 1 or numbers[0].start > printed.index(" ") or numbers[0].end <= printed.rindex(" "):
        return ()
    return tuple([abs(value) for value in numbers[0].reading.values])


def _same_line(one: Box, other: Box) -> bool:
    return abs(one[1] - other[1]) < (one[3] - one[1]) / 2


def _folded(text: str) -> str:
    """Case and accents do not matter: "MÜNCHEN" is "munchen", and ß is ss."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _run(page: int, first: int, last: int) -> Place:
    return Place(page, tuple(range(first, last + 1)))
