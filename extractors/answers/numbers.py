"""Where a number is printed on a page: as a whole token, with its grouping, decimals and sign. Pure.

Words are found by their digits and then read: what a place says is what `schemas.amounts` reads there.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache

from extractors.answers.page_text import CLOSE, PageText, Place
from extractors.answers.telephones import telephones
from schemas.amounts import CREDIT, DEBIT, MINUS, SCALES, Reading, plain_characters, read
from schemas.currencies import currencies_of
from schemas.fractions import decimal_fractions
from schemas.printed_numbers import numbers_within, printed_numbers

_DIGITS, _OTHERS = re.compile(r"[0-9]"), re.compile(r"[^0-9]+")
_GROUP, _MOST_GROUPS = 3, 4
_FIRST_GROUPS = re.compile(r"(?<![\w.,/'-])[0-9]{1,3}$")
_WIDE, _LONGEST = 3.5, 30
"""Letters' widths between the digits of a number that is set wide, at most; and how many they are."""
_AROUND = " *:;=|_#"
_TIMES = re.compile(r"(?<=[0-9])[xX×*](?=[0-9])")
_EACH = re.compile(
    r"(?<=[.,][0-9]{2})(?: ?[€$£])?/[^\W\d_]{1,10}\.?$"
    r"|(?<=[0-9])(?: ?[€$£])?/(?i:h|hr|hour|std|stunde|heure|day|tag|jour|week|woche|month|mo|monat|mois|mes|year|yr"
    r"|jahr|an|user|seat|kg|m²|stk|stück|pcs?)\.?$"
)
"""What an amount is for: "99.95/month"."""
_SCALED = re.compile(r"(?<=[0-9][万億千萬亿만억])[円元원]")
_MILLIONS = re.compile(r"^([(-]?[€$£] ?[0-9.,]*[0-9])m(?=[).,;]*$)")
_RANGE = re.compile(r"([(\[]?)([1-9]?[0-9]{1,2}(?:[.,][0-9]{1,3})?)[-–]([1-9]?[0-9]{1,2}(?:[.,][0-9]{1,3})?)([)\]]?)")
"""From one number to another, "13.0-17.0", unlike the parts of a code."""
_OR_MINUS = frozenset("▲△▼▽")
"""Minus in Japan, an arrow elsewhere."""
_CENTS = re.compile(r"(?<![0-9])[0-9]{1,3}(?:[.,' ][0-9]{3})*([.,])[0-9]{2}(?![0-9])")
_BY_MARK = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:[.,'][0-9]{3})+(?:[.,][0-9]{2})?(?![0-9])")
"""A number whose groups of three a mark parts."""
_CLEARLY = 4
_SCALES = {word: power for word, power in SCALES.items() if len(word) >= _GROUP and word != "mil"} | {
    "billion": 9, "teur": 3, "keur": 3, "t€": 3, "k€": 3, "mio€": 6, "mio.€": 6, "m€": 6, "bn": 9, "mn": 6,
    "millones": 6, "millón": 6, "milioni": 6, "miljoen": 6, "miliardi": 9, "milliards": 9,
}  # fmt: skip
"""Words behind a number that multiply it and mean nothing else, as "t" and "mil" do -> the power of ten."""
_NEAR_SIGN = 2.5
_MINUS_AND_CURRENCY = re.compile(rf"[{MINUS}] ?\D{{1,4}}")
_TIED = re.compile(r"[^\W_][-/]$")
_LETTERS_FOR_DIGITS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "|": "1", "S": "5", "B": "8", "Z": "2"})
_MOSTLY_DIGITS = re.compile(
    rf"(?P<before>[(]?[{MINUS}+]?(?P<sign>[^\W\d_]{{1,3}}?|[$€£¥])??[{MINUS}]?)"
    rf"(?P<digits>[0-9OolISBZ|]+(?:[.,'/-][0-9OolISBZ|]+)*)(?P<after>[{MINUS})%]?)"
)

Said = tuple[frozenset[Decimal], str, frozenset[Decimal]]
"""What a printed number can mean, without its sign; the sign that it is printed with; what a percentage is of one."""


