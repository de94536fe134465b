"""Rows that a page shows and the answer lacks: counted where a table is clearly asked for, silent elsewhere."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lost_rows import KINDS, LOSSES, Table, lose, repeat
from lost_rows import table as drawn_table

from extractors.answers.completeness import Unread, repeated_rows
from extractors.answers.completeness import unread_rows as unread_by_place
from extractors.answers.grounding import ground
from extractors.documents import PageWords, Word
from schemas.leaves import leaves_of

FIELDS = ("items",)


def unread_rows(value: dict[str, Any], pages: dict[int, list[Word]], fields: tuple[str, ...]) -> dict[int, Unread]:
    """What is unread of some pages, by where the answer's values stand on them."""
    evidence = ground(value, {number: PageWords(words) for number, words in pages.items()})
    return unread_by_place(value, evidence, pages, fields)


def page(rows: list[tuple[str, ...]], edges: tuple[float, ...] = (0.2, 0.7, 0.9)) -> list[Word]:
    """A table, its cells flush right at the edges; column by column, as text layers often have it."""
    return [
        Word(text, (edges[column] - 0.01 * len(text), 0.1 + 0.02 * row, edges[column], 0.11 + 0.02 * row))
        for column in range(len(edges))
        for row, texts in enumerate(rows)
        if column < len(texts)
        for text in [texts[column]]
    ]


def table(count: int, first: int = 1) -> list[tuple[str, ...]]:
    """Rows with a name, an amount and a balance."""
    return [(f"Item{n}", f"{n}.{n % 90 + 10}", f"{1000 + 7 * n:,}.00") for n in range(first, first + count)]


def answer(rows: list[tuple[str, ...]], **head: Any) -> dict[str, Any]:
    """The right answer."""
    return {**head, "items": [{"name": a, "amount": b, "balance": c.replace(",", "")} for a, b, c in rows]}


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_whole_answer_misses_nothing(one: int, two: int) -> None:
    """Whatever the tables' lengths."""
    pages = {1: page(table(one)), 2: page(table(two, 50))}
    assert unread_rows(answer(table(one) + table(two, 50)), pages, FIELDS) == {}


@given(st.integers(4, 40), st.integers(4, 40))
def test_a_left_out_page_is_told_with_its_rows(one: int, two: int) -> None:
    """The table goes on over the page; the model did not."""
    pages = {1: page(table(one)), 2: page(table(two, 50))}
    (told,) = unread_rows(answer(table(one)), pages, FIELDS).items()
    assert (told[0], told[1].missing, told[1].rows, told[1].certain) == (2, two, two, True)


@pytest.mark.parametrize(
    ("printed", "value"),
    [("1.234,50", "1234.50"), ("(1,234.50)", "-1234.50"), ("€1'234.5", 1234.5), ("1234.50-", "-1234.5"),
     ("1,234.50CR", "1234.50")],
)  # fmt: skip
def test_spelling_does_not_make_a_row_missing(printed: str, value: object) -> None:
    """Numbers are told by their digits."""
    rows = [("a", printed)] * 6
    assert unread_rows({"items": [{"amount": value}] * 6}, {1: page(rows)}, FIELDS) == {}


def test_a_number_in_groups_is_one_number() -> None:
    """Two words, as "1 234,50"."""
    words = [
        Word(text, (x, 0.1 + 0.02 * row, x + 0.05, 0.11 + 0.02 * row))
        for row in range(8)
        for text, x in (("1", 0.7), (f"2{row}4,50", 0.75))
    ]
    whole = {"items": [{"amount": f"12{row}4.50"} for row in range(8)]}
    assert unread_rows(whole, {1: words}, FIELDS) == {}


def test_a_table_that_nobody_asked_for_is_not_missed() -> None:
    """The items are all there; a longer table stands beside them in other columns."""
    other = page([("x", str(5000 + n)) for n in range(20)], edges=(0.4, 0.55))
    pages = {1: page(table(8)), 2: other}
    assert unread_rows(answer(table(8)), pages, FIELDS) == {}


def test_without_row_fields_or_text_layer_nothing_is_missed() -> None:
    """A scan has no words to count; a schema without lists asks for no rows."""
    assert unread_rows({"total": "1"}, {1: page(table(30))}, ()) == {}
    assert unread_rows(answer([]), {1: []}, FIELDS) == {}


def test_an_answer_without_any_row_beside_a_long_column_of_amounts_is_doubted() -> None:
    """It may be a table that is not asked for, so it is not certain."""
    (told,) = unread_rows(answer([]), {1: page(table(12))}, FIELDS).values()
    assert (told.missing, told.certain) == (12, False)
    assert unread_rows(answer([]), {1: page(table(9))}, FIELDS) == {}


def test_many_records_are_rows_themselves_or_hold_them() -> None:
    """Each record one row of a table, or each with a table of its own: a skipped page is told either way."""
    pages = {1: page(table(8)), 2: page(table(12, 50))}
    flat = {"records": answer(table(8))["items"]}
    assert unread_rows(flat, pages, ("records",))[2].missing == 12
    nested = {"records": [answer(table(4), number="A"), answer(table(4, 5), number="B")]}
    assert unread_rows(nested, pages, ("records.items",))[2].missing == 12
    nested["records"].append(answer(table(12, 50), number="C"))
    assert unread_rows(nested, pages, ("records.items",)) == {}


def test_many_records_without_any_row_beside_a_long_column_of_amounts_are_doubted() -> None:
    """The records are there, but none of them has a row."""
    (told,) = unread_rows({"records": [answer([], number="A")]}, {1: page(table(12))}, ("records.items",)).values()
    assert (told.missing, told.certain) == (12, False)


def told(made: Table, value: dict[str, Any]) -> bool:
    """Whether anything is said of an answer's rows."""
    evidence = ground(value, made.pages, leaves_of(made.schema))
    words = {number: seen.words for number, seen in made.pages.items()}
    return bool(unread_by_place(value, evidence, words, FIELDS) or repeated_rows(value, evidence, FIELDS))


@pytest.mark.parametrize("seed", range(len(KINDS)))
def test_a_right_answer_passes_and_one_that_lost_rows_does_not(seed: int) -> None:
    """Round amounts, carried sums, copies, annexes, rows of several lines: more of them in bench_rows."""
    made, dice = drawn_table(seed), random.Random(seed)
    assert not told(made, made.record)
    for how in LOSSES:
        assert told(made, lose(made.record, how, 3, dice)), how


def test_a_row_that_is_there_twice_is_told() -> None:
    """The page shows it once; of equal rows that it shows twice nothing is said."""
    made = drawn_table(0)
    assert told(made, repeat(made.record, random.Random(1)))
    rows = [("Same", "10.00", "10.00")] * 3
    assert repeated_rows(answer(rows), ground(answer(rows), {1: PageWords(page(rows))}), FIELDS) == []
    twice = ground(answer([*rows, rows[0]]), {1: PageWords(page(rows))})
    assert len(repeated_rows(answer([*rows, rows[0]]), twice, FIELDS)) == 1


def test_running_text_is_no_row() -> None:
    """Words that happen to stand under a column's edge are not cells: no gap is beside them."""
    prose = [Word("word9", (0.05 * at, 0.9, 0.05 * at + 0.047, 0.912)) for at in range(19)]
    assert unread_rows(answer(table(6)), {1: [*page(table(6)), *prose]}, FIELDS) == {}
