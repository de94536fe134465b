"""One bad leaf never costs a good record: whatever is refused is told, and everything else stands."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, create_model, model_validator

from schemas.fields import Date, Money
from schemas.json_file import schema_of_json
from schemas.record import Schema, schema_of
from schemas.salvage import as_far_as_read, salvaged


class Row(BaseModel):
    """A row of a table."""

    text: str | None = None
    amount: Money | None = None


class Bill(BaseModel):
    """Every kind of field."""

    model_config = ConfigDict(extra="forbid")

    number: str | None = None
    day: Date | None = None
    state: Literal["paid", "open"] | None = None
    count: int | None = None
    party: Row | None = None
    rows: list[Row] = []
    tags: list[int] = []


MODEL = schema_of(Bill)
FILE = schema_of_json(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "number": {"type": "string"},
            "day": {"type": "string", "format": "date"},
            "state": {"enum": ["paid", "open"]},
            "count": {"type": "integer"},
            "party": {"$ref": "#/$defs/row"},
            "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
            "tags": {"type": "array", "items": {"type": "integer"}},
        },
        "$defs": {
            "row": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "amount": {"type": "string", "format": "decimal"}},
            }
        },
    },
    "bill",
)
GOOD: dict[str, Any] = {"number": "A", "day": "2026-01-02", "state": "paid", "count": 3}
BAD: dict[str, list[Any]] = {
    "number": [["x"], {"a": 1}], "day": ["soon", "2026-13-45", "99/99/99"], "state": ["lost", 5],
    "count": ["many", {"n": 1}],
}  # fmt: skip
ROWS = st.lists(st.sampled_from([("1.50", True), ("a few", False), ("12 50", False), ("-3", True)]), max_size=5)


@pytest.mark.parametrize("schema", [MODEL, FILE], ids=["model", "file"])
@given(data=st.data())
def test_every_good_leaf_stands_and_every_bad_one_is_told(schema: Schema, data: st.DataObject) -> None:
    """For any mixture of good and bad leaves, in a pydantic model and in a JSON Schema file."""
    bad = data.draw(st.sets(st.sampled_from(sorted(BAD))))
    rows = data.draw(ROWS)
    tags = data.draw(st.lists(st.sampled_from([1, 2, "x", None, 2.5]), max_size=4))
    answer = {name: data.draw(st.sampled_from(BAD[name])) if name in bad else GOOD[name] for name in GOOD}
    answer |= {"rows": [{"text": "r", "amount": text} for text, _ in rows], "tags": tags}
    left = salvaged(answer, schema)
    assert left.lacking == ()
    record = schema.parse(left.value)
    assert {name: record.get(name) for name in GOOD} == {
        name: None if name in bad else value for name, value in GOOD.items()
    }
    assert [row["text"] for row in record["rows"]] == ["r"] * len(rows)
    got = [row.get("amount") for row in record["rows"]]
    assert [None if each is None else Decimal(each) for each in got] == [
        Decimal(text) if good else None for text, good in rows
    ]
    assert record["tags"] == [each for each in tags if each in {1, 2}]
    told = {each.path for each in left.refused}
    assert told >= bad | {f"rows.{number}.amount" for number, (_, good) in enumerate(rows) if not good}


def test_what_is_refused_is_told_with_its_text_and_why() -> None:
    """A person reads what stood there."""
    (refused,) = salvaged({"day": "soon", "number": "A"}, MODEL).refused
    assert (refused.path, refused.raw) == ("day", "soon")
    assert "soon" in refused.why


@pytest.mark.parametrize("schema", [MODEL, FILE], ids=["model", "file"])
def test_another_shape_or_an_unknown_field_costs_only_itself(schema: Schema) -> None:
    """A text where an object belongs, an object where a list belongs, a field that nobody asked for."""
    left = salvaged({"number": "A", "party": "Oak", "rows": {"text": "r"}, "extra": 1}, schema)
    assert left.lacking == ()
    record = schema.parse(left.value)
    assert record["number"] == "A"
    assert not record.get("party")
    assert not record.get("rows")
    assert {each.path for each in left.refused} == {"party", "rows", "extra"}


class Strict(BaseModel):
    """Required fields, and a rule over the whole."""

    number: str
    day: date
    total: Money
    paid: Money | None = None

    @model_validator(mode="after")
    def _not_overpaid(self) -> Self:
        if self.paid is not None and self.paid > self.total:
            raise ValueError("more was paid than is due")
        return self


def test_a_required_field_that_is_refused_is_lacking() -> None:
    """The record is kept as far as it was read, and what it lacks is said."""
    schema = schema_of(Strict)
    answer = {"number": "A", "day": "soon", "total": "1.234,50 \u20ac"}
    left = salvaged(answer, schema)
    assert [fault.path for fault in left.lacking] == ["day"]
    assert [each.path for each in left.refused] == ["day"]
    assert as_far_as_read(left.value, schema) == {"number": "A", "total": "1234.50"}


def test_a_rule_over_the_whole_takes_no_leaf_away() -> None:
    """Which of its leaves is wrong is not known: all of them stand."""
    answer = {"number": "A", "day": "2026-01-02", "total": "1.00", "paid": "2.00"}
    left = salvaged(answer, schema_of(Strict))
    assert left.value == answer
    assert [fault.what for fault in left.lacking] == ["whole"]


class Cat(BaseModel):
    """One choice of a union."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    tricks: int | None = None


