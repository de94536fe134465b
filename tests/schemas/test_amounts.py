"""The one reader of printed numbers: what each text means, and what it is refused for."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.amounts import read, settled
from schemas.fields import Currency, Money, Quantity, Rate, money, with_evidence
from schemas.habits import Evidence, PageHabits, evidence_of, habits_of, habits_of_pages, together
from schemas.json_file import schema_of_json
from schemas.partial_dates import days_without_year, joined_dates
from schemas.printed_numbers import numbers_within, printed_numbers
from schemas.record import InvalidRecord, schema_of


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("EUR -119,00", "-119.00"), ("$-12.00", "-12.00"), ("119,00- €", "-119.00"), ("(12.00) EUR", "-12.00"),
        ("USD -5", "-5"), ("\u22125", "-5"), ("5 -", "-5"), ("1 234,5-", "-1234.5"), ("EUR (12.00)", "-12.00"),
        ("250.–", "250"), ("50,-", "50"), ("CHF 300.--", "300"), ("1.234,–", "1234"), ("-50,-", "-50"),
        ("12.345.678,-", "12345678"),
        ("1,23,456", "123456"), ("12,34,567.89", "1234567.89"), ("1'234.50", "1234.50"), ("1\u202f234,50", "1234.50"),
        ("12,00 zł", "12.00"), ("₩1,000,000", "1000000"), ("Rs. 120.50", "120.50"), ("Fr. 12.50", "12.50"),
        ("12,00 kr", "12.00"), ("Rs 500/-", "500"), ("1.234.567", "1234567"), ("10.", "10"), (".50", "0.50"),
        ("١٢٣", "123"), ("١٬٢٣٤٫٥", "1234.5"), ("１，２３４．５", "1234.5"), ("1234.567", "1234.567"), ("+5", "5"),
        ("\u2011119,00", "-119.00"), ("￥1200", "1200"), ("－￥１２００", "-1200"), ("￡5", "5"),
        ("Rs.500", "500"), ("Rs.1,50,000", "150000"), ("-Rp.50.000.000", "-50000000"), ("Fr.12.50", "12.50"),
        ("$.50", "0.50"), ("Rs .50", "0.50"), ("1½", "1.5"), ("-2 ¼", "-2.25"), ("½", "0.5"), ("3⅛", "3.125"),
    ],
)  # fmt: skip
def test_a_printed_amount_is_read_whole_with_its_sign(printed: str, meant: str) -> None:
    """Signs before and behind currencies, round prices, groups in threes or Indian, every script's digits."""
    assert read(printed).values == (Decimal(meant),)


@pytest.mark.parametrize(
    "printed",
    [
        "12 50", "2 19.99", "12'50", "1,2,3.4", "--5", "+-5", "(5)-", "-(5)", "(5", "5)", "-.50", "1,5,–", "EUR", "",
        "-", "1e5", "1_000", "0x10", "⅓", "5-10", "5 kg", "TRM 5", "NaN", "Infinity", "1" * 60, "5 € $", "10²",
        "1.23.456", "1 23 456", "12.345,6.7", "-5 DR", "- 5 -",
    ],
)  # fmt: skip
def test_what_the_grammar_does_not_consume_is_refused(printed: str) -> None:
    """Nothing is deleted to make a number of it; the refusal says why."""
    reading = read(printed)
    assert reading.values == ()
    assert reading.why


@pytest.mark.parametrize(
    "printed", ["5 MIO", "12 TSD", "3 BN", "2 Cr", "500.00 DR", "12.00 OD", "500,00 S", "5 %", "7 H"]
)
def test_money_refuses_what_only_a_declaration_explains(printed: str) -> None:
    """A side or a word that multiplies is never silently a positive number."""
    with pytest.raises(ValidationError, match="is not an amount"):
        TypeAdapter(Money).validate_python(printed)


@pytest.mark.parametrize(
    ("printed", "negative", "positive"),
    [("500.00 DR", -500, 500), ("12.00 OD", -12, 12), ("500,00 S", -500, 500), ("5 Cr", 5, -5), ("7 H", 7, -7)],
)
def test_a_side_has_the_sign_that_the_field_declares(printed: str, negative: int, positive: int) -> None:
    """Debit is negative for the account's owner, positive in some ledgers."""
    assert TypeAdapter(money(debit="negative")).validate_python(printed) == negative
    assert TypeAdapter(money(debit="positive")).validate_python(printed) == positive


