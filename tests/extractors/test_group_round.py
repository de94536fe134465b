"""Answers of a wide schema's groups, whatever they hold: read, put together and judged."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wide import projected, record_of, wide_schema

from extractors.answers import validation
from extractors.asking import planning, wide
from extractors.documents import PageImage, Reply, Usage, Window
from extractors.errors import TruncatedAnswer
from extractors.group_round import Group, Round, together, told
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
    ((unread,), unpaired) = (told(found, validation.Kept(found.judged.value)).unread, found.unpaired)
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
