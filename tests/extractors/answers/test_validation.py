"""Judging an answer: JSON is found where models hide it, read in one way only, and never mended."""

import json
import re
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from extractors.answers.merging import Part, merge
from extractors.answers.validation import is_empty, judge
from schemas.builtin import BUILTIN
from schemas.habits import PageHabits, habits_of
from schemas.record import schema_of

RECEIPT = schema_of(BUILTIN["receipt"])


class Must(BaseModel):
    """A schema with an obligatory field."""

    name: str
    note: str | None = None


@pytest.mark.parametrize(
    "text",
    [
        '{"total": "12.00"}',
        '```json\n{"total": "12.00"}\n```',
        'Here is the record:\n```\n{"total": "12.00"}\n```\nAnything else?',
        'Sure! {"total": "12.00"}',
        '\ufeff {"total": "12.00"} ',
        '{"total": "12.00", "merchant": "  "}',
    ],
)
def test_a_plain_fenced_or_prefixed_object_is_read(text: str) -> None:
    """Gateways that drop the response format still answer with JSON somewhere."""
    judged = judge(text, RECEIPT)
    assert judged.faults == ()
    assert judged.value is not None
    assert judged.value["total"] == "12.00"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON object"),
        ("I cannot read this.", "no JSON object"),
        ('{"total": "12.00"', "not valid JSON"),
        ('{"total": 12.00,}', "not valid JSON"),
        ('{"total": "1", "total": "2"}', "stands twice"),
        ('{"total": NaN}', "not a JSON number"),
        ('{"total": "1.00"} {"total": "2.00"}', "more than one"),
        ('{"a":' * 5000, "not valid JSON|nested too deeply"),
    ],
)
def test_what_is_not_one_json_object_is_a_fault_and_not_mended(text: str, told: str) -> None:
    """Nothing is guessed: the model is told what was wrong and asked again."""
    judged = judge(text, RECEIPT)
    assert judged.value is None
    assert re.search(told, judged.faults[0].message)


@pytest.mark.parametrize("text", ["{}", '{"total": null, "items": []}', '{"items": [{"amount": null}], "tax": ""}'])
def test_an_empty_answer_is_never_a_success(text: str) -> None:
    """Pages with ink that give nothing are a fault of their own kind."""
    assert [fault.kind for fault in judge(text, RECEIPT).faults] == ["empty_answer"]


def test_a_schema_may_allow_emptiness() -> None:
    """`allow_empty` makes an all-null record a good answer."""

    class Page(BaseModel):
        allow_empty: ClassVar[bool] = True
        note: str | None = None

    assert judge('{"note": null}', schema_of(Page)).faults == ()


def test_an_obligatory_field_may_be_missing_from_a_part_but_not_from_the_whole() -> None:
    """Page 9 need not repeat what page 1 says; the document as a whole must."""
    schema = schema_of(Must)
    answer = '{"name": null, "note": "page 9"}'
    assert judge(answer, schema, whole=True).faults
    assert judge(answer, schema, whole=False).value == {"name": None, "note": "page 9"}
    assert judge('{"name": 5, "note": "x"}', schema, whole=False).faults


def test_many_records_are_judged_one_by_one() -> None:
    """A fault names the record it is in."""
    answer = json.dumps({"records": [{"total": "1.00"}, {"total": "1.000"}]})
    assert [fault.path for fault in judge(answer, RECEIPT, many=True).faults] == ["records.1.total"]
    assert judge('{"total": "1.00"}', RECEIPT, many=True).faults[0].path == "records"


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    """Hostile text is a value or faults, never an exception."""
    judged = judge(text, RECEIPT)
    assert (judged.value is None) == bool(judged.faults)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=5), child, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*BUILTIN["receipt"].model_fields, "other"]), JSON, max_size=6))
def test_any_json_is_judged_and_storable(answer: dict[str, Any]) -> None:
    """What passes can be stored by any database: no NUL, no lone surrogate."""
    judged = judge(json.dumps(answer), RECEIPT)
    if judged.value is not None:
        json.dumps(judged.value, ensure_ascii=False).encode("utf-8")
        assert "\\u0000" not in json.dumps(judged.value)
        RECEIPT.parse(judged.value)


@given(JSON)
def test_emptiness_is_having_no_leaf(value: Any) -> None:
    """Null all the way down is empty; one leaf is not."""
    if is_empty(value):
        assert not [leaf for leaf in _leaves(value) if leaf is not None]
    else:
        assert [leaf for leaf in _leaves(value) if leaf is not None]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in _leaves(child)]
    if isinstance(value, list):
        return [leaf for child in value for leaf in _leaves(child)]
    return [value]


def test_a_text_that_reads_two_ways_is_judged_and_concluded_by_its_page() -> None:
    """The page's habits settle it when the answer is judged, and again when the windows' values are merged."""
    text = json.dumps({"total": "1.234", "merchant": "Shop"})
    assert judge(text, RECEIPT).faults
    habits = habits_of(["1.234,00", "12,50"])
    judged = judge(text, RECEIPT, habits=lambda: habits)
    assert judged.value is not None
    merged = merge([Part((1,), judged.value, (), habits), Part((2,), {"total": None})], RECEIPT.json_schema)
    assert RECEIPT.parse(merged.value, merged.habits)["total"] == "1234"


def test_a_page_is_looked_at_only_where_an_answer_is_open() -> None:
    """Most answers are plain; what a page prints is then not read."""
    text = json.dumps({"total": "1234.50", "date": "2026-03-02", "merchant": "Shop 12 a"})

    def never() -> PageHabits:
        raise AssertionError("the page was read")

    assert judge(text, RECEIPT, habits=never).value is not None
