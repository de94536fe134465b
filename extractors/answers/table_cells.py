"""The cells of an answer's rows: which value stands on which line of a page, and of which row it is. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractors.answers.table_lines import Lined
from extractors.documents import Box, Evidence

Place = tuple[int, int]
"""A page, and a line's position there."""
At = tuple[int, int, Evidence]
"""A page, a line's position there, and a value that stands on it."""


@dataclass(frozen=True)
class Cell:
    """One value of a row of the answer, and where it stands.

    Attributes:
        row: path of its row.
        field: its path within the row.
        place: its page and its line's position there.
        box: around its words.
        text: its words.
    """

    row: str
    field: str
    place: Place
    box: Box
    text: str


def placed(evidence: Sequence[Evidence], lines: Mapping[int, Lined]) -> list[At]:
    """What stands on a line of the pages, with its page and its line's position there."""
    found = []
    for item in evidence:
        if item.page is not None and item.page in lines and item.box is not None:
            at = lines[item.page].line_at(item.box)
            if at is not None:
                found.append((item.page, at, item))
    return found


def own_cells(at_lines: Sequence[At], name: str) -> list[Cell]:
    """The cells of a list's rows; not those that rows share, as a date that is printed once a day."""
    cells = []
    for page, at, item in at_lines:
        found = cell_of(item.path, name)
        if found is not None and item.box is not None:
            cells.append(Cell(*found, (page, at), item.box, item.text or ""))
    rows: dict[tuple[str, int, Box], set[str]] = defaultdict(set)
    for cell in cells:
        rows[cell.field, cell.place[0], cell.box].add(cell.row)
    alone = {cell.row for cell in cells if len(rows[cell.field, cell.place[0], cell.box]) == 1}
    return [cell for cell in cells if cell.row not in alone or len(rows[cell.field, cell.place[0], cell.box]) == 1]


def cell_of(path: str, name: str) -> tuple[str, str] | None:
    """The row that a value is of, and the field; None where it is of no row of this list."""
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
    return ".".join(steps[: len(steps) - len(rest) + 1]), ".".join(rest[1:])


def is_in_a_list(path: str) -> bool:
    """Whether a value is one of a list's, or of a row there."""
    return any(map(str.isdecimal, path.split(".")))


def is_of_another_list(path: str, row_fields: Sequence[str]) -> bool:
    """Whether a value is one of a list's whose rows are not meant."""
    return is_in_a_list(path) and all(cell_of(path, name) is None for name in row_fields)
