"""Merging windows: lists in page order, scalars by rule, conflicts kept, evidence carried along."""

from itertools import pairwise
from typing import Any

import pytest
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


def _row(number: int) -> dict[str, Any]:
    return {"date": f"2026-01-{number % 28 + 1:02}", "description": f"Payment {number}", "amount": f"{number}.50"}


@given(st.lists(st.integers(2, 6), min_size=2, max_size=5), st.data())
def test_a_document_may_be_cut_into_windows_anywhere(sizes: list[int], data: st.DataObject) -> None:
    """A row that goes on over a page's edge is one, wherever the windows end; none is lost and none made."""
    rows = [_row(number) for number in range(sum(sizes))]
    ends = [sum(sizes[:page]) for page in range(1, len(sizes))]
    crossing = data.draw(st.sets(st.sampled_from(range(len(ends)))))
    cuts = data.draw(st.sets(st.sampled_from(range(len(ends)))))
    parts: list[Part] = []
    own: list[dict[str, Any]] = []
    first = 1
    for page, size in enumerate(sizes, start=1):
        start = sum(sizes[: page - 1])
        begun = page > 1 and page - 2 in crossing
        if begun and page - 2 in cuts:
            own.append({**dict.fromkeys(rows[0]), "amount": rows[start - 1]["amount"]})
        goes_on = page - 1 in crossing and page - 1 in cuts
        own += rows[start : start + size - goes_on]
        if goes_on:
            own.append({**rows[start + size - 1], "amount": None})
        if page - 1 in cuts or page == len(sizes):
            parts.append(Part(tuple(range(first, page + 1)), {"rows": own}))
            own, first = [], page + 1
    merged = merge(parts, {})
    assert merged.value["rows"] == rows
    assert {issue.kind for issue in merged.issues} <= {"joined"}
    assert len(merged.issues) == len(crossing & cuts)


def test_a_text_goes_on_over_the_edge() -> None:
    """Both halves have words of the same cell: they are put one behind the other."""
    whole = [_row(number) for number in range(4)]
    first = {"date": "2026-01-09", "description": "Transfer to", "amount": None}
    second = {"date": None, "description": "M. Example", "amount": "-20.00"}
    merged = merge([Part((1,), {"rows": [*whole[:2], first]}), Part((2,), {"rows": [second, *whole[2:]]})], {})
    assert merged.value["rows"][2] == {
        "date": "2026-01-09", "description": "Transfer to M. Example", "amount": "-20.00"
    }  # fmt: skip
    assert [issue.kind for issue in merged.issues] == ["joined"]


def test_halves_that_contradict_each_other_are_told() -> None:
    """Both lack what most rows have, and both say another day: neither is mixed into the other in silence."""
    whole = [_row(number) for number in range(6)]
    first = {"date": "2026-01-09", "description": None, "amount": None}
    second = {"date": "2026-01-11", "description": "M. Example", "amount": None}
    merged = merge([Part((1,), {"rows": [*whole[:3], first]}), Part((2,), {"rows": [second, *whole[3:]]})], {})
    assert merged.value["rows"] == [*whole[:3], first, second, *whole[3:]]
    assert [(issue.kind, issue.path) for issue in merged.issues] == [("conflict", "rows.3")]
    assert "page 2" in merged.issues[0].message


def test_two_whole_rows_are_never_joined() -> None:
    """Nor where pages lie between."""
    rows = [_row(number) for number in range(6)]
    merged = merge([Part((1,), {"rows": rows[:3]}), Part((2,), {"rows": rows[3:]})], {})
    assert merged.value["rows"] == rows
    halves = [rows[2] | {"amount": None}, {"date": None, "description": None, "amount": "2.50"}]
    apart = merge([Part((1,), {"rows": [*rows[:2], halves[0]]}), Part((3,), {"rows": [halves[1], *rows[3:]]})], {})
    assert len(apart.value["rows"]) == 7


ROWS = [{"description": f"Bolt {n}", "quantity": "1", "unit_price": "2.00", "amount": "2.00"} for n in range(4)]


def test_two_rows_that_each_have_numbers_are_not_one() -> None:
    """What is given away has no price, and postage no quantity: a row's numbers stand on one of its lines."""
    free, postage = {"description": "Manual, free", "quantity": "1"}, {"description": "Postage", "amount": "4.90"}
    merged = merge([Part((1,), {"line_items": [*ROWS, free]}), Part((2,), {"line_items": [postage, *ROWS]})], INVOICE)
    assert merged.value["line_items"] == [*ROWS, free, postage, *ROWS]
    assert [issue.kind for issue in merged.issues] == ["conflict"]


