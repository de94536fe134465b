"""A page that was asked for again: its rows come to their place, and nothing else changes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from extractors.answers.merging import Part
from extractors.answers.rereading import with_page_again, with_rows_of
from extractors.documents import Evidence
from extractors.vocabulary import EvidenceState
from schemas.record import schema_of
from schemas.salvage import Refused

FIELDS = ("items",)


class Delivery(BaseModel):
    """A record with obligatory fields."""

    number: str
    items: list[dict[str, str]] = []


SCHEMA = schema_of(Delivery)

rows_on_pages = st.lists(st.integers(0, 4), min_size=2, max_size=5)


@given(rows_on_pages, st.data())
def test_rows_that_were_read_again_stand_where_they_were_missing(sizes: list[int], data: st.DataObject) -> None:
    """The other pages' rows keep their order and evidence, the head keeps its values."""
    numbers = range(1, len(sizes) + 1)
    target = data.draw(st.sampled_from(list(numbers)))

    def part(pages: list[int], left_out: int | None = None) -> Part:
        rows = [(n, f"{n}-{row}") for n in pages for row in range(sizes[n - 1]) if n != left_out]
        evidence = [Evidence("head", EvidenceState.FOUND, 1)]
        evidence += [
            Evidence(f"items.{at}.name", EvidenceState.FOUND, n, None, name) for at, (n, name) in enumerate(rows)
        ]
        return Part(tuple(pages), {"head": "x", "items": [{"name": name} for _, name in rows]}, tuple(evidence))

    mended = with_rows_of(part(list(numbers), left_out=target), target, part([target]), FIELDS)
    whole = part(list(numbers))
    assert mended.value == whole.value
    assert sorted(mended.evidence, key=lambda item: item.path) == sorted(whole.evidence, key=lambda item: item.path)


def deliveries(pages: tuple[int, ...], *records: tuple[str | None, dict[int, list[str]]]) -> Part:
    """Many records: a number, and the names of the items on each page."""
    values: list[dict[str, Any]] = []
    evidence = []
    for at, (number, by_page) in enumerate(records):
        names = [(page, name) for page, items in by_page.items() for name in items]
        values.append({"number": number, "items": [{"name": name} for _, name in names]})
        evidence += [
            Evidence(f"records.{at}.items.{row}.name", EvidenceState.FOUND, page, None, name)
            for row, (page, name) in enumerate(names)
        ]
    return Part(pages, {"records": values}, tuple(evidence))


def again(part: Part, page: int, alone: Part) -> dict[str, list[str]]:
    """Number -> items of each record, after a second look."""
    mended = with_page_again(part, page, alone, ("records.items",), SCHEMA)
    for item in mended.evidence:
        _, record, _, row, _ = item.path.split(".")
        assert mended.value["records"][int(record)]["items"][int(row)]["name"] == item.text
    return {record["number"]: [item["name"] for item in record["items"]] for record in mended.value["records"]}


def test_each_record_of_the_page_gets_its_own_rows() -> None:
    """In their order; a record that begins on the page before keeps its rows there."""
    part = deliveries((1, 2, 3), ("A", {1: ["a1"], 2: ["a2"]}), ("B", {2: ["b1"], 3: ["b9"]}), ("C", {3: ["c"]}))
    alone = deliveries((2,), (None, {2: ["a2", "a3"]}), ("B", {2: ["b1", "b2"]}))
    assert again(part, 2, alone) == {"A": ["a1", "a2", "a3"], "B": ["b1", "b2", "b9"], "C": ["c"]}


def test_another_number_of_records_than_before_changes_nothing() -> None:
    """Whose rows they are cannot be told."""
    part = deliveries((1,), ("A", {1: ["a1"]}))
    assert again(part, 1, deliveries((1,), ("A", {1: ["a1"]}), ("B", {1: ["b1"]}))) == {"A": ["a1"]}


def test_a_page_that_no_record_stands_on_goes_on_with_the_one_before() -> None:
    """Where its head says nothing else."""
    part = deliveries((1, 2, 3), ("A", {1: ["a1"]}), ("B", {3: ["b1"]}))
    assert again(part, 2, deliveries((2,), (None, {2: ["a2"]}))) == {"A": ["a1", "a2"], "B": ["b1"]}


def test_a_record_that_was_skipped_comes_to_its_place() -> None:
    """It has a head of its own, and all that the schema demands."""
    part = deliveries((1, 2, 3), ("A", {1: ["a1"]}), ("C", {3: ["c1"]}))
    alone = deliveries((2,), ("B", {2: ["b1"]}))
    assert again(part, 2, alone) == {"A": ["a1"], "B": ["b1"], "C": ["c1"]}


def test_a_record_that_the_schema_refuses_is_not_added() -> None:
    """Two records on a page, one without its number: the window's answer stands."""
    part = deliveries((1, 2), ("A", {1: ["a1"]}))
    assert again(part, 2, deliveries((2,), ("B", {2: ["b1"]}), (None, {2: ["c1"]}))) == {"A": ["a1"]}


def test_records_that_are_rows_themselves_are_replaced_page_by_page() -> None:
    """A flat record is a row of its page."""

    def rows(*named: tuple[int, str]) -> Part:
        evidence = tuple(
            Evidence(f"records.{at}.name", EvidenceState.FOUND, page) for at, (page, _) in enumerate(named)
        )
        return Part((1, 2, 3), {"records": [{"name": name} for _, name in named]}, evidence)

    mended = with_page_again(rows((1, "a"), (2, "b"), (3, "d")), 2, rows((2, "b"), (2, "c")), ("records",), SCHEMA)
    assert mended == rows((1, "a"), (2, "b"), (2, "c"), (3, "d"))


def test_what_was_refused_is_still_told_after_a_page_was_read_again() -> None:
    """It moves with its row, a row that was refused as a whole keeps its place, and a row read anew has none."""
    told = [
        Refused("day", "soon", "no date"), Refused("items.0.name", "?", "no name"),
        Refused("items.1.name", "!", "no"), Refused("items.2.name", "x", "no"), Refused("items.2", "text", "none"),
    ]  # fmt: skip
    rows = [{"name": None}, {"name": None}, {"name": None}]
    evidence = [Evidence(f"items.{row}.place", EvidenceState.FOUND, row + 1) for row in range(3)]
    part = Part((1, 2, 3), {"day": None, "items": rows}, tuple(evidence), refused=tuple(told), labelled=False)
    alone = Part((2,), {"items": [{"name": "a"}, {"name": "b"}]})
    again = with_rows_of(part, 2, alone, FIELDS)
    assert [each.path for each in again.refused] == ["day", "items.2", "items.0.name", "items.3.name"]
    assert again.labelled is False


def test_the_same_inside_one_of_many_records() -> None:
    """And what was refused of no record in particular stays."""
    record = {"number": "1", "items": [{"name": None}]}
    refused = (Refused("records", "1 entries", "no object"), Refused("records.0.items.0.name", "?", "no name"))
    evidence = (
        Evidence("records.0.number", EvidenceState.FOUND, 1),
        Evidence("records.0.items.0.place", EvidenceState.FOUND, 1),
    )
    part = Part((1, 2), {"records": [record]}, evidence, refused=refused)
    alone = Part((2,), {"records": [{"number": "2", "items": [{"name": "a"}]}]})
    again = with_page_again(part, 2, alone, ("records.items",), SCHEMA)
    assert [record["number"] for record in again.value["records"]] == ["1", "2"]
    assert again.refused == refused
