"""How some pages print numbers and dates: the evidence that settles what reads two ways."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

from schemas.amounts import LONGEST, Reading, plain_characters, read
from schemas.currencies import CODES, currencies_of, currencies_of_countries
from schemas.dates import order_shown, printed_dates, years_shown

_DIGIT = re.compile(r"\d")
_TWO_WAYS = re.compile(r"\d[.,．，]\d{3}(?!\d)")
_NAME = re.compile(r"[^\d\s.,:;()\[\]/*+-]+")
_AROUND = " *:;=|_"
_CLEARLY = 4
_ENOUGH = 2
"""Numbers that show a page's decimal mark for sure: one may be a section's, "2.10"."""
_MOST_NUMBERS = 12
_TOLERANCE = Decimal("0.01")


@dataclass(frozen=True)
class PageHabits:
    """What pages show about the way they print.

    Attributes:
        decimal: the decimal mark of their unambiguous amounts, "." or ","; None when they show none, or both.
        order: which comes first in their numeric dates, "day" or "month"; None when they show none, or both.
        amounts: what their numbers mean, without signs.
        years: the full years of their dates.
        currencies: those that a code or a sign on them names without doubt, as "USD" and "US$" do.
        countries: the currencies of the countries that they name: what a sign means where nothing above does.
        of_texts: a text of an answer that reads two ways -> the habits of the pages that it was read from, where
            the document's pages differ.
    """

    decimal: str | None = None
    order: str | None = None
    amounts: frozenset[Decimal] = frozenset()
    years: frozenset[int] = frozenset()
    currencies: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    of_texts: Mapping[str, "PageHabits"] = field(default_factory=dict, hash=False)

    def of(self, text: str) -> "PageHabits":
        """Those that count for one text of an answer: its own pages', and where they show none, all pages'."""
        own = self.of_texts.get(text)
        if own is None:
            return self
        return replace(
            self,
            decimal=own.decimal or self.decimal,
            order=own.order or self.order,
            amounts=own.amounts or self.amounts,
            years=own.years or self.years,
        )


@dataclass(frozen=True)
class Evidence:
    """What settles the leaves of one answer: its pages, and its own other leaves.

    Attributes:
        habits: of the pages.
        currency: the one ISO 4217 code that the answer names.
        rows: a text that reads two ways -> what the other numbers of its rows make of it, without a sign.
    """

    habits: PageHabits = field(default_factory=PageHabits)
    currency: str | None = None
    rows: Mapping[str, Decimal] = field(default_factory=dict)


def habits_of_pages(pages: Iterable[Iterable[str]]) -> PageHabits:
    """The habits of some pages, each given as `habits_of` wants it.

    Where some clearly print otherwise than others, each page's numbers are read by its own habit.
    """
    texts = [list(words) for words in pages]
    marks = [marks_shown(words) for words in texts]
    shown = {_clear(count, ".", ",") for count in marks if count["."] + count[","] >= _ENOUGH} - {None}
    if len(shown) > 1:
        return together(map(habits_of, texts))
    return habits_of(word for words in texts for word in words)


def habits_of(words: Iterable[str]) -> PageHabits:
    """The habits of a page, or of pages that print alike.

    Args:
        words: their texts, in reading order, split at white space.
    """
    texts = [plain_characters(word) for word in words]
    readings = _readings(texts)
    decimal = _clear(_marks(readings), ".", ",")
    known = [_meant(reading, decimal) for reading in readings]
    orders = orders_shown(texts)
    return PageHabits(
        decimal,
        _clear(orders, "day", "month"),
        frozenset(abs(value) for value in known if value is not None),
        years_shown(" ".join(texts)),
        _named_currencies(texts),
        currencies_of_countries(" ".join(texts)),
    )


def _named_currencies(texts: Iterable[str]) -> frozenset[str]:
    """Codes, in capitals, and signs of one currency only, alone or beside an amount."""
    names = {name for text in texts if len(text) <= LONGEST for name in _NAME.findall(text)}
    found = {name: currencies_of(name) for name in names if name in CODES or not name.isalpha()}
    return frozenset(codes[0] for codes in found.values() if len(codes) == 1)


def marks_shown(words: Iterable[str]) -> Counter[str | None]:
    """How many numbers of a text, given as `habits_of` wants it, show that "." or "," is their decimal mark."""
    return _marks(_readings(map(plain_characters, words)))


def orders_shown(words: Iterable[str]) -> Counter[str]:
    """How many dates of such a text show that "day" or "month" comes first."""
    with_digits = [plain_characters(word).strip(_AROUND) for word in words if _DIGIT.search(word)]
    return Counter(order for text in with_digits if (order := order_shown(text)))


def _readings(texts: Iterable[str]) -> list[Reading]:
    return [reading for text in texts if _DIGIT.search(text) and (reading := read(text.strip(_AROUND))).values]


def _marks(readings: Iterable[Reading]) -> Counter[str | None]:
    return Counter(reading.mark for reading in readings if _shows_its_mark(reading))


def is_open(answer: object) -> bool:
    """Whether some text of an answer (decoded JSON) reads two ways, so that habits would settle it."""
    return next(_open_texts(answer), None) is not None


def _open_texts(answer: object) -> Iterator[str]:
    left = [answer]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            left += node.values()
        elif isinstance(node, list):
            left += node
        elif isinstance(node, str) and len(node) <= LONGEST and _is_open(node):
            yield node


@lru_cache(maxsize=4096)
def _is_open(text: str) -> bool:
    if not any(map(str.isdecimal, text)):
        return len(currencies_of(text)) > 1
    if _TWO_WAYS.search(text) and len(read(text, units=True).values) > 1:
        return True
    return any(len(day.values) != 1 for day in printed_dates(text))


def together(habits: Iterable[PageHabits], answers: Sequence[object] = ()) -> PageHabits:
    """The habits of several windows of one document; where they differ, only what each window's texts mean is known.

    Args:
        habits: of each window.
        answers: what was read from each.
    """
    parts = list(habits)
    decimal = {part.decimal for part in parts} - {None}
    order = {part.order for part in parts} - {None}
    return PageHabits(
        decimal.pop() if len(decimal) == 1 else None,
        order.pop() if len(order) == 1 else None,
        frozenset().union(*(part.amounts for part in parts)),
        frozenset().union(*(part.years for part in parts)),
        frozenset().union(*(part.currencies for part in parts)),
        frozenset().union(*(part.countries for part in parts)),
        _of_texts(parts, answers) if len(set(parts)) > 1 else {},
    )


def _of_texts(parts: Sequence[PageHabits], answers: Sequence[object]) -> dict[str, PageHabits]:
    """The texts that read two ways, each with its window's habits; without those that several windows have."""
    found: dict[str, PageHabits] = {}
    several: set[str] = set()
    for habits, answer in zip(parts, answers, strict=False):
        own = set(_open_texts(answer))
        several |= own & found.keys()
        found |= dict.fromkeys(own, habits)
    return {text: habits for text, habits in found.items() if text not in several}


