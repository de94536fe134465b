"""Grounding: found by meaning, near its row, and never where the page does not say it."""

import random
import time
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest
from box_scores import Score
from drawing import drawn
from hypothesis import given
from hypothesis import strategies as st
from known_boxes import invoice
from labelled import labelled, leaf_values, put
from mistakes import is_printed, mistakes

from extractors.answers.grounding import ground, issues_of, share_grounded
from extractors.documents import Evidence, PageWords, Word
from extractors.vocabulary import EvidenceState
from schemas.invoice import Invoice
from schemas.leaves import leaves_of
from schemas.record import schema_of

REAL = Path(__file__).resolve().parents[4] / "shared/data/real"


def page(*lines: str) -> PageWords:
    """Words laid out line by line, a line every 0.05 of the page."""
    words = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line.split()):
            top, left = 0.05 * row, 0.1 * column
            words.append(Word(text, (left, top, left + 0.08, top + 0.03)))
    return PageWords(words)


def found(value: object, *lines: str) -> str | None:
    """The printed text that one value was grounded on."""
    (evidence,) = ground({"field": value}, {1: page(*lines)})
    return evidence.text


@pytest.mark.parametrize(
    ("value", "line", "text"),
    [
        ("1234.56", "Gesamt 1.234,56 €", "1.234,56"),
        ("1234.56", "Total 1 234,56 EUR", "1 234,56"),
        ("-12.00", "Credit (12.00)", "(12.00)"),
        ("5", "Qty 5 pcs", "5"),
        ("2024-03-31", "Datum: 31.03.2024", "31.03.2024"),
        ("2024-03-31", "Date March 31, 2024", "March 31, 2024"),
        ("2024-03-31", "le 31 mars 2024", "31 mars 2024"),
        ("2021-06-03", "made this third day of June, 2021 by", "third day of June, 2021"),
        ("2024-08-01", "den 1. August 24", "1. August 24"),
        ("2024-03-31", "2024-03-31T00:00", "2024-03-31T00:00"),
        ("2024-03-31", "01.03.2024-31.03.2024", "01.03.2024-31.03.2024"),
        ("2024-03-31", "RE-20240331/508 31/03/24", "31/03/24"),
        ("2024-03-31", "31/03 CARD PAYMENT", "31/03"),
        ("2024-01-12", "Data: 12 stycznia 2024 r.", "12 stycznia 2024"),
        ("10000", "WA997 10000,0000", "10000,0000"),
        ("1234567.00", "1 234 567,00 Ft", "1 234 567,00"),
        ("20", "20Stk FR20", "20Stk"),
        ("1.234,50 €", "1234.50", "1234.50"),
        ("EUR", "Total 5,00 €", "€"),
        ("ACME GmbH", "Rechnung Acme GmbH Berlin", "Acme GmbH"),
        ("München", "MUNCHEN", "MUNCHEN"),
        ("Rechnung", "Rech nung", "Rech nung"),
        ("00012", "Invoice 00012", "00012"),
        ("471102", "Nr.471102", "Nr.471102"),
        ("1234.50", "1 2 3 4 , 5 0", "1 2 3 4 , 5 0"),
        ("INR", "Rs. 120.50", "Rs."),
        ("DE", "DE123456789", "DE123456789"),
        ("2015-07-01", "du 1er au 31 Juillet 2015", "1er au 31 Juillet 2015"),
        ("2024-04-03", "03.04.2024", "03.04.2024"),
        ("2024-04-03", "03/04/2024 31/12/2024", "03/04/2024"),
        ("2024-03-04", "03/04/2024 $5", "03/04/2024"),
        ("7274600", "７，２７４，６００", "７，２７４，６００"),
        ("DE89 3704 0044", "IBAN DE8937040044", "DE8937040044"),
        ("Bolt 6 × 60 mm", "2 Bolt 6 x 60 mm", "Bolt 6 x 60 mm"),
        ("Bolt 6 x 60 mm", "2 Bolt 6×60 mm", "Bolt 6×60 mm"),
    ],
)
def test_values_are_found_by_meaning(value: str, line: str, text: str) -> None:
    """Locales, signs, months in words, line breaks and split words do not hide a value."""
    assert found(value, line) == text


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("12", "2012 and 120"),
        ("1250", "12 50"),
        ("1", "WELADED1MST"),
        ("2023-07-22", "07/22/24 23"),
        ("1234.56", "1234.57"),
        ("2024-03-31", "31.03.2025"),
        ("Ann", "Hannover"),
        ("EUR", "CHF"),
        ("EUR", "FORMEUR"),
        ("MYR", "FORM 12"),
        ("7250.00", "72,50"),
        ("1234567.00", "12.345,67"),
        ("2", "Q2 INGBNL2A 02/07"),
        ("7", "02/07"),
        ("2.0", "2.0-Rechnungen"),
        ("11", "1 1,0000"),
        ("555", "+1 (412) 555 0199"),
        ("18-31", "R18-31"),
        ("X18-31", "R18-31"),
        ("R18-3", "R18-31"),
        ("2013-05-03", "05.03.2013 05.03.2013"),
        ("2024-03-04", "03/04/2024 31/12/2024"),
        ("2023-03-31", "31.03. 2024"),
        ("2018-06-13", "13/06/19"),
        ("04/20/20", "04/27/20 05/03/20 04/28/20"),
        ("24.5%", "24.0% 11.5%"),
        ("OH", "oh no"),
    ],
)
def test_what_the_page_does_not_say_is_visibly_ungrounded(value: str, line: str) -> None:
    """A part of another number or word is no evidence."""
    assert found(value, line) is None


