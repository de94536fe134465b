"""Where something is printed on a page: a text, an amount, a day, a currency. Pure.

A page's words are indexed once and looked up often: spelling, case, accents, line breaks, and the ways of
writing numbers and dates do not matter.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import accumulate

from extractors.documents import Box, Word
from schemas.currencies import SIGNS, currencies_of
from schemas.dates import month_named, printed_dates

_DIGIT, _NO_DIGIT = re.compile(r"\d"), re.compile(r"\D+")
_SPACING = re.compile(r"[\s'’\u00a0\u202f]")
TOKEN = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d(?:[\d.,'’\s\u00a0\u202f]*\d)?")
_WIDEST_NUMBER = 4
_BESIDE_A_SIGN = " 0123456789.,:;'’()+-−–/*\u00a0\u202f"


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
    def token_places(self) -> dict[str, list[int]]:
        """Token -> its positions."""
        places: dict[str, list[int]] = defaultdict(list)
        for number, token in enumerate(self.tokens):
            places[token].append(number)
        return places

    @cached_property
    def number_places(self) -> dict[str, list[tuple[int, int]]]:
        """Digits that tell a number -> first and last word where they are printed, whatever that means there."""
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for first, word in enumerate(self.words):
            if word.text.isalpha() or not _DIGIT.search(word.text):
                continue
            for last in _last_words(self.words, first):
                for told in _told(_joined(self.words, first, last)):
                    places[told].append((first, last))
        return places

    @cached_property
    def day_places(self) -> dict[date, list[Place]]:
        """Day -> where the whole text of a date means it, also in forms that are one token: 2026年3月2日."""
        places: dict[date, list[Place]] = defaultdict(list)
        starts = list(accumulate((len(word.text) + 1 for word in self.words), initial=0))
        for one in printed_dates(self.printed):
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
    alone, inner = number_places(amount, text)
    return alone or inner


def number_places(amount: Decimal, text: PageText) -> tuple[list[Place], list[Place]]:
    """Words that are the amount, and words that hold it among other numbers."""
    alone: list[Place] = []
    inner: list[Place] = []
    for first, last in dict.fromkeys(text.number_places.get(telling(f"{amount:f}"), ())):
        joined = _joined(text.words, first, last)
        if abs(amount) in readings(joined):
            places = alone if len(_NUMBER.findall(joined)) == 1 else inner
            places.append(_run(text.page, first, last))
    return alone, inner


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
    """Three neighbouring tokens that mean the day, in any order of day, month and year that documents use."""
    years = {str(day.year), f"{day.year % 100:02}"}
    months, days = {str(day.month), f"{day.month:02}"}, {str(day.day), f"{day.day:02}"}
    places = []
    for year in years:
        for at in text.token_places.get(year, ()):
            for first in (at - 2, at):
                places += _triple(text, first, (years, months, days), day.month)
    compact = [form for form in (day.strftime("%Y%m%d"), day.strftime("%d%m%Y")) if form in text.token_places]
    places += [Place(text.page, (text.owners[at],)) for form in compact for at in text.token_places[form]]
    return list(dict.fromkeys(places)) or text.day_places.get(day, [])


def _last_words(words: Sequence[Word], first: int) -> Iterator[int]:
    """Where a number may end that begins at a word: there, or after the digit groups that follow it on its line."""
    yield first
    for last in range(first + 1, min(first + _WIDEST_NUMBER, len(words))):
        if not _DIGIT.match(words[last].text) or not _same_line(words[first].box, words[last].box):
            return
        yield last


def _joined(words: Sequence[Word], first: int, last: int) -> str:
    return words[first].text if first == last else " ".join(word.text for word in words[first : last + 1])


@lru_cache(maxsize=4096)
def _told(printed: str) -> tuple[str, ...]:
    """The digits of each number in a text, in order."""
    return tuple(telling(number) for number in _NUMBER.findall(printed))


def telling(number: str) -> str:
    """The digits that tell a number, however it is printed: "1.234,50", "1,234.5" and 1234.5 are "12345"."""
    digits = _NO_DIGIT.sub("", number)
    if not digits.isascii():
        digits = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    return digits.strip("0")


def _same_line(one: Box, other: Box) -> bool:
    return abs(one[1] - other[1]) < (one[3] - one[1]) / 2


@lru_cache(maxsize=4096)
def readings(printed: str) -> frozenset[Decimal]:
    """Every amount that a printed number can mean: "1.234" is 1234 and 1.234."""
    found = set()
    for number in _NUMBER.findall(printed):
        compact = _SPACING.sub("", number)
        for decimal, group in ((".", ","), (",", ".")):
            plain = compact.replace(group, "").replace(decimal, ".")
            try:
                found.add(abs(Decimal(plain)))
            except InvalidOperation:
                continue
    return frozenset(found)


def _triple(text: PageText, first: int, wanted: tuple[set[str], set[str], set[str]], month: int) -> list[Place]:
    if first < 0 or first + 3 > len(text.tokens):
        return []
    years, months, days = wanted
    one, two, three = (
        re.sub(r"(?<=\d)(st|nd|rd|th|er|t\d+)$", "", token) for token in text.tokens[first : first + 3]
    )
    orders = ((three, two, one), (three, one, two), (one, two, three))
    for year, middle, number in orders:
        if year in years and number in days and (middle in months or _names_month(middle, month)):
            return [_run(text.page, text.owners[first], text.owners[first + 2])]
    return []


def _names_month(token: str, month: int) -> bool:
    return token.isalpha() and month_named(token) == month


def _folded(text: str) -> str:
    """Case and accents do not matter: "MÜNCHEN" is "munchen", and ß is ss."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _run(page: int, first: int, last: int) -> Place:
    return Place(page, tuple(range(first, last + 1)))
