"""Grounding of texts and days: all of an identifier, from one cell, and no amount for a day."""

import pytest
from celled import Line, page

from extractors.answers.grounding import ground
from schemas.leaves import leaves_of
from schemas.months import month_named


def state(name: str, value: str, *lines: Line, format: str | None = None) -> str:  # noqa: A002
    """Whether one value of a field was found."""
    field = {"type": "string"} | ({"format": format} if format else {})
    (evidence,) = ground({name: value}, {1: page(*lines)}, leaves_of({"type": "object", "properties": {name: field}}))
    return str(evidence.state)


def day(value: str, *lines: Line) -> str:
    """Whether a day was found."""
    return state("day", value, *lines, format="date")


SIDE_BY_SIDE: list[Line] = [
    [(0.05, "Hauptstr. 1"), (0.6, "Seestr. 7")],
    [(0.05, "10115 Berlin"), (0.6, "80331 Munich")],
]
ITEMS: list[Line] = [
    [(0.05, "Widget red"), (0.5, "1"), (0.8, "5.00")],
    [(0.05, "Lamp blue"), (0.5, "1"), (0.8, "5.00")],
]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Widget blue", ITEMS),
        ("Widget Lamp", ITEMS),
        ("Hauptstr. 2, 10115 Berlin", ["Hauptstr. 1", "2. OG links", "10115 Berlin"]),
        ("Main Street 5", ["Main Street 1", "5 Apples"]),
        ("Anna Berg", [[(0.05, "Anna Rose"), (0.4, "12")], [(0.05, "Berg Otto"), (0.4, "13")]]),
    ],
)
def test_a_text_goes_down_only_from_the_end_of_its_cells_line(value: str, lines: list[Line]) -> None:
    """No word is left out before the next line, and none at its start."""
    assert state("name", value, *lines) == "not_found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Widget red Lamp blue", ITEMS),
        ("red Lamp", ITEMS),
        (
            "Chair of black leather",
            [[(0.05, "1 Chair of"), (0.5, "2"), (0.8, "5.00")], [(0.05, "black leather"), (0.5, "net")]],
        ),
    ],
)
def test_a_text_goes_on_in_the_next_line_of_its_cell(value: str, lines: list[Line]) -> None:
    """With other columns between its lines."""
    assert state("name", value, *lines) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("1001", "Invoice RE-1001"),
        ("1001", "Invoice INV-1001 Berlin"),
        ("DE89 3704 0044 0532 0130", "IBAN DE89 3704 0044 0532 0130 00"),
        ("DE893704004405320130", "IBAN DE89 3704 0044 0532 0130 00"),
        ("3704 0044 0532 0130 00", "IBAN DE89 3704 0044 0532 0130 00"),
        ("370400440532013000", "IBAN DE89 3704 0044 0532 0130 00"),
        ("123 456", "VAT 123 456 789"),
        ("123456", "VAT 123 456 789"),
        ("456 789", "VAT 123 456 789"),
        ("+49 30 123 45", "Tel +49 30 123 45 67"),
        ("info@acme.com", "info@acme.com.au"),
        ("doe@acme.com", "john.doe@acme.com"),
    ],
)
def test_a_cut_identifier_is_not_found(value: str, line: str) -> None:
    """A number in groups has all of them, a mailbox all of its address."""
    assert state("name", value, line) == "not_found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("10115", "D-10115 Berlin"),
        ("1010", "A-1010 Vienna"),
        ("123 456 789", "VAT 123 456 789 valid"),
        ("123456789", "VAT 123 456 789"),
        ("+49 30 123 45 67", "Tel +49 30 123 45 67, Fax"),
        ("info@acme.com", "Mail:info@acme.com, www.acme.com"),
        ("info@acme.com", "(info@acme.com)"),
        ("Diyarbakır", "21000 DİYARBAKIR"),
        ("Diyarbakır", "21000 Diyarbakir"),
        ("Łódź", "90-001 LODZ"),
    ],
)
def test_a_whole_identifier_or_name_is_found(value: str, line: str) -> None:
    """Behind its land's letters, before other words, in the letters of those who have no others."""
    assert state("name", value, line) == "found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("GB29NWBK60161331926819", ["GB29 NWBK 6016", "1331 9268 19"]),
        ("4111111111111111", ["4111 1111", "1111 1111"]),
        (
            "DE89370400440532013000",
            [[(0.05, "IBAN: DE89 3704 0044"), (0.6, "Bank: X")], [(0.05, "0532 0130 00"), (0.6, "BIC: Y")]],
        ),
    ],
)
def test_a_number_in_groups_may_be_broken(value: str, lines: list[Line]) -> None:
    """An IBAN or a card's number over two lines, with a column beside it too."""
    assert state("name", value, *lines) == "found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Seestr. 7, 10115 Berlin", SIDE_BY_SIDE),
        ("Hauptstr. 1, 80331 Munich", SIDE_BY_SIDE),
        ("Hauptstr. 1, 10115 Berlin", ["Hauptstr. 1", *["one two"] * 20, "10115 Berlin"]),
    ],
)
def test_an_address_of_two_parties_is_not_found(value: str, lines: list[Line]) -> None:
    """Its parts stand within a few lines, in a column or on a line."""
    assert state("address", value, *lines) == "not_found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Hauptstr. 1, 10115 Berlin", SIDE_BY_SIDE),
        ("Seestr. 7, 80331 Munich", SIDE_BY_SIDE),
        ("10115 Berlin, Hauptstr. 1", ["Hauptstr. 1", "2. OG", "10115 Berlin"]),
        ("10115 Berlin, Hauptstr. 1", [[(0.05, "Hauptstr. 1"), (0.6, "10115 Berlin")]]),
    ],
)
def test_an_address_of_one_party_is_found(value: str, lines: list[Line]) -> None:
    """Beside another's, in another order, with a line between, on one line."""
    assert state("address", value, *lines) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2024-12-05", "Price $5.12"),
        ("2024-12-10", "Price $10.12"),
        ("2024-12-10", "Price 10.12 EUR"),
        ("2024-12-10", "CHF 10.12"),
        ("2024-12-10", "10.12%"),
        ("2024-12-10", "v10.12"),
        ("2024-12-05", "Clause 5.12 of"),
        ("2024-09-01", "1 Set of screws"),
        ("2024-10-02", "2 out of 5"),
        ("2024-05-12", "You may 12 times"),
        ("2024-05-03", "3 may apply"),
        ("2024-03-02", "2 Mar-quee"),
        ("2024-10-05", "5 X 2024"),
    ],
)
def test_an_amount_or_a_word_is_no_day(value: str, line: str) -> None:
    """Digits with a dot are an amount, a name of a month another word, where nothing tells a day."""
    assert day(value, line, "2024") == "not_found"


