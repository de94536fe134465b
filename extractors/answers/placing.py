"""A record is placed as one: each value where its label, its row, its column and its order speak for. Pure.

The cost of a placing is the sum of

- for each value, how unlike its field's place a place is by its label (`labels`), and a little by reading order,
- for each value of a row of a table, how many lines it stands from the row's middle one; of another object a tenth
  of that, and how far from the others' left edge,
- for each value of a table's column, how far its edges are from the column's,
- for each place that is used again, and for each place of a single value in a line of a table.

Rows are put on lines first, in reading order where they are in order; then each value with several places is moved
to the one that costs least, and two values of one row that have the same places change them, until nothing gains.
"""

import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

from extractors.answers.page_text import Place

REUSE, IN_A_TABLE, ROW, OBJECT, COLUMN, BESIDE, ORDER = 4.0, 1.0, 2.0, 0.2, 0.12, 0.1, 0.002
_MOST_LINES_AWAY, _MOST_LETTERS_AWAY = 6, 12
_BLOCK = 0.1
"""How far a party's lines begin from each other at most, about, as a fraction of the page's width."""
_COLUMN_CELLS, _LETTER = 3, 0.008
"""Cells that show where a column is; a letter's width on a usual page, as a fraction of the page's."""
_CHOICES, _ALIKE, _ROUNDS, _FEW, _GAIN = 8, 12, 3, 12, 1e-9
_NEIGHBOUR = 0.3
_SURELY = 4
"""Order does not go before a line that holds clearly more of a row."""


class Spot(NamedTuple):
    """A place that a value may stand at.

    Attributes:
        place: the words.
        line: the line's number, over all pages of the window.
        x0: left edge, a fraction of the page's width.
        x1: right edge.
        order: its place among the value's, in reading order.
        label: how unlike the field's place it is, by its label; what it costs by itself.
    """

    place: Place
    line: int
    x0: float
    x1: float
    order: int = 0
    label: float = 0.0


@dataclass(frozen=True)
class Sought:
    """A value with the places that it may stand at.

    Attributes:
        path: the leaf's.
        field: the path without list positions.
        group: the object that it belongs to, `line_items.0`; "" for the record itself.
        row: the object is one of a list.
        spots: in reading order.
        late: of equal places the last is likelier, as for totals.
    """

    path: str
    field: str
    group: str
    row: bool
    spots: tuple[Spot, ...]
    late: bool = False


Label = Callable[[str, Place], float]
"""(field, place) -> how unlike the field's place it is, by its label."""


def placed(values: Sequence[Sought], label: Label = lambda _field, _place: 0.0) -> dict[str, Spot]:
    """Places a record.

    Args:
        values: with the places that each may stand at.
        label: what the labels around a place say of it.

    Returns:
        Path -> the place of each value that has any.
    """
    values = [value for value in values if value.spots]
    anchors = _anchors(values)
    values = [_labelled(_near(value, anchors) if value.row else value, label) for value in values]
    several = [value for value in values if len(value.spots) > 1]
    chosen = {value.path: value.spots[-1 if value.late else 0] for value in values}
    sure = _sure(values)
    for value in several:
        if value.group in anchors:
            # Columns are not known yet: the heads say which is whose.
            line, left = anchors[value.group], sure.get(value.group)
            chosen[value.path] = min(value.spots, key=lambda spot: _at_first(value, spot, line, left))
    for _ in range(_ROUNDS if several else 0):
        moved, swapped = _moved(values, several, chosen, anchors), _swapped(several, chosen, values, anchors)
        if not moved and not swapped:
            break
        anchors |= _middles(values, chosen)
    if several and len(values) <= _FEW:
        _settle(values, several, chosen)
    return chosen


def _settle(values: Sequence[Sought], several: Sequence[Sought], chosen: dict[str, Spot]) -> None:
    """Moves the values of a small record, one by one, as long as the whole costs less."""
    least = cost(values, chosen)
    for _ in range(_ROUNDS):
        before = least
        for value in several:
            for spot in value.spots:
                here = chosen[value.path]
                chosen[value.path] = spot
                now = cost(values, chosen)
                if now < least - _GAIN:
                    least = now
                else:
                    chosen[value.path] = here
        if least == before:
            return


def _at_first(value: Sought, spot: Spot, line: float, left: float | None) -> float:
    away = min(abs(spot.line - line), _MOST_LINES_AWAY) * (ROW if value.row else OBJECT)
    return spot.label + away + (0.0 if left is None else _aside(spot, left))


