"""JSON in an answer's text: found behind thoughts, fences and remarks, read where one reading holds, never mended."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from extractors.answers.decoding import written
from extractors.answers.validation import judge, keep
from schemas.builtin import BUILTIN
from schemas.invoice import Invoice
from schemas.record import schema_of

RECEIPT = schema_of(BUILTIN["receipt"])
RECORD = {"total": "12.00", "items": [{"description": "Tea {hot}"}]}
GOOD = json.dumps(RECORD)


class Loose(BaseModel):
    """A schema that lets unknown keys pass."""

    total: float | None = None
    number: str | None = None


LOOSE = schema_of(Loose)

ONE_READING = {
    "a thought with braces": f'<think>{{"total": "9"}}, or {{20.00}}?</think>{GOOD}',
    "a thought without its beginning": f'Maybe {{"total": "9"}}?\n</think>\n{GOOD}',
    "Mistral's thought": f'[THINK]{{"total": "9"}}[/THINK]{GOOD}',
    "a fence": f"```json\n{GOOD}\n```",
    "a fence that is not closed": f"```json\n{GOOD}",
    "remarks on both sides": f"I use {{}} and {{x: 1}} here:\n{GOOD}\nIs {{that}} all?",
    "twice": f"{GOOD}\n{GOOD}",
    "twice, the keys in another order": f"{GOOD}{json.dumps(dict(reversed(RECORD.items())))}",
    "an example before it": f'For {{"foo": 1}}: {GOOD}',
    "Kimi's thought": f'◁think▷{{"total": "9"}}◁/think▷{GOOD}',
    "a channel of thoughts": f'<|channel|>analysis<|message|>{{"total": "9"}}<|channel|>final<|message|>{GOOD}',
    "a wrapper": f'{{"receipt": {GOOD}}}',
    "two wrappers": f'{{"result": {{"receipt": {GOOD}}}}}',
    "a list of one": f"[{GOOD}]",
    "a wrapper around a list of one": f'{{"receipts": [{GOOD}]}}',
    "blanks and a byte order mark": f"\ufeff\n {GOOD} \n",
}


@pytest.mark.parametrize("name", ONE_READING)
def test_an_answer_with_one_reading_is_read(name: str) -> None:
    """Whatever stands around it."""
    judged = judge(ONE_READING[name], RECEIPT)
    assert judged.faults == ()
    assert judged.value == RECORD


NO_READING = {
    "two that differ": f"{GOOD} {GOOD.replace('12', '13')}",
    "a list of two": f"[{GOOD}, {GOOD}]",
    "a broken object with a whole one inside": f'{{"total": 1,, "x": {GOOD}}}',
    "a broken list": f"[{GOOD}, {GOOD}, ",
    "one that is cut off": GOOD[:-1],
    "a comma too many": GOOD[:-1] + ",}",
    "infinite": '{"total": 1e999}',
    "digits": '{"total": ' + "9" * 200 + "}",
    "not a number": '{"total": NaN}',
    "a key twice": '{"total": "1", "total": "1"}',
    "levels": '{"a":' * 900 + "1" + "}" * 900,
}


@pytest.mark.parametrize("name", NO_READING)
def test_an_answer_with_no_reading_or_two_is_a_fault(name: str) -> None:
    """Nothing is guessed, and no part of a broken answer is taken for the whole."""
    judged = judge(NO_READING[name], RECEIPT)
    assert judged.value is None
    assert {fault.kind for fault in judged.faults} == {"invalid_answer"}


def test_a_wrapper_is_no_record_of_a_schema_that_lets_unknown_keys_pass() -> None:
    """It would be read as a record of nulls."""
    assert judge('{"invoice": {"number": "7"}}', LOOSE).value == {"number": "7"}
    assert judge('{"number": "7"}', LOOSE).value == {"number": "7"}


TWO = '[{"total": "1.00"}, {"total": "2.00"}]'


@pytest.mark.parametrize("text", [TWO, f'{{"receipts": {TWO}}}', f'{{"answer": {{"records": {TWO}}}}}'])
def test_many_records_may_come_as_a_bare_list_or_under_another_name(text: str) -> None:
    """Their one list is `records`."""
    judged = judge(text, RECEIPT, many=True)
    assert judged.value == {"records": [{"total": "1.00"}, {"total": "2.00"}]}


HOSTILE = [
    "```" + "\n" * 40_000, "{" * 100_000, '{"' * 100_000, '"\\' * 100_000, '{"a' + '\\"' * 100_000, "[" * 100_000,
    "[ " * 100_000, '{"a":' * 50_000, "<think>" * 100_000, "</think>" * 100_000, '{"a" ' * 50_000, "{}" * 90_000,
    json.dumps({f"k{n}": n for n in range(20_001)}), '{"a": 1,' + '"b": 2,' * 90_000 + '"b": 3}',
    '{"x": [' + "[]," * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_takes_no_longer_than_it_is_long(number: int) -> None:
    """Twice the text, about twice the time: a bound that only what is quadratic crosses."""
    began = time.process_time()
    assert judge(HOSTILE[number], RECEIPT).value is None
    assert time.process_time() - began < 5


@given(st.text(alphabet='{}[]":,\\ \n12ab`<>/think', max_size=80), st.text(alphabet='}],"` \nab', max_size=20))
def test_what_stands_around_an_answer_never_changes_it(before: str, after: str) -> None:
    """It is read as it stands, or refused."""
    judged = judge(f"{before}{GOOD}{after}", RECEIPT)
    assert judged.value in (RECORD, None)


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.floats(), lambda child: st.lists(child, max_size=3), max_leaves=5
    )
)
def test_any_value_of_a_field_is_judged(value: Any) -> None:
    """A value or faults, never an exception."""
    judged = judge(json.dumps({"total": value, "merchant": "x"}), RECEIPT)
    assert (judged.value is None) == bool(judged.faults)


def test_an_answer_that_was_written_as_json_twice_is_read() -> None:
    """Some gateways quote the model's JSON once more: the text inside is the answer."""
    (piece,) = written(json.dumps(json.dumps({"total": "12.00"})))
    assert piece.value == {"total": "12.00"}


