"""Whether a document is of the schema's kind at all: an agreement is no invoice, whatever was answered. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from extractors.answers.merging import Part
from extractors.documents import Issue, Word
from extractors.vocabulary import IssueKind
from schemas.record import Schema, names_of_format

_ENOUGH = 50
"""Words of a page from which it is judged: one of fewer may show its amounts in a picture."""
_LABEL_END = " :.#"
# What may stand between a label and its amount: marks, and a currency.
_AMOUNT_BESIDE = r"[^\w\n]{0,4}(?:[^\W\d_]{1,3}[^\w\n]{0,2})?\d"
# "12.50" or "4,711" or "500", but no year and no small count.
_AMOUNT = re.compile(r"\d[.,'\u2019 ]\d|\d{3}")
_YEAR = re.compile(r"\D*(?:19|20)\d\d\D*")


def labelled(pages: Mapping[int, Sequence[Word]], schema: Schema) -> bool | None:
    """Whether a label of an amount of the schema stands on the pages with a number beside it.

    Returns:
        None where it cannot be told: a page has no text layer or few words, or the schema labels no amount.
    """
    label = _pattern(schema.amount_labels)
    if label is None or not pages or not all(pages.values()):
        return None
    text = " ".join(word.text for words in pages.values() for word in words).casefold()
    if label.search(text):
        return True
    return False if all(len(words) >= _ENOUGH for words in pages.values()) else None


def not_this_kind(parts: Sequence[Part], json_schema: Mapping[str, Any]) -> list[Issue]:
    """The issue of a document that shows no label of the schema's amounts and no amount of its records.

    A document of which one window cannot be told is not judged.
    """
    if not parts or any(part.labelled is not False for part in parts):
        return []
    amounts = names_of_format(json_schema, "decimal")
    printed = (item for part in parts for item in part.evidence if item.box is not None)
    if any(_name(item.path) in amounts and _is_amount(item.text or "") for item in printed):
        return []
    message = (
        "no label of the schema's amounts and no amount of the record stands on the pages: is it the right schema?"
    )
    return [Issue(IssueKind.NOT_THIS_KIND, "", message)]


def _name(path: str) -> str:
    return next((step for step in reversed(path.split(".")) if not step.isdecimal()), "")


def _is_amount(text: str) -> bool:
    return _AMOUNT.search(text) is not None and not _YEAR.fullmatch(text)


@lru_cache(maxsize=64)
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str] | None:
    plain = [" ".join(label.casefold().split()).strip(_LABEL_END) for label in labels]
    choices = "|".join(re.escape(label) for label in sorted(filter(None, plain), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{choices}){_AMOUNT_BESIDE}") if choices else None