class Owner(BaseModel):
    """A union with a place of its own in every fault's path."""

    pet: Cat | Dog | None = None
    name: str | None = None


def test_a_union_loses_no_more_than_itself() -> None:
    """The steps of its branches lead nowhere in the answer, and are passed over."""
    left = salvaged({"pet": {"kind": "dog", "tricks": "many"}, "name": "Ann"}, schema_of(Owner))
    assert left.lacking == ()
    assert left.value["name"] == "Ann"
    assert {each.path for each in left.refused} <= {"pet", "pet.tricks", "pet.kind"}


def test_a_number_without_end_is_refused_as_a_leaf() -> None:
    """Pydantic reads "inf" as a float, which no JSON and no database holds."""

    class Measured(BaseModel):
        value: float | None = None
        name: str | None = None

    left = salvaged({"value": "1e400", "name": "x"}, schema_of(Measured))
    assert (left.value, [each.path for each in left.refused]) == ({"value": None, "name": "x"}, ["value"])


def test_an_integer_that_no_column_holds_is_refused_as_a_leaf() -> None:
    """Above 64 bits a view gives a float and Parquet nothing: digits of that many are text."""
    for schema in (
        schema_of(create_model("Numbered", n=(int | None, None))),
        schema_of_json({"type": "object", "properties": {"n": {"type": "integer"}}}, "numbered"),
    ):
        assert schema.parse({"n": 2**63 - 1}) == {"n": 2**63 - 1}
        assert [each.path for each in salvaged({"n": 2**63}, schema).refused] == ["n"]


def test_a_refused_leaf_of_a_choice_does_not_cost_its_mark() -> None:
    """Of a choice in a JSON Schema file the branch whose constant stands there is the one that is told."""
    card = {"properties": {"kind": {"const": "card"}, "amount": {"type": "string", "format": "decimal"}}}
    cash = {"properties": {"kind": {"const": "cash"}, "given": {"type": "integer"}}}
    kinds = [{"type": "object", "required": list(each["properties"]), **each} for each in (card, cash)]
    schema = schema_of_json({"type": "object", "properties": {"paid": {"oneOf": kinds}}}, "choice")
    left = salvaged({"paid": {"kind": "card", "amount": "bad"}}, schema)
    assert left.value["paid"] == {"kind": "card"}
    assert [each.path for each in left.refused] == ["paid.amount"]


def test_a_json_schema_file_reads_numbers_as_a_model_does() -> None:
    """A decimal answered as a number, and a number answered as text."""
    fields = {"total": {"type": "string", "format": "decimal"}, "n": {"type": "integer"}, "x": {"type": "number"}}
    schema = schema_of_json({"type": "object", "properties": fields, "required": ["total"]}, "numbers")
    assert schema.parse({"total": 5.5, "n": "3", "x": "2.5"}) == {"total": "5.5", "n": 3, "x": 2.5}
