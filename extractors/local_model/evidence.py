"""What the whole document tells about single values: its decimal mark, its order of day and month, its currency."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractors.local_model.amounts import Amount, amounts, currency, decimal_mark
from extractors.local_model.dates import Habits, PrintedDate, dates, habits_of, without_dates
from extractors.pages.lines import Line, ReadPage


@dataclass(frozen=True)
class Evidence:
    """The habits of one document.

    Attributes:
        mark: its decimal mark, or None.
        habits: how it writes dates.
        currency: the currency its amounts are in, or None.
    """

    mark: str | None
    habits: Habits
    currency: str | None

    def amounts(self, text: str) -> list[Amount]:
        """The numbers of a text that are no part of a date."""
        return amounts(without_dates(text, self.habits), self.mark)

    def dates(self, text: str, *, without_year: bool = False) -> list[PrintedDate]:
        """The dates of a text."""
        return dates(text, self.habits, without_year=without_year)


def evidence_of(pages: Sequence[ReadPage]) -> Evidence:
    """The habits of a document, from every line of its pages."""
    texts = [segment.text for page in pages for line in page.lines for segment in line.segments]
    return Evidence(decimal_mark(texts), habits_of(texts), currency(texts))


def all_lines(pages: Sequence[ReadPage]) -> list[Line]:
    """Every line of the document, in reading order."""
    return [line for page in pages for line in page.lines]
