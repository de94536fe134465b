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
# A number stands by itself: no letter, digit or mark of an identifier, date or time touches it.
_NUMBER = re.compile(
    rf"(?<![\w./:#,'-])(?:{_CURRENCY} ?(?=[(]))?(?:[(] ?)?(?:[-−–+] ?)?(?:{_CURRENCY} ?(?:[-−–] ?)?)?"
    rf"(?<![0-9.,])(?=[.,]?[0-9]){_CORE}"
    rf"(?:[.,][-–—−]{{1,2}}|/-)?(?: ?%)?(?:-(?![\w]))?(?: ?{_CURRENCY})?(?:-(?!\w)| ?-(?![\w ]))?"
    r"(?: ?(?:DR|CR|Dr|Cr|OD)\b)?(?: ?[)])?"
    r"(?![\w/:#]|[.,'][0-9]|-[\w])"
)
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
    plain = plain_characters(text)
    calls = [match.span() for match in _TELEPHONE.finditer(plain)]
    found = []
    for match in _NUMBER.finditer(plain):
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
