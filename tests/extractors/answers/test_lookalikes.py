"""What OCR read is found in spite of its confusions, and a number that is nearly right is not."""

import pytest

from extractors.answers.grounding import ground
from extractors.documents import PageWords, Word


def found(value: object, line: str) -> tuple[str | None, float | None]:
    """The text that a value was found as in a line of OCR's words, and how far it is from it."""
    words = [Word(text, (0.1 * at, 0.1, 0.1 * at + 0.09, 0.12)) for at, text in enumerate(line.split())]
    (item,) = ground({"value": value}, {1: PageWords(words, by_ocr=True)})
    return item.text, item.distance


@pytest.mark.parametrize(
    ("value", "line", "text", "distance"),
    [
        ("Western Eastern Stationery", "WESTERN EASTERN STATIONERY", "WESTERN EASTERN STATIONERY", 0.0),
        ("Lian Hing Stationery", "LJAN HING STATIONERY", "LJAN HING STATIONERY", 1.0),
        ("Jalan Dinar", "No Jalan Dlnar", "Jalan Dlnar", 0.5),
        ("INV-10S5", "lNV-10S5", "lNV-10S5", 0.5),
        (10.00, "Total 1O.00", "1O.00", 0.5),
        (12.5, "Total 12. 50", "12. 50", 0.0),
        (1.38, "RM1.38", "RM1.38", 0.0),
        (0.08, "GST RMO.08", "RMO.08", 0.5),
        ("2018-01-02", "O2/01/2018 13:11", "O2/01/2018", 0.0),
    ],
)
def test_lookalikes_are_found(value: object, line: str, text: str, distance: float) -> None:
    """0 and O, 1 and l, 5 and S; the distance says how much was forgiven."""
    assert found(value, line) == (text, distance)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (16.00, "Total 10.00"), (10.00, "Total 18.00"), ("INV-1055", "INV-1056"), ("42183017", "42183077"),
        ("$120.00", "$18.00"), ("02/JMN/2017", "02/Jan/2017"), ("62/JAN/2017", "02/Jan/2017"),
        ("Morning Bite Cafe", "EVENING SNACK HOUSE"), (1000.0, "Total 1O.00"),
    ],
)  # fmt: skip
def test_a_digit_is_never_another_digit(value: object, line: str) -> None:
    """An amount, a number or a code that is nearly right is wrong."""
    assert found(value, line) == (None, None)
