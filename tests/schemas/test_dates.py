"""The one reader of printed dates: the languages of its table, and what it never guesses."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dates import order_shown, printed_dates, read_date
from schemas.habits import habits_of
from schemas.months import month_named
from schemas.partial_dates import days_without_year, joined_dates


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("2026-03-02", "2026-03-02"), ("2026-03-02T10:00:00Z", "2026-03-02"), ("2026年3月2日", "2026-03-02"),
        ("令和6年3月31日", "2024-03-31"), ("平成元年1月8日", "1989-01-08"), ("R6.3.31", "2024-03-31"),
        ("2026년 3월 2일", "2026-03-02"), ("2 czerwca 2026", "2026-06-02"), ("2 июня 2026 г.", "2026-06-02"),
        ("5. listopadu 2024", "2024-11-05"), ("3. maaliskuuta 2024", "2024-03-03"), ("5 Şubat 2024", "2024-02-05"),
        ("2 Οκτωβρίου 2025", "2025-10-02"), ("7 ianuarie 2025", "2025-01-07"),
        ("30th day of April, 2009", "2009-04-30"),
        ("the third day of June, 2021", "2021-06-03"), ("Twenty-first of March 2024", "2024-03-21"),
        ("twenty first day of March 2024", "2024-03-21"), ("March the 1st, 2024", "2024-03-01"),
        ("31. März 2024", "2024-03-31"), ("1er mars 2024", "2024-03-01"), ("3 de marzo de 2024", "2024-03-03"),
        ("March 3, 2024", "2024-03-03"), ("Mon, 3 Jan 2024", "2024-01-03"), ("31.12.2025", "2025-12-31"),
        ("03.04.2025", "2025-04-03"), ("31/12/2025", "2025-12-31"), ("12/31/2025", "2025-12-31"),
        ("2024/3/9", "2024-03-09"), ("20240305", "2024-03-05"),
        ("5 december 2024", "2024-12-05"), ("12 stycznia 2024 r.", "2024-01-12"), ("31stMarch2024", "2024-03-31"),
        ("٥ مارس ٢٠٢٤", "2024-03-05"), ("5 أبريل 2024", "2024-04-05"), ("2024년 3월 5일", "2024-03-05"),
        ("２０２４年１月２日", "2024-01-02"), ("٢٠٢٤-٠١-٠٢", "2024-01-02"), ("05/05/2025", "2025-05-05"),
        ("2024年03月31日(日)", "2024-03-31"), ("2024\u201103\u201131", "2024-03-31"),
        ("31\u201303\u20132024", "2024-03-31"),
        ("1 listopada 2024 r.", "2024-11-01"),
    ],
)  # fmt: skip
def test_a_printed_date_is_its_day(printed: str, meant: str) -> None:
    """Month names, 年月日, eras, scripts, and digits that mean one day only."""
    assert read_date(printed) == date.fromisoformat(meant)


@pytest.mark.parametrize(
    "printed",
    ["2025-W10", "2025-W10-1", "0", "20251301", "2025", "2024-13-01", "30.02.2025", "03/04/2024", "2568-03-31",
     "31 มีนาคม 2568", "31.12.25", "12/31/25", "", "tomorrow", "2024-01-02 or 2024-01-03", "1" * 500, "12 2024",
     "Q1 2024", "03/2024", "31.02.2024", "3-Mar-24"],
)  # fmt: skip
def test_what_is_no_date_or_could_be_two_is_refused(printed: str) -> None:
    """Week dates, bare digits, the other order, Buddhist and two-digit years."""
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        read_date(printed)


def test_the_page_settles_order_and_century() -> None:
    """Its other dates say which comes first; a full year on it says what 25 stands for."""
    american = habits_of(["12/31/2025", "03/04/2025"])
    assert american.order == "month"
    assert read_date("03/04/2025", order=american.order) == date(2025, 3, 4)
    assert read_date("12/31/25", order=american.order, years=american.years) == date(2025, 12, 31)
    assert habits_of(["12/31/2025", "31/12/2025"]).order is None
    assert order_shown("03/04/2025") is None


def test_dates_are_found_in_running_text() -> None:
    """With what they could mean; version numbers and amounts are none."""
    text = "Datum: 2 czerwca 2026, due 03/04/2025; v1.2.3, 1.234,50, 31.12.2025"
    found = [(text[one.start : one.end], len(one.values)) for one in printed_dates(text)]
    assert found == [("2 czerwca 2026", 1), ("03/04/2025", 2), ("31.12.2025", 1)]


def test_dates_beside_dashes_and_times_are_found() -> None:
    """Both ends of a range, and a date whose time is glued to it; no date of an identifier."""
    text = "01.03.2024-31.03.2024, 1.-5.4.2024, 15/01/201912:34, 12-31-12-2025-7"
    found = [text[one.start : one.end] for one in printed_dates(text)]
    assert found == ["01.03.2024", "31.03.2024", "5.4.2024", "15/01/2019"]


def test_what_the_pages_order_makes_no_date_is_the_other() -> None:
    """12/31/2025 means one day on any page."""
    assert read_date("12/31/2025", order="day") == date(2025, 12, 31)


def test_partial_dates_are_days_by_what_surrounds_them() -> None:
    """Eight digits of these centuries; day and month in a year that is given, in both orders where either could."""
    assert [one.values for one in joined_dates("20240331 31032024 99999999 12345678901")] == [
        (date(2024, 3, 31),)
    ] * 2
    text = "22/07 3 Jan 04.05. 06/05 2/3/2024 3.14159 29 Feb"
    found = [one.values for one in sorted(days_without_year(text, 2023), key=lambda one: one.start)]
    may, june = date(2023, 5, 6), date(2023, 6, 5)
    assert found == [(date(2023, 7, 22),), (date(2023, 1, 3),), (date(2023, 5, 4),), (may, june)]
    assert days_without_year("06/05", 2023, day_first=False)[0].values == (june,)


def test_no_name_stands_for_two_months() -> None:
    """A few names that languages share mean the same month, or are left out."""
    assert month_named("Mai") == month_named("maj") == month_named("мая") == 5
    assert month_named("EYLÜL") == month_named("wrzesień") == 9
    assert month_named("may be") == month_named("") == 0


_FORMS = [
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d %B %Y",
    "%B %d, %Y",
    "%Y年%m月%d日",
    "%d.%m.%y",
]


@given(st.dates(date(1900, 1, 1), date(2399, 12, 31)), st.sampled_from(_FORMS), st.booleans())
def test_a_date_comes_back_as_itself_or_is_refused(day: date, form: str, knows_page: bool) -> None:  # noqa: FBT001
    """With the page's order known or not, never another day."""
    order = ("month" if form.startswith("%m") else "day") if knows_page else None
    years = frozenset({day.year}) if knows_page else frozenset[int]()
    try:
        read = read_date(day.strftime(form), order=order, years=years)
    except ValueError:
        return
    assert read == day


