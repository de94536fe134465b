"""A page's lines held against the rows that an answer has on it: which lines look like its rows and are none. Pure.

Grounding says where the cells of the answer's rows stand. What they share (the edges of their columns) is what a row
of that table looks like; a line that looks so, and on which no row stands, is a row that was left out.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from extractors.answers.table_cells import (
    At,
    Cell,
    Place,
    cell_of,
    is_in_a_list,
    is_of_another_list,
    own_cells,
    placed,
)
from extractors.answers.table_columns import Column, is_with_cents, looks_like_a_row, main_columns
from extractors.answers.table_lines import Line, Lined, lined
from extractors.documents import Box, Evidence, Word

_LEAST, _SEVERAL, _LONG = 2, 3, 6
_APART = 2.0
"""Times a table's widest step from one line to the next: what is farther off is another table."""
_SLACK = 0.001
"""A fraction of a page's width."""


@dataclass(frozen=True)
class _Table:
    """What the answer says of one table.

    Attributes:
        columns: those that most of its rows fill.
        own: the lines on which its rows stand.
        totals: digits of the record's single values, of three or more.
        beside: the lines on which one of these stands.
    """

    columns: Sequence[Column]
    own: frozenset[Place]
    totals: frozenset[str]
    beside: frozenset[Place]

    @property
    def is_narrow(self) -> bool:
        """Whether a name and an amount are all that its rows have, as sums do."""
        return len(self.columns) < _SEVERAL

    def shows_a_total(self, line: Line) -> bool:
        """Whether one of a line's numbers is a single value of the record."""
        return not self.totals.isdisjoint(map(_digits, line.numbers))


def left_out(
    evidence: Sequence[Evidence], pages: Mapping[int, Sequence[Word]], row_fields: Sequence[str]
) -> dict[int, tuple[int, int]]:
    """Pages with lines that look like rows and are none.

    Args:
        evidence: where the answer's values stand.
        pages: page number -> the words that a reader sees there.
        row_fields: the lists of objects whose rows are meant, without positions.

    Returns:
        Page -> how many lines are missing, and how many rows of the table it shows in all.
    """
    lines = {page: lined(words) for page, words in pages.items()}
    at_lines = placed(evidence, lines)
    tables = {name: own_cells(at_lines, name) for name in row_fields}
    cut = _cut([cell for cells in tables.values() for cell in cells])
    if cut is not None:
        return _of_halves(evidence, pages, row_fields, cut)
    single = [(page, at) for page, at, item in at_lines if not is_in_a_list(item.path)]
    columns_of = {name: main_columns(cells, lines) for name, cells in tables.items()}
    own_of = {name: _own_lines(cells, columns_of[name]) for name, cells in tables.items()}
    taken = {place for own in own_of.values() for place in own}
    taken |= {(page, at) for page, at, item in at_lines if is_of_another_list(item.path, row_fields)}
    found: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    for name, cells in tables.items():
        columns = columns_of[name]
        if len(columns) < _LEAST and not (columns and len(cells) >= _SEVERAL * _SEVERAL):
            continue
        table = _Table(columns, own_of[name], _totals(evidence), frozenset(single))
        missing = _without_copies(_like_rows(lines, table, taken), table.own, lines)
        if len(columns) == 1:
            # Of a lone column a few more numbers may stand under it by chance.
            counts = Counter(page for page, _ in missing)
            missing = [(page, at) for page, at in missing if counts[page] >= _LONG]
        found.update(page for page, _ in missing)
        rows.update(page for page, _ in missing)
        # A row may be of several lines.
        rows.update(page for _, page in {(cell.row, cell.place[0]) for cell in cells})
    return {page: (count, rows[page]) for page, count in found.items()}


def _own_lines(cells: Sequence[Cell], columns: Sequence[Column]) -> frozenset[Place]:
    """The lines of rows: one that shows nothing but a row's date may be of another row of that day."""
    main = {column.field for column in columns}
    return frozenset(cell.place for cell in cells if not main or cell.field in main)


