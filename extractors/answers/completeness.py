"""Answer against text layer: which table rows of a page are in no record. Pure.

A model that reads a long table may stop early or skip a page, and the answer is valid all the same. So
the numbers that stand under each other in the page's text layer are looked for in the answer. It is a
count, not a proof: it speaks up only where several rows of a table that the answer otherwise knows are
missing, or where a long column of amounts gave no row at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from extractors.documents import Word
from schemas.amounts import Reading, read

_AROUND = " *:;=|_"
_DIGITS = 3
_ALIGNED = 0.006
_COLUMN, _LONG_COLUMN = 4, 10
_MISSING, _SHARE, _DENSE = 4, 0.2, 0.7


@dataclass(frozen=True)
class Unread:
    """What one page shows and the answer lacks.

    Attributes:
        missing: table rows of the page that are in no record.
        rows: table rows of the page.
        certain: other rows of the same table are in the answer, so that it is one that is asked for.
    """

    missing: int
    rows: int
    certain: bool


@dataclass(frozen=True)
class _Number:
    """A number of the text layer: what it can mean, with and without the group before it; its right edge."""

    page: int
    line: int
    values: frozenset[Decimal]
    edge: float
    is_amount: bool


@dataclass(frozen=True)
class _Row:
    page: int
    numbers: tuple[_Number, ...]
    columns: frozenset[int]


def unread_rows(
    value: Mapping[str, Any], pages: Mapping[int, Sequence[Word]], row_fields: Sequence[str]
) -> dict[int, Unread]:
    """Pages of a window whose tables the answer leaves out in part.

    Args:
        value: the window's answer.
        pages: page number -> the words that a reader sees there.
        row_fields: paths of the answer's lists of objects (`items`, `records.items`); without any, no row is missed.

    Returns:
        Page number -> what is missing there, for the pages where much is; empty where no page has a text layer.
    """
    if not row_fields:
        return {}
    own = [row for name in row_fields for row in _rows_at(value, name)]
    if not own and _amounts(pages.values()) < _LONG_COLUMN:
        return {}  # the usual page without a table, told at a tenth of the cost
    rows = _table_rows([number for page, words in pages.items() for number in _numbers(page, words)])
    found = _found(rows, Counter(_values_in(value)))
    # A closing balance is the last row's too: of the head's numbers none says that a table is asked for.
    asked_for = _asked_for(rows, _found(rows, Counter(_values_in(own))))
    certain = bool(asked_for)
    if not certain and not own:
        lengths = Counter(row.columns for row in rows if _holds_amounts(row))
        asked_for = {columns for columns, count in lengths.items() if count >= _LONG_COLUMN}
    by_page: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        if row.columns in asked_for:
            by_page[row.page].append(row)
    missing = {page: sum(row not in found for row in of_page) for page, of_page in by_page.items()}
    return {
        page: Unread(missing[page], len(of_page), certain)
        for page, of_page in by_page.items()
        if missing[page] >= _MISSING and missing[page] > _SHARE * len(of_page)
    }


def _amounts(pages: Iterable[Sequence[Word]]) -> int:
    """How many amounts some pages show, at most."""
    return sum(bool((told := _told(word.text)) and told[1]) for words in pages for word in words)


def _rows_at(value: Mapping[str, Any], path: str) -> list[Any]:
    name, _, inner = path.partition(".")
    rows = list(value.get(name) or ())
    return [deeper for row in rows for deeper in _rows_at(row, inner)] if inner else rows


def _asked_for(rows: Sequence[_Row], found: set[_Row]) -> set[frozenset[int]]:
    """The kinds of rows, by the columns that they fill, that the answer holds.

    Between the first and the last row that it holds of a page it holds most: rows that are only sprinkled
    over it share a number with something else, or are one line of an entry that has several.
    """
    spans: dict[tuple[int, frozenset[int]], list[bool]] = defaultdict(list)
    for row in rows:
        spans[row.page, row.columns].append(row in found)
    held: Counter[frozenset[int]] = Counter()
    spanned: Counter[frozenset[int]] = Counter()
    for (_, columns), hits in spans.items():
        if any(hits):
            held[columns] += sum(hits)
            spanned[columns] += len(hits) - hits.index(True) - hits[::-1].index(True)
    return {columns for columns, count in held.items() if count >= _MISSING and count >= _DENSE * spanned[columns]}


def _holds_amounts(row: _Row) -> bool:
    return any(number.is_amount for number in row.numbers)


def _numbers(page: int, words: Sequence[Word]) -> Iterator[_Number]:
    """The numbers of a page, line by line; dates and small counts are left out."""
    for line, of_line in enumerate(_lines(words)):
        before = ""
        for word in of_line:
            told = _told(word.text)
            if told is not None:
                values, is_amount = told
                # "1 234,50" is two words and one number.
                joined = _told(f"{before} {word.text}") if _goes_on(before, word.text) else None
                yield _Number(page, line, values | joined[0] if joined else values, word.box[2], is_amount)
            before = word.text


def _goes_on(before: str, text: str) -> bool:
    """Whether a word can be the next group of three digits of the number before it."""
    return (
        before.isdecimal() and len(before) <= _DIGITS and text[:_DIGITS].isdecimal()
        and len(text) >= _DIGITS and not text[_DIGITS : _DIGITS + 1].isdecimal()
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _told(text: str) -> tuple[frozenset[Decimal], bool] | None:
    """What a number can mean, and whether it is an amount; None for what is no number, or a small count."""
    if sum(map(str.isdecimal, text)) < _DIGITS:
        return None
    reading = _reading(text)
    return (_unsigned(reading), reading.cents) if reading.values else None


def _reading(text: str) -> Reading:
    return read(text.strip(_AROUND), units=True)


def _unsigned(reading: Reading) -> frozenset[Decimal]:
    return frozenset(map(abs, reading.values))


def _lines(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words at the same height, from left to right: a table's cells are often apart in reading order."""
    # Both are sums of top and bottom: twice the distance of the middles.
    heights = [word.box[1] + word.box[3] for word in words]
    line: list[Word] = []
    before = 0.0
    for number in sorted(range(len(words)), key=heights.__getitem__):
        word, height = words[number], heights[number]
        if line and height - before > word.box[3] - word.box[1]:
            yield sorted(line, key=_left)
            line = []
        line.append(word)
        before = height
    if line:
        yield sorted(line, key=_left)