@given(st.text(alphabet="0123456789./-, 年月日janofde", max_size=40) | st.text(max_size=90))
def test_hostile_text_is_a_date_or_a_value_error(text: str) -> None:
    """No text takes the reader down."""
    for one in printed_dates(text):
        assert 0 <= one.start < one.end <= len(text)
    try:
        read_date(text)
    except ValueError:
        return


@pytest.mark.parametrize("printed", ["1403/01/12", "1446-09-21", "0001-01-01", "1.1.0001"])
def test_a_year_before_the_gregorian_calendar_is_noticed(printed: str) -> None:
    """1403 is a Persian year and 1446 an Islamic one: neither is a day of ours."""
    with pytest.raises(ValueError, match="another calendar"):
        read_date(printed)


def test_a_month_that_two_languages_name_alike_is_refused() -> None:
    """A dot behind the day of a "listopada" is Croatian, for October; Polish, where it is November, has none."""
    with pytest.raises(ValueError, match="October"):
        read_date("1. listopada 2024")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("from 5 March to 4 April", [(3, 5), (4, 4)]),
        ("Balance 01 Mar Coffee 4.50", [(3, 1)]),
        ("05 Mar 12 Coffee", [(3, 5)]),
        ("31 Mar 05 Apr", [(3, 31), (4, 5)]),
        ("Paid Mar 05 Coffee", [(3, 5)]),
    ],
)
def test_a_word_before_a_day_without_year_does_not_take_it(text: str, days: list[tuple[int, int]]) -> None:
    """Any word may stand before "01 Mar": only a month's name makes a date of word and day."""
    found = sorted(days_without_year(text, 2024), key=lambda one: one.start)
    assert [(one.values[0].month, one.values[0].day) for one in found] == days
