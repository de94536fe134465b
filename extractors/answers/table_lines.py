"""A page's lines held against the rows that an answer has on it: which lines look like its rows and are none. Pure.

Grounding says where the cells of the answer's rows stand. What they share (the edges of their columns) is what a row
of that table looks like; a line that looks so, and on which no row stands, is a row that was left out.
"""

import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from extractors.answers.page_text import in_lines
from extractors.documents import Box, Evidence, Word
from schemas.folding import fold

_EDGE = 0.012
"""Fractions of a page's width: edges of one column differ by less."""
_GAP = 1.3
"""Letters' widths between two cells of a line; two words of one are closer."""
_MAIN, _ENOUGH = 0.6, 0.75
"""Share of the rows that fill a main column; share of the main columns that a row fills."""
_LEAST, _SEVERAL, _LONG = 2, 3, 6
_ROUNDING = 1e-4
"""By how much less the box of a value differs from its words'."""
_SUMS_NAMED = """
    total totals subtotal sum summe summen zwischensumme gesamt gesamtsumme gesamtbetrag nettosumme bruttosumme
    übertrag uebertrag vortrag saldovortrag saldo anfangssaldo endsaldo balance brought carried forward opening
    closing
    report reporter solde totaal tussentotaal subtotaal suma sumas totale totali subtotale riporto transport vat tax
    mwst ust tva btw iva net netto brutto due
"""
_SUMS = frozenset(map(fold, _SUMS_NAMED.split()))
"""Words of lines that add others up, or carry a sum on, folded."""


@dataclass(frozen=True)
class Line:
    """Words at one height of a page, from left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Their letters and digits, folded: what two copies of a line share."""
        return fold(" ".join(word.text for word in self.words))

    def ends_a_cell(self, at: int, *, behind: bool) -> bool:
        """Whether a cell begins at a word, or ends behind it: in running text the next word is a blank away."""
        word = self.words[at]
        beside = at + 1 if behind else at - 1
        if not 0 <= beside < len(self.words) or not any(map(str.isalnum, self.words[beside].text)):
            return True
        other = self.words[beside]
        gap = other.box[0] - word.box[2] if behind else word.box[0] - other.box[2]
        return gap > _GAP * (word.box[2] - word.box[0]) / len(word.text)

    @property
    def numbers(self) -> list[str]:
        """Those of its words that show one."""
        return [word.text for word in self.words if any(map(str.isdecimal, word.text))]

    @property
    def is_a_sum(self) -> bool:
        """Whether its words say that it adds up others, or carries a sum on."""
        return any(fold(word.text) in _SUMS for word in self.words)


@dataclass(frozen=True)
class Lined:
    """A page, line by line.

    Attributes:
        lines: from top to bottom.
        tops: of each word its top, its line's position, its left and its right edge; ordered.
    """

    lines: Sequence[Line]
    tops: Sequence[tuple[float, int, float, float]]

    def line_at(self, box: Box) -> int | None:
        """The position of the line on which a value with this box begins."""
        left, top, right, _ = box
        found: list[int] = []
        for above, at, begin, end in islice(self.tops, bisect_left(self.tops, (top - 2 * _ROUNDING,)), None):
            if above - top >= _ROUNDING:
                break
            if top - above < _ROUNDING and begin >= left - _ROUNDING and end <= right + _ROUNDING:
                found.append(at)
        return min(found, default=None)


@dataclass(frozen=True)
class _Column:
    """Where the cells of one field stand.

    Attributes:
        edge: theirs, a fraction of the page's width.
        flush: it is their right one.
        numeric: they are numbers.
    """

    edge: float
    flush: bool
    numeric: bool

    def is_filled(self, line: Line) -> bool:
        """Whether a word of a line stands where the cells do; a number's, where they are numbers."""
        return any(
            abs(word.box[2 if self.flush else 0] - self.edge) < _EDGE
            and (not self.numeric or any(map(str.isdecimal, word.text)))
            and line.ends_a_cell(at, behind=self.flush)
            for at, word in enumerate(line.words)
        )


