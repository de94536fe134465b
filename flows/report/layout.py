"""A record as a person reads it: values with where they were found, tables for lists, boxes on its pages. Pure."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractors.documents import PageFailure, PageImage
from extractors.vocabulary import EvidenceState
from flows.report.findings import notes_of, pages_with_values, share_told, shortened, state_of, told_of
from flows.store.counts import StoredRecord

_MOST_VALUES = 200
"""Values shown of one record."""

_MOST_ISSUES = 20
_MOST_PAGES = 2
"""Pages drawn of one record."""


@dataclass(frozen=True)
class Cell:
    """One value.

    Attributes:
        path: of the value in its record (`line_items.0.amount`).
        text: the value, shortened.
        state: what became of looking for it on the pages.
        told: where it was found, or why not.
        number: of its box on a page that is shown here, or None.
        box: that box's id, likewise.
    """

    path: str
    text: str
    state: EvidenceState
    told: str
    number: int | None = None
    box: str | None = None


@dataclass(frozen=True)
class Listing:
    """A list of the record as a table: its name, its columns, and a cell or None under each."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]


@dataclass(frozen=True)
class Box:
    """A value's place on a page, in percent of the page's width and height, origin top left."""

    id: str
    number: int | None
    title: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """A page: its image as a data URI with boxes on it, or a note that says why there is none."""

    page: int
    source: str = ""
    note: str = ""
    width: int = 0
    height: int = 0
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A record laid out.

    Attributes:
        record: itself.
        uri: of an object that shows the document, shortened.
        grounded: how many of the checked values were found, or that none was checked.
        fields: values that stand in no list.
        listings: its lists.
        empty: paths of the fields that the document does not show.
        hidden: values that are not shown here, being too many.
        issues: the first of them.
        hidden_issues: how many more there are.
        pictures: its pages with values.
        notes: why no page is shown, that more pages hold values, or why values could not be looked for.
    """

    record: StoredRecord
    uri: str
    grounded: str
    fields: tuple[Cell, ...]
    listings: tuple[Listing, ...]
    empty: tuple[str, ...]
    hidden: int
    issues: tuple[dict[str, Any], ...]
    hidden_issues: int
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]


def pages_to_draw(record: StoredRecord) -> tuple[int, ...]:
    """The pages with most of its values, and those on which none can be looked for; else the first; in page order."""
    most = [page for page, _ in pages_with_values(record).most_common(_MOST_PAGES)]
    most += [page for page in record.wordless if page not in most]
    return tuple(sorted((most or record.pages)[:_MOST_PAGES]))


def sheet(
    record: StoredRecord, drawn: Sequence[PageImage | PageFailure], note: str, order: Sequence[str] = ()
) -> Sheet:
    """Lays a record out.

    Args:
        record: from the store.
        drawn: some of its pages.
        note: why none could be drawn; empty when some were.
        order: the schema's paths as declared, for PostgreSQL forgets the order of keys.
    """
    place = {path: number for number, path in enumerate(order)}
    leaves = sorted(_leaves(record.data), key=lambda leaf: _place(leaf[0], place))
    filled = [(path, value) for path, value in leaves if value is not None]
    shown = _first(filled)
    evidence = {item["path"]: item for item in record.evidence}
    with_image = {page.page for page in drawn if isinstance(page, PageImage) and page.jpeg}
    cells, boxed = [], 0
    for path, value in shown:
        found = evidence.get(path)
        cell = Cell(path, _text(value), state_of(found), told_of(path, value, found, record))
        if found and found["box"] is not None and found["page"] in with_image:
            boxed += 1
            cell = replace(cell, number=boxed, box=f"r{record.id}v{boxed}")
        cells.append(cell)
    return Sheet(
        record=record,
        grounded=share_told(record),
        uri=shortened(record.uris[0]) if record.uris else "(no object shows these bytes any more)",
        fields=tuple(cell for cell in cells if _list_of(cell.path) is None),
        listings=_listings(cells),
        empty=tuple(path for path, value in leaves if value is None and _list_of(path) is None),
        hidden=len(filled) - len(shown),
        issues=tuple({**issue, "message": shortened(issue["message"])} for issue in record.issues[:_MOST_ISSUES]),
        hidden_issues=max(0, len(record.issues) - _MOST_ISSUES),
        pictures=tuple(_picture(page, cells, evidence) for page in drawn),
        notes=(*filter(None, [note]), *notes_of(record, {page.page for page in drawn})),
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path, in order; an empty list counts as a value that is not there."""
    if isinstance(value, dict) and value:
        inner = list(value.items())
    elif isinstance(value, list) and value:
        inner = list(enumerate(value))
    else:
        yield path, None if value in ({}, []) else value
        return
    for key, child in inner:
        yield from _leaves(child, f"{path}.{key}" if path else str(key))


def _place(path: str, place: dict[str, int]) -> tuple[int, int, int]:
    """Where a value stands: by its field or list, then by its row there, then by its column."""
    listed = _list_of(path)
    if listed is None:
        return place.get(path, len(place)), 0, 0
    name, row, column = listed
    return place.get(name, len(place)), row, place.get(f"{name}.{column}", len(place))


def _first(filled: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """As many as are shown: those in no list first, since a schema ends with its totals, then whole rows."""
    ordered = sorted(filled, key=lambda leaf: _list_of(leaf[0]) is not None)
    shown = ordered[:_MOST_VALUES]
    while len(shown) < len(ordered) and _row_of(ordered[len(shown)][0]) == _row_of(shown[-1][0]) is not None:
        shown.append(ordered[len(shown)])
    return shown


def _row_of(path: str) -> tuple[str, int] | None:
    where = _list_of(path)
    return where and where[:2]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else shortened(value)


def _list_of(path: str) -> tuple[str, int, str] | None:
    """`line_items.0.amount` -> (`line_items`, 0, `amount`); None when no list is on the way."""
    steps = path.split(".")
    for place, step in enumerate(steps):
        if place and step.isdecimal():
            return ".".join(steps[:place]), int(step), ".".join(steps[place + 1 :])
    return None


def _listings(cells: Sequence[Cell]) -> tuple[Listing, ...]:
    found: defaultdict[str, defaultdict[int, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        where = _list_of(cell.path)
        if where is not None:
            name, row, column = where
            found[name][row][column] = cell
    listings = []
    for name, rows in found.items():
        columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
        listings.append(
            Listing(name, columns, tuple(tuple(row.get(column) for column in columns) for row in rows.values()))
        )
    return tuple(listings)


def _picture(page: PageImage | PageFailure, cells: Sequence[Cell], evidence: dict[str, Any]) -> Picture:
    if isinstance(page, PageFailure):
        return Picture(page.page, note=f"cannot be drawn: {page.cause}")
    if not page.jpeg:
        return Picture(page.page, note="blank")
    boxes = tuple(
        _box(cell, evidence[cell.path]["box"])
        for cell in cells
        if cell.box is not None and evidence[cell.path]["page"] == page.page
    )
    source = "data:image/jpeg;base64," + base64.b64encode(page.jpeg).decode()
    return Picture(page.page, source, width=page.width, height=page.height, boxes=boxes)


def _box(cell: Cell, box: Sequence[float]) -> Box:
    left, top, right, bottom = (round(100 * min(max(float(side), 0), 1), 2) for side in box)
    width, height = round(right - left, 2), round(bottom - top, 2)
    return Box(str(cell.box), cell.number, f"{cell.path}: {cell.text}", left, top, width, height)
