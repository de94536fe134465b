r"""The one reader of printed numbers: a grammar that consumes a whole text, or refuses it in words.

The form that the prompt asks for (`-?\d+(\.\d+)?`) is read first and literally. Everything else is
a number with its grouping and marks, and around it at most one sign, currency, side ("DR"), scale
("MIO") and percent sign: nothing is deleted before it is understood. One mark before exactly three
digits ("1.234") reads two ways, and `settled` says which by evidence, in this order:

1. the page: the one reading that is printed there, else the decimal mark that its other amounts show,
2. the currency's decimals, where they are three or none (two say nothing: a litre of fuel costs 1.459),
3. the other numbers of the row,
4. the decimal mark that the field declares.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from schemas.currencies import CODES, DOTTED, SIGNS, currencies_of, decimals
from schemas.fractions import decimal_fractions

LONGEST, _MOST_DIGITS = 80, 25
_CENTS = Decimal("0.01")
_WIRE = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_FIRST, _LAST = re.compile(r"[.,٫]?[0-9]"), re.compile(r"[0-9](?!.*[0-9])", re.DOTALL)
# Groups of three by one and the same mark, or Indian groups (1,23,45,678), before at most one decimal mark.
_GROUPED = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<group>[.,'٬ ])[0-9]{3})(?:(?P=group)[0-9]{3})*)"
    r"(?P<fraction>(?!(?P=group))[.,٫][0-9]+)?"
    r"|(?P<indian>[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3})(?P<paise>\.[0-9]+)?"
)
_PLAIN = re.compile(r"(?P<whole>[0-9]*)(?:(?P<mark>[.,٫])(?P<places>[0-9]+))?")
_ROUND = re.compile(r"[.,][-–—−]{1,2}|/[-=]|\.(?=\s*$)")  # "250.–", "50,-", "300.--", "500/-", "10."
_YEN = re.compile(r"(¥ ?[0-9][0-9,]*)-")
"""Round, as "¥5,000-" is written: a yen's minus stands first."""
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u200a\u202f\u2002\u2003\u3000\t\n\r"), " ")
_SAME = str.maketrans({
    **{chr(k): v for k, v in _SPACES.items()}, "’": "'", "‘": "'", "ʼ": "'", "´": "'", "＇": "'",
    "\u2010": "-", "\u2011": "-", "\ufe63": "-", "\uffe0": "¢", "\uffe1": "£", "\uffe5": "¥", "\uffe6": "₩",
})  # fmt: skip

_OTHER_FORM = re.compile(r"[\uff01-\uff5e]|(?![0-9])\d")

MINUS, PLUS = "-−–", "+"
_OPENING = f"( {MINUS}{PLUS}"
DEBIT = frozenset({"dr", "od", "s", "db", "d", "soll"})
CREDIT = frozenset({"cr", "h", "c", "haben"})
SCALES = {
    "k": 3, "tsd": 3, "tausend": 3, "thousand": 3, "mil": 3, "tys": 3, "тыс": 3, "t": 3, "千": 3, "万": 4, "萬": 4,
    "만": 4, "lakh": 5, "lakhs": 5, "lac": 5, "mio": 6, "mill": 6, "million": 6, "millions": 6, "millionen": 6,
    "mln": 6, "млн": 6, "mm": 6, "mn": 6, "crore": 7, "crores": 7, "億": 8, "亿": 8, "억": 8, "bn": 9, "mrd": 9,
    "mld": 9, "md": 9, "milliarden": 9, "млрд": 9, "兆": 12, "tn": 12,
}  # fmt: skip
"""Words that multiply -> the power of ten."""
_SCALES_TOO = {"M": 6, "B": 9}
_UNITS_TOO = frozenset({"t", "mm", "md", "mil", "mn"})
_UNIT = re.compile(r"[^\W\d_]{1,14}[²³]?\.?")


@dataclass(frozen=True)
class Reading:
    """What a printed number can mean.

    Attributes:
        printed: the text.
        values: the number; two where it reads two ways, with a dot as decimal mark first, then as grouping (or
            the reverse for a comma: always the fraction first); none where it is refused.
        why: why it is refused, or what is undecided, in words for the model.
        mark: the decimal mark that the text uses for certain, or that it would use for its first value.
        currencies: codes that its sign or code may mean.
        percent: a percent sign stands behind it.
        side: "debit" or "credit" where "DR", "S", "CR" ... stands beside it: its value's sign is the field's to say.
        scale: the power of ten of a word like "MIO"; the values are without it.
        unit: a word behind it that is none of these: "Stück", "kg".
    """

    printed: str
    values: tuple[Decimal, ...] = ()
    why: str = ""
    mark: str | None = None
    currencies: tuple[str, ...] = ()
    percent: bool = False
    side: str = ""
    scale: int = 0
    unit: str = ""

    @property
    def cents(self) -> bool:
        """It is printed with two decimals."""
        return any(value.as_tuple().exponent == _CENTS.as_tuple().exponent for value in self.values)


