"""Answer against text layer: which table rows of a page are in no record, and which are in it twice. Pure.

A model that reads a long table may stop early, skip a page or a row, and the answer is valid all the same. Where it
has rows, the page's lines that look like them are held against them (`table_rows`). Where it has none, a long
column of amounts is doubted: it may be of a table that nobody asked for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from extractors.answers.table_lines import Lined, lined
from extractors.answers.table_rows import left_out, lines_taken
from extractors.documents import Box, Evidence, Word
from schemas.amounts import read
from schemas.habits import PageHabits
from schemas.record import InvalidRecord, Schema

_AROUND = " *:;=|_"
_DIGITS = 3
_ALIGNED = 0.006
_COLUMN, _LONG_COLUMN = 4, 10
_MISSING, _CERTAIN, _SHARE = 4, 3, 0.2


@dataclass(frozen=True)
class Unread:
    """What one page shows and the answer lacks.

    Attributes:
        missing: table rows of the page that are in no record.
        rows: table rows of the page.
        certain: other rows of the same table are in the answer, and several are missing: one may be a sum of others.
    """

    missing: int
    rows: int
    certain: bool


@dataclass(frozen=True)
class _Number:
    """A number of the text layer, with its right edge."""

    page: int
    line: int
    edge: float
    is_amount: bool


@dataclass(frozen=True)
class _Row:
    page: int
    line: int
    columns: frozenset[int]
    holds_amounts: bool


def unread_rows(
    value: Mapping[str, Any], evidence: Sequence[Evidence], pages: Mapping[int, Sequence[Word]],
    row_fields: Sequence[str],
) -> dict[int, Unread]:  # fmt: skip
    """Pages of a window whose tables the answer leaves out in part.

    Args:
        value: the window's answer.
        evidence: where its values stand.
        pages: page number -> the words that a reader sees there.
        row_fields: paths of the answer's lists of objects (`items`, `records.items`); without any, no row is missed.

    Returns:
        Page number -> what is missing there; empty where no page has words.
    """
    if not row_fields:
        return {}
    own = [row for name in row_fields for row in _rows_at(value, name)]
    if own:
        found = left_out(evidence, pages, row_fields)
        return {
            page: Unread(missing, rows, certain=missing >= _CERTAIN and missing >= _SHARE * rows)
            for page, (missing, rows) in found.items()
        }
    if _amounts(pages.values()) < _LONG_COLUMN:
        return {}  # the usual page without a table, told at a tenth of the cost
    lines = {page: lined(words) for page, words in pages.items()}
    rows = _table_rows([number for page, each in lines.items() for number in _numbers(page, each)])
    lengths = Counter(row.columns for row in rows if row.holds_amounts)
    long = {columns for columns, count in lengths.items() if count >= _LONG_COLUMN}
    taken = lines_taken(evidence, lines)
    shown = Counter(row.page for row in rows if row.columns in long)
    missing = Counter(row.page for row in rows if row.columns in long and (row.page, row.line) not in taken)
    return {page: Unread(count, shown[page], certain=False) for page, count in missing.items() if count >= _MISSING}


def repeated_rows(value: Mapping[str, Any], evidence: Sequence[Evidence], row_fields: Sequence[str]) -> list[str]:
    """Paths of rows that the answer has once more than the page: equal to another one, and found where that is."""
    found = []
    places: dict[str, set[tuple[int, Box]]] = defaultdict(set)
    for item in evidence:
        row = _row_of(item.path, row_fields)
        if row and item.page is not None and item.box is not None and len(item.text or "") >= _DIGITS:
            places[row].add((item.page, item.box))
    equal: dict[str, list[str]] = defaultdict(list)
    for row in places:
        equal[row.rpartition(".")[0] + repr(_at(value, row))].append(row)
    for rows in equal.values():
        seen: set[tuple[int, Box]] = set()
        for row in rows:
            if not seen.isdisjoint(places[row]):
                found.append(row)
            seen |= places[row]
    return found


def odd_rows(value: Mapping[str, Any], evidence: Sequence[Evidence], row_fields: Sequence[str]) -> int:
    """How many rows are there twice, or stand nowhere: what a second answer must not have more of."""
    placed: dict[str, bool] = {}
    for item in evidence:
        row = _row_of(item.path, row_fields)
        if row:
            placed[row] = placed.get(row, False) or item.box is not None
    return len(repeated_rows(value, evidence, row_fields)) + list(placed.values()).count(False)


def broken_checks(value: Mapping[str, Any], schema: Schema, habits: PageHabits) -> frozenset[str]:
    """The names of the schema's rules that do not hold for an answer; of what is no record alone none is known."""
    try:
        return frozenset(name for name, _ in schema.check(schema.parse(value, habits)))
    except InvalidRecord:
        return frozenset()


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _row_of(path: str, row_fields: Sequence[str]) -> str:
    """The row that a value belongs to, `items.3`; "" for one of no list that is meant."""
    steps = path.split(".")
    for at in range(len(steps) - 1, 0, -1):
        if steps[at].isdecimal():
            name = ".".join(step for step in steps[:at] if not step.isdecimal())
            return ".".join(steps[: at + 1]) if name in row_fields else ""
    return ""


def _amounts(pages: Iterable[Sequence[Word]]) -> int:
    """How many amounts some pages show, at most."""
    return sum(not text.isalpha() and bool(_is_amount(text)) for words in pages for text, _ in words)


def _rows_at(value: Mapping[str, Any], path: str) -> list[Any]:
    name, _, inner = path.partition(".")
    rows = list(value.get(name) or ())
    return [deeper for row in rows for deeper in _rows_at(row, inner)] if inner else rows


def _numbers(page: int, shown: Lined) -> Iterator[_Number]:
    """The numbers of a page, line by line; dates and small counts are left out."""
    for at, line in enumerate(shown.lines):
        for word in line.words:
            is_amount = _is_amount(word.text)
            if is_amount is not None:
                yield _Number(page, at, word.box[2], is_amount)


@lru_cache(maxsize=4096)
def _is_amount(text: str) -> bool | None:
    """Whether a number is an amount; None for what is no number, or a small count."""
    if sum(map(str.isdecimal, text)) < _DIGITS:
        return None
    reading = read(text.strip(_AROUND), units=True)
    return reading.cents if reading.values else None


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
        _Row(page, line, frozenset(map(column_of.__getitem__, of_line)), any(each.is_amount for each in of_line))
        for (page, line), of_line in lines.items()
    ]
