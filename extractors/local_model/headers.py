"""The head of a table: which columns hold which fields, by the names printed over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractors.local_model.evidence import Evidence
from extractors.local_model.labels import Names, labels_in, without_inclusions
from extractors.local_model.vocabulary import INFLOW_WORDS, OUTFLOW_WORDS
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, ReadPage, Segment, shared
from schemas.folding import fold, words

_SURE = 0.45
_MOST_LINES = 5
_STACKED = 0.5


@dataclass(frozen=True)
class Column:
    """One column under a head.

    Attributes:
        x0: left edge of its head, in pixels.
        x1: right edge of its head.
        text: what the head says.
        key: the field it holds, or "".
        sure: how surely, 0 to 1.
        outflow: the head speaks of money that leaves.
    """

    x0: float
    x1: float
    text: str
    key: str = ""
    sure: float = 0.0
    outflow: bool = False


@dataclass(frozen=True)
class Header:
    """A table's head: its columns from left to right, and its lines' numbers on the page."""

    page: int
    first: int
    last: int
    columns: tuple[Column, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The fields that have a column."""
        return frozenset(column.key for column in self.columns if column.key)

    @property
    def score(self) -> float:
        """How much of the wanted table it heads."""
        return sum(max(c.sure for c in self.columns if c.key == key) for key in self.keys)


def headers(page: ReadPage, names: Names, evidence: Evidence) -> list[Header]:
    """The heads on a page that name two of the fields or more, from top to bottom."""
    found: list[Header] = []
    at = 0
    while at < len(page.lines):
        header = _header_at(page, at, names, evidence)
        if header and len(header.keys) >= min(2, len(names.fields)):
            found.append(header)
            at = header.last + 1
        else:
            at += 1
    return found


def _header_at(page: ReadPage, at: int, names: Names, evidence: Evidence) -> Header | None:
    """The head that begins with a line, over as many lines as still belong to it."""
    if not _names_a_column(page.lines[at], names, evidence):
        return None
    last = at
    for lower in page.lines[at + 1 : at + _MOST_LINES]:
        above = page.lines[lower.number - 1]
        if lower.middle - above.middle > 1.7 * max(above.height, lower.height) or not _headish(lower, evidence):
            break
        last = lower.number
    for end in range(last, at - 1, -1):
        header = _built(page, at, end, names)
        if header is not None:
            return header
    return None


def _names_a_column(line: Line, names: Names, evidence: Evidence) -> bool:
    if not _headish(line, evidence):
        return False
    return any(label.sure >= _SURE for label in labels_in([line], names))


def _headish(line: Line, evidence: Evidence) -> bool:
    """Heads are words: no amounts, no dates, no sentences."""
    if any(one.cents for one in evidence.amounts(line.text)) or evidence.dates(line.text):
        return False
    digits = sum(c.isdigit() for c in line.text)
    return digits <= 0.15 * len(line.text) and max(len(s.text.split()) for s in line.segments) <= 8  # noqa: PLR2004 - a head is short


def _built(page: ReadPage, first: int, last: int, names: Names) -> Header | None:
    columns: list[Column] = []
    for line in page.lines[first : last + 1]:
        for segment in line.segments:
            for column in _split(segment, line, names):
                _stack(columns, column)
    columns.sort(key=lambda column: column.x0)
    keyed = {column.key for column in columns if column.key}
    return Header(page.lines[first].page, first, last, tuple(columns)) if keyed else None


def _split(segment: Segment, line: Line, names: Names) -> list[Column]:
    """A segment of the head as columns: one for each name in it, and one for the words before the first."""
    text = without_inclusions(segment.text)
    alone = Line(line.page, 0, (replace(segment, text=text),))
    best: dict[tuple[int, int], tuple[str, float]] = {}
    for label in labels_in([alone], names):
        if label.sure > best.get((label.start, label.end), ("", 0.0))[1]:
            best[label.start, label.end] = (label.key, label.sure)
    spans = sorted(best)
    # "Libellé de l'opération" names one column twice.
    again = {span for above, span in pairwise(spans) if best[above][0] == best[span][0]}
    spans = [span for span in spans if span not in again]
    starts = [start for start, _ in spans if start > 0]
    if spans and (len(spans) > 1 or len(fold(text[: spans[0][0]])) > 2):  # noqa: PLR2004 - a column of its own before
        bounds = [0, *starts, len(text)]
    else:
        bounds = [0, len(text)]
    columns = []
    for start, end in pairwise(bounds):
        part = segment.part(start, end)
        inside = [best[span] for span in spans if start <= span[0] < end]
        key, sure = inside[0] if inside and inside[0][1] >= _weakest(len(bounds)) else ("", 0.0)
        outflow = _outflow(part.text)
        columns.append(Column(part.x0, part.x1, part.text, key, sure, outflow))
    return columns