def evidence_of(
    answer: object, habits: PageHabits | None = None, currency_names: frozenset[str] = frozenset()
) -> Evidence:
    """What an answer's leaves and its pages say about those leaves that read two ways.

    Args:
        answer: decoded JSON.
        habits: of the pages it was read from.
        currency_names: names of the properties that hold a currency.
    """
    currencies: set[str] = set()
    rows: dict[str, set[Decimal | None]] = {}
    left = [answer]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        if not isinstance(node, dict):
            continue
        left += node.values()
        for name, child in node.items():
            if isinstance(child, str) and (name in currency_names or "currency" in str(name).lower()):
                codes = currencies_of(child)
                currencies.update(codes if len(codes) == 1 else ())
        for text, value in _row(node):
            rows.setdefault(text, set()).add(value)
    settled = {text: next(iter(found)) for text, found in rows.items() if len(found) == 1}
    return Evidence(
        habits or PageHabits(),
        currencies.pop() if len(currencies) == 1 else None,
        {text: value for text, value in settled.items() if value is not None},
    )


def _row(node: Mapping[object, object]) -> list[tuple[str, Decimal | None]]:
    """The texts of one object that read two ways, each with what a product or a sum of the others makes of it."""
    if not any(
        isinstance(child, str) and len(child) <= LONGEST and _TWO_WAYS.search(child) for child in node.values()
    ):
        return []
    known: list[tuple[str, tuple[Decimal, ...]]] = []
    for child in node.values():
        if isinstance(child, str):
            if _DIGIT.search(child) and (values := read(child, units=True).values):
                known.append((child, tuple(map(abs, values))))
        elif isinstance(child, int | float) and not isinstance(child, bool) and abs(child) < 1e15:  # noqa: PLR2004 - also no inf
            known.append(("", (abs(Decimal(repr(child))),)))
    if len(known) > _MOST_NUMBERS:
        return []
    made = []
    for place, (text, values) in enumerate(known):
        if len(values) > 1:
            others = [other for number, (_, other) in enumerate(known) if number != place]
            right = [value for value in values if _fits(value, others)]
            made.append((text, right[0] if len(right) == 1 else None))
    return made


def _fits(value: Decimal, others: list[tuple[Decimal, ...]]) -> bool:
    """Whether a value, with two of the others, makes a product or a sum, to the cent."""
    for first, second in combinations(others, 2):
        for one in first:
            for other in second:
                low, middle, high = sorted((value, one, other))
                if low and abs(low + middle - high) <= _TOLERANCE:
                    return True
                if any(
                    abs(a * b - c) <= _TOLERANCE and c > 10 * _TOLERANCE
                    for a, b, c in ((value, one, other), (value, other, one), (one, other, value))
                ):
                    return True
    return False


@lru_cache(maxsize=4096)
def _shows_its_mark(reading: Reading) -> bool:
    """Two decimals, or grouping: "2.1" may be a section's number."""
    if len(reading.values) != 1 or reading.mark not in {".", ","} or reading.percent:
        return False
    exponent = reading.values[0].as_tuple().exponent
    return exponent in {-2, 0} or abs(reading.values[0]) >= 1000  # noqa: PLR2004 - it is grouped


def _meant(reading: Reading, decimal: str | None) -> Decimal | None:
    if len(reading.values) == 1:
        return reading.values[0]
    if decimal is None:
        return None
    return reading.values[0 if decimal == reading.mark else 1]


def _clear(counts: Counter[str] | Counter[str | None], one: str, other: str) -> str | None:
    """What most show, where the rest are few."""
    if counts[one] >= _CLEARLY * counts[other] and counts[one]:
        return one
    if counts[other] >= _CLEARLY * counts[one] and counts[other]:
        return other
    return None
