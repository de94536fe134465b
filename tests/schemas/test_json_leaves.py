"""The leaves of a JSON Schema file's record: printed dates, amounts and words, each read or refused by itself."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.habits import PageHabits
from schemas.json_file import schema_of_json
from schemas.record import InvalidRecord, Schema
from schemas.salvage import salvaged
from schemas.shapes import meant


def one(field: dict[str, Any]) -> Schema:
    """A schema of one required field."""
    return schema_of_json({"type": "object", "properties": {"it": field}, "required": ["it"]}, "x")


def read(field: dict[str, Any], answer: Any, habits: PageHabits | None = None) -> Any:
    """The answer as the record holds it, on the way that every answer goes."""
    schema = one(field)
    return schema.parse(meant({"it": answer}, schema.shape), habits)["it"]


DAY, MOMENT = {"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("field", "answer", "kept"),
    [
        (DAY, "March 28, 2020", "2020-03-28"),
        (DAY, "28.03.2020", "2020-03-28"),
        (DAY, "2020-03-28T00:00:00Z", "2020-03-28"),
        (MOMENT, "2020-03-28T10:30:00Z", "2020-03-28T10:30:00Z"),
        (MOMENT, "2020-03-28T10:30:00", "2020-03-28T10:30:00"),
        (MOMENT, "2020-03-28", "2020-03-28T00:00:00"),
        (MOMENT, "March 28, 2020 10:30 PM", "2020-03-28T22:30:00"),
        (MOMENT, "28.03.2020, 12:05 Uhr", "2020-03-28T12:05:00"),
        (MOMENT, "28 March 2020 at 12:05:09 a.m.", "2020-03-28T00:05:09"),
        ({"type": "number"}, "1,234.56", 1234.56),
        ({"type": "number"}, "$ 1,234.50", 1234.5),
        ({"type": "integer"}, "12,345,678", 12345678),
        ({"type": "integer", "format": "int32"}, "12", 12),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "false", False),
        ({"enum": ["net_30", "net_60"]}, "Net 30", "net_30"),
        ({"enum": ["Métro", "Bus"]}, "metro", "Métro"),
        ({"enum": ["credito", "debito"]}, "CRÉDITO", "credito"),
        ({"enum": [1, 2]}, "2", 2),
        ({"enum": ["1", "2"]}, 2, "2"),
        ({"const": 5}, "5", 5),
    ],
)
def test_what_means_one_thing_is_read(field: dict[str, Any], answer: Any, kept: Any) -> None:
    """As it is printed, in whatever type the model gave it."""
    assert read(field, answer) == kept
    assert type(read(field, answer)) is type(kept)


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        (DAY, "3/28/20"), (DAY, "Q1 2020"), (DAY, "March 2020"), (DAY, "04/03/2020"), (DAY, 20200328),
        (MOMENT, "soon"), (MOMENT, "28.03.2020 10:30 or later"),
        (MOMENT, "04/03/2020 10:30"), (MOMENT, "March 28, 2020 13:30 PM"),
        (MOMENT, "March 28, 2020 25:00"), (MOMENT, 5),
        ({"type": "number"}, "1,234"), ({"type": "number"}, "25 %"), ({"type": "integer"}, "1.5"),
        ({"type": "integer"}, "many"), ({"type": "boolean"}, "perhaps"),
        ({"enum": ["a b", "a-b"]}, "A B"), ({"enum": ["ha", "há"]}, "hà"), ({"enum": ["ば", "い"]}, "は"),
        ({"enum": [1, 2]}, "3"), ({"enum": ["1", "2"]}, 3),
    ],
)  # fmt: skip
def test_what_could_be_two_or_none_is_null_and_told_once(field: dict[str, Any], answer: Any) -> None:
    """Never guessed, and never a reason to lose more than itself."""
    schema = one(field)
    asked = meant({"it": answer}, schema.shape)
    with pytest.raises(InvalidRecord):
        schema.parse(asked)
    left = salvaged(asked, schema)
    assert left.value == {"it": None}
    assert [(each.path, each.raw) for each in left.refused] == [("it", str(answer))]
    assert left.lacking == ()


def test_the_page_settles_what_a_text_leaves_open() -> None:
    """Its order of day and month, its years, its decimal mark: as for a pydantic model."""
    assert read(DAY, "04/03/2020", PageHabits(order="day")) == "2020-03-04"
    assert read(DAY, "3/28/20", PageHabits(years=frozenset({2020, 2021}))) == "2020-03-28"
    assert read({"type": "number"}, "1,234", PageHabits(amounts=frozenset({Decimal(1234)}))) == 1234
    assert read(MOMENT, "04/03/2020 10:30", PageHabits(order="day")) == "2020-03-04T10:30:00"


FIELDS = {
    "day": DAY, "moment": MOMENT, "total": {"type": "number"}, "count": {"type": "integer"},
    "paid": {"type": "boolean"}, "terms": {"enum": ["net_30", "net_60"]}, "text": {"type": "string"},
}  # fmt: skip
GOOD = {
    "day": "28 March 2020", "moment": "2020-03-28 10:30", "total": "12.50", "count": 3, "paid": True,
    "terms": "NET 60", "text": "x",
}  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None)
@given(
    bad=st.dictionaries(st.sampled_from(sorted(FIELDS)), ANYTHING.filter(lambda each: each is not None), max_size=4)
)
def test_whatever_is_answered_costs_no_other_field(bad: dict[str, Any]) -> None:
    """Every field is required, and any of them may hold anything: the others stand, and nothing is lacking."""
    schema = schema_of_json({"type": "object", "properties": FIELDS, "required": list(FIELDS)}, "x")
    left = salvaged(meant({**GOOD, **bad}, schema.shape), schema)
    assert left.lacking == ()
    assert set(left.value) == set(FIELDS)
    assert {each.path for each in left.refused} <= bad.keys()
    kept = {name for name in GOOD if name not in bad}
    assert all(left.value[name] is not None for name in kept)
