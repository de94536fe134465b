"""Schemas of any make with answers that they accept, for the property that nothing is lost on an answer's way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Literal

from hypothesis import strategies as st
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, computed_field, create_model
from pydantic.alias_generators import to_camel

from schemas.json_file import schema_of_json
from schemas.record import Schema, schema_of


class Colour(StrEnum):
    """An enumeration of texts."""

    RED = "red"
    BLUE = "sky blue"


class Level(IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = 2


class Counting(BaseModel):
    """A base with fields that are computed, of a plain type and of one that nobody can ask for."""

    @computed_field
    @property
    def filled(self) -> int:
        """How many fields hold something."""
        return sum(getattr(self, name) is not None for name in type(self).model_fields)

    @computed_field
    @property
    def anything(self) -> dict[str, bool]:
        """An open dictionary."""
        return {"yes": True}


@dataclass(frozen=True)
class Answered:
    """A schema, an answer that it accepts, and the record that must come of it."""

    schema: Schema
    answer: dict[str, Any]
    record: dict[str, Any]


Pair = tuple[Any, Any]
"""A value as it is answered, and as the record holds it."""

NAMES = (
    "document_uri", "record_id", "grounded", "issue_count", "status", "issues", "evidence", "export", "data",
    "ordinal", "select", "order", "group", "total", "Total", "a", "a_b", "value", "number_" + "long" * 20,
    "records", "removed",
)  # fmt: skip
WIRE_NAMES = (*NAMES, "a.b", "../x", "/etc/x", 'say "hi"', "100%", "Größe", "名前", "x-text", "$ref", "properties")

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=10).filter(str.strip)
_ints = st.integers(-(2**53), 2**53)
_floats = st.floats(-1e12, 1e12, allow_nan=False).map(lambda number: float(f"{number:.6g}") + 0.5)
_decimals = st.decimals(-(10**15), 10**15, places=2, allow_nan=False).map(str)
# From 2400 on a year may be of the Buddhist era, and is refused (tests/schemas/test_dates.py).
_dates = st.dates(date(1900, 1, 1), date(2399, 12, 31)).map(str)
_moments = st.builds("{}T{:02}:30:00Z".format, _dates, st.integers(0, 23))


def _same(values: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Pair]":
    return values.map(lambda value: (value, value))


_LEAVES: tuple[tuple[Any, "st.SearchStrategy[Pair]"], ...] = (
    (str, _same(_texts)),
    (bool, _same(st.booleans())),
    (int, _same(_ints)),
    (float, _same(_floats)),
    (Decimal, _same(_decimals)),
    (date, _same(_dates)),
    (datetime, _same(_moments)),
    (Colour, _same(st.sampled_from([str(colour) for colour in Colour]))),
    (Level, _same(st.sampled_from([int(level) for level in Level]))),
    (Literal["a", "b c"], _same(st.sampled_from(["a", "b c"]))),
    (Literal[1, "one"], _same(st.sampled_from([1, "one"]))),
    (int | str, _same(_ints | _texts)),
    (float | str, _same(_floats | _texts)),
    (bool | Decimal, _same(st.booleans() | _decimals)),
    (set[str], _same(st.lists(_texts, max_size=3, unique=True))),
    (frozenset[date], _same(st.lists(_dates, max_size=3, unique=True))),
    (list[int], _same(st.lists(_ints, max_size=3))),
    (list[list[str]], _same(st.lists(st.lists(_texts, max_size=2), max_size=2))),
    (tuple[Decimal, ...], _same(st.lists(_decimals, max_size=3))),
)  # fmt: skip


@st.composite
def models(draw: st.DrawFn, depth: int = 2) -> tuple[type[BaseModel], "st.SearchStrategy[Pair]"]:
    """A pydantic model, and its answers with their records."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    base = draw(st.sampled_from([BaseModel, Counting]))
    fields: dict[str, Any] = {}
    answers: list[tuple[str, str, st.SearchStrategy[Pair]]] = []
    alias_of = draw(st.sampled_from(sorted(_ALIASES)))
    # Two fields of one alias are refused: see tests/schemas/test_record.py.
    for name in {_ALIASES[alias_of](each)[0]: each for each in names}.values():
        kind, values = draw(_kinds(depth))
        if draw(st.booleans()) and "list" not in str(kind) and "set" not in str(kind) and "tuple" not in str(kind):
            kind, values = kind | None, values | st.just((None, None))
        asked, told = _ALIASES[alias_of](name)
        fields[name] = (kind, Field(**told))
        answers.append((name, asked, values))
    config = ConfigDict(
        strict=draw(st.booleans()),
        extra=draw(st.sampled_from(["forbid", "ignore"])),
        alias_generator=to_camel if alias_of == "generator" else None,
    )
    model: type[BaseModel] = create_model("Any", __base__=type("Any", (base,), {"model_config": config}), **fields)
    return model, st.tuples(*(values for _, _, values in answers)).map(
        lambda found: _told(model, [name for name, _, _ in answers], [asked for _, asked, _ in answers], found)
    )