def _left(word: Word) -> float:
    return word.box[0]


def _table_rows(numbers: Sequence[_Number]) -> list[_Row]:
    """The lines that share a column with others, in page order."""
    # Columns of numbers are set flush right: the right edge names the column.
    column_of: dict[_Number, int] = {}
    sizes: Counter[int] = Counter()
    column, edge = 0, -1.0
    for number in sorted(numbers, key=lambda number: number.edge):
        if number.edge - edge > _ALIGNED:
            column += 1
        edge = number.edge
        column_of[number] = column
        sizes[column] += 1
    lines: dict[tuple[int, int], list[_Number]] = defaultdict(list)
    for number in numbers:
        if sizes[column_of[number]] >= _COLUMN:
            lines[number.page, number.line].append(number)
    return [
        _Row(page, tuple(of_line), frozenset(column_of[number] for number in of_line))
        for (page, _), of_line in lines.items()
    ]


def _found(rows: Sequence[_Row], left: Counter[Decimal]) -> set[_Row]:
    """The rows of which a number is in the answer; each number of the answer stands for one row only."""
    found = set()
    for row in rows:
        for number in row.numbers:
            value = next((value for value in number.values if left[value] > 0), None)
            if value is not None:
                left[value] -= 1
                found.add(row)
    return found


def _values_in(value: Any) -> Iterator[Decimal]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _values_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from _values_in(child)
    elif value is not None and not isinstance(value, bool):
        for word in str(value).split():
            yield from _unsigned(_reading(word))
