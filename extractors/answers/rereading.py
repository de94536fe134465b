"""A second look at one page whose table rows were missing: what it changes in its window's value. Pure.

Only rows are taken from the second look, at their page's place. Where a window holds several records, a
record is added only for a page that none stands on, and only when it cannot be the one before going on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from extractors.answers import seams
from extractors.answers.merging import Part
from extractors.documents import Evidence
from schemas.habits import together
from schemas.record import InvalidRecord, Schema
from schemas.salvage import Refused

_RECORDS = "records"
Told = TypeVar("Told", Evidence, Refused)


def with_page_again(part: Part, page: int, alone: Part, row_fields: Sequence[str], schema: Schema) -> Part:
    """The same window with what one page alone gave.

    Args:
        part: the window.
        page: that was asked for again.
        alone: what it gave.
        row_fields: paths of the lists that hold rows: `items`, or `records.items` inside each of many records.
        schema: what a record that is added must be in full.
    """
    inner = [name.removeprefix(f"{_RECORDS}.") for name in row_fields if name.startswith(f"{_RECORDS}.")]
    if not inner:
        return with_rows_of(part, page, alone, row_fields)
    own, again = _records(part), _records(alone)
    standing = [number for number, record in enumerate(own) if page in record.pages]
    if not standing:
        return _with_page_of_none(part, page, again, inner, schema)
    if len(standing) != len(again):
        return part
    for number, record in zip(standing, again, strict=True):
        own[number] = with_rows_of(own[number], page, record, inner)
    return _joined(part, own)


def _with_page_of_none(part: Part, page: int, again: list[Part], inner: Sequence[str], schema: Schema) -> Part:
    """A page that no record stands on: the record before goes on there, or others begin."""
    own = _records(part)
    place = sum(record.pages[0] < page for record in own)
    if place and len(again) == 1 and not _differ(own[place - 1].value, again[0].value):
        own[place - 1] = with_rows_of(own[place - 1], page, again[0], inner)
    elif all(_is_whole(record, schema) for record in again):
        own[place:place] = again
    return _joined(part, own)


def _records(part: Part) -> list[Part]:
    """The records of a window, each as a part of its own, with the pages that its evidence names."""
    made = []
    for number, value in enumerate(part.value.get(_RECORDS) or ()):
        place = f"{_RECORDS}.{number}"
        evidence, refused = _inside(part.evidence, place), _inside(part.refused, place)
        pages = sorted({item.page for item in evidence if item.page is not None})
        made.append(Part(tuple(pages) or part.pages, value, evidence, part.habits, refused))
    return made


def _joined(part: Part, records: Sequence[Part]) -> Part:
    evidence: list[Evidence] = []
    refused = [each for each in part.refused if not each.path.startswith(f"{_RECORDS}.")]
    for number, record in enumerate(records):
        evidence += _under(record.evidence, f"{_RECORDS}.{number}")
        refused += _under(record.refused, f"{_RECORDS}.{number}")
    value = {**part.value, _RECORDS: [record.value for record in records]}
    return replace(part, value=value, evidence=tuple(evidence), refused=tuple(refused))


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records name something differently; lists do not count, nor what one of them leaves out."""
    told = dict(_leaves(other))
    return any(path in told and told[path] != value for path, value in _leaves(one))


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, child in value.items():
        if isinstance(child, Mapping):
            yield from _leaves(child, f"{path}{name}.")
        elif child is not None and not isinstance(child, list):
            yield f"{path}{name}", child


def _is_whole(record: Part, schema: Schema) -> bool:
    try:
        schema.parse(record.value, record.habits)
    except InvalidRecord:
        return False
    return True


def with_rows_of(part: Part, page: int, better: Part, row_fields: Sequence[str]) -> Part:
    """The same window with one page's rows taken from another answer.

    A row belongs to the page that its evidence names, and one without evidence to the row's before it.

    Args:
        part: the window.
        page: whose rows are replaced.
        better: what that page alone gave; only its rows count.
        row_fields: the lists that hold rows.
    """
    value = dict(part.value)
    evidence = [item for item in part.evidence if item.path.partition(".")[0] not in row_fields]
    # What was refused in a row moves with it; a row that was refused as a whole has no place to move to.
    refused = [each for each in part.refused if not _is_in_a_row(each.path, row_fields)]
    for name in row_fields:
        own = list(enumerate(_pages_of_rows(part, name)))
        rows = [(part, row) for row, at in own if at < page]
        rows += [(better, row) for row in range(len(better.value.get(name) or ()))]
        rows += [(part, row) for row, at in own if at > page]
        if rows or own:
            value[name] = [source.value[name][row] for source, row in rows]
        for number, (source, row) in enumerate(rows):
            evidence += _under(_inside(source.evidence, f"{name}.{row}"), f"{name}.{number}")
            moving = [each for each in source.refused if _is_in_a_row(each.path, row_fields)]
            refused += _under(_inside(moving, f"{name}.{row}"), f"{name}.{number}")
    return replace(
        part, value=value, evidence=tuple(evidence), refused=tuple(refused),
        habits=together([part.habits, better.habits], [part.value, better.value]),
    )  # fmt: skip


def is_torn_between(one: Part, other: Part, row_fields: Sequence[str]) -> bool:
    """Whether a table's rows at the edge of two windows both lack what the others have, and are no halves of one.

    Not where nobody can say which rows are those of the two pages at the edge.
    """
    if one.pages[-1] + 1 != other.pages[0] or any("." in name for name in row_fields):
        return False
    for name in row_fields:
        first, second = one.value.get(name) or (), other.value.get(name) or ()
        if not first or not second or not seams.is_torn(first[-1], second[0], [*first, *second]):
            continue
        if _pages_of_rows(one, name)[-1] == one.pages[-1] and _pages_of_rows(other, name)[0] == other.pages[0]:
            return True
    return False


def with_seam_again(one: Part, other: Part, both: Part, row_fields: Sequence[str]) -> list[Part]:
    """Two windows whose rows on the pages at their edge are taken from an answer about these two pages alone."""
    nothing = Part((), {})
    rows = replace(
        both,
        value={name: both.value[name] for name in row_fields if both.value.get(name)},
        evidence=tuple(item for item in both.evidence if item.path.partition(".")[0] in row_fields),
        refused=tuple(each for each in both.refused if _is_in_a_row(each.path, row_fields)),
    )
    return [
        with_rows_of(one, one.pages[-1], nothing, row_fields), rows,
        with_rows_of(other, other.pages[0], nothing, row_fields),
    ]  # fmt: skip


def _is_in_a_row(path: str, row_fields: Sequence[str]) -> bool:
    name, _, inside = path.partition(".")
    return name in row_fields and "." in inside


def _pages_of_rows(part: Part, name: str) -> list[int]:
    named: dict[str, int] = {}
    for item in part.evidence:
        if item.page is not None:
            named.setdefault(".".join(item.path.split(".")[:2]), item.page)
    pages, page = [], part.pages[0]
    for row in range(len(part.value.get(name) or ())):
        page = named.get(f"{name}.{row}", page)
        pages.append(page)
    return pages


def _inside(told: Sequence[Told], place: str) -> tuple[Told, ...]:
    """What is told of a place, as told from there."""
    return tuple(
        replace(item, path=item.path.removeprefix(place).removeprefix("."))
        for item in told
        if item.path == place or item.path.startswith(f"{place}.")
    )


def _under(told: Sequence[Told], place: str) -> list[Told]:
    """What is told from a place, as told of the whole."""
    return [replace(item, path=f"{place}.{item.path}" if item.path else place) for item in told]