def _aside(spot: Spot, left: float) -> float:
    """How far a cell is from the sure one of its row; mostly that names the row, and the others are behind it."""
    return BESIDE * max(spot.x0 - left, 2 * (left - spot.x0))


def _sure(values: Sequence[Sought]) -> dict[str, float]:
    """Row -> the left edge of a cell that stands in one place only: of tables side by side it tells the row's."""
    found: dict[str, float] = {}
    for value in values:
        if value.row and len(value.spots) == 1:
            found.setdefault(value.group, value.spots[0].x0)
    return found


def _near(value: Sought, anchors: dict[str, float]) -> Sought:
    """The value with the places that are nearest to its row, where they are many."""
    if len(value.spots) <= _CHOICES:
        return value
    near = sorted(value.spots, key=lambda spot: abs(spot.line - anchors[value.group]))[:_CHOICES]
    return replace(value, spots=tuple(sorted(near, key=lambda spot: spot.order)))


def _labelled(value: Sought, label: Label) -> Sought:
    if len(value.spots) == 1:
        return value
    name = value.field
    spots = tuple([Spot(*spot[:5], spot.label + label(name, spot.place)) for spot in value.spots])
    return Sought(value.path, name, value.group, value.row, spots, value.late)


def cost(values: Sequence[Sought], chosen: dict[str, Spot]) -> float:
    """What a placing costs, by the terms that the module names."""
    state = _State(values, chosen, _middles(values, chosen))
    return sum(state.own(value, chosen[value.path]) for value in values if value.spots) + REUSE * sum(
        count - 1 for count in state.used.values()
    )


class _State:
    """What a value's cost depends on: where the others stand."""

    def __init__(self, values: Sequence[Sought], chosen: dict[str, Spot], anchors: dict[str, float]) -> None:
        self.anchors = anchors
        self.used = Counter(chosen[value.path].place.words_at for value in values if value.spots)
        lefts: dict[str, list[float]] = defaultdict(list)
        for value in values:
            if value.group and not value.row and value.spots:
                lefts[value.group].append(chosen[value.path].x0)
        self.lefts = {group: statistics.median_low(each) for group, each in lefts.items()}
        self.sure = _sure(values)
        edges: dict[str, list[Spot]] = defaultdict(list)
        self.lines: set[int] = set()
        for value in values:
            if value.row and value.spots:
                edges[value.field].append(chosen[value.path])
                self.lines.add(round(anchors[value.group]))
        self.columns = {
            name: (statistics.median([spot.x0 for spot in spots]), statistics.median([spot.x1 for spot in spots]))
            for name, spots in edges.items()
            if len(spots) >= _COLUMN_CELLS
        }

    def own(self, value: Sought, spot: Spot) -> float:
        """What one value costs at a place, were it used by no other."""
        found = spot.label
        if value.group in self.anchors:
            away = min(abs(spot.line - self.anchors[value.group]), _MOST_LINES_AWAY)
            found += away * (ROW if value.row else OBJECT)
            if not value.row:
                found += OBJECT * min(abs(spot.x0 - self.lefts[value.group]) / _BLOCK, 2)
        if value.row:
            left, right = self.columns.get(value.field, (spot.x0, spot.x1))
            away = min(abs(spot.x0 - left), abs(spot.x1 - right)) / _LETTER
            found += COLUMN * min(away, _MOST_LETTERS_AWAY)
            found += _aside(spot, self.sure.get(value.group, spot.x0))
        elif spot.line in self.lines:
            found += IN_A_TABLE
        return found + ORDER * (value.spots[-1].order - spot.order if value.late else spot.order)


def _moved(
    values: Sequence[Sought], several: Sequence[Sought], chosen: dict[str, Spot], anchors: dict[str, float]
) -> bool:
    """Moves each value to its cheapest place; whether any moved."""
    state, moved = _State(values, chosen, anchors), False
    for value in sorted(several, key=lambda each: len(each.spots)):
        here = chosen[value.path]
        state.used[here.place.words_at] -= 1
        best = min(value.spots, key=lambda s: state.own(value, s) + REUSE * (state.used[s.place.words_at] > 0))
        state.used[best.place.words_at] += 1
        if best is not here:
            chosen[value.path], moved = best, True
    return moved


