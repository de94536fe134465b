"""Printed amounts and numbers -> `Decimal`, by the decimal mark that the whole document uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from schemas.currencies import CODES, SIGNS, currencies_of

_CODES_BESIDE = "EUR USD GBP MYR SGD CAD AUD JPY INR SEK NOK DKK PLN CZK HUF RON CHF"
_SIGN_OR_CODE = "|".join(
    re.escape(sign) + (r"\.?" if sign in {"Rs", "kr"} else "")
    for sign in sorted([*SIGNS, *_CODES_BESIDE.split()], key=len, reverse=True)
)
_NUMBER = (
    r"\d{1,3}(?:[.,'’\u00a0]\d{3})+(?:[.,]\d{1,4})?|\d{1,3}(?: \d{3})+[.,]\d{2}(?!\d)|\d+(?:[.,]\d{1,6})?"
    r"|[.,]\d{2}(?!\d)"
)
_AMOUNT = re.compile(
    rf"(?P<open>\(\s*)?(?P<minus>[-–−+]\s?)?(?:(?<![^\W\d_])(?P<sign>{_SIGN_OR_CODE})\s?(?P<inner>[-–−]\s?)?|(?<![\w.,/])(?<!\d:))"
    rf"(?P<number>{_NUMBER})"
    rf"(?P<after>\s?(?:{_SIGN_OR_CODE})(?![^\W\d_]))?(?P<percent>\s?%)?(?P<trailing>-(?!\d)|\s?(?:CR|DR|Cr|Dr|[HS])\b)?"
    rf"(?P<close>\s*\))?(?![\d/:]|[.,]\d)"
)
# "RM" names ringgit in "RM12", not in "TERMS".
_SIGN = re.compile(rf"(?<![^\W\d_])(?:{_SIGN_OR_CODE})(?![^\W\d_])")
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
        sign: the currency sign or code beside it, or "".
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
    for match in _AMOUNT.finditer(_ZERO.sub("0", text)):
        value = _value(match["number"], mark)
        trailing = (match["trailing"] or "").strip().lower()
        # "S" (Soll) is German for debit; on other papers it marks a tax class.
        leaves = trailing in {"-", "dr"} or (trailing == "s" and mark == ",")
        minus = (match["minus"] or "").strip() in {"-", "–", "−"} or match["inner"] or leaves
        bracketed = bool(match["open"] and match["close"] and not match["percent"])
        sign = (match["sign"] or match["after"] or "").strip()
        cents = bool(re.search(r"[.,]\d{2}$|[.,]\d{4,}$", match["number"]))
        signed = -value if minus or bracketed else value
        found.append(Amount(signed, match.start(), match.end(), cents, sign, bool(match["percent"])))
    return found


def decimal_mark(texts: Iterable[str]) -> str | None:
    """The decimal mark that most two-digit fractions of a document show; None when there are none."""
    marks = {".": 0, ",": 0}
    for text in texts:
        for found in re.finditer(r"(?<![\d.,])\d{1,3}(?:[.,' ]\d{3})*([.,])\d{2}(?![\d.,/])", text):
            marks[found[1]] += 1
    if marks["."] == marks[","]:
        return None
    return max(marks, key=lambda mark: marks[mark])


def currency(texts: Iterable[str]) -> str | None:
    """The currency that a document's signs and codes speak of most, as ISO 4217 code, or None."""
    votes: dict[str, float] = {}
    for text in texts:
        for code in re.findall(r"(?<![^\W\d_])([A-Z]{3})(?![^\W\d_])", text):
            if code in _COMMON:
                votes[code] = votes.get(code, 0) + 1.5
        for sign in _SIGN.findall(text):
            code = _code_of(sign)
            if code:
                votes[code] = votes.get(code, 0) + 1
        if re.search(r"(?i)\b(?:us|u\.s\.) dollars?\b", text):
            votes["USD"] = votes.get("USD", 0) + 5
    if "USD" in votes and any(code in votes for code in _DOLLARS):
        # A bare dollar sign says nothing once the document names whose dollar it is.
        votes.pop("USD") if votes["USD"] < 5 else None  # noqa: PLR2004 - five: spelt out
    return max(votes, key=lambda code: (votes[code], code)) if votes else None


_WORDS_TOO = {"ALL", "TOP", "ANG", "MOP", "CUP", "GEL", "PEN", "TRY", "LAK", "SOS", "MAD", "BAM"}
_COMMON = CODES - _WORDS_TOO
_DOLLARS = ("SGD", "HKD", "AUD", "CAD", "NZD")
_LIKELIEST = ("$", "¥", "£")


def _code_of(sign: str) -> str | None:
    """The currency of a sign; of these that several have, the one that most documents mean."""
    codes = currencies_of(sign)
    return codes[0] if len(codes) == 1 or (codes and sign in _LIKELIEST) else None


def currency_code(text: str) -> str | None:
    """The currency that a short text names: `EUR`, `€`, `in Euro`, `$`; None when it names none."""
    for code in re.findall(r"(?<![^\W\d_])([A-Z]{3})(?![^\W\d_])", text):
        if code in CODES:
            return str(code)
    for sign in _SIGN.findall(text):
        code = _code_of(sign)
        if code:
            return code
    return None


def _value(number: str, mark: str | None) -> Decimal:
    """Digits with separators; a lone group of three digits is a thousand unless `mark` says otherwise."""
    plain = re.sub(r"['’\s\u00a0]", "", number)
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return Decimal(plain)
    separators = re.findall(r"[.,]", plain)
    if len(separators) > 1:
        grouped = len(set(separators)) == 1 and len(plain) - last == 4  # noqa: PLR2004 - three digits follow
    else:
        undecided = len(plain) - last == 4 and last <= 3 and plain[0] != "0"  # noqa: PLR2004 - "1.234"
        grouped = undecided and (plain[last] != mark if mark else plain[last] == ",")
    if grouped:
        return Decimal(re.sub(r"[.,]", "", plain))
    whole = re.sub(r"[.,]", "", plain[:last])
    return Decimal(f"{whole or '0'}.{plain[last + 1 :]}")
