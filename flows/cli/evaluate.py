"""`octavo evaluate`: how many of the store's values are right, as tables or JSON."""

import json as json_text
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.vocabulary import EvidenceState
from flows.cli.options import StoreUrl, command, settings_with
from flows.evaluation.evaluate import Evaluation, Tally, evaluate
from flows.evaluation.tables import as_rows
from flows.schema_lookup import name_of
from flows.store.store import Store

_TOLD = 20
"""Misses, and documents without a record, that a person is told; `--json` has them all."""

_LONGEST = 90
"""Characters told of one value."""

_STATES = {
    EvidenceState.FOUND: "found on the page",
    EvidenceState.NOT_FOUND: "not found",
    EvidenceState.NOT_CHECKABLE: "not checkable",
}
"""What became of looking for values."""

_NOTHING = {"extra": (0,)} | {state.replace("_", " "): ("",) for state in EvidenceState}
"""What stands in columns that are left out where they hold nothing else."""

_WHERE = _STATES | {EvidenceState.NOT_FOUND: "not found on the page"}
"""What became of looking for a value."""


app = command(
    "evaluate",
    """
octavo evaluate labels.jsonl --schema invoice
octavo evaluate s3://bucket/labels.csv --schema invoice --json
""",
)


@app.default
def _evaluate(
    labels: Annotated[
        str,
        Parameter(
            help="JSON Lines, or CSV by its name, here or at s3://: each line names a document (sha256, uri or file) "
            "and its true values, under the schema's names"
        ),
    ],
    /,
    *,
    schema: Annotated[str, Parameter(help="whose records")],
    json: Annotated[bool, Parameter(help="print one JSON object instead of tables")] = False,
    store: StoreUrl = None,
) -> int:
    """Holds the records that are in the store now against true values: extract first. Nothing is paid here."""
    settings = settings_with(store=store)
    with Store.open(settings.store, read_only=True) as opened:
        found = evaluate(opened, schema_name=name_of(schema), place=labels, max_bytes=settings.max_bytes)
    if json:
        print(json_text.dumps(found.as_json(), ensure_ascii=False, default=str))
    else:
        _show(found)
    return 0


def _show(found: Evaluation) -> None:
    console = Console(highlight=False, soft_wrap=True)
    rows = as_rows(found)
    # Of all columns those that hold something: not every schema has lists, not every document is a scan.
    shown = [name for name in rows[0] if any(row[name] not in _NOTHING.get(name, ()) for row in rows)]
    title = f"{found.schema_name}: {found.compared} records against their labels"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in shown:
        left = heading == "field"
        table.add_column(heading, justify="left" if left else "right", no_wrap=left, overflow="fold")
    for row in rows:
        table.add_row(*(str(row[name]) for name in shown))
    console.print(table)
    console.print(_precision(found.total))
    _show_misses(found, console)
    if found.without_record:
        console.print(f"{len(found.without_record)} labels without a record, which count nowhere above:")
        for document, why in list(found.without_record.items())[:_TOLD]:
            console.print(Text(f"  {document}: {why}"))
    if found.not_compared:
        console.print(
            Text(f"Not fields of the schema, so not compared: {', '.join(found.not_compared)}", style="dim")
        )


def _precision(total: Tally) -> str:
    """Whether a value that was found on the page can be relied on more than one that was not."""
    parts = []
    for state, counts in total.by_state.items():
        name, count = _STATES[state], sum(counts.values())
        if state == EvidenceState.NOT_CHECKABLE and not count:
            continue
        share = f", {counts['right'] / count:.1%}" if count else ""
        parts.append(f"{name}: {counts['right']} of {count} right{share}")
    return "Values " + "; ".join(parts) + "."


def _show_misses(found: Evaluation, console: Console) -> None:
    if found.misses:
        console.print("Not right:")
    for miss in found.misses[:_TOLD]:
        mark = miss.mark
        where = "" if mark.state is None else f", {_WHERE[mark.state]}"
        label = "" if mark.verdict == "extra" else f"label {_told(mark.truth)}, "
        told = f"  {miss.document}, record {miss.record_id}, {mark.field}: {mark.verdict}: {label}"
        console.print(Text(f"{told}record {_told(mark.said)}{where}"))
    if len(found.misses) > _TOLD:
        console.print(f"... and {len(found.misses) - _TOLD} more: --json has them all")


def _told(value: object) -> str:
    text = json_text.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    text = "has none" if value is None else text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
