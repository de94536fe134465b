"""Schemas as people write them: other words for the same are read, what nobody knows is dropped and told."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fingerprints import fingerprint
from schemas.json_file import schema_of_json
from schemas.portable import NotPortable, portable
from schemas.record import InvalidRecord, Schema
from schemas.subschemas import at, inside

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
PLAIN: dict[str, Any] = {
    "title": "Bill",
    "type": "object",
    "required": ["number"],
    "properties": {
        "number": {"type": "string", "description": "Number of the bill", "examples": ["A-1"]},
        "day": {"type": "string", "format": "date"},
        "total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]},
        "state": {"enum": ["paid", "open"]},
        "seller": {"$ref": "#/$defs/party"},
        "rows": {
            "type": "array", "minItems": 1, "items": {"allOf": [{"$ref": "#/$defs/row"}], "description": "A row"},
        },
    },
    "$defs": {
        "party": {"type": "object", "properties": {"name": TEXT, "title": {"type": ["string", "null"]}}},
        "row": {"type": "object", "required": ["text"], "properties": {"text": TEXT, "default": {"type": "integer"}}},
    },
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "number": "A-2", "day": "31 March 2026", "total": "1.50", "state": "Paid", "seller": {"name": "N", "title": None},
    "rows": [{"text": "r", "default": 1}],
}  # fmt: skip


def obj(**properties: Any) -> dict[str, Any]:
    """An object with some properties."""
    return {"type": "object", "properties": properties}


def taken(document: dict[str, Any]) -> Schema:
    """The schema of a file, that can be asked for."""
    schema = schema_of_json(document, "file")
    portable(schema.json_schema)
    return schema


def asked(document: dict[str, Any]) -> dict[str, Any]:
    """How it is asked for."""
    return portable(taken(document).json_schema)


def test_a_schema_that_was_always_taken_keeps_its_recipe() -> None:
    """An upgrade makes no new work: what is asked, and the digest of how it is read, are those of version 0.1.0."""
    schema = taken(PLAIN)
    assert (fingerprint(schema.json_schema), schema.reading) == ("cfc599823db8aa96", "cfc599823db8aa96")
    older = {**PLAIN, "$schema": "http://json-schema.org/draft-04/schema#"}
    older["properties"] = {**PLAIN["properties"], "n": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}
    schema = taken(older)
    assert (fingerprint(schema.json_schema), schema.reading) == ("ac69b595b8a6818f", "ac69b595b8a6818f")


NOTES = {
    "$comment": "as agreed", "default": None, "deprecated": True, "readOnly": False, "writeOnly": True,
}  # fmt: skip
UNKNOWN = st.sampled_from(
    ["name", "ui:widget", "propertyOrder", "propertyOrdering", "extraction_hint", "method", "evaluation_config",
     "requried", "enums", "minItem", "Description", "help", "example_of", "order", "$vocabulary",
     "markdownDescription", "enumNames", "estimateSourceAndConfidence", "xml", "externalDocs", "display_name", "id"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({"type": "string"}),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


HINTS = ("help", "markdownDescription", "extraction_hint")


def is_hint(key: str, value: Any) -> bool:
    """Whether it is a description under another name, which is asked for: of these, any other value is unknown."""
    return key in HINTS and isinstance(value, str) and bool(value.strip())


def sprinkled(data: st.DataObject, keywords: st.SearchStrategy[tuple[str, Any]]) -> dict[str, Any]:
    """The plain schema with keywords at places where none of that name stands."""
    document = deepcopy(PLAIN)
    places = [steps for steps, _ in inside(PLAIN)]
    for steps in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=6)):
        key, value = data.draw(keywords)
        at(document, steps).setdefault(key, value)
    return document


@settings(deadline=None)
@given(data=st.data())
def test_unknown_keywords_anywhere_change_nothing(data: st.DataObject) -> None:
    """Neither the question, nor how answers are read, nor the recipe: what is dropped makes no new work."""
    unknown = st.tuples(UNKNOWN, ANYTHING).filter(lambda drawn: not is_hint(*drawn))
    plain, schema = taken(PLAIN), taken(sprinkled(data, unknown))
    assert (schema.json_schema, schema.reading, schema.name) == (plain.json_schema, plain.reading, "bill")
    assert schema.parse(ANSWER | {"state": "paid"}) == plain.parse(ANSWER | {"state": "paid"})


@settings(deadline=None)
@given(data=st.data())
def test_notes_anywhere_change_no_question_and_no_reading(data: st.DataObject) -> None:
    """`default`, `deprecated`, `$comment` ... say something of the schema, and nothing of an answer."""
    plain, schema = taken(PLAIN), taken(sprinkled(data, st.sampled_from(sorted(NOTES.items(), key=str))))
    assert portable(schema.json_schema) == portable(plain.json_schema)
    assert schema.parse(ANSWER | {"state": "paid"}) == plain.parse(ANSWER | {"state": "paid"})


def test_a_part_with_a_name_of_its_own_is_read() -> None:
    """`$id` inside a file changes where refs begin, for a validator; people mean the file's own root."""
    party = {"type": "object", "properties": {"name": {"type": "string"}}}
    seller = {"$id": "seller", "$ref": "#/$defs/party"}
    document = {**obj(seller=seller), "$defs": {"party": party}}
    assert taken(document).parse({"seller": {"name": "Corner Shop"}}) == {"seller": {"name": "Corner Shop"}}


