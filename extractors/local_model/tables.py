"""Lists of objects from the rows under a table's head, over as many pages as it goes on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from extractors.local_model.evidence import Evidence
from extractors.local_model.folding import fold, words
from extractors.local_model.headers import Column, Header, column_of, headers, settled
from extractors.local_model.labels import names_of
from extractors.local_model.lines import Line, ReadPage, Segment
from extractors.local_model.readings import Reading, answer, reading
from extractors.local_model.vocabulary import SUM_WORDS, TAX_WORDS, TOTAL_WORDS
from extractors.local_model.wanted import Field, Group, Rows

_NUMBERS = frozenset({"amount", "quantity", "rate", "integer"})
_FOLD_GAP, _END_GAP = 1.9, 9.0  # in letter heights, between the middles of lines
_PASSED = (
    "openingbalance", "previousbalance", "lastmonth", "balanceb", "balancec", "broughtforward", "carriedforward",
    "ubertrag", "report", "anfangssaldo", "altersaldo", "beginningbalance", "startingbalance", "anciensolde",
)  # fmt: skip
_DISCOUNTS = ("abzgl", "zzgl", "rabatt", "discount", "remise", "korting", "descuento", "sconto")


@dataclass(frozen=True)
class Table:
    """The rows found for a list: their values, and the lines they stand on as (page, line number)."""

    rows: tuple[dict[str, Any], ...] = ()
    region: frozenset[tuple[int, int]] = frozenset()


@dataclass
class _Row:
    """A row as it is gathered: for each column, the segments in it, line by line."""

    cells: dict[int, list[Segment]] = member(default_factory=dict)
    page: int = 0
    last: Line | None = None


_CARD_WORDS = (
    "creditlimit", "minimumdue", "minimumpayment", "minimumamountdue", "totalcredit", "kreditlimit", "kreditkarte",
    "verfugungsrahmen", "limitedecredit", "bestedingslimiet", "limitedecredito", "availablecredit",
)  # fmt: skip


def _owed(pages: Sequence[ReadPage]) -> bool:
    """Whether it is a card's statement, which prints what was spent without a sign."""
    text = fold(" ".join(page.text for page in pages))
    return any(word in text for word in _CARD_WORDS)


def table_of(rows: Rows, pages: Sequence[ReadPage], evidence: Evidence) -> Table:
    """The entries of a list of objects, in document order; nothing when no head names its fields."""
    fields = leaves(rows.item)
    names = names_of(fields)
    found = [(page, header) for page in pages for header in headers(page, names, evidence)]
    parts = _with_rows(found, pages, fields, evidence)
    if not parts:
        return Table()
    owed = _owed(pages)
    most = max(header.score for header, _ in parts)
    entries: list[dict[str, Any]] = []
    region: set[tuple[int, int]] = set()
    for header, gathered in parts:
        if header.score < 0.7 * most:
            continue
        region |= {(header.page, number) for number in range(header.first, header.last + 1)}
        for row in gathered:
            values = _values(row, header.columns, fields, evidence, owed=owed)
            if row.last and sum(value is not None for value in values.values()) >= min(2, len(fields)):
                entries.append(nested(rows.item, values))
                region.add((row.page, row.last.number))
        region |= _between(gathered)
    return Table(tuple(entries), frozenset(region)) if entries else Table()


def leaves(group: Group, path: tuple[str, ...] = ()) -> dict[str, Field]:
    """The single values of an object, nested ones too, under their paths joined by `/`."""
    found: dict[str, Field] = {}
    for name, child in group.children.items():
        if isinstance(child, Field):
            found["/".join((*path, name))] = child
        elif isinstance(child, Group):
            found |= leaves(child, (*path, name))
    return found


