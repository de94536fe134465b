"""Telephone numbers on a page: their digits are no amounts. Pure."""

import re
from bisect import bisect_right

from extractors.answers.page_text import PageText

_CALLED = re.compile(r"(?<!\w)\+[0-9]{1,3}[ (/-]?[0-9 ()/.-]{5,20}[0-9]|(?<!\w)\([0-9]{3,5}\) ?[0-9][0-9 -]{4,12}")
_SIGNED, _LEAST_CALLED = re.compile(r"\+[0-9]+(?:[.,'][0-9]{3})*[.,][0-9]{2}|\([0-9]+\)"), 7
"""What is no telephone number, and how many digits one has at least."""


def telephones(text: PageText) -> list[tuple[int, int]]:
    """Where telephone numbers begin and end in a page's text."""
    if "+" not in text.plain and "(" not in text.plain:
        return []
    found = (_called(match, text) for match in _CALLED.finditer(text.plain.replace("\n", " ")))
    return [span for span in found if span is not None]


def _called(match: re.Match[str], text: PageText) -> tuple[int, int] | None:
    """Where a telephone number stands: in one cell, and not where an amount does, "+450.50"."""
    start, end = match.span()
    first = bisect_right(text.starts, start) - 1
    last = bisect_right(text.starts, end - 1) - 1
    apart = next((word for word in range(first, last) if not text.is_close(word, word + 1)), last)
    number = match[0][: text.starts[apart + 1] - 1 - start]
    if sum(map(str.isdecimal, number)) < _LEAST_CALLED or _SIGNED.fullmatch(number):
        return None
    return start, start + len(number)
