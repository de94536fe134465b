"""Field types: what documents print is read, and what reads two ways is refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.fields import STORED, Currency, Date, Money, Quantity, Rate, money, parse_amount, with_evidence
from schemas.habits import Evidence, habits_of
from schemas.record import InvalidRecord, schema_of


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("1.234,56 €", "1234.56"),
        ("1,234.56", "1234.56"),
        ("(12.00)", "-12.00"),
        ("12.00-", "-12.00"),
        ("-5", "-5"),
        ("\u22125,00", "-5.00"),
        ("RM 15.40", "15.40"),
        ("US$ 4.11", "4.11"),
        ("1 234,50 EUR", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("0.125", "0.125"),
        ("12,5", "12.5"),
    ],
)
def test_amounts_are_read_as_printed(printed: str, meant: str) -> None:
    """Grouping, decimal marks, signs, brackets and currencies of several countries."""
    assert parse_amount(printed) == Decimal(meant)


@pytest.mark.parametrize("printed", ["1.234", "1,234", "abc", "", "1e5", "12.34.5", "1,2,3", "--"])
def test_amounts_that_read_two_ways_or_not_at_all_are_refused(printed: str) -> None:
    """A thousand or one point two: nobody knows, so the model is asked again."""
    with pytest.raises(ValueError, match=r"write it like"):
        parse_amount(printed)


def test_a_declared_decimal_mark_settles_it() -> None:
    """A schema that knows its documents' locale reads "1.234" as they mean it."""
    german = TypeAdapter(money(","))
    assert german.validate_python("1.234") == Decimal(1234)
    assert german.validate_python("1.234,5") == Decimal("1234.5")


def test_quantities_are_read_by_the_page_and_rates_have_no_thousands() -> None:
    """0.250 kg is written as asked; 1.000 is what the page shows, a thousand or one; 7.125 % is a rate."""
    quantity, rate = TypeAdapter(Quantity), TypeAdapter(Rate)
    assert quantity.validate_python("0.250") == Decimal("0.250")
    with pytest.raises(ValidationError, match="reads two ways"):
        quantity.validate_python("1.000")
    german = with_evidence(Evidence(habits_of(["1.000", "Stück", "2.500,00"])))
    assert quantity.validate_python("1.000", context=german) == Decimal(1000)
    assert quantity.validate_python("3 Stück") == Decimal(3)
    assert rate.validate_python("7.125") == rate.validate_python("7,125 %", context=german) == Decimal("7.125")
    assert rate.validate_python("19 %") == Decimal(19)
    with pytest.raises(ValidationError, match="percentage"):
        TypeAdapter(Money).validate_python("19 %")


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False))
def test_any_amount_with_cents_survives_every_way_of_printing(amount: Decimal) -> None:
    """English, German and French print the same amount; all three are read back."""
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    french = english.replace(",", "\u202f").replace(".", ",")
    for printed in (english, german, french, str(amount)):
        assert parse_amount(printed) == amount


@given(st.text(max_size=30))
def test_hostile_text_is_an_amount_or_a_value_error(text: str) -> None:
    """No text takes the parser down or comes out as something that is no number."""
    try:
        parsed = parse_amount(text)
    except ValueError:
        return
    assert isinstance(parsed, Decimal)
    assert parsed.is_finite()


def test_dates_are_iso_and_never_guessed() -> None:
    """03/04/2024 is a fault; a date-time is its day."""
    adapter = TypeAdapter(Date)
    assert adapter.validate_python("2024-03-31") == date(2024, 3, 31)
    assert adapter.validate_python("2024-03-31T10:00:00") == date(2024, 3, 31)
    with pytest.raises(ValidationError, match="YYYY-MM-DD"):
        adapter.validate_python("03/04/2024")


def test_currencies_are_codes_or_signs_of_one_country() -> None:
    """€ is EUR; $ is the sign of twenty countries."""
    adapter = TypeAdapter(Currency)
    assert adapter.validate_python("€") == "EUR"
    assert adapter.validate_python("eur") == "EUR"
    for printed in ("$", "XYZ", "kr"):
        with pytest.raises(ValidationError, match="ISO 4217"):
            adapter.validate_python(printed)


class Priced(BaseModel):
    """A schema with a German amount and a plain one."""

    net: money(",") | None = None  # type: ignore[valid-type]
    gross: Money | None = None


@given(st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False, allow_infinity=False))
def test_a_stored_record_means_the_same_when_it_is_read_again(amount: Decimal) -> None:
    """1234.567 from a JSON number is stored as text; checks read it back without the locale's rules."""
    stored = Priced.model_validate({"net": amount, "gross": amount}).model_dump(mode="json")
    again = Priced.model_validate(stored, context=STORED)
    assert again.net == again.gross == amount
    assert schema_of(Priced).check(stored) == []


def test_every_fault_is_told_with_its_place() -> None:
    """The model hears all that is wrong at once, not the first thing only."""
    with pytest.raises(InvalidRecord) as refused:
        schema_of(Priced).parse({"net": "x", "gross": "1.234", "other": 1})
    assert [fault.path for fault in refused.value.faults] == ["net", "gross"]