def _of_halves(
    evidence: Sequence[Evidence], pages: Mapping[int, Sequence[Word]], row_fields: Sequence[str], cut: float
) -> dict[int, tuple[int, int]]:
    """What is left out of two tables side by side: each as if it stood on a page of its own."""
    found: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    for is_left in (True, False):
        half = [item for item in evidence if item.box is not None and (item.box[0] < cut) == is_left]
        words = {page: [word for word in each if (word.box[0] < cut) == is_left] for page, each in pages.items()}
        for page, (missing, of_page) in left_out(half, words, row_fields).items():
            found[page] += missing
            rows[page] += of_page
    return {page: (count, rows[page]) for page, count in found.items()}


def _totals(evidence: Sequence[Evidence]) -> frozenset[str]:
    """The digits of the record's single values; of three or more, as fewer are anywhere."""
    totals = [_digits(item.text or "") for item in evidence if not is_in_a_list(item.path)]
    return frozenset(total for total in totals if len(total) >= _SEVERAL)


def lines_taken(evidence: Sequence[Evidence], lines: Mapping[int, Lined]) -> set[Place]:
    """Page and position of the lines on which any of an answer's values stands."""
    return {(page, at) for page, at, _ in placed(evidence, lines)}


def adds_under_total(
    before: Sequence[Evidence],
    after: Sequence[Evidence],
    pages: Mapping[int, Sequence[Word]],
    row_fields: Sequence[str],
) -> bool:
    """Whether another answer has rows under the record's total on a page where the one before had them above it."""
    lines = {page: lined(words) for page, words in pages.items()}
    totals = _totals(before)
    rows = [_lines_of_rows(placed(evidence, lines), row_fields) for evidence in (before, after)]
    for page, shown in lines.items():
        of_record = [
            at
            for at, line in enumerate(shown.lines)
            if (line.names_a_sum or line.names_only_a_sum) and not totals.isdisjoint(map(_digits, line.numbers))
        ]
        old, new = rows[0][page], rows[1][page]
        if old and any(max(old) < at < max(new, default=0) for at in of_record):
            return True
    return False


def _lines_of_rows(at_lines: Sequence[At], row_fields: Sequence[str]) -> dict[int, set[int]]:
    """Page -> the lines on which rows of some lists stand."""
    found: dict[int, set[int]] = defaultdict(set)
    for page, at, item in at_lines:
        if any(cell_of(item.path, name) for name in row_fields):
            found[page].add(at)
    return found


def _cut(cells: Sequence[Cell]) -> float | None:
    """Where the second of two tables begins that stand side by side: no row goes from one into the other."""
    of_row: dict[str, list[Box]] = defaultdict(list)
    for cell in cells:
        of_row[cell.row].append(cell.box)
    edges = [
        (min(box[0] for box in boxes), max(box[2] for box in boxes))
        for boxes in of_row.values()
        if len(boxes) >= _LEAST
    ]
    ends = accumulate((right for _, right in sorted(edges)), max)
    begins = [left for left, _ in sorted(edges)][1:]
    return next((begin - _SLACK for begin, end in zip(begins, ends, strict=False) if begin > end + 2 * _SLACK), None)


def _like_rows(lines: Mapping[int, Lined], table: _Table, taken: set[Place]) -> list[Place]:
    """The lines that look like rows and are none."""
    found: list[Place] = []
    sums: list[Place] = []
    for page, shown in lines.items():
        likely, of_page = _rows_and_sums(page, shown.lines, table, taken)
        if likely:
            own = sorted(at for of_page, at in table.own if of_page == page)
            last = own[-1] if own else likely[0]
            # What stands above a page's rows carries a sum on.
            of_page = [at for at in of_page if at > last]
            if table.is_narrow:
                begin, end = _narrow_extent(shown.lines, own, of_page)
                likely = [at for at in likely if begin <= at < end]
        found += [(page, at) for at in likely]
        sums += [(page, at) for at in of_page]
    return _above_the_total(found, sums, lines, table)


