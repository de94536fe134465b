"""Value -> the page and box where it stands, or visibly ungrounded. Pure.

A value is looked for by what it means, not only by its spelling: 1234.56 is found as "1.234,56 €",
2024-03-31 as "31. März 2024", EUR as "€", a name over a line break or inside split words. Where a
value stands in several places, the one nearest to the rest of its row is taken, and two rows never
share a place while another is free.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from extractors.documents import Box, Evidence, Word
from schemas.currencies import SYMBOLS

_DIGIT = re.compile(r"\d")
_SPACING = re.compile(r"[\s'’\u00a0\u202f]")
_TOKEN = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d(?:[\d.,'’\s\u00a0\u202f]*\d)?")
_ISO_DATE = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:$|T)")
# A leading zero belongs to an identifier: "00012" is looked for as text.
_DECIMAL = re.compile(r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$")
_PRINTED_AMOUNT = re.compile(r"^\D{0,4}\d[\d.,'’\s]*\D{0,4}$")
_MONTHS = (
    "jan ene gen janv", "feb feb febr fev fevr", "mar mrz maar marz mars maer", "apr avr abr", "may mai mei mayo mag",
    "jun juin giu", "jul juil lug", "aug aout ago", "sep sept set", "oct okt ott", "nov", "dec dez dic",
)  # fmt: skip
_WIDEST_NUMBER = 4


@dataclass(frozen=True)
class _Place:
    """Words on one page, by their positions; mostly a run."""

    page: int
    words: tuple[int, ...]

    @property
    def first(self) -> int:
        return self.words[0]


def _run(page: int, first: int, last: int) -> _Place:
    return _Place(page, tuple(range(first, last + 1)))


@dataclass
class _PageText:
    """One page's words, indexed for looking up."""

    page: int
    words: Sequence[Word]
    letters: str = ""
    starts: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    tokens: list[tuple[str, int]] = field(default_factory=list)
    token_places: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    amounts: dict[Decimal, list[_Place]] = field(default_factory=lambda: defaultdict(list))
    inner_amounts: dict[Decimal, list[_Place]] = field(default_factory=lambda: defaultdict(list))


def ground(value: Mapping[str, Any], pages: Mapping[int, Sequence[Word]]) -> tuple[Evidence, ...]:
    """Looks for every leaf that is not null.

    Args:
        value: one window's answer.
        pages: page number -> the words that a reader sees there, in reading order.

    Returns:
        One entry a leaf, in the value's order; without page and box where nothing was found.
    """
    texts = [_indexed(page, words) for page, words in pages.items() if words]
    taken: set[_Place] = set()
    found: dict[str, Evidence] = {}
    for group in _groups(value):
        for path, place in _placed(group, texts, taken).items():
            found[path] = _evidence(path, place, texts)
    return tuple(found[path] for path, _ in _leaves(value))


def share_grounded(evidence: Sequence[Evidence]) -> float | None:
    """Grounded leaves / non-null leaves, or None without any leaf."""
    if not evidence:
        return None
    return round(sum(item.box is not None for item in evidence) / len(evidence), 4)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _leaves(child, f"{path}.{number}" if path else str(number))
    elif value is not None:
        yield path, value


