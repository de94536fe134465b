"""The numbers of a running text, each with its sign, grouping, decimals and currency, and what it can mean.

Digits inside identifiers (INGBNL2A, 2013-471102), dates (02/07, 31.12.2025), times and telephone numbers
are none.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from schemas.amounts import SIGN_OR_CODE, Reading, plain_characters, read

_CURRENCY = rf"(?:{SIGN_OR_CODE})"
_CORE = (
    r"(?:[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]{1,3}(?:([.,'٬ ])[0-9]{3})(?:\1[0-9]{3})*|[0-9]+)?"
    r"(?:[.,٫][0-9]+)?"
)


def _token(before: str, after: str) -> re.Pattern[str]:
    """A number with all that belongs to it, where `before` holds and `after` does not follow."""
    return re.compile(
        rf"{before}(?:{_CURRENCY} ?(?=[(][-−–0-9., ']{{1,25}}[)]))?(?:[(] ?)?(?:(?<![\w.])[-−–+] ?)?"
        rf"(?:{_CURRENCY} ?(?:[-−–] ?)?)?(?<![0-9])(?<![0-9][.,])(?=[.,]?[0-9]){_CORE}"
        rf"(?:[.,][-–—−]{{1,2}}|/-)?(?: ?%|(?:-(?!\w))?(?: ?{_CURRENCY})?(?:-(?!\w)| ?-(?![\w ]))?)"
        r"(?: ?(?:DR|CR|Dr|Cr|OD|[SH])\b)?(?: ?[)])?"
        rf"(?!{after}|[.,'][0-9])"
    )


# A number stands by itself: no letter, digit or mark of an identifier, date or time touches it.
_ALONE = _token(r"(?<![\w./:#,'-])", r"[\w/:#]|-[\w]")
_WITHIN = _token(r"(?<![\w/,'])(?<!\d[.:])", r"[0-9/:]")
_TELEPHONE = re.compile(r"(?<!\w)\+[0-9]{1,3}[ (/-][0-9 ()/.-]{5,20}[0-9]|(?<!\w)\([0-9]{3,5}\) ?[0-9][0-9 -]{4,12}")


@dataclass(frozen=True)
class PrintedNumber:
    """A number in a text, from `start` to `end`, with its reading."""

    start: int
    end: int
    reading: Reading


@lru_cache(maxsize=4096)
def printed_numbers(text: str) -> tuple[PrintedNumber, ...]:
    """Every whole number token of a text, from left to right; the reading has one or two values."""
    return _numbers(text, _ALONE)


@lru_cache(maxsize=4096)
def numbers_within(text: str) -> tuple[PrintedNumber, ...]:
    """Also the numbers that letters follow, or that a dash ties to others: "20Stk", "12.50SR", "2013-471102"."""
    return _numbers(text, _WITHIN)


def _numbers(text: str, token: re.Pattern[str]) -> tuple[PrintedNumber, ...]:
    plain = plain_characters(text)
    calls = [match.span() for match in _TELEPHONE.finditer(plain)]
    found = []
    for match in token.finditer(plain):
        if any(start < match.end() and match.start() < end for start, end in calls):
            continue
        reading = _reading(match[0])
        if reading.values:
            found.append(PrintedNumber(match.start(), match.end(), reading))
    return tuple(found)


def _reading(printed: str) -> Reading:
    """What a token says; where only one of its brackets was caught, it is the text's and not the number's."""
    if ("(" in printed) != (")" in printed):
        printed = printed.replace("(", "").replace(")", "")
    return read(printed.strip())
