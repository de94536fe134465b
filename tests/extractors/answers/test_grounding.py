"""Grounding: found by meaning, near its row, and never where the page does not say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.answers.grounding import ground, share_grounded
from extractors.documents import PageWords, Word
from extractors.vocabulary import EvidenceState


def page(*lines: str) -> PageWords:
    """Words laid out line by line, a line every 0.05 of the page."""
    words = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line.split()):
            top, left = 0.05 * row, 0.1 * column
            words.append(Word(text, (left, top, left + 0.08, top + 0.03)))
    return PageWords(words)


def found(value: object, *lines: str) -> str | None:
    """The printed text that one value was grounded on."""
    (evidence,) = ground({"field": value}, {1: page(*lines)})
    return evidence.text


@pytest.mark.parametrize(
    ("value", "line", "text"),
    [
        ("1234.56", "Gesamt 1.234,56 €", "1.234,56"),
        ("1234.56", "Total 1 234,56 EUR", "1 234,56"),
        ("-12.00", "Credit (12.00)", "(12.00)"),
        ("5", "Qty 5 pcs", "5"),
        ("2024-03-31", "Datum: 31.03.2024", "31.03.2024"),
        ("2024-03-31", "Date March 31, 2024", "March 31, 2024"),
        ("2024-03-31", "le 31 mars 2024", "31 mars 2024"),
        ("2024-08-01", "den 1. August 24", "1. August 24"),
        ("2024-03-31", "2024-03-31T00:00", "2024-03-31T00:00"),
        ("2024-03-31", "01.03.2024-31.03.2024", "01.03.2024-31.03.2024"),
        ("2024-03-31", "RE-20240331/508 31/03/24", "31/03/24"),
        ("2024-03-31", "31/03 CARD PAYMENT", "31/03"),
        ("2024-01-12", "Data: 12 stycznia 2024 r.", "12 stycznia 2024"),
        ("10000", "WA997 10000,0000", "10000,0000"),
        ("1234567.00", "1 234 567,00 Ft", "1 234 567,00"),
        ("20", "20Stk FR20", "20Stk"),
        ("1.234,50 €", "1234.50", "1234.50"),
        ("EUR", "Total 5,00 €", "€"),
        ("ACME GmbH", "Rechnung Acme GmbH Berlin", "Acme GmbH"),
        ("München", "MUNCHEN", "MUNCHEN"),
        ("Rechnung", "Rech nung", "Rech nung"),
        ("00012", "Invoice 00012", "00012"),
        ("DE89 3704 0044", "IBAN DE8937040044", "DE8937040044"),
    ],
)
def test_values_are_found_by_meaning(value: str, line: str, text: str) -> None:
    """Locales, signs, months in words, line breaks and split words do not hide a value."""
    assert found(value, line) == text


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("12", "2012 and 120"),
        ("1250", "12 50"),
        ("1", "WELADED1MST"),
        ("2023-07-22", "07/22/24 23"),
        ("1234.56", "1234.57"),
        ("2024-03-31", "31.03.2025"),
        ("Ann", "Hannover"),
        ("EUR", "CHF"),
    ],
)
def test_what_the_page_does_not_say_is_visibly_ungrounded(value: str, line: str) -> None:
    """A part of another number or word is no evidence."""
    assert found(value, line) is None


def test_a_number_is_found_by_itself_before_inside_another() -> None:
    """2013-471102 is another number."""
    assert found("471102", "2013-471102", "471102") == "471102"
    assert found("471102", "2013-471102") is None


def test_a_row_keeps_together_and_rows_do_not_share() -> None:
    """Two lines with the same amount are grounded on their own lines."""
    lines = ("1 Apple 10.00", "1 Pear 10.00")
    value = {"items": [
        {"quantity": "1", "description": "Pear", "amount": "10.00"},
        {"quantity": "1", "description": "Apple", "amount": "10.00"},
    ]}  # fmt: skip
    tops = {item.path: item.box[1] for item in ground(value, {1: page(*lines)}) if item.box}
    assert [tops[f"items.0.{name}"] for name in ("quantity", "description", "amount")] == [0.05] * 3
    assert [tops[f"items.1.{name}"] for name in ("quantity", "description", "amount")] == [0.0] * 3


def test_an_address_in_two_columns_is_found_in_parts() -> None:
    """Its box covers both parts."""
    (evidence,) = ground({"address": "Main Street 1, 12345 Town"}, {1: page("Main Street 1", "x y", "12345 Town")})
    assert evidence.text == "Main Street 1 12345 Town"
    assert evidence.box == (0.0, 0.0, 0.28, 0.13)


def test_pages_without_words_ground_nothing() -> None:
    """A scan has no text layer: nothing can be told of its values, and no share is made up."""
    evidence = ground({"total": "1.00", "name": "x"}, {1: PageWords(())})
    assert [item.state for item in evidence] == [EvidenceState.NOT_CHECKABLE] * 2
    assert share_grounded(evidence) is None
    assert share_grounded(()) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates().map(str),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), child, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), JSON, max_size=4), st.lists(st.text(max_size=12), max_size=20)
)
def test_any_value_on_any_page_is_looked_for_without_harm(value: dict[str, object], texts: list[str]) -> None:
    """Boxes lie on the page; text is the page's own."""
    words = [Word(text, (0.1, 0.1, 0.2, 0.2)) for text in texts]
    for item in ground(value, {1: PageWords(words)}):
        assert (item.box is None) == (item.page is None)
        if item.box:
            assert item.box == (0.1, 0.1, 0.2, 0.2)
