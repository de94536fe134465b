"""A record held against the data that its e-invoice brings: field by field, by meaning. Pure.

Agreement is evidence, of another kind than the page's, and a difference is told. The record stays what the page says.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.documents import Issue
from extractors.einvoice import EInvoice, EInvoiceLine
from extractors.vocabulary import IssueKind
from schemas.leaves import Leaf, LeafKind, Leaves
from schemas.meanings import INVOICE, Meaning, Meant, meant_by

Value = str | date | Decimal

_TOLD, _LONGEST = 100, 80
"""Differences that are told one by one, and characters told of a value."""

_DIGITS = 30
"""Before or behind the point; what has more is no amount."""

_CENTS = -2
"""An amount with two decimals or more may be what the data says, rounded; one with fewer is another amount."""

_UNKNOWN = Leaf(LeafKind.TEXT)
_IDENTIFIERS = {Meaning.NUMBER, Meaning.ORDER_REFERENCE, Meaning.CURRENCY}
_ACCOUNTS = {Meaning.IBAN, Meaning.SELLER_TAX_ID, Meaning.BUYER_TAX_ID}


@dataclass(frozen=True)
class Compared:
    """What came of it.

    Attributes:
        agreed: paths of the values that the data says too.
        issues: `xml_differs`, one for each value that it says otherwise.
    """

    agreed: frozenset[str] = frozenset()
    issues: tuple[Issue, ...] = ()


def compared(data: Mapping[str, Any], leaves: Leaves, einvoice: EInvoice, *, alone: bool) -> Compared:
    """Holds a record against an e-invoice's data, as far as the names of its fields leave no doubt what they mean.

    Args:
        data: the record as it is kept.
        leaves: what its schema says of its values, by their paths in the record.
        einvoice: the data.
        alone: the record is all that its file holds. Of several, the one with the data's own number is meant.
    """
    meant = _meant(data, leaves)
    if not alone and not any(
        _agree(Meaning.NUMBER, _at(data, path), (einvoice.number,), _UNKNOWN, einvoice)
        for path, meaning in meant.fields.items()
        if meaning == Meaning.NUMBER
    ):
        return Compared()
    agreed, differ = set(), []
    for path, meaning, leaf, value, said in _pairs(data, meant, leaves.by_path, einvoice):
        same = _agree(meaning, value, said, leaf, einvoice)
        if same:
            agreed.add(path)
        elif same is False:
            differ.append(Issue(IssueKind.XML_DIFFERS, path, _told(einvoice.file, said, value)))
    issues = [*_lines_missing(data, meant, einvoice), *differ]
    if len(issues) > _TOLD:
        more = f"{len(issues) - _TOLD} more values are others in {einvoice.file}"
        issues = [*issues[:_TOLD], Issue(IssueKind.XML_DIFFERS, "", more)]
    return Compared(frozenset(agreed), tuple(issues))


def _meant(data: Mapping[str, Any], leaves: Leaves) -> Meant:
    if leaves.by_path.keys() >= set(Meaning):
        return INVOICE
    return meant_by(leaves, [name for name, value in data.items() if isinstance(value, list)])


def _pairs(
    data: Mapping[str, Any], meant: Meant, leaves: Mapping[str, Leaf], einvoice: EInvoice
) -> Iterator[tuple[str, Meaning, Leaf, Any, tuple[Value, ...]]]:
    """Each value of the record with what the data says in its place; lines in order, where both have as many."""
    for path, meaning in meant.fields.items():
        yield path, meaning, leaves.get(path, _UNKNOWN), _at(data, path), _said(meaning, einvoice)
    rows = _at(data, meant.rows) if meant.rows else None
    if not isinstance(rows, list) or len(rows) != len(einvoice.lines):
        return
    for number, (row, line) in enumerate(zip(rows, einvoice.lines, strict=True)):
        for column, meaning in meant.columns.items():
            leaf = leaves.get(f"{meant.rows}.{column}", _UNKNOWN)
            yield f"{meant.rows}.{number}.{column}", meaning, leaf, _at(row, column), _said_of(meaning, line)


def _lines_missing(data: Mapping[str, Any], meant: Meant, einvoice: EInvoice) -> Iterator[Issue]:
    rows = _at(data, meant.rows) if meant.rows else None
    if isinstance(rows, list) and einvoice.lines and len(rows) != len(einvoice.lines):
        told = f"{einvoice.file} has {len(einvoice.lines)} lines, the record {len(rows)}"
        yield Issue(IssueKind.XML_DIFFERS, meant.rows, told)


def _at(data: Any, path: str) -> Any:
    for step in path.split("."):
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def _said(meaning: Meaning, einvoice: EInvoice) -> tuple[Value, ...]:
    """What the data says of a field; each of it is true."""
    said: dict[Meaning, tuple[Value | None, ...]] = {
        Meaning.NUMBER: (einvoice.number,),
        Meaning.ISSUE_DATE: (einvoice.issue_date,),
        Meaning.DUE_DATE: (einvoice.due_date,),
        Meaning.DELIVERY_DATE: (einvoice.delivery_date,),
        Meaning.ORDER_REFERENCE: (einvoice.order_reference,),
        Meaning.SELLER_NAME: einvoice.seller_names,
        Meaning.SELLER_TAX_ID: einvoice.seller_tax_ids,
        Meaning.BUYER_NAME: einvoice.buyer_names,
        Meaning.BUYER_TAX_ID: einvoice.buyer_tax_ids,
        Meaning.CURRENCY: (einvoice.currency,),
        # A page prints one or the other as the sum without tax.
        Meaning.SUBTOTAL: (einvoice.line_total, einvoice.tax_basis),
        Meaning.ALLOWANCES: (einvoice.allowances,),
        Meaning.CHARGES: (einvoice.charges,),
        Meaning.TAX: (einvoice.tax,),
        Meaning.TOTAL: (einvoice.total,),
        Meaning.PREPAID: (einvoice.prepaid,),
        Meaning.ROUNDING: (einvoice.rounding,),
        Meaning.DUE: (einvoice.due,),
        Meaning.IBAN: einvoice.ibans,
    }
    return tuple(value for value in said.get(meaning, ()) if value is not None)


def _said_of(meaning: Meaning, line: EInvoiceLine) -> tuple[Value, ...]:
    said: dict[Meaning, tuple[Value | None, ...]] = {
        Meaning.DESCRIPTION: line.description,
        Meaning.QUANTITY: (line.quantity,),
        Meaning.UNIT_PRICE: (*line.unit_price, *(_with_tax(price, line) for price in line.unit_price)),
        Meaning.TAX_RATE: (line.tax_rate,),
        # A shop prints its lines with their tax.
        Meaning.AMOUNT: (line.amount, None if line.amount is None else _with_tax(line.amount, line)),
    }
    return tuple(value for value in said.get(meaning, ()) if value is not None)


def _with_tax(amount: Decimal, line: EInvoiceLine) -> Decimal | None:
    return amount * (1 + line.tax_rate / 100) if line.tax_rate else None


def _agree(
    meaning: Meaning, value: Any, said: tuple[Value | None, ...], leaf: Leaf, einvoice: EInvoice
) -> bool | None:
    """Whether the data says a value; None where one of them says nothing, or part of the other."""
    told = [each for each in said if each is not None]
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not told:
        return None
    if isinstance(told[0], Decimal):
        unsigned = leaf.unsigned or einvoice.credit_note
        return _same_number(value, [each for each in told if isinstance(each, Decimal)], leaf, unsigned=unsigned)
    if isinstance(told[0], date):
        return any(str(value)[:10] == each.isoformat() for each in told if isinstance(each, date))
    texts = [str(each) for each in told]
    if meaning in _IDENTIFIERS:
        return "".join(str(value).casefold().split()) in {"".join(each.casefold().split()) for each in texts}
    if meaning in _ACCOUNTS:
        return "".join(_words(str(value))) in {"".join(_words(each)) for each in texts}
    return _same_text(str(value), texts)


def _same_number(value: Any, said: list[Decimal], leaf: Leaf, *, unsigned: bool) -> bool | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS:
        return None
    number = abs(number) if unsigned else number
    told = [abs(each) if unsigned else each for each in said]
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= _CENTS:
        told += [_rounded(each, exponent) for each in told]
    return number in told or (leaf.rate and number * 100 in told)


def _rounded(number: Decimal, exponent: int) -> Decimal:
    try:
        return number.quantize(Decimal((0, (1,), exponent)), "ROUND_HALF_UP")
    except InvalidOperation:
        return number


def _same_text(value: str, said: list[str]) -> bool | None:
    """True for the same words, None where one holds the other: a page adds and leaves out more than the data."""
    own, others = _words(value), [_words(each) for each in said]
    if not own:
        return None
    if own in others:
        return True
    held = [f" {' '.join(each)} " for each in others if each]
    padded = f" {' '.join(own)} "
    return None if not held or any(padded in each or each in padded for each in held) else False


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _told(file: str, said: tuple[Value, ...], value: Any) -> str:
    first = said[0].isoformat() if isinstance(said[0], date) else str(said[0])
    return f"{file} says {first[:_LONGEST]!r}, the record {str(value)[:_LONGEST]!r}"
