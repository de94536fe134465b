"""A list with an entry for each page: which of several described kinds a page is, and whether one begins on it.

The kinds come from the question, each with the names that are printed on its pages; none is known here.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum

from extractors.local_model.wanted import Field, Group, Rows
from extractors.pages.lines import ReadPage
from schemas.folding import words

_COUNTER = re.compile(
    r"\b(?:page|seite|pagina|página|blatt)\s*(\d{1,4})\b"
    r"|\b(\d{1,4})\s*(?:/|of|von|de|van|sur)\s*\d{1,4}\s*$",
    re.IGNORECASE,
)
_BEGINS = {"begins", "begin", "starts", "start", "first", "beginning"}
_NAMED, _LEAST, _AS_MANY = 2.0, 1.5, 0.75
"""What a kind's own name on a page weighs beside one of its labels; the least for a page to be of a kind; the share
of a first page's labels with which another page begins another document of that kind."""

_FEWEST = 2
"""Names that describe a kind; one with fewer is what is left when no other fits."""


def asked_by_page(group: Group) -> Rows | None:
    """The list with an entry for each page: entries hold the page's number and a choice of described kinds."""
    only = next(iter(group.children.values()), None)
    if len(group.children) != 1 or not isinstance(only, Rows) or only.single:
        return None
    number, described = only.item.children.get("page"), kind_field(only.item)
    return only if described and isinstance(number, Field) and number.kind == "integer" else None


def kind_field(item: Group) -> Field | None:
    """The entry's choice among described kinds."""
    fields = (child for child in item.children.values() if isinstance(child, Field))
    return next((field for field in fields if field.kind == "enum" and field.meanings), None)


def begin_field(item: Group) -> Field | None:
    """The entry's yes or no about whether something begins."""
    fields = (child for child in item.children.values() if isinstance(child, Field))
    return next(
        (field for field in fields if field.kind == "boolean" and (field.words | field.about) & _BEGINS), None
    )


def kinds_and_beginnings(field: Field, pages: Sequence[ReadPage]) -> list[tuple[str, bool]]:
    """Of each page its kind, and whether a document of that kind begins on it.

    Args:
        field: the choice, with what each kind's pages show.
        pages: as read, in order.
    """
    names = _names(field)
    rest = next((option for option in map(str, field.options) if option not in names), "")
    shared = Counter(name for own in names.values() for name in own)
    told: list[tuple[str, bool]] = []
    first: Counter[str] = Counter()
    for page in pages:
        text = f" {' '.join(words(page.text))} "
        found = {kind: [name for name in own if f" {name} " in text] for kind, own in names.items()}
        scores = {
            kind: fsum(1 / shared[name] for name in own) + _NAMED * (f" {' '.join(words(kind))} " in text)
            for kind, own in found.items()
        }
        best = max(scores, key=scores.__getitem__, default="")
        kind = best if scores.get(best, 0.0) >= _LEAST else rest
        count = len(found.get(kind, ()))
        begins = not told or told[-1][0] != kind or _begins(page, count, first[kind])
        if begins:
            first[kind] = count
        told.append((kind, begins))
    return told


def _names(field: Field) -> Mapping[str, tuple[str, ...]]:
    """Kind -> the folded names in its description, those after its last colon, between semicolons."""
    found = {}
    for kind, meaning in field.meanings:
        parts = [" ".join(words(part)) for part in meaning.rpartition(": ")[2].split(";")]
        if len(parts) >= _FEWEST:
            found[kind] = tuple(dict.fromkeys(part for part in parts if part))
    return found


def _begins(page: ReadPage, count: int, first: int) -> bool:
    """Whether a page of the same kind as the one before begins another document.

    Its own page number tells, or else that it names as much as a first page does.
    """
    for line in page.lines:
        match = _COUNTER.search(line.text)
        if match:
            return int(match[1] or match[2]) == 1
    return count >= _AS_MANY * first