@settings(deadline=None)
@given(data=st.data())
def test_any_file_is_taken_or_refused_in_words(data: st.DataObject) -> None:
    """Whatever stands under whatever keyword: no other error."""
    keys = st.sampled_from(
        ["type", "properties", "items", "required", "enum", "anyOf", "allOf", "$ref", "$defs", "if", "then", "not",
         "format", "minimum", "exclusiveMinimum", "nullable", "prefixItems", "dependencies", "patternProperties",
         "pattern", "description", "examples", "$schema", "$id", "additionalProperties", "labels", "title", "const"]
    )  # fmt: skip
    document = sprinkled(data, st.tuples(keys, ANYTHING))
    for steps in data.draw(st.lists(st.sampled_from([steps for steps, _ in inside(PLAIN)]), max_size=3)):
        node = at(document, steps)
        if isinstance(node, dict):
            node[data.draw(keys)] = data.draw(ANYTHING)
    try:
        schema = taken(document)
    except ValueError:
        return
    try:
        schema.parse(ANSWER)
    except InvalidRecord:
        return


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (obj(a={"type": "STRING", "nullable": True}), obj(a={"type": ["string", "null"]})),
        (obj(a={"type": "int"}), obj(a={"type": "integer"})),
        (obj(a={"type": "date"}), obj(a={"type": "string", "format": "date"})),
        (obj(a={"type": "decimal"}), obj(a={"type": "string", "format": "decimal"})),
        (obj(a={"type": "string", "required": True}), {**obj(a=TEXT), "required": ["a"]}),
        ({**obj(a=TEXT), "required": ["a", "a"]}, {**obj(a=TEXT), "required": ["a"]}),
        (obj(a={"type": "number", "minimum": 1, "exclusiveMinimum": True}),
         obj(a={"type": "number", "exclusiveMinimum": 1})),
        (obj(a={"type": "number", "maximum": 9, "exclusiveMaximum": False}), obj(a={"type": "number", "maximum": 9})),
        (obj(a={"type": "string", "maxLength": "5", "pattern": None}), obj(a={"type": "string", "maxLength": 5})),
        (obj(a={"type": "string", "example": "X"}), obj(a={"type": "string", "examples": ["X"]})),
        (obj(a={"type": "string", "description": ["b", "c"]}), obj(a={"type": "string", "description": "b c"})),
        (obj(a={"type": "string", "title": 5, "deprecated": "yes", "examples": "X"}),
         obj(a={"type": "string", "examples": ["X"]})),
        (obj(a={"items": obj(b={"format": "date"})}, c={"minimum": 0}, d={"pattern": "^D"}),
         obj(a={"type": "array", "items": obj(b={"type": "string", "format": "date"})},
             c={"type": "number", "minimum": 0}, d={"type": "string", "pattern": "^D"})),
        (obj(a={"type": "array", "items": [NUMBER] * 2}), obj(a={"type": "array", "items": NUMBER, "maxItems": 2})),
        (obj(a={"type": "array", "prefixItems": [TEXT, NUMBER], "items": False}),
         obj(a={"type": "array", "items": {"anyOf": [TEXT, NUMBER]}, "maxItems": 2,
                "description": "In this order: string; number."})),
        (obj(a={"any_of": [TEXT, NUMBER]}, b={"type": "array", "items": TEXT, "min_items": "2"}),
         obj(a={"anyOf": [TEXT, NUMBER]}, b={"type": "array", "items": TEXT, "minItems": 2})),
        (obj(a={"type": "money"}, b={"type": "enum", "enum": ["x"]}),
         obj(a={"type": "string", "format": "decimal"}, b={"enum": ["x"]})),
        (obj(a={"type": "string", "extraction_hint": "Top right"}, b={**TEXT, "description": "d", "hint": "h"}),
         obj(a={"type": "string", "description": "Top right"}, b={**TEXT, "description": "d"})),
        (obj(a={"type": ["string", "null"], "allOf": [{"minLength": 2}], "ui:widget": "x"}),
         obj(a={"type": ["string", "null"], "minLength": 2})),
        (obj(a={**TEXT, "oneOf": [{**TEXT, "maxLength": 2}, {"type": "null"}]}), obj(a={**TEXT, "maxLength": 2})),
        (obj(a={"anyOf": [obj(b=TEXT), {"type": "null"}]}, c={"$ref": "#/properties/a/anyOf/0/properties/b"}),
         obj(a={"anyOf": [obj(b=TEXT), {"type": "null"}]}, c=TEXT)),
        ({**obj(a=TEXT), "if": {"required": ["a"]}, "then": {"properties": {"b": NUMBER}}}, obj(a=TEXT, b=NUMBER)),
        ({**obj(a=TEXT), "dependencies": {"a": {"properties": {"b": NUMBER}}}}, obj(a=TEXT, b=NUMBER)),
        ({**obj(a=TEXT), "allOf": [{"if": {}, "then": obj(b=TEXT), "else": obj(b=NUMBER)}]},
         obj(a=TEXT, b={"anyOf": [TEXT, NUMBER]})),
        ({**obj(a=TEXT), "patternProperties": {"^x-": {}}, "additionalProperties": {}}, obj(a=TEXT)),
        ({**obj(a=TEXT), "nullable": True}, obj(a=TEXT)),
        ({**obj(a={"$ref": "#b"}), "definitions": {"b": {"id": "#b", **obj(c=TEXT)}}}, obj(a=obj(c=TEXT))),
        ({**obj(a={"$ref": "B"}), "$defs": {"B": obj(c=TEXT)}}, obj(a=obj(c=TEXT))),
        ({**obj(a={"$ref": "#/$defs/B", "nullable": True}), "$defs": {"B": obj(c=TEXT)}},
         obj(a={"anyOf": [obj(c=TEXT), {"type": "null"}]})),
    ],
)  # fmt: skip
def test_other_spellings_ask_the_same(written: dict[str, Any], plain: dict[str, Any]) -> None:
    """Older drafts, OpenAPI, other languages' types, and what is commonly written where no draft has it."""
    assert asked(written) == asked(plain)