def in_schema(kind: dict[str, object], value: object, *lines: str, name: str = "number") -> Evidence:
    """Where a value of a JSON schema's property stands."""
    leaves = leaves_of({"type": "object", "properties": {name: kind}})
    (evidence,) = ground({name: value}, {1: page(*lines)}, leaves)
    return evidence


TEXT, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    ("value", "line", "text"),
    [
        ("80333", "D-80333 München", "D-80333"), ("12", "00012", None), ("00012", "12", None),
        ("562044387", "562 044 387", "562 044 387"), ("1250", "12 50", None), ("123456", "1.234,56", None),
        ("7250", "72,50", None), ("2013", "01.02.2013", None), ("33", "R18-33/A", None),
    ],
)  # fmt: skip
def test_an_identifier_is_text(value: str, line: str, text: str | None) -> None:
    """All of its letters and digits, and no more; never the digits of an amount."""
    assert in_schema(TEXT, value, line).text == text


def test_a_small_number_needs_its_label_or_its_row() -> None:
    """A 2 stands somewhere on most pages: that says nothing, and is no evidence for or against it."""
    assert in_schema(NUMBER, 2, "Page 2", name="boxes").state == "not_checkable"
    assert in_schema(NUMBER, 2, "Page 2", "Boxes: 2", name="boxes").text == "2"
    assert in_schema(NUMBER, 200, "Page 200", name="boxes").text == "200"


def test_a_judgement_is_not_looked_for() -> None:
    """Yes and no, one of a list: what is not printed of them is not invented."""
    paid = True
    assert in_schema({"type": "boolean"}, paid, "paid in full").state == "not_checkable"
    choice = {"type": "string", "enum": ["credit", "debit"]}
    assert in_schema(choice, "credit", "paid by card").state == "not_checkable"
    assert in_schema(choice, "credit", "by Credit card").state == "found"


def test_what_is_not_on_pages_whose_words_are_not_all_known_is_not_told() -> None:
    """A stamped header over a scan says nothing of the scan."""
    seen = PageWords(page("RECEIVED 2024").words, whole=False)
    assert ground({"total": "12.50"}, {1: seen})[0].state == "not_checkable"
    assert ground({"total": "2024"}, {1: seen})[0].state == "found"


def amounts(*signs: int) -> list[dict[str, float]]:
    """Rows of a list, whose amounts have these signs."""
    return [{"amount": sign * (10.25 + number)} for number, sign in enumerate(signs)]


