"""What the commands print: tables for people, JSON and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.errors import BadConfiguration
from extractors.vocabulary import DocumentStatus, PageStatus
from flows.export.cells import cell, neutral
from flows.observe.summary import Summary
from flows.run.job import Job
from flows.schema_lookup import find_schema
from flows.settings import settings
from flows.store.queries import known_schemas, quarantine_details, quarantined, record_rows, whole_records
from flows.store.store import Store
from schemas.builtin import BUILTIN
from schemas.portable import NotPortable, portable

_WIDEST = 28
"""Characters of one cell in a table for people; the other formats hold everything."""

_UNSHOWN = {"record_id", "extraction_id", "status"}
_ALWAYS = ("document_uri", "grounded", "issue_count")

_TOLD = 20
"""Troubles told after a run; `octavo quarantine list` has them all."""


def show_summary(summary: Summary, job: Job, console: Console) -> None:
    """Tells a person how a run went, what needs her, and what to do next."""
    counts, pages = summary.documents, summary.pages
    if not counts["seen"]:
        console.print(f"No documents in {' '.join(job.sources)}: nothing to do.")
        return
    for other in summary.not_documents[:_TOLD]:
        console.print(Text(f"skipped {other.uri}: {other.cause}", style="dim"))
    taken = counts["seen"] - counts["skipped"]
    if taken:
        table = Table(title=f"{taken} documents in {summary.as_json()['seconds']:.1f} s", title_justify="left")
        for heading in ("documents", "count", "pages", "number"):
            table.add_column(heading, justify="right" if heading in {"count", "number"} else "left")
        states = tuple(DocumentStatus)
        for status, page in zip(states, (*PageStatus, None), strict=True):
            table.add_row(
                status, str(counts[status]), page or "records", str(pages[page] if page else summary.records)
            )
        console.print(table)
        console.print(_cost(summary))
    else:
        console.print(f"Nothing to do: {_done_before(summary)}. No call was made, nothing was paid.")
    if summary.troubles:
        _show_troubles(summary, console)
    if taken and counts["skipped"]:
        console.print(f"{_done_before(summary)}.")
    if summary.paused:
        console.print(Text(f"Paused: {summary.paused}. Run the same command again to go on.", style="bold yellow"))
    earlier = summary.done_before[DocumentStatus.QUARANTINED] + summary.done_before[DocumentStatus.PARTIAL]
    if earlier:
        console.print(
            f"{earlier} of an earlier run are not complete: `octavo quarantine list`, then `octavo quarantine retry`"
        )


def _cost(summary: Summary) -> str:
    counted = summary.as_json()
    tokens = counted["tokens"]
    parts = [
        f"{counted['model_calls']} model calls",
        f"{counted['retries']} retries" if counted["retries"] else "",
        f"{counted['replies_reused']} stored replies reused" if counted["replies_reused"] else "",
        f"{tokens['input']:,} tokens in, {tokens['output']:,} out",
        f"${counted['cost_usd']:.4f}",
    ]
    return ", ".join(part for part in parts if part)


def _done_before(summary: Summary) -> str:
    parts = [f"{count} already {status}" for status, count in sorted(summary.done_before.items())]
    others = summary.documents["skipped"] - sum(summary.done_before.values())
    return ", ".join([*parts, *([f"{others} not documents"] if others else [])])


def _show_troubles(summary: Summary, console: Console) -> None:
    table = Table(title="Not complete", title_justify="left")
    for heading in ("status", "kind", "document", "pages", "why"):
        table.add_column(heading, overflow="fold")
    for trouble in summary.troubles[:_TOLD]:
        name = trouble.uri.rsplit("/", 1)[-1]
        table.add_row(trouble.status, trouble.kind, name, trouble.pages, Text(trouble.cause or ""))
    console.print(table)
    if summary.trouble_count > _TOLD:
        kinds = ", ".join(f"{count} {kind}" for kind, count in summary.kinds.most_common())
        console.print(f"... and {summary.trouble_count - _TOLD} more: `octavo quarantine list`. In all: {kinds}")


def show_records(schema: str, form: str, url: str | None) -> int:
    """Prints the current records of a schema, from its view."""
    name = _schema_name(schema)
    with Store.open(url or settings().store, read_only=True) as store:
        known = known_schemas(store)
        if name not in known:
            have = f"it has {', '.join(known)}" if known else "it has no records yet"
            raise BadConfiguration(f"no records of a schema {name!r} in {store.shown_url}: {have}")
        if form in {"json", "jsonl"}:
            _print_json(whole_records(store, name), lines=form == "jsonl")
            return 0
        columns, rows = record_rows(store, name)
    write = {"table": _as_table, "csv": _as_csv}[form]
    write(name, columns, rows)
    return 0


def _schema_name(spec: str) -> str:
    """`invoice`, or the name of the schema that `file.py:Model` declares."""
    return find_schema(spec).name if ":" in spec or spec.endswith(".json") else spec


def _as_table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """As many columns as the screen has room for, of those that hold something; the rest is named.

    Full columns come before sparse ones, and they are taken from both ends: a schema begins with what a record
    is called and ends with what it comes to.
    """
    console = Console(highlight=False)
    cells = {
        column: [_cell(column, row[number]) for row in rows]
        for number, column in enumerate(columns)
        if column not in _UNSHOWN and any(row[number] is not None for row in rows)
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
    hidden = [column for column in cells if column not in shown]
    if hidden:
        console.print(Text(f"and {', '.join(hidden)}: --format json, csv or jsonl", style="dim"))


def _cell(column: str, value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    if column == "document_uri":
        text = text.rsplit("/", 1)[-1]
    if column == "grounded":
        text = f"{float(value):.0%}" if value is not None else ""
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


def show_quarantine(url: str | None) -> int:
    """One line for each document that is quarantined or partial."""
    console = Console(highlight=False)
    with Store.open(url or settings().store, read_only=True) as store:
        entries = quarantined(store)
    if not entries:
        console.print("Nothing is quarantined.")
        return 0
    table = Table(title=f"{len(entries)} documents are not complete", title_justify="left")
    for heading in ("id", "status", "kind", "schema", "document", "pages", "why"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        name = entry.uris[0].rsplit("/", 1)[-1] if entry.uris else "(no object shows these bytes any more)"
        more = f" (+{len(entry.uris) - 1})" if len(entry.uris) > 1 else ""
        pages = ", ".join(str(page) for page in entry.failed_pages)
        table.add_row(
            str(entry.id), entry.status, entry.kind, entry.schema_name, name + more, pages, Text(entry.cause or "")
        )
    console.print(table)
    console.print("`octavo quarantine show ID` tells more; `octavo quarantine retry` tries again.")
    return 0


def show_quarantined(number: int, url: str | None, images: Path | None = None) -> int:
    """One document's trouble: its cause, its pages, what the model wrote, and its pages as images if wanted."""
    console = Console(highlight=False, soft_wrap=True)
    with Store.open(url or settings().store, read_only=True) as store:
        details = quarantine_details(store, number)
    if details is None:
        raise BadConfiguration(f"there is no extraction {number}: `octavo quarantine list` shows the ids")
    console.print(f"[bold]{details.status}[/]: {details.kind}, {details.schema_name}")
    for uri in details.uris:
        console.print(Text(uri))
    console.print(Text(details.cause or ""))
    for page in details.pages:
        console.print(f"page {page.page}: {page.status}" + (f" ({page.kind})" if page.kind else ""))
    for reply in details.replies:
        console.print(f"[dim]reply of {reply.endpoint} ({reply.model}), HTTP {reply.status}, as it came:[/]")
        console.print(Text(reply.body))
    if images is not None:
        from flows.report.page_images import page_images

        for line in page_images(details, images):
            console.print(Text(line))
    return 0


