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
from schemas.shapes import meant


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


def test_a_required_field_that_is_refused_is_null_and_told_once() -> None:
    """Why it is not there is known: that it is required is no second fault."""
    schema = schema_of(Strict)
    answer = {"number": "A", "day": "soon", "total": "1.234,50 \u20ac"}
    left = salvaged(answer, schema)
    assert left.lacking == ()
    assert not left.valid
    assert [each.path for each in left.refused] == ["day"]
    assert as_far_as_read(left.value, schema) == {"number": "A", "day": None, "total": "1234.50"}
    again = salvaged({"number": "A", "day": None, "total": "1"}, schema, gone=["day"])
    assert (again.lacking, again.value["day"]) == ((), None)


def test_a_required_field_that_was_not_answered_is_lacking() -> None:
    """Nobody knows why it is not there."""
    left = salvaged({"number": "A", "day": None, "total": "1"}, schema_of(Strict))
    assert [fault.path for fault in left.lacking] == ["day"]
    assert (left.refused, left.value["day"]) == ((), None)


def test_every_refused_leaf_of_an_optional_list_is_told_at_once() -> None:
    """An optional list is a choice between it and null: however many of its rows have a fault, none is left over."""
    row = {"type": "object", "properties": {"unit": {"type": "integer"}, "text": {"type": "string"}}}
    row["required"] = ["unit", "text"]
    schema = schema_of_json({"type": "object", "properties": {"rows": {"type": "array", "items": row}}}, "table")
    left = salvaged({"rows": [{"unit": "many", "text": "r"} for _ in range(30)]}, schema)
    assert left.lacking == ()
    assert [each.path for each in left.refused] == [f"rows.{number}.unit" for number in range(30)]
    assert left.value == {"rows": [{"unit": None, "text": "r"}] * 30}


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
    assert left.value["paid"] == {"kind": "card", "amount": None}
    assert [each.path for each in left.refused] == ["paid.amount"]


@pytest.mark.parametrize(
    ("field", "answered", "read"),
    [
        ({"type": "string", "format": "date"}, "3/28/2020", "2020-03-28"),
        ({"type": "string", "format": "date"}, "March 28, 2020", "2020-03-28"),
        ({"type": "string", "format": "date"}, "2020-03-28T00:00:00Z", "2020-03-28"),
        ({"type": "string", "format": "date-time"}, "2020-03-28T10:30:00Z", "2020-03-28T10:30:00Z"),
        ({"type": "string", "format": "date-time"}, "2020-03-28 10:30", "2020-03-28T10:30:00"),
        ({"type": "string", "format": "date-time"}, "2020-03-28", "2020-03-28T00:00:00"),
        ({"type": "string", "format": "date-time"}, "March 28, 2020", "2020-03-28T00:00:00"),
        ({"type": "boolean"}, "Yes", True),
        ({"type": ["boolean", "null"]}, "false", False),
        ({"type": "string"}, 12345, "12345"),
        ({"type": "string", "format": "phone"}, 12.5, "12.5"),
        ({"enum": ["net_30", "net_60"]}, "Net 30", "net_30"),
        ({"enum": ["Général", "Autre"]}, "general", "Général"),
        ({"enum": ["General", "Other"]}, "GÉNÉRAL", "General"),
        ({"enum": [1, 2]}, "2", 2),
        ({"enum": ["1", "2"]}, 2, "2"),
        ({"enum": ["auto", 2]}, "Auto", "auto"),
    ],
)
def test_what_means_one_thing_is_read_in_a_json_schema_file(field: dict[str, Any], answered: Any, read: Any) -> None:
    """Dates, times, yes and no, numbers as text, enums in another spelling."""
    schema = schema_of_json({"type": "object", "properties": {"it": field}, "required": ["it"]}, "one")
    assert schema.parse(meant({"it": answered}, schema.shape)) == {"it": read}


