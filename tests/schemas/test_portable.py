"""The wire schema: what strict servers accept, with everything that they have no keyword for in the prompt."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from schemas.builtin import BUILTIN
from schemas.portable import NotPortable, portable, relaxed
from schemas.record import schema_of, snake_case

ALLOWED = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "description",
    "format",
}


def nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Every schema node, the root first."""
    found = [schema]
    for child in (*schema.get("properties", {}).values(), *schema.get("anyOf", ()), schema.get("items")):
        if child:
            found += nodes(child)
    return found


@pytest.mark.parametrize("name", BUILTIN)
@pytest.mark.parametrize("change", [portable, lambda schema: relaxed(portable(schema))])
def test_builtin_schemas_meet_the_strict_rules(name: str, change: Any) -> None:
    """Only portable keywords, closed objects, every property required, no $ref."""
    for node in nodes(change(schema_of(BUILTIN[name]).json_schema)):
        assert set(node) <= ALLOWED
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        assert node.get("format") in {None, "date", "date-time"}


class Colour(StrEnum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


class Order(BaseModel):
    """A user's own schema, with what pydantic makes of plain types."""

    name: str = Field(min_length=1, max_length=20)
    price: Decimal = Field(gt=0, description="What it costs", examples=["12.50"])
    day: date | None = None
    colour: Colour = Colour.RED
    kind: Literal["a"] = "a"
    tags: list[str] = []


def test_a_plain_decimal_is_asked_for_as_a_number_in_text() -> None:
    """A user's own `Decimal`, without any of our types, tells the model how to write it."""

    class Order(BaseModel):
        total: Decimal | None = None

    total = portable(Order.model_json_schema())["properties"]["total"]
    assert total["description"] == "(decimal as text, like 1234.56)"
    assert total["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_pydantic_types_become_what_a_server_can_enforce() -> None:
    """Decimals are text, bounds are told in words, enumerations stay, constants are enumerations of one."""
    made = portable(Order.model_json_schema())
    fields = made["properties"]
    assert list(fields) == ["name", "price", "day", "colour", "kind", "tags"]
    assert fields["name"] == {"type": "string", "description": "(1 characters or more, 20 characters at most)"}
    price = "What it costs. (decimal as text, like 1234.56) (more than 0) Examples: 12.50."
    assert fields["price"] == {"type": "string", "description": price}
    assert fields["day"]["anyOf"][0]["format"] == "date"
    assert fields["tags"] == {"type": "array", "items": {"type": "string"}}
    assert ["red", "blue"] in [option.get("enum") for option in nodes(fields["colour"])]
    assert ["a"] in [option.get("enum") for option in nodes(fields["kind"])]


def test_labels_and_examples_reach_the_model() -> None:
    """They are folded into the description, in words."""
    number = portable(schema_of(BUILTIN["invoice"]).json_schema)["properties"]["number"]
    assert "Labels: Invoice No.;" in number["description"]
    assert "Examples: 2024-00123." in number["description"]


def test_a_part_of_a_document_is_never_forced_to_invent() -> None:
    """What another page shows may be null, even where the whole record must have it."""
    part = relaxed(portable(Order.model_json_schema()))
    assert {"type": "null"} in part["properties"]["name"]["anyOf"]
    assert part["properties"]["tags"]["type"] == "array"


class Node(BaseModel):
    """A schema without a fixed depth."""

    child: "Node | None" = None


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (Node.model_json_schema(), "contains itself"),
        (
            {"type": "object", "properties": {"x": {"type": "object", "additionalProperties": True}}},
            "open dictionary",
        ),
        ({"type": "object", "properties": {"x": {}}}, "declare a type"),
        ({"type": "object", "properties": {"x": {"type": "array"}}}, "declare its items"),
        ({"type": "object", "properties": {"x": {"$dynamicRef": "#x"}}}, "only known elsewhere"),
        ({"type": "array", "items": {"type": "string"}}, "root must be an object"),
        ({"type": "object", "properties": {"x": {"$ref": "#/$defs/gone"}}}, "not in this schema"),
    ],
)
def test_what_cannot_be_asked_for_says_so_and_where(schema: dict[str, Any], told: str) -> None:
    """The message names the place and what to change."""
    with pytest.raises(NotPortable, match=told):
        portable(schema)


def test_names_of_schemas_are_names_of_views() -> None:
    """Snake case, a letter first, and never the name of one of the store's own tables."""
    assert snake_case("PurchaseOrder") == "purchase_order"
    assert snake_case("HTTPLog2") == "http_log2"
    assert snake_case("3 Zimmer") == "schema_3_zimmer"
    assert snake_case("Records") == "records_record"
    assert snake_case("!!") == "record"
