"""The one reader of printed dates.

ISO 8601 is read first. Of the printed forms those are read that mean one day: with a month's name in one
of the table's languages, 年月日 with an era or without, or digits whose order of day and month the page's
other dates show. A Buddhist year (25xx), one before the Gregorian calendar (1403 is a Persian
year) and a two-digit year are refused in words, the latter unless the
pages print one full year that ends so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from schemas.amounts import plain_characters
from schemas.months import ROMAN_MONTHS, folded, month_named

LONGEST = 80
_ERAS = {
    "令和": 2018,
    "平成": 1988,
    "昭和": 1925,
    "大正": 1911,
    "明治": 1867,
    "R": 2018,
    "H": 1988,
    "S": 1925,
    "民國": 1911,
    "民国": 1911,
}
_BUDDHIST = range(2400, 2700)
_FIRST_GREGORIAN = 1583
_DASHES = dict.fromkeys(map(ord, "\u2012\u2013\u2212"), "-")
_OF_TWO_LANGUAGES = "listopada"

_ISO = re.compile(r"(?<![\w.])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_YEAR_FIRST = re.compile(r"(?<![\w.,])(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})\.?(?![\d])")
# A dash may stand before another date (01.03.2024-31.03.2024), a town before one (Berlin,01.03.2024), a time behind.
_NUMERIC = re.compile(
    r"(?:(?<![\w.,/-])|(?<=[^\W\d_],)|(?<=[./]\d{4}-)|(?<=[./]\d\d-)|(?<=\.-))"
    r"(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})"
    r"(?:(?=[T/]?\d{1,2}:\d{2})|(?![\w/]|[.,]\d|-(?!\d{1,2}\.?\s?[./\s])))"
)
_KANJI = re.compile(
    r"(?:(?<![^\W\d])(\d{4})|(令和|平成|昭和|大正|明治|民國|民国)\s?(\d{1,3}|元))\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]"
)
_SHORT_ERA = re.compile(r"(?<![^\W_])([RHS])(\d{1,2})[./](\d{1,2})[./](\d{1,2})(?![\d./])")
_WORD = r"([^\W\d_]{3,14})"
_DAY_FIRST = re.compile(
    # "12 stycznia" and "5 december" begin as ordinals do; "31stMarch" is one.
    r"(?:(?<![\d.,/-])|(?<=[^\W\d_],))(\d{1,2})(?:\s?(?:st|nd|rd|th|er|ste|de|º|°|η)(?![^\W\d_A-Z]))?"
    r"\.?[\s\-/]{0,2}(?:day of |of |de |del )?"
    + _WORD
    + r"\.?[\s\-/,.']{0,3}(?:of |del? )?(\d{4}|\d{2})(?!\d|[.,:/-]\d)"
)
_MONTH_FIRST = re.compile(
    r"(?<![^\W_])" + _WORD + r"\.?[\s\-]{0,2}(?:the )?(\d{1,2})\s?(?:st|nd|rd|th)?"
    r"(?:\s?,\s?|[\s\-]{1,2})(\d{4}|(?:'|’)\d{2})(?!\d)"
)
_YEAR_THEN_MONTH = re.compile(r"(?<![\w.,/-])(\d{4})\.?\s" + _WORD + r"\.?\s(\d{1,2})(?![\d:/-]|,?\s?\d{4}|[.,]\d)")
"""As Hungarian has it: "2024. március 1."."""
_ROMAN = re.compile(r"(?<![\w.,/-])(\d{1,2})([.\-/]?\s?)([IVX]{1,4})\2(\d{4})(?![\d/-]|[.,]\d)")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth",
    "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)  # fmt: skip
_DAY_OF = {name: number for number, name in enumerate(_ORDINALS, start=1)}
_SPELLED_DAY = re.compile(
    rf"(?<![\w-])(?i:((?:(?:twenty|thirty)[- ])?(?:{'|'.join(name for name in _DAY_OF if '-' not in name)})))"
    rf"\s(?:day\s)?of\s{_WORD},?\s(\d{{4}})(?!\d)"
)
"""As contracts have it: "the third day of June, 2021"."""
_BEHIND = re.compile(r"\s?(?:г\.?|года|года\.|r\.|roku|\.|a\.?|m\.|року|р\.)?(?:\s?\([^\W\d_]{1,14}\.?\))?\s*\Z")
_BEFORE = re.compile(r"\A\s*(?:[^\W\d_]{2,14}\.?,?\s+)?(?:the\s+|am\s+|le\s+|den\s+|el\s+)?\Z")
_TIME = re.compile(r"[T ]\s?\d{1,2}:\d{2}")


@dataclass(frozen=True)
class PrintedDate:
    """A date in a text.

    Attributes:
        start: index of its first character.
        end: index after its last.
        values: the day; two where day and month could change places, the day first; none for a year that is not read.
        why: what keeps it from being one day, in words for the model.
    """

    start: int
    end: int
    values: tuple[date, ...]
    why: str = ""


class _OfAnotherEra(ValueError):
    """A day whose year is none of the Gregorian calendar."""


def day_spelled(number: int) -> str:
    """The ordinal of a day, 1 to 31, in English words."""
    return _ORDINALS[number - 1]


def read_date(text: str, *, order: str | None = None, years: frozenset[int] = frozenset()) -> date:
    """The day that a whole text means.

    Args:
        text: "2024-03-31", "31. März 2024", "令和6年3月31日", "31/03/2024" ...
        order: which comes first in the page's other dates, "day" or "month".
        years: the full years of the page's dates: what a two-digit year stands for.

    Raises:
        ValueError: it is no date, or could be two; why, in words for the model.
    """
    plain = plain_characters(text).strip().translate(_DASHES)
    # ISO 8601, its basic form 20240331 too; that one is no day the other way round, for no month is 20 or more.
    if len(plain) <= LONGEST and re.match(r"\d{4}-\d{2}-\d{2}|(?:19|20)\d{6}$", plain):
        try:
            return _gregorian(datetime.fromisoformat(plain).date(), text)
        except _OfAnotherEra:
            raise
        except ValueError:
            pass
    found = (
        [one for one in printed_dates(plain, order, years) if _is_all(plain, one)] if len(plain) <= LONGEST else []
    )
    if len(found) != 1:
        raise ValueError(f"{text[:LONGEST]!r} is not an ISO date; write it as YYYY-MM-DD")
    if len(found[0].values) != 1:
        raise ValueError(f"{text!r}: {found[0].why}; write it as YYYY-MM-DD")
    return found[0].values[0]


def printed_dates(text: str, order: str | None = None, years: frozenset[int] = frozenset()) -> list[PrintedDate]:
    """Every date with a year in a running text, from left to right; the arguments are those of `read_date`."""
    plain = plain_characters(text)
    kept: list[PrintedDate] = []
    for one in sorted(_found(plain, order, years), key=lambda each: (each.start, each.start - each.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


@lru_cache(maxsize=4096)
def order_shown(text: str) -> str | None:
    """Which comes first in the numeric date of a word: "day" for 31/12/2024, None where both could."""
    match = _NUMERIC.search(text)
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    if first > 12 >= second:  # noqa: PLR2004 - months of a year
        return "day"
    return "month" if second > 12 >= first else None  # noqa: PLR2004


def years_shown(text: str) -> frozenset[int]:
    """The full years of a text's dates."""
    return frozenset(value.year for one in printed_dates(text) for value in one.values)


