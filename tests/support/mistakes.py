"""Ways in which values of an answer are wrong, as models and readers make them; and whether a page prints them."""

import random
import re
import string
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_QUANTITY = re.compile(r"quantity|qty|rate|percent|pos$|line_id", re.IGNORECASE)
_AMOUNT = re.compile(r"-?\d+(?:\.\d+)?")
_LEAST, _MONTHS, _GROUP = 4, 12, 3
"""Letters of a text or an identifier that counts: shorter ones stand on a page by chance."""


def mistakes(path: str, leaf: Any, dice: random.Random, texts: Sequence[str], each: int) -> Iterator[tuple[str, Any]]:
    """Ways in which a value can be wrong, each with the wrong value.

    Args:
        path: the leaf's.
        leaf: its true value.
        dice: for what is chosen.
        texts: of other documents.
        each: wrong values of a kind that is made by chance.
    """
    name, text = path.rpartition(".")[2], str(leaf)
    if isinstance(leaf, int | float):
        wrong = _wrong_rates(leaf, dice, each) if _QUANTITY.search(name) else _wrong_amounts(leaf, dice, each)
        yield from () if isinstance(leaf, bool) else wrong
    elif ISO.fullmatch(text):
        yield from _wrong_days(date.fromisoformat(text))
    elif _is_identifier(text):
        yield from _wrong_identifiers(text, dice, each)
    elif is_text(path, leaf):
        for other in dice.sample(list(texts), min(each, len(texts))):
            yield "text of another document", other


def _wrong_rates(leaf: float, dice: random.Random, each: int) -> Iterator[tuple[str, Any]]:
    for _ in range(each):
        yield "quantity or rate, one digit", float(_digit_changed(f"{Decimal(repr(leaf)):f}", dice))


def _wrong_amounts(leaf: float, dice: random.Random, each: int) -> Iterator[tuple[str, Any]]:
    value = Decimal(repr(leaf))
    if not value:
        return
    for kind, factor in (("x100", 100), ("x1000", 1000), ("x10", 10), ("/ 10", Decimal("0.1"))):
        yield f"amount {kind}", float(value * factor)
    for _ in range(each):
        yield "amount, one digit", float(_digit_changed(f"{value:f}", dice))
    yield "sign flipped", float(-value)


def _wrong_identifiers(text: str, dice: random.Random, each: int) -> Iterator[tuple[str, Any]]:
    for _ in range(each):
        yield "identifier, one character", _character_changed(text, dice)
    letters = re.match(r"[A-Za-z]{1,3}(?=\W?\d)", text)
    if letters:
        yield "identifier, other prefix", f"{_other_letters(letters[0], dice)}{text[letters.end() :]}"
    elif text[0].isdigit():
        yield "identifier, other prefix", f"{_other_letters('XY', dice)}-{text}"


def _wrong_days(day: date) -> Iterator[tuple[str, Any]]:
    if day.day <= _MONTHS and day.day != day.month:
        yield "day and month swapped", day.replace(month=day.day, day=day.month).isoformat()
    with suppress(ValueError):
        yield "day and year swapped", date(2000 + day.day, day.month, day.year % 100).isoformat()
    for years in (1, -1):
        if (day.month, day.day) != (2, 29):
            yield "year off by one", day.replace(year=day.year + years).isoformat()


def _is_identifier(text: str) -> bool:
    plain = len(text) >= _LEAST and " " not in text and any(map(str.isdigit, text))
    return plain and (text.isdigit() or not _AMOUNT.fullmatch(text))


def is_text(path: str, leaf: Any) -> bool:
    """Whether a value is a name, an address or a description: words without digits."""
    return isinstance(leaf, str) and len(leaf) >= _LEAST and not _AMOUNT.search(leaf) and not path.endswith("country")


def _digit_changed(text: str, dice: random.Random) -> str:
    at = dice.choice([number for number, character in enumerate(text) if character.isdigit()])
    return text[:at] + dice.choice([digit for digit in string.digits if digit != text[at]]) + text[at + 1 :]


def _character_changed(text: str, dice: random.Random) -> str:
    at = dice.choice([number for number, character in enumerate(text) if character.isalnum()])
    kinds = string.digits if text[at].isdigit() else string.ascii_uppercase
    return text[:at] + dice.choice([each for each in kinds if each != text[at].upper()]) + text[at + 1 :]


def _other_letters(letters: str, dice: random.Random) -> str:
    return "".join(dice.choice([each for each in string.ascii_uppercase if each != letter]) for letter in letters)


def is_printed(value: Any, text: str) -> bool:
    """Whether a value's letters and digits stand somewhere in a text, a number's as a token of the same number."""
    if isinstance(value, int | float):
        wanted = abs(Decimal(repr(value)))
        return any(wanted in _numbers(token) for token in re.findall(r"[\d.,'\u00a0 ]*\d", text)) or any(
            wanted in _numbers(token) for token in re.findall(r"\d[\d.,]*", text)
        )
    day = ISO.fullmatch(str(value))
    if day:
        year, month, day_of_it = (int(part) for part in day.groups())
        forms = (f"{day_of_it:02}.{month:02}.{year}", f"{day_of_it}.{month}.{year}", str(value))
        return any(form in text for form in forms)
    return re.sub(r"[\W_]+", "", str(value).lower()) in re.sub(r"[\W_]+", "", text.lower())


def _numbers(token: str) -> set[Decimal]:
    """What a token of digits and marks can mean, read plainly: dot or comma as the decimal mark, or neither."""
    plain = re.sub(r"[\s'\u00a0]", "", token).strip(".,")
    found = set()
    for mark, other in ((".", ","), (",", ".")):
        whole, _, fraction = plain.partition(mark)
        groups = whole.split(other)
        if all(map(str.isdigit, groups)) and all(len(group) == 3 for group in groups[1:]):
            found |= {Decimal(f"{''.join(groups)}.{fraction or 0}")} if fraction.isdigit() or not fraction else set()
    return found