PRINTED = tuple(f"Row{number} {10.25 + number:.2f}" for number in range(5))


@pytest.mark.parametrize(
    ("signs", "lost"),
    [
        ((1, 1, 1, 1, 1), []), ((-1, -1, -1, -1, -1), []), ((-1, -1, 1, -1, -1), [2]), ((1, 1, 1, 1, -1), [4]),
        ((1, -1, 1, -1, 1), [1, 3]),
    ],
)  # fmt: skip
def test_a_sign_is_the_pages_or_its_columns(signs: tuple[int, ...], lost: list[int]) -> None:
    """A statement may print all spendings without a minus; one that differs from its column is wrong."""
    evidence = ground({"rows": amounts(*signs)}, {1: page(*PRINTED)})
    assert [number for number, item in enumerate(evidence) if item.state == "not_found"] == lost


def test_a_sign_alone_is_the_printed_one() -> None:
    """-12.00 is not 12.00, however it is printed."""
    assert in_schema(NUMBER, -12.5, "Total 12.50", name="total").state == "not_found"
    assert in_schema(NUMBER, 12.5, "Total (12.50)", name="total").state == "not_found"
    assert in_schema(NUMBER, -12.5, "Total 12.50-", name="total").state == "found"
    assert in_schema(NUMBER, 5, "Discount -5.00", name="discount").state == "found"


def test_a_value_beside_anothers_label_is_doubted() -> None:
    """A subtotal that is taken for the total is printed, and still wrong."""
    leaves = schema_of(Invoice).leaves
    lines = ("Subtotal 100.00", "VAT 19.00", "Total 119.00")
    right = ground({"subtotal": "100.00", "total": "119.00"}, {1: page(*lines)}, leaves)
    assert [(item.text, item.doubt) for item in right] == [("100.00", None), ("119.00", None)]
    (wrong,) = ground({"total": "100.00"}, {1: page(*lines)}, leaves)
    assert wrong.text == "100.00"
    assert wrong.doubt is not None
    assert "Total" in wrong.doubt
    assert [issue.kind for issue in issues_of([wrong])] == ["misplaced"]


def test_what_stands_nowhere_is_an_issue() -> None:
    """A value that was made up never counts as sure."""
    leaves = schema_of(Invoice).leaves
    evidence = ground({"number": "RE-1", "total": "119.00"}, {1: page("Invoice No. RE-1", "Total 118.00")}, leaves)
    assert [(issue.kind, issue.path) for issue in issues_of(evidence)] == [("not_on_page", "total")]
    assert share_grounded(evidence) == 0.5
    many = [Evidence(f"rows.{number}", EvidenceState.NOT_FOUND) for number in range(150)]
    assert len(issues_of(many)) == 101
    assert "50 more" in issues_of(many)[-1].message


@pytest.mark.parametrize("seed", range(6))
def test_every_value_of_a_drawn_invoice_is_at_its_place(seed: int, tmp_path: Path) -> None:
    """However often it stands on the page: by labels, rows, columns and order."""
    known = invoice(seed)
    pages = {each.page: PageWords(each.words) for each in drawn(tmp_path, known.pdf)}
    evidence = ground(known.record, pages, schema_of(Invoice).leaves)
    assert [item.path for item in evidence if item.doubt] == []
    assert Score().add(evidence, {path: [place] for path, place in known.boxes.items()}) == []


@pytest.mark.parametrize("seed", range(2))
def test_wrong_values_of_a_drawn_invoice_are_not_found(seed: int, tmp_path: Path) -> None:
    """Whatever way a value is wrong: digits, factors of ten, signs, order of day and month, prefixes, other texts."""
    known, dice = invoice(seed), random.Random(seed)
    pages = {each.page: PageWords(each.words) for each in drawn(tmp_path, known.pdf)}
    text = " ".join(word.text for seen in pages.values() for word in seen.words)
    leaves, found, tried = schema_of(Invoice).leaves, [], 0
    for path, leaf in leaf_values(known.record):
        value = float(leaf) if path.endswith(("amount", "unit_price", "total", "tax")) else leaf
        for kind, wrong in mistakes(path, value, dice, ["Wholesome Life Foods", "Nowhere Lane"], 1):
            if kind != "sign flipped" and is_printed(wrong, text):
                continue
            changed = deepcopy(known.record)
            put(changed, path, str(wrong))
            tried += 1
            item = next(item for item in ground(changed, pages, leaves) if item.path == path)
            found += [(kind, path, wrong, item.text)] if item.state == "found" else []
    assert tried > 30
    assert found == []