def _found(text: str, order: str | None, years: frozenset[int]) -> Iterator[PrintedDate]:
    yield from _in_digits(text, order, years)
    yield from _by_name(text, years)


def _in_digits(text: str, order: str | None, years: frozenset[int]) -> Iterator[PrintedDate]:
    """Dates whose month is a number."""
    for match in _YEAR_FIRST.finditer(text):
        yield from _made(match, match[1], [(int(match[3]), int(match[4]))], years)
    for match in () if text.isascii() else _KANJI.finditer(text):
        era = _ERAS[match[2]] + (1 if match[3] == "元" else int(match[3])) if match[2] else int(match[1])
        yield from _made(match, f"{era:04}", [(int(match[4]), int(match[5]))], years)
    for match in _SHORT_ERA.finditer(text):
        yield from _made(match, str(_ERAS[match[1]] + int(match[2])), [(int(match[3]), int(match[4]))], years)
    for match in _NUMERIC.finditer(text):
        first, second = int(match[1]), int(match[3])
        pairs = [(second, first), (first, second)]
        # With dots the day stands first wherever it is written so; what is no such day can be the other.
        known = "day" if match[2] == "." else order
        if known is not None:
            pairs = [pair for pair in (pairs if known == "day" else pairs[::-1]) if _real(2000, *pair)][:1]
        yield from _made(match, match[4], pairs, years)


