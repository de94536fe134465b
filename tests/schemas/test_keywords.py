"""What becomes of each keyword: the table of docs/schemas.md, held against what happens."""

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.json_file import schema_of_json
from schemas.keywords import meant_by
from schemas.portable import NotPortable, portable
from schemas.record import InvalidRecord

DOCS = Path(__file__).resolve().parents[2] / "docs" / "schemas.md"
TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}


def obj(**properties: Any) -> dict[str, Any]:
    """An object with some properties."""
    return {"type": "object", "properties": properties}


def field(**keywords: Any) -> dict[str, Any]:
    """A schema of one field."""
    return obj(it=keywords)


PLAIN = obj(a=TEXT, b=TEXT)
LIST = {"type": "array", "items": TEXT}
BAD = "bad"
IN_WORDS: dict[str, tuple[dict[str, Any], Any]] = {
    "minimum": ({**NUMBER, "minimum": 1}, 0),
    "maximum": ({**NUMBER, "maximum": 1}, 2),
    "exclusiveMinimum": ({**NUMBER, "exclusiveMinimum": 1}, 1),
    "exclusiveMaximum": ({**NUMBER, "exclusiveMaximum": 1}, 1),
    "multipleOf": ({**NUMBER, "multipleOf": 2}, 3),
    "minLength": ({**TEXT, "minLength": 4}, BAD),
    "maxLength": ({**TEXT, "maxLength": 2}, BAD),
    "pattern": ({**TEXT, "pattern": "^[0-9]+$"}, BAD),
    "minItems": ({**LIST, "minItems": 1}, []),
    "maxItems": ({**LIST, "maxItems": 1}, ["a", "b"]),
    "uniqueItems": ({**LIST, "uniqueItems": True}, ["a", "a"]),
}
"""Each with an answer that breaks it."""
CHECKED: dict[str, tuple[dict[str, Any], Any]] = {
    "not": ({**TEXT, "not": {"const": BAD}}, BAD),
    "contains": ({**LIST, "contains": {"const": "x"}}, ["a"]),
    "minContains": ({**LIST, "contains": {"const": "x"}, "minContains": 2}, ["x"]),
    "maxContains": ({**LIST, "contains": {"const": "x"}, "maxContains": 1}, ["x", "x"]),
    "propertyNames": ({**PLAIN, "propertyNames": {"pattern": "^a$"}}, {"a": "x", "b": "y"}),
    "minProperties": ({**PLAIN, "minProperties": 3}, {"a": "x", "b": "y"}),
    "maxProperties": ({**PLAIN, "maxProperties": 1}, {"a": "x", "b": "y"}),
    "dependentRequired": ({**PLAIN, "dependentRequired": {"a": ["b"]}}, {"a": "x"}),
    "unevaluatedProperties": ({**PLAIN, "unevaluatedProperties": False}, {"a": "x", "z": "y"}),
    "unevaluatedItems": ({**LIST, "contains": {"const": "x"}, "unevaluatedItems": False}, None),
}
CONDITIONS: dict[str, dict[str, Any]] = {
    "if": {"if": {"required": ["a"]}, "then": obj(c=NUMBER)},
    "then": {"if": {"required": ["a"]}, "then": obj(c=NUMBER)},
    "else": {"if": {"required": ["a"]}, "else": obj(c=NUMBER)},
    "dependencies": {"dependencies": {"a": obj(c=NUMBER)}},
    "dependentSchemas": {"dependentSchemas": {"a": obj(c=NUMBER)}},
}
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "type": (field(**TEXT), field(**NUMBER)),
    "properties": (PLAIN, obj(a=TEXT)),
    "items": (field(**LIST), field(type="array", items=NUMBER)),
    "enum": (field(enum=["x"]), field(**TEXT)),
    "const": (field(const="x"), field(**TEXT)),
    "anyOf": (field(anyOf=[TEXT, {"type": "integer"}]), field(**TEXT)),
    "oneOf": (field(oneOf=[TEXT, {"type": "integer"}]), field(**TEXT)),
    "allOf": ({**PLAIN, "allOf": [obj(c=TEXT)]}, PLAIN),
    "$ref": ({**field(**{"$ref": "#/$defs/n"}), "$defs": {"n": NUMBER}}, field(**TEXT)),
    "$defs": ({**field(**{"$ref": "#/$defs/n"}), "$defs": {"n": NUMBER}}, field(**TEXT)),
    "definitions": ({**field(**{"$ref": "#/definitions/n"}), "definitions": {"n": NUMBER}}, field(**TEXT)),
    "description": (field(**TEXT, description="What"), field(**TEXT)),
    "format": (field(**TEXT, format="date"), field(**TEXT)),
    "examples": (field(**TEXT, examples=["x"]), field(**TEXT)),
    "example": (field(**TEXT, example="x"), field(**TEXT)),
    "labels": (field(**TEXT, labels=["x"]), field(**TEXT)),
    "required": ({**field(**TEXT), "required": ["it"]}, field(**TEXT)),
    "nullable": ({**field(**TEXT, nullable=True), "required": ["it"]}, {**field(**TEXT), "required": ["it"]}),
    "prefixItems": (field(type="array", prefixItems=[TEXT, NUMBER]), field(**LIST)),
    "additionalItems": (field(type="array", items=[TEXT], additionalItems=NUMBER), field(type="array", items=[TEXT])),
}
"""Each in a schema, and a schema that is asked otherwise for want of it."""
REFUSED: dict[str, dict[str, Any]] = {
    "patternProperties": {**PLAIN, "patternProperties": {"^[0-9]": NUMBER}},
    "additionalProperties": {**PLAIN, "additionalProperties": NUMBER},
    "$dynamicRef": obj(a={"$dynamicRef": "#a"}),
    "$recursiveRef": obj(a={"$recursiveRef": "#"}),
    "$ref": obj(a={"$ref": "#"}),
}


