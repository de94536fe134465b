"""Placing a record: as good as trying everything, on records small enough for that."""

import random
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from extractors.answers.page_text import Place
from extractors.answers.placing import Sought, Spot, cost, placed

_PATHS = (
    ("total", "", False), ("tax", "", False), ("seller.name", "seller", False), ("rows.0.a", "rows.0", True),
    ("rows.0.b", "rows.0", True), ("rows.1.a", "rows.1", True), ("rows.1.b", "rows.1", True),
)  # fmt: skip


def _random_record(dice: random.Random) -> list[Sought]:
    """Up to seven values with up to three places each, on a page of a few lines and columns."""
    cells = [(line, column) for line in range(4) for column in range(3)]
    values = []
    for path, group, row in dice.sample(_PATHS, dice.randint(2, len(_PATHS))):
        spots = tuple(
            Spot(Place(1, (cells.index(cell),)), cell[0], 0.3 * cell[1], 0.3 * cell[1] + 0.1, order,
                 dice.choice([0.0, 0.5, 1.2, 2.0]))
            for order, cell in enumerate(sorted(dice.sample(cells, dice.randint(1, 3))))
        )  # fmt: skip
        field = ".".join(step for step in path.split(".") if not step.isdecimal())
        values.append(Sought(path, field, group, row, spots))
    return values


def test_small_records_are_placed_about_as_well_as_can_be() -> None:
    """Of 300 with random places four in five cost no more than the cheapest of all placings; on average little."""
    dice, excess = random.Random(1), []
    for _ in range(300):
        values = _random_record(dice)
        best = min(
            cost(values, dict(zip((value.path for value in values), choice, strict=True)))
            for choice in product(*(value.spots for value in values))
        )
        excess.append(cost(values, placed(values)) - best)
    assert sum(each < 0.01 for each in excess) >= 240
    assert sum(excess) / len(excess) < 0.35


@given(st.integers(0, 10**6))
def test_every_value_with_a_place_gets_one_of_its_own(seed: int) -> None:
    """A place that was not offered is never taken."""
    values = _random_record(random.Random(seed))
    chosen = placed(values)
    assert chosen.keys() == {value.path for value in values}
    for value in values:
        assert chosen[value.path].place in {spot.place for spot in value.spots}
