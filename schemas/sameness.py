"""Whether two values mean the same, however each is written."""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from schemas.amounts import LONGEST, read
from schemas.currencies import currencies_of
from schemas.dates import read_date
from schemas.folding import without_accents

_LETTERS = re.compile(r"[^\W_]+|(?<=[^\W_])[+#]+|(?<=[^\W_])-$")
"""What counts of a text: letters and digits, and signs behind them that make another of it, as in C++, C# and A-."""


def mean_the_same(one: Any, other: Any) -> bool:
    """Whether two single values do: 24.00 and 24.0, EUR and €, two spellings of a name, a day and its midnight."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if one == other:
        return True
    return bool(meanings(one) & meanings(other))


def meanings(value: Any) -> frozenset[object]:
    """What a single value can mean: two that share a meaning mean the same."""
    return _meanings(str(value))


@lru_cache(maxsize=4096)
def _meanings(text: str) -> frozenset[object]:
    """What a text can mean: its number, its day, its currency; of any other its letters and digits."""
    text = text.strip()
    if len(text) <= LONGEST and any(map(str.isdecimal, text)):
        numbers = read(text).values
        if numbers:
            # A leading zero belongs to an identifier.
            return frozenset(numbers if not re.match(r"0\d", text) else [text])
        day = _day(text)
        if day is not None:
            return frozenset([day])
    codes = currencies_of(text)
    if codes:
        return frozenset(codes)
    return frozenset(["".join(_LETTERS.findall(without_accents(text.casefold()))) or text])


def _day(text: str) -> date | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return read_date(text)
        except ValueError:
            return None
    return at.date() if at.time() == datetime.min.time() else None