def _outflow(text: str) -> bool:
    """Whether a head names money that leaves, and not money that comes as well ("Debit / Credit")."""
    said = words(text)
    named = {*said, *(first + second for first, second in pairwise(said))}
    return bool(named & OUTFLOW_WORDS) and not named & INFLOW_WORDS


def _weakest(bounds: int) -> float:
    """In a segment that holds several names, each is judged with its neighbours beside it."""
    return 0.3 if bounds > 2 else _SURE - 0.1  # noqa: PLR2004


def _stack(columns: list[Column], column: Column) -> None:
    """Adds a column, or joins it to the one above it; what stands higher says what the column is."""
    for at, above in enumerate(columns):
        if shared(Segment("", above.x0, 0, above.x1, 1), Segment("", column.x0, 0, column.x1, 1)) > _STACKED:
            key, sure = (above.key, above.sure) if above.key else (column.key, column.sure)
            columns[at] = Column(
                min(above.x0, column.x0),
                max(above.x1, column.x1),
                f"{above.text} {column.text}",
                key,
                sure,
                above.outflow or column.outflow,
            )
            return
    columns.append(column)


def settled(header: Header, fields: Mapping[str, Field]) -> Header:
    """The same head with one column for each field, save amounts that have one for each direction.

    A field of the line's total without a column takes the last one, a description the widest without a name.
    """
    columns = list(header.columns)
    spare = next((key for key, field in fields.items() if field.kind == "quantity" and key not in header.keys), "")
    for key, field in fields.items():
        rivals = [i for i, column in enumerate(columns) if column.key == key]
        # Of several columns that may be a line's total the last one is; of others the surest, then the first.
        totals = field.kind == "amount" and bool(field.words & {"amount", "total"})
        best = max(
            rivals,
            key=lambda i: (round(columns[i].sure, 1), i) if totals else (round(columns[i].sure, 2), -i),
            default=None,
        )
        directions = field.kind == "amount" and any(columns[i].outflow for i in rivals)
        for i in rivals:
            if i != best and not directions:
                columns[i] = replace(columns[i], key=spare if totals else "", sure=0.3 if totals and spare else 0.0)
    for key, field in fields.items():
        if key in {column.key for column in columns}:
            continue
        if field.kind == "amount" and field.words & {"amount", "total"} and columns and not columns[-1].key:
            columns[-1] = replace(columns[-1], key=key, sure=0.3)
    _describe(columns, fields)
    return replace(header, columns=tuple(columns))


def _describe(columns: list[Column], fields: Mapping[str, Field]) -> None:
    """Gives a description without a column the widest one that holds nothing else."""
    said = {column.key for column in columns}
    texts = [key for key, field in fields.items() if field.kind == "text"]
    if not texts or said & set(texts):
        return
    widths = [right.x0 - left.x0 for left, right in pairwise(columns)]
    free = [i for i in range(len(widths)) if not columns[i].key and fold(columns[i].text)]
    if free:
        widest = max(free, key=lambda i: widths[i])
        columns[widest] = replace(columns[widest], key=texts[0], sure=0.3)


def column_of(columns: Sequence[Column], segment: Segment, *, numeric: bool) -> int:
    """Which column a segment belongs to: the one it shares most width with, else the nearest that suits it."""
    widths = [min(segment.x1, column.x1) - max(segment.x0, column.x0) for column in columns]
    best = max(range(len(columns)), key=lambda i: widths[i])
    if widths[best] > 0 or numeric:
        return best
    # Words run on to the right of their head, up to the next column.
    left = [i for i, column in enumerate(columns) if column.x0 <= segment.x0 + segment.height]
    return left[-1] if left else best
