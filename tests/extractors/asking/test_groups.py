"""A wide schema in groups of its fields: what each group asks for, and that together they ask for all of it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from wide import projected, wide_schema

from extractors.answers.uniting import Said, Unpaired, united
from extractors.asking.groups import AT_ONCE, MOST, cut, leaf_paths, row_keys
from extractors.asking.planning import plan
from flows.schema_lookup import find_schema
from schemas.builtin import BUILTIN
from schemas.portable import portable, relaxed

_NAMES = ("number", "description", "amount", "date", "a", "b.c", "2024", "Größe", "lines", "seller", "flag", "total")
_LEAVES: tuple[tuple[dict[str, Any], "st.SearchStrategy[Any]"], ...] = (
    ({"type": "string"}, st.sampled_from(["x", "y", "12.00", "2024-01-02", ""])),
    ({"type": ["string", "null"]}, st.sampled_from(["x", None])),
    ({"type": "integer"}, st.integers(-3, 3)),
    ({"type": "boolean"}, st.booleans()),
    ({"enum": ["p", "q"]}, st.sampled_from(["p", "q"])),
    ({"type": "array", "items": {"type": "string"}}, st.lists(st.sampled_from(["x", "y"]), max_size=2)),
)  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], "st.SearchStrategy[Any]"]:
    """A portable schema and its answers: nested objects and tables, some of which may be null, and choices."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=5, unique=True))
    made, values = {}, {}
    for name in names:
        kind = draw(st.sampled_from(["leaf", "leaf", "object", "list", "null", "choice"] if depth else ["leaf"]))
        if kind == "leaf":
            made[name], values[name] = draw(st.sampled_from(_LEAVES))
            continue
        inner, value = draw(objects(depth - 1))
        made[name], values[name] = {
            "object": (inner, value),
            "list": ({"type": "array", "items": inner}, st.lists(value, max_size=3)),
            "null": ({"anyOf": [inner, {"type": "null"}]}, value | st.none()),
            "choice": ({"anyOf": [inner, {"type": "integer"}]}, value | st.integers(0, 3)),
        }[kind]
    schema = {"type": "object", "properties": made, "required": names}
    return portable(schema), st.fixed_dictionaries(values)


def own(groups: list[dict[str, Any]], schema: dict[str, Any]) -> Counter[tuple[str, ...]]:
    """How many groups ask for each leaf, the columns that rows are paired by left out."""
    keys = {(*path, *column) for path, columns in row_keys(schema).items() for column in columns}
    return Counter(path for group in groups for path in leaf_paths(group) if path not in keys)


@settings(deadline=None, max_examples=60)
@given(objects(), st.integers(1, 12))
def test_groups_part_the_leaves(made: tuple[dict[str, Any], Any], most: int) -> None:
    """Every leaf is asked for, once but for the columns that tell rows apart, in the schema's order."""
    schema, _ = made
    groups = cut(schema, most)
    everything = leaf_paths(schema)
    assert {path for group in groups for path in leaf_paths(group)} == set(everything)
    assert set(own(groups, schema).values()) <= {1}
    for group in groups:
        assert leaf_paths(group) == [path for path in everything if path in set(leaf_paths(group))]
        assert portable(group) == group
        Draft202012Validator.check_schema(group)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 12))
def test_answers_to_the_groups_are_the_answer(data: st.DataObject, most: int) -> None:
    """What the groups say of an answer, put together, is that answer, copies of rows and nulls included."""
    schema, values = data.draw(objects())
    answer = data.draw(values)
    assert Draft202012Validator(schema).is_valid(answer)
    said = [Said(projected(answer, group), leaf_paths(group)) for group in cut(schema, most)]
    found = united(said, row_keys(schema), schema)
    assert found.value == answer
    assert not found.unpaired


@pytest.mark.parametrize("leaves", [101, 120, 369, 1000])
def test_groups_are_no_larger_than_said(leaves: int) -> None:
    """Sections stay whole while they fit; whatever is obligatory or not, the groups are the same."""
    schema = portable(wide_schema(leaves, columns=60))
    groups = cut(schema)
    assert len(leaf_paths(schema)) == leaves
    assert max(len(leaf_paths(group)) for group in groups) <= MOST
    assert [leaf_paths(group) for group in groups] == [leaf_paths(group) for group in cut(relaxed(schema))]
    assert len(groups) <= leaves / MOST * 1.3 + 2
    sections = Counter(name for group in groups for name in group["properties"])
    assert {name: count for name, count in sections.items() if count > 1} == {"lines": 2}