def show_schemas() -> int:
    """The built-in schemas, a line each."""
    table = Table(title="Built-in schemas", title_justify="left")
    table.add_column("name")
    table.add_column("what it is")
    table.add_column("fields")
    for name, model in BUILTIN.items():
        about = (model.__doc__ or "").strip().splitlines()[0]
        table.add_row(name, about, ", ".join(model.model_fields))
    Console(highlight=False).print(table)
    print("Your own: package.module:Model, path/to/file.py:Model, or a JSON Schema file.")
    return 0


def show_schema(spec: str) -> int:
    """The schema as the model is asked for it, as JSON."""
    print(json.dumps(_portable(spec), ensure_ascii=False, indent=2))
    return 0


def check_schema(spec: str) -> int:
    """Says whether a schema can be asked for, and whether what it is answered comes out everywhere unchanged.

    Raises:
        BadConfiguration: it cannot, or something is lost; the message has every fault.
    """
    from flows.cli.schema_check import checked

    schema = find_schema(spec)
    verdict = checked(schema)
    if verdict.faults:
        raise BadConfiguration(
            "\n  ".join([f"schema {schema.name} has {len(verdict.faults)} faults:", *verdict.faults])
        )
    fields = _portable(spec)["properties"]
    print(f"{schema.name} can be asked for: {len(fields)} fields ({', '.join(fields)})")
    print("a made-up answer came out of the record, the view and the exports unchanged")
    for told in verdict.untried:
        print(f"not tried: {told}")
    for told in verdict.unsent:
        print(f"not sent to the model, checked here: {told}")
    return 0


def _portable(spec: str) -> dict[str, Any]:
    schema = find_schema(spec)
    try:
        return portable(schema.json_schema)
    except NotPortable as error:
        raise BadConfiguration(f"schema {schema.name}: {error}") from None
