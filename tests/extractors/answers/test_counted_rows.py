"""Which lines of a page count as rows that were left out, and which only look like them."""

import random
from typing import Any

import pytest
from lost_rows import KINDS, LOSSES, lose
from lost_rows import table as drawn_table

from extractors.answers.completeness import unread_rows
from extractors.answers.grounding import ground
from extractors.answers.table_rows import adds_under_total
from extractors.documents import PageWords, Word
from schemas.leaves import leaves_of

FIELDS = ("items",)
LETTER = 0.008


class Paper:
    """Lines of cells: `(0.1, "Desk")` begins there, `(-0.9, "12.50")` ends there."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.top = 0.05

    def line(self, *cells: tuple[float, str], step: float = 0.018) -> None:
        """Puts one line under the others."""
        for where, text in cells:
            x = where if where > 0 else -where - len(text) * LETTER
            for word in text.split(" "):
                self.words.append(Word(word, (x, self.top, x + len(word) * LETTER, self.top + 0.011)))
                x += (len(word) + 1) * LETTER
        self.top += step

    def missing(self, items: list[dict[str, Any]], **single: Any) -> int:
        """How many rows an answer is told to lack."""
        value = {**single, "items": items}
        evidence = ground(value, {1: PageWords(self.words)})
        return sum(each.missing for each in unread_rows(value, evidence, {1: self.words}, FIELDS).values())


def goods(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of a bill."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        quantity, price = dice.choice((1, 2, 3)), dice.randint(300, 90000) / 100
        amount = round(quantity * price, 2)
        made.append({"name": f"Thing {number + 11}", "quantity": quantity, "price": price, "amount": amount})
    return made


def wide(paper: Paper, item: dict[str, Any], behind: str = "") -> None:
    """A row of four cells."""
    cells = (0.1, item["name"]), (-0.5, str(item["quantity"]))
    paper.line(*cells, (-0.7, f"{item['price']:.2f}{behind}"), (-0.9, f"{item['amount']:.2f}{behind}"))


def narrow(paper: Paper, item: dict[str, Any]) -> None:
    """A row of a name and an amount."""
    paper.line((0.1, item["name"]), (-0.9, f"{item['amount']:.2f}"))


def named(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a narrow table shows of some rows."""
    return [{"name": item["name"], "amount": item["amount"]} for item in items]


BELOW = {
    "till": (("Till", "12"), ("Date", "14.03.2025"), ("Time", "12:55"), ("Terminal ID", "60012345")),
    "change": (("Cash", "900.00"), ("Change", "12.40")),
    "terms": (("Payable until", "14.04.2025"), ("Customer", "10234"), ("Cash discount", "12.20")),
    "to be paid": (("Discount 3 %", "-12.40"), ("Shipping", "4.90"), ("Deposit", "-50.00"), ("To be paid", "77.10")),
}


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW)
def test_what_stands_under_the_total_of_a_narrow_table_is_no_row(below: tuple[tuple[str, str], ...]) -> None:
    """It shares the rows' edges; a tail that was lost above the total is told all the same."""
    paper, items = Paper(), goods(8)
    for item in items:
        narrow(paper, item)
    for name, text in (("Total", "4811.20"), *below):
        paper.line((0.1, name), (-0.9, text))
    assert paper.missing(named(items), total="4811.20") == 0
    assert paper.missing(named(items), total=below[-1][1]) == 0
    assert paper.missing(named(items[:5]), total="4811.20") == 3


def test_without_a_total_dates_and_numbers_of_customers_are_no_amounts() -> None:
    """A wide gap ends a narrow table, too."""
    paper, items = Paper(), goods(8)
    for item in items:
        narrow(paper, item)
    for name, text in (("Date", "14.03.2025"), ("Customer", "60012345"), ("Till", "12")):
        paper.line((0.1, name), (-0.9, text))
    paper.top += 0.06
    for name in ("Points so far", "Points today", "Points in all"):
        paper.line((0.1, name), (-0.9, "12.50"))
    assert paper.missing(named(items)) == 0
    assert paper.missing(named(items[:5])) == 3


@pytest.mark.parametrize("shown", ["4811.20", "1.00"])
def test_a_table_under_the_total_that_fills_all_columns_is_another(shown: str) -> None:
    """Rates of tax, or what is not billed yet; the total is the record's or only named so."""
    paper, items = Paper(), goods(8)
    for item in items:
        wide(paper, item)
    paper.line((0.6, "Total"), (-0.9, "4811.20"))
    for name, rate in (("Reduced", "7"), ("Standard", "19"), ("Exempt", "0")):
        paper.line((0.1, name), (-0.5, rate), (-0.7, "100.00"), (-0.9, "19.00"))
    assert paper.missing(items, total=shown) == 0
    assert paper.missing(items[:5], total=shown) == 3


def test_rows_between_sums_of_groups_are_rows() -> None:
    """The table goes on under a subtotal when another sum follows."""
    paper, items = Paper(), goods(9)
    for number, item in enumerate(items):
        wide(paper, item)
        if number % 3 == 2:
            paper.line((0.1, f"Subtotal group {number // 3 + 1}"), (-0.9, "977.10"))
    paper.line((0.1, "Total"), (-0.9, "4811.20"))
    assert paper.missing(items, total="4811.20") == 0
    assert paper.missing(items[:3], total="4811.20") == 6