def test_a_field_that_is_called_like_a_keyword_stays_a_field() -> None:
    """Wherever it stands."""
    names = [
        "name",
        "title",
        "default",
        "examples",
        "required",
        "nullable",
        "type",
        "properties",
        "enum",
        "if",
        "$ref",
    ]
    fields = {name: {"type": "string", "nullable": False} for name in names}
    document = {"name": "Keys", **obj(**fields, rows={"type": "array", "items": obj(**fields)})}
    made = asked(document)
    assert list(made["properties"]) == [*names, "rows"]
    assert list(made["properties"]["rows"]["items"]["properties"]) == names


@pytest.mark.parametrize(
    ("document", "answer", "fault"),
    [
        ("card", {"kind": "card", "number": None}, "number"),
        ("card", {"kind": "card", "number": "4"}, None),
        ("card", {"kind": "cash", "number": None}, None),
        ("card", {"kind": None, "number": None}, None),
        ("pair", {"pair": ["a", 1]}, None),
        ("pair", {"pair": [1, "a"]}, "pair.1"),
        ("pair", {"pair": ["a", 1, 2]}, "pair"),
        ("both", {"a": "x", "b": None}, "b"),
        ("both", {"a": None, "b": None}, None),
        ("one", {"a": "x", "b": "y"}, ""),
        ("one", {"a": "x", "b": None}, None),
    ],
)
def test_what_is_not_asked_is_checked_here(document: str, answer: dict[str, Any], fault: str | None) -> None:
    """In a condition a field is there when it is not null, for an answer has them all."""
    card = {"if": {"properties": {"kind": {"const": "card"}}}, "then": {"required": ["number"]}}
    schema = taken(
        {
            "card": {**obj(kind={"enum": ["card", "cash"]}, number=TEXT), **card},
            "pair": obj(pair={"type": "array", "items": [TEXT, NUMBER], "additionalItems": False}),
            "both": {**obj(a=TEXT, b=TEXT), "dependencies": {"a": ["b"]}},
            "one": {**obj(a=TEXT, b=TEXT), "not": {"required": ["a", "b"]}, "help": "one of both"},
        }[document]
    )
    if fault is None:
        assert schema.parse(answer) == answer
        return
    with pytest.raises(InvalidRecord) as refused:
        schema.parse(answer)
    assert fault in [each.path for each in refused.value.faults]


