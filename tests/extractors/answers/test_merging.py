"""Merging windows: lists in page order, scalars by rule, conflicts kept, evidence carried along."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from extractors.answers.merging import Part, last_fields, merge
from extractors.documents import Evidence
from extractors.vocabulary import EvidenceState
from schemas.builtin import BUILTIN

INVOICE = BUILTIN["invoice"].model_json_schema()


def test_scalars_take_the_first_value_and_totals_the_last() -> None:
    """A number stands on page one, the total on the last page; a carry-over in between does not win."""
    parts = [
        Part((1,), {"number": "A-1", "total": "100.00", "seller": {"name": "X"}}),
        Part((2,), {"number": None, "total": "250.00", "seller": None}),
    ]
    merged = merge(parts, INVOICE)
    assert merged.value == {"number": "A-1", "total": "250.00", "seller": {"name": "X"}}
    assert [(issue.kind, issue.path) for issue in merged.issues] == [("conflict", "total")]
    assert "page 1: 100.00; page 2: 250.00" in merged.issues[0].message


def test_the_built_in_schemas_say_which_fields_come_last() -> None:
    """Totals and closing balances."""
    adjusted = {"allowances", "charges", "prepaid_amount", "rounding_amount"}
    assert last_fields(INVOICE) == {"subtotal", "tax", "total", "amount_due"} | adjusted
    assert "closing_balance" in last_fields(BUILTIN["bank_statement"].model_json_schema())


def test_evidence_moves_with_its_row() -> None:
    """Row 0 of the second window is row 2 of the record, and still stands on page 9."""
    parts = [
        Part(
            (1,),
            {"line_items": [{"amount": "1"}, {"amount": "2"}]},
            (Evidence("line_items.1.amount", EvidenceState.FOUND, 1, None),),
        ),
        Part(
            (9,),
            {"line_items": [{"amount": "3"}]},
            (Evidence("line_items.0.amount", EvidenceState.FOUND, 9, (0, 0, 1, 1)),),
        ),
    ]
    merged = merge(parts, INVOICE)
    assert [row["amount"] for row in merged.value["line_items"]] == ["1", "2", "3"]
    assert [(item.path, item.page) for item in merged.evidence] == [
        ("line_items.1.amount", 1),
        ("line_items.2.amount", 9),
    ]


def test_evidence_is_that_of_the_window_whose_value_was_kept() -> None:
    """The box belongs to the value, not to the field."""
    parts = [
        Part((1,), {"total": "1"}, (Evidence("total", EvidenceState.FOUND, 1),)),
        Part((2,), {"total": "2"}, (Evidence("total", EvidenceState.FOUND, 2),)),
    ]
    assert [item.page for item in merge(parts, INVOICE).evidence] == [2]


rows = st.lists(st.fixed_dictionaries({"amount": st.integers().map(str)}), max_size=12)


@given(rows, st.data())
def test_any_way_of_cutting_a_table_gives_the_same_rows(table: list[dict[str, Any]], data: st.DataObject) -> None:
    """Windows are a matter of endpoints and limits; the record must not show where they were cut."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(table)), max_size=4)))
    edges = [0, *cuts, len(table)]
    parts = [
        Part((number,), {"number": "A-1", "line_items": table[start:end]})
        for number, (start, end) in enumerate(pairwise(edges), start=1)
    ]
    merged = merge(parts, INVOICE)
    assert merged.value == {"number": "A-1", "line_items": table}
    assert merged.issues == []


leaf = st.none() | st.text(max_size=4) | st.integers()
value = st.fixed_dictionaries({"number": leaf, "seller": st.none() | st.fixed_dictionaries({"name": leaf})})


@given(value)
def test_a_window_alone_is_itself(part: dict[str, Any]) -> None:
    """Merging one window changes nothing but null objects."""
    assert merge([Part((1,), part)], INVOICE).value == part


@given(st.lists(value, min_size=1, max_size=4))
def test_merging_never_raises_and_keeps_every_name(parts: list[dict[str, Any]]) -> None:
    """Whatever windows answered, the record has their fields."""
    merged = merge([Part((n,), part) for n, part in enumerate(parts, start=1)], INVOICE)
    assert set(merged.value) == {"number", "seller"}