@pytest.mark.parametrize("behind", [" EUR", " A", ""])
def test_a_word_close_behind_the_amounts_does_not_hide_rows(behind: str) -> None:
    """Its cells go on in the rows of the answer, so they may in the others."""
    paper, items = Paper(), goods(9)
    for item in items:
        wide(paper, item, behind)
    assert paper.missing(items) == 0
    assert paper.missing([*items[:2], *items[6:]]) == 4


def test_goods_named_like_sums_are_rows_where_they_fill_the_columns() -> None:
    """A sum has neither quantity nor price, or is named by nothing else."""
    paper, items = Paper(), goods(9)
    names = ("Transport York", "Annual report", "Net curtain", "Tax consulting", "Balance bike")
    for item, name in zip(items[2:], names, strict=False):
        item["name"] = name
    for item in items:
        wide(paper, item)
    for name in ("Net amount", "VAT 19 %", "Balance due"):
        paper.line((0.1, name), (-0.5, "9"), (-0.7, "10.00"), (-0.9, "90.00"))
    assert paper.missing(items) == 0
    assert paper.missing([*items[:2], *items[7:]]) == 5


def test_rows_of_three_lines_with_the_amounts_in_the_middle() -> None:
    """What makes a row is the line that shows most of it."""
    paper, items = Paper(), goods(8)
    for item in items:
        paper.line((0.1, item["name"]))
        wide(paper, {**item, "name": "second part"})
        paper.line((0.1, "third part"))
    assert paper.missing(items) == 0
    assert paper.missing([*items[:2], *items[6:]]) == 4


def test_a_receipt_with_the_quantity_under_some_rows() -> None:
    """A row's other lines are filled as they come."""
    paper, items = Paper(), goods(9)
    for item in items:
        paper.line((0.1, item["name"]), (-0.6, f"{item['amount']:.2f} A"))
        if item["quantity"] > 1:
            paper.line((0.13, f"{item['quantity']} x {item['price']:.2f}"))
    assert paper.missing(items) == 0
    assert paper.missing([*items[:2], *items[6:]]) == 4


def test_a_date_that_is_printed_once_a_day_is_no_main_column() -> None:
    """Nor do the other rows of the day take the line of the first, which shows it."""
    paper, items = Paper(), named(goods(12))
    for number, item in enumerate(items):
        item["date"] = f"{number // 3 + 11}.01.2025"
        first = ((0.05, item["date"]),) if number % 3 == 0 else ()
        paper.line(*first, (0.25, item["name"]), (-0.9, f"{item['amount']:.2f}"))
    assert paper.missing(items) == 0
    assert paper.missing([*items[:3], *items[4:]]) == 1
    assert paper.missing(items[::2]) == 6


def test_two_tables_side_by_side() -> None:
    """A line of one is no row of the other."""
    paper, items = Paper(), named(goods(12))
    for left, right in zip(items[:6], items[6:], strict=True):
        cells = (0.05, left["name"]), (-0.45, f"{left['amount']:.2f}")
        paper.line(*cells, (0.55, right["name"]), (-0.95, f"{right['amount']:.2f}"))
    assert paper.missing(items) == 0
    assert paper.missing([*items[:2], *items[5:]]) == 3
    assert paper.missing(items[:9]) == 3


def test_equal_widths_leave_open_which_edge_a_column_has() -> None:
    """The amounts of the answer's rows are of four digits; one that was lost has three more."""
    paper = Paper()
    items = [{"name": f"Thing {n}", "amount": amount} for n, amount in enumerate((12.5, 13.5, 1400.5, 15.5, 16.5))]
    for item in items:
        narrow(paper, item)
    assert paper.missing([item for item in items if item["amount"] != 1400.5]) == 1


def test_a_second_answer_with_rows_under_the_total_invents_them() -> None:
    """Those above it that were lost are welcome."""
    paper, items = Paper(), named(goods(8))
    for item in items:
        narrow(paper, item)
    for name, text in (("Total", "4811.20"), ("Terminal", "1234.00")):
        paper.line((0.1, name), (-0.9, text))
    made_up = [*items, {"name": "Terminal", "amount": 1234.0}]
    first, whole, more = (
        ground({"items": rows, "total": "4811.20"}, {1: PageWords(paper.words)})
        for rows in (items[:5], items, made_up)
    )
    assert not adds_under_total(first, whole, {1: paper.words}, FIELDS)
    assert adds_under_total(first, more, {1: paper.words}, FIELDS)


@pytest.mark.parametrize("kind", KINDS)
def test_one_more_table_of_each_kind(kind: str) -> None:
    """As bench_rows has them by hundreds: the right answer passes, one that lost rows does not."""
    made = drawn_table(KINDS.index(kind) + 2 * len(KINDS))
    words = {number: seen.words for number, seen in made.pages.items()}

    def told(value: dict[str, Any]) -> bool:
        return bool(unread_rows(value, ground(value, made.pages, leaves_of(made.schema)), words, FIELDS))

    assert not told(made.record)
    for how in LOSSES:
        assert told(lose(made.record, how, 3, random.Random(kind))), how