def _by_name(text: str, years: frozenset[int]) -> Iterator[PrintedDate]:
    """Dates whose month is a word or a Roman number."""
    for match in _day_first(text):
        if folded(match[2]) == _OF_TWO_LANGUAGES and "." in text[match.end(1) : match.start(2)]:
            # Polish has no dot behind the day, Croatian has.
            yield PrintedDate(match.start(), match.end(), (), "the month is October in Croatian, November in Polish")
            continue
        yield from _made(match, match[3], [(month_named(match[2]), int(match[1]))], years)
    for match in _SPELLED_DAY.finditer(text) if " of " in text else ():
        number = _DAY_OF.get(match[1].casefold().replace(" ", "-"), 0)
        yield from _made(match, match[3], [(month_named(match[2]), number)], years)
    for match in _MONTH_FIRST.finditer(text):
        yield from _made(match, match[3].lstrip("'’"), [(month_named(match[1]), int(match[2]))], years)
    for match in _YEAR_THEN_MONTH.finditer(text):
        yield from _made(match, match[1], [(month_named(match[2]), int(match[3]))], years)
    for match in _ROMAN.finditer(text):
        # "5 X 2024" is a size as well.
        if match[3] in ROMAN_MONTHS and (match[2].strip() or (match[2] and len(match[3]) > 1)):
            yield from _made(match, match[4], [(ROMAN_MONTHS.index(match[3]) + 1, int(match[1]))], years)


def _day_first(text: str) -> Iterator[re.Match[str]]:
    """Each day with a month's name behind it; another word may stand behind the first day of "1. bis 31. Mai"."""
    match = _DAY_FIRST.search(text)
    while match:
        yield match
        match = _DAY_FIRST.search(text, match.end() if month_named(match[2]) else match.end(1))


def _made(
    match: re.Match[str], year: str, pairs: list[tuple[int, int]], years: frozenset[int]
) -> Iterator[PrintedDate]:
    """The date of a match, where its month and day (tried in each order) are in the calendar."""
    if not any(_real(2000, *pair) for pair in pairs):
        return
    fulls = [int(year)] if len(year) == 4 else sorted(full for full in years if full % 100 == int(year))  # noqa: PLR2004
    if len(fulls) != 1:
        yield PrintedDate(match.start(), match.end(), (), "a year of two digits could be of any century")
    elif era := _other_era(fulls[0]):
        yield PrintedDate(match.start(), match.end(), (), era)
    else:
        days = dict.fromkeys(date(fulls[0], *pair) for pair in pairs if _real(fulls[0], *pair))
        why = "day and month could change places" if len(days) > 1 else ""
        if days:
            yield PrintedDate(match.start(), match.end(), tuple(days), why)


def _real(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _gregorian(day: date, text: str) -> date:
    if era := _other_era(day.year):
        raise _OfAnotherEra(f"{text!r}: {era}; write it as YYYY-MM-DD")
    return day


def _other_era(year: int) -> str:
    """What a year says that is none of the Gregorian calendar, in words; "" for one that is."""
    if year in _BUDDHIST:
        return f"the year {year} is of the Buddhist era"
    return f"the year {year} is of another calendar" if year < _FIRST_GREGORIAN else ""


def _is_all(text: str, one: PrintedDate) -> bool:
    """Whether nothing stands around a date but a weekday, an article, a time and the word for year."""
    behind = _TIME.split(text[one.end :], maxsplit=1)[0] if _TIME.match(text[one.end :]) else text[one.end :]
    return bool(_BEFORE.match(text[: one.start]) and _BEHIND.match(behind))
