"""Field types that parse what documents print, and refuse what could mean two things.

Money and quantities are `Decimal`, dates are `datetime.date`, currencies are ISO 4217 codes. A text
that reads two ways ("1.234": one thousand or one point two?) is a fault, not a guess: the model is
asked again, and a schema that knows its documents declares the decimal mark with `money(",")`.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from schemas.currencies import CODES, SYMBOLS

_NOISE = re.compile(r"[\s\u00a0\u202f'’]")
_SYMBOL = re.compile(r"^(?:[A-Z]{2,3}|[€$£¥₹]|[A-Z]{1,3}\$)\.?|(?:[A-Z]{2,3}|[€$£¥₹])\.?$")
_GROUPED = {mark: re.compile(rf"^\d{{1,3}}(?:\{mark}\d{{3}})+$") for mark in ".,"}
_PLAIN = re.compile(r"^\d*\.?\d+$|^\d+\.$")


def parse_amount(value: object, decimal: str | None = None, places: int | None = None) -> object:
    """Reads a printed amount as a `Decimal`; anything that is not text passes through unread.

    Args:
        value: what the model answered: "1.234,56 €", "(12.00)", "1,234.56-", 12.5, None ...
        decimal: the decimal mark that the schema declares, "." or ",", or None for unknown.
        places: fraction digits that settle nothing: with 3, "1.234" is read as it stands.

    Raises:
        ValueError: the text is no amount, or reads two ways.
    """
    if isinstance(value, bool):
        raise ValueError("an amount is a number, not true or false")  # noqa: TRY004 - pydantic collects ValueErrors
    if isinstance(value, float):
        return Decimal(repr(value))
    if not isinstance(value, str):
        return value
    text = _NOISE.sub("", value).replace("\u2212", "-").replace("\u2013", "-")
    negative = text.startswith(("(", "-")) or text.endswith("-")
    text = text.strip("()+-")
    text = _SYMBOL.sub("", _SYMBOL.sub("", text)).removesuffix("%").strip("+-")
    plain = _without_grouping(text, value, decimal, places)
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount; write it like 1234.56") from None
    return -amount if negative else amount


def _without_grouping(text: str, printed: str, decimal: str | None, places: int | None) -> str:
    """The same number with a dot as decimal mark and no grouping."""
    if decimal is not None:
        group = "." if decimal == "," else ","
        text = text.replace(group, "").replace(decimal, ".")
    elif "," in text and "." in text:
        last = max(text.rfind(","), text.rfind("."))
        text = re.sub(r"[.,]", "", text[:last]) + "." + text[last + 1 :]
    else:
        mark = "," if "," in text else "."
        if text.count(mark) > 1 and _GROUPED[mark].match(text):
            text = text.replace(mark, "")
        elif _GROUPED[mark].match(text) and not text.startswith("0") and not (mark == "." and places == 3):  # noqa: PLR2004 - a thousands group
            raise ValueError(f"{printed!r} reads two ways; write it like 1234.00 or 1.23, without grouping")
        text = text.replace(",", ".")
    if not _PLAIN.match(text):
        raise ValueError(f"{printed!r} is not an amount; write it like 1234.56")
    return text


def parse_date(value: object) -> object:
    """Reads an ISO 8601 date, or a date-time at any hour, as a `date`.

    Raises:
        ValueError: the text is no ISO date; 03/04/2024 is never guessed.
    """
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.strip()).date()
    except ValueError:
        raise ValueError(f"{value!r} is not an ISO date; write it as YYYY-MM-DD") from None


def parse_currency(value: object) -> object:
    """Reads an ISO 4217 code, or a sign that means one currency only (€, £, zł ...).

    Raises:
        ValueError: no such code, or a sign that several countries use ($, kr, ¥).
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    code = SYMBOLS.get(text, text.upper())
    if code not in CODES:
        raise ValueError(f"{value!r} is not an ISO 4217 code; write one like EUR")
    return code


STORED = {"octavo_stored": True}
"""Validation context for a record that was parsed before: its decimals are plain, whatever the locale."""


def _decimal(hint: str, decimal: str | None = None, places: int | None = None) -> Any:
    def parse(value: object, info: ValidationInfo) -> object:
        if info.context == STORED:
            return value
        return parse_amount(value, decimal, places)

    schema = {"type": "string", "format": "decimal", "description": hint}
    return Annotated[Decimal, BeforeValidator(parse), WithJsonSchema(schema)]


def money(decimal: str) -> Any:
    """The type of an amount of money in documents whose decimal mark is known: `money(",")`."""
    return _decimal("amount", decimal)


if TYPE_CHECKING:
    Money: TypeAlias = Decimal
    Quantity: TypeAlias = Decimal
    Rate: TypeAlias = Decimal
else:
    Money = _decimal("amount")
    Quantity = _decimal("number", places=3)
    Rate = _decimal("percentage", places=3)
Date = Annotated[date, BeforeValidator(parse_date)]
Currency = Annotated[
    str,
    BeforeValidator(parse_currency),
    WithJsonSchema({"type": "string", "format": "currency", "description": "ISO 4217 code"}),
]


def field(
    description: str,
    *,
    labels: Sequence[str] = (),
    examples: Sequence[str] = (),
    merge: str = "first",
    default: Any = None,
) -> Any:
    """A field that a document may or may not show.

    Args:
        description: what the field is; the model reads it.
        labels: how documents print its name ("Invoice No.", "Rechnungsnummer"); the model reads them too.
        examples: values as the record holds them.
        merge: which window's value wins when several give one: "first" or "last".
        default: the value of a field that the document does not show.
    """
    extra: dict[str, Any] = {"merge": merge} if merge != "first" else {}
    if labels:
        extra["labels"] = list(labels)
    return Field(
        default,
        description=description,
        examples=list(examples) or None,
        json_schema_extra=extra or None,
    )
