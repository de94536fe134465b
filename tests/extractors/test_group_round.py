"""Answers of a wide schema's groups, whatever they hold: read, put together and judged."""

import json
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wide import projected, record_of, wide_schema

from extractors.answers import uniting, validation
from extractors.asking import planning, wide
from extractors.documents import PageImage, Reply, Usage, VisionRequest, Window
from extractors.errors import TruncatedAnswer
from extractors.group_round import Group, Round, together, told
from extractors.vocabulary import IssueKind
from schemas.json_file import schema_of_json

SCHEMA = schema_of_json(wide_schema(180, columns=90), "form")
PLAN = planning.plan(SCHEMA)
QUESTION = planning.request(PLAN, Window((PageImage(1, b"jpeg", 10, 10, "sha"),)), whole=True)
GROUPS = wide.in_groups(QUESTION)
RECORD = record_of(wide_schema(180, columns=90))
JUDGE = partial(validation.judge, schema=SCHEMA)


def heard(texts: list[str | None]) -> Round:
    """What groups that said these texts say together; None: cut off."""
    asked = [
        Group(question, error=TruncatedAnswer("cut off", 9))
        if text is None
        else Group(question, Reply(text, "f", "e", "m", Usage()))
        for question, text in zip(GROUPS, texts, strict=True)
    ]
    return together(QUESTION, asked, JUDGE, PLAN)


def right() -> list[dict[str, Any]]:
    """The true answer of each group."""
    return [projected(RECORD, question.schema) for question in GROUPS]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["lines", "section_1", "box_1", "position", "description", "column_80", "x"]), inner
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(ANY.map(json.dumps) | st.text(max_size=20) | st.none(), min_size=len(GROUPS), max_size=len(GROUPS)))
def test_any_answers_are_judged(texts: list[str | None]) -> None:
    """No answer of any group breaks the others: each is read or refused, and what is together is JSON."""
    found = heard(texts)
    assert isinstance(json.loads(found.text), dict)
    assert found.faults.keys() <= found.answers.keys() | found.broken.keys()
    assert len(found.answers) + len(found.broken) == sum(text is not None for text in texts)
    assert found.judged.value is not None or found.judged.faults or not found.answers


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(GROUPS) - 1), ANY)
def test_one_bad_answer_changes_no_other_groups_values(number: int, bad: Any) -> None:
    """The fields of the groups that answered well are what these said, whatever one says."""
    answers: list[Any] = right()
    answers[number] = bad
    value = json.loads(heard([json.dumps(each) for each in answers]).text)
    for at, question in enumerate(GROUPS):
        boxes = {name: child for name, child in question.schema["properties"].items() if name != "lines"}
        if at != number:
            assert {name: value.get(name) for name in boxes} == {name: RECORD[name] for name in boxes}


def test_right_answers_are_the_record() -> None:
    """With nothing to send back."""
    found = heard([json.dumps(each) for each in right()])
    assert (found.judged.value, found.faults, found.badness) == (RECORD, {}, (False, 0, 0))


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_what_a_lost_group_was_asked_for_is_null_and_told(number: int) -> None:
    """Nobody is asked again for it, and the columns of a table's rows that it has are null in each of them."""
    found = heard([None if at == number else json.dumps(each) for at, each in enumerate(right())])
    assert not found.faults
    assert found.judged.value is not None
    ((unread,), unpaired) = (told(found, validation.Kept(found.judged.value)).unread, found.made.unpaired)
    assert not unpaired
    for path in unread.fields:
        first, *rest = path.split(".")
        holders = found.judged.value[first] if first == "lines" else [found.judged.value[first]]
        assert all(holder[rest[0]] is None for holder in holders)
    assert sum(leaf is None for leaf in leaves(found.judged.value)) == sum(
        3 if path.startswith("lines.") else 1 for path in unread.fields
    )


def leaves(value: Any) -> list[Any]:
    """Every single value."""
    if isinstance(value, dict | list):
        return [leaf for each in (value.values() if isinstance(value, dict) else value) for leaf in leaves(each)]
    return [value]


@cache
def planned(document: str) -> tuple[planning.Plan, VisionRequest, list[VisionRequest]]:
    """How a schema is asked for: in one question, and in groups."""
    plan = planning.plan(schema_of_json(json.loads(document), "form"))
    question = planning.request(plan, QUESTION_WINDOW, whole=True)
    return plan, question, wide.in_groups(question)


def asked_for(document: dict[str, Any], *answers: dict[str, Any]) -> tuple[Round, int]:
    """What groups of such a schema say together, and how many they are."""
    plan, question, groups_of = planned(json.dumps(document))
    asked = [
        Group(each, Reply(json.dumps(answer), "f", "e", "m", Usage()))
        for each, answer in zip(groups_of, answers, strict=True)
    ]
    return together(question, asked, partial(validation.judge, schema=plan.schema), plan), len(asked)


QUESTION_WINDOW = Window((PageImage(1, b"jpeg", 10, 10, "sha"),))


