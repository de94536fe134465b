"""What speaks against a place where a value stands: another field's label, another's column, another row. Pure.

A value that is printed is not yet the right one: models take a subtotal for the total, a due date for the day of
issue, an amount of the next row. Each is told only where the page shows where the value should stand instead.
"""

import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from extractors.answers.labels import Labels
from extractors.answers.placing import Sought, Spot
from schemas.leaves import LeafKind, Leaves

_ENOUGH = 4
"""Rows that show a column's edges."""
_SAME, _APART = 0.02, 0.06
"""Fractions of a page's width: edges of one column differ by less, of two by more."""
_SEVERAL, _MOSTLY = 2, 0.75


def doubts(
    sought: Sequence[Sought], chosen: Mapping[str, Spot], labels: Mapping[int, Labels], leaves: Leaves
) -> dict[str, str]:
    """Path -> what speaks against the place of its value, in words.

    Args:
        sought: the leaves that were looked for.
        chosen: path -> where each stands.
        labels: those of each page.
        leaves: what the schema says of them.
    """
    found: dict[str, str] = {}
    for value in sought:
        known = leaves.by_path.get(value.field)
        if value.row or value.path not in chosen or known is None:
            continue
        place = chosen[value.path].place
        numbered = known.kind in {LeafKind.NUMBER, LeafKind.DATE}
        if numbered or any(map(str.isdecimal, labels[place.page].text.text_of(place))):
            own = labels[place.page].elsewhere(value.field, place, below=known.kind != LeafKind.NUMBER)
            if own is not None:
                found[value.path] = f"it stands beside another label, and {own!r} has another value"
    return found | _in_tables([value for value in sought if value.row and value.path in chosen], chosen)


def _in_tables(cells: Sequence[Sought], chosen: Mapping[str, Spot]) -> dict[str, str]:
    rows: dict[str, list[Sought]] = defaultdict(list)
    columns: dict[tuple[str, int], list[Spot]] = defaultdict(list)
    for cell in cells:
        rows[cell.group].append(cell)
        columns[cell.field, chosen[cell.path].place.page].append(chosen[cell.path])
    lines = {group: _middle(chosen[cell.path].line for cell in row) for group, row in rows.items() if len(row) > 1}
    of_list: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for group, line in lines.items():
        of_list[group.rpartition(".")[0]].append((line, group))
    for each in of_list.values():
        each.sort()
    edges = {at: edge for at, spots in columns.items() if (edge := _edge(spots)) is not None}
    found = {}
    for group, row in rows.items():
        others = of_list[group.rpartition(".")[0]]
        for cell in row:
            spot = chosen[cell.path]
            rest = [chosen[other.path].line for other in row if other is not cell]
            if len(rest) >= _SEVERAL and _is_of_another(spot.line, _middle(rest), group, others):
                found[cell.path] = "it stands in another row"
            elif other := _column_of(cell, spot, edges):
                found[cell.path] = f"it stands in the column of {other}"
    return found


def _middle(lines: Iterable[float]) -> float:
    return float(statistics.median_low(list(lines)))


def _is_of_another(line: float, own: float, group: str, rows: Sequence[tuple[float, str]]) -> bool:
    """Whether a line is nearer to another row of the list than to the value's own."""
    at = bisect_left(rows, (line, ""))
    near = [(abs(row - line), name) for row, name in rows[max(0, at - 1) : at + 2] if name != group]
    return bool(near) and min(near)[0] < abs(line - own)


def _edge(spots: Sequence[Spot]) -> tuple[float, float] | None:
    """The edges of a column on one page, where most of its cells share one."""
    if len(spots) < _ENOUGH:
        return None
    edge = statistics.median([spot.x0 for spot in spots]), statistics.median([spot.x1 for spot in spots])
    same = sum(_distance(spot, edge) < _SAME for spot in spots)
    return edge if same >= _MOSTLY * len(spots) else None


def _column_of(cell: Sought, spot: Spot, edges: Mapping[tuple[str, int], tuple[float, float]]) -> str:
    """The other column that a number stands in, and not in its own; "" for none."""
    own = edges.get((cell.field, spot.place.page))
    if own is None or spot.place.mark is None or _distance(spot, own) < _APART:
        return ""
    table = cell.field.rpartition(".")[0]
    for (field, page), edge in edges.items():
        beside = field != cell.field and page == spot.place.page and field.rpartition(".")[0] == table
        if beside and _distance(spot, edge) < _SAME:
            return field.rpartition(".")[2]
    return ""


def _distance(spot: Spot, edge: tuple[float, float]) -> float:
    return min(abs(spot.x0 - edge[0]), abs(spot.x1 - edge[1]))