@pytest.mark.parametrize(
    "line",
    [
        "05.12 Coffee 4.50",
        "05.12. Coffee 4.50",
        "5.12. Coffee 4.50",
        "12/05 Coffee 4.50",
        "5 Dec Coffee 4.50",
        "Dec 5 Coffee 4.50",
        "Tea 4.50 EUR 05.12 Coffee 3.00 EUR",
        "05.12 EUR 4.50",
    ],
)
def test_a_day_without_year_is_found_as_statements_print_it(line: str) -> None:
    """In a column, beside amounts."""
    assert day("2024-12-05", line) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2024-09-05", "05 SET Compra"),
        ("2024-10-12", "12 Out Compra"),
        ("2024-05-05", "5 May Coffee"),
        ("2024-05-12", "May 12 Coffee"),
        ("2024-08-05", "05/AGO Cafe"),
        ("2024-05-05", "05 may Cafe"),
    ],
)
def test_a_month_that_is_another_word_too_is_found(value: str, line: str) -> None:
    """Where it is written as a month is."""
    assert day(value, line) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2024-03-01", "vom 1. bis 31. März 2024"),
        ("2024-03-31", "vom 1. bis 31. März 2024"),
        ("2024-03-01", "01/03-31/03/2024"),
        ("2024-03-31", "01/03-31/03/2024"),
        ("2024-03-31", "2024年3月1日～3月31日"),
        ("2024-03-31", "2024年3月1日~31日"),
        ("2024-03-01", "1.III.2024"),
        ("2024-03-21", "21. III. 2024"),
        ("2024-03-01", "1 III 2024"),
        ("2024-03-01", "2024. március 1."),
        ("2024-12-05", "5. desember 2024"),
        ("2024-08-17", "17 Agustus 2024"),
        ("2024-05-05", "5 травня 2024"),
        ("2023-06-13", "Berlin,13.06.2023"),
        ("2023-06-13", "Berlin,13 June 2023"),
        ("2023-06-13", "13.06.2023T14:30"),
        ("2024-03-21", "Mar. 21st '24"),
    ],
)
def test_days_are_found_in_more_forms(value: str, line: str) -> None:
    """Spans that say month or year once, Roman months, more languages, no blank behind a town."""
    assert day(value, line) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2024-01-03", "01/03-31/03/2024"),
        ("2024-03-01", "from 2 to 31 March 2024"),
        ("2024-03-20", "2024年3月1日～3月31日"),
        ("2025-03-05", "Copyright 2024 March 5, 2026"),
        ("2024-03-05", "Copyright 2024 March 5, 2026"),
    ],
)
def test_no_other_day_is_found_in_them(value: str, line: str) -> None:
    """The order of the last day is the first's, and a year before a date is not its own."""
    assert day(value, line) == "not_found"


def test_months_of_more_languages_are_one_month_each() -> None:
    """Hungarian, Ukrainian, Bulgarian, Malay."""
    assert [month_named(name) for name in ("január", "лютого", "maret", "квітень")] == [1, 2, 3, 4]
    assert [month_named(name) for name in ("május", "червня", "julai", "серпень")] == [5, 6, 7, 8]
    assert [month_named(name) for name in ("szeptember", "октомври", "листопада", "Disember")] == [9, 10, 11, 12]
