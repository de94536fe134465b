"""`octavo records`: tables for people, JSON and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.errors import BadConfiguration
from flows.cli.options import StoreUrl, command, settings_with
from flows.export.cells import cell, neutral
from flows.schema_lookup import name_of
from flows.store.queries import known_schemas, record_rows, whole_records
from flows.store.store import Store

_WIDEST = 28
"""Characters of one cell in a table for people; the other formats hold everything."""

_UNCHECKED = "-"
"""What stands under `grounded` where nothing could be looked for."""

_UNSHOWN = {"record_id", "extraction_id", "status"}
_ALWAYS = ("document_uri", "grounded", "issue_count")

app = command(
    "records",
    """
octavo records invoice
octavo records invoice --format csv > invoices.csv
octavo records mine.py:Ticket --format jsonl
""",
)


@app.default
def records(
    schema: Annotated[str, Parameter(help="its name, or where it is declared")],
    /,
    *,
    form: Annotated[
        Literal["table", "json", "jsonl", "csv"], Parameter(name="--format", help="of the output", show_default=True)
    ] = "table",
    store: StoreUrl = None,
) -> int:
    """Shows the current records of a schema, from its view."""
    show_records(schema, form, settings_with(store=store).store)
    return 0


def show_records(schema: str, form: str, url: str) -> None:
    """Prints them; also the last step of a first run."""
    name = name_of(schema)
    with Store.open(url, read_only=True) as store:
        known = known_schemas(store)
        if name not in known:
            have = f"it has {', '.join(known)}" if known else "it has no records yet"
            raise BadConfiguration(f"no records of a schema {name!r} in {store.shown_url}: {have}")
        if form in {"json", "jsonl"}:
            _print_json(whole_records(store, name), lines=form == "jsonl")
            return
        columns, rows = record_rows(store, name)
    write = {"table": _as_table, "csv": _as_csv}[form]
    write(name, columns, rows)


def _as_table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """As many columns as the screen has room for, of those that hold something; the rest is named.

    Full columns come before sparse ones, and they are taken from both ends: a schema begins with what a record
    is called and ends with what it comes to.
    """
    console = Console(highlight=False)
    cells = {
        column: [_cell(column, row[number]) for row in rows]
        for number, column in enumerate(columns)
        if column not in _UNSHOWN and (column in _ALWAYS or any(row[number] is not None for row in rows))
    }
    width = {column: max(len(column), *map(len, texts)) + 3 for column, texts in cells.items()}
    fields = [column for column in cells if column not in _ALWAYS]
    inward = [column for pair in zip(fields, reversed(fields), strict=True) for column in pair]
    inward.sort(key=lambda column: cells[column].count("") * 10 // max(1, len(rows)))
    order = dict.fromkeys([*(column for column in _ALWAYS if column in cells), *inward])
    room, shown = console.width - 1, set()
    for column in order:
        if width[column] <= room:
            shown.add(column)
            room -= width[column]
    table = Table(title=f"{name}: {len(rows)} records", title_justify="left")
    texts = [column for column in cells if column in shown]
    for column in texts:
        numeric = all(not isinstance(row[columns.index(column)], str | None) for row in rows)
        table.add_column(column, no_wrap=True, justify="right" if numeric else "left")
    for number in range(len(rows)):
        table.add_row(*(Text(cells[column][number]) for column in texts))
    console.print(table)
    unchecked = cells.get("grounded", []).count(_UNCHECKED)
    if unchecked:
        why = "not checked, as a scan that was not read by OCR"
        console.print(Text(f"- under grounded: {unchecked} {why}: octavo ground {name}", style="dim"))
    hidden = [column for column in cells if column not in shown]
    if hidden:
        console.print(Text(f"and {', '.join(hidden)}: --format json, csv or jsonl", style="dim"))


def _cell(column: str, value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    if column == "document_uri":
        text = text.rsplit("/", 1)[-1]
    if column == "grounded":
        text = f"{float(value):.0%}" if value is not None else _UNCHECKED
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _print_json(found: Sequence[dict[str, Any]], *, lines: bool) -> None:
    """Records as they are stored: decimals are exact texts, dates ISO texts, booleans booleans."""
    if not lines:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for record in found:
        print(json.dumps(record, ensure_ascii=False))


def _as_csv(_name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([neutral(cell(value)) for value in row] for row in (columns, *rows))
    sys.stdout.write(buffer.getvalue())