@pytest.mark.skipif(not REAL.exists(), reason="the labelled documents are not here")
def test_true_values_of_real_documents_are_found() -> None:
    """Of a few of them; all, and wrong values: tests/benchmarks/bench_grounding.py."""
    documents = labelled(REAL, only=("inv_001", "inv_009", "inv_014", "form_001", "nda_002", "bank_001"))
    evidence = [item for each in documents for item in ground(each.record, each.pages, each.leaves)]
    states = Counter(item.state for item in evidence)
    assert len(documents) == 6
    assert states["found"] >= 0.99 * len(evidence)


def test_a_number_is_found_by_itself_before_inside_another() -> None:
    """2013-471102 is another number."""
    assert found("471102", "2013-471102", "471102") == "471102"
    assert found("471102", "2013-471102") is None


def test_a_row_keeps_together_and_rows_do_not_share() -> None:
    """Two lines with the same amount are grounded on their own lines."""
    lines = ("1 Apple 10.00", "1 Pear 10.00")
    value = {"items": [
        {"quantity": "1", "description": "Pear", "amount": "10.00"},
        {"quantity": "1", "description": "Apple", "amount": "10.00"},
    ]}  # fmt: skip
    tops = {item.path: item.box[1] for item in ground(value, {1: page(*lines)}) if item.box}
    assert [tops[f"items.0.{name}"] for name in ("quantity", "description", "amount")] == [0.05] * 3
    assert [tops[f"items.1.{name}"] for name in ("quantity", "description", "amount")] == [0.0] * 3


def test_an_address_in_two_columns_is_found_in_parts() -> None:
    """Its box covers both parts."""
    (evidence,) = ground({"address": "Main Street 1, 12345 Town"}, {1: page("Main Street 1", "x y", "12345 Town")})
    assert evidence.text == "Main Street 1 12345 Town"
    assert evidence.box == (0.0, 0.0, 0.28, 0.13)


def test_pages_without_words_ground_nothing() -> None:
    """A scan has no text layer: nothing can be told of its values, and no share is made up."""
    evidence = ground({"total": "1.00", "name": "x"}, {1: PageWords(())})
    assert [item.state for item in evidence] == [EvidenceState.NOT_CHECKABLE] * 2
    assert share_grounded(evidence) is None
    assert share_grounded(()) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates().map(str),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), child, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), JSON, max_size=4), st.lists(st.text(max_size=12), max_size=20)
)
def test_any_value_on_any_page_is_looked_for_without_harm(value: dict[str, object], texts: list[str]) -> None:
    """Boxes lie on the page; text is the page's own."""
    words = [Word(text, (0.1, 0.1, 0.2, 0.2)) for text in texts]
    for item in ground(value, {1: PageWords(words)}):
        assert (item.box is None) == (item.page is None)
        if item.box:
            assert item.box == (0.1, 0.1, 0.2, 0.2)


