"""Field types that parse what documents print, and refuse what could mean two things.

Money and quantities are `Decimal`, dates are `datetime.date`, currencies are ISO 4217 codes. A text that
reads two ways ("1.234": one thousand or one point two?) is settled by evidence (`schemas.amounts` gives
the order) or is a fault, not a guess: the model is asked again, and a schema that knows its documents
declares the decimal mark with `money(",")`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from schemas.amounts import LONGEST, Reading, read, settled
from schemas.currencies import currencies_of
from schemas.dates import read_date
from schemas.habits import Evidence

STORED = {"octavo_stored": True}
"""Validation context for a record that was parsed before: its decimals are plain, whatever the locale."""

_EVIDENCE = "octavo_evidence"
_LARGEST = Decimal(10) ** 40
_WRITTEN_OUT = 10**15
"""From here on Python may write a float with an exponent."""


def with_evidence(evidence: Evidence) -> dict[str, Any]:
    """Validation context that tells the field types what settles a text that reads two ways."""
    return {_EVIDENCE: evidence}


def parse_amount(
    value: object,
    decimal: str | None = None,
    *,
    kind: Literal["money", "quantity", "rate"] = "money",
    debit: Literal["negative", "positive"] | None = None,
    scaled: bool = False,
    evidence: Evidence | None = None,
) -> object:
    """Reads a printed number as a `Decimal`; what is neither text nor a number passes through unread.

    Args:
        value: what the model answered: "1.234,56 €", "(12.00)", "1,234.56-", 12.5, None ...
        decimal: the decimal mark that the schema declares, "." or ",", or None for unknown.
        kind: a unit may stand behind a quantity, a percent sign behind a rate; a rate has no thousands.
        debit: the sign of what is marked "DR" or "S"; "CR" and "H" have the other. Refused when not declared.
        scaled: whether "MIO", "TSD" ... multiply; refused otherwise.
        evidence: what the pages and the row say.

    Raises:
        ValueError: the text is no number, or reads two ways.
    """
    if isinstance(value, bool):
        raise ValueError("an amount is a number, not true or false")  # noqa: TRY004 - pydantic collects ValueErrors
    if isinstance(value, int | float):
        # Before the digits are made: those of a huge integer take quadratic time.
        if (isinstance(value, float) and not isfinite(value)) or abs(value) >= _LARGEST:
            raise ValueError("the number is too large for an amount, or none; write it like 1234.56")
        # Written out (not 1E+22), and no minus before a zero.
        return Decimal(int(value)) if value == int(value) and abs(value) >= _WRITTEN_OUT else Decimal(repr(value)) + 0
    if not isinstance(value, str):
        return value
    reading = read(value, units=kind == "quantity")
    known = evidence or Evidence()
    habits = known.habits.of(value)
    amount = settled(
        reading,
        printed=habits.amounts,
        # A rate has no thousands: with a dot it is as the prompt wants it, whatever mark the pages have.
        mark="." if kind == "rate" and "." in value else habits.decimal,
        currency=known.currency if kind == "money" else None,
        row=known.rows.get(value),
        declared="." if kind == "rate" and "." in value else decimal,
    )
    wrong = _not_this_kind(reading, kind, debit, scaled=scaled)
    if amount is None or wrong:
        shown = repr(value[:LONGEST])
        if reading.values and not wrong:
            raise ValueError(f"{shown} reads two ways; write it like 1234.00 or 1.23, without grouping")
        raise ValueError(f"{shown} is not an amount ({wrong or reading.why}); write it like 1234.56")
    if reading.side and (reading.side == "debit") == (debit == "negative"):
        amount = -amount
    return amount * 10**reading.scale  # a product, for it is written out: not 5E+6


def _not_this_kind(
    reading: Reading, kind: Literal["money", "quantity", "rate"], debit: str | None, *, scaled: bool
) -> str:
    """Why a number is none of its field's kind, in words; "" when it is."""
    if reading.percent and kind != "rate":
        return "it is a percentage"
    if reading.side and debit is None:
        return f"whether {reading.side} is negative is not known here; write a minus or none"
    if reading.scale and not scaled:
        return "write the number in full, without a word that multiplies it"
    return ""


def parse_date(value: object, evidence: Evidence | None = None) -> object:
    """Reads an ISO 8601 date, a date-time at any hour, or a printed date that means one day, as a `date`.

    Raises:
        ValueError: the text is no date, or its order or century is open; 03/04/2024 is never guessed.
    """
    if isinstance(value, datetime | date) or value is None:
        return value
    if not isinstance(value, str):
        raise ValueError("a date is a text, not a number; write it as YYYY-MM-DD")  # noqa: TRY004 - as above
    habits = (evidence or Evidence()).habits.of(value)
    return read_date(value, order=habits.order, years=habits.years)


def parse_currency(value: object, evidence: Evidence | None = None) -> object:
    """Reads an ISO 4217 code, or a sign that means one currency: by itself (€, £), or where pages name it ($).

    A page names a currency by its code or a sign of its own; where there is none, by its country.

    Raises:
        ValueError: no such code, or a sign that several countries use ($, kr, ¥) on pages that name none, or two.
    """
    if not isinstance(value, str):
        return value
    codes = ("GBP",) if value.strip() == "£" else currencies_of(value)
    if len(codes) > 1 and evidence is not None:
        known = evidence.habits
        named = tuple(code for code in codes if code in known.currencies)
        codes = named or tuple(code for code in codes if code in known.countries)
    if len(codes) != 1:
        raise ValueError(f"{value[:LONGEST]!r} is not an ISO 4217 code; write one like EUR")
    return codes[0]


def _evidence(info: ValidationInfo) -> Evidence | None:
    return info.context.get(_EVIDENCE) if isinstance(info.context, Mapping) else None


def _decimal(hint: str, decimal: str | None = None, **declared: Any) -> Any:
    def parse(value: object, info: ValidationInfo) -> object:
        if info.context == STORED:
            return _stored(value)
        return parse_amount(value, decimal, evidence=_evidence(info), **declared)

    schema = {"type": "string", "format": "decimal", "description": hint}
    return Annotated[Decimal, BeforeValidator(parse), WithJsonSchema(schema)]


def _stored(value: object) -> object:
    """A decimal of a record as a decimal: a strict model takes no text for it."""
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        raise ValueError(f"{value!r} is no decimal") from None


def _day(value: object, info: ValidationInfo) -> object:
    return parse_date(value, _evidence(info))


def _currency(value: object, info: ValidationInfo) -> object:
    return parse_currency(value, _evidence(info))


def money(
    decimal: str | None = None, *, debit: Literal["negative", "positive"] | None = None, scaled: bool = False
) -> Any:
    """The type of an amount of money in documents whose habits are known: `money(",")`.

    Args:
        decimal: their decimal mark, which settles "1.234" where page, currency and row do not.
        debit: the sign of what they mark "DR", "OD" or "S"; "CR" and "H" have the other.
        scaled: whether they write "5 MIO" or "12 TSD".
    """
    return _decimal("amount", decimal, debit=debit, scaled=scaled)


if TYPE_CHECKING:
    Money: TypeAlias = Decimal
    SignedMoney: TypeAlias = Decimal
    Quantity: TypeAlias = Decimal
    Rate: TypeAlias = Decimal
else:
    Money = _decimal("amount")
    SignedMoney = money(debit="negative")
    Quantity = _decimal("number", kind="quantity")
    Rate = _decimal("percentage", kind="rate")
Date = Annotated[date, BeforeValidator(_day)]
Currency = Annotated[
    str,
    BeforeValidator(_currency),
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
