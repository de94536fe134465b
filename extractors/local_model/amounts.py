"""Printed amounts and numbers -> `Decimal`, by the decimal mark that the whole document uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from schemas.amounts import SIGN_OR_CODE, Reading, settled
from schemas.currencies import CODES, currencies_of
from schemas.habits import marks_shown
from schemas.printed_numbers import numbers_within

_SIGN = re.compile(rf"(?<![^\W\d_])(?:{SIGN_OR_CODE})")
# What the recogniser misreads inside amounts: the letter O for a zero, a currency glued to the digits.
_ZERO = re.compile(r"(?<=[\d.,])[oO](?=[\d.,]|\b)|(?<=RM)O(?=[.,]\d)|(?<=\$)O(?=[.,]\d)")


@dataclass(frozen=True)
class Amount:
    """A number found in a text.

    Attributes:
        value: what it means.
        start: index of its first character in the text.
        end: index after its last character.
        cents: it is printed with decimals.
        sign: a currency that stands beside it, or "".
        percent: a percent sign follows.
    """

    value: Decimal
    start: int
    end: int
    cents: bool
    sign: str = ""
    percent: bool = False


def amounts(text: str, mark: str | None = None) -> list[Amount]:
    """Every number of a text, from left to right. Dates must have been blanked out before.

    Args:
        text: as read.
        mark: the document's decimal mark, "." or ",", or None when unknown.
    """
    found = []
    for one in numbers_within(_ZERO.sub("0", text)):
        value = _meant(one.reading, mark)
        cents = value.as_tuple().exponent not in {0, -1, -3}
        sign = one.reading.currencies[0] if one.reading.currencies else ""
        found.append(Amount(value, one.start, one.end, cents, sign, one.reading.percent))
    return found


def _meant(reading: Reading, mark: str | None) -> Decimal:
    """A lone group of three digits behind a comma is a thousand unless `mark` says otherwise."""
    value = settled(reading, mark=mark, declared=".")
    value = reading.values[0] if value is None else value
    if reading.percent and "(" in reading.printed:
        return abs(value)
    # "S" (Soll) is German for debit; on other papers it marks a tax class.
    leaves = reading.side == "debit" and (mark == "," or not reading.printed.endswith("S"))
    return -value if leaves else value


def decimal_mark(texts: Iterable[str]) -> str | None:
    """The decimal mark that most numbers of a document show; None when there are none."""
    marks = marks_shown(word for text in texts for word in text.split())
    return None if marks["."] == marks[","] else max(".,", key=lambda mark: marks[mark])


def currency(texts: Iterable[str]) -> str | None:
    """The currency that a document's signs and codes speak of most, as ISO 4217 code, or None."""
    votes: dict[str, float] = {}
    for text in texts:
        for sign in _SIGN.findall(text):
            code = _code_of(sign)
            if code and sign not in _WORDS_TOO:
                votes[code] = votes.get(code, 0) + (1.5 if sign.removesuffix(".") in CODES else 1)
        if re.search(r"(?i)\b(?:us|u\.s\.) dollars?\b", text):
            votes["USD"] = votes.get("USD", 0) + 5
    if "USD" in votes and any(code in votes for code in _DOLLARS):
        # A bare dollar sign says nothing once the document names whose dollar it is.
        votes.pop("USD") if votes["USD"] < 5 else None  # noqa: PLR2004 - five: spelt out
    return max(votes, key=lambda code: (votes[code], code)) if votes else None


_WORDS_TOO = {"ALL", "TOP", "ANG", "MOP", "CUP", "GEL", "PEN", "TRY", "LAK", "SOS", "MAD", "BAM"}
_DOLLARS = ("SGD", "HKD", "AUD", "CAD", "NZD")
_LIKELIEST = ("$", "¥", "£")


def _code_of(sign: str) -> str | None:
    """The currency of a sign; of these that several have, the one that most documents mean."""
    codes = currencies_of(sign)
    return codes[0] if len(codes) == 1 or (codes and sign in _LIKELIEST) else None


def currency_code(text: str) -> str | None:
    """The currency that a short text names: `EUR`, `€`, `in Euro`, `$`; None when it names none; a code says most."""
    return next(filter(None, map(_code_of, sorted(_SIGN.findall(text), key=len, reverse=True))), None)
