"""Lists of objects from the rows of tables, over as many pages as they go on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.local_model.evidence import Evidence
from extractors.local_model.headers import Column, headers
from extractors.local_model.labels import names_of
from extractors.local_model.readings import Reading, answer
from extractors.local_model.rows import Row, cell_reading, rows_under
from extractors.local_model.sums import passed_over
from extractors.local_model.unheaded import unheaded
from extractors.local_model.vocabulary import OUTFLOW_MARKS
from extractors.local_model.wanted import Field, Rows, leaves, nested
from extractors.pages.lines import ReadPage
from schemas.folding import fold

_CARD_WORDS = (
    "creditlimit", "minimumdue", "minimumpayment", "minimumamountdue", "totalcredit", "kreditlimit", "kreditkarte",
    "verfugungsrahmen", "limitedecredit", "bestedingslimiet", "limitedecredito", "availablecredit",
)  # fmt: skip
_COUNTED = re.compile(r"(\d{1,3})\s?(?:[xX×*]\s?)?\s(?=[^\W\d_]{2})")
_WEAK = 0.7  # of the best head's score: a lesser table holds something else


@dataclass(frozen=True)
class Table:
    """The rows found for a list: their values, and the lines they stand on as (page, line number)."""

    rows: tuple[dict[str, Any], ...] = ()
    region: frozenset[tuple[int, int]] = frozenset()


def table_of(rows: Rows, pages: Sequence[ReadPage], evidence: Evidence) -> Table:
    """The entries of a list of objects, in document order.

    They stand under heads that name their fields; without any head, before the sum that adds them up.
    """
    fields = leaves(rows.item)
    entries, region = _headed(fields, pages, evidence)
    if not entries:
        entries, region = unheaded(fields, pages, evidence)
    if not entries:
        return Table()
    own = {(page, line.number) for page, read in enumerate(pages) for line in read.lines if passed_over(line)}
    return Table(tuple(nested(rows.item, values) for values in entries), frozenset(region - own))


def _headed(
    fields: dict[str, Field], pages: Sequence[ReadPage], evidence: Evidence
) -> tuple[list[dict[str, Any]], set[tuple[int, int]]]:
    names = names_of(fields)
    found = [(page, header) for page in pages for header in headers(page, names, evidence)]
    parts = rows_under(found, pages, fields, evidence)
    most = max((header.score for header, _ in parts), default=0.0)
    owed = _owed(pages)
    entries: list[dict[str, Any]] = []
    region: set[tuple[int, int]] = set()
    for header, gathered in parts:
        if header.score < _WEAK * most:
            continue
        region |= {(header.page, number) for number in range(header.first, header.last + 1)}
        kept = []
        for row in gathered:
            values = _values(row, header.columns, fields, evidence, owed=owed)
            if row.last and sum(value is not None for value in values.values()) >= min(2, len(fields)):
                entries.append(_with_day(values, entries, fields))
                kept.append(row)
        region |= _between(kept)
    return _with_counts(entries, fields), region


def _owed(pages: Sequence[ReadPage]) -> bool:
    """Whether it is a card's statement, which prints what was spent without a sign."""
    text = fold(" ".join(page.text for page in pages))
    return any(word in text for word in _CARD_WORDS)


def _values(
    row: Row, columns: Sequence[Column], fields: Mapping[str, Field], evidence: Evidence, *, owed: bool
) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(fields)
    marked = any(fold(segment.text) in OUTFLOW_MARKS for cell in row.cells.values() for segment in cell)
    for at in sorted(row.cells):
        column = columns[at]
        if not column.key or values[column.key] is not None:
            continue
        field = fields[column.key]
        found = cell_reading(field, row.cells[at], evidence)
        if found is None:
            continue
        signed = field.kind == "amount" and "negative" in field.about
        if signed and (owed or ((column.outflow or marked) and found.value > 0)):
            found = Reading(-found.value, found.text, found.looks)
        values[column.key] = answer(field, found)
    return values


def _with_day(
    values: dict[str, Any], above: Sequence[Mapping[str, Any]], fields: Mapping[str, Field]
) -> dict[str, Any]:
    """An entry without a date has that of the entry above: statements print a day once."""
    if not above:
        return values
    days = {key: above[-1][key] for key, field in fields.items() if field.kind == "date" and values[key] is None}
    return values | days


def _with_counts(entries: list[dict[str, Any]], fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    """Descriptions without the number they all begin with: a quantity (`2 Coffee`), or the row's own (1, 2, 3)."""
    text = next((key for key, field in fields.items() if field.kind == "text"), None)
    count = next((key for key, field in fields.items() if field.kind == "quantity"), None)
    if text is None or count is None or any(entry[count] is not None for entry in entries):
        return entries
    matches = [_COUNTED.match(entry[text] or "") for entry in entries]
    if not entries or not all(matches):
        return entries
    counts = [match[1] for match in matches if match]
    numbered = len(counts) > 1 and counts == [str(number) for number in range(1, len(counts) + 1)]
    return [
        entry
        | {text: entry[text][match.end() :]}
        | ({} if numbered else {count: answer(fields[count], Reading(Decimal(match[1]), match[1], 1.0))})
        for entry, match in zip(entries, matches, strict=True)
        if match
    ]


def _between(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Every line from the first row to the last of each page: the lines folded into rows as well."""
    region: set[tuple[int, int]] = set()
    for page in {row.page for row in rows}:
        numbers = [row.last.number for row in rows if row.page == page and row.last]
        region |= {(page, number) for number in range(min(numbers), max(numbers) + 1)}
    return region
