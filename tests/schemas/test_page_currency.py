"""A sign that several countries use is settled by the page that names one of them, and else refused."""

import pytest

from schemas.fields import parse_currency
from schemas.habits import Evidence, habits_of, is_open


@pytest.mark.parametrize(
    ("words", "sign", "code"),
    [
        (["Total", "USD", "12.00"], "$", "USD"),
        (["Total", "CA$12.00"], "$", "CAD"),
        (["AUD12.00"], "$", "AUD"),
        (["Beløp", "NOK", "120,00"], "kr", "NOK"),
        (["Springfield,", "United", "States", "of", "America"], "$", "USD"),
        (["Toronto,", "Canada.", "Total", "$12.00"], "$", "CAD"),
        (["Canada", "Total", "USD", "12.00"], "$", "USD"),
        (["Oslo,", "Norge"], "kr", "NOK"),
    ],
)
def test_the_page_says_which(words: list[str], sign: str, code: str) -> None:
    """By a code or a sign of one country, alone or beside its amount."""
    assert is_open({"currency": sign})
    assert parse_currency(sign, Evidence(habits_of(words))) == code


@pytest.mark.parametrize(
    "words", [[], ["$12.00"], ["USD", "CAD"], ["EUR"], ["usd"], ["Canada", "Australia"], ["Canadair"]]
)
def test_else_it_is_refused(words: list[str]) -> None:
    """No hint, two hints, and a currency that the sign does not mean settle nothing."""
    with pytest.raises(ValueError, match="ISO 4217"):
        parse_currency("$", Evidence(habits_of(words)))