@pytest.mark.parametrize("name", BUILTIN)
def test_octavos_own_schemas_are_one_question(name: str) -> None:
    """As they always were: nothing that was paid for is asked again."""
    assert len(leaf_paths(plan(find_schema(name)).wire_schema)) <= MOST < AT_ONCE


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        (("amount", "description", "itemNo", "tax"), ("description", "itemNo")),
        (("date", "text", "amount", "balance"), ("date", "text")),
        (("value_date", "amount", "balance"), ("value_date", "amount")),
        (("a", "b", "c"), ("a", "b")),
        (("a",), ("a",)),
    ],
)
def test_rows_are_known_by_their_number_and_name(columns: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """Else by their day, else by the first columns; never by yes or no."""
    row = {"flag": {"type": "boolean"}, **{name: {"type": ["string", "null"]} for name in columns}}
    schema = {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": {"type": "object", "properties": row}}},
    }
    assert row_keys(portable(schema)) == {("rows",): tuple((name,) for name in keys)}


KEYS = {("rows",): (("no",), ("name",))}


def table_of(*columns: str) -> dict[str, Any]:
    """A portable schema of such a table."""
    row = {"type": "object", "properties": {key: {} for key in columns}, "required": list(columns)}
    return {"type": "object", "properties": {"rows": {"type": "array", "items": row}}, "required": ["rows"]}


def rows(*told: tuple[Any, ...], column: str) -> Said:
    """Rows of number, name and one more column."""
    answer = {"rows": [{"no": row[0], "name": row[1], column: row[2]} for row in told]}
    return Said(answer, [("rows", name) for name in ("no", "name", column)])


def united_rows(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], int]:
    """The rows of two groups as (number, name, first group's value, second group's), and how many have no partner."""
    schema = table_of("no", "name", "a", "b")
    found = united([rows(*one, column="a"), rows(*other, column="b")], KEYS, schema)
    told = [(row["no"], row["name"], row["a"], row["b"]) for row in found.value["rows"]]
    return told, sum(each.rows for each in found.unpaired)


def test_rows_in_another_order_are_paired_by_their_keys() -> None:
    """Two spellings of a key are one: 1 and 1.0, a name in capitals."""
    told, alone = united_rows([("1", "Nut", 1), ("2", "Bolt", 2)], [("2.0", "BOLT", 20), ("1", "nut ", 10)])
    assert (told, alone) == ([("1", "Nut", 1, 10), ("2", "Bolt", 2, 20)], 0)


def test_a_row_that_one_answer_lacks_is_kept_alone() -> None:
    """At its place, whichever answer lacks it; nothing slips into the row of another."""
    told, alone = united_rows(
        [("1", "Nut", 1), ("2", "Bolt", 2), ("3", "Cog", 3)], [("1", "Nut", 10), ("9", "Pin", 90), ("3", "Cog", 30)]
    )
    assert alone == 2
    assert told == [("1", "Nut", 1, 10), ("9", "Pin", None, 90), ("2", "Bolt", 2, None), ("3", "Cog", 3, 30)]


def test_copies_are_paired_where_both_have_as_many() -> None:
    """Of three copies in one answer and two in the other nobody knows which are which: none is paired."""
    copies = [("1", "Nut", number) for number in range(3)]
    assert united_rows(copies, copies)[1] == 0
    told, alone = united_rows([*copies, ("2", "Bolt", 3)], [*copies[:2], ("2", "Bolt", 30)])
    assert alone == 5
    assert told[-1] == ("2", "Bolt", 3, 30)
    assert len(told) == 6


def test_a_row_between_pairs_that_shares_a_key_is_one() -> None:
    """A name that was read otherwise the second time parts no row whose number and neighbours are the same."""
    told, alone = united_rows([("1", "Nut", 1), ("2", "Bolt", 2)], [("1", "Nut", 10), ("2", "Bo1t M6", 20)])
    assert (told, alone) == ([("1", "Nut", 1, 10), ("2", "Bolt", 2, 20)], 0)


ANY_ROWS = st.lists(
    st.tuples(st.sampled_from(["1", "2", None]), st.sampled_from(["Nut", "Bolt", None]), st.integers())
)


@given(ANY_ROWS, ANY_ROWS)
def test_no_value_is_lost_and_none_is_in_two_rows(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> None:
    """Whatever two answers say: each row's value is there once, in its answer's order where nothing else is known."""
    told, alone = united_rows(one, other)
    assert Counter(row[2] for row in told if row[2] is not None) == Counter(row[2] for row in one)
    assert Counter(row[3] for row in told if row[3] is not None) == Counter(row[2] for row in other)
    assert alone == sum(None in row[2:] for row in told)


def test_what_is_alone_is_told_with_the_list_and_its_keys() -> None:
    """So that a person finds the table, also where it is inside the records of a list."""
    line = {"type": "object", "properties": {"no": {}, "a": {}, "b": {}}}
    record = {"type": "object", "properties": {"no": {}, "lines": {"type": "array", "items": line}}}
    schema = {"type": "object", "properties": {"records": {"type": "array", "items": record}}}
    told = [("a", [{"no": "1", "a": 1}]), ("b", [])]
    said = [
        Said(
            {"records": [{"no": "1", "lines": lines}]},
            [("records", "no"), ("records", "lines", "no"), ("records", "lines", column)],
        )
        for column, lines in told
    ]
    found = united(said, {("records",): (("no",),), ("records", "lines"): (("no",),)}, schema)
    assert found.unpaired == (Unpaired(("records", "lines"), 1, (("no",),)),)
    assert found.value == {"records": [{"no": "1", "lines": [{"no": "1", "a": 1, "b": None}]}]}