@dataclass
class Numbers:
    """The numbers of one page."""

    text: PageText

    def places(self, value: Decimal, *, share: bool = False) -> list[Place]:
        """Where a whole number token means the value, whatever its sign: a place's `mark` says which is printed.

        Args:
            value: at least 0.
            share: whether it may be a percentage's share of one, "19 %" as 0.19.
        """
        found = {}
        for first, last in self._by_digits.get(_key(f"{value:f}"), ()):
            said = self._saying(value, first, last, share=share)
            if said is not None and not self._goes_on(first, last):
                words = tuple(range(first, last + 1))
                mark = "?" if self._is_told_twice(first) else said[1] or self._mark_beside(first, last)
                found[first, last] = Place(self.text.page, words, mark, self._distance(words))
        # "1 234,50" also holds "234,50": the longest is what is printed.
        longest, end = [], -1
        for first, last in sorted(found, key=lambda run: (run[0], -run[1])):
            if last > end:
                longest.append(found[first, last])
                end = last
        # An amount rather than a rate of the same digits, "VAT 7% 7.00", unless a rate is wanted.
        amounts = [] if share else [place for place in longest if not self._is_percent(place.words[-1])]
        return amounts or longest

    def _distance(self, numbers: Sequence[int]) -> float:
        """How many letters OCR saw for digits, half an edit each."""
        if not self.text.by_ocr:
            return 0.0
        words = [self.text.words[number].text for number in numbers]
        return sum(one != other for word in words for one, other in zip(word, as_digits(word), strict=True)) / 2

    @cached_property
    def decimal_mark(self) -> str | None:
        """The decimal mark that the page's amounts of cents show; None when they show none, or both."""
        shown = Counter(_CENTS.findall(self.text.plain))
        clear = [mark for mark, other in (".,", ",.") if shown[mark] and shown[mark] >= _CLEARLY * shown[other]]
        return clear[0] if clear else None

    @cached_property
    def _by_digits(self) -> dict[str, list[tuple[int, int]]]:
        """A number's digits without zeros around them -> the words that may print it."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        by_ocr = self.text.by_ocr
        texts = [word.text for word in self.text.words]
        for first, (text, following) in enumerate(zip(texts, [*texts[1:], ""], strict=True)):
            if not by_ocr and text.isalpha():
                continue
            for key in _keys(text, by_ocr):
                found[key].append((first, first))
            if by_ocr or (text[-1:].isdecimal() and (len(text) == 1 or _is_group(following))):
                for last in self._last_words(first):
                    found[_key(plain_characters("".join(texts[first : last + 1])))].append((first, last))
        return found

    def _goes_on(self, first: int, last: int) -> bool:
        """Whether words are but some groups of a number that blanks part: "234,50" of "1 234,50".

        Where a mark parts the groups of the page's other numbers, or a dot their decimals, a blank parts two numbers.
        """
        words = self.text.words
        before = words[first - 1].text if first else ""
        after = words[last + 1].text if last + 1 < len(words) else ""
        begun = before[-1:].isdecimal() and _FIRST_GROUPS.search(before) and _is_group(words[first].text)
        more = words[last].text[-1:].isdecimal() and _FIRST_GROUPS.search(words[last].text) and _is_group(after)
        return (
            bool((begun and self.text.is_close(first - 1, first)) or (more and self.text.is_close(last, last + 1)))
            and not self._parted_by_blanks
        )

    @cached_property
    def _parted_by_blanks(self) -> bool:
        return self.decimal_mark == "." or _BY_MARK.search(self.text.plain) is not None

    def _last_words(self, first: int) -> Iterator[int]:
        """Where a number may end that begins at a word: after groups of three digits, or after letters set wide."""
        text, words = self.text, self.text.words
        if len(words[first].text) == 1:
            yield from self._set_wide(first)
        for last in range(first + 1, min(first + _MOST_GROUPS, len(words))):
            here = words[last].text
            cut = text.by_ocr and _is_cut(words[last - 1].text, here)
            if not (_is_group(here) or cut) or not text.is_close(last - 1, last):
                return
            yield last

    def _set_wide(self, first: int) -> Iterator[int]:
        """Where a number may end whose digits and marks are words of their own."""
        words = self.text.words
        for last in range(first + 1, min(first + _LONGEST, len(words))):
            here = words[last].text
            if len(here) != 1 or not (here.isdecimal() or here in ".,'") or self.text.gap(last - 1, last) > _WIDE:
                return
            if here.isdecimal() and last - first >= _GROUP:
                yield last

    def _said(self, first: int, last: int) -> list[Said]:
        """What some words say, read as one number; each of several that stand in one word."""
        words = [word.text for word in self.text.words[first : last + 1]]
        wide = len(words) > 1 and all(len(word) == 1 for word in words)
        wide = wide or (self.text.by_ocr and any(map(_is_cut, words, words[1:])))
        said = _said(("" if wide else " ").join(words), self.text.by_ocr, self.decimal_mark)
        return [] if said and self._is_called(first) else said

    def _saying(self, value: Decimal, first: int, last: int, *, share: bool) -> Said | None:
        """What some words say, if it is a value."""
        printed = self._said(first, last)
        said = next((each for each in printed if value in each[0] | (each[2] if share else set())), None)
        if said is None and share and printed and self._is_percent(last):
            said = next((each for each in printed if value in {one / 100 for one in each[0]}), None)
        if said is None and printed and (times := self._times(last)) > 1:
            said = next((each for each in printed if value in {one * times for one in each[0]}), None)
        return said

    def _is_percent(self, last: int) -> bool:
        """Whether a percent sign stands behind a number, as a word of its own perhaps."""
        text, after = self.text, last + 1
        apart = after < len(text.words) and text.words[after].text[:1] == "%" and text.is_close(last, after)
        return apart or "%" in text.words[last].text

    def _times(self, last: int) -> int:
        """What the word behind a number multiplies it by: "2.5 million"."""
        text, after = self.text, last + 1
        scale = _SCALES.get(text.words[after].text.strip(".,;:)").casefold()) if after < len(text.words) else None
        return 10**scale if scale is not None and text.gap(last, after) <= CLOSE else 1

    def _is_told_twice(self, first: int) -> bool:
        """Whether brackets repeat in digits what words say before them, as in contracts: "fifty dollars ($50)"."""
        text, word = self.text, self.text.words[first].text
        if "(" not in word[:4] or not first or text.gap(first - 1, first) > CLOSE:
            return False
        before = text.words[first - 1].text
        return before.isalpha() and (before.islower() or bool(currencies_of(before)))

    def _is_called(self, number: int) -> bool:
        """Whether a word is a part of a telephone number."""
        return any(start <= self.text.starts[number] < end for start, end in self._calls)

    @cached_property
    def _calls(self) -> list[tuple[int, int]]:
        return telephones(self.text)

    def _mark_beside(self, first: int, last: int) -> str:
        """The sign that the words beside a number give it."""
        text, words = self.text, self.text.words
        before = words[first - 1].text if first and text.gap(first - 1, first) <= _NEAR_SIGN else ""
        after = words[last + 1].text if last + 1 < len(words) and text.gap(last, last + 1) <= _NEAR_SIGN else ""
        opened = before == "(" or (words[first].text[:1] == "(" and ")" not in words[last].text)
        closed = after[:1] == ")" or (words[last].text[-1:] == ")" and "(" not in words[first].text)
        if (opened and closed) or (before[:1] in MINUS and _MINUS_AND_CURRENCY.fullmatch(before)):
            return "-"
        if before in {*MINUS} or after in {*MINUS}:
            return "?"
        return _side(after)


def _is_group(text: str) -> bool:
    """Whether a word begins with a group of three digits, as "234,50" does."""
    return len(text) >= _GROUP and text[:_GROUP].isdecimal() and not text[_GROUP : _GROUP + 1].isdecimal()


def _is_cut(before: str, after: str) -> bool:
    """Whether OCR saw a blank at a number's decimal mark: "12. 50"."""
    return (before[-1:] in ".," and before[-2:-1].isdecimal() and after[:2].isdecimal()) or (
        before[-1:].isdecimal() and after[:1] in ".," and after[1:3].isdecimal()
    )


