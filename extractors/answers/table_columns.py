"""The columns of a table whose rows an answer has: where their cells stand, and what kinds they are of. Pure."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from extractors.answers.table_cells import Cell
from extractors.answers.table_lines import Line, Lined
from extractors.documents import Box
from schemas.amounts import read

_EDGE, _SAME_EDGE = 0.012, 0.001
"""Fractions of a page's width: edges of one column differ by less; two spreads that tie do."""
_MAIN, _ENOUGH = 0.6, 0.75
"""Share of the rows that fill a main column; share of the main columns that a row fills."""
_LEAST = 2
_SOME = 0.1
"""Share of a column's cells from which on their kind, or a word close behind them, is usual there."""
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1(\d{1,4})?|\d{1,2}[:/]\d\d(:\d\d)?")
_CODE = 6
"""Digits in a row, without cents, that are rather a customer's number than an amount."""
_LEFT, _MIDDLE, _RIGHT = 0, 1, 2


@dataclass(frozen=True)
class Column:
    """Where the cells of one field stand.

    Attributes:
        field: whose they are.
        edges: what they share: the left edge, the middle or the right edge, and where it is; more where they tie.
        kinds: of numbers, where they are any: "date", "cents", "code", "number".
        goes_on: a word that is none of theirs is often close behind them: "12.50 EUR", "12.50 A".
    """

    field: str
    edges: Sequence[tuple[int, float]]
    kinds: frozenset[str]
    goes_on: bool

    def is_filled(self, line: Line) -> bool:
        """Whether a word of a line stands where the cells do; one of their kind, where they are numbers."""
        return any(
            any(abs(_edge(word.box, side) - where) < _EDGE and self._is_apart(line, at, side)
                for side, where in self.edges)
            and (not self.kinds or _kind(word.text) in self.kinds)
            for at, word in enumerate(line.words)
        )  # fmt: skip

    def _is_apart(self, line: Line, at: int, side: int) -> bool:
        begins = side == _RIGHT or line.ends_a_cell(at, behind=False)
        return begins and (side == _LEFT or self.goes_on or line.ends_a_cell(at, behind=True))


def main_columns(cells: Sequence[Cell], lines: Mapping[int, Lined]) -> list[Column]:
    """The columns that most rows fill."""
    by_field: dict[str, list[Cell]] = defaultdict(list)
    for cell in _untwisted(_of_main_lines(cells)):
        by_field[cell.field].append(cell)
    # Rows of several lines are more lines than rows, and equal rows may be found on one and the same line.
    rows = min(len({cell.row for cell in cells}), len({cell.place for cell in cells}))
    found = []
    for of_field in by_field.values():
        if len({cell.place for cell in of_field}) >= _MAIN * rows:
            column = _column(of_field, lines)
            side, where = column.edges[0]
            if len({cell.place for cell in of_field if abs(_edge(cell.box, side) - where) < _EDGE}) >= _MAIN * rows:
                found.append(column)
    return found


def _of_main_lines(cells: Sequence[Cell]) -> list[Cell]:
    """The cells on the line that shows most of their row: a row's other lines are filled as they come."""
    # A price that is an amount too, and printed once, is one cell: of the field that comes last.
    apart = {(cell.row, cell.place, cell.box): cell for cell in cells}.values()
    counts: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for cell in apart:
        counts[cell.row][cell.place] += 1
    main = {
        row: max(places, key=lambda place: (places[place], -place[0], -place[1])) for row, places in counts.items()
    }
    return [cell for cell in apart if cell.place == main[cell.row]]


def _untwisted(cells: Sequence[Cell]) -> list[Cell]:
    """Each cell in its field's column: of a price and an amount that are equal, either may have been found first."""
    alike: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        alike[cell.row, cell.text].append(cell)
    lefts: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if len(alike[cell.row, cell.text]) == 1:
            lefts[cell.field].append(cell.box[0])
    usual = {field: statistics.median(each) for field, each in lefts.items()}
    found: list[Cell] = []
    for group in alike.values():
        if len(group) > 1:
            boxes = sorted(cell.box for cell in group)
            fields = sorted(group, key=lambda cell: usual.get(cell.field, 0.0))
            found += [replace(cell, box=box) for cell, box in zip(fields, boxes, strict=True)]
        else:
            found += group
    return found


def looks_like_a_row(filled: Sequence[Column], columns: Sequence[Column]) -> bool:
    """Whether a line fills most of a table's columns, one of numbers among them where there is any."""
    numbered = any(column.kinds for column in filled)
    anywhere = any(column.kinds for column in columns)
    return len(filled) >= max(min(_LEAST, len(columns)), _ENOUGH * len(columns)) and (numbered or not anywhere)


def is_with_cents(text: str) -> bool:
    """Whether a word shows an amount with two decimals."""
    return _kind(text) == "cents"


def _column(cells: Sequence[Cell], lines: Mapping[int, Lined]) -> Column:
    middles = {side: statistics.median(_edge(cell.box, side) for cell in cells) for side in (_LEFT, _RIGHT, _MIDDLE)}
    spreads = {
        side: statistics.fmean(abs(_edge(cell.box, side) - where) for cell in cells)
        for side, where in middles.items()
    }
    least = min(spreads.values())
    edges = [(side, middles[side]) for side, spread in spreads.items() if spread <= least + _SAME_EDGE]
    numbers = sum(sum(map(str.isdecimal, cell.text)) * 2 > len(cell.text) for cell in cells)
    kinds: frozenset[str] = frozenset()
    if numbers * 2 > len(cells):
        counts = Counter(_kind(_number(cell.text)) for cell in cells)
        kinds = frozenset(kind for kind, count in counts.items() if kind and count >= _SOME * len(cells))
        kinds |= {"cents"} if "number" in kinds else set()
    going_on = sum(_goes_on(cell, lines[cell.place[0]].lines[cell.place[1]]) for cell in cells)
    return Column(cells[0].field, edges, kinds, goes_on=going_on > _SOME * len(cells))


def _edge(box: Box, side: int) -> float:
    return (box[0] + box[2]) / 2 if side == _MIDDLE else box[side]


def _goes_on(cell: Cell, line: Line) -> bool:
    """Whether a word stands close behind a cell."""
    ends = [at for at, word in enumerate(line.words) if abs(word.box[2] - cell.box[2]) < _SAME_EDGE]
    return bool(ends) and not line.ends_a_cell(ends[-1], behind=True)


def _number(text: str) -> str:
    """The last of some words that shows a number."""
    return next((word for word in reversed(text.split()) if any(map(str.isdecimal, word))), "")


@lru_cache(maxsize=4096)
def _kind(text: str) -> str:
    """What kind of number a word is; "" for none."""
    plain = text.strip(" *:;=|_,")
    if not any(map(str.isdecimal, plain)):
        return ""
    if _DATE.fullmatch(plain):
        return "date"
    if plain.isdecimal() and len(plain) >= _CODE:
        return "code"
    return "cents" if read(plain, units=True).cents else "number"