@pytest.mark.parametrize(
    ("field", "answered"),
    [
        ({"type": "string", "format": "date"}, "3/28/20"),
        ({"type": "string", "format": "date"}, "Q1 2020"),
        ({"type": "string", "format": "date-time"}, "28.03.2020 10:30 or later"),
        ({"type": "boolean"}, "perhaps"),
        ({"type": "string", "pattern": "^[A-Z]+$"}, 5),
        ({"type": "number"}, "a few"),
        ({"enum": ["Général", "General"]}, "Gén\u00e8ral"),
        ({"enum": ["open", "paid"]}, "Net 30 days"),
        ({"enum": ["-1", "1"]}, 3),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_what_cannot_be_read_costs_its_own_leaf_only(field: dict[str, Any], answered: Any, *, required: bool) -> None:
    """Also where the schema requires it: null, with its text and why, and no second fault."""
    fields = {"it": field, "number": {"type": "string"}}
    schema = schema_of_json(
        {"type": "object", "properties": fields, "required": ["it", "number"] if required else ["number"]}, "one"
    )
    left = salvaged(meant({"it": answered, "number": "A"}, schema.shape), schema)
    assert [each.path for each in left.refused] == ["it"]
    assert left.lacking == ()
    assert as_far_as_read(left.value, schema) == {"it": None, "number": "A"}


def test_a_json_schema_file_reads_numbers_as_a_model_does() -> None:
    """A decimal answered as a number, and a number answered as text."""
    fields = {"total": {"type": "string", "format": "decimal"}, "n": {"type": "integer"}, "x": {"type": "number"}}
    schema = schema_of_json({"type": "object", "properties": fields, "required": ["total"]}, "numbers")
    assert schema.parse({"total": 5.5, "n": "3", "x": "2.5"}) == {"total": "5.5", "n": 3, "x": 2.5}


class Cover(BaseModel):
    """A row with two fields that it needs."""

    letter: Literal["A", "B"]
    name: str


class Policy(BaseModel):
    """A record with a table."""

    day: Date
    rows: list[Cover]


POLICIES = [
    schema_of(Policy),
    schema_of_json(
        {
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"},
                "rows": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"letter": {"type": "string", "enum": ["A", "B"]}, "name": {"type": "string"}},
                        "required": ["letter", "name"],
                    },
                },
            },
            "required": ["day", "rows"],
        },
        "policy",
    ),
]


@pytest.mark.parametrize("schema", POLICIES, ids=["model", "file"])
@pytest.mark.parametrize("letter", ["C", None, 7, ["A"]])
def test_a_row_is_not_lost_for_one_of_its_cells(schema: Schema, letter: Any) -> None:
    """Two faults about one value (its type, its words) take out that value once, and never the row around it."""
    left = salvaged({"day": "2026-01-02", "rows": [{"letter": letter, "name": "x"}]}, schema)
    assert left.value["rows"] == [{"letter": None, "name": "x"}]
    assert [each.path for each in left.refused] == ["rows.0.letter"]
    assert left.lacking == ()


@pytest.mark.parametrize("schema", POLICIES, ids=["model", "file"])
def test_an_empty_cell_costs_no_document_and_an_empty_field_of_the_record_does(schema: Schema) -> None:
    """A row that lacks what it needs is told, and stands; a record that does is none."""
    left = salvaged({"day": "2026-01-02", "rows": [{"letter": "A"}, {"letter": "B", "name": None}]}, schema)
    assert left.value["rows"] == [{"letter": "A", "name": None}, {"letter": "B", "name": None}]
    assert [(each.path, each.raw) for each in left.refused] == [("rows.0.name", "null"), ("rows.1.name", "null")]
    assert left.lacking == ()
    again = salvaged(left.value, schema, gone={each.path for each in left.refused})
    assert (again.value, again.refused, again.lacking) == (left.value, (), ())
    assert [fault.path for fault in salvaged({"day": None, "rows": []}, schema).lacking] == ["day"]


def test_a_number_that_no_column_holds_is_taken_out_beside_an_empty_required_field() -> None:
    """Both faults are found at once, so that none hides behind the other."""
    fields = {"day": {"type": "string", "format": "date"}, "n": {"type": "integer"}}
    schema = schema_of_json({"type": "object", "properties": fields, "required": ["day"]}, "n")
    left = salvaged({"day": "soon", "n": 2**63}, schema)
    assert left.value == {"day": None, "n": None}
    assert {each.path for each in left.refused} == {"day", "n"}