def test_very_many_equal_numbers_are_looked_through_in_linear_time() -> None:
    """A page of one number over and over: each place is told once, and none is compared with all others."""
    words = [Word("10", (0.1 * (n % 10), 0.0001 * (n // 10), 0.1 * (n % 10) + 0.05, 0.0001)) for n in range(20_000)]
    begun = time.process_time()
    (evidence,) = ground({"total": "10"}, {1: PageWords(words)})
    assert evidence.state is EvidenceState.FOUND
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("edge", [float("nan"), float("inf"), -1e308])
def test_boxes_that_are_no_boxes_raise_nothing(edge: float) -> None:
    """Of a broken file every edge may be anything: the values of its rows are still told as found."""
    words = [Word(text, (edge, edge, edge, edge)) for text in ("Shelf", "12.50", "Total", "99.00")]
    answer = {"line_items": [{"description": "Shelf", "amount": "12.50"}], "total": "99.00"}
    evidence = ground(answer, {1: PageWords(words)}, schema_of(Invoice).leaves)
    assert {item.state for item in evidence} == {EvidenceState.FOUND}


def kept(name: str, value: object, *lines: str, **kind: object) -> str:
    """How one value of a schema's field stands on a page whose words are a letter's width apart."""
    words, row = [], 0
    for row, line in enumerate(lines):
        left = 0.05
        for text in line.split():
            words.append(Word(text, (left, 0.05 * row, left + 0.01 * len(text), 0.05 * row + 0.03)))
            left += 0.01 * (len(text) + 1)
    leaves = leaves_of({"type": "object", "properties": {name: kind or {"type": "string", "format": "decimal"}}})
    (evidence,) = ground({name: value}, {1: PageWords(words)}, leaves)
    return str(evidence.state)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2500000000", "Revenue rose to $2.5 billion, and"),
        ("2500000", "Umsatz 2,5 Mio. €"),
        ("1000000", "one million dollars ($1,000,000) in cash"),
        ("500", "fünfhundert Euro (500,00 €)"),
        ("-1500", "値引き ▲1,500"),
        ("1.5", "Growth ▲1.5 %"),
        ("99.95", "Fee $99.95/month"),
        ("1.99", "2x1,99 Milk"),
        ("99.95", "Total____99.95"),
        ("12345678", "Kapital: 12.345.678,- EUR"),
        ("150000", "金額 15万円"),
        ("17.0", "Hemoglobin g/dL 13.0-17.0"),
        ("145200000", "Operating profit was €145.2m;"),
        ("1.5", "Labour 1½ hrs"),
        ("0.25", "¼ day"),
    ],
)
def test_numbers_are_found_in_the_forms_of_prose_and_receipts(value: str, line: str) -> None:
    """Scaled by a word, told twice in brackets, with an arrow for a minus, for a month, times a count, on a line."""
    assert kept("value", value, line) == "found"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2500", "Revenue rose to $2.5 billion, and"),
        ("25000000", "Umsatz 2,5 Mio. €"),
        ("50.00", "Total (50.00)"),
        ("-500", "a fee of 500 euros"),
        ("199", "2x1,99 Milk"),
        ("1", "Labour 1½ hrs"),
        ("15", "Labour 1½ hrs"),
    ],
)
def test_another_number_is_not_found_in_them(value: str, line: str) -> None:
    """The word behind a number multiplies by what it says; brackets in a table stay a minus."""
    assert kept("value", value, line) == "not_found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Rechnungsbetrag", ["der Rechnungs-", "betrag ist"]),
        ("株式会社サンプル", ["株式会社サンプル御中"]),
        ("山田太郎", ["代表取締役山田太郎"]),
        ("12345678000190", ["CNPJ: 12.345.678/0001-90"]),
        ("1234", ["Card XXXX-XXXX-XXXX-1234"]),
        ("2024-00123", ["Rechnung 2024-", "00123"]),
        ("iPhone 15", ["iPhone™ 15"]),
        ("（０９９）ＸＸＸ－ＸＸＸＸ", ["ＴＥＬ（０９９）ＸＸＸ－ＸＸＸＸ"]),
        ("Mary Ann Thistle", ["Patient: THISTLE, Mary Ann", "born"]),
    ],
)
def test_texts_are_found_as_pages_break_and_join_them(value: str, lines: list[str]) -> None:
    """Over a hyphen at a line's end, in a script without blanks, behind a mask, without a number's marks."""
    assert kept("name", value, *lines, type="string") == "found"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("Rechnungsbetrag", ["Rechnungs", "betrag"]),
        ("サンプ", ["サンプル"]),
        ("202400123", ["Rechnung 2024-", "00123"]),
        ("太", ["代表取締役山田太郎"]),
        ("田中太郎", ["代表取締役山田太郎"]),
        ("1234567800019", ["CNPJ: 12.345.678/0001-90"]),
        ("123", ["Card XXXX-XXXX-XXXX-1234"]),
        ("name", ["surname names"]),
        ("Mary Thistle", ["Thistle Mary", "Rose, Mary"]),
    ],
)
def test_a_part_of_a_text_is_not_found(value: str, lines: list[str]) -> None:
    """Two words are not one, a letter is no name, digits must be all of them."""
    assert kept("name", value, *lines, type="string") == "not_found"