def test_a_schema_may_say_that_words_multiply() -> None:
    """5 MIO and 12 TSD in an annual report."""
    scaled = TypeAdapter(money(scaled=True))
    assert [scaled.validate_python(text) for text in ("5 MIO", "12 TSD", "1,5 Mrd.")] == [5000000, 12000, 1500000000]


@pytest.mark.parametrize("mark", [",", "."])
def test_the_wire_form_is_literal_whatever_mark_a_field_declares(mark: str) -> None:
    """`money(",")` reads the obedient "1234.56" as what it is."""
    declared = TypeAdapter(money(mark))
    assert declared.validate_python("1234.56") == Decimal("1234.56")
    assert declared.validate_python("-0.5") == Decimal("-0.5")
    assert declared.validate_python("1234.567") == Decimal("1234.567")


def test_what_reads_two_ways_is_settled_in_a_fixed_order() -> None:
    """The page's own number, the page's mark, the currency, the row, the field's mark; each beats the later ones."""
    reading = read("1.234")
    small, large = Decimal("1.234"), Decimal(1234)
    assert reading.values == (small, large)
    against = {"mark": ".", "currency": "KWD", "row": small, "declared": "."}
    assert settled(reading, printed=frozenset({large}), **against) == large  # type: ignore[arg-type]
    assert settled(reading, mark=",", currency="KWD", row=small, declared=".") == large
    assert settled(reading, currency="JPY", row=small, declared=".") == large
    assert settled(reading, currency="EUR", row=large, declared=".") == large
    assert settled(reading, currency="EUR", declared=",") == large
    assert settled(reading, currency="EUR") is None
    assert settled(read("KWD 1.234")) == small
    # Both are printed: the page says nothing, its mark neither, for the model may have written either form.
    assert settled(reading, printed=frozenset({small, large}), mark=",") is None


class _Line(BaseModel):
    quantity: Quantity | None = None
    price: Money | None = None
    amount: Money | None = None
    currency: Currency | None = None


def test_the_row_settles_what_only_one_product_or_sum_explains() -> None:
    """40.12 litres at 1.459 make 58.54; 5 at 2.500 make 12.500 both ways, which only the currency settles."""
    schema = schema_of(_Line)
    fuel = {"quantity": "40.12", "price": "1.459", "amount": "58.54", "currency": "EUR"}
    assert schema.parse(fuel)["price"] == "1.459"
    open_row = {"quantity": "5", "price": "2.500", "amount": "12.500", "currency": "EUR"}
    with pytest.raises(InvalidRecord, match="two ways"):
        schema.parse(open_row)
    assert schema.parse({**open_row, "currency": "KWD"})["amount"] == "12.500"
    assert schema.parse(open_row, habits_of(["2.500", "12.500,00"]))["amount"] == "12500"


def test_a_page_shows_its_mark_only_where_it_is_clear() -> None:
    """Amounts with cents or groups speak; years, section numbers and two marks side by side do not."""
    assert habits_of(["1.234,50", "12,00", "2026"]).decimal == ","
    assert habits_of(["1,234.50"]).decimal == "."
    assert habits_of(["1.234", "2026"]).decimal is None
    assert habits_of(["12,00", "12.00"]).decimal is None
    assert habits_of(["1.234", "12,00"]).amounts == {Decimal(1234), Decimal(12)}
    assert together([PageHabits(","), PageHabits(), PageHabits(",")]).decimal == ","
    assert together([PageHabits(","), PageHabits(".")]).decimal is None


_LOCALES = {
    "english": ("{:,}", ",", "."), "german": ("{:,}", ".", ","), "french": ("{:,}", "\u202f", ","),
    "swiss": ("{:,}", "’", "."), "plain": ("{}", "", "."), "plain comma": ("{}", "", ","),
}  # fmt: skip
_AMOUNTS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False) | st.decimals(
    -(10**6), 10**6, places=3, allow_nan=False, allow_infinity=False
) | st.integers(-(10**9), 10**9).map(Decimal)  # fmt: skip


def _printed(amount: Decimal, locale: str) -> str:
    form, group, mark = _LOCALES[locale]
    return form.format(amount).translate(str.maketrans({",": group, ".": mark}))


@given(_AMOUNTS, st.sampled_from(sorted(_LOCALES)), st.booleans(), st.sampled_from([None, ".", ","]))
def test_a_number_comes_back_as_itself_or_is_refused(
    amount: Decimal,
    locale: str,
    knows_page: bool,  # noqa: FBT001 - drawn
    declared: str | None,
) -> None:
    """For every locale's habit, with the page known or not; a field's declared mark only where it is true."""
    mark = _LOCALES[locale][2]
    habits = PageHabits(mark) if knows_page else PageHabits()
    field = TypeAdapter(money(declared if declared == mark else None))
    try:
        value = field.validate_python(_printed(amount, locale), context=with_evidence(Evidence(habits)))
    except ValidationError:
        return
    assert value == amount