def told(fate: str) -> set[str]:
    """The keywords of the table's rows that begin so."""
    rows = re.findall(r"^\| (`.*) \| (.*) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    return {word for keywords, what in rows if what.startswith(fate) for word in re.findall(r"`([^`]+)`", keywords)}


def asked(document: dict[str, Any]) -> dict[str, Any]:
    """How a file is asked for."""
    return portable(schema_of_json(document, "file").json_schema)


def undescribed(node: Any) -> Any:
    """The same without descriptions."""
    if isinstance(node, list):
        return [undescribed(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {key: undescribed(child) for key, child in node.items() if key != "description"}


def test_what_is_asked() -> None:
    """It changes the question."""
    assert told("asked") - set(IN_WORDS) == set(ASKED)
    for word, (document, other) in ASKED.items():
        assert asked(document) != asked(other), word


@pytest.mark.parametrize(("table", "fate"), [(IN_WORDS, "asked in words"), (CHECKED, "checked here")])
def test_what_is_checked_here(table: dict[str, tuple[dict[str, Any], Any]], fate: str) -> None:
    """It changes no more of the question than its words, and an answer that breaks it is refused."""
    assert told(fate) == set(table)
    for word, (keywords, wrong) in table.items():
        document, plain = field(**keywords), field(**{key: keywords[key] for key in keywords if key != word})
        assert undescribed(asked(document)) == undescribed(asked(plain)), word
        assert (asked(document) != asked(plain)) == (fate == "asked in words"), word
        if wrong is not None:
            with pytest.raises(InvalidRecord):
                schema_of_json(document, "file").parse({"it": wrong})


def test_what_a_condition_brings_is_asked() -> None:
    """Its fields are asked for, and may be null."""
    assert told("their fields") == set(CONDITIONS)
    for word, keywords in CONDITIONS.items():
        assert "c" in asked({**PLAIN, **keywords})["properties"], word
        assert schema_of_json({**PLAIN, **keywords}, "file").parse({"a": "x", "c": None}), word


def test_what_is_dropped() -> None:
    """It changes no question at all, and is told."""
    for word in told("dropped"):
        value = {"readOnly": True, "writeOnly": True, "deprecated": True, "discriminator": {}}.get(word, "text")
        document = field(**TEXT, **{word: value})
        assert asked(document) == asked(field(**TEXT)), word
        assert word in " ".join(schema_of_json(document, "file").remarks) or word in {"$id", "$anchor"}, word


def test_what_is_refused() -> None:
    """In words, before anything is asked."""
    assert told("refused") == set(REFUSED)
    for document in REFUSED.values():
        with pytest.raises(NotPortable):
            asked(document)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("requried", "required"), ("enums", "enum"), ("minItem", "minItems"), ("propertes", "properties"),
        ("Description", "description"), ("additionalproperties", "additionalProperties"), ("types", "type"),
        ("tpye", "type"), ("note", None), ("fields", None), ("aliases", None),
        ("name", None), ("ui:widget", None), ("method", None), ("confidence", None), ("help", None), ("unit", None),
    ],
)  # fmt: skip
def test_a_misspelt_keyword_is_known_by_its_letters(written: str, meant: str | None) -> None:
    """And a word of another vocabulary is no misspelling."""
    assert meant_by(written) == meant