def _groups(value: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    """Leaves of one object together: a table's row, a party, the record's own fields."""
    groups: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for path, leaf in _leaves(value):
        groups[path.rpartition(".")[0]].append((path, leaf))
    return list(groups.values())


def _placed(group: list[tuple[str, Any]], texts: list[_PageText], taken: set[_Place]) -> dict[str, _Place | None]:
    """A place for each leaf: the rarest value anchors the row, the others stand nearest to it."""
    choices = {path: [place for text in texts for place in _places(leaf, text)] for path, leaf in group}
    by_page = {text.page: text for text in texts}
    anchor: _Place | None = None
    placed: dict[str, _Place | None] = {}
    for path, _ in sorted(group, key=lambda item: len(choices[item[0]]) or 1 << 30):
        free = [place for place in choices[path] if place not in taken] or choices[path]
        if not free:
            placed[path] = None
            continue
        best = free[0] if anchor is None else _nearest(free, anchor, by_page)
        anchor = anchor or best
        placed[path] = best
        if "." in path:
            taken.add(best)
    return placed


def _nearest(free: list[_Place], anchor: _Place, texts: Mapping[int, _PageText]) -> _Place:
    return min(free, key=lambda place: _distance(place, anchor, texts))


def _distance(place: _Place, anchor: _Place, texts: Mapping[int, _PageText]) -> tuple[int, float, int]:
    """How far from the anchor: pages first, then vertically on the page, then in reading order."""
    here = texts[place.page].words[place.first].box
    there = texts[anchor.page].words[anchor.first].box
    return abs(place.page - anchor.page), round(abs(here[1] - there[1]), 3), abs(place.first - anchor.first)


def _places(leaf: Any, text: _PageText) -> list[_Place]:
    if isinstance(leaf, bool):
        return []
    if isinstance(leaf, int | float):
        return _amount_places(Decimal(repr(leaf)), text)
    day = _date_of(str(leaf))
    if day is not None:
        return _date_places(day, text)
    if _DECIMAL.match(str(leaf)):
        return _amount_places(Decimal(str(leaf)), text)
    places = _text_places(str(leaf), text) or _split_places(str(leaf), text)
    if not places and _PRINTED_AMOUNT.match(str(leaf)):
        places = [place for amount in _readings(str(leaf)) for place in text.amounts.get(amount, [])]
    if not places and str(leaf) in SYMBOLS.values():
        signs = [sign for sign, code in SYMBOLS.items() if code == leaf]
        places = [
            _Place(text.page, (number,))
            for number, word in enumerate(text.words)
            if any(sign in word.text for sign in signs) or (leaf == "USD" and "$" in word.text)
        ]
    return places


def _indexed(page: int, words: Sequence[Word]) -> _PageText:
    text = _PageText(page, words)
    letters: list[str] = []
    size = 0
    for number, word in enumerate(words):
        for token in _TOKEN.findall(_folded(word.text)):
            text.starts[size] = number
            letters.append(token)
            size += len(token)
            text.ends[size] = number
            text.token_places[token].append(len(text.tokens))
            text.tokens.append((token, number))
    text.letters = "".join(letters)
    for first in range(len(words)):
        _index_amounts(text, first)
    return text


def _index_amounts(text: _PageText, first: int) -> None:
    """Every number that begins in this word, alone or with the digit groups that follow it."""
    if not _DIGIT.search(text.words[first].text):
        return
    joined = ""
    for last in range(first, min(first + _WIDEST_NUMBER, len(text.words))):
        word = text.words[last].text
        if last > first and (not _DIGIT.match(word) or not _same_line(text.words[first].box, text.words[last].box)):
            return
        joined = f"{joined} {word}".strip()
        # "2013-471102" is not the number 471102, unless that stands nowhere by itself.
        amounts = text.amounts if len(_NUMBER.findall(joined)) == 1 else text.inner_amounts
        for amount in _readings(joined):
            amounts[amount].append(_run(text.page, first, last))


def _same_line(one: Box, other: Box) -> bool:
    return abs(one[1] - other[1]) < (one[3] - one[1]) / 2


@lru_cache(maxsize=4096)
def _readings(printed: str) -> frozenset[Decimal]:
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


def _amount_places(amount: Decimal, text: _PageText) -> list[_Place]:
    return text.amounts.get(abs(amount)) or text.inner_amounts.get(abs(amount), [])


def _split_places(value: str, text: _PageText) -> list[_Place]:
    """A value of several parts ("Main Street 1, 12345 Town") whose parts stand apart, each near the first."""
    parts = [part for part in re.split(r"[,;\n]", value) if _TOKEN.search(part)]
    found = [_text_places(part, text) for part in parts]
    if len(parts) < 2 or not all(found):  # noqa: PLR2004 - fewer is not several
        return []
    first = found[0][0]
    chosen = [_nearest(places, first, {text.page: text}) for places in found]
    return [_Place(text.page, tuple(sorted({number for place in chosen for number in place.words})))]


def _text_places(value: str, text: _PageText) -> list[_Place]:
    needle = "".join(_TOKEN.findall(_folded(value)))
    places = []
    at = text.letters.find(needle) if needle else -1
    while at >= 0:
        first, last = text.starts.get(at), text.ends.get(at + len(needle))
        if first is not None and last is not None:
            places.append(_run(text.page, first, last))
        at = text.letters.find(needle, at + 1)
    return places


def _date_of(value: str) -> date | None:
    parts = _ISO_DATE.match(value)
    if parts is None:
        return None
    try:
        return date(*(int(part) for part in parts.groups()))
    except ValueError:
        return None


def _date_places(day: date, text: _PageText) -> list[_Place]:
    """Three neighbouring tokens that mean the day, in any order of day, month and year that documents use."""
    years = {str(day.year), f"{day.year % 100:02}"}
    months, days = {str(day.month), f"{day.month:02}"}, {str(day.day), f"{day.day:02}"}
    places = []
    for year in years:
        for at in text.token_places.get(year, ()):
            for first in (at - 2, at):
                places += _triple(text, first, (years, months, days), day.month)
    compact = [form for form in (day.strftime("%Y%m%d"), day.strftime("%d%m%Y")) if form in text.token_places]
    places += [_Place(text.page, (text.tokens[at][1],)) for form in compact for at in text.token_places[form]]
    return list(dict.fromkeys(places))


def _triple(text: _PageText, first: int, wanted: tuple[set[str], set[str], set[str]], month: int) -> list[_Place]:
    if first < 0 or first + 3 > len(text.tokens):
        return []
    years, months, days = wanted
    one, two, three = (
        re.sub(r"(?<=\d)(st|nd|rd|th|er|t\d+)$", "", token) for token, _ in text.tokens[first : first + 3]
    )
    orders = ((three, two, one), (three, one, two), (one, two, three))
    for year, middle, number in orders:
        if year in years and number in days and (middle in months or _names_month(middle, month)):
            return [_run(text.page, text.tokens[first][1], text.tokens[first + 2][1])]
    return []


def _names_month(token: str, month: int) -> bool:
    return token.isalpha() and any(token.startswith(name) for name in _MONTHS[month - 1].split())


def _folded(text: str) -> str:
    """Case and accents do not matter: "MÜNCHEN" is "munchen", and ß is ss."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _evidence(path: str, place: _Place | None, texts: Sequence[_PageText]) -> Evidence:
    if place is None:
        return Evidence(path)
    page_words = next(text.words for text in texts if text.page == place.page)
    words = [page_words[number] for number in place.words]
    boxes = [word.box for word in words]
    box = (
        round(min(b[0] for b in boxes), 5),
        round(min(b[1] for b in boxes), 5),
        round(max(b[2] for b in boxes), 5),
        round(max(b[3] for b in boxes), 5),
    )
    return Evidence(path, place.page, box, " ".join(word.text for word in words))
