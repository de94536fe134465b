"""The rows under a table's head: which lines are rows, and which cell of a row stands under which head."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member

from extractors.local_model.evidence import Evidence
from extractors.local_model.headers import Column, Header, column_of, settled
from extractors.local_model.readings import Reading, reading
from extractors.local_model.sums import passed_over, sums_up
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, ReadPage, Segment

_ASIDE = re.compile(r"^[^\W\d][^:]{1,30}:\s*\S*\d")  # "Order No.: 12" under the text of an entry
_CODE = re.compile(r"^[^\W\d_a-z]{1,6}[-.]?\d[\dA-Z.-]*$")  # the number of an article
_FOLD_GAP, _END_GAP = 1.9, 9.0  # in letter heights, between the middles of lines


@dataclass
class Row:
    """A row as it is gathered: for each column, the segments in it, line by line; `told` once asides follow."""

    cells: dict[int, list[Segment]] = member(default_factory=dict)
    page: int = 0
    last: Line | None = None
    told: bool = False


def rows_under(
    found: Sequence[tuple[ReadPage, Header]], pages: Sequence[ReadPage], fields: dict[str, Field], evidence: Evidence
) -> list[tuple[Header, list[Row]]]:
    """Each head with its rows; a table that reaches the foot of its page goes on at the top of the next."""
    parts: list[tuple[Header, list[Row]]] = []
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
) -> tuple[list[Row], bool]:
    """The rows on the lines from `first` to before `stop`, and whether a sum or a wide gap ended the table."""
    main = _main_key(header, fields)
    columns = header.columns
    rows: list[Row] = []
    leading: list[dict[int, list[Segment]]] = []
    lines = page.lines[first:stop]
    leads = _leads(lines, columns, main, fields, evidence)
    above: Line | None = page.lines[first - 1] if first and not resumed else None
    for line in lines:
        if sums_up(line):
            if passed_over(line):
                continue
            return rows, bool(rows) or not resumed
        if above is not None and line.middle - above.middle > _END_GAP * max(line.height, above.height):
            return rows, True
        cells = _cells(line, columns)
        if _holds(cells, columns, main, fields, evidence) and (not resumed or len(cells) > 1):
            rows.append(Row(cells, line.page, line))
            for at, segments in (entry for lead in leading for entry in lead.items()):
                rows[-1].cells[at] = [*segments, *rows[-1].cells.get(at, [])]
            leading = []
            above = line
        elif leads:
            leading.append(cells)
            above = line
        elif rows and above is not None and line.middle - above.middle <= _FOLD_GAP * max(line.height, above.height):
            _fold_in(rows[-1], line, columns, fields)
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
        if sums_up(line):
            break
        shape.append(_holds(_cells(line, columns), columns, main, fields, evidence))
    return len(shape) > 1 and not shape[0] and shape[-1] and True in shape[:4]


def _cells(line: Line, columns: Sequence[Column], *, whole: bool = False) -> dict[int, list[Segment]]:
    """A line's segments by column; one that runs over several heads is parted between its words, if not `whole`."""
    cells: dict[int, list[Segment]] = {}
    for segment in line.segments:
        under = [
            i
            for i, column in enumerate(columns)
            if min(segment.x1, column.x1) - max(segment.x0, column.x0) > 0.4 * segment.height
        ]
        if len(under) > 1 and whole:
            cells.setdefault(under[0], []).append(segment)
            continue
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
        columns[at].key == key and cell_reading(fields[key], segments, evidence) is not None
        for at, segments in cells.items()
    )


def _fold_in(row: Row, line: Line, columns: Sequence[Column], fields: Mapping[str, Field]) -> None:
    """Adds a line under an entry to its texts, up to an aside; a number in a line of its own above words is none."""
    row.told = row.told or any(_ASIDE.match(segment.text) for segment in line.segments)
    for at, segments in _cells(line, columns, whole=True).items():
        key = columns[at].key
        if key and fields[key].kind == "text" and not row.told:
            above = row.cells.get(at, [])
            row.cells[at] = segments if len(above) == 1 and _CODE.match(above[0].text) else [*above, *segments]


def cell_reading(field: Field, segments: Sequence[Segment], evidence: Evidence) -> Reading | None:
    """What a cell says as a field's value; None when it holds no such value."""
    if field.kind != "date":
        return reading(field, " ".join(segment.text for segment in segments), evidence)
    # Two days side by side, of booking and of value, are two segments: "02.04." and "02.04." is no "02.04.02".
    for segment in segments:
        found = evidence.dates(segment.text, without_year=True)
        if found:
            return Reading(found[0].value, segment.text[found[0].start : found[0].end], 1.0)
    return None
