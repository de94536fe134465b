"""A page's lines held against the rows that an answer has on it: which lines look like its rows and are none. Pure.

Grounding says where the cells of the answer's rows stand. What they share (the edges of their columns) is what a row
of that table looks like; a line that looks so, and on which no row stands, is a row that was left out.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from extractors.documents import Evidence, Word
from schemas.folding import fold

_EDGE = 0.012
"""Fractions of a page's width: edges of one column differ by less."""
_GAP = 1.3
"""Letters' widths between two cells of a line; two words of one are closer."""
_MAIN, _ENOUGH = 0.6, 0.75
"""Share of the rows that fill a main column; share of the main columns that a row fills."""
_LEAST, _SEVERAL, _LONG = 2, 3, 6
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

    page: int
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


@dataclass
class _Column:
    """Where the cells of one field stand."""

    lefts: list[float] = field(default_factory=list)
    rights: list[float] = field(default_factory=list)
    numbers: int = 0

    def is_filled(self, line: Line) -> bool:
        """Whether a word of a line stands where the cells do; a number's, where they are numbers."""
        left, right = statistics.median(self.lefts), statistics.median(self.rights)
        flush = _spread(self.rights, right) < _spread(self.lefts, left)
        numeric = self.numbers * 2 > len(self.lefts)
        return any(
            abs((word.box[2] - right) if flush else (word.box[0] - left)) < _EDGE
            and (not numeric or any(map(str.isdecimal, word.text)))
            and line.ends_a_cell(at, behind=flush)
            for at, word in enumerate(line.words)
        )


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
    lines = {page: list(lines_of(page, words)) for page, words in pages.items()}
    at_lines = [(item.page, at, item.path) for item in evidence if (at := _line_at(item, lines)) is not None]
    taken = {(page, at) for page, at, path in at_lines if _is_in_a_list(path)}
    beside = {(page, at) for page, at, path in at_lines if not _is_in_a_list(path)}
    totals = {_digits(item.text or "") for item in evidence if not _is_in_a_list(item.path)}
    found: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    for name in row_fields:
        cells = [cell for item in evidence if (cell := _cell(item, name, lines)) is not None]
        if not cells:
            continue
        columns = _main_columns(cells)
        if len(columns) < _LEAST and not (columns and len(cells) >= _SEVERAL * _SEVERAL):
            continue
        own = {(page, line) for _, _, page, line in cells}
        likely = [
            (page, at)
            for page, each in lines.items()
            for at, line in enumerate(each)
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


def lines_taken(evidence: Sequence[Evidence], pages: Mapping[int, Sequence[Word]]) -> set[tuple[int, int]]:
    """Page and position of the lines on which any of an answer's values stands."""
    lines = {page: list(lines_of(page, words)) for page, words in pages.items()}
    return {(item.page, at) for item in evidence if item.page and (at := _line_at(item, lines)) is not None}


Cell = tuple[str, Evidence, int, int]
"""A cell's field, its evidence, its page and its line's position there."""


def _cell(item: Evidence, name: str, lines: Mapping[int, Sequence[Line]]) -> Cell | None:
    if item.page is None or item.box is None:
        return None
    steps = item.path.split(".")
    wanted = name.split(".")
    plain: list[str] = []
    rest = list(steps)
    while rest and len(plain) < len(wanted):
        step = rest.pop(0)
        if not step.isdecimal():
            plain.append(step)
    if plain != wanted or not rest or not rest[0].isdecimal():
        return None
    at = _line_at(item, lines)
    return None if at is None else (".".join(rest[1:]), item, item.page, at)


def _line_at(item: Evidence, lines: Mapping[int, Sequence[Line]]) -> int | None:
    """The line on which a value begins."""
    if item.page is None or item.box is None:
        return None
    x, y = item.box[0], item.box[1]
    for at, line in enumerate(lines.get(item.page, ())):
        for word in line.words:
            if abs(word.box[1] - y) < 1e-4 and word.box[0] >= x - 1e-4 and word.box[2] <= item.box[2] + 1e-4:  # noqa: PLR2004 - rounding
                return at
    return None


def _main_columns(cells: Sequence[Cell]) -> list[_Column]:
    """The columns that most rows fill."""
    columns: dict[str, _Column] = defaultdict(_Column)
    rows = {(page, line) for _, _, page, line in cells}
    for name, item, _, _ in cells:
        if item.box is not None:
            column = columns[name]
            column.lefts.append(item.box[0])
            column.rights.append(item.box[2])
            column.numbers += sum(map(str.isdecimal, item.text or "")) * 2 > len(item.text or "")
    return [column for column in columns.values() if len(column.lefts) >= _MAIN * len(rows)]


def _looks_like_a_row(line: Line, columns: Sequence[_Column]) -> bool:
    filled = [column for column in columns if column.is_filled(line)]
    numbered = any(column.numbers * 2 > len(column.lefts) for column in filled)
    anywhere = any(column.numbers * 2 > len(column.lefts) for column in columns)
    return len(filled) >= max(min(_LEAST, len(columns)), _ENOUGH * len(columns)) and (numbered or not anywhere)


def _is_in_a_list(path: str) -> bool:
    return any(map(str.isdecimal, path.split(".")))


def _is_a_total(line: Line, columns: Sequence[_Column], totals: set[str], *, beside: bool) -> bool:
    """Whether a line shows one of the record's single values; one that fills all of several columns is a row too."""
    if len(columns) >= _SEVERAL and all(column.is_filled(line) for column in columns):
        return False
    return beside or any(len(number) >= _SEVERAL and number in totals for number in map(_digits, line.numbers))


def _without_copies(
    likely: Sequence[tuple[int, int]], own: set[tuple[int, int]], lines: Mapping[int, Sequence[Line]]
) -> list[tuple[int, int]]:
    """Without the lines of a page, or of a part of one, that shows again what the answer has, row by row."""
    known = "\n".join(["", *(lines[page][at].text for page, at in sorted(own)), ""])
    by_page: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place in likely:
        by_page[place[0]].append(place)
    kept = []
    for page, places in by_page.items():
        texts = [lines[page][at].text for _, at in places]
        alone = not any(other == page for other, _ in own)
        enough = len(set(texts)) >= _SEVERAL and (alone or len(texts) >= _LONG)
        if not enough or "\n".join(["", *texts, ""]) not in known:
            kept += places
    return kept


def lines_of(page: int, words: Sequence[Word]) -> Iterator[Line]:
    """A page's lines from top to bottom: a table's cells are often apart in reading order."""
    # Both are sums of top and bottom: twice the distance of the middles.
    heights = [word.box[1] + word.box[3] for word in words]
    line: list[Word] = []
    before = 0.0
    for number in sorted(range(len(words)), key=heights.__getitem__):
        word, height = words[number], heights[number]
        if line and height - before > word.box[3] - word.box[1]:
            yield Line(page, tuple(sorted(line, key=_left)))
            line = []
        line.append(word)
        before = height
    if line:
        yield Line(page, tuple(sorted(line, key=_left)))


def _left(word: Word) -> float:
    return word.box[0]