def _swapped(
    several: Sequence[Sought], chosen: dict[str, Spot], values: Sequence[Sought], anchors: dict[str, float]
) -> bool:
    """Lets two values that may stand at each other's places change them where that costs less; whether any did.

    Values of one object are tried, and those of several that may stand at the same places.
    """
    state, swapped = _State(values, chosen, anchors), False
    alike: dict[object, list[tuple[Sought, dict[object, Spot]]]] = defaultdict(list)
    for value in several:
        spots: dict[object, Spot] = {spot.place.words_at: spot for spot in value.spots}
        alike[value.group].append((value, spots))
        alike[value.field, tuple(spots)].append((value, spots))
    for same in alike.values():
        for (one, own), (other, others) in combinations(same[:_ALIKE], 2):
            here, there = chosen[one.path], chosen[other.path]
            ours, theirs = own.get(there.place.words_at), others.get(here.place.words_at)
            if ours is None or theirs is None or ours is here:
                continue
            now = state.own(one, here) + state.own(other, there)
            if state.own(one, ours) + state.own(other, theirs) < now - _GAIN:
                chosen[one.path], chosen[other.path], swapped = ours, theirs, True
    return swapped


def _middles(values: Sequence[Sought], chosen: dict[str, Spot]) -> dict[str, float]:
    """Object -> the line in its middle: of the values with fewest places, for they are surest."""
    lines: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for value in values:
        if value.group and value.spots:
            lines[value.group].append((len(value.spots), chosen[value.path].line))
    found = {}
    for group, each in lines.items():
        fewest = min(each)[0]
        found[group] = float(statistics.median_low([line for count, line in each if count <= 2 * fewest]))
    return found


def _anchors(values: Sequence[Sought]) -> dict[str, float]:
    """A line for each object that is one of a list, in reading order as far as that is the list's order."""
    lists: dict[str, dict[str, list[Sought]]] = defaultdict(lambda: defaultdict(list))
    found: dict[str, float] = {}
    for value in values:
        if value.row:
            lists[value.group.rpartition(".")[0]][value.group].append(value)
        elif value.group and value.group not in found:
            rarest = min((v for v in values if v.group == value.group), key=lambda v: len(v.spots))
            found[value.group] = rarest.spots[0].line
    for rows in lists.values():
        choices = {group: _lines_of(row) for group, row in rows.items()}
        kept = _in_order(list(choices.items()))
        taken = set(kept.values())
        for group, lines in choices.items():
            if group not in kept:
                best = max(lines, key=lambda line: (line not in taken, lines[line], -line))
                kept[group] = best
                taken.add(best)
        found |= {group: float(line) for group, line in kept.items()}
    return found


def _lines_of(row: Sequence[Sought]) -> dict[int, float]:
    """The lines that a row may stand on, with how much of it is there: a value with few places counts most."""
    weights: defaultdict[int, float] = defaultdict(float)
    for value in row:
        lines = {spot.line for spot in value.spots}
        for line in lines:
            weights[line] += 1 / len(lines)
    near = {
        line: weight + _NEIGHBOUR * max(weights.get(line - 1, 0.0), weights.get(line + 1, 0.0))
        for line, weight in weights.items()
    }
    best = max(near.values())
    likeliest = sorted(near.items(), key=lambda item: (-item[1], item[0]))[: 3 * _CHOICES]
    return {line: (weight / best) ** _SURELY for line, weight in likeliest}


def _in_order(rows: Sequence[tuple[str, dict[int, float]]]) -> dict[str, int]:
    """The choice of lines, each below the one before, that holds most of the rows; a row may be left out.

    The heaviest increasing subsequence, by a Fenwick tree over the lines: rows x choices x log(lines).
    """
    lines = sorted({line for _, choices in rows for line in choices})
    tree: list[tuple[float, int]] = [(0.0, -1)] * (len(lines) + 1)
    steps: list[tuple[str, int, int]] = []
    for group, choices in rows:
        made = []
        for line, weight in choices.items():
            at = bisect_left(lines, line)
            best, before = (0.0, -1)
            number = at
            while number:
                best, before = max((best, before), tree[number])
                number &= number - 1
            steps.append((group, line, before))
            made.append((at + 1, best + weight, len(steps) - 1))
        for at, weight, step in made:
            number = at
            while number < len(tree):
                tree[number] = max(tree[number], (weight, step))
                number += number & -number
    best, step = 0.0, -1
    number = len(lines)
    while number:
        best, step = max((best, step), tree[number])
        number &= number - 1
    found: dict[str, int] = {}
    while step >= 0:
        group, line, step = steps[step]
        found[group] = line
    return found
