"""Where the documents in a file begin and end, from what the model says of each page."""

import json
from itertools import pairwise
from random import Random

import pytest
import strict_servers
from hypothesis import given
from hypothesis import strategies as st

from extractors.answers import validation
from extractors.asking import splitting
from extractors.asking.splitting import NONE, PageKind, parts
from extractors.local_model.filling import fill
from extractors.pages.lines import ReadPage, Segment, grouped
from flows.schema_lookup import find_schema

SCHEMAS = [find_schema(name) for name in ("bank_statement", "invoice", "receipt")]
WIRE = splitting.wire_schema(SCHEMAS)


@st.composite
def kinds(draw: st.DrawFn) -> list[PageKind]:
    """What may be said of some pages of a file; blank ones and those without an answer are not among them."""
    numbers = sorted(draw(st.sets(st.integers(1, 40), max_size=25)))
    told = st.tuples(st.sampled_from(["invoice", "receipt", NONE]), st.booleans())
    return [PageKind(number, *draw(told)) for number in numbers]


@given(kinds())
def test_every_page_that_fits_is_in_exactly_one_part_in_order(told: list[PageKind]) -> None:
    """And under the schema that it fits; a page that fits none is in no part and has a state of its own."""
    found = parts(told)
    assert [page for part in found for page in part.pages] == [kind.page for kind in told if kind.schema != NONE]
    by_page = {kind.page: kind.schema for kind in told}
    assert all(by_page[page] == part.schema for part in found for page in part.pages)
    none = splitting.fitting_none(told, ["invoice", "receipt"])
    assert [state.page for state in none] == [kind.page for kind in told if kind.schema == NONE]
    assert {state.status for state in none} <= {"failed"}


@given(kinds())
def test_a_part_begins_where_the_model_says_so_and_nowhere_else(told: list[PageKind]) -> None:
    """At the first page that fits, where a document begins, and where the schema changes."""
    fitting = [kind for kind in told if kind.schema != NONE]
    begun = fitting[:1] + [new for old, new in pairwise(fitting) if new.begins or new.schema != old.schema]
    assert [part.pages[0] for part in parts(told)] == [kind.page for kind in begun]


@given(kinds(), st.integers(0, 1000))
def test_the_order_of_the_replies_does_not_matter(told: list[PageKind], seed: int) -> None:
    """Requests end in any order: the parts are the same."""
    mixed = list(told)
    Random(seed).shuffle(mixed)
    assert parts(mixed) == parts(told)


def test_what_is_between_the_pages_of_a_document_does_not_end_it() -> None:
    """A flyer, a blank page or a page without an answer between two pages of an invoice."""
    told = [PageKind(1, "invoice", begins=True), PageKind(2, NONE, begins=True), PageKind(5, "invoice", begins=False)]
    assert [(part.schema, part.pages) for part in parts(told)] == [("invoice", (1, 5))]


def answer(*entries: tuple[int, str, object]) -> str:
    """An answer's text."""
    return json.dumps({"pages": [{"page": page, "kind": kind, "begins": begins} for page, kind, begins in entries]})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (answer((3, "invoice", True)), "page 4 has 0 entries"),
        (answer((3, "invoice", True), (4, "none", False), (4, "invoice", True)), "page 4 has 2 entries"),
        (answer((3, "invoice", True), (4, "none", False), (5, "invoice", True)), "no page 5"),
        (answer((3, "invoice", True), (4, "letter", True)), "'letter' is no kind"),
        (answer((3, "invoice", True), (4, "none", "no")), "valid boolean"),
        ('{"pages": null}', "nothing was read"),
    ],
)
def test_an_answer_that_does_not_tell_each_page_once_is_refused(text: str, fault: str) -> None:
    """With what is wrong, for the repair round."""
    judged = validation.judge(text, splitting.answer_schema(WIRE, (3, 4)))
    assert judged.value is None
    assert any(fault in each.message for each in judged.faults), judged.faults


def test_strict_endpoints_take_the_question() -> None:
    """Every object closed, every property required, no keyword that a strict server refuses."""
    strict_servers._strict(WIRE, strict_servers.Refused)


def test_a_good_answer_is_what_it_says() -> None:
    """Pages, kinds and beginnings, as given."""
    judged = validation.judge(answer((3, "invoice", True), (4, "none", False)), splitting.answer_schema(WIRE, (3, 4)))
    assert judged.value is not None
    told = splitting.page_kinds(judged.value)
    assert told == [PageKind(3, "invoice", begins=True), PageKind(4, NONE, begins=False)]


def printed(*lines: str) -> ReadPage:
    """A page with these lines, as the built-in model reads it."""
    segments = [Segment(text, 40, 30 + 20 * n, 400, 42 + 20 * n) for n, text in enumerate(lines)]
    return ReadPage(500, 700, grouped(segments))


_INVOICE = (
    "Invoice No. 7",
    "Invoice date 14 March 2025",
    "Due date 1 May 2025",
    "Description Qty Unit price",
    "Total 4",
)
INVOICE = printed(*_INVOICE)
MORE = printed("Invoice No. 7", "Description Qty Unit price", "Shelf 2 9.00")
RECEIPT = printed("Corner Shop", "Receipt No. 9", "Paid by Visa", "Total 3")
LETTER = printed("Dear Sir,", "please find enclosed what we promised.")


def test_the_built_in_model_tells_pages_by_what_the_question_says_of_each_kind() -> None:
    """Kinds, beginnings, and pages of no kind, under the numbers of their labels."""
    told = fill(WIRE, [INVOICE, MORE, INVOICE, RECEIPT, LETTER], [2, 3, 4, 6, 7])
    assert [tuple(entry.values()) for entry in told["pages"]] == [
        (2, "invoice", True), (3, "invoice", False), (4, "invoice", True), (6, "receipt", True), (7, NONE, True),
    ]  # fmt: skip


def test_the_built_in_model_knows_no_kind_by_name() -> None:
    """The same with a kind that nobody has heard of: only its description counts."""
    renamed = json.loads(json.dumps(WIRE).replace("- invoice:", "- zork:").replace('"invoice"', '"zork"'))
    told = fill(renamed, [INVOICE, LETTER])
    assert [entry["kind"] for entry in told["pages"]] == ["zork", NONE]


def test_a_printed_page_number_tells_what_begins() -> None:
    """`Page 2 of 2` goes on, though it names as much as a first page does."""
    first, second = (printed(*_INVOICE, f"Page {number} of 2") for number in (1, 2))
    told = fill(WIRE, [first, second, first])
    assert [entry["begins"] for entry in told["pages"]] == [True, False, True]