def read(text: str, *, units: bool = False) -> Reading:
    """Reads one printed number, the whole text or nothing.

    Args:
        text: "1.234,56 €", "(12.00)", "EUR -119,00", "250.–", "1,23,456", "500.00 DR" ...
        units: whether a word behind it may be a unit ("3 Stück", "5 kg").
    """
    if len(text) > LONGEST:
        return Reading(text[:LONGEST], why="the text is too long for a number")
    return _read(text, units)


def settled(  # noqa: PLR0911 - one for each kind of evidence, in its order
    reading: Reading,
    *,
    printed: frozenset[Decimal] = frozenset(),
    mark: str | None = None,
    currency: str | None = None,
    row: Decimal | None = None,
    declared: str | None = None,
) -> Decimal | None:
    """The one meaning of a reading, by the evidence in the order that this module's docstring gives.

    Args:
        reading: with one or two values.
        printed: what the page's numbers mean, without signs.
        mark: the decimal mark that the page's other amounts show.
        currency: ISO 4217 code of the amount, when known; the text's own goes before it.
        row: what the other numbers of its row make of it, without a sign.
        declared: the decimal mark that the field declares.

    Returns:
        None where nothing settles it, or the reading is refused.
    """
    if len(reading.values) != 2:  # noqa: PLR2004 - the fraction and the group
        return reading.values[0] if reading.values else None
    fraction, group = reading.values
    seen = [value for value in reading.values if abs(value) in printed]
    if len(seen) == 1:
        return seen[0]
    if mark is not None and not seen:
        return fraction if mark == reading.mark else group
    code = reading.currencies[0] if len(reading.currencies) == 1 else currency
    if code is not None and decimals(code) in {0, 3}:
        return fraction if decimals(code) else group
    by_row = [value for value in reading.values if abs(value) == row]
    if by_row:
        return by_row[0]
    if declared is not None:
        return fraction if declared == reading.mark else group
    return None


@lru_cache(maxsize=8192)
def _read(text: str, units: bool) -> Reading:  # noqa: FBT001, PLR0911 - cached by position; each refusal in words
    if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS:
        return Reading(text, (Decimal(text),))  # most numbers of a page, told at a glance
    if _WIRE.fullmatch(text):
        return _number(text.removeprefix("-"), text, Decimal(-1 if text[0] == "-" else 1))
    plain = _YEN.sub(r"\1", decimal_fractions(plain_characters(text).strip()))
    begin, last = _begin(plain), _LAST.search(plain)
    if begin is None or last is None:
        return Reading(text, why="no number, or a mark before it that could be the word's or the number's")
    after = _ROUND.match(plain, last.end())
    rest = plain[after.end() if after else last.end() :]
    if after is None and begin == 0 and not rest:
        return _number(plain, text, Decimal(1))
    around = _around(plain[:begin], rest, units=units)
    if isinstance(around, str):
        return Reading(text, why=around)
    if after is None and around.negative and plain[begin] in ".,":
        return Reading(text, why="a dash before a mark means no sign or a minus")
    found = _number(plain[begin : last.end()], text, Decimal(-1 if around.negative else 1))
    values, mark = found.values, found.mark
    if after is not None and len(after[0]) > 1 and after[0][0] in ".,":
        # "1.234,–" shows its decimal mark, so that its other mark groups; "1,5,–" shows two.
        if after[0][0] in plain[begin : last.end()]:
            return Reading(text, why="it has two decimal marks")
        # The dash stands where cents would: 250.00.
        values, mark = tuple(value.quantize(_CENTS) for value in values[-1:]), after[0][0]
    if not values:
        return found
    why = found.why if len(values) > 1 else ""
    return Reading(
        text, values, why, mark, around.currencies, around.percent, around.side, around.scale, around.unit
    )  # fmt: skip


def _begin(text: str) -> int | None:
    """Where the number begins; None where there is none, or where that is open."""
    first = _FIRST.search(text)
    if first is None:
        return None
    begin = first.start()
    if begin and text[begin] in ".,٫" and text[begin - 1].isalpha():
        # "Rs.500": the dot is the sign's. "EUR.50" could be both.
        return begin + 1 if text[begin] == "." and text[:begin].lstrip(_OPENING) in DOTTED else None
    return begin