def test_an_object_of_which_one_group_sees_nothing_is_whole() -> None:
    """Null is true for what that group was asked for: its columns are null, and no call is paid for it again."""
    text = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    inner = {f"o_{n}": text for n in range(120)}
    part = {"type": "object", "properties": inner, "required": list(inner)}
    document = {"type": "object", "properties": {"opt": {"anyOf": [part, {"type": "null"}]}}, "required": ["opt"]}
    *_, groups_of = planned(json.dumps(document))
    answers: list[dict[str, Any]] = [{"opt": dict.fromkeys(_names(each.schema), "seen")} for each in groups_of]
    answers[0] = {"opt": None}
    found, _ = asked_for(document, *answers)
    assert not found.faults
    assert found.judged.value is not None
    seen = {name: value for answer in answers[1:] for name, value in answer["opt"].items()}
    assert found.judged.value["opt"] == {**dict.fromkeys(inner), **seen}
    nothing, _ = asked_for(document, *({"opt": None} for _ in groups_of))
    assert json.loads(nothing.text) == {"opt": None}


def _names(schema: dict[str, Any]) -> list[str]:
    opt = schema["properties"]["opt"]
    return list(next(each for each in opt["anyOf"] if "properties" in each)["properties"])


@pytest.mark.parametrize("name", ["{n}", "a.{n}", "box_{n}"])
def test_a_fault_goes_back_to_its_own_group_whatever_its_field_is_called(name: str) -> None:
    """Boxes of a tax form are numbers, and some names have dots."""
    number = {"type": "number"}
    fields = {name.format(n=n): number for n in range(1, 151)}
    document = {"type": "object", "properties": fields, "required": list(fields)}
    *_, groups_of = planned(json.dumps(document))
    answers: list[dict[str, Any]] = [dict.fromkeys(each.schema["properties"], 1) for each in groups_of]
    answers[1][next(iter(answers[1]))] = "no number"
    found, count = asked_for(document, *answers)
    assert count == 3
    assert list(found.faults) == [1]


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(st.tuples(st.sampled_from("123 "), st.sampled_from("ab")), min_size=1, max_size=5),
    odd=st.integers(0, 4),
    order=st.permutations(range(4)),
)
def test_one_odd_group_parts_none_that_agree(rows: list[tuple[str, str]], odd: int, order: list[int]) -> None:
    """Groups of the same rows are one table in whatever order they are heard, and one that lacks a row is told."""
    whole = [{"no": no, "name": name} for no, name in rows]
    answers = [{"rows": [{**row, f"column_{n}": f"{n} {at}"} for at, row in enumerate(whole)]} for n in range(4)]
    answers[3]["rows"] = [row for at, row in enumerate(answers[3]["rows"]) if at != odd]
    columns = ["no", "name", *(f"column_{n}" for n in range(4))]
    row = {"type": "object", "properties": {key: {"type": "string"} for key in columns}}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": row}}}
    said = [
        uniting.Said(answers[n], [("rows", name) for name in ("no", "name", f"column_{n}")]) for n in order
    ]  # fmt: skip
    made = uniting.united(said, {("rows",): (("no",), ("name",))}, schema)
    together_ = [row for row in made.value["rows"] if row.get("column_0") is not None]
    assert [{k: v for k, v in row.items() if k != "column_3"} for row in together_] == [
        {**row, **{f"column_{n}": f"{n} {at}" for n in range(3)}} for at, row in enumerate(whole)
    ]
    assert sum(each.rows for each in made.unpaired) <= len(made.value["rows"])


TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def table_of_parts(*, part_or_null: bool) -> dict[str, Any]:
    """A schema of rows, each with a part of 120 columns, which must be there and may be null."""
    inner = {f"o_{n}": TEXT for n in range(120)}
    part: dict[str, Any] = {"type": "object", "properties": inner, "required": list(inner)}
    held = {"anyOf": [part, {"type": "null"}]} if part_or_null else part
    row = {
        "type": "object",
        "properties": {"no": TEXT, "name": TEXT, "part": held},
        "required": ["no", "name", "part"],
    }
    rows = {"type": "array", "items": row}
    return {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}


def parts(document: dict[str, Any], count: int = 2) -> list[dict[str, Any]]:
    """The right answer of each group of such a schema: every cell says its row and its column."""
    *_, groups_of = planned(json.dumps(document))
    record = {
        "rows": [
            {"no": f"{at}", "name": f"row {at}", "part": {f"o_{n}": f"{at} {n}" for n in range(120)}}
            for at in range(count)
        ]
    }
    return [projected(record, each.schema) for each in groups_of]


def test_null_for_what_may_not_be_null_is_no_answer() -> None:
    """It would be taken for a form without anything: the group is asked again, and its fields are told as unread."""
    document = table_of_parts(part_or_null=False)
    answers = parts(document)
    answers[1]["rows"][0]["part"] = None
    found, _ = asked_for(document, *answers)
    assert list(found.broken) == list(found.faults) == [1]
    assert found.broken[1].path == "rows.part"
    assert found.judged.value is not None
    (unread,) = told(found, validation.Kept(found.judged.value)).unread
    assert {path.split(".")[-1] for path in unread.fields} == set(answers[1]["rows"][1]["part"])