def test_a_lone_record_that_crosses_an_edge_comes_out_whole() -> None:
    """Though no other shows what is usual: of what its halves share, but a list goes on."""
    head, tail = {"merchant": "Gale", "items": [{"amount": "2.00"}]}, {"items": [{"amount": "3.00"}], "total": "5.00"}
    merged = merge([Part((1,), {"records": [head]}), Part((2,), {"records": [tail]})], {})
    whole = {"merchant": "Gale", "items": [{"amount": "2.00"}, {"amount": "3.00"}], "total": "5.00"}
    assert merged.value == {"records": [whole]}
    assert [(issue.kind, issue.path) for issue in merged.issues] == [("joined", "records.0")]


def test_two_copies_of_a_record_are_two() -> None:
    """One without the shop's name, one without the total: their rows are the same."""
    rows = [{"amount": "2.00"}, {"amount": "3.00"}]
    copies = [{"items": rows, "total": "5.00"}], [{"merchant": "Gale", "items": rows}]
    merged = merge([Part((n,), {"records": each}) for n, each in enumerate(copies, 1)], {})
    assert merged.value == {"records": [*copies[0], *copies[1]]}


def test_a_balance_that_is_carried_over_is_no_conflict() -> None:
    """What one page ends with, the next begins with; another one is told."""
    statement = BUILTIN["bank_statement"].model_json_schema()
    balances = [("1000.00", "979.00"), ("979.00", "950.00"), ("950.00", "934.00")]
    parts = [Part((n,), {"opening_balance": a, "closing_balance": b}) for n, (a, b) in enumerate(balances, 1)]
    merged = merge(parts, statement)
    assert merged.value == {"opening_balance": "1000.00", "closing_balance": "934.00"}
    assert not merged.issues
    parts[1] = Part((2,), {"opening_balance": "979.00", "closing_balance": "951.00"})
    assert {issue.path for issue in merge(parts, statement).issues} == {"opening_balance", "closing_balance"}


def test_a_record_that_crosses_an_edge_comes_out_whole() -> None:
    """Of many records: the last of one window lacks its total, the first of the next has nothing else."""
    receipts = [{"merchant": f"Shop {n}", "items": [{"name": "x"}], "total": f"{n}.00"} for n in range(5)]
    head, tail = receipts[2] | {"total": None}, {"merchant": None, "items": [{"name": "y"}], "total": "2.00"}
    first, second = {"records": [*receipts[:2], head]}, {"records": [tail, *receipts[3:]]}
    merged = merge([Part((1, 2), first), Part((3, 4), second)], {})
    assert [record["total"] for record in merged.value["records"]] == ["0.00", "1.00", "2.00", "3.00", "4.00"]
    assert merged.value["records"][2] == receipts[2] | {"items": [{"name": "x"}, {"name": "y"}]}


def test_two_firms_are_not_mixed_into_one() -> None:
    """Of objects that contradict each other one is kept whole, and that is told once."""
    one = {"seller": {"name": "Oak Ltd", "address": None, "tax_id": None}}
    other = {"seller": {"name": "Elm GmbH", "address": "Berlin", "tax_id": "DE1"}}
    merged = merge([Part((1,), one), Part((2,), other)], {})
    assert merged.value == one
    assert [(issue.kind, issue.path) for issue in merged.issues] == [("conflict", "seller")]
    assert "Elm GmbH" in merged.issues[0].message


@pytest.mark.parametrize(
    ("one", "other"),
    [("24.00", "24.0"), ("EUR", "€"), ("Oak Tools Ltd", "OAK TOOLS LTD"), ("2026-03-02", "2026-03-02T00:00:00"),
     ("1.234,50", "1234.50"), ("02.03.2026", "2026-03-02")],
)  # fmt: skip
def test_two_spellings_are_no_conflict(one: str, other: str) -> None:
    """Numbers as numbers, days as days, names without case."""
    merged = merge([Part((1,), {"x": one}), Part((2,), {"x": other})], {})
    assert (merged.value, merged.issues, merged.agreed) == ({"x": one}, [], {"x"})


@pytest.mark.parametrize(("one", "other"), [("24.00", "24.10"), ("007", "7"), ("EUR", "USD"), (True, 1), ("A", "B")])
def test_what_differs_is_a_conflict(one: object, other: object) -> None:
    """Each with the value that is kept."""
    merged = merge([Part((1,), {"x": one}), Part((2,), {"x": other})], {})
    assert [issue.kind for issue in merged.issues] == ["conflict"]