def _rows_and_sums(page: int, lines: Sequence[Line], table: _Table, taken: set[Place]) -> tuple[list[int], list[int]]:
    """Of a page, the lines that look like rows and are none, and those that certainly show a sum of rows."""
    likely: list[int] = []
    sums: list[int] = []
    for at, line in enumerate(lines):
        filled = [] if (page, at) in taken else [column for column in table.columns if column.is_filled(line)]
        if not filled:
            continue
        is_a_total = _is_a_total(line, filled, table, beside=(page, at) in table.beside)
        if is_a_total or _is_a_sum(line, filled, table):
            certain = is_a_total or line.names_a_sum or line.names_only_a_sum
            sums += [at] if certain and any(column.kinds for column in filled) else []
        elif looks_like_a_row(filled, table.columns):
            likely.append(at)
    return likely, sums


def _above_the_total(
    likely: Sequence[Place], sums: Sequence[Place], lines: Mapping[int, Lined], table: _Table
) -> list[Place]:
    """Without the lines under a table's total: it does not go on there, unless rows of the answer stand there.

    Of several sums one may be of a group, and rows follow: the table ends at the record's own total, or at the last.
    """
    below = [place for place in sums if place > max(table.own)]
    if not below:
        return list(likely)
    last = below[-1]
    of_record = [(page, at) for page, at in below if page == last[0] and table.shows_a_total(lines[page].lines[at])]
    if of_record:
        return [place for place in likely if place < of_record[0]]
    # A sum at a page's end may be carried to the next.
    return [place for place in likely if place < last or place[0] != last[0]]


def _narrow_extent(lines: Sequence[Line], own: Sequence[int], sums: Sequence[int]) -> tuple[int, int]:
    """The lines of a page from which to which a table goes whose rows are no more than a name and an amount.

    "Discount", "Paid" and "Till" look like its rows: it ends at the first sum, or at a wide gap.
    """
    begin, end = _without_gaps(lines, own)
    return begin, sums[0] if sums else end


def _without_gaps(lines: Sequence[Line], own: Sequence[int]) -> tuple[int, int]:
    """The lines around the answer's rows down, and up, to a gap that is much wider than any among them."""
    begin, end = 0, len(lines)
    if len(own) >= _SEVERAL:
        steps = [after.top - before.top for before, after in pairwise(lines)]
        widest = _APART * max(steps[own[0] : own[-1]])
        begin = max((at + 1 for at in range(own[0]) if steps[at] > widest), default=begin)
        end = min((at + 1 for at in range(own[-1], len(steps)) if steps[at] > widest), default=end)
    return begin, end


def _is_a_sum(line: Line, filled: Sequence[Column], table: _Table) -> bool:
    """Whether a line says that it is a sum; of one that fills all of several columns its name alone is no proof."""
    if line.names_only_a_sum:
        return True
    full = len(filled) == len(table.columns)
    if line.names_a_sum:
        return not (full and len(filled) > _SEVERAL)
    return line.may_name_a_sum and not (full and not table.is_narrow)


def _is_a_total(line: Line, filled: Sequence[Column], table: _Table, *, beside: bool) -> bool:
    """Whether a line shows one of the record's single values; of one that fills all of several columns, no other."""
    if table.is_narrow or len(filled) < len(table.columns):
        return beside or table.shows_a_total(line)
    amounts = [_digits(number) for number in line.numbers if is_with_cents(number)]
    return bool(amounts) and table.totals.issuperset(amounts)


def _without_copies(likely: Sequence[Place], own: frozenset[Place], lines: Mapping[int, Lined]) -> list[Place]:
    """Without the lines of a page, or of a part of one, that shows again what the answer has, row by row."""
    by_page: dict[int, list[Place]] = defaultdict(list)
    for place in likely:
        by_page[place[0]].append(place)
    with_own = {page for page, _ in own}
    enough = [page for page, places in by_page.items() if len(places) >= (_LONG if page in with_own else _SEVERAL)]
    if not enough:
        return list(likely)
    known = "\n".join(["", *(lines[page].lines[at].text for page, at in sorted(own)), ""])
    for page in enough:
        texts = [lines[page].lines[at].text for _, at in by_page[page]]
        if len(set(texts)) >= _SEVERAL and "\n".join(["", *texts, ""]) in known:
            del by_page[page]
    return [place for places in by_page.values() for place in places]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
