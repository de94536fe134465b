"""Which values have another sign than the page prints, by the page's own convention. Pure.

A minus that is printed is a minus. Where a whole column, or all amounts of a record, have the other sign than the
page prints (spendings on a card's statement, a credit note), that is its convention; one that differs from it is
wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from extractors.answers.page_text import PageText, Place
from extractors.answers.placing import Sought, Spot
from schemas.amounts import read
from schemas.folding import fold
from schemas.leaves import Leaves

_ENOUGH, _CLEAR = 2, 0.7
_COLUMN, _BESIDE, _SUMS = 0.03, 0.02, 2
_SPENT = frozenset({
    "debit", "debits", "debe", "soll", "withdrawal", "withdrawals", "paid", "out", "outgoing", "payments", "spent",
    "belastung", "belastungen", "lastschrift", "ausgang", "ausgaben", "cargo", "cargos", "dare", "addebiti", "uscite",
    "retraits", "depenses", "sorties", "charges",
})  # fmt: skip
"""Heads of columns whose amounts go out, folded."""


def wrong_signs(
    sought: Sequence[Sought],
    chosen: Mapping[str, Spot],
    values: Mapping[str, Any],
    leaves: Leaves,
    texts: Mapping[int, PageText],
) -> frozenset[str]:
    """The paths of the numbers that stand on the page with another sign.

    Args:
        sought: the leaves that were looked for.
        chosen: path -> where each stands.
        values: path -> the leaf.
        leaves: what the schema says of them.
        texts: number -> page.
    """
    signed: list[tuple[Sought, bool]] = []
    columns: dict[tuple[object, ...], Counter[bool]] = defaultdict(Counter)
    record: dict[str, Counter[bool]] = {"": Counter(), "-": Counter()}
    sums: dict[str, Counter[bool]] = {"": Counter(), "-": Counter()}
    for value in sought:
        known = leaves.by_path.get(value.field)
        if value.path not in chosen or (known is not None and known.unsigned and not value.row):
            continue
        negative, mark = is_negative(values[value.path]), chosen[value.path].place.mark
        if negative is None or mark not in record:
            continue
        turned = negative != (mark == "-")
        signed.append((value, turned))
        columns[_column(value, chosen[value.path])][turned] += 1
        record[str(mark)][turned] += 1
        if not value.row:
            sums[str(mark)][turned] += 1
    # A credit note may be printed without a minus: where its sums are turned, its rows are.
    notes = {mark for mark, each in sums.items() if each[True] >= _SUMS and not each[False]}
    return frozenset(
        value.path
        for value, turned in signed
        if not _is_usual(turned, columns[_column(value, spot := chosen[value.path])], record[str(spot.place.mark)])
        and not (turned and spot.place.mark in notes)
        and not (turned and is_negative(values[value.path]) and _goes_out(spot.place, texts))
    )


def _goes_out(place: Place, texts: Mapping[int, PageText]) -> bool:
    """Whether the head of a place's column says that what stands there is spent: "Debit", "Paid out"."""
    text = texts[place.page]
    x0, x1 = text.edges_of(place)
    for line in range(text.lines[place.first] - 1, -1, -1):
        over = [
            n
            for n in text.of_line[line]
            if text.words[n].box[0] < x1 + _BESIDE and x0 - _BESIDE < text.words[n].box[2]
        ]
        named = [text.words[n].text for n in over if not any(map(str.isdecimal, text.words[n].text))]
        if named:
            return any(fold(each) in _SPENT for each in named)
    return False


def signed_elsewhere(
    refused: Sequence[Sought], chosen: Mapping[str, Spot], values: Mapping[str, Any]
) -> dict[str, Spot]:
    """Path -> the place that shows a single value's minus, where its likeliest place has none.

    A credit note's total is "-119.00", and the sentence under it says that 119.00 will be paid. The reverse
    proves nothing: many amounts that are printed with a minus are named without one in the text.
    """
    return {
        value.path: spot
        for value in refused
        if not value.row and is_negative(values[value.path]) and chosen[value.path].place.mark == ""
        for spot in value.spots
        if spot.place.mark == "-"
    }


def _is_usual(turned: bool, column: Counter[bool], record: Counter[bool]) -> bool:  # noqa: FBT001 - one of two signs
    """Whether a sign is that of the page, or turned as its neighbours' are: its column's, else the record's."""
    for neighbours in (column, record):
        others = neighbours.total() - 1
        same = (neighbours[turned] - 1) / others if others else 0.0
        if others >= _ENOUGH and not 1 - _CLEAR < same < _CLEAR:
            return same >= _CLEAR
    return not turned


def _column(value: Sought, spot: Spot) -> tuple[object, ...]:
    """The cells of one column of a table; the record's own amounts."""
    # In this order NaN, which broken files have for boxes, becomes 0.
    return (value.field, round(min(1.0, max(0.0, spot.x1)) / _COLUMN)) if value.row else ("",)


def is_negative(leaf: Any) -> bool | None:
    """Whether a number is below zero; None for what is no number, or none but zero."""
    if isinstance(leaf, bool):
        return None
    if isinstance(leaf, int | float):
        return leaf < 0 if leaf else None
    if not isinstance(leaf, str) or not any(map(str.isdecimal, leaf)):
        return None
    values = read(leaf, units=True).values
    return values[0] < 0 if len(values) == 1 and values[0] else None