def _column(cells: Sequence[tuple[Box, str]]) -> _Column:
    lefts, rights = [box[0] for box, _ in cells], [box[2] for box, _ in cells]
    left, right = statistics.median(lefts), statistics.median(rights)
    flush = _spread(rights, right) < _spread(lefts, left)
    numbers = sum(sum(map(str.isdecimal, text)) * 2 > len(text) for _, text in cells)
    return _Column(right if flush else left, flush, numbers * 2 > len(cells))


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _spread(edges: Sequence[float], middle: float) -> float:
    return statistics.fmean(abs(edge - middle) for edge in edges)


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
    at_lines = _at_lines(evidence, lines)
    taken = {(page, at) for page, at, item in at_lines if _is_in_a_list(item.path)}
    beside = {(page, at) for page, at, item in at_lines if not _is_in_a_list(item.path)}
    totals = {_digits(item.text or "") for item in evidence if not _is_in_a_list(item.path)}
    found: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    for name in row_fields:
        cells = [
            (field, item, page, at) for page, at, item in at_lines if (field := _cell(item.path, name)) is not None
        ]
        if not cells:
            continue
        columns = _main_columns(cells)
        if len(columns) < _LEAST and not (columns and len(cells) >= _SEVERAL * _SEVERAL):
            continue
        own = {(page, line) for _, _, page, line in cells}
        likely = [
            (page, at)
            for page, each in lines.items()
            for at, line in enumerate(each.lines)
            if (page, at) not in taken
            and not line.is_a_sum
            and _looks_like_a_row(line, columns)
            and not _is_a_total(line, columns, totals, beside=(page, at) in beside)
        ]
        missing = _without_copies(likely, own, lines)
        if len(columns) == 1:
            # Of a lone column a few more numbers may stand under it by chance.
            counts = Counter(page for page, _ in missing)
            missing = [(page, at) for page, at in missing if counts[page] >= _LONG]
        found.update(page for page, _ in missing)
        rows.update(page for page, _ in {*own, *missing})
    return {page: (count, rows[page]) for page, count in found.items()}


def lines_taken(evidence: Sequence[Evidence], lines: Mapping[int, Lined]) -> set[tuple[int, int]]:
    """Page and position of the lines on which any of an answer's values stands."""
    return {(page, at) for page, at, _ in _at_lines(evidence, lines)}


def _at_lines(evidence: Sequence[Evidence], lines: Mapping[int, Lined]) -> list[tuple[int, int, Evidence]]:
    """What stands on a line of the pages, with its page and its line's position there."""
    found = []
    for item in evidence:
        if item.page is not None and item.page in lines and item.box is not None:
            at = lines[item.page].line_at(item.box)
            if at is not None:
                found.append((item.page, at, item))
    return found


Cell = tuple[str, Evidence, int, int]
"""A cell's field, its evidence, its page and its line's position there."""


def _cell(path: str, name: str) -> str | None:
    """The field of a row that a value is of; None where it is of no row of this list."""
    steps = path.split(".")
    wanted = name.split(".")
    plain: list[str] = []
    rest = list(steps)
    while rest and len(plain) < len(wanted):
        step = rest.pop(0)
        if not step.isdecimal():
            plain.append(step)
    if plain != wanted or not rest or not rest[0].isdecimal():
        return None
    return ".".join(rest[1:])


def _main_columns(cells: Sequence[Cell]) -> list[_Column]:
    """The columns that most rows fill."""
    by_field: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    rows = {(page, line) for _, _, page, line in cells}
    for field, item, _, _ in cells:
        if item.box is not None:
            by_field[field].append((item.box, item.text or ""))
    return [_column(each) for each in by_field.values() if len(each) >= _MAIN * len(rows)]


def _looks_like_a_row(line: Line, columns: Sequence[_Column]) -> bool:
    filled = [column for column in columns if column.is_filled(line)]
    numbered = any(column.numeric for column in filled)
    anywhere = any(column.numeric for column in columns)
    return len(filled) >= max(min(_LEAST, len(columns)), _ENOUGH * len(columns)) and (numbered or not anywhere)


def _is_in_a_list(path: str) -> bool:
    return any(map(str.isdecimal, path.split(".")))


def _is_a_total(line: Line, columns: Sequence[_Column], totals: set[str], *, beside: bool) -> bool:
    """Whether a line shows one of the record's single values; one that fills all of several columns is a row too."""
    if len(columns) >= _SEVERAL and all(column.is_filled(line) for column in columns):
        return False
    return beside or any(len(number) >= _SEVERAL and number in totals for number in map(_digits, line.numbers))


def _without_copies(
    likely: Sequence[tuple[int, int]], own: set[tuple[int, int]], lines: Mapping[int, Lined]
) -> list[tuple[int, int]]:
    """Without the lines of a page, or of a part of one, that shows again what the answer has, row by row."""
    known = "\n".join(["", *(lines[page].lines[at].text for page, at in sorted(own)), ""])
    by_page: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place in likely:
        by_page[place[0]].append(place)
    kept = []
    for page, places in by_page.items():
        texts = [lines[page].lines[at].text for _, at in places]
        alone = not any(other == page for other, _ in own)
        enough = len(set(texts)) >= _SEVERAL and (alone or len(texts) >= _LONG)
        if not enough or "\n".join(["", *texts, ""]) not in known:
            kept += places
    return kept


def lined(words: Sequence[Word]) -> Lined:
    """A page's words, line by line."""
    lines = [Line(tuple(sorted([words[number] for number in line], key=_left))) for line in in_lines(words)]
    tops = [(word.box[1], at, word.box[0], word.box[2]) for at, line in enumerate(lines) for word in line.words]
    return Lined(lines, sorted(tops))


def _left(word: Word) -> float:
    return word.box[0]
