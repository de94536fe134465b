"""Entries of a list that has no head, as on most receipts: words, and an amount in the column that is summed up."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.local_model.amounts import Amount
from extractors.local_model.evidence import Evidence
from extractors.local_model.readings import Reading, answer
from extractors.local_model.sums import passed_over, sums_up
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, ReadPage
from schemas.folding import fold

_FLUSH = 2.0  # letter heights between the right edges of one column
_UNIT = 3  # letters after an amount: a currency, a tax class
_LEAST = 2  # letters of a description
_TIMES = re.compile(r"\s?(?:x|X|×|\*|@|à|st\.?|pcs)\s?(?=\D{0,3}\d)")
_EACH = re.compile(r"\s(?:à|a|@|je|at|x)\s$")
_MARKS = re.compile(r"\W{0,2}")
_MOST = 10_000  # of one thing, on one line
_TIMES_PRICE = re.compile(r"\s(\d{1,4})\s?[xX×@]$")
_COUNT = re.compile(r"^(\d{1,3})\s?(?:[xX×*]\s|\s)(?=\D)")


@dataclass(frozen=True)
class _Entry:
    """A line of the list: its words, amount, quantity and price, as far as they are printed."""

    line: Line
    text: str
    amount: Amount
    quantity: Decimal | None = None
    price: Decimal | None = None


def unheaded(
    fields: Mapping[str, Field], pages: Sequence[ReadPage], evidence: Evidence
) -> tuple[list[dict[str, Any]], set[tuple[int, int]]]:
    """The entries before the first sum whose amounts stand above the sum's, and the lines they stand on.

    Nothing when the fields have no description and amount, or no sum closes the list.
    """
    text = next((key for key, field in fields.items() if field.kind == "text"), None)
    amounts = [key for key, field in fields.items() if field.kind == "amount"]
    amount = next((key for key in amounts if fields[key].words & {"amount", "total"}), None)
    if text is None or amount is None:
        return [], set()
    found = list(_entries(pages, evidence))
    quantity = next((key for key, field in fields.items() if field.kind == "quantity"), None)
    price = next((key for key in amounts if key != amount and fields[key].words & {"price", "rate"}), None)
    entries = []
    for one in found:
        said = {text: one.text, amount: one.amount.value, quantity: one.quantity, price: one.price}
        entries.append(
            {
                key: answer(field, Reading(said[key], str(said[key]), 1.0)) if said.get(key) is not None else None
                for key, field in fields.items()
            }
        )
    return entries, {(one.line.page, one.line.number) for one in found}


def _entries(pages: Sequence[ReadPage], evidence: Evidence) -> Iterator[_Entry]:
    gathered: list[_Entry] = []
    counts: list[tuple[Line, Decimal, Decimal]] = []
    for line in (line for page in pages for line in page.lines):
        counted = _counted(line, evidence)
        if sums_up(line) and not (passed_over(line) and _amount(line, evidence)):
            if gathered and _amount(line, evidence):
                yield from (_with_count(one, counts) for one in _in_column(gathered, line))
                return
        elif counted:
            counts.append((line, *counted))
        else:
            entry = _entry(line, evidence)
            gathered += [entry] if entry else []


def _amount(line: Line, evidence: Evidence) -> Amount | None:
    """The amount at the end of a line, if its last segment is one."""
    last = line.segments[-1].text
    found = [one for one in evidence.amounts(last) if one.cents and not one.percent]
    letters = len(re.sub(r"[\d%]", "", fold(last)))
    return found[-1] if found and letters <= _UNIT else None


def _entry(line: Line, evidence: Evidence) -> _Entry | None:
    amount = _amount(line, evidence)
    said = list(line.segments[:-1])
    price = None
    if (
        len(said) > 1
        and (alone := _price(said[-1].text, evidence))
        and _MARKS.fullmatch(said[-1].text[: alone.start])
    ):
        price = alone.value
        said.pop()
    text = " ".join(segment.text for segment in said).strip()
    if amount is None or text.endswith(":") or evidence.dates(text):
        return None
    quantity = None
    if (count := _COUNT.match(text)) is not None:
        quantity, text = Decimal(count[1]), text[count.end() :]
        each = _price(text, evidence)
        if each and (beside := _EACH.search(text[: each.start])) is not None:
            price, text = each.value, text[: beside.start()]
    elif (times := _times(text, evidence)) is not None:
        quantity = times[0].value
        after = evidence.amounts(text[times[1] :])
        price = after[0].value if after else price
        text = text[: times[0].start]
    elif price is not None and (count := _TIMES_PRICE.search(text)) is not None:
        quantity, text = Decimal(count[1]), text[: count.start()]
    if len(re.sub(r"\d", "", fold(text))) < _LEAST:
        return None
    return _Entry(line, text.strip(" -*.:"), amount, quantity, price)


def _counted(line: Line, evidence: Evidence) -> tuple[Decimal, Decimal] | None:
    """Quantity and price of a line that says no more: `2 x 0,89`, above or below its entry."""
    times = _times(line.text, evidence)
    if times is None or times[0].start:
        return None
    rest = line.text[times[1] :]
    after = evidence.amounts(rest)
    if not after or len(re.sub(r"[\d%]", "", fold(rest))) > _UNIT:
        return None
    return times[0].value, after[0].value


def _price(text: str, evidence: Evidence) -> Amount | None:
    """The amount that a text ends with."""
    found = evidence.amounts(text)
    return found[-1] if found and found[-1].cents and _MARKS.fullmatch(text[found[-1].end :]) else None


def _times(text: str, evidence: Evidence) -> tuple[Amount, int] | None:
    """The number of a text that is multiplied, and where the other begins."""
    for one in evidence.amounts(text):
        sign = _TIMES.match(text, one.end)
        if sign and 0 <= one.value < _MOST:
            return one, sign.end()
    return None


def _with_count(entry: _Entry, counts: Sequence[tuple[Line, Decimal, Decimal]]) -> _Entry:
    """The entry with the quantity printed next to it, where quantity times price is its amount."""
    for line, quantity, price in counts:
        near = line.page == entry.line.page and abs(line.number - entry.line.number) == 1
        if near and entry.quantity is None and quantity * price == entry.amount.value:
            return _Entry(entry.line, entry.text, entry.amount, quantity, price)
    return entry


def _in_column(gathered: Sequence[_Entry], total: Line) -> list[_Entry]:
    """The entries whose amounts end where the sum's does; if none does, those that end where most do."""
    flush = [one for one in gathered if _flush(one.line, total)]
    columns = [[other for other in gathered if _flush(one.line, other.line)] for one in gathered]
    widest = max(columns, key=len)
    return flush or (widest if len(widest) > 1 else [])


def _flush(line: Line, other: Line) -> bool:
    return abs(line.segments[-1].x1 - other.segments[-1].x1) < _FLUSH * max(line.height, other.height)