def _side(word: str) -> str:
    name = word.removesuffix(".").casefold()
    if not word[:1].isupper() or name not in DEBIT | CREDIT:
        return ""
    return "debit" if name in DEBIT else "credit"


def _key(text: str) -> str:
    return _OTHERS.sub("", text).strip("0")


@lru_cache(maxsize=16384)
def _keys(text: str, by_ocr: bool) -> tuple[str, ...]:  # noqa: FBT001 - cached by position
    """The digits of each number that a word may print."""
    if text.isdecimal() and text.isascii():
        return (text.strip("0"),)
    plain = as_digits(plain_characters(text)) if by_ocr else plain_characters(text)
    plain = decimal_fractions(_TIMES.sub(" x ", plain.replace("_", " ")))
    if not _DIGITS.search(plain):
        return ()
    parts = [plain, *(plain[one.start : one.end] for one in numbers_within(plain))]
    # "19%" may be 0.19, "5MIO" 5000000: zeros do not count.
    return tuple(dict.fromkeys(_key(part) for part in parts))


def as_digits(text: str) -> str:
    """OCR's letters among digits as the digits that they look like: "1O.00", "RMO.08"."""
    found = _MOSTLY_DIGITS.fullmatch(text) if _DIGITS.search(text) else None
    if found is None or (found["sign"] and not currencies_of(found["sign"])):
        return text
    return found["before"] + found["digits"].translate(_LETTERS_FOR_DIGITS) + found["after"]