@given(_AMOUNTS, st.sampled_from(sorted(_LOCALES)))
def test_the_wire_form_of_what_a_page_prints_is_that_number(amount: Decimal, locale: str) -> None:
    """The model obeys and writes "1.234" for a printed "1,234": the page's own number says what is meant."""
    habits = habits_of([_printed(amount, locale), _printed(Decimal("98765.43"), locale)])
    try:
        value = TypeAdapter(Money).validate_python(str(amount), context=with_evidence(Evidence(habits)))
    except ValidationError:
        return
    assert value == amount


@given(st.text(alphabet="0123456789.,'’- −–()%/€$EURDRCs ", max_size=25) | st.text(max_size=90))
def test_hostile_text_is_finite_or_refused(text: str) -> None:
    """No text takes the reader down; in words and numbers, also among others."""
    for units in (False, True):
        assert all(value.is_finite() for value in read(text, units=units).values)
    assert all(0 <= one.start < one.end <= len(text) for one in printed_numbers(text))


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**60, True, 1e300])
def test_json_numbers_that_are_no_amounts_are_refused(value: object) -> None:
    """1e999 is infinite when read; nor is an integer of sixty digits one."""
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python(value)


def test_numbers_are_found_in_running_text_as_whole_tokens() -> None:
    """With sign, grouping and currency; not inside identifiers, dates, times and telephone numbers."""
    text = "Total EUR 1.234,56- of 2013-471102 at 12:30 on 31.12.2025, INGBNL2A, 02/07, +49 30 1234567, 12,34,567 pcs"
    found = [(text[one.start : one.end], one.reading.values) for one in printed_numbers(text)]
    assert found == [("EUR 1.234,56-", (Decimal("-1234.56"),)), ("12,34,567", (Decimal(1234567),))]


@pytest.mark.parametrize(
    ("printed", "value", "code"),
    [
        ("US$ 12.00", "12.00", "USD"), ("R$ 1.234,00", "1234.00", "BRL"), ("1 234 567,00 Ft", "1234567.00", "HUF"),
        ("kr. 1.250,00", "1250.00", "SEK"), ("1'234.50", "1234.50", None), ("1 234,50", "1234.50", None),
        ("1\u202f234,50", "1234.50", None), ("−12,50 €", "-12.50", "EUR"), ("EUR (12,50)", "-12.50", "EUR"),
        ("-EUR 12,50", "-12.50", "EUR"), ("12.00 EUR-", "-12.00", "EUR"), ("12,00- €", "-12.00", "EUR"),
        ("１２３．４５", "123.45", None),
    ],
)  # fmt: skip
def test_a_number_means_the_same_alone_and_in_a_text(printed: str, value: str, code: str | None) -> None:
    """Currencies before and behind, brackets, trailing signs, full-width digits: the token is the whole of it."""
    (one,) = printed_numbers(f"Sum {printed} due")
    for reading in (one.reading, read(printed)):
        assert reading.values == (Decimal(value),)
        assert reading.currencies[:1] == ((code,) if code else ())


def test_what_follows_a_number_is_its_own_only_where_it_belongs_to_it() -> None:
    """A percentage takes no currency, a sentence's dot ends a code, a word before brackets is no currency."""
    text = "1 Phone € 399,00 21% € 69,99; Entgelt von 15,00 EUR. SDN BHD (88842-H) Mo.-Fr. -0,00"
    found = [(one.reading.values, one.reading.currencies[:1]) for one in printed_numbers(text)]
    assert found == [
        ((Decimal(1),), ()),
        ((Decimal("399.00"),), ("EUR",)),
        ((Decimal(21),), ()),
        ((Decimal("69.99"),), ("EUR",)),
        ((Decimal("15.00"),), ("EUR",)),
        ((Decimal(0),), ()),
    ]
    assert f"{read('-0,00').values[0]:f}" == "0.00"


def test_numbers_within_words_are_found_when_asked_for() -> None:
    """What letters follow, and what a dash ties to others, by value and without a sign that is none."""
    found = [one.reading.values for one in numbers_within("20Stk 12.50SR 2013-471102 Nr.12 FR20 12/2024 01.03.2024")]
    assert found == [(Decimal(20),), (Decimal("12.50"),), (Decimal(2013),), (Decimal(471102),), (Decimal(12),)]