def test_a_sign_may_stand_at_another_place_of_the_amount() -> None:
    """A credit note's total is negative, and the sentence under it names the amount without a sign."""
    lines = ["Total -119.00", "We will refund the amount of 119.00 shortly."]
    answer = {"total": "-119.00", "amount_due": "-119.00"}
    evidence = ground(answer, {1: page(*lines)}, schema_of(Invoice).leaves)
    assert [item.text for item in evidence] == ["-119.00", "-119.00"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("2024-03-12", "March 5 - 12, 2024"),
        ("2024-03-05", "March 5 - 12, 2024"),
        ("2024-03-05", "from 5 March to 4 April 2024"),
        ("2024-03-05", "Date 05 03 2024"),
        ("2024-03-05", "Date 0 5 0 3 2 0 2 4"),
    ],
)
def test_days_of_spans_and_boxes_are_found(value: str, line: str) -> None:
    """A span names its month once, or its year; a form has a box for each part of a day."""
    assert kept("day", value, line, type="string", format="date") == "found"


def test_a_label_beside_goes_before_a_head_far_above() -> None:
    """The net sum stands in the column headed "Gesamt", as every amount does: taken for the total it is doubted."""
    words = [Word("Gesamt", (0.8, 0.05, 0.9, 0.07))]
    for row, (label, amount) in enumerate((("Tisch", "900,00"), ("Stuhl", "600,00"), ("Bank", "0,50")), 2):
        words += [Word(label, (0.1, 0.05 * row, 0.2, 0.05 * row + 0.02))]
        words += [Word(amount, (0.8, 0.05 * row, 0.9, 0.05 * row + 0.02))]
    for row, (label, amount) in enumerate((("Nettosumme", "1.500,50"), ("Rechnungsbetrag", "1.785,60")), 7):
        words += [Word(label, (0.5, 0.05 * row, 0.7, 0.05 * row + 0.02))]
        words += [Word(amount, (0.8, 0.05 * row, 0.9, 0.05 * row + 0.02))]
    leaves = schema_of(Invoice).leaves
    told = {
        total: issues_of(ground({"total": total}, {1: PageWords(words)}, leaves)) for total in ("1500.50", "1785.60")
    }
    assert [issue.kind for issue in told["1500.50"]] == ["misplaced"]
    assert not told["1785.60"]


def test_equal_prices_of_tables_side_by_side_stay_in_their_tables() -> None:
    """Each price stands in the table that names its item, though every line shows the same price twice."""
    words, answer = [], {"left": [], "right": []}
    for row, names in enumerate((("Apple", "Chair"), ("Pear", "Table"), ("Plum", "Lamp"), ("Fig", "Rug")), 1):
        for side, (table, name) in enumerate(zip(answer, names, strict=True)):
            x, top = 0.05 + 0.5 * side, 0.05 * row
            words.append(Word(name, (x, top, x + 0.1, top + 0.02)))
            words.append(Word("5.00", (x + 0.25, top, x + 0.3, top + 0.02)))
            answer[table].append({"item": name, "price": "5.00"})
    item = {"type": "object", "properties": {"item": {"type": "string"}, "price": {"format": "decimal"}}}
    leaves = leaves_of({"properties": {table: {"items": item} for table in answer}})
    evidence = ground(answer, {1: PageWords(words)}, leaves)
    assert all((each.box[0] > 0.5) == each.path.startswith("right") for each in evidence if each.box)