@lru_cache(maxsize=16384)
def _said(printed: str, by_ocr: bool, mark: str | None) -> list[Said]:  # noqa: FBT001 - cached by position
    text = decimal_fractions(plain_characters(printed))
    text = as_digits(text) if by_ocr else text
    if not text.isascii() and text[:1] in _OR_MINUS:
        return [(values, "?", shares) for values, _, shares in _said(printed[1:], by_ocr, mark)]
    text = _MILLIONS.sub(r"\1M", _SCALED.sub("", text))
    text = _EACH.sub("", _TIMES.sub(" x ", text.replace("_", " ")))
    span = _RANGE.fullmatch(text)
    if span and Decimal(span[2].replace(",", ".")) < Decimal(span[3].replace(",", ".")):
        return [_meant(read(part), mark) for part in span.group(2, 3)]
    whole = read(text.strip(_AROUND), units=True)
    if whole.values:
        return [_meant(whole, mark)]
    alone = printed_numbers(text)
    if alone:
        return [_meant(one.reading, mark) for one in alone]
    # A letter may follow ("20Stk"); what a dash or slash ties to letters is no number ("2.0-Rechnungen").
    return [
        _meant(one.reading, mark)
        for one in numbers_within(text)
        if not _TIED.search(text[: one.start]) and not re.match(r"-[^\W_]", text[one.end :])
    ]


def _meant(reading: Reading, mark: str | None) -> Said:
    """Its values without sign: by the page's decimal mark where it reads two ways, a percentage as a share too."""
    values = reading.values
    if len(values) > 1 and mark is not None:
        values = values[:1] if mark == reading.mark else values[1:]
    sign = "-" if any(value < 0 for value in values) else reading.side
    plain = {abs(value) for value in values}
    scaled = {value * 10**reading.scale for value in plain} if reading.scale else set()
    shares = frozenset(value / 100 for value in plain) if reading.percent else frozenset()
    return frozenset(plain | scaled), sign, shares


def sign_places(currency: str, text: PageText) -> list[Place]:
    """Words that are a sign or name of the currency, an ISO 4217 code, by themselves or beside a number."""
    return [
        text.run(number, number)
        for number, word in enumerate(text.words)
        if currency in _currencies_beside(word.text)
    ]


@lru_cache(maxsize=16384)
def _currencies_beside(word: str) -> tuple[str, ...]:
    """What a word may name without the number, the marks and the brackets around it: "€" of "-12,00€"."""
    name = plain_characters(word).partition("(")[0] if word[:1] != "(" else word
    name = name.strip(" 0123456789.,:;'’()[]+-−–/*\u00a0\u202f")
    return currencies_of(name) if name else ()