def test_null_that_openapi_allows_is_an_answer() -> None:
    """Also where the field is required."""
    schema = taken({**obj(a={"type": "STRING", "enum": ["x"], "nullable": True}), "required": ["a"]})
    assert schema.parse({"a": None}) == {"a": None}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (obj(a={"type": "object", "additionalProperties": {"type": "string"}}), "open dictionary"),
        ({**obj(a=TEXT), "patternProperties": {"^[0-9]{4}$": NUMBER}}, "open keys"),
        (obj(a={"type": "array", "items": {"$ref": "#"}}), "contains itself"),
        (obj(a={"description": "anything"}), "declare one"),
        (obj(a={"type": "array"}), "declare its items"),
        (obj(a={"$ref": "address.json"}), "put what it leads to under"),
        (obj(a={"$recursiveRef": "#"}), "only known elsewhere"),
        ({**obj(total_due=TEXT), "required": ["totaldue"]}, "is 'total_due' meant"),
        ({"type": "array", "items": obj(a=TEXT)}, "--records many"),
    ],
)
def test_what_would_change_the_meaning_is_refused(document: dict[str, Any], told: str) -> None:
    """With the place, and what to do."""
    with pytest.raises(NotPortable, match=told):
        taken(document)


def test_what_is_dropped_is_told_with_what_was_meant() -> None:
    """By path; a keyword that names the schema is no such, and one that looks misspelt has the nearest known one."""
    rows = {"type": "array", "items": obj(a={"type": "string", "minLenght": 3, "default": "x"})}
    schema = taken({"name": "Air Waybill", "requried": ["rows"], "ui:order": [], **obj(rows=rows)})
    assert schema.name == "air_waybill"
    assert schema.remarks == (
        "dropped: rows[].a: minLenght (is minLength meant?)",
        "dropped: the record: requried (is required meant?), ui:order",
        "notes, not sent: default (1)",
    )


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"title": "A B", "name": "other", **obj(a=TEXT)}, "a_b"),
        ({"name": "Air Waybill", **obj(a=TEXT)}, "air_waybill"),
        ({"name": "12", **obj(a=TEXT)}, "file"),
        ({"name": 5, **obj(a=TEXT)}, "file"),
        (obj(a=TEXT), "file"),
    ],
)
def test_a_schema_is_named_by_its_title_then_by_its_name(document: dict[str, Any], name: str) -> None:
    """Else by its file."""
    assert taken(document).name == name


def test_a_pattern_of_another_dialect_is_told_and_costs_nothing() -> None:
    """Python has no Unicode classes: such a pattern is neither asked for nor checked, and that is said."""
    schema = taken(obj(a={"type": "string", "pattern": r"^\p{L}+$"}))
    assert schema.parse({"a": "x"}) == {"a": "x"}
    assert schema.remarks == (r"dropped: a: pattern '^\\p{L}+$', which is none of Python's",)


def test_what_nothing_refers_to_changes_no_recipe() -> None:
    """A definition that is not asked for may hold whatever it likes, as it always could."""
    unused = {"type": "array", "prefixItems": [TEXT], "nullable": True}
    document = {**PLAIN, "$defs": {**PLAIN["$defs"], "unused": unused}}
    schema = taken(document)
    assert (schema.json_schema, schema.reading) == (document, fingerprint(document))


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"alOf": [obj(b=TEXT)]}, "alOf .is allOf meant"),
        ({"propertys": {"b": TEXT}}, "propertys .is properties meant"),
        ({"extends": {"$ref": "#/definitions/b"}}, "extends holds schemas"),
    ],
)
def test_what_holds_schemas_under_no_keyword_is_refused(keywords: dict[str, Any], told: str) -> None:
    """Were it dropped, the fields in it would be lost."""
    with pytest.raises(ValueError, match=told):
        schema_of_json({**obj(a=TEXT), **keywords}, "file")