@pytest.mark.parametrize("digits", ["12345678901234567.89", "12345678901234567890.12", "0.1234567890123456789"])
def test_a_number_of_many_digits_is_kept_to_the_last(digits: str) -> None:
    """A float would be another number: the record holds what was answered."""
    assert schema_of(Invoice).parse(judge(f'{{"total": {digits}}}', schema_of(Invoice)).value)["total"] == digits


def test_a_line_break_inside_a_text_means_itself() -> None:
    """JSON wants it escaped; many servers do not."""
    assert judge('{"merchant": "Corner\nShop"}', RECEIPT).value == {"merchant": "Corner\nShop"}


def test_an_answer_with_none_of_the_fields_is_no_record() -> None:
    """A schema that lets unknown keys pass does not make a record of nothing out of them."""
    for text in ('{"foo": 5}', '{"foo": 5, "bar": {"total": 5}}'):
        assert "none of the schema's fields" in judge(text, LOOSE).faults[0].message
        assert keep([text], LOOSE, many=False) is None
    assert "nothing was read" in judge('{"foo": 5, "total": "N/A"}', LOOSE).faults[0].message


def test_of_many_records_one_of_nothing_is_no_record() -> None:
    """It is asked to be left out, and is left out if it stays."""
    text = f'{{"records": [{GOOD}, {{"total": "N/A"}}]}}'
    assert [fault.path for fault in judge(text, RECEIPT, many=True).faults] == ["records.1"]
    kept = keep([text], RECEIPT, many=True)
    assert kept is not None
    assert kept.value == {"records": [RECORD]}