_ALIASES: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "none": lambda name: (name, {}),
    "alias": lambda name: (f"{name}.x", {"alias": f"{name}.x"}),
    "validation": lambda name: (f"{name} in", {"validation_alias": f"{name} in", "serialization_alias": "out"}),
    "choices": lambda name: (
        f"{name}-1",
        {"validation_alias": AliasChoices(AliasPath("q", 0), f"{name}-1", "other")},
    ),
    "path": lambda name: (name, {"validation_alias": AliasPath("deep", name)}),
    "generator": lambda name: (to_camel(name), {}),
}


def _told(model: type[BaseModel], names: list[str], asked: list[str], found: tuple[Pair, ...]) -> Pair:
    answer = {wire: value for wire, (value, _) in zip(asked, found, strict=True)}
    record: dict[str, Any] = {name: kept for name, (_, kept) in zip(names, found, strict=True)}
    if issubclass(model, Counting):
        record |= {"filled": sum(kept is not None for kept in record.values()), "anything": {"yes": True}}
    return answer, record


@st.composite
def _kinds(draw: st.DrawFn, depth: int) -> tuple[Any, "st.SearchStrategy[Pair]"]:
    if depth and draw(st.integers(0, 3)) == 0:
        model, values = draw(models(depth - 1))
        if draw(st.booleans()):
            rows = st.lists(values, max_size=3)
            return list[model], rows.map(lambda found: ([a for a, _ in found], [r for _, r in found]))  # type: ignore[valid-type]
        return model, values
    return draw(st.sampled_from(_LEAVES))


@st.composite
def pydantic_answers(draw: st.DrawFn) -> Answered:
    """A pydantic model of one's own with an answer."""
    model, values = draw(models())
    answer, record = draw(values)
    return Answered(schema_of(model, "own"), answer, record)


_JSON_LEAVES: tuple[tuple[dict[str, Any], "st.SearchStrategy[Any]"], ...] = (
    ({"type": "string", "default": "x", "$comment": "text"}, _texts),
    ({"type": ["string", "null"]}, _texts | st.none()),
    ({"type": "boolean"}, st.booleans()),
    ({"type": "integer", "examples": [1]}, _ints),
    ({"type": "number"}, _floats),
    ({"type": ["number", "string"]}, _floats | _texts),
    ({"oneOf": [{"type": "number"}, {"type": "string"}]}, _floats | _texts),
    ({"type": "string", "format": "date"}, _dates),
    ({"const": "fixed"}, st.just("fixed")),
    ({"const": 7}, st.just(7)),
    ({"enum": ["x", "y z"]}, st.sampled_from(["x", "y z"])),
    ({"enum": [1, 2.5]}, st.sampled_from([1, 2.5])),
    ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, st.booleans() | _texts),
    ({"$ref": "#/definitions/name"}, _texts),
    ({"allOf": [{"$ref": "#/definitions/name"}], "description": "A name"}, _texts),
    ({"type": "array", "items": {"$ref": "#/definitions/name"}}, st.lists(_texts, max_size=3)),
    ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, st.lists(st.lists(_ints))),
    (
        {"oneOf": [{"$ref": "#/definitions/card"}, {"$ref": "#/definitions/cash"}]},
        _texts.map(lambda text: {"card": text}) | st.booleans().map(lambda paid: {"cash": paid}),
    ),
)  # fmt: skip
_DEFINITIONS = {
    "name": {"type": "string", "minLength": 1},
    "card": {"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"]},
    "cash": {"type": "object", "properties": {"cash": {"type": "boolean"}}, "required": ["cash"]},
}


@st.composite
def _objects(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], "st.SearchStrategy[Any]"]:
    """An object's schema, some of its properties in `allOf` beside the others, and its values."""
    names = draw(st.lists(st.sampled_from(WIRE_NAMES), min_size=1, max_size=5, unique=True))
    parts: list[dict[str, Any]] = [{}, {}, {}]
    required: list[list[str]] = [[], [], []]
    values = {}
    for name in names:
        node, value = draw(_objects(depth - 1)) if depth and draw(st.integers(0, 3)) == 0 else draw(
            st.sampled_from(_JSON_LEAVES)
        )  # fmt: skip
        if "allOf" not in node and node.get("type") == "object" and draw(st.booleans()):
            node, value = {"type": "array", "items": node}, st.lists(value, max_size=3)
        part = draw(st.integers(0, 2))
        parts[part][name] = node
        if draw(st.booleans()):
            required[part].append(name)
            values[name] = value
        else:
            values[name] = value if node.get("type") == "array" else value | st.none()
    made: dict[str, Any] = {"type": "object", "properties": parts[0], "required": required[0]}
    more = [{"properties": p, "required": r} for p, r in zip(parts[1:], required[1:], strict=True) if p]
    return made | ({"allOf": more} if more else {}), st.fixed_dictionaries(values)


@st.composite
def json_answers(draw: st.DrawFn) -> Answered:
    """A JSON Schema file of one's own with an answer."""
    node, values = draw(_objects())
    decorated = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/own",
        "title": "own",
    }
    answer = draw(values)
    return Answered(schema_of_json({**decorated, **node, "definitions": _DEFINITIONS}, "own"), answer, answer)