@pytest.mark.parametrize("silent", [0, 1])
def test_null_in_one_row_hides_nothing_in_another(silent: int) -> None:
    """Where a group's part is null its columns are, there alone: a needed one that lacks elsewhere is asked for."""
    document = table_of_parts(part_or_null=True)
    answers = parts(document)
    at = next(n for n, answer in enumerate(answers) if "o_30" in answer["rows"][0]["part"])
    answers[at]["rows"][silent]["part"] = None
    del answers[at]["rows"][1 - silent]["part"]["o_30"]
    found, _ = asked_for(document, *answers)
    assert list(found.faults) == [at]
    assert f"rows.{1 - silent}.part.o_30" in {fault.path for fault in found.faults[at]}


def test_no_table_for_one_group_and_rows_for_others_is_told() -> None:
    """Nobody knows which of them is right: the groups are asked again, the rows stay, each alone."""
    row = dict.fromkeys(("no", "name", *(f"o_{n}" for n in range(120))), TEXT)
    rows = {"type": "array", "items": {"type": "object", "properties": row, "required": list(row)}}
    document = {
        "type": "object",
        "properties": {"rows": {"anyOf": [rows, {"type": "null"}]}},
        "required": ["rows"],
    }
    *_, groups_of = planned(json.dumps(document))
    record = {"rows": [{name: f"{at} {name}" for name in row} for at in range(2)]}
    answers: list[dict[str, Any]] = [projected(record, each.schema) for each in groups_of]
    answers[1] = {"rows": None}
    found, count = asked_for(document, *answers)
    assert sorted(found.faults) == list(range(count))
    ((path, alone),) = [(each.path, each.rows) for each in found.made.unpaired]
    assert (path, alone) == (("rows",), 2)
    assert len(json.loads(found.text)["rows"]) == 2


@settings(deadline=None, max_examples=25)
@given(
    nulls=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5),
    rows=st.integers(1, 3),
)
def test_null_of_an_object_is_null_of_its_columns_there_alone(nulls: list[tuple[int, int]], rows: int) -> None:
    """Which groups see nothing of which rows' parts: every other cell is as its group said it."""
    document = table_of_parts(part_or_null=True)
    answers = parts(document, rows)
    for group, at in nulls:
        if at < rows:
            answers[group]["rows"][at]["part"] = None
    found, _ = asked_for(document, *answers)
    assert not found.faults
    made = json.loads(found.text)["rows"]
    for at in range(rows):
        said = [answer["rows"][at]["part"] for answer in answers]
        whole = {name: cell for part in said if part is not None for name, cell in part.items()}
        assert made[at]["part"] == ({**dict.fromkeys(f"o_{n}" for n in range(120)), **whole} if whole else None)


def test_groups_that_contradict_each_other_about_a_key_are_asked_again_and_told() -> None:
    """Of a row that its neighbours and its other key pair, both values are shown to the groups, and to a person."""
    document = table_of_parts(part_or_null=True)
    answers = parts(document)
    answers[2]["rows"][0]["no"] = "9"
    found, count = asked_for(document, *answers)
    assert sorted(found.faults) == list(range(count))
    assert all("'0' and '9' were given" in fault.message for each in found.faults.values() for fault in each)
    assert found.judged.value is not None
    assert [row["no"] for row in found.judged.value["rows"]] == ["0", "1"]
    ((kind, words),) = told(found, validation.Kept(found.judged.value)).put_together
    assert (kind, words[:49]) == (IssueKind.CONFLICT, "rows.no: '0' (kept) and '9' were answered for one")
    assert found.badness > asked_for(document, *parts(document))[0].badness


def test_rows_of_sections_only_are_known_by_what_stands_in_these() -> None:
    """The ordinary form, of which a file has many: its records are paired by their first boxes, in whatever order."""
    form = wide_schema(120)
    document = {"type": "object", "properties": {"forms": {"type": "array", "items": form}}, "required": ["forms"]}
    *_, groups_of = planned(json.dumps(document))
    records = [
        {name: {box: f"{box} of {at}" for box in part["properties"]} for name, part in form["properties"].items()}
        for at in range(3)
    ]
    answers = [projected({"forms": records}, each.schema) for each in groups_of]
    answers[1]["forms"].reverse()
    found, count = asked_for(document, *answers)
    assert (count > 1, found.faults, found.judged.value) == (True, {}, {"forms": records})


def test_rows_that_nothing_tells_apart_are_told() -> None:
    """Rows of yes and no are put together by their order, which a person should know; a single one needs no order."""
    row = {f"o_{n}": {"type": "boolean"} for n in range(120)}
    rows = {"type": "array", "items": {"type": "object", "properties": row, "required": list(row)}}
    document = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    *_, groups_of = planned(json.dumps(document))
    for count in (1, 2):
        record = {"rows": [dict.fromkeys(row, bool(at)) for at in range(count)]}
        found, _ = asked_for(document, *(projected(record, each.schema) for each in groups_of))
        assert found.judged.value == record
        words = [words for _, words in told(found, validation.Kept(record)).put_together]
        assert len(words) == count - 1
        assert all("no column says which row it is" in each for each in words)
