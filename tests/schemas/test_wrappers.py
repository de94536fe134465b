"""A file that is a request, a tool or settings around one schema is that schema."""

from typing import Any

import pytest

from schemas.json_file import schema_of_json
from schemas.portable import portable

FIELDS = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
FUNCTION = {"type": "function", "function": {"name": "extract", "description": "A bill", "parameters": FIELDS}}


@pytest.mark.parametrize(
    ("document", "name", "place"),
    [
        ({"name": "bill", "strict": True, "schema": FIELDS}, "bill", "schema"),
        ({"type": "json_schema", "json_schema": {"name": "bill", "schema": FIELDS}}, "bill", "json_schema.schema"),
        (
            {"text": {"format": {"type": "json_schema", "name": "bill", "schema": FIELDS}}},
            "bill",
            "text.format.schema",
        ),
        ({"model": "m", "tools": [FUNCTION]}, "extract", "tools.0.function.parameters"),
        ({"name": "bill", "input_schema": FIELDS}, "bill", "input_schema"),
        ({"generationConfig": {"responseSchema": FIELDS}}, "file", "generationConfig.responseSchema"),
        ({"schema_definition": FIELDS, "document_type": "bill"}, "file", "schema_definition"),
        ({"name": "bill", "schema": {"title": "Own", **FIELDS}}, "own", "schema"),
        ({"definitions": {"Bill": FIELDS}}, "bill", "definitions.Bill"),
    ],
)
def test_one_schema_in_a_file_is_taken_out(document: dict[str, Any], name: str, place: str) -> None:
    """Named by itself, by what is around it, or by its file; `schemas check` says where it stood."""
    schema = schema_of_json(document, "file")
    made = portable(schema.json_schema)
    assert {key: made[key] for key in ("type", "required")} == {"type": "object", "required": ["total"]}
    assert schema.name == name
    assert schema.remarks[0] == f"the schema is what stands under {place}"


def test_what_a_tool_says_of_itself_is_the_record_s_description() -> None:
    """The model reads it."""
    assert portable(schema_of_json(FUNCTION, "file").json_schema)["description"] == "A bill"


def test_refs_lead_where_they_led() -> None:
    """Of an OpenAPI document the schema that no other one uses is taken, with what it refers to."""
    line = {"type": "object", "properties": {"text": {"type": "string"}}}
    bill = {"type": "object", "properties": {"lines": {"type": "array", "items": {"$ref": "#/components/schemas/L"}}}}
    document = {"openapi": "3.0.0", "info": {"title": "x"}, "components": {"schemas": {"Bill": bill, "L": line}}}
    schema = schema_of_json(document, "file")
    assert schema.name == "bill"
    assert list(portable(schema.json_schema)["properties"]["lines"]["items"]["properties"]) == ["text"]
    assert schema.parse({"lines": [{"text": "a"}]}) == {"lines": [{"text": "a"}]}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"invoice": FIELDS, "receipt": FIELDS}, r"several schemas .*\(invoice, receipt\)"),
        ({"number": "Number of the bill", "day": "Its date"}, "holds no JSON Schema"),
        ({"fields": [{"fieldKey": "Number", "fieldType": "string"}]}, "holds no JSON Schema"),
        ({"fields": {"Number": {"type": "string"}, "Seller": FIELDS}}, "holds no JSON Schema"),
        ({"entityTypes": [{"name": "bill", "properties": [{"name": "total"}]}]}, "holds no JSON Schema"),
    ],
)
def test_where_more_than_one_could_be_meant_or_none_the_file_is_refused(document: dict[str, Any], told: str) -> None:
    """A list of fields in a notation of its own is no schema, and never taken for one of its parts."""
    with pytest.raises(ValueError, match=told):
        schema_of_json(document, "file")
