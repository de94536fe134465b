"""How often the built-in model reads a field right, on the labelled documents of ../shared/data/real.

    python tests/benchmarks/accuracy.py [-v] [--labels ../shared/data/real]

Each document goes the whole way (render, read, validate, store), so what is scored is the record that a user
gets. A field counts when it equals the label after normalisation: case, blanks and punctuation of texts, the
value of an amount, the day of a date. Fields that the label set does not hold, or says are not printed, do not
count. `-v` names every miss. The general matching was tuned on these documents: on others expect less.
"""

import argparse
import asyncio
import json
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings
from flows.store.queries import record_rows
from flows.store.store import Store

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LABELS = {
    "invoice": {
        "number": ("invoice_number",),
        "date": ("issue_date", "date", "invoice_date"),
        "total": ("grand_total", "amount", "total_amount"),
        "currency": ("currency",),
    },
    "receipt": {"date": ("date",), "total": ("total",), "company": ("company",)},
}
"""The label set's names for what is scored."""

FIELDS = {"date": {"invoice": "issue_date"}, "company": {"receipt": "merchant"}}
"""Where the record's name differs from the score's."""


@dataclass(frozen=True)
class Labelled:
    """One document with its truth. `group` is what its result counts under.

    The truth of a credit note is `unsigned`: EN 16931 writes its amounts without the minus that the page prints.
    """

    path: Path
    schema: str
    language: str
    group: str
    truth: Mapping[str, object]
    unsigned: bool = False


def main() -> None:
    """Reads every labelled invoice and receipt, and prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/real"), help="folder with labels.jsonl")
    parser.add_argument("-v", "--verbose", action="store_true", help="name every miss")
    options = parser.parse_args()
    if not (options.labels / "labels.jsonl").exists():
        parser.exit(2, f"no labels.jsonl in {options.labels}: give the folder with --labels\n")
    documents = labelled(options.labels)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        records = {schema: read(schema, documents, Path(folder)) for schema in LABELS}
    show(documents, records, console, verbose=options.verbose)


def labelled(folder: Path) -> list[Labelled]:
    """The invoices and receipts of a label set."""
    found = []
    for line in (folder / "labels.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        schema = {"invoice": "invoice", "credit_note": "invoice", "receipt": "receipt"}.get(entry["doc_type"])
        if schema is None:
            continue
        unprinted = entry.get("expected_not_on_page") or {}
        truth = {
            name: entry["expected"][label]
            for name, labels in LABELS[schema].items()
            for label in labels
            if label in entry["expected"] and label not in unprinted
        }
        group = "digital invoices" if entry["modality"] == "digital_pdf" else f"photographed {schema}s"
        found.append(
            Labelled(
                folder / entry["file"], schema, entry["language"], group, truth, entry["doc_type"] == "credit_note"
            )
        )
    return found


def read(schema: str, documents: list[Labelled], folder: Path) -> dict[str, dict[str, Any]]:
    """File name -> record, for every document of a schema."""
    sources = tuple(str(one.path) for one in documents if one.schema == schema)
    store = f"sqlite:///{folder / schema}.db"
    asyncio.run(
        run_job(
            Job(sources=sources, schema_name=schema, endpoints=("local",), store=store), read_settings(), Silent()
        )
    )
    with Store.open(store) as opened:
        columns, rows = record_rows(opened, schema)
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return {record["document_uri"].rsplit("/", 1)[-1]: record for record in records}


def show(
    documents: list[Labelled], records: Mapping[str, Mapping[str, Any]], console: Console, *, verbose: bool
) -> None:
    """Prints a table by group and field, then by language."""
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in documents:
        record = records[one.schema].get(one.path.name) or {}
        for name, truth in one.truth.items():
            said = record.get(FIELDS.get(name, {}).get(one.schema, name))
            if one.unsigned and name == "total" and said is not None:
                said = abs(Decimal(str(said)))
            right = SAME[name](truth, said)
            hits[one.group, name].append(right)
            hits[f"{one.schema}s in {one.language}", name].append(right)
            if verbose and not right:
                console.print(f"{one.path.name} {name}: printed {truth!r}, read {said!r}", highlight=False)
    names = list(dict.fromkeys(name for fields in LABELS.values() for name in fields))
    table = Table()
    for heading in ("documents", *names):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "documents" else "right")
    for group in sorted({group for group, _ in hits}, key=lambda group: (" in " in group, group)):
        table.add_row(group, *(_share(hits.get((group, name))) for name in names))
    console.print(table)


def _share(results: list[bool] | None) -> str:
    return f"{sum(results)} of {len(results)}" if results else ""


def _same_text(truth: object, said: object) -> bool:
    return _folded(truth) == _folded(said)


def _same_amount(truth: object, said: object) -> bool:
    try:
        return Decimal(re.sub(r"[^\d.]", "", str(truth))) == Decimal(str(said))
    except InvalidOperation:
        return False


def _same_day(truth: object, said: object) -> bool:
    return str(said) == _day(str(truth))


def _day(text: str) -> str:
    """The day of a label, as ISO text: year first, else day before month where both are possible."""
    parts = re.findall(r"\d+|[A-Za-z]{3}", text)
    numbers = [MONTHS.index(part.lower()) + 1 if part.isalpha() else int(part) for part in parts]
    if numbers[0] < 1900:
        first, second, year = numbers
        day, month = (first, second) if second <= 12 else (second, first)
        numbers = [year if year > 99 else 2000 + year, month, day]
    return date(*numbers).isoformat()


def _folded(value: object) -> str:
    plain = unicodedata.normalize("NFKD", str(value))
    return "".join(character for character in plain.lower() if character.isalnum())


SAME: dict[str, Callable[[object, object], bool]] = {
    "number": _same_text,
    "date": _same_day,
    "total": _same_amount,
    "currency": _same_text,
    "company": _same_text,
}

if __name__ == "__main__":
    main()