def _number(core: str, printed: str, sign: Decimal) -> Reading:  # noqa: PLR0911 - one for each form
    """Digits with their marks and grouping."""
    if sum(character.isdigit() for character in core) > _MOST_DIGITS:
        return Reading(printed, why="too many digits for a number")
    grouped = _GROUPED.fullmatch(core)
    if grouped:
        whole = re.sub(r"\D", "", grouped["whole"] or grouped["indian"])
        fraction = grouped["fraction"] or grouped["paise"] or ""
        group = grouped["group"]
        twice = grouped["indian"] is None and core.count(group) > 1
        value = sign * Decimal(f"{whole}.{fraction[1:] or 0}" if fraction else whole) + 0  # no minus before a zero
        if fraction:
            return Reading(printed, (value,), mark=fraction[0])
        if group in {".", ","} and not twice and not core.startswith("0"):
            why = "it reads two ways: a thousands group or three decimals"
            return Reading(printed, (sign * Decimal(core.replace(",", ".")), value), why, mark=group)
        if not core.startswith("0"):
            shown = {".": ",", ",": "."}.get(group or ",")
            return Reading(printed, (value,), mark=shown)
        if group not in {".", ","} or twice:
            return Reading(printed, why="a group after a leading zero")
    plain = _PLAIN.fullmatch(core)
    if plain is None or not (plain["whole"] or plain["places"]):
        return Reading(printed, why="no number: its marks and groups do not fit together")
    value = sign * Decimal(f"{plain['whole'] or 0}.{plain['places']}" if plain["places"] else plain["whole"]) + 0
    return Reading(printed, (value,), mark=plain["mark"])


@dataclass(frozen=True)
class _Around:
    negative: bool
    currencies: tuple[str, ...]
    percent: bool
    side: str
    scale: int
    unit: str


def _around(before: str, after: str, *, units: bool) -> _Around | str:
    """What stands around a number, each thing at most once; else what is wrong with it, in words."""
    signs, brackets, found = [], "", dict[str, str]()
    for behind, half in enumerate((before, after)):
        for part in _tokens(half):
            if part in MINUS or part in PLUS:
                signs.append(part)
                continue
            if part in "()":
                brackets += part
                continue
            kind, value = _kind(part, behind=bool(behind), units=units)
            if kind in found or not kind:
                return f"{part!r} beside the number is not understood"
            found[kind] = value
    if brackets not in {"", "()"} or ("(" in after) or (")" in before):
        return "its brackets do not fit"
    told = len(signs) + bool(brackets) + ("side" in found)
    if told > 1:
        return "it has more than one sign"
    return _Around(
        negative=bool(brackets) or bool(signs and signs[0] in MINUS),
        currencies=currencies_of(str(found.get("currency", ""))),
        percent="percent" in found,
        side=str(found.get("side", "")),
        scale=int(str(found.get("scale", 0))),
        unit=str(found.get("unit", "")),
    )


def _tokens(part: str) -> Iterator[str]:
    at = 0
    while at < len(part):
        if part[at] == " ":
            at += 1
            continue
        # The longest of the table's signs goes before words: "US$", "R$", "Rs.".
        match = _SIGN.match(part, at) or _UNIT.match(part, at)
        token = match[0] if match else part[at]
        yield token
        at += len(token)


def _kind(part: str, *, behind: bool, units: bool) -> tuple[str, str]:  # noqa: PLR0911 - one for each kind
    """What a part beside a number is, and what it says; ("", "") for what is not understood."""
    name = part.removesuffix(".").casefold()
    if part == "%":
        return "percent", part
    told = name in SCALES or part in _SCALES_TOO or (name in DEBIT | CREDIT and len(name) > 1)
    if units and behind and part.isalpha() and not part.isupper() and not told and _is_unit(part):
        return "unit", part
    if currencies_of(part):
        return "currency", part
    if name in DEBIT | CREDIT and (len(name) > 1 or (part.isupper() and not units)):
        return "side", "debit" if name in DEBIT else "credit"
    scale = _SCALES_TOO.get(part) or SCALES.get(name)
    if behind and scale and not (units and name in _UNITS_TOO):
        return "scale", str(scale)
    if units and behind and _UNIT.fullmatch(part) and _is_unit(part):
        return "unit", part
    return "", ""


def _is_unit(word: str) -> bool:
    """Whether no letter of a word is a number itself: "½" and "百" belong to the number before them."""
    letters = word.rstrip("²³.")
    return bool(letters) and all(unicodedata.numeric(letter, None) is None for letter in letters)


SIGN_OR_CODE = "|".join(
    re.escape(sign) + (r"\.?(?![^\W\d_])" if sign[-1].isalpha() else "")
    for sign in sorted([*SIGNS, *CODES], key=len, reverse=True)
)
"""A pattern for any currency's sign or code, the longest first."""
_SIGN = re.compile(SIGN_OR_CODE)


def plain_characters(text: str) -> str:
    """The same text with ASCII digits, one kind of space and apostrophe, and full-width forms made plain.

    Every character stays one character, so that places in it are places in the text.
    """
    return text if text.isascii() and text.isprintable() else _plain(text)


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    text = text.translate(_SAME)
    return text if text.isascii() else _OTHER_FORM.sub(_plain_character, text)


def _plain_character(match: re.Match[str]) -> str:
    character = match[0]
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - 0xFEE0)
    return str(unicodedata.decimal(character))