def test_reading_takes_linear_time() -> None:
    """A page of a megabyte of digits and marks, and an answer with as many rows."""
    begun = time.monotonic()
    for text in ("1 234 ", "(-", ".,", "1,11", "9", "+49 ", "EUR ", "12 jan "):
        printed_numbers(text * 20_000)
        numbers_within(text * 20_000)
        joined_dates(text * 20_000)
        days_without_year(text * 20_000, 2024)
        read(text * 20_000)
    evidence_of([{"a": "1.234", "b": "2", "c": "2.468"}] * 5_000)
    assert time.monotonic() - begun < 10


def test_a_json_schema_file_reads_its_formats_as_fields_do() -> None:
    """`format: decimal` and `date` are stored as plain values, through references and choices; faults have paths."""
    schema = schema_of_json(
        {
            "type": "object",
            "$defs": {"money": {"type": "string", "format": "decimal"}},
            "properties": {
                "total": {"$ref": "#/$defs/money"},
                "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                "items": {"type": "array", "items": {"properties": {"net": {"$ref": "#/$defs/money"}}}},
                "currency": {"type": "string", "format": "currency"},
                "text": {"type": "string"},
            },
        },
        "bill",
    )  # fmt: skip
    answer = {
        "total": "1.234,56 €",
        "day": "31. März 2026",
        "items": [{"net": "-5,00"}],
        "currency": "€",
        "text": "1,5",
    }
    assert schema.parse(answer) == {
        "total": "1234.56", "day": "2026-03-31", "items": [{"net": "-5.00"}], "currency": "EUR", "text": "1,5"
    }  # fmt: skip
    with pytest.raises(InvalidRecord) as refused:
        schema.parse({"total": "abc", "items": [{"net": "1.234"}]})
    assert [fault.path for fault in refused.value.faults] == ["total", "items.0.net"]
    assert schema.parse({"total": "1.234"}, PageHabits(","))["total"] == "1234"


@pytest.mark.parametrize("printed", ["EUR.50", "CHF.500", "RM.50", "Rs,500", "No.50"])
def test_a_mark_between_a_word_and_a_number_is_never_guessed(printed: str) -> None:
    """Only a sign that is written with a dot takes it: "Rs.500" is 500, "EUR.50" could be 50 or half a euro."""
    assert not read(printed).values


@pytest.mark.parametrize("printed", ["12⅓", "2 ⅔", "5百", "5 二", "5²", "500,00 Dr", "500,00 Soll"])
def test_what_belongs_to_the_number_or_its_sign_is_no_unit(printed: str) -> None:
    """A third behind a quantity, and a booking's side, change the value: it is refused, not read without them."""
    with pytest.raises(ValidationError):
        TypeAdapter(Quantity).validate_python(printed)


def test_a_scaled_amount_is_written_out() -> None:
    """5 MIO is 5000000 in the record, not 5E+6; the same of a number token."""
    assert str(TypeAdapter(money(scaled=True)).validate_python("5 MIO")) == "5000000"
    assert str(TypeAdapter(Money).validate_python(1e22)) == "10000000000000000000000"


def test_a_rate_with_a_dot_is_as_the_prompt_wants_it_on_any_page() -> None:
    """19.000 on pages with decimal commas is nineteen percent: a rate has no thousands."""
    told = with_evidence(Evidence(habits_of(["12,50", "3,10"])))
    assert TypeAdapter(Rate).validate_python("19.000", context=told) == 19


def test_each_page_is_read_by_its_own_habit() -> None:
    """A German page beside an English one: 1.234 and 1,567 are both thousands where they stand."""
    mixed = habits_of_pages([["1.234", "12,50", "3.400,00"], ["1,567", "12.50", "3,400.00"]])
    assert mixed.decimal is None
    told = with_evidence(Evidence(mixed))
    assert TypeAdapter(list[Money]).validate_python(["1.234", "1,567"], context=told) == [1234, 1567]


def test_a_text_keeps_the_habit_of_the_window_that_it_was_read_from() -> None:
    """When windows whose pages differ are put together, what was settled in one is not open again."""
    german, english = habits_of(["12,50", "3.400,00"]), habits_of(["12.50", "3,400.00"])
    joined = together([german, english], [{"a": "1.234"}, {"b": "1,567"}])
    told = with_evidence(Evidence(joined))
    assert TypeAdapter(list[Money]).validate_python(["1.234", "1,567"], context=told) == [1234, 1567]
    both = with_evidence(Evidence(together([german, english], [{"a": "1.234"}, {"b": "1.234"}])))
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python("1.234", context=both)