def nested(group: Group, values: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values by path, as the object that the schema asks for; lists inside it stay empty."""
    made: dict[str, Any] = {}
    for name, child in group.children.items():
        if isinstance(child, Field):
            made[name] = values.get("/".join((*path, name)))
        elif isinstance(child, Group):
            made[name] = nested(child, values, (*path, name))
        else:
            made[name] = []
    return made


def _with_rows(
    found: Sequence[tuple[ReadPage, Header]], pages: Sequence[ReadPage], fields: dict[str, Field], evidence: Evidence
) -> list[tuple[Header, list[_Row]]]:
    """Each head with its rows; a table that reaches the foot of its page goes on at the top of the next."""
    parts: list[tuple[Header, list[_Row]]] = []
    for page, header in found:
        columns = settled(header, fields)
        stop = min(
            (other.first for _, other in found if other.page == header.page and other.first > header.first),
            default=len(page.lines),
        )
        gathered, ended = _gathered(page, header.last + 1, stop, columns, fields, evidence=evidence)
        following = header.page + 1
        while gathered and not ended and stop == len(page.lines) and following < len(pages):
            if any(other.page == following for _, other in found):
                break
            more, ended = _gathered(
                pages[following], 0, len(pages[following].lines), columns, fields, evidence=evidence, resumed=True
            )
            if not more:
                break
            gathered += more
            following += 1
        if gathered:
            parts.append((columns, gathered))
    return parts


def _gathered(
    page: ReadPage,
    first: int,
    stop: int,
    header: Header,
    fields: dict[str, Field],
    *,
    evidence: Evidence,
    resumed: bool = False,
) -> tuple[list[_Row], bool]:
    """The rows on the lines from `first` to before `stop`, and whether a sum or a wide gap ended the table."""
    main = _main_key(header, fields)
    columns = header.columns
    rows: list[_Row] = []
    leading: list[tuple[Line, dict[int, list[Segment]]]] = []
    lines = page.lines[first:stop]
    leads = _leads(lines, columns, main, fields, evidence)
    above: Line | None = page.lines[first - 1] if first and not resumed else None
    for line in lines:
        if _sums_up(line):
            if _passed_over(line):
                continue
            return rows, bool(rows) or not resumed
        if above is not None and line.middle - above.middle > _END_GAP * max(line.height, above.height):
            return rows, True
        cells = _cells(line, columns)
        if _holds(cells, columns, main, fields, evidence) and (not resumed or len(cells) > 1):
            rows.append(_Row(cells, line.page, line))
            for _, lead in leading:
                _prepend(rows[-1], lead)
            leading = []
            above = line
        elif leads:
            leading.append((line, cells))
            above = line
        elif rows and above is not None and line.middle - above.middle <= _FOLD_GAP * max(line.height, above.height):
            _fold_in(rows[-1], cells, columns, fields)
            above = line
    return rows, False


def _main_key(header: Header, fields: Mapping[str, Field]) -> str:
    """The field that every row must show: the last amount, else a number or date, else the first column's."""
    keyed = [column.key for column in header.columns if column.key]
    for kinds in ({"amount"}, {"quantity", "integer", "rate"}, {"date"}):
        of_kind = [key for key in keyed if fields[key].kind in kinds]
        named = [key for key in of_kind if fields[key].words & {"amount", "total"}]
        if of_kind:
            return (named or of_kind)[-1]
    return keyed[0]


def _leads(
    lines: Sequence[Line], columns: Sequence[Column], main: str, fields: Mapping[str, Field], evidence: Evidence
) -> bool:
    """Whether each entry begins with a line of words and its numbers stand below, as on many receipts."""
    shape: list[bool] = []
    for line in lines:
        if _sums_up(line):
            break
        shape.append(_holds(_cells(line, columns), columns, main, fields, evidence))
    return len(shape) > 1 and not shape[0] and shape[-1] and True in shape[:4]


def _cells(line: Line, columns: Sequence[Column]) -> dict[int, list[Segment]]:
    """A line's segments by column; one that runs over several heads is parted between its words."""
    cells: dict[int, list[Segment]] = {}
    for segment in line.segments:
        under = [
            i
            for i, column in enumerate(columns)
            if min(segment.x1, column.x1) - max(segment.x0, column.x0) > 0.4 * segment.height
        ]
        if len(under) < 2:  # noqa: PLR2004 - one head
            numeric = bool(re.fullmatch(r"[^A-Za-z]*\d[^A-Za-z]*[A-Za-z%€$]{0,3}", segment.text))
            cells.setdefault(column_of(columns, segment, numeric=numeric), []).append(segment)
            continue
        current = under[0]
        for word in segment.words():
            centre = (word.x0 + word.x1) / 2
            current = next((i for i in under if columns[i].x0 - 2 <= centre <= columns[i].x1 + 2), current)
            cells.setdefault(current, []).append(word)
    return cells


def _holds(
    cells: Mapping[int, list[Segment]],
    columns: Sequence[Column],
    key: str,
    fields: Mapping[str, Field],
    evidence: Evidence,
) -> bool:
    return any(
        columns[at].key == key and _read(fields[key], _text(segments), evidence) is not None
        for at, segments in cells.items()
    )


def _sums_up(line: Line) -> bool:
    """Whether a line is a sum, a tax or a balance, and no entry."""
    if _passed_over(line):
        return True
    first = True
    for segment in line.segments:
        text = re.sub(r"\([^)]*\)?|^\W*\d{1,3}\s", " ", segment.text)
        said = [word for word in words(text) if word.strip("0123456789%")]
        if not said:
            continue
        if _names_a_sum(said, first=first):
            return True
        first = False
    return False


def _names_a_sum(said: Sequence[str], *, first: bool) -> bool:
    """Whether a cell's words name a sum; the first words of a line do so more readily than a cell further on."""
    short = len(said) <= 3  # noqa: PLR2004 - a sum's name, no product's
    if said[0] in SUM_WORDS or "".join(said[:2]) in SUM_WORDS:
        return first or short
    if "".join(said) in TOTAL_WORDS:
        return short
    return first and said[0] in TAX_WORDS and len(said) <= 5  # noqa: PLR2004 - "VAT 20 % on 100.00"


def _passed_over(line: Line) -> bool:
    text = fold(line.text)
    return text.startswith(_DISCOUNTS) or any(word in text[:40] for word in _PASSED)


def _prepend(row: _Row, cells: Mapping[int, list[Segment]]) -> None:
    for at, segments in cells.items():
        row.cells[at] = [*segments, *row.cells.get(at, [])]


def _fold_in(
    row: _Row, cells: Mapping[int, list[Segment]], columns: Sequence[Column], fields: Mapping[str, Field]
) -> None:
    for at, segments in cells.items():
        key = columns[at].key
        if key and fields[key].kind == "text":
            row.cells.setdefault(at, []).extend(segments)


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def _read(field: Field, text: str, evidence: Evidence) -> Reading | None:
    if field.kind == "date":
        found = evidence.dates(text, without_year=True)
        return Reading(found[0].value, text[found[0].start : found[0].end], 1.0) if found else None
    return reading(field, text, evidence)


def _values(
    row: _Row, columns: Sequence[Column], fields: Mapping[str, Field], evidence: Evidence, *, owed: bool
) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(fields)
    for at in sorted(row.cells):
        column = columns[at]
        if not column.key or values[column.key] is not None:
            continue
        field = fields[column.key]
        found = _read(field, _text(row.cells[at]), evidence)
        if found is None:
            continue
        signed = field.kind == "amount" and "negative" in field.about
        if signed and (owed or (column.outflow and found.value > 0)):
            found = Reading(-found.value, found.text, found.looks)
        values[column.key] = answer(field, found)
    return values


def _between(rows: Sequence[_Row]) -> set[tuple[int, int]]:
    """Every line from the first row to the last of each page: the lines folded into rows as well."""
    region: set[tuple[int, int]] = set()
    for page in {row.page for row in rows}:
        numbers = [row.last.number for row in rows if row.page == page and row.last]
        region |= {(page, number) for number in range(min(numbers), max(numbers) + 1)}
    return region
