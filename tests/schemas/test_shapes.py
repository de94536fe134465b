"""What an answer means by a word: nothing, or a word of the schema's own."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from schemas.builtin import BUILTIN
from schemas.fields import Date, Money
from schemas.json_file import schema_of_json
from schemas.record import schema_of
from schemas.shapes import meant, shape_of


class Bill(BaseModel):
    """Fields of each kind that may be null, and one that may not."""

    number: str
    note: str | None = None
    due: Date | None = None
    total: Money | None = None
    state: Literal["paid", "part paid", "open", "n/a"] | None = None
    tags: list[str] = []


BILL = schema_of(Bill)


@pytest.mark.parametrize(
    "word", ["N/A", "n.a.", "null", "None", "-", "\u2014", "--", "not available", "k.A.", "Unknown"]
)
def test_a_word_for_nothing_is_null_in_a_typed_field(word: str) -> None:
    """Where nothing is printed, models write what a person would."""
    assert meant({"due": word, "total": word}, BILL.shape) == {"due": None, "total": None}


@pytest.mark.parametrize("word", ["N/A", "none", "-", "not available"])
def test_the_same_in_a_text_that_may_be_null_and_not_in_one_that_must_be_there(word: str) -> None:
    """A required text is left as it is: whether it is missing is for the schema to say."""
    assert meant({"note": word, "number": word}, BILL.shape) == {"note": None, "number": word}


@pytest.mark.parametrize("text", ["Unknown Artist", "None of the above", "Nilsson", "A-1", "No", "Keiner"])
def test_a_text_that_only_begins_so_stays(text: str) -> None:
    """Only the whole text is looked at, and in free text only words that nobody prints for a value."""
    assert meant({"note": text}, BILL.shape) == {"note": text}


@pytest.mark.parametrize(
    ("answered", "word"),
    [
        ("PAID", "paid"),
        ("Part-Paid", "part paid"),
        ("part_paid ", "part paid"),
        ("n/a", "n/a"),
        ("overdue", "overdue"),
    ],
)
def test_a_word_of_an_enum_is_found_in_any_case_and_spacing(answered: str, word: str) -> None:
    """Where exactly one can be meant; and a schema's own word is a value, whatever it means elsewhere."""
    assert meant({"state": answered}, BILL.shape) == {"state": word}


def test_a_field_with_a_default_takes_no_null() -> None:
    """It is left out, as if the model had not named it."""
    assert meant({"number": "1", "tags": None}, BILL.shape) == {"number": "1"}


def test_a_json_schema_file_behaves_as_a_model_does() -> None:
    """References, choices and null among an enum's words are seen through."""
    document: dict[str, Any] = {
        "type": "object",
        "$defs": {"State": {"enum": ["Open", "Closed", None]}, "Day": {"type": "string", "format": "date"}},
        "properties": {
            "state": {"$ref": "#/$defs/State"},
            "day": {"anyOf": [{"$ref": "#/$defs/Day"}, {"type": "null"}]},
            "rows": {"type": "array", "items": {"properties": {"day": {"$ref": "#/$defs/Day"}}}},
        },
    }
    shape = schema_of_json(document, "x").shape
    given = {"state": "OPEN", "day": "n/a", "rows": [{"day": "-"}, {"day": "2026-01-02"}], "other": "-"}
    # A field that is not required is left out where its type has no null of its own.
    assert meant(given, shape) == {"state": "Open", "day": None, "rows": [{}, {"day": "2026-01-02"}], "other": "-"}


def test_values_of_the_built_in_schemas_pass_unchanged() -> None:
    """What is no such word is the very same afterwards."""
    answer = {"number": "NA-1", "currency": "EUR", "line_items": [{"description": "Nil pens", "amount": "0.00"}]}
    assert meant(answer, schema_of(BUILTIN["invoice"]).shape) == answer


def _answered(answer: dict[str, Any], properties: dict[str, Any], *required: str) -> Any:
    return meant(answer, shape_of({"type": "object", "properties": properties, "required": list(required)}))


def test_a_word_that_the_field_knows_is_a_value_in_any_case() -> None:
    """NA is Namibia and "none" is a status where the enum says so; "no" is an answer to yes or no."""
    fields = {
        "stock": {"anyOf": [{"enum": ["not-available", "there"]}, {"type": "null"}]},
        "dash": {"anyOf": [{"enum": ["-", "+"]}, {"type": "null"}]},
        "country": {"anyOf": [{"enum": ["DE", "NA", "NO"]}, {"type": "null"}]},
        "status": {"anyOf": [{"enum": ["none", "paid"]}, {"type": "null"}]},
        "paid": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
    }
    answer = {"country": "na", "status": "None", "paid": "No", "code": "NA", "stock": "Not available", "dash": "-"}
    assert _answered(answer, fields) == {
        "stock": "not-available", "dash": "-", "country": "NA", "status": "none", "paid": "No", "code": "NA",
    }  # fmt: skip


def test_not_available_is_never_namibia() -> None:
    """Where a word could mean nothing only its case or spacing may differ: a country "n/a" is refused, not NA."""
    country = {"enum": ["DE", "NA"]}
    assert _answered({"c": "n/a"}, {"c": country}, "c") == {"c": "n/a"}
    assert _answered({"c": "n/a"}, {"c": {"anyOf": [country, {"type": "null"}]}}) == {"c": None}


def test_a_field_named_in_another_case_or_spacing_is_that_field() -> None:
    """Where exactly one can be meant: not when it is there already, or twice."""
    fields: dict[str, Any] = {"issue_date": {"type": "string"}, "total": {"type": "string"}}
    assert _answered({"issueDate": "x", "TOTAL": "5"}, fields) == {"issue_date": "x", "total": "5"}
    assert _answered({"Total": "5", "total": "6"}, fields) == {"Total": "5", "total": "6"}
    assert _answered({"Total": "5", "TOTAL": "6"}, fields) == {"Total": "5", "TOTAL": "6"}


@pytest.mark.parametrize(
    ("choices", "answer", "kept"),
    [
        (["Métro", "Bus"], "METRO", "Métro"),
        (["credito", "debito"], "crédito", "credito"),
        (["ha", "há"], "hà", "hà"),
        (["ば", "い"], "は", "は"),
    ],
)
def test_an_accent_is_no_other_word_where_one_can_be_meant(choices: list[str], answer: str, kept: str) -> None:
    """In Latin letters; elsewhere a mark makes another letter."""
    document = {"type": "object", "properties": {"it": {"enum": choices}}}
    assert meant({"it": answer}, shape_of(document)) == {"it": kept}
